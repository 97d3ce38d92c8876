package fuse

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A move is one thing that may have happened.
type move struct {
	slot   Slot
	at     time.Time
	told   bool // a camera made a claim of it, and at is the camera's
	jump   int  // of the step, which it explains
	sku    string
	take   bool
	pieces int
	own    bool    // the SKU belongs to the slot
	prior  float64 // weight
	tags   float64 // what tags say of it
	grams  float64
	spread float64 // squared
	who    []Person
	others []Act   // what else was done then
	person float64 // log of the persons' term
}

// A hypothesis is up to two moves, or up to four that cameras told, and how
// probable they are.
type hypothesis struct {
	moves []*move
	base  float64 // what jumps say of it
	guess float64 // how good it seems while it grows
	log   float64
	p     float64
}

// judge weighs everything that may have happened in a moment.
func (f *Fuser) judge(m moment) []Detection {
	all := f.hypotheses(m)
	most := math.Inf(-1)
	for i := range all {
		h := &all[i]
		h.log = h.base + f.weighs(m, h.moves) + f.claimsOf(m, h.moves)
		for _, a := range h.moves {
			h.log += math.Log(a.prior) + a.tags + a.person
		}
		most = max(most, h.log)
	}
	sum := 0.0
	for i := range all {
		all[i].p = math.Exp(all[i].log - most)
		sum += all[i].p
	}
	for i := range all {
		all[i].p /= sum
	}
	best := slices.MaxFunc(all, func(a, b hypothesis) int { return cmp.Compare(a.p, b.p) })
	f.apart(best.moves)
	var found []Detection
	for _, a := range best.moves {
		d := f.detection(m, a, all)
		if len(best.moves) > 1 && a.told || len(m.jumps()) > 1 {
			d.At = a.at
		}
		f.tell(d, a)
		f.remember(d, a)
		found = append(found, d)
	}
	slices.SortStableFunc(found, func(a, b Detection) int { return a.At.Compare(b.At) })
	return found
}

// hypotheses lists what may have happened in a moment.
func (f *Fuser) hypotheses(m moment) []hypothesis {
	if len(m.jumps()) > 0 {
		return f.unrest(m)
	}
	moves := f.moves(m)
	all := []hypothesis{{base: math.Log(f.config.Prior.Nothing)}}
	for _, a := range moves {
		all = append(all, hypothesis{moves: []*move{a}})
	}
	if m.step == nil || m.step.Grams == 0 {
		return all
	}
	for _, h := range slices.Concat(pairs(moves), several(moves)) {
		h.base = float64(len(h.moves)-1) * math.Log(f.second(m))
		all = append(all, h)
	}
	if m.step.Jumps != nil { // it is known that there was none
		for i := range all {
			all[i].base += unseen(all[i].moves)
		}
	}
	return all
}

// jumps are those of the moment's step.
func (m moment) jumps() []Jump {
	if m.step == nil {
		return nil
	}
	return m.step.Jumps
}

const (
	// brief is how long a scale is unquiet for one move, and busy how much more
	// probable each further move is if it was longer.
	brief = 1500 * time.Millisecond
	busy  = 10
)

// second is how probable a further move is in a moment.
func (f *Fuser) second(m moment) float64 {
	if m.step.Until.Sub(m.step.From) > brief {
		return min(0.5, busy*f.config.Prior.Second)
	}
	return f.config.Prior.Second
}

// pairs returns all ways of two moves at once, at different slots, of
// different things or at times that a camera told apart.
func pairs(moves []*move) []hypothesis {
	var all []hypothesis
	for i, a := range moves {
		if !a.plausible() {
			continue
		}
		for _, b := range moves[i+1:] {
			if b.plausible() && a.beside(b) {
				all = append(all, hypothesis{moves: []*move{a, b}})
			}
		}
	}
	return all
}

// beside reports whether two moves can both have happened.
func (a *move) beside(b *move) bool {
	return a.slot.ID != b.slot.ID || a.sku != b.sku || a.told && b.told && !a.at.Equal(b.at)
}

// mostTold bounds the moves that cameras told of in one moment.
const mostTold = 4

// several returns the ways of three moves and more at once, each of which a
// camera told of: a scale that never rests between them weighs only their sum.
func several(moves []*move) []hypothesis {
	var told []*move
	for _, a := range moves {
		if a.told && a.plausible() && len(told) < 3*mostTold {
			told = append(told, a)
		}
	}
	var all []hypothesis
	var grow func(chosen []*move, from int)
	grow = func(chosen []*move, from int) {
		if len(chosen) > 2 {
			all = append(all, hypothesis{moves: slices.Clone(chosen)})
		}
		if len(chosen) == mostTold {
			return
		}
		for i := from; i < len(told); i++ {
			if !slices.ContainsFunc(chosen, func(b *move) bool { return !told[i].beside(b) || told[i].at.Equal(b.at) }) {
				grow(append(chosen, told[i]), i+1)
			}
		}
	}
	grow(nil, 0)
	return all
}

