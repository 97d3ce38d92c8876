package shelf

import "slices"

// Purpose is why items came and went, as far as it is no shopping.
type Purpose string

// The purposes.
const (
	// Shopping is a shopper's take or return.
	Shopping Purpose = ""
	// Restocking brings items nobody had: they are no shopper's returns.
	Restocking Purpose = "restocking"
	// Tidying leaves as many of each product as there were.
	Tidying Purpose = "tidying"
	// Clearing takes items away without shopping: past their date, or broken.
	Clearing Purpose = "clearing"
)

// A Settled says what a change that was open when it was told has turned out
// to be.
type Settled struct {
	ID      int
	Purpose Purpose
}

const (
	// staySeconds is how long nobody must have been at the shelf for who was
	// there to have left it.
	staySeconds = 1.5
	// openSeconds bounds how long a return stays open; staff that take longer
	// are known by their badge or not at all.
	openSeconds = 8.0
	// restockLeast is how many items must have come that nobody can have had.
	restockLeast = 3
	// memorySeconds is how long an item that was taken may still come back.
	memorySeconds = 900.0
)

// stay is what happens from when somebody comes to the shelf until everybody
// left it.
type stay struct {
	next    int // id of the next change
	last    int // the last frame with somebody there
	begun   int // the first
	on      bool
	restock bool
	// hand says of a change whose hand made it; nil if nobody can say. What staff
	// did is counted for itself: work.
	hand    func(slot string, frame int) Hand
	work    map[string]int   // items that staff brought less those they took, by product
	net     map[string]int   // items come less gone by others, by product
	gone    map[string]int   // items gone by others in this stay, not come back
	out     map[string][]int // frames of takes before, not come back
	open    []opened
	settled []Settled
}

// opened is a change whose purpose is not known yet.
type opened struct {
	id, frame int
	slot, sku string
	action    Action
	items     int
	staff     bool
}

// A Hand is whose hand made a change, as far as somebody else knows.
type Hand int

// The hands.
const (
	UnknownHand Hand = iota
	ShoppersHand
	StaffsHand
)

// Hands lets the monitor ask whose hand made a change, known by a badge or by
// where a person was tracked from: of each change by itself, because a shopper may
// stand beside staff. nil asks nobody.
func (m *Monitor) Hands(of func(slot string, frame int) Hand) { m.stay.hand = of }

// Settled returns what changes that were told open have turned out to be,
// since the last call.
func (m *Monitor) Settled() []Settled {
	out := m.stay.settled
	m.stay.settled = nil
	return out
}

// Leave settles what is open as if everybody had left the shelf: for an end of
// the pictures after which nothing can be said of the last of them.
func (m *Monitor) Leave() { m.stay.end(m.frame) }

// follow takes what became certain in a look and says what of it stays open.
func (t *stay) follow(m *Monitor, frame int, busy bool, changes []Change) []Change {
	if busy || len(changes) > 0 {
		if !t.on {
			t.on, t.begun, t.restock = true, frame, false
			t.net, t.gone, t.work = map[string]int{}, map[string]int{}, map[string]int{}
		}
		t.last = frame
	}
	seconds := func(s float64) int { return m.seconds(s) * m.every }
	staffs := make([]bool, len(changes))
	for i := range changes {
		t.next++
		changes[i].ID = t.next
		hand := UnknownHand
		if t.hand != nil {
			hand = t.hand(changes[i].Slot, changes[i].Frame)
		}
		staffs[i] = hand == StaffsHand
		t.add(&changes[i], hand)
	}
	if t.on && !t.restock && t.surplus(frame-seconds(memorySeconds)) >= restockLeast {
		t.restock = true
	}
	for i, ch := range changes {
		if t.restock && ch.Open && ch.Action != Take && !staffs[i] {
			changes[i].Open, changes[i].Purpose = false, Restocking
		}
	}
	if t.restock {
		t.settle(func(o opened) bool { return o.action != Take && !o.staff })
	}
	for i, ch := range changes {
		if ch.Action == Take && !staffs[i] { // what came before it in the slot is told before it
			t.settle(func(o opened) bool { return o.slot == ch.Slot && o.id < ch.ID })
		}
		if ch.Open {
			t.open = append(t.open, opened{ch.ID, frame, ch.Slot, ch.SKU, ch.Action, ch.Quantity, staffs[i]})
		}
	}
	t.settle(func(o opened) bool { return !o.staff && o.frame <= frame-seconds(openSeconds) })
	if t.on && frame-t.last >= seconds(staySeconds) {
		t.end(frame)
	}
	return changes
}

// add counts a change and says whether its purpose is open. A take that is not
// known to be staff's is always shopping: whoever pays for it must not wait, and
// what was taken in this stay comes back to who took it, and what a shopper is
// known to bring is a return. What staff did is open until they left.
func (t *stay) add(ch *Change, hand Hand) {
	n, staff := ch.Quantity, hand == StaffsHand
	switch {
	case staff && ch.Action == Take:
		t.work[ch.SKU] -= n
		ch.Open = true
	case staff:
		t.work[ch.SKU] += n
		ch.Open = true
	case ch.Action == Take:
		t.net[ch.SKU] -= n
		t.gone[ch.SKU] += n
	default: // a return, or a move
		t.net[ch.SKU] += n
		mine := min(n, t.gone[ch.SKU])
		t.gone[ch.SKU] -= mine
		ch.Open = mine < n && hand != ShoppersHand
	}
}

// surplus is how many items have come in this stay that nobody is known to
// have had since a frame.
func (t *stay) surplus(since int) int {
	sum := 0
	for sku, n := range t.net {
		held := 0
		for _, f := range t.out[sku] {
			if f >= since {
				held++
			}
		}
		sum += max(0, n-held)
	}
	return sum
}

// end settles what is open when everybody left.
func (t *stay) end(frame int) {
	t.settle(func(opened) bool { return true })
	if !t.restock {
		t.remember(frame)
	}
	t.on, t.restock = false, false
}

// purpose says what an open change was, as far as the stay has gone.
func (t *stay) purpose(o opened) Purpose {
	net := t.work[o.sku]
	switch {
	case !o.staff && t.restock && o.action != Take:
		return Restocking
	case !o.staff:
		return Shopping
	case net > 0 && o.action != Take:
		return Restocking
	case net < 0 && o.action == Take:
		return Clearing
	}
	return Tidying
}

// remember keeps what left with somebody, who may bring it back.
func (t *stay) remember(frame int) {
	for sku, n := range t.net {
		for ; n < 0; n++ {
			t.out[sku] = append(t.out[sku], frame)
		}
		back := min(max(0, n), len(t.out[sku]))
		t.out[sku] = t.out[sku][back:]
		if over := len(t.out[sku]) - outMost; over > 0 {
			t.out[sku] = t.out[sku][over:]
		}
	}
}

// outMost bounds what is remembered of one product.
const outMost = 256

// settle gives the open changes that match their purpose.
func (t *stay) settle(match func(opened) bool) {
	t.open = slices.DeleteFunc(t.open, func(o opened) bool {
		if !match(o) {
			return false
		}
		t.settled = append(t.settled, Settled{o.id, t.purpose(o)})
		return true
	})
}
