package floor

import (
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/track"
)

const (
	// leaving is how long somebody who is said to leave may still be inside: a
	// code is shown before the door is reached.
	leaving = 10 * time.Second
	// surelyOut is how sure it must be whose track went out through a door. It
	// is high because the others' beliefs know of it already: whom a track may
	// have been exchanged with is in doubt on both sides of the door.
	surelyOut = 0.95
	// stays is how probable it is that somebody is inside whose visit is said to
	// have left.
	stays = 0.02
	// forgets is after how long nobody comes back to put things back, and aDay
	// after how long it is forgotten that a visit was here at all.
	forgets = 10 * time.Minute
	aDay    = 24 * time.Hour
)

// A guest is what is known of where a visit is.
type guest struct {
	opened time.Time
	party  int
	out    map[int]bool // tracks of it that went out
	gone   time.Time    // since when nobody of it is inside; zero if somebody is
	told   bool         // by a gate, and not only seen
	empty  bool         // what it carried is forgotten
}

// comes notes that a gate opened for a visit.
func (f *Floor) comes(o track.Opening) {
	g := f.guest(o.Visit, o.At)
	g.party += max(1, o.Party)
	if g.gone.IsZero() || o.At.After(g.gone) { // an exit may be read before its entry
		g.opened, g.gone, g.told, g.empty = o.At, time.Time{}, false, false
	}
}

func (f *Floor) guest(visit ledger.VisitID, at time.Time) *guest {
	g := f.guests[visit]
	if g == nil {
		g = &guest{opened: at, out: map[int]bool{}}
		f.guests[visit] = g
	}
	return g
}

// Left says that a visit leaves: at a moment it was said at the exit that
// nobody of it stays. From shortly after that on nobody is believed to be of
// it. It may be said again.
func (f *Floor) Left(visit ledger.VisitID, at time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.known("exit of "+string(visit), at); err != nil {
		return err
	}
	if g := f.guest(visit, at); !g.told {
		g.told = true
		if g.gone.IsZero() || g.gone.After(at.Add(leaving)) {
			g.gone = at.Add(leaving)
		}
	}
	return nil
}

// doors sees who went out through a door and who turned back, since the last
// time, and forgets who is long gone.
func (f *Floor) doors() {
	if f.tracker == nil {
		return
	}
	for _, gate := range f.gates {
		for _, c := range f.tracker.Crossings(gate, f.crossed, f.upTo.Add(-1)) { // frames before upTo were seen
			if c.In {
				f.back(c.Track)
			} else {
				f.goes(c)
			}
		}
	}
	f.crossed = f.upTo
	for visit, g := range f.guests {
		if !g.empty && !g.gone.IsZero() && f.now.Sub(g.gone) > forgets {
			f.fuser.Gone(visit)
			f.tracker.Gone(visit)
			g.empty = true
		}
		if f.now.Sub(g.opened) > aDay {
			delete(f.guests, visit)
			delete(f.staff, visit)
		}
	}
}

// goes takes it that a track went out.
func (f *Floor) goes(c track.Crossing) {
	for _, k := range f.tracker.Tracks() {
		if k.ID != c.Track {
			continue
		}
		for _, s := range k.Belief() {
			if s.P < surelyOut {
				continue
			}
			g := f.guest(s.Visit, c.At)
			g.out[c.Track] = true
			if len(g.out) >= g.party && (g.gone.IsZero() || g.gone.After(c.At)) {
				g.gone = c.At
			}
		}
	}
}

// back takes it that a track came in: who went out with it has turned back.
// That a gate was told of an exit stays.
func (f *Floor) back(id int) {
	for _, g := range f.guests {
		if !g.out[id] {
			continue
		}
		delete(g.out, id)
		if !g.told {
			g.gone = time.Time{}
		}
	}
}

// inside is a belief about somebody who is in the shop at a moment: visits that
// had left by then are hardly it.
func (f *Floor) inside(b track.Belief, at time.Time) track.Belief {
	sum, left := b.Unknown(), false
	weighed := make(track.Belief, len(b))
	for i, s := range b {
		if f.hasLeft(s.Visit, at) {
			s.P *= stays
			left = true
		}
		weighed[i] = s
		sum += s.P
	}
	if !left {
		return b
	}
	for i := range weighed {
		weighed[i].P /= sum
	}
	return weighed
}

func (f *Floor) hasLeft(visit ledger.VisitID, at time.Time) bool {
	g := f.guests[visit]
	return g != nil && !g.gone.IsZero() && at.After(g.gone)
}