// plausible leaves out of pairs what would be strange alone: they are many.
func (a *move) plausible() bool { return a.pieces <= 2 && math.Log(a.prior)+a.tags+a.person > -12 }

// moves lists what may have moved, with everything that speaks for it but
// weight and cameras.
func (f *Fuser) moves(m moment) []*move {
	p, n := f.config.Prior, float64(len(m.slots))
	var all []*move
	who := map[string][]Person{}
	add := func(s Slot, sku string, take bool, pieces int, prior float64, at time.Time, told bool) {
		product := f.config.Products[sku]
		key := s.ID + at.String()
		if _, ok := who[key]; !ok && f.config.Who != nil {
			who[key] = f.config.Who(at, s.ID, m.others)
		}
		a := &move{
			slot: s, at: at, told: told, sku: sku, take: take, pieces: pieces, own: sku == s.SKU,
			prior: max(prior, 1e-9) / n, who: who[key], others: m.others,
			grams: float64(pieces) * product.Grams, spread: float64(pieces) * product.spread() * product.spread(),
		}
		if take {
			a.grams = -a.grams
		}
		a.tags = f.tagsSay(m, a)
		a.person = f.personsSay(a)
		all = append(all, a)
	}
	for _, s := range m.slots {
		takes, puts := m.times(s.ID, true), m.times(s.ID, false)
		each := func(take bool, sku string, pieces int, prior float64) {
			times := puts
			if take {
				times = takes
			}
			if len(times) == 0 || pieces > 1 {
				add(s, sku, take, pieces, prior, m.at, false)
				return
			}
			for _, at := range times {
				add(s, sku, take, 1, prior/float64(len(times)), at, true)
			}
		}
		for i, share := range p.Pieces {
			each(true, s.SKU, i+1, p.Take*share)
			each(false, s.SKU, i+1, p.Put*share)
		}
		for _, sku := range f.names {
			if sku == s.SKU {
				continue
			}
			each(false, sku, 1, p.Elsewhere/2/float64(len(f.names)-1))
			if there := f.foreign[s.ID][sku]; there > 0.02 {
				each(true, sku, 1, p.Take*min(1, there)/2)
			}
		}
	}
	return all
}

// times returns when cameras say that something was taken from a slot or put
// there, within the moment. Of a moment with one claim the scale knows the
// time better.
func (m moment) times(slot string, take bool) []time.Time {
	if len(m.claims) < 2 || m.step == nil {
		return nil
	}
	var all []time.Time
	for _, c := range m.claims {
		if c.Slot != slot || (c.Action == ledger.ActionTake) != take {
			continue
		}
		at := c.At
		if at.Before(m.step.From) {
			at = m.step.From
		}
		if at.After(m.step.Until) {
			at = m.step.Until
		}
		if !slices.ContainsFunc(all, at.Equal) {
			all = append(all, at)
		}
	}
	return all
}

// weighs is the logarithm of the likelihood of the scale's step.
func (f *Fuser) weighs(m moment, moves []*move) float64 {
	if m.step == nil {
		return 0
	}
	expected, variance := 0.0, m.step.Sigma*m.step.Sigma
	for _, a := range moves {
		expected += a.grams
		variance += a.spread
	}
	d := m.step.Grams - expected
	if len(moves) == 0 {
		normal := math.Exp(-d*d/(2*variance)) / math.Sqrt(2*math.Pi*variance)
		// A hand that rests or leans there.
		lean := f.config.Sensors.Lean
		return math.Log(normal/2 + math.Exp(-math.Abs(m.step.Grams)/lean)/(4*lean))
	}
	lean := f.config.Sensors.Lean
	likely := resting * math.Exp(-math.Abs(d)/lean) / (2 * lean)
	offs := m.hands()
	for _, o := range offs {
		likely += (1 - resting) * math.Exp(f.normal(d+o, variance)) / float64(len(offs))
	}
	return math.Log(likely)
}

// hands lists what hands may add to the step that came before it and left with
// it, or came with it and left after it.
func (m moment) hands() []float64 {
	all := []float64{0}
	for _, grams := range []float64{m.before, m.after} {
		if grams == 0 {
			continue
		}
		for _, o := range slices.Clone(all) {
			all = append(all, o+grams)
		}
	}
	return all
}

// resting is how often a hand rests on the shelf before something moved or
// after it, but not both: it was there, or came, or another's.
const resting = 0.03

// normal is the logarithm of how probable it is that a scale is off by so many
// grams: normal, but that a share of what scales say is anything.
func (f *Fuser) normal(off, variance float64) float64 {
	const widest = 4000 // grams, of what a step that means nothing may be
	out := f.config.Sensors.Outliers
	return math.Log((1-out)*math.Exp(-off*off/(2*variance))/math.Sqrt(2*math.Pi*variance) + out/widest)
}

