package shop

import (
	"fmt"
	"math"

	"github.com/vouchledger/vouch/vision/render/random"
	"github.com/vouchledger/vouch/vision/truth"
)

// A phase says what a walker does next.
type phase int

const (
	outside  phase = iota // comes in
	choosing              // begins with the next wish
	reaching              // stands there and moves the hand
	leaving               // is out of the door
	gone
)

// A walker is one person on the stage.
type walker struct {
	Person
	index, party int
	staff        bool
	phase        phase
	next         float64 // when it goes on
	admitted     bool    // there is room inside
	tries        int
	shelf, slot  int // of the wish at hand
	spot         [2]float64
	at           int // shelf where the walker stands, -1 for none

	bag      []*Piece
	bagged   []bagging
	legs     []leg
	gestures []*Gesture
	height   float64
	speed    float64
	lane     float64
	entered  float64
	left     float64
}

// bagging says that a piece went into a bag or out of it in a frame.
type bagging struct {
	piece *Piece
	frame int
	in    bool
}

// A director lets everybody do what they wish, whoever is first.
type director struct {
	*Stage
	dice    *random.PCG
	now     [][][]*Stand // by shelf, slot and place: what stands there; nil for nothing
	busy    [][]float64  // until when a hand is in a slot
	inside  int
	waiting []*walker
}

// fill puts the first pieces on the shelves.
func (d *director) fill() {
	for i, sh := range d.Shelves {
		d.stands = append(d.stands, make([][]*Stand, len(sh.Slots)))
		d.busy = append(d.busy, make([]float64, len(sh.Slots)))
		d.now = append(d.now, make([][]*Stand, len(sh.Slots)))
		for j, sl := range sh.Slots {
			d.now[i][j] = make([]*Stand, sl.Capacity())
			p, _ := ProductOf(sl.SKU)
			for k := range sl.Initial { // the back fills first
				d.put(d.mint(p), i, j, sl.Capacity()-1-k, 0)
			}
		}
	}
}

// mint makes a piece. Fillings differ by about half a percent.
func (d *director) mint(p Product) *Piece {
	x := &Piece{ID: len(d.pieces) + 1, Product: p}
	x.Grams = math.Round(10*p.Grams*(1+0.004*max(-2, min(2, d.dice.Normal())))) / 10
	if p.Tagged {
		x.Tag = fmt.Sprintf("3034-%02d-%06d", p.Design, x.ID)
	}
	d.pieces = append(d.pieces, x)
	return x
}

// put lets a piece stand in a place from a frame on.
func (d *director) put(x *Piece, shelf, slot, place, frame int) *Stand {
	sh := d.Shelves[shelf]
	along, in := sh.spot(slot, place)
	loose := 0.3
	if frame > 0 {
		loose = 1
	}
	st := &Stand{
		Piece: x, Shelf: shelf, Slot: slot, place: place, From: frame, Until: forever,
		Foot: sh.Point(along+0.006*loose*d.dice.Between(-1, 1), in+0.004*loose*d.dice.Between(-1, 1), BoardHeight),
		Turn: sh.Facing + loose*d.dice.Between(-0.5, 0.5),
	}
	d.now[shelf][slot][place] = st
	d.stands[shelf][slot] = append(d.stands[shelf][slot], st)
	return st
}

// front returns the place of the first thing of each facing of a slot, -1
// for an empty one.
func (d *director) front(shelf, slot int) []int {
	sl := d.Shelves[shelf].Slots[slot]
	first := make([]int, sl.Facings)
	for f := range first {
		first[f] = -1
		for k := f; k < sl.Capacity(); k += sl.Facings {
			if d.now[shelf][slot][k] != nil {
				first[f] = k
				break
			}
		}
	}
	return first
}

// free returns the places where a hand can put something: before the first
// thing of each facing.
func (d *director) free(shelf, slot int) []int {
	sl := d.Shelves[shelf].Slots[slot]
	var places []int
	for f, k := range d.front(shelf, slot) {
		switch {
		case k < 0:
			places = append(places, (sl.Depth-1)*sl.Facings+f)
		case k >= sl.Facings:
			places = append(places, k-sl.Facings)
		}
	}
	return places
}

// held returns the stands a hand can take hold of.
func (d *director) held(shelf, slot int) []*Stand {
	var all []*Stand
	for _, k := range d.front(shelf, slot) {
		if k >= 0 {
			all = append(all, d.now[shelf][slot][k])
		}
	}
	return all
}

// assemble lets everybody wait for their moment.
func (d *director) assemble() {
	for i, party := range d.Parties {
		for _, p := range party.Persons {
			w := &walker{
				Person: p, index: len(d.people), party: i, staff: party.Staff, next: p.Enters, at: -1, left: -1, entered: -1,
				height: d.dice.Between(1.58, 1.88), speed: d.dice.Between(0.95, 1.25), lane: d.dice.Between(-0.3, 0.3),
			}
			if w.Look == 0 {
				w.Look = 1 + len(d.people)
			}
			d.people = append(d.people, w)
		}
	}
}

// play goes on until everybody has left or the time is over.
func (d *director) play() error {
	end := 0.0
	for {
		var w *walker
		for _, o := range d.people {
			if o.phase != gone && (w == nil || o.next < w.next) {
				w = o
			}
		}
		limit := d.Seconds
		if limit == 0 {
			limit = longest
		}
		if w == nil || w.next >= limit {
			break
		}
		if err := d.step(w); err != nil {
			return err
		}
		end = max(end, w.next)
	}
	if d.Seconds == 0 {
		d.Seconds = math.Ceil(min(longest, end+2))
	}
	return nil
}

