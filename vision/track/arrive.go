package track

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// An arrival is a track that begins to be somebody: it came through a gate, or
// was seen where it was not before.
type arrival struct {
	track *Track
	from  time.Time // of the stay
	at    time.Time
	where Point
	off   spread
	gate  string             // it came through; empty for none
	near  string             // gate that is near; empty for none
	far   map[string]float64 // metres from each gate
}

// How often it happens that somebody appears, a m² and frame of a shop in
// which the story calls for it; what comes through a gate is one event.
const (
	sure         = 0.995 // who comes through an open gate is who it was opened for
	uninvited    = 0.005
	turnedBack   = 0.3    // who looked out comes in again
	cameBack     = 0.0005 // who left not long ago
	tooLate      = 2e-6   // who comes in when the gate was open for them long ago
	unseenGate   = 0.05   // who was let in, near the gate, and was not seen in it
	unseenDoor   = 0.004  // the same, long after it
	stranger     = 0.002  // nobody whom a gate let in, or nobody at all
	doubleTrack  = 0.05   // somebody who has a track already
	lostFound    = 0.5    // who was lost, where they are expected
	lostAnywhere = 0.002
)

// lostFor is how many seconds a camera overlooks somebody, in the mean: who was
// not seen for long has left.
const lostFor = 30.0

// walkIn is how long after a gate opened those are still awaited whom it lets in.
const walkIn = 4 * time.Second

// roomy is how wide in m² somebody who was lost is looked for.
const roomy = 4.0

// quick is how fast in m/s somebody walks in at most.
const quick = 1.8

// twinReach is how far in metres a second track of one person is from the first.
const twinReach = 0.9

// options returns who may have arrived, in a casting.
func (c *cast) options(h casting, a arrival, strange int) []option {
	all := []option{{strange, math.Log(stranger)}}
	if a.gate != "" {
		all[0].log = math.Log(uninvited)
	}
	last := map[int]int{}
	for i, name := range h.names {
		if was, ok := last[name]; !ok || !c.stays[was].present() || c.stays[i].present() {
			last[name] = i
		}
	}
	waiting := map[ledger.VisitID]bool{}
	for _, id := range slices.Sorted(maps.Keys(c.guests)) {
		g := c.guests[id]
		i, seen := last[id]
		p := 0.0
		switch {
		case g.gone || id == strange:
		case !seen && g.visit == "":
		case !seen && waiting[g.visit]: // another one of the party is as good
		case !seen:
			waiting[g.visit] = true
			p = c.expected(h, id, last, a)
		default:
			p = c.known(c.stays[i], a)
		}
		if p > 0 {
			all = append(all, option{id, math.Log(p)})
		}
	}
	return all
}

// expected is how probable it is that who a gate let in, and nobody has seen,
// is who arrived.
func (c *cast) expected(h casting, id int, last map[int]int, a arrival) float64 {
	g := c.guests[id]
	since := a.at.Sub(g.opened)
	passes := since >= -early && since <= passing
	switch {
	case since < -early:
		return 0
	case a.gate == g.gate && passes:
		return sure * prompt(since) * c.order(h, id, last, a)
	case a.gate != "":
		return tooLate
	case a.far[g.gate] > quick*since.Seconds()+1:
		return 0
	case a.near == g.gate && passes:
		return unseenGate
	}
	if since < walkIn {
		return stranger / 4 // they are still to come, through the gate
	}
	return unseenDoor * math.Exp(-since.Seconds()/lostFor)
}

// Who shows a code walks in when the gate opens, as good as always within
// soon; how much later they still do falls off by hesitates, down to dawdling.
const (
	soon      = 2 * time.Second
	hesitates = time.Second
	dawdling  = 0.05
)

// prompt is how probable it is that somebody goes through a gate so long after
// it opened for them, against at once: who follows close on another's code
// comes later than they.
func prompt(since time.Duration) float64 {
	late := max(0, since-soon)
	return dawdling + (1-dawdling)*math.Exp(-float64(late)/float64(hesitates))
}

