package fuse

import (
	"cmp"
	"math"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// A move is one thing that may have happened.
type move struct {
	slot   Slot
	sku    string
	take   bool
	pieces int
	own    bool    // the SKU belongs to the slot
	prior  float64 // weight
	tags   float64 // what tags say of it
	grams  float64
	spread float64 // squared
	who    []Person
	person float64 // log of the persons' term
}

// A hypothesis is up to two moves and how probable they are.
type hypothesis struct {
	moves []*move
	log   float64
	p     float64
}

// judge weighs everything that may have happened in a moment.
func (f *Fuser) judge(m moment) []Detection {
	moves := f.moves(m)
	all := []hypothesis{{log: math.Log(f.config.Prior.Nothing)}}
	for _, a := range moves {
		all = append(all, hypothesis{moves: []*move{a}})
	}
	if m.step != nil && m.step.Grams != 0 {
		all = append(all, pairs(moves)...)
	}
	most := math.Inf(-1)
	for i := range all {
		h := &all[i]
		for _, a := range h.moves {
			h.log += math.Log(a.prior) + a.tags + a.person
		}
		if len(h.moves) == 2 {
			h.log += math.Log(f.config.Prior.Second)
		}
		h.log += f.weighs(m, h.moves) + f.claimsOf(m, h.moves)
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
	var found []Detection
	for _, a := range best.moves {
		d := f.detection(m, a, all)
		f.remember(d, a)
		found = append(found, d)
	}
	return found
}

// pairs returns all ways of two moves at once, at different slots or of
// different things.
func pairs(moves []*move) []hypothesis {
	var all []hypothesis
	for i, a := range moves {
		if !a.plausible() {
			continue
		}
		for _, b := range moves[i+1:] {
			if b.plausible() && (a.slot.ID != b.slot.ID || a.sku != b.sku) {
				all = append(all, hypothesis{moves: []*move{a, b}})
			}
		}
	}
	return all
}

// plausible leaves out of pairs what would be strange alone: they are many.
func (a *move) plausible() bool { return a.pieces == 1 && math.Log(a.prior)+a.tags+a.person > -12 }

// moves lists what may have moved, with everything that speaks for it but
// weight and cameras.
func (f *Fuser) moves(m moment) []*move {
	p, n := f.config.Prior, float64(len(m.slots))
	var all []*move
	add := func(s Slot, sku string, take bool, pieces int, prior float64, who []Person) {
		product := f.config.Products[sku]
		a := &move{
			slot: s, sku: sku, take: take, pieces: pieces, own: sku == s.SKU,
			prior: max(prior, 1e-9) / n, who: who,
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
		var who []Person
		if f.config.Who != nil {
			who = f.config.Who(m.at, s.ID)
		}
		for i, share := range p.Pieces {
			add(s, s.SKU, true, i+1, p.Take*share, who)
			add(s, s.SKU, false, i+1, p.Put*share, who)
		}
		for _, sku := range f.names {
			if sku == s.SKU {
				continue
			}
			add(s, sku, false, 1, p.Elsewhere/2, who)
			if there := f.foreign[s.ID][sku]; there > 0.02 {
				add(s, sku, true, 1, p.Take*min(1, there)/2, who)
			}
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
	normal := math.Exp(-d*d/(2*variance)) / math.Sqrt(2*math.Pi*variance)
	if len(moves) == 0 {
		// A hand that rests or leans there.
		lean := f.config.Sensors.Lean
		return math.Log(normal/2 + math.Exp(-math.Abs(m.step.Grams)/lean)/(4*lean))
	}
	const widest = 4000 // grams, of what a step that means nothing may be
	out := f.config.Sensors.Outliers
	return math.Log((1-out)*normal + out/widest)
}

// claimsOf is the logarithm of the likelihood of what cameras claim and do not
// claim.
func (f *Fuser) claimsOf(m moment, moves []*move) float64 {
	sum, s := 0.0, f.config.Sensors
	for _, slot := range m.slots {
		if !slot.Watched {
			continue
		}
		var moved *move
		for _, a := range moves {
			if a.slot.ID == slot.ID {
				moved = a
			}
		}
		claimed := false
		best := math.Inf(-1)
		for _, c := range m.claims {
			if c.Slot != slot.ID {
				continue
			}
			claimed = true
			if moved != nil {
				best = max(best, math.Log(s.Found)+f.agrees(c, moved))
			}
		}
		switch {
		case claimed && moved != nil:
			sum += best
		case claimed:
			sum += math.Log(s.False)
		case moved != nil:
			sum += math.Log(1 - s.Found)
		}
	}
	return sum
}

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
	slices.SortFunc(says, func(x, y float64) int { return cmp.Compare(y, x) })
	sum := 0.0
	for i := range a.pieces {
		if i < len(says) {
			sum += says[i]
		} else {
			sum -= maxTag / 2 // no tag is known that could have moved
		}
	}
	return max(-2*maxTag, min(2*maxTag, sum))
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
	if a.take || f.config.Who == nil {
		return 0
	}
	sum, rest := 0.0, 1.0
	for _, w := range a.who {
		sum += w.P * f.had(w, a)
		rest -= w.P
	}
	return math.Log(sum + max(0, rest)*f.config.Prior.Unknown)
}

// had is how probable a put is for a visit, against one that certainly carries
// such a thing.
func (f *Fuser) had(w Person, a *move) float64 {
	least := f.config.Prior.Held
	if w.Staff {
		return 1
	}
	carried := min(1, max(0, f.held[w.Visit][a.sku]))
	return least + (1-least)*carried
}
