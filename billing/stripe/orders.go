package stripe

import (
	"context"
	"fmt"
	"slices"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing"
)

// Hold authorises the order's amount on its card, the shopper not being there
// to be asked. Only cards are offered: with automatic payment methods Stripe
// wants a page to return to.
func (g *Gateway) Hold(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	if err := check(o, billing.OpHold); err != nil {
		return billing.Outcome{}, err
	}
	amount, currency, err := toWire(o.Amount)
	if err != nil {
		return billing.Outcome{}, fmt.Errorf("hold %s: %w", o.ID, err)
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	p := &stripego.PaymentIntentParams{
		Params:             stripego.Params{Context: ctx, IdempotencyKey: &o.Key},
		Amount:             &amount,
		Currency:           &currency,
		Customer:           &o.Customer,
		PaymentMethod:      &o.PaymentMethod,
		PaymentMethodTypes: stripego.StringSlice([]string{"card"}),
		CaptureMethod:      stripego.String(string(stripego.PaymentIntentCaptureMethodManual)),
		Confirm:            stripego.Bool(true),
		OffSession:         stripego.Bool(true),
		Metadata:           metadata(o),
	}
	if o.Adjustable {
		p.PaymentMethodOptions = &stripego.PaymentIntentPaymentMethodOptionsParams{
			Card: &stripego.PaymentIntentPaymentMethodOptionsCardParams{
				RequestIncrementalAuthorization: stripego.String("if_available"),
			},
		}
	}
	p.AddExpand("latest_charge")
	pi, err := g.intents.New(p)
	if err != nil {
		out, err := refusal(err)
		return named(out, err, o)
	}
	out, err := g.held(pi)
	return named(out, err, o)
}

// Increment raises the hold to the order's amount. A card that cannot be
// raised is declined by Stripe, and the hold stays as it was.
func (g *Gateway) Increment(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	if err := check(o, billing.OpIncrement); err != nil {
		return billing.Outcome{}, err
	}
	amount, _, err := toWire(o.Amount)
	if err != nil {
		return billing.Outcome{}, fmt.Errorf("increment %s: %w", o.ID, err)
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	p := &stripego.PaymentIntentIncrementAuthorizationParams{
		Params:   stripego.Params{Context: ctx, IdempotencyKey: &o.Key},
		Amount:   &amount,
		Metadata: map[string]string{"increment_op_id": o.ID},
	}
	p.AddExpand("latest_charge")
	pi, err := g.intents.IncrementAuthorization(o.Object, p)
	if err != nil {
		out, err := refusal(err)
		return named(out, err, o)
	}
	out, err := g.held(pi)
	return named(out, err, o)
}

// Charge takes the order's amount at once. Off session a bank that wants to
// see the shopper declines; on session the intent waits for them.
func (g *Gateway) Charge(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	if err := check(o, billing.OpCharge); err != nil {
		return billing.Outcome{}, err
	}
	amount, currency, err := toWire(o.Amount)
	if err != nil {
		return billing.Outcome{}, fmt.Errorf("charge %s: %w", o.ID, err)
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	marks := metadata(o)
	marks["purpose"] = string(o.Purpose)
	p := &stripego.PaymentIntentParams{
		Params:             stripego.Params{Context: ctx, IdempotencyKey: &o.Key},
		Amount:             &amount,
		Currency:           &currency,
		Customer:           &o.Customer,
		PaymentMethod:      &o.PaymentMethod,
		PaymentMethodTypes: stripego.StringSlice([]string{"card"}),
		CaptureMethod:      stripego.String(string(stripego.PaymentIntentCaptureMethodAutomatic)),
		Confirm:            stripego.Bool(true),
		Metadata:           marks,
	}
	if !o.OnSession {
		p.OffSession = stripego.Bool(true)
	}
	pi, err := g.intents.New(p)
	if err != nil {
		out, err := refusal(err)
		return named(out, err, o)
	}
	out, err := g.charged(pi, o)
	return named(out, err, o)
}

// Capture takes the order's amount and frees the rest of the hold. When Stripe
// says that the hold is no longer one, the intent itself is asked: a lost
// answer to an earlier capture would otherwise be booked as a failure.
func (g *Gateway) Capture(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	if err := check(o, billing.OpCapture); err != nil {
		return billing.Outcome{}, err
	}
	amount, _, err := toWire(o.Amount)
	if err != nil {
		return billing.Outcome{}, fmt.Errorf("capture %s: %w", o.ID, err)
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	pi, err := g.intents.Capture(o.Object, &stripego.PaymentIntentCaptureParams{
		Params:          stripego.Params{Context: ctx, IdempotencyKey: &o.Key},
		AmountToCapture: &amount,
		Metadata:        captureMetadata(o),
	})
	if err == nil {
		out, err := g.captured(pi, o)
		return definite(out, err, o)
	}
	out, err := refusal(err)
	if err == nil && over(out.Code) {
		out, err := g.findOnIntent(ctx, o)
		return definite(out, err, o)
	}
	return named(out, err, o)
}

// Release frees a hold. A hold that is gone already is released.
func (g *Gateway) Release(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	if err := check(o, billing.OpRelease); err != nil {
		return billing.Outcome{}, err
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	pi, err := g.intents.Cancel(o.Object, &stripego.PaymentIntentCancelParams{
		Params:             stripego.Params{Context: ctx, IdempotencyKey: &o.Key},
		CancellationReason: stripego.String(string(stripego.PaymentIntentCancellationReasonAbandoned)),
	})
	if err == nil {
		out, err := g.released(pi)
		return definite(out, err, o)
	}
	out, err := refusal(err)
	if err == nil && over(out.Code) {
		out, err := g.findOnIntent(ctx, o)
		return definite(out, err, o)
	}
	return named(out, err, o)
}

// Refund gives the order's amount back. When Stripe says that nothing is left
// to refund, this order's own refund is looked for first.
func (g *Gateway) Refund(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	if err := check(o, billing.OpRefund); err != nil {
		return billing.Outcome{}, err
	}
	amount, _, err := toWire(o.Amount)
	if err != nil {
		return billing.Outcome{}, fmt.Errorf("refund %s: %w", o.ID, err)
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	r, err := g.refunds.New(&stripego.RefundParams{
		Params:        stripego.Params{Context: ctx, IdempotencyKey: &o.Key},
		PaymentIntent: &o.Object,
		Amount:        &amount,
		Reason:        stripego.String(string(stripego.RefundReasonRequestedByCustomer)),
		Metadata:      metadata(o),
	})
	if err == nil {
		out, err := refunded(r)
		return named(out, err, o)
	}
	out, err := refusal(err)
	nothingLeft := []string{
		string(stripego.ErrorCodeChargeAlreadyRefunded), string(stripego.ErrorCodeAmountTooLarge),
		string(stripego.ErrorTypeInvalidRequest), // "greater than unrefunded amount" has been seen without a code
	}
	if err == nil && slices.Contains(nothingLeft, out.Code) {
		found, err := g.findRefund(ctx, o)
		if err != nil || found.Status != billing.NotFound {
			return named(found, err, o)
		}
	}
	return named(out, err, o)
}

// over reports whether a code says that the hold is no longer one.
func over(code string) bool {
	return slices.Contains([]string{
		string(stripego.ErrorCodePaymentIntentUnexpectedState), CodeExpired, CodeCaptured,
	}, code)
}

// definite turns "the hold is still there" into an error: after a call that
// should have ended it, that is no answer.
func definite(out billing.Outcome, err error, o billing.Order) (billing.Outcome, error) {
	if err == nil && out.Status == billing.NotFound {
		err = fmt.Errorf("%w: %s is still held", ErrUnknownOutcome, out.Object)
	}
	return named(out, err, o)
}

// named says which order an error is about, and gives no outcome with it.
func named(out billing.Outcome, err error, o billing.Order) (billing.Outcome, error) {
	if err != nil {
		return billing.Outcome{}, fmt.Errorf("%s %s: %w", o.Op, o.ID, err)
	}
	return out, nil
}
