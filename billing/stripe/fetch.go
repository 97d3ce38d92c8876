package stripe

import (
	"context"
	"fmt"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Payment is a payment intent and its refunds as Stripe has them now.
type Payment struct {
	Object    string // "pi_…"
	OpID      string // metadata op_id of the hold; empty if it is not ours
	CaptureOp string // metadata capture_op_id
	Visit     string
	Store     string
	Customer  string
	Created   time.Time

	Status        string      // Stripe's word
	Held          money.Money // can still be captured
	Captured      money.Money
	Refunded      money.Money // refunds that succeeded
	Refunding     money.Money // refunds under way
	Canceled      bool
	Code          string    // why it was canceled or declined
	CaptureBefore time.Time // when the hold lapses; zero if unknown
	Refunds       []RefundState
}

// A RefundState is one refund as Stripe has it now.
type RefundState struct {
	Object string // "re_…"
	OpID   string // metadata op_id; empty if it is not ours
	Status billing.Status
	Amount money.Money
	Code   string // why it failed
}

// Fetch returns the payment that an object belongs to: an intent itself, or
// the intent of a charge or a refund. What a webhook says is never believed;
// it only names what to fetch. ErrNotFound means that there is no payment.
func (g *Gateway) Fetch(ctx context.Context, object string) (Payment, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	id, err := g.intentOf(ctx, object)
	if err != nil {
		return Payment{}, fmt.Errorf("fetch %s: %w", object, err)
	}
	pi, err := g.intent(ctx, id)
	if err != nil {
		return Payment{}, fmt.Errorf("fetch %s: %w", object, err)
	}
	if err := g.mode(pi.Livemode, pi.ID); err != nil {
		return Payment{}, fmt.Errorf("fetch %s: %w", object, err)
	}
	refunds, err := g.listRefunds(ctx, id)
	if err != nil {
		return Payment{}, fmt.Errorf("fetch %s: %w", object, err)
	}
	p, err := payment(pi, refunds)
	if err != nil {
		return Payment{}, fmt.Errorf("fetch %s: %w", object, err)
	}
	return p, nil
}

// intentOf leads from an object to its payment intent.
func (g *Gateway) intentOf(ctx context.Context, object string) (string, error) {
	kind, _, _ := strings.Cut(object, "_")
	var pi *stripego.PaymentIntent
	switch kind {
	case "pi":
		return object, nil
	case "ch", "py":
		c, err := g.charges.Get(object, &stripego.ChargeParams{Params: stripego.Params{Context: ctx}})
		if err != nil {
			return "", lookupError(err)
		}
		pi = c.PaymentIntent
	case "re", "pyr":
		r, err := g.refunds.Get(object, &stripego.RefundParams{Params: stripego.Params{Context: ctx}})
		if err != nil {
			return "", lookupError(err)
		}
		pi = r.PaymentIntent
	}
	if pi == nil {
		return "", ErrNotFound
	}
	return pi.ID, nil
}

// payment adds up what Stripe says. Refunds are counted from the refunds
// themselves: a charge's amount_refunded also counts what a partial capture
// set free, and Stripe makes a refund of its own for a hold that lapsed.
func payment(pi *stripego.PaymentIntent, refunds []*stripego.Refund) (Payment, error) {
	p := Payment{
		Object: pi.ID, OpID: pi.Metadata["op_id"], CaptureOp: pi.Metadata["capture_op_id"],
		Visit: pi.Metadata["visit"], Store: pi.Metadata["store"],
		Created: time.Unix(pi.Created, 0).UTC(), Status: string(pi.Status),
		Canceled: pi.Status == stripego.PaymentIntentStatusCanceled,
	}
	if pi.Customer != nil {
		p.Customer = pi.Customer.ID
	}
	switch {
	case p.Canceled:
		p.Code = canceledCode(pi)
	case pi.LastPaymentError != nil:
		p.Code = codeOf(pi.LastPaymentError)
	}
	var err error
	if p.Held, err = fromWire(pi.AmountCapturable, string(pi.Currency)); err != nil {
		return p, err
	}
	if p.Captured, err = fromWire(pi.AmountReceived, string(pi.Currency)); err != nil {
		return p, err
	}
	if pi.Status == stripego.PaymentIntentStatusRequiresCapture {
		p.CaptureBefore = captureBefore(pi)
	}
	p.Refunded, p.Refunding = money.Zero(p.Captured.Currency), money.Zero(p.Captured.Currency)
	for _, r := range refunds {
		if r.Reason == stripego.RefundReasonExpiredUncapturedCharge {
			continue
		}
		if err := p.add(r); err != nil {
			return p, err
		}
	}
	return p, nil
}

// add counts one refund.
func (p *Payment) add(r *stripego.Refund) error {
	out, err := refunded(r)
	if err != nil {
		return err
	}
	p.Refunds = append(p.Refunds, RefundState{
		Object: r.ID, OpID: r.Metadata["op_id"], Status: out.Status, Amount: out.Amount, Code: out.Code,
	})
	total := &p.Refunded
	if out.Status == billing.Pending {
		total = &p.Refunding
	}
	*total, err = total.Add(out.Amount)
	return err
}
