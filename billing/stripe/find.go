package stripe

import (
	"context"
	"fmt"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing"
)

// before is how far ahead of Stripe's clock ours may be when a hold is looked
// for by its time.
const before = 5 * time.Minute

// pageSize is the most that Stripe lists at once.
const pageSize = 100

// Find looks for the outcome of an order by its id in the metadata.
func (g *Gateway) Find(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	if err := check(o, o.Op); err != nil {
		return billing.Outcome{}, err
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	switch o.Op {
	case billing.OpHold, billing.OpCharge:
		out, err := g.findHold(ctx, o)
		return named(out, err, o)
	case billing.OpCapture, billing.OpRelease, billing.OpIncrement:
		out, err := g.findOnIntent(ctx, o)
		return named(out, err, o)
	case billing.OpRefund:
		out, err := g.findRefund(ctx, o)
		return named(out, err, o)
	}
	return billing.Outcome{}, fmt.Errorf("%w: find %s: no such operation %q", ErrOrder, o.ID, o.Op)
}

// made reads what became of an order that makes an intent.
func (g *Gateway) made(pi *stripego.PaymentIntent, o billing.Order) (billing.Outcome, error) {
	if o.Op == billing.OpCharge {
		return g.charged(pi, o)
	}
	return g.held(pi)
}

// Confirmation returns what the shopper's app needs to have them answer their
// bank about a charge that waits for them: Stripe's client secret. It is shown
// to nobody else, and stored nowhere. ErrNotFound means that nothing waits.
func (g *Gateway) Confirmation(ctx context.Context, o billing.Order) (string, error) {
	if err := check(o, billing.OpCharge); err != nil {
		return "", err
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	list := g.intents.List(&stripego.PaymentIntentListParams{
		ListParams:   stripego.ListParams{Context: ctx, Limit: stripego.Int64(pageSize)},
		Customer:     &o.Customer,
		CreatedRange: &stripego.RangeQueryParams{GreaterThanOrEqual: o.First.Add(-before).Unix()},
	})
	for list.Next() {
		pi := list.PaymentIntent()
		if pi.Metadata["op_id"] == o.ID && pi.Status == stripego.PaymentIntentStatusRequiresAction {
			return pi.ClientSecret, g.mode(pi.Livemode, pi.ID)
		}
	}
	if err := list.Err(); err != nil {
		return "", lookupError(err)
	}
	return "", fmt.Errorf("confirmation of %s: %w", o.ID, ErrNotFound)
}

// findHold lists the customer's intents since the order was made. Attempts
// that the bank declined count only if there is no other.
func (g *Gateway) findHold(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	if o.First.IsZero() {
		return billing.Outcome{}, fmt.Errorf("%w: the time it was made is not known", ErrOrder)
	}
	p := &stripego.PaymentIntentListParams{
		ListParams:   stripego.ListParams{Context: ctx, Limit: stripego.Int64(pageSize)},
		Customer:     &o.Customer,
		CreatedRange: &stripego.RangeQueryParams{GreaterThanOrEqual: o.First.Add(-before).Unix()},
	}
	p.AddExpand("data.latest_charge")
	found, live := billing.Outcome{Status: billing.NotFound}, 0
	list := g.intents.List(p)
	for list.Next() {
		pi := list.PaymentIntent()
		if pi.Metadata[metaOp] != o.ID {
			continue
		}
		out, err := g.made(pi, o)
		if err != nil {
			return billing.Outcome{}, err
		}
		if out.Status != billing.Declined {
			live++
		}
		if out.Status != billing.Declined || found.Status == billing.NotFound {
			found = out
		}
	}
	if err := list.Err(); err != nil {
		return billing.Outcome{}, lookupError(err)
	}
	if live > 1 {
		return billing.Outcome{}, fmt.Errorf("%w: %d holds for one order", ErrMismatch, live)
	}
	return found, nil
}

// findOnIntent reads the outcome of a capture or a release from its intent.
func (g *Gateway) findOnIntent(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	pi, err := g.intent(ctx, o.Object)
	if err != nil {
		return billing.Outcome{}, err
	}
	switch o.Op { //nolint:exhaustive // called with these three
	case billing.OpRelease:
		return g.released(pi)
	case billing.OpIncrement:
		return g.raised(pi, o)
	}
	return g.captured(pi, o)
}

// findRefund lists the refunds of the order's intent.
func (g *Gateway) findRefund(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	found := billing.Outcome{Status: billing.NotFound}
	all, err := g.listRefunds(ctx, o.Object)
	if err != nil {
		return found, err
	}
	live := 0
	for _, r := range all {
		if r.Metadata[metaOp] != o.ID {
			continue
		}
		out, err := refunded(r)
		if err != nil {
			return billing.Outcome{}, err
		}
		if out.Status != billing.Declined {
			live++
		}
		if out.Status != billing.Declined || found.Status == billing.NotFound {
			found = out
		}
	}
	if live > 1 {
		return billing.Outcome{}, fmt.Errorf("%w: %d refunds for one order", ErrMismatch, live)
	}
	return found, nil
}

// intent gets a payment intent with its charge.
func (g *Gateway) intent(ctx context.Context, id string) (*stripego.PaymentIntent, error) {
	p := &stripego.PaymentIntentParams{Params: stripego.Params{Context: ctx}}
	p.AddExpand("latest_charge")
	pi, err := g.intents.Get(id, p)
	if err != nil {
		return nil, lookupError(err)
	}
	return pi, nil
}

func (g *Gateway) listRefunds(ctx context.Context, intent string) ([]*stripego.Refund, error) {
	var all []*stripego.Refund
	list := g.refunds.List(&stripego.RefundListParams{
		ListParams:    stripego.ListParams{Context: ctx, Limit: stripego.Int64(pageSize)},
		PaymentIntent: &intent,
	})
	for list.Next() {
		all = append(all, list.Refund())
	}
	if err := list.Err(); err != nil {
		return nil, lookupError(err)
	}
	return all, nil
}

// lookupError sorts an error of a request that only reads. A refusal to read
// says nothing about the money.
func lookupError(err error) error {
	out, err := refusal(err)
	switch {
	case err != nil:
		return err
	case out.Code == string(stripego.ErrorCodeResourceMissing):
		return ErrNotFound
	}
	return fmt.Errorf("%w: lookup refused: %s", ErrUnknownOutcome, out.Code)
}
