package projections

import (
	"iter"
	"slices"
	"strings"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// Carts is the cart of every visit, made in one pass over stored records: what
// a replay of a shop, or of a chain of shops, comes to. The carts are those of
// [Cart.Apply] over [ledger.Decode], to the byte; Carts is only faster. It
// decodes the two kinds that most events are of into memory that it uses again,
// and carts take nothing of a record's body with them.
//
// The zero Carts is ready. It is for one goroutine.
type Carts struct {
	byStream map[ledger.StreamID]*Cart
	inOrder  []*Cart
	last     *Cart  // of the record before: often of this one too
	spare    []Cart // carts are allocated many at once
	events   uint64

	memory  memory
	decoder ledger.Decoder
}

// cartsAtOnce is how many carts are allocated together.
const cartsAtOnce = 64

// Apply moves the cart of r's visit past r; see [Cart.Apply] for its errors. A record of another stream than a
// visit's is passed, and its body is not looked at: hand in the visits alone
// (the prefix "visit-") to save the log its reading.
//
// Records need not come in the order of the whole log: visits do not hang on
// each other, so a log that is faster stream by stream may be read so.
func (cs *Carts) Apply(r *ledger.Record) error { return cs.Take(ledger.Lend(r, nil)) }

// Take is Apply of a lent record.
func (cs *Carts) Take(l ledger.Lent) error {
	c, r := cs.last, l.Record
	if c == nil || c.Stream != r.Stream {
		if c = cs.byStream[r.Stream]; c == nil {
			return cs.begin(l)
		}
		cs.last = c
	}
	if err := cs.apply(c, l); err != nil {
		return err
	}
	cs.events++
	return nil
}

// begin applies the first record of a stream.
func (cs *Carts) begin(l ledger.Lent) error {
	if category, _ := l.Record.Stream.Split(); category != ledger.CategoryVisit {
		return nil
	}
	cs.decoder.Together = true
	if len(cs.spare) == 0 {
		cs.spare = make([]Cart, cartsAtOnce)
	}
	c, stream := &cs.spare[0], l.Record.Stream
	c.shared = &cs.memory
	l.Record.Stream = ledger.StreamID(strings.Clone(string(stream))) // the cart keeps it
	err := cs.apply(c, l)
	if l.Record.Stream = stream; err != nil {
		return err
	}
	state.Put(&cs.byStream, c.Stream, c)
	cs.inOrder, cs.spare, cs.last = append(cs.inOrder, c), cs.spare[1:], c
	cs.events++
	return nil
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
		p := new(ledger.ReceiptIssued) // the cart keeps it
		if err = cs.decoder.DecodeInto(l, p); err == nil {
			c.issued(r, &p.Document)
		}
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
			q.Claim = claimOf(p)
		}
		p.Evidence = evidence
	case *ledger.ReviewRequested:
		c.requested(r, p)
	case *ledger.ReviewDecided:
		c.decided(r, visit, new(*p))
	case *ledger.GatePresented:
		c.presented(r, p)
	case *ledger.GateEntered:
		c.entered(r, p)
	case *ledger.GateExited:
		c.exited(r)
	case *ledger.VisitSettled:
		c.Settled, c.Status = new(*p), StatusSettled
	}
	return nil
}

// Cart returns the cart of a visit, or nil if nothing happened in it. It is the
// fold's own: it is for reading, and moves with the next record.
func (cs *Carts) Cart(v ledger.VisitID) *Cart { return cs.byStream[ledger.VisitStream(v)] }

// All yields the carts in the order in which their visits began; see Cart.
func (cs *Carts) All() iter.Seq[*Cart] { return slices.Values(cs.inOrder) }

// Len returns how many carts there are.
func (cs *Carts) Len() int { return len(cs.inOrder) }

// Events returns how many records were folded; those that were passed do not
// count.
func (cs *Carts) Events() uint64 { return cs.events }
