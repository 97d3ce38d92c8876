package track

import (
	"math"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Crossing is a track that went through a door or gate.
type Crossing struct {
	Track int
	Gate  string
	At    time.Time
	In    bool
}

// An Opening is a gate that opened for a visit.
type Opening struct {
	Visit ledger.VisitID
	Gate  string
	At    time.Time
	Party int // persons on this payer
}

// Between the credential and the last person of a party: a gate stays open for
// so long, and a clock may be off by so much.
const (
	passing = 10 * time.Second
	early   = time.Second
)

// An opening is a gate's opening with those who came through it.
type opening struct {
	Opening
	through []*Track // in the order they came; those beyond Party follow uninvited
}

// distance returns how far a point is from the line between A and B.
func (l Line) distance(p Point) float64 {
	dx, dy := l.B.X-l.A.X, l.B.Y-l.A.Y
	along := ((p.X-l.A.X)*dx + (p.Y-l.A.Y)*dy) / (dx*dx + dy*dy)
	along = max(0, min(1, along))
	return math.Hypot(p.X-l.A.X-along*dx, p.Y-l.A.Y-along*dy)
}

// side is positive inside.
func (l Line) side(p Point) float64 {
	s := func(p Point) float64 { return (l.B.X-l.A.X)*(p.Y-l.A.Y) - (l.B.Y-l.A.Y)*(p.X-l.A.X) }
	if s(l.Inside) < 0 {
		return -s(p)
	}
	return s(p)
}

// crosses reports whether the way from p to q goes through the line.
func (l Line) crosses(p, q Point) bool {
	if l.side(p) > 0 == (l.side(q) > 0) {
		return false
	}
	way := Line{A: p, B: q, Inside: l.A}
	return way.side(l.B) <= 0
}

// past is how far in metres beyond a line somebody must be to have crossed it:
// who stands in the door goes neither in nor out.
const past = 0.15

// cross notes when a track went through a line, from where it was last well on
// one side.
func (t *Tracker) cross(k *Track, at time.Time) {
	now := k.motion.at()
	clear := true
	for _, l := range t.config.Lines {
		if l.distance(now) < past {
			clear = false
			continue
		}
		if !l.crosses(k.well, now) {
			continue
		}
		in := l.side(now) > 0
		t.crossings = append(t.crossings, Crossing{k.ID, l.Gate, at, in})
		if !in {
			t.out(k, at)
			continue
		}
		t.pair(k, l.Gate, at)
		t.enters(k, l.Gate, at)
	}
	if clear {
		k.well = now
	}
	// Nobody asks for a crossing of ten minutes ago.
	t.crossings = slices.DeleteFunc(t.crossings, func(c Crossing) bool { return t.now.Sub(c.At) > 10*memory })
	t.openings = slices.DeleteFunc(t.openings, func(o *opening) bool { return t.now.Sub(o.At) > 10*memory })
}

// Bind says that a gate opened for a visit. The tracks that go through within
// ten seconds, as many as the party has persons, are that visit's; it may be
// said a little before or after they are seen there.
func (t *Tracker) Bind(o Opening) {
	o.Party = max(1, o.Party)
	t.openings = append(t.openings, &opening{Opening: o})
	slices.SortStableFunc(t.openings, func(a, b *opening) int { return a.At.Compare(b.At) })
	// Who was uninvited may have been early only.
	for _, other := range t.openings {
		if n := len(other.through); other.Gate == o.Gate && n > other.Party {
			other.through = other.through[:other.Party:other.Party]
		}
	}
	for _, c := range t.crossings {
		if k := t.find(c.Track); k != nil && c.In && c.Gate == o.Gate && !t.paired(k) {
			t.pair(k, c.Gate, c.At)
		}
	}
	for range o.Party {
		t.cast.invite(t.cast.admit(guest{visit: o.Visit, gate: o.Gate, opened: o.At}))
	}
}

func (t *Tracker) find(id int) *Track {
	for _, k := range t.tracks {
		if k.ID == id {
			return k
		}
	}
	return nil
}

func (t *Tracker) paired(k *Track) bool {
	return slices.ContainsFunc(t.openings, func(o *opening) bool { return slices.Contains(o.through, k) })
}

// pair gives a track to the opening it came through by: the earliest that
// still lacks somebody, or else the last one, uninvited.
func (t *Tracker) pair(k *Track, gate string, at time.Time) {
	again := t.paired(k)
	var last *opening
	for _, o := range t.openings {
		since := at.Sub(o.At)
		if o.Gate != gate || since < -early || since > passing {
			continue
		}
		last = o
		if len(o.through) < o.Party {
			break
		}
	}
	if last == nil || again && (len(last.through) >= last.Party || slices.Contains(last.through, k)) {
		return // looked out and turned back
	}
	last.through = append(last.through, k)
}

// abreast is the time in which who opens the gate first goes through first
// only a little more often than not.
const abreast = 400 * time.Millisecond

// Crossings returns who went through a gate in a window of time.
func (t *Tracker) Crossings(gate string, from, until time.Time) []Crossing {
	var found []Crossing
	for _, c := range t.crossings {
		if c.Gate == gate && !c.At.Before(from) && !c.At.After(until) {
			found = append(found, c)
		}
	}
	return found
}

// A Tailgate is a gate through which more persons came than it opened for.
type Tailgate struct {
	Gate    string
	Visit   ledger.VisitID // that it was opened for; empty if for nobody
	At      time.Time      // of the first who was uninvited
	Invited int
	Came    int
}

// Tailgates returns the gates that let in more than they opened for, of
// crossings in a window of time. A crossing for which no opening is known may
// find one until ten seconds have passed; ask for what is older than that.
func (t *Tracker) Tailgates(from, until time.Time) []Tailgate {
	var found []Tailgate
	at := map[*opening]int{}
	for _, c := range t.crossings {
		if !c.In || c.At.Before(from) || c.At.After(until) {
			continue
		}
		k := t.find(c.Track)
		i := slices.IndexFunc(t.openings, func(o *opening) bool { return slices.Contains(o.through, k) })
		if i < 0 {
			found = append(found, Tailgate{Gate: c.Gate, At: c.At, Came: 1})
			continue
		}
		o := t.openings[i]
		if slices.Index(o.through, k) < o.Party {
			continue
		}
		if _, ok := at[o]; !ok {
			at[o] = len(found)
			found = append(found, Tailgate{o.Gate, o.Visit, c.At, o.Party, len(o.through)})
		}
	}
	return found
}
