package demo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/cmd/vouch/story"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// A teller follows Anna's visit over the API, as an auditor, and tells each
// event once.
type teller struct {
	r       *run
	printer *story.Printer
	next    map[ledger.StreamID]uint64
	cart    *projections.Cart
	lines   []story.Line

	heard   []ledger.Event // read and not told yet
	highest uint64         // position that the last look saw

	captured, refunded money.Money
	exitedAt, issuedAt time.Time // the log's clock
}

func newTeller(r *run) *teller {
	return &teller{r: r, printer: story.NewPrinter(r.cfg.Out), next: map[ledger.StreamID]uint64{}, cart: &projections.Cart{}}
}

func (t *teller) head() { t.printer.Head() }

// catchUp tells what has happened. The two streams are read one after the
// other, so an event is told only when a later look can find none before it.
func (t *teller) catchUp(ctx context.Context) error {
	for _, s := range []ledger.StreamID{ledger.VisitStream(t.r.visit), ledger.PaymentStream(t.r.visit)} {
		events, err := t.r.server.events(ctx, t.r.keys[keys.Auditor], s, t.next[s])
		if err != nil {
			return err
		}
		t.next[s] += uint64(len(events))
		t.heard = append(t.heard, events...)
	}
	slices.SortFunc(t.heard, func(a, b ledger.Event) int { return cmp.Compare(a.Position, b.Position) })
	sure := t.highest
	for len(t.heard) > 0 && t.heard[0].Position <= sure {
		if err := t.tell(t.heard[0]); err != nil {
			return err
		}
		t.heard = t.heard[1:]
	}
	if n := len(t.heard); n > 0 {
		t.highest = t.heard[n-1].Position
	}
	return nil
}

// settle tells what is still held back.
func (t *teller) settle(ctx context.Context) error {
	for range 2 {
		if err := t.catchUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *teller) tell(e ledger.Event) error {
	if e.Stream == ledger.VisitStream(t.r.visit) {
		if err := t.cart.Apply(e); err != nil {
			return err
		}
	}
	switch p := e.Payload.(type) { // only what the end asks for
	case ledger.GateExited:
		t.exitedAt = e.Recorded
	case ledger.ReceiptIssued:
		t.issuedAt = e.Recorded
	case ledger.Captured:
		t.captured = p.Amount
	case ledger.Refunded:
		t.refunded = p.Amount
	}
	line := story.Tell(e, t.cart)
	t.lines = append(t.lines, line)
	t.printer.Line(line)
	return nil
}

// until tells on until the cart is as asked.
func (t *teller) until(ctx context.Context, what string, ready func(*projections.Cart) bool) error {
	return t.r.server.until(ctx, what, func() (bool, error) {
		err := t.catchUp(ctx)
		return ready(t.cart), err
	})
}
