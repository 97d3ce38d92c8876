package cart

import (
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// A Loss is a fall of the weight that is like pieces of the list, and that nobody
// explained yet.
type Loss struct {
	Grams int
	Moved []ledger.EvidenceRef
}

// alike reports whether a scale that shows so many grams may have a thing on it
// that weighs the others.
func alike(weighs, shown int) bool {
	return max(weighs-shown, shown-weighs) <= slackGrams+weighs*slackPerMille/1000
}

// lost returns what left and is not accounted for, in grams.
func (t *Trip) lost() (grams int) {
	for _, l := range t.Lost {
		grams += l.Grams
	}
	return grams
}

// lose notes what the weight of this moment says of things that left and that
// nobody touched. The excess alone does not show them: wine that was never scanned
// and is heavier than the milk that left hides it.
//
// A fall that is what lay there unscanned is that thing's leaving. One that is
// what pieces of the list weigh is taken for theirs: then the shopper is asked
// which. Any other is a part of what was never scanned. A rise of what left is its
// return. If all agrees again nothing has left.
func (t *Trip) lose(o *outcome) {
	e := t.Excess()
	if e >= -Quiet && e <= Quiet {
		t.Lost = nil
		return
	}
	if o.in.Weight == nil || !t.Reached { // a cart that is lifted has lost nothing
		return
	}
	if t.Change > Quiet {
		t.found(t.Change)
		return
	}
	fell := -t.Change
	if fell > Quiet && !alike(e+t.lost()+fell, fell) && t.listed(fell) {
		t.Lost = append(t.Lost, Loss{fell, t.Moved})
	}
}

// listed reports whether pieces in the cart weigh so much, one or some together.
func (t *Trip) listed(grams int) bool {
	weight := func(p *Piece) int {
		if !p.Placed || p.Grams <= Quiet {
			return 0
		}
		return p.Grams
	}
	for i := range t.Pieces {
		if w := weight(&t.Pieces[i]); w > 0 && alike(w, grams) {
			return true
		}
	}
	return t.fit(grams, weight) != nil
}

// found forgets the last that left with that weight.
func (t *Trip) found(grams int) {
	for i, l := range slices.Backward(t.Lost) {
		if alike(l.Grams, grams) {
			t.Lost = slices.Delete(t.Lost, i, i+1)
			return
		}
	}
}