// order is how probable it is that a guest comes before and after whom it does:
// who opened the gate first goes first, unless both came at nearly one time.
func (c *cast) order(h casting, id int, last map[int]int, a arrival) float64 {
	g, p := c.guests[id], 1.0
	for _, o := range slices.Sorted(maps.Keys(c.guests)) {
		q := c.guests[o]
		if o == id || q.visit == g.visit || q.visit == "" || q.gate != g.gate {
			continue
		}
		apart := q.opened.Sub(g.opened)
		turned := math.Exp(-float64(apart.Abs())/float64(abreast)) / 2
		i, seen := last[o]
		switch since := a.at.Sub(q.opened); {
		case !seen && since >= -early && since <= passing && apart < 0:
			p *= turned
		case !seen && since >= -early && since <= passing:
			p *= 1 - turned
		case seen && apart > 0 && !c.stays[i].crossed.IsZero():
			// The other one was before, against the order in which they opened.
			gap := a.at.Sub(c.stays[i].crossed)
			p *= math.Exp(-float64(max(0, gap-apart)) / float64(abreast))
		}
	}
	return p
}

// known is the same for somebody who was seen before.
func (c *cast) known(s *stay, a arrival) float64 {
	k := s.track
	dt := a.at.Sub(k.now).Seconds()
	switch {
	case s.out && k == a.track && a.gate != "" && a.at.Sub(s.until) < passing:
		return turnedBack
	case s.out && a.at.Sub(s.until) > memory:
		return 0
	case s.out:
		return cameBack
	case k != a.track && s.present():
		if k.motion.at().Distance(a.where) > twinReach {
			return 0
		}
		if k.beside(a.track) {
			return doubleTrack / 50
		}
		return doubleTrack
	}
	m := k.motion.after(dt)
	off, det := m.off(a.where, a.off)
	p := lostFound*math.Exp(-off/2)/(2*math.Pi*min(roomy, math.Sqrt(det))) + lostAnywhere
	if s.until.IsZero() || a.at.Sub(s.until) > gap {
		p *= math.Exp(-a.at.Sub(k.Seen).Seconds() / lostFor)
	}
	if a.gate != "" {
		p = min(p, cameBack)
	}
	return p
}

// naming is how long a track waits for its name: what a gate says may be late.
const naming = 1500 * time.Millisecond

// enters lets a track that came in through a gate wait for its name.
func (t *Tracker) enters(k *Track, gate string, at time.Time) {
	if t.cast.now(k) >= 0 {
		return // it was inside before
	}
	a := arrival{track: k, from: k.Born, at: at, where: k.motion.at(), off: k.motion.spread(), gate: gate, near: gate}
	if i := t.cast.current(k, at); i >= 0 {
		a.from = t.cast.stays[i].until // it went out, and comes in again
	}
	t.due = slices.DeleteFunc(t.due, func(o arrival) bool { return o.track == k })
	t.due = append(t.due, a)
}

// lasts is how often somebody must be seen who came through no gate: what is
// nobody is gone by then.
const lasts = 10

// name names the tracks that came before a moment.
func (t *Tracker) name(before time.Time) {
	t.due = slices.DeleteFunc(t.due, func(a arrival) bool {
		if a.at.After(before) || !a.lasts() {
			return a.track.State == Left
		}
		if t.cast.now(a.track) < 0 {
			t.cast.arrive(a)
			a.track.fresh = nil
		}
		return true
	})
}

// lasts reports whether a track has lasted for so long that it is somebody.
func (a arrival) lasts() bool { return a.gate != "" || a.track.hits >= lasts }

// arrive names a track.
func (c *cast) arrive(a arrival) {
	if i := c.now(a.track); i >= 0 {
		c.close(i, a.from)
	}
	strange := c.admit(guest{opened: a.at, gate: a.gate})
	s := &stay{track: a.track, from: a.from, looks: slices.Clone(a.track.fresh)}
	if a.gate != "" {
		s.crossed = a.at
	}
	c.enter(s, func(h casting) []option { return c.options(h, a, strange) })
}

// invite lets a guest be whoever came in as a stranger when the gate opened: its
// word was late.
func (c *cast) invite(id int) {
	g := c.guests[id]
	for h := range c.all {
		for i, s := range c.stays {
			o := c.guests[c.all[h].names[i]]
			since := s.crossed.Sub(g.opened)
			if o.visit != "" || s.crossed.IsZero() || o.gate != g.gate || since < -early || since > passing {
				continue
			}
			names := slices.Clone(c.all[h].names)
			for j, name := range names {
				if name == c.all[h].names[i] {
					names[j] = id
				}
			}
			c.all[h].names = names
			break
		}
	}
}
