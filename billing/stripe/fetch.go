package stripe

import (
	"context"
	"fmt"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger/money"
)

// Fetch returns the payment that an object belongs to: an intent itself, or
// the intent of a charge or a refund. What a webhook says is never believed;
// it only names what to fetch. ErrNotFound means that there is no payment.
func (g *Gateway) Fetch(ctx context.Context, object string) (provider.Payment, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	p, err := g.fetch(ctx, object)
	if err != nil {
		return provider.Payment{}, fmt.Errorf("fetch %s: %w", object, err)
	}
	return p, nil
}

func (g *Gateway) fetch(ctx context.Context, object string) (provider.Payment, error) {
	id, err := g.intentOf(ctx, object)
	if err != nil {
		return provider.Payment{}, err
	}
	pi, err := g.intent(ctx, id)
	if err != nil {
		return provider.Payment{}, err
	}
	if err := g.mode(pi.Livemode, pi.ID); err != nil {
		return provider.Payment{}, err
	}
	refunds, err := g.listRefunds(ctx, id)
	if err != nil {
		return provider.Payment{}, err
	}
	return payment(pi, refunds)
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
func payment(pi *stripego.PaymentIntent, refunds []*stripego.Refund) (provider.Payment, error) {
	m := pi.Metadata
	p := provider.Payment{
		Object: pi.ID, Visit: m[metaVisit], Store: m[metaStore], OpID: m[metaOp], Key: m[metaKey],
		Op: billing.Op(m[metaKind]), CaptureOp: m[metaCaptureOp], CaptureKey: m[metaCaptureKey],
		Created: time.Unix(pi.Created, 0).UTC(), Status: string(pi.Status),
		Canceled: pi.Status == stripego.PaymentIntentStatusCanceled,
		Lapsed:   lapsed(pi),
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
	if p.Amount, err = fromWire(pi.Amount, string(pi.Currency)); err != nil {
		return p, err
	}
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
		if err := addRefund(&p, r); err != nil {
			return p, err
		}
	}
	return p, nil
}

// addRefund counts one refund.
func addRefund(p *provider.Payment, r *stripego.Refund) error {
	out, err := refunded(r)
	if err != nil {
		return err
	}
	amount, err := fromWire(r.Amount, string(r.Currency))
	if err != nil {
		return err
	}
	p.Refunds = append(p.Refunds, provider.Refund{
		Object: r.ID, OpID: r.Metadata[metaOp], Key: r.Metadata[metaKey], Status: out.Status, Amount: amount, Code: out.Code,
	})
	total := &p.Refunded
	switch out.Status {
	case billing.Done:
	case billing.Pending:
		total = &p.Refunding
	case billing.Declined, billing.NotFound:
		return nil
	}
	*total, err = total.Add(amount)
	return err
}