// claimsOf is the logarithm of the likelihood of what cameras claim and do not
// claim.
func (f *Fuser) claimsOf(m moment, moves []*move) float64 {
	sum, s := 0.0, f.config.Sensors
	for _, slot := range m.slots {
		if !slot.Watched {
			continue
		}
		var left []Claim
		for _, c := range m.claims {
			if c.Slot == slot.ID {
				left = append(left, c)
			}
		}
		moved := false
		for _, a := range moves {
			if a.slot.ID != slot.ID {
				continue
			}
			moved = true
			if len(left) == 0 {
				sum += math.Log(1 - s.Found)
				continue
			}
			best := 0
			for i := range left {
				if f.agrees(left[i], a) > f.agrees(left[best], a) {
					best = i
				}
			}
			sum += math.Log(s.Found) + f.agrees(left[best], a)
			left = slices.Delete(left, best, best+1)
		}
		if len(left) > 0 && !moved {
			sum += math.Log(s.False)
			left = left[1:]
		}
		sum += float64(len(left)) * math.Log(again)
	}
	return sum
}

// again is how probable it is that a camera that made a claim of a slot makes
// another one that means nothing, before it has found its way back.
const again = 0.2

// agrees is the logarithm of how probable a claim's content is if a move
// happened.
func (f *Fuser) agrees(c Claim, a *move) float64 {
	action := c.Sure
	if (c.Action == ledger.ActionTake) != a.take {
		action = 1 - c.Sure
	}
	item, rest := 0.0, 1.0
	for _, it := range c.Items {
		if it.SKU == a.sku {
			item = it.P
		}
		rest -= it.P
	}
	if item == 0 {
		item = max(rest, 0.01) / float64(max(1, len(f.names)-len(c.Items)))
	}
	return math.Log(max(action, 0.01)) + f.config.Sensors.Trust*math.Log(max(item, 1e-4))
}

// tagsSay is what the tags of a move's SKU say of it.
func (f *Fuser) tagsSay(m moment, a *move) float64 {
	if a.slot.Reader == "" || !f.config.Products[a.sku].Tagged {
		return 0
	}
	says := make([]float64, 0, 8)
	for _, g := range f.bySKU[a.sku] {
		if s, ok := g.may(a, m); ok {
			says = append(says, s)
		}
	}
	return max(-2*maxTag, min(2*maxTag, some(says, a.pieces)))
}

// some is what tags say of so many of them having moved, whichever: the mean
// over all ways, because among many one or the other looks as if.
func some(says []float64, pieces int) float64 {
	ways := make([]float64, pieces+1) // sums over all ways of so many
	ways[0] = 1
	for _, s := range says {
		for k := pieces; k > 0; k-- {
			ways[k] += ways[k-1] * math.Exp(s)
		}
	}
	sum, n := 0.0, float64(len(says))
	for k := min(pieces, len(says)); k > 0; k-- {
		sum += math.Log(float64(k) / (n - float64(k) + 1)) // one over the number of ways
	}
	missing := max(0, pieces-len(says)) // no tag is known that could have moved
	return sum + math.Log(ways[pieces-missing]) - float64(missing)*maxTag/2
}

// may is what a tag says of having been moved, if it can have been.
func (g *tag) may(a *move, m moment) (float64, bool) {
	here := g.reader == a.slot.Reader && len(g.reads) > 0
	if a.take {
		if !here || !g.reads[0].Before(m.at) {
			return 0, false
		}
		return g.says(m.at, true), true
	}
	if !here {
		return 0, false // silent: no tag that came
	}
	return g.says(m.at, false), true
}

// personsSay is the logarithm of the persons' term: how well whoever stood
// there fits the move.
func (f *Fuser) personsSay(a *move) float64 {
	if f.config.Who == nil {
		return 0
	}
	sum, rest := 0.0, 1.0
	for _, w := range a.who {
		sum += w.P * f.fits(a, w.Visit, w.Staff)
		rest -= w.P
	}
	return math.Log(sum + max(0, rest)*f.unknown(a))
}

// fits is how probable a move is for a visit: a put, against one that
// certainly carries such a thing; a take, against a shopper.
func (f *Fuser) fits(a *move, visit ledger.VisitID, staff bool) float64 {
	switch {
	case staff && a.take == a.own: // strays are brought home, and goods to their slots
		return f.config.Prior.Staff
	case staff || a.take:
		return 1
	}
	least := f.config.Prior.Held
	carried := min(1, max(0, f.held[visit][a.sku]))
	return least + (1-least)*carried
}

// unknown is the same for somebody whom no visit stands for.
func (f *Fuser) unknown(a *move) float64 {
	if a.take {
		return 1
	}
	return f.config.Prior.Unknown
}

// beyondDoubt is how sure a move must be for others to learn from it.
const beyondDoubt = 0.9

// tell lets who follows persons learn from a move.
func (f *Fuser) tell(d Detection, a *move) {
	if f.config.Did == nil || d.Raw.Action*d.Raw.Item < beyondDoubt {
		return
	}
	f.config.Did(a.at, a.slot.ID, a.others, func(visit ledger.VisitID, staff bool) float64 { return f.fits(a, visit, staff) }, f.unknown(a))
}