func (d *director) step(w *walker) error {
	switch w.phase {
	case outside:
		d.enter(w)
	case choosing:
		return d.choose(w)
	case reaching:
		return d.reach(w)
	case leaving:
		w.left = d.snap(w.next)
		w.phase = gone
		if d.AtOnce > 0 && !w.staff {
			d.inside--
		}
		d.admit(w.next)
	case gone:
	}
	return nil
}

// admit lets in who waited, in the order they came, as long as there is room.
func (d *director) admit(now float64) {
	for len(d.waiting) > 0 && (d.waiting[0].staff || d.inside < d.AtOnce) {
		w := d.waiting[0]
		d.waiting = d.waiting[1:]
		w.next, w.phase, w.admitted = now+d.dice.Between(0.5, 3), outside, true
		if !w.staff {
			d.inside++
		}
	}
}

func (d *director) snap(t float64) float64 { return d.Time(d.frame(t)) }

func (d *director) frame(t float64) int { return int(math.Round(t * float64(d.FPS))) }

func (d *director) enter(w *walker) {
	if d.AtOnce > 0 && !w.admitted {
		w.phase = gone // until there is room
		d.waiting = append(d.waiting, w)
		d.admit(w.next)
		return
	}
	w.spot = [2]float64{DoorX + 0.5*w.lane, -0.9}
	w.walk(w.next-0.9/w.speed, w.spot)
	w.entered = d.snap(max(0, w.next))
	w.next = w.walk(w.next-0.9/w.speed, [2]float64{DoorX + 0.5*w.lane, aisle})
	w.phase = choosing
}

// choose begins with the first wish: it decides where, and walks there.
func (d *director) choose(w *walker) error {
	w.at = -1
	if len(w.Wishes) == 0 {
		at := w.walk(w.next+0.3, [2]float64{DoorX + 0.5*w.lane, aisle})
		d.out(w, at)
		return nil
	}
	wish := w.Wishes[0]
	shelf, slot, ok := d.Find(wish.Slot)
	if wish.Slot == "" {
		shelf, slot, ok = d.somewhere(w, wish)
	}
	if !ok { // dice found no place for it
		w.Wishes = w.Wishes[1:]
		return nil
	}
	spot, ok := d.stand(w, shelf, slot)
	if !ok { // too crowded
		w.next++
		return nil
	}
	w.shelf, w.slot, w.at = shelf, slot, shelf
	came := w.next
	if math.Hypot(spot[0]-w.spot[0], spot[1]-w.spot[1]) > 0.02 {
		came = w.walk(w.next, spot)
	}
	w.face(came, d.Shelves[shelf].Facing+math.Pi)
	w.next = came + 0.25 + wish.After
	w.phase = reaching
	return nil
}

// out lets a walker go through the door.
func (d *director) out(w *walker, at float64) {
	w.walk(at, [2]float64{DoorX + 0.5*w.lane, -0.9})
	w.next, w.phase = at+aisle/w.speed, leaving
}

// stand finds a spot before a slot that nobody stands on, a step aside if need
// be.
func (d *director) stand(w *walker, shelf, slot int) ([2]float64, bool) {
	const apart = 0.5
	sh := d.Shelves[shelf]
	side := 0.12 * (2*d.dice.Unit() - 1)
	for _, off := range []float64{0, 0.22, -0.22, 0.4, -0.4} {
		p := sh.Point(sh.middle(slot)+off+side, -standOff, 0)
		spot := [2]float64{p[0], p[1]}
		ok := true
		for _, o := range d.people {
			if o != w && o.at >= 0 && math.Hypot(o.spot[0]-spot[0], o.spot[1]-spot[1]) < apart {
				ok = false
			}
		}
		if ok {
			return spot, true
		}
	}
	return [2]float64{}, false
}

// reach moves the hand, if the wish is still possible.
func (d *director) reach(w *walker) error {
	if until := d.busy[w.shelf][w.slot]; until > w.next {
		w.next = until + 0.15
		return nil
	}
	wish := w.Wishes[0]
	g, again, err := d.act(w, wish)
	if err != nil {
		if wish.Slot != "" {
			return fmt.Errorf("%w: %s wants to %s %s at %.1f s: %w", ErrScenario, w.Name, wish.Act, wish.Slot, w.next, err)
		}
		if w.phase, w.tries = choosing, w.tries+1; w.tries > 3 { // somebody was faster, four times
			w.Wishes, w.tries = w.Wishes[1:], 0
		}
		return nil
	}
	w.tries = 0
	if g != nil {
		d.gestures = append(d.gestures, g)
		w.gestures = append(w.gestures, g)
		w.next = float64(g.End)/float64(d.FPS) + 0.05
		d.busy[w.shelf][w.slot] = w.next
	}
	if !again {
		w.Wishes, w.phase = w.Wishes[1:], choosing
	}
	return nil
}

// gesture times a hand's way to a place and back: mid is how long it stays
// before the moment, hold how long after.
func (d *director) gesture(w *walker, e truth.Event, mid, hold float64) *Gesture {
	r := d.dice
	at := d.frame(w.next + r.Between(0.6, 0.95) + mid)
	release := at + d.frame(hold)
	return &Gesture{
		Event: e, Who: w.index, Shelf: w.shelf, Slot: w.slot,
		Start: d.frame(w.next), At: at, Release: release, End: release + d.frame(r.Between(0.6, 0.9)),
	}
}
