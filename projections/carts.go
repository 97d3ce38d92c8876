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

	memory    memory
	decoder   ledger.Decoder
	detection *ledger.DetectionRecorded // written over by each
	request   ledger.ReviewRequested    // likewise
}

// cartsAtOnce is how many carts are allocated together.
const cartsAtOnce = 64

// Fold folds records, which are in the order of the log, until they end or one
// of them is wrong. See [Cart.Apply] for its errors, and [Carts.Apply] for
// which records count. It may be called again with what follows.
func (cs *Carts) Fold(records iter.Seq2[ledger.Record, error]) error {
	for r, err := range records {
		if err != nil {
			return err
		}
		if err := cs.Apply(&r); err != nil {
			return err
		}
	}
	return nil
}

// Apply moves the cart of r's visit past r. A record of another stream than a
// visit's is passed, and its body is not looked at: hand in the visits alone
// (the prefix "visit-") to save the log its reading.
//
// Records need not come in the order of the whole log: visits do not hang on
// each other, so a log that is faster stream by stream may be read so.
func (cs *Carts) Apply(r *ledger.Record) error {
	c := cs.last
	if c == nil || c.Stream != r.Stream {
		if c = cs.byStream[r.Stream]; c == nil {
			return cs.begin(r)
		}
		cs.last = c
	}
	if err := cs.apply(c, r); err != nil {
		return err
	}
	cs.events++
	return nil
}

// begin applies the first record of a stream.
func (cs *Carts) begin(r *ledger.Record) error {
	if category, _ := r.Stream.Split(); category != ledger.CategoryVisit {
		return nil
	}
	if cs.detection == nil {
		cs.detection, cs.decoder.Together = &ledger.DetectionRecorded{}, true
	}
	if len(cs.spare) == 0 {
		cs.spare = make([]Cart, cartsAtOnce)
	}
	c, first := &cs.spare[0], *r
	c.shared = &cs.memory
	first.Stream = ledger.StreamID(strings.Clone(string(r.Stream))) // the cart keeps it
	if err := cs.apply(c, &first); err != nil {
		return err
	}
	state.Put(&cs.byStream, c.Stream, c)
	cs.inOrder, cs.spare, cs.last = append(cs.inOrder, c), cs.spare[1:], c
	cs.events++
	return nil
}

// apply is Cart.Apply of the decoded r.
func (cs *Carts) apply(c *Cart, r *ledger.Record) error {
	visit, err := c.place(r)
	if err != nil {
		return err
	}
	switch r.Kind { //nolint:exhaustive // the hot ones; all others go the usual way
	case ledger.KindDetectionRecorded:
		err = cs.recorded(c, r, visit)
	case ledger.KindItemPriced:
		detection, p, failed := cs.decoder.Priced(r)
		if err = failed; err == nil {
			c.priced(r, detection, p)
		}
	case ledger.KindReceiptIssued:
		p := new(ledger.ReceiptIssued) // the cart keeps it
		if err = cs.decoder.DecodeInto(r, p); err == nil {
			c.issued(r, &p.Document)
		}
	case ledger.KindReviewRequested:
		if err = cs.decoder.DecodeInto(r, &cs.request); err == nil {
			c.requested(r, &cs.request)
		}
	case ledger.KindReviewDecided:
		p := new(ledger.ReviewDecided) // the question keeps it
		if err = cs.decoder.DecodeInto(r, p); err == nil {
			c.decided(r, visit, p)
		}
	default:
		e, err := cs.decoder.Decode(*r)
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

// recorded applies a sensor's claim. What the cart keeps of it is not written
// over by the next.
func (cs *Carts) recorded(c *Cart, r *ledger.Record, visit ledger.VisitID) error {
	p := cs.detection
	p.Evidence = nil
	if err := cs.decoder.DecodeInto(r, p); err != nil {
		return err
	}
	if q := c.recorded(r, visit, p); q != nil {
		q.Claim, cs.detection = p, &ledger.DetectionRecorded{}
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

// memory is what the carts of one Carts take their small parts from, so that
// the collector sees few and large ones. A nil memory allocates each.
type memory struct {
	ids   []ledger.ID
	picks int // of the visits that were billed lately, times 8
}

// partsAtOnce is how many parts are allocated together.
const partsAtOnce = 128

// id returns a list of one id.
func (m *memory) id(id ledger.ID) []ledger.ID {
	if m == nil {
		return []ledger.ID{id}
	}
	if len(m.ids) == 0 {
		m.ids = make([]ledger.ID, partsAtOnce)
	}
	l := m.ids[:1:1]
	l[0], m.ids = id, m.ids[1:]
	return l
}

// usualPicks returns for how many picks a cart makes room at first.
func (m *memory) usualPicks() int {
	if m == nil {
		return 4
	}
	return max(4, m.picks/8+1)
}

// seen notes that a visit was billed with n picks.
func (m *memory) seen(n int) {
	if m != nil {
		m.picks += n - m.picks/8
	}
}
