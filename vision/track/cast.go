package track

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A guest is one of those whom a gate let in, or a stranger.
type guest struct {
	visit  ledger.VisitID // empty for a stranger
	gate   string
	opened time.Time
	gone   bool // the visit has ended
}

// A casting is one story of who everybody is: for each stay a guest.
type casting struct {
	names []int
	log   float64 // of its probability, but for what open stays look like
}

// nobodys is the name of a stay in a casting that says nothing of it.
const nobodys = -1

const (
	// most castings are kept, and none that is so much less probable than the
	// best one, in nats.
	mostCastings = 256
	leastLog     = 7.0
	// album is how long a stay is kept to compare looks with.
	album = 5 * time.Minute
	// manySights bounds what one stay counts in a guest's looks.
	manySights = 20
	// sayAtMost bounds what looks say of one stay, in nats.
	sayAtMost = 5.0
)

// A cast is what may be true of who everybody is.
//
// Persons in a shop are few, and it is known who came in. So all stories are
// kept side by side that are probable enough: the k best hypotheses of
// Reid, "An Algorithm for Tracking Multiple Targets", IEEE TAC 24 (1979), about
// identities only. In each story nobody is in two places, and what is learnt of
// one person (a look, what they do) counts for all the others.
type cast struct {
	likeness Likeness
	guests   map[int]*guest
	next     int
	stays    []*stay
	all      []casting
}

func newCast(k Likeness) *cast {
	return &cast{likeness: k.often(), guests: map[int]*guest{}, all: []casting{{}}}
}

// clone returns a cast for trying something out.
func (c *cast) clone() *cast {
	n := &cast{likeness: c.likeness, guests: maps.Clone(c.guests), next: c.next, stays: make([]*stay, len(c.stays)), all: slices.Clone(c.all)}
	for i, s := range c.stays {
		same := *s
		n.stays[i] = &same
	}
	return n
}

// admit adds a guest.
func (c *cast) admit(g guest) int {
	c.next++
	c.guests[c.next] = &g
	return c.next
}

// current returns the index of the stay of a track at a moment, -1 for none.
// What lies before its first one is the first one's.
func (c *cast) current(k *Track, at time.Time) int {
	found := -1
	for i, s := range c.stays {
		if s.track == k && (found < 0 || !s.from.After(at)) {
			found = i
		}
	}
	return found
}

// now returns the index of the open stay of a track, -1 for none.
func (c *cast) now(k *Track) int {
	for i := len(c.stays) - 1; i >= 0; i-- {
		if c.stays[i].track == k && c.stays[i].open() {
			return i
		}
	}
	return -1
}

// An option is who a stay may be, and the logarithm of how probable.
type option struct {
	guest int
	log   float64
}

// enter adds a stay and splits every casting by who it may be.
func (c *cast) enter(s *stay, options func(h casting) []option) {
	var next []casting
	for _, h := range c.all {
		for _, o := range options(h) {
			next = append(next, casting{append(slices.Clip(h.names), o.guest), h.log + o.log})
		}
	}
	c.stays, c.all = append(c.stays, s), next
	c.prune()
}

// close ends a stay: what it looks like counts from now on.
func (c *cast) close(i int, at time.Time) {
	s := c.stays[i]
	s.until = at
	if s.folded {
		return
	}
	says := c.compare(i)
	for h := range c.all {
		c.all[h].log += c.look(c.all[h], i, says)
	}
	s.folded = true
}

// compare returns what each stay before it says of stay i.
func (c *cast) compare(i int) []float64 {
	says := make([]float64, i)
	for j, s := range c.stays[:i] {
		if len(s.looks) > 0 {
			says[j] = s.looks.says(c.stays[i].looks, c.likeness)
		}
	}
	return says
}

// look returns how well a stay looks like who a casting says it is.
func (c *cast) look(h casting, i int, says []float64) float64 {
	sum, weight := 0.0, 0.0
	for j, name := range h.names[:i] {
		if name != h.names[i] || name == nobodys {
			continue
		}
		n := float64(min(manySights, c.stays[j].looks.sights()))
		sum, weight = sum+n*says[j], weight+n
	}
	if weight == 0 {
		return 0
	}
	return max(-sayAtMost, min(sayAtMost, sum/weight))
}

// weights returns how probable each casting is.
func (c *cast) weights() []float64 {
	logs := make([]float64, len(c.all))
	for h := range c.all {
		logs[h] = c.all[h].log
	}
	for i, s := range c.stays {
		if s.folded || len(s.looks) == 0 {
			continue
		}
		says := c.compare(i)
		for h := range c.all {
			logs[h] += c.look(c.all[h], i, says)
		}
	}
	most, sum := slices.Max(logs), 0.0
	for h := range logs {
		logs[h] = math.Exp(logs[h] - most)
		sum += logs[h]
	}
	for h := range logs {
		logs[h] /= sum
	}
	return logs
}

// prune keeps the best castings.
func (c *cast) prune() { c.keep(c.weights()) }

// keep keeps the best castings by their weights.
func (c *cast) keep(weights []float64) {
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	least := weights[order[0]] * math.Exp(-leastLog)
	best := c.all[order[0]].log
	var kept []casting
	for _, h := range order[:min(len(order), mostCastings)] {
		if weights[h] < least {
			break
		}
		kept = append(kept, casting{c.all[h].names, c.all[h].log - best})
	}
	c.all = kept
}

