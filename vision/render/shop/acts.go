package shop

import (
	"errors"
	"slices"

	"github.com/vouchledger/vouch/vision/truth"
)

// Why a wish cannot be fulfilled.
var (
	errNothing = errors.New("nothing stands there")
	errFull    = errors.New("there is no room")
	errBag     = errors.New("it is not in the bag")
)

// somewhere lets the dice choose a slot for a wish.
func (d *director) somewhere(w *walker, wish Wish) (shelf, slot int, ok bool) {
	type spot struct{ shelf, slot, weight int }
	var spots []spot
	sum := 0
	for i, sh := range d.Shelves {
		for j := range sh.Slots {
			weight := d.suits(w, wish, i, j)
			if weight > 0 && i == w.shelf && len(w.gestures) > 0 {
				weight *= 3 // one looks on where one stands
			}
			if weight > 0 {
				spots, sum = append(spots, spot{i, j, weight}), sum+weight
			}
		}
	}
	if sum == 0 {
		return 0, 0, false
	}
	n := d.dice.Intn(sum)
	for _, s := range spots {
		if n -= s.weight; n < 0 {
			return s.shelf, s.slot, true
		}
	}
	panic("shop: the dice fell beside the table")
}

// suits says how likely a slot is for a wish; 0 is impossible.
func (d *director) suits(w *walker, wish Wish, shelf, slot int) int {
	sl := d.Shelves[shelf].Slots[slot]
	held, free := d.held(shelf, slot), d.free(shelf, slot)
	switch wish.Act {
	case Take, Touch:
		return min(1, len(held))
	case Look:
		return 1
	case Return:
		if x := w.find(wish.SKU); x != nil && x.Product.SKU == sl.SKU {
			return min(1, len(free))
		}
	case Misplace:
		if x := w.find(wish.SKU); x != nil && x.Product.SKU != sl.SKU {
			return min(1, len(free))
		}
	case Restock:
		empty := 0
		for _, st := range d.now[shelf][slot] {
			if st == nil {
				empty++
			}
		}
		if len(free) > 0 {
			return empty * empty * empty
		}
	case Tidy:
		if strayed(held, sl.SKU) != nil {
			return 1000
		}
		return min(1, len(held))
	}
	return 0
}

// find returns the piece of a SKU in the bag, or the last one.
func (w *walker) find(sku string) *Piece {
	for _, x := range slices.Backward(w.bag) {
		if sku == "" || x.Product.SKU == sku {
			return x
		}
	}
	return nil
}

// strayed returns a stand that does not belong into a slot.
func strayed(held []*Stand, sku string) *Stand {
	i := slices.IndexFunc(held, func(s *Stand) bool { return s.Piece.Product.SKU != sku })
	if i < 0 {
		return nil
	}
	return held[i]
}

// pairShare is how often a hand takes two at once: 8 of 234 events in the
// contest of domain.md section 4.
const pairShare = 8.0 / 234

// act does what the wish says; again is true if there is more of it to do.
func (d *director) act(w *walker, wish Wish) (g *Gesture, again bool, err error) {
	held := d.held(w.shelf, w.slot)
	switch wish.Act {
	case Look:
		w.next += 0.5
		return nil, false, nil
	case Take:
		if len(held) == 0 {
			return nil, false, errNothing
		}
		first := d.dice.Intn(len(held))
		pick := held[first : first+1]
		if len(held) == 2 && wish.Slot == "" && d.dice.Unit() < pairShare &&
			held[0].Piece.Product.SKU == held[1].Piece.Product.SKU && held[0].Piece.Product.Width < 0.08 {
			pick = held
		}
		return d.take(w, pick), false, nil
	case Touch, Tidy:
		if len(held) == 0 {
			return nil, false, errNothing
		}
		if st := strayed(held, d.Shelves[w.shelf].Slots[w.slot].SKU); st != nil && wish.Act == Tidy {
			return d.bringHome(w, st), false, nil
		}
		return d.touch(w, held[d.dice.Intn(len(held))], wish.Act), false, nil
	case Return, Misplace:
		x := w.find(wish.SKU)
		if x == nil {
			return nil, false, errBag
		}
		return d.give(w, x, false)
	case Restock:
		if len(d.free(w.shelf, w.slot)) == 0 { // full already: staff looks and goes on
			return nil, false, nil
		}
		p, _ := ProductOf(d.Shelves[w.shelf].Slots[w.slot].SKU)
		return d.give(w, d.mint(p), true)
	}
	panic("shop: act " + string(wish.Act))
}

// take lets a hand lift pieces and put them into the bag.
func (d *director) take(w *walker, stands []*Stand) *Gesture {
	g := d.gesture(w, truth.Take, d.dice.Between(0.12, 0.3), 0)
	for _, st := range stands {
		st.Until = g.At
		d.now[st.Shelf][st.Slot][st.place] = nil
		g.hold(st)
		w.stow(st.Piece, g.End, true)
	}
	return g
}

// hold adds a stand to what the hand holds.
func (g *Gesture) hold(st *Stand) {
	if len(g.Pieces) == 0 {
		g.Grip = st.Foot.Add(Vec{0, 0, 0.62 * st.Piece.Product.Height})
	} else {
		g.Grip = g.Grip.To(st.Foot.Add(Vec{0, 0, 0.62 * st.Piece.Product.Height}), 0.5)
	}
	g.Pieces = append(g.Pieces, st.Piece)
	g.Feet, g.Turns = append(g.Feet, st.Foot), append(g.Turns, st.Turn)
}

func (w *walker) stow(x *Piece, frame int, in bool) {
	w.bagged = append(w.bagged, bagging{x, frame, in})
	if in {
		w.bag = append(w.bag, x)
		return
	}
	w.bag = slices.DeleteFunc(w.bag, func(o *Piece) bool { return o == x })
}

// touch lets a hand go to a thing and leave it.
func (d *director) touch(w *walker, st *Stand, act Act) *Gesture {
	e, stay := truth.Touch, d.dice.Between(0.1, 0.6)
	if act == Tidy {
		e, stay = truth.Tidy, d.dice.Between(1.2, 2.5)
	}
	g := d.gesture(w, e, 0, stay)
	g.hold(st)
	if act == Touch && d.dice.Unit() < 0.2 { // a hand that rests
		more := d.frame(d.dice.Between(1, 2.5))
		g.Release, g.End = g.Release+more, g.End+more
	}
	return g
}

// give puts a piece into the slot; fresh comes out of staff's crate.
func (d *director) give(w *walker, x *Piece, fresh bool) (*Gesture, bool, error) {
	free := d.free(w.shelf, w.slot)
	if len(free) == 0 {
		return nil, false, errFull
	}
	g := d.gesture(w, truth.Put, 0.15, d.dice.Between(0.15, 0.35))
	g.hold(d.put(x, w.shelf, w.slot, free[d.dice.Intn(len(free))], g.At))
	if !fresh {
		w.stow(x, g.Start, false)
	}
	return g, fresh && len(d.free(w.shelf, w.slot)) > 0, nil
}

// bringHome takes what strayed, and lets staff wish to put it where it
// belongs. If there is no room it goes back to the store room.
func (d *director) bringHome(w *walker, st *Stand) *Gesture {
	g := d.take(w, []*Stand{st})
	w.Wishes = slices.Insert(slices.Clone(w.Wishes), 1, Wish{Act: Return, SKU: st.Piece.Product.SKU})
	return g
}
