package projections

import (
	"iter"
	"strings"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/internal/packed"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// Carts is the cart of every visit, made in one pass over stored records: what
// a replay of a shop, or of a chain of shops, comes to. The carts are those of
// [Cart.Apply] over [ledger.Decode], to the byte; Carts is only faster. It
// decodes the kinds that most events are of into memory that it uses again, and carts
// take nothing of a record's body with them. The cart of a visit that is over lies
// packed in some two kilobytes until somebody asks for it, or something follows.
//
// The zero Carts is ready. It is for one goroutine.
type Carts struct {
	byStream map[ledger.StreamID]int // place
	places   []place
	stream   ledger.StreamID // of the record before, if that had a place: often of this one too
	at       int             // its place
	events   uint64

	memory memory
	idle   []*Cart // that are zero

	decoder ledger.Decoder
	book    packed.Book
	codec   packed.Codec
	work    []byte // where carts are packed
	room    []byte // where they lie then
}

// A place is where the cart of a visit is: as it is, or packed.
type place struct {
	cart   *Cart // nil while it is packed
	packed []byte
}

const (
	cartsAtOnce = 16       // carts that are allocated together
	roomAtOnce  = 64 << 10 // bytes for packed ones
)

// Apply moves the cart of r's visit past r; see [Cart.Apply] for its errors. A record of another stream than a
// visit's is passed, and its body is not looked at: hand in the visits alone
// (the prefix "visit-") to save the log its reading.
//
// Records need not come in the order of the whole log: visits do not hang on
// each other, so a log that is faster stream by stream may be read so.
func (cs *Carts) Apply(r *ledger.Record) error { return cs.Take(ledger.Lend(r, nil)) }

// Take is Apply of a lent record.
func (cs *Carts) Take(l ledger.Lent) error {
	stream := l.Record.Stream
	if stream != cs.stream || len(cs.places) == 0 {
		at, ok := cs.byStream[stream]
		if !ok {
			return cs.begin(l)
		}
		cs.stream, cs.at = stream, at
	}
	c := cs.places[cs.at].cart
	if c == nil {
		c = cs.unpacked(cs.at)
		c.shared = &cs.memory
	}
	if err := cs.apply(c, l); err != nil {
		return err
	}
	cs.events++
	cs.keep(cs.at, c)
	return nil
}

// begin applies the first record of a stream.
func (cs *Carts) begin(l ledger.Lent) error {
	if category, _ := l.Record.Stream.Split(); category != ledger.CategoryVisit {
		return nil
	}
	cs.decoder.Together = true
	if len(cs.idle) == 0 {
		carts := make([]Cart, cartsAtOnce)
		for i := range carts {
			cs.idle = append(cs.idle, &carts[i])
		}
	}
	last := len(cs.idle) - 1
	c, stream := cs.idle[last], l.Record.Stream
	c.shared = &cs.memory
	l.Record.Stream = ledger.StreamID(strings.Clone(string(stream))) // the cart keeps it
	err := cs.apply(c, l)
	if l.Record.Stream = stream; err != nil {
		return err
	}
	cs.idle, cs.stream, cs.at = cs.idle[:last], c.Stream, len(cs.places)
	state.Put(&cs.byStream, c.Stream, cs.at)
	cs.places = append(cs.places, place{})
	cs.events++
	cs.keep(cs.at, c)
	return nil
}

// keep puts a cart in its place: packed, if its visit is over and it is not odd.
func (cs *Carts) keep(at int, c *Cart) {
	if cs.places[at].cart != c {
		cs.places[at] = place{cart: c}
	}
	if !c.over() {
		return
	}
	cs.codec.Pack(&cs.book, cs.work[:0])
	c.pack(&cs.codec)
	if cs.codec.IsOdd() {
		return
	}
	cs.work = cs.codec.Bytes()
	n := len(cs.work)
	if len(cs.room) < n {
		cs.room = make([]byte, max(roomAtOnce, n))
	}
	copy(cs.room, cs.work)
	cs.places[at] = place{packed: cs.room[:n:n]}
	cs.room = cs.room[n:]
	// What the cart was made of is for the next one.
	cs.memory.takeBack(c)
	cs.idle = append(cs.idle, c)
}

// unpacked returns the cart that lies packed in a place.
func (cs *Carts) unpacked(at int) *Cart {
	c := new(Cart)
	cs.codec.Unpack(&cs.book, cs.places[at].packed)
	c.pack(&cs.codec)
	return c
}

// apply is Cart.Apply of the decoded r.
func (cs *Carts) apply(c *Cart, l ledger.Lent) error {
	r := l.Record
	visit, err := c.place(r)
	if err != nil {
		return err
	}
	switch r.Kind { //nolint:exhaustive // what a visit is mostly made of; all others go the usual way
	case ledger.KindItemPriced:
		detection, p, failed := cs.decoder.Priced(l)
		if err = failed; err == nil {
			c.priced(r, detection, p)
		}
	case ledger.KindReceiptIssued:
		err = cs.issued(c, l)
	case ledger.KindDetectionRecorded, ledger.KindReviewRequested, ledger.KindReviewDecided,
		ledger.KindGatePresented, ledger.KindGateEntered, ledger.KindGateExited, ledger.KindVisitSettled:
		err = cs.lent(c, l, visit)
	default:
		e, err := cs.decoder.DecodeLent(l)
		if err != nil {
			return err
		}
		return c.Apply(e)
	}
	if err != nil {
		return err
	}
	c.count(r, visit)
	return nil
}

// lent applies a payload that is written over by the next: what the cart keeps of it is
// copied.
func (cs *Carts) lent(c *Cart, l ledger.Lent, visit ledger.VisitID) error {
	p, err := cs.decoder.Lent(l)
	if err != nil {
		return err
	}
	switch r := l.Record; p := p.(type) {
	case *ledger.DetectionRecorded:
		evidence := p.Evidence
		p.Evidence = cs.memory.evidence(evidence)
		if q := c.recorded(r, visit, p); q != nil {
			q.Claim = cs.memory.claim(p)
		}
		p.Evidence = evidence
	case *ledger.ReviewRequested:
		c.requested(r, p)
	case *ledger.ReviewDecided:
		c.decided(r, visit, kept(&cs.memory.decisions, *p))
	case *ledger.GatePresented:
		c.presented(r, p)
	case *ledger.GateEntered:
		c.entered(r, p)
	case *ledger.GateExited:
		c.exited(r)
	case *ledger.VisitSettled:
		c.Settled, c.Status = kept(&cs.memory.settled, *p), StatusSettled
	}
	return nil
}

// issued applies a receipt, which the cart keeps until it is packed.
func (cs *Carts) issued(c *Cart, l ledger.Lent) error {
	p := last(&cs.memory.receipts)
	err := cs.decoder.DecodeInto(l, p)
	if err == nil {
		c.issued(l.Record, &p.Document)
	}
	if err == nil && c.Issued == &p.Document {
		c.lent = p
	} else {
		cs.memory.receipts = append(cs.memory.receipts, p)
	}
	return err
}

// Cart returns the cart of a visit, or nil if nothing happened in it. It is lent: it is
// for reading until the next record, which may move it, or use its memory for another
// visit. Who keeps it takes a [Cart.Clone].
func (cs *Carts) Cart(v ledger.VisitID) *Cart {
	at, ok := cs.byStream[ledger.VisitStream(v)]
	if !ok {
		return nil
	}
	return cs.cart(at)
}

func (cs *Carts) cart(at int) *Cart {
	if c := cs.places[at].cart; c != nil {
		return c
	}
	return cs.unpacked(at)
}

// All yields the carts in the order in which their visits began; see Cart.
func (cs *Carts) All() iter.Seq[*Cart] {
	return func(yield func(*Cart) bool) {
		for at := range cs.places {
			if !yield(cs.cart(at)) {
				return
			}
		}
	}
}

// Len returns how many carts there are.
func (cs *Carts) Len() int { return len(cs.places) }

// Events returns how many records were folded; those that were passed do not
// count.
func (cs *Carts) Events() uint64 { return cs.events }
