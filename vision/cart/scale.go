package cart

import (
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// weighing reports whether the scale can be believed.
func (t *Trip) weighing() bool { return t.Known && t.Fault == FaultNone }

// Excess returns by how much the cart is heavier than what was scanned and
// laid in; below zero it is lighter.
func (t *Trip) Excess() int {
	g := t.Grams - t.Zero
	for i := range t.Pieces {
		if t.Pieces[i].Placed {
			g -= t.Pieces[i].Grams
		}
	}
	return g
}

// weigh takes a weight that came to rest.
func (t *Trip) weigh(o *outcome, w Weighed) {
	if w.Fault != FaultNone {
		if t.Fault != w.Fault {
			t.Fault, t.Note = w.Fault, note(NoteFault, string(w.Fault))
		}
		t.tell(o, func(*Piece) bool { return true }) // nobody will see them come
		return
	}
	t.Change = w.Grams - t.Grams
	if t.Fault != FaultNone {
		t.Change, t.Lost = 0, nil // nobody saw what happened meanwhile
		t.Note = note(NoteScaleBack, "")
		for i := range t.Pieces { // what was laid in meanwhile has its weight now
			if p := &t.Pieces[i]; p.Grams == 0 {
				p.Placed = false
			}
		}
	}
	t.Grams, t.Known, t.Fault, t.Moved = w.Grams, true, FaultNone, o.in.Evidence
	t.Reached = w.Reached == nil || *w.Reached
	if t.Phase == PhaseShopping && w.Grams-t.Zero < -Quiet {
		t.Fault, t.Note = FaultTare, note(NoteFault, string(FaultTare))
	}
}

// settle brings what was scanned and what was weighed together, as far as they
// agree, and notes since when they do not.
func (t *Trip) settle(o *outcome) {
	if t.Phase != PhaseShopping || !t.weighing() {
		return
	}
	for t.match(o) {
	}
	t.lose(o)
	if e := t.Excess(); e >= -Quiet && e <= Quiet {
		t.Odd, t.Odds = time.Time{}, nil
		if t.Reported && !o.weighed && !t.unsure() {
			t.Reported = false
			o.weighing(t) // staff need not come any more
		}
		return
	}
	if t.Odd.IsZero() {
		t.Odd, t.Odds = o.in.At, t.Moved
	}
}

// match explains the difference by pieces on their way in or out, and reports
// whether it found some.
func (t *Trip) match(o *outcome) bool {
	for _, l := range t.Lost {
		if o.in.Weight == nil && t.leaves(o, l.Grams, l.Moved) {
			return true // it left before, and is touched now
		}
	}
	if t.Change < -Quiet && t.leaves(o, -t.Change, t.Moved) {
		return true // whatever else lies there that was not scanned
	}
	e := t.Excess()
	there := e + t.lost()
	rise := 0 // of this moment: whatever else lies there that was not scanned
	if o.in.Weight != nil {
		rise = t.Change
	}
	switch {
	case t.comes(o, e) || t.comes(o, there) || t.comes(o, rise):
		return true
	case there > Quiet:
		return t.learn(o, there)
	case e < -Quiet:
		return t.leaves(o, -e, t.Moved)
	}
	return false
}

// comes puts into the cart the pieces on their way in that weigh so much, and
// reports whether there were any.
func (t *Trip) comes(o *outcome, grams int) bool {
	if grams <= Quiet {
		return false
	}
	set := t.fit(grams, func(p *Piece) int {
		if p.Placed || p.Product.Weighed() {
			return 0
		}
		return p.Product.Grams
	})
	for n, i := range set {
		p := &t.Pieces[i]
		p.Placed, p.Grams = true, p.Product.Grams
		if n == len(set)-1 {
			p.Grams = grams
		}
		grams -= p.Grams
		o.take(t, p, t.Moved)
	}
	if set == nil {
		return false
	}
	t.Change = min(0, t.Change)
	t.Note = note(NoteIn, t.Pieces[set[0]].Product.Name)
	return true
}

// leaves takes off the trip the pieces on their way out that weigh so much, and
// reports whether there were any.
func (t *Trip) leaves(o *outcome, grams int, seen []ledger.EvidenceRef) bool {
	set := t.fit(grams, func(p *Piece) int {
		if !p.Leaving {
			return 0
		}
		return p.Grams
	})
	for n := len(set) - 1; n >= 0; n-- {
		t.gone(o, set[n], seen)
	}
	if set == nil {
		return false
	}
	if t.Change = 0; o.in.Weight == nil {
		t.found(grams) // it left before it was touched
	}
	return true
}

// learn gives a weight that nothing else explains to the first piece on its
// way in whose weight nobody knows: fruit, or what the list does not say.
func (t *Trip) learn(o *outcome, grams int) bool {
	for i := range t.Pieces {
		p := &t.Pieces[i]
		if p.Placed || !p.Product.Weighed() && p.Product.Grams > 0 {
			continue
		}
		if p.Product.Weighed() && grams <= p.Product.TareGrams {
			t.Note = note(NoteTooLight, p.Product.Name)
			return false
		}
		p.Placed, p.Grams = true, grams
		o.take(t, p, t.Moved)
		t.Change = min(0, t.Change)
		t.Note = note(NoteIn, p.Product.Name)
		return true
	}
	return false
}

// most bounds the pieces of which sets are tried: who carries more than that
// in two hands lays them in one after the other.
const most = 6

// fit returns the pieces whose weights together are nearest to grams and near
// enough, in order, or none. Of equals the smaller set wins, then the older.
func (t *Trip) fit(grams int, weight func(*Piece) int) []int {
	var open []int
	for i := range t.Pieces {
		if weight(&t.Pieces[i]) > 0 {
			open = append(open, i)
		}
	}
	open = open[max(0, len(open)-most):]
	var best []int
	off := -1
	for set := 1; set < 1<<len(open); set++ {
		var chosen []int
		sum := 0
		for b, i := range open {
			if set&(1<<b) != 0 {
				chosen, sum = append(chosen, i), sum+weight(&t.Pieces[i])
			}
		}
		d := max(sum-grams, grams-sum)
		if !alike(sum, grams) {
			continue
		}
		if off < 0 || d < off || d == off && len(chosen) < len(best) {
			best, off = chosen, d
		}
	}
	return best
}

// Due reports whether time alone makes something happen by now.
func (t *Trip) Due(now time.Time) bool {
	if t.Phase != PhaseShopping || !t.weighing() {
		return false
	}
	if !t.Odd.IsZero() && !t.Reported && now.Sub(t.Odd) >= Patience || t.stuck(now) {
		return true
	}
	return slices.ContainsFunc(t.Pieces, func(p Piece) bool { return p.held(now) && !p.Told })
}

// held reports whether a piece of known weight was scanned long ago and is not
// in the cart.
func (p *Piece) held(now time.Time) bool {
	return !p.Placed && !p.Product.Weighed() && p.Product.Grams > 0 && now.Sub(p.At) >= LayIn
}

// tell tells of the pieces that were scanned and not laid in. What is sold by
// weight has none yet, and is told when it has.
func (t *Trip) tell(o *outcome, which func(*Piece) bool) {
	if t.Phase != PhaseShopping {
		return
	}
	for i := range t.Pieces {
		if p := &t.Pieces[i]; !p.Product.Weighed() && which(p) {
			o.take(t, p, nil)
		}
	}
}

// stuck reports whether the scale cannot be right: two pieces that it must
// have seen were scanned long ago and it never moved.
func (t *Trip) stuck(now time.Time) bool {
	waiting := 0
	for i := range t.Pieces {
		p := &t.Pieces[i]
		if !p.Placed && p.Product.Grams > 4*Quiet && now.Sub(p.At) >= LayIn && t.Odd.IsZero() {
			waiting++
		}
	}
	return waiting >= 2
}

func (t *Trip) clock(o *outcome) {
	if !t.Due(o.in.At) {
		return
	}
	stuck := t.stuck(o.in.At)
	t.tell(o, func(p *Piece) bool { return stuck || p.held(o.in.At) })
	if stuck {
		t.Fault, t.Note = FaultStuck, note(NoteFault, string(FaultStuck))
		t.report(o)
		return
	}
	if !t.Odd.IsZero() && !t.Reported && o.in.At.Sub(t.Odd) >= Patience {
		t.report(o)
	}
}

// report tells the server what the cart weighs: if that is not what was
// scanned, staff see it.
func (t *Trip) report(o *outcome) {
	if !t.Known {
		return
	}
	t.Reported = true
	o.weighing(t)
}