// expect is the mean of what fits the castings.
func (c *cast) expect(weights []float64, fits func(h casting) float64) float64 {
	mean := 0.0
	for h, w := range weights {
		mean += w * fits(c.all[h])
	}
	return mean
}

// reweigh multiplies castings of given weights by what fits them.
func (c *cast) reweigh(weights []float64, fits func(h casting) float64) {
	for h := range c.all {
		says := max(1e-9, fits(c.all[h]))
		c.all[h].log += math.Log(says)
		weights[h] *= says
	}
	c.keep(weights)
}

// visit returns the visit that a casting names for a stay.
func (c *cast) visit(h casting, i int) ledger.VisitID {
	if i < 0 || h.names[i] == nobodys {
		return ""
	}
	return c.guests[h.names[i]].visit
}

// believed returns whose a track may be at a moment.
func (c *cast) believed(k *Track, at time.Time, weights []float64) Belief {
	i := c.current(k, at)
	if i < 0 {
		return nil
	}
	var b Belief
	for h, w := range weights {
		if v := c.visit(c.all[h], i); v != "" {
			b = b.plus(Belief{{v, 1}}, w)
		}
	}
	return b
}

// swap splits castings by whether two tracks were exchanged at a moment, with a
// probability, and what they looked like afterwards.
func (c *cast) swap(tracks [2]*Track, at time.Time, p float64, after [2]looks) {
	i, j := c.now(tracks[0]), c.now(tracks[1])
	if i < 0 || j < 0 {
		return
	}
	was := [2]int{i, j}
	for n, k := range was {
		if s := c.stays[k]; s.from.Before(at) {
			c.close(k, at)
			fresh := &stay{track: tracks[n], from: at, looks: after[n]}
			for h := range c.all {
				c.all[h].names = append(slices.Clip(c.all[h].names), c.all[h].names[k])
			}
			c.stays = append(c.stays, fresh)
			was[n] = len(c.stays) - 1
		}
	}
	i, j = was[0], was[1]
	var swapped []casting
	for h := range c.all {
		a := &c.all[h]
		if a.names[i] == a.names[j] {
			continue
		}
		names := slices.Clone(a.names)
		names[i], names[j] = names[j], names[i]
		swapped = append(swapped, casting{names, a.log + math.Log(p)})
		a.log += math.Log(1 - p)
	}
	c.all = append(c.all, swapped...)
	c.prune()
}

// contradiction is how probable a story is in which one person was two.
const contradiction = 0.02

// join makes one track of two that were one person all along.
func (c *cast) join(a, b *Track, at time.Time) {
	i, j := c.now(a), c.now(b)
	if i < 0 && j >= 0 {
		for _, s := range c.stays {
			if s.track == b {
				s.track = a
			}
		}
		return
	}
	if j < 0 {
		return
	}
	c.close(j, at)
	for h := range c.all {
		x := &c.all[h]
		one, other := x.names[i], x.names[j]
		switch {
		case one == other:
			x.log -= math.Log(doubleTrack)
		case c.guests[other].visit == "":
			x.log -= math.Log(stranger)
		case c.guests[one].visit == "":
			x.log -= math.Log(stranger)
			names := slices.Clone(x.names)
			for n, name := range names {
				if name == one {
					names[n] = other
				}
			}
			x.names = names
		default:
			x.log += math.Log(contradiction)
		}
	}
	c.prune()
}

// forget drops what is too long ago to matter, and joins castings that differ in
// nothing else.
func (c *cast) forget(now time.Time) {
	keep := func(s *stay) bool {
		past := now.Sub(s.until)
		if s.out { // as long as anything is kept of whoever went
			return past < album+memory
		}
		return s.open() || past < memory || past < album && s.looks.sights() >= int(settled)
	}
	if !slices.ContainsFunc(c.stays, func(s *stay) bool { return !keep(s) }) {
		return
	}
	var stays []*stay
	for _, s := range c.stays {
		if keep(s) {
			stays = append(stays, s)
		}
	}
	seen, named, known := map[string]int{}, map[int]bool{}, map[int]float64{}
	var all []casting
	weights := c.weights()
	for n, h := range c.all {
		counted := map[int]bool{}
		for _, name := range h.names {
			if !counted[name] {
				counted[name] = true
				known[name] += weights[n]
			}
		}
		var names []int
		key := make([]byte, 0, 4*len(stays))
		for i, s := range c.stays {
			if keep(s) {
				names = append(names, h.names[i])
				key = append(key, byte(h.names[i]), byte(h.names[i]>>8), byte(h.names[i]>>16), byte(h.names[i]>>24))
				named[h.names[i]] = true
			}
		}
		if i, ok := seen[string(key)]; ok {
			m := max(all[i].log, h.log)
			all[i].log = m + math.Log(math.Exp(all[i].log-m)+math.Exp(h.log-m))
			continue
		}
		seen[string(key)] = len(all)
		all = append(all, casting{names, h.log})
	}
	c.stays, c.all = stays, all
	for id, g := range c.guests {
		// Who was seen, and whose stays are forgotten, was here.
		if !named[id] && (g.visit == "" || g.gone || known[id] > 0.5 || now.Sub(g.opened) > hours) {
			delete(c.guests, id)
		}
	}
}

// hours is how long somebody whom a gate let in may be inside unseen.
const hours = 2 * time.Hour
