package stripe

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing"
)

// Codes of our own, where Stripe has a state but no code for it.
const (
	// CodeCanceled is the code of an order whose hold was canceled before.
	CodeCanceled = "canceled"
	// CodeExpired is the code of an order whose hold lapsed. It is Stripe's.
	CodeExpired = string(stripego.ErrorCodeChargeExpiredForCapture)
	// CodeCaptured is the code of a release whose hold was captured. It is
	// Stripe's.
	CodeCaptured = string(stripego.ErrorCodeChargeAlreadyCaptured)
	// CodeAuthentication is the code of a hold for which the bank wants to see
	// the shopper. It is Stripe's.
	CodeAuthentication = string(stripego.ErrorCodeAuthenticationRequired)
	// CodeUnconfirmed is the code of a hold that was begun and never put to the
	// bank.
	CodeUnconfirmed = "unconfirmed"
)

// refusal sorts an error of the SDK. A definite refusal comes back as an
// outcome with its code; everything else as an error. The SDK's own error is
// not wrapped: its text holds the whole payment intent.
func refusal(err error) (billing.Outcome, error) {
	var e *stripego.Error
	if !errors.As(err, &e) {
		return billing.Outcome{}, unusable(err)
	}
	said := fmt.Sprintf("stripe answered %d %s %s (request %s)", e.HTTPStatusCode, e.Type, e.Code, e.RequestID)
	switch {
	case e.HTTPStatusCode == http.StatusConflict, e.Code == stripego.ErrorCodeLockTimeout:
		return billing.Outcome{}, fmt.Errorf("%w: %w: %s", ErrUnknownOutcome, ErrBusy, said)
	case e.HTTPStatusCode == http.StatusBadRequest && strings.HasPrefix(string(e.Code), "parameter_"):
		return billing.Outcome{}, fmt.Errorf("%w: %s", ErrRequest, said)
	case e.Type == stripego.ErrorTypeIdempotency:
		return billing.Outcome{}, fmt.Errorf("%w: %s", ErrKeyReused, said)
	case e.HTTPStatusCode == http.StatusUnauthorized || e.HTTPStatusCode == http.StatusForbidden:
		return billing.Outcome{}, fmt.Errorf("%w: %s", ErrCredentials, said)
	case e.HTTPStatusCode == http.StatusPaymentRequired,
		e.HTTPStatusCode == http.StatusBadRequest,
		e.HTTPStatusCode == http.StatusNotFound:
		return billing.Outcome{Status: billing.Declined, Object: objectOf(e), Code: codeOf(e)}, nil
	}
	return billing.Outcome{}, fmt.Errorf("%w: %s", ErrUnknownOutcome, said)
}

// unusable says that there was no answer, or none that could be read. What the
// network says is passed on; what the SDK says of a body that does not decode
// holds a sample of the body, and is not.
func unusable(err error) error {
	var call *url.Error
	var network net.Error
	if errors.As(err, &call) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return fmt.Errorf("%w: the answer is not one of stripe's", ErrUnknownOutcome)
}

func objectOf(e *stripego.Error) string {
	if e.PaymentIntent != nil {
		return e.PaymentIntent.ID
	}
	return ""
}

// codeOf is the bank's reason if there is one, else Stripe's.
func codeOf(e *stripego.Error) string {
	switch {
	case e.DeclineCode != "":
		return string(e.DeclineCode)
	case e.Code != "":
		return string(e.Code)
	}
	return string(e.Type)
}

// held reads what became of a hold from its payment intent.
func (g *Gateway) held(pi *stripego.PaymentIntent) (billing.Outcome, error) {
	if err := g.mode(pi.Livemode, pi.ID); err != nil {
		return billing.Outcome{}, err
	}
	amount, err := fromWire(pi.Amount, string(pi.Currency))
	if err != nil {
		return billing.Outcome{}, fmt.Errorf("hold %s: %w", pi.ID, err)
	}
	out := billing.Outcome{Object: pi.ID, Amount: amount}
	switch pi.Status {
	case stripego.PaymentIntentStatusRequiresCapture, stripego.PaymentIntentStatusSucceeded:
		out.Status, out.CaptureBefore = billing.Done, captureBefore(pi)
		return out, nil
	case stripego.PaymentIntentStatusProcessing:
		out.Status = billing.Pending
		return out, nil
	case stripego.PaymentIntentStatusCanceled:
		out.Status, out.Code = billing.Declined, canceledCode(pi)
	case stripego.PaymentIntentStatusRequiresAction:
		out.Status, out.Code = billing.Declined, CodeAuthentication
	case stripego.PaymentIntentStatusRequiresPaymentMethod, stripego.PaymentIntentStatusRequiresConfirmation:
		out.Status, out.Code = billing.Declined, CodeUnconfirmed
		if pi.LastPaymentError != nil {
			out.Code = codeOf(pi.LastPaymentError)
		}
	default:
		return billing.Outcome{}, fmt.Errorf("%w: hold %s has status %q", ErrUnknownOutcome, pi.ID, pi.Status)
	}
	out.Amount.Minor = 0 // nothing is held
	return out, nil
}

// canceledCode tells a hold that lapsed from one that was canceled.
func canceledCode(pi *stripego.PaymentIntent) string {
	if lapsed(pi) {
		return CodeExpired
	}
	return CodeCanceled
}

func lapsed(pi *stripego.PaymentIntent) bool {
	return pi.Status == stripego.PaymentIntentStatusCanceled &&
		pi.CancellationReason == stripego.PaymentIntentCancellationReasonAutomatic
}

// captureBefore is when the hold lapses, zero if Stripe did not say.
func captureBefore(pi *stripego.PaymentIntent) time.Time {
	c := pi.LatestCharge
	if c == nil || c.PaymentMethodDetails == nil || c.PaymentMethodDetails.Card == nil ||
		c.PaymentMethodDetails.Card.CaptureBefore == 0 {
		return time.Time{}
	}
	return time.Unix(c.PaymentMethodDetails.Card.CaptureBefore, 0).UTC()
}

// captured reads what became of a capture. NotFound means that the hold is
// still there and nothing was captured.
func (g *Gateway) captured(pi *stripego.PaymentIntent, o billing.Order) (billing.Outcome, error) {
	if err := g.mode(pi.Livemode, pi.ID); err != nil {
		return billing.Outcome{}, err
	}
	out := billing.Outcome{Object: pi.ID}
	switch pi.Status {
	case stripego.PaymentIntentStatusSucceeded:
		got, err := fromWire(pi.AmountReceived, string(pi.Currency))
		if err != nil {
			return billing.Outcome{}, fmt.Errorf("capture %s: %w", o.ID, err)
		}
		if got != o.Amount {
			return billing.Outcome{}, fmt.Errorf("%w: capture %s: %s has %s, not %s", ErrMismatch, o.ID, pi.ID, got, o.Amount)
		}
		out.Status, out.Amount = billing.Done, got
	case stripego.PaymentIntentStatusCanceled:
		out.Status, out.Code = billing.Declined, canceledCode(pi)
	case stripego.PaymentIntentStatusProcessing:
		out.Status = billing.Pending
	case stripego.PaymentIntentStatusRequiresCapture:
		out.Status = billing.NotFound
	case stripego.PaymentIntentStatusRequiresAction, stripego.PaymentIntentStatusRequiresConfirmation,
		stripego.PaymentIntentStatusRequiresPaymentMethod:
		out.Status, out.Code = billing.Declined, CodeUnconfirmed
	default:
		return billing.Outcome{}, fmt.Errorf("%w: capture %s: %s has status %q", ErrUnknownOutcome, o.ID, pi.ID, pi.Status)
	}
	return out, nil
}

// charged reads what became of a charge from its payment intent. On session an
// intent that waits for the shopper is not decided.
func (g *Gateway) charged(pi *stripego.PaymentIntent, o billing.Order) (billing.Outcome, error) {
	if pi.Status == stripego.PaymentIntentStatusRequiresAction {
		if err := g.mode(pi.Livemode, pi.ID); err != nil {
			return billing.Outcome{}, err
		}
		if o.OnSession {
			return billing.Outcome{Status: billing.Pending, Object: pi.ID}, nil
		}
		return billing.Outcome{Status: billing.Declined, Object: pi.ID, Code: CodeAuthentication}, nil
	}
	if pi.Status == stripego.PaymentIntentStatusRequiresPaymentMethod && pi.LastPaymentError != nil {
		if err := g.mode(pi.Livemode, pi.ID); err != nil {
			return billing.Outcome{}, err
		}
		return billing.Outcome{Status: billing.Declined, Object: pi.ID, Code: codeOf(pi.LastPaymentError)}, nil
	}
	return g.captured(pi, o)
}

// raised reads what became of an increment. NotFound means that the hold is
// as it was.
func (g *Gateway) raised(pi *stripego.PaymentIntent, o billing.Order) (billing.Outcome, error) {
	out, err := g.held(pi)
	if err == nil && out.Status == billing.Done && out.Amount.Minor < o.Amount.Minor {
		return billing.Outcome{Status: billing.NotFound, Object: pi.ID}, nil
	}
	return out, err
}

// released reads what became of a release.
func (g *Gateway) released(pi *stripego.PaymentIntent) (billing.Outcome, error) {
	if err := g.mode(pi.Livemode, pi.ID); err != nil {
		return billing.Outcome{}, err
	}
	amount, err := fromWire(pi.Amount, string(pi.Currency))
	if err != nil {
		return billing.Outcome{}, fmt.Errorf("release %s: %w", pi.ID, err)
	}
	switch pi.Status { //nolint:exhaustive // every other status still waits for something
	case stripego.PaymentIntentStatusCanceled:
		return billing.Outcome{Status: billing.Done, Object: pi.ID, Amount: amount}, nil
	case stripego.PaymentIntentStatusSucceeded:
		return billing.Outcome{Status: billing.Declined, Object: pi.ID, Code: CodeCaptured}, nil
	case stripego.PaymentIntentStatusProcessing:
		return billing.Outcome{Status: billing.Pending, Object: pi.ID}, nil
	}
	return billing.Outcome{Status: billing.NotFound, Object: pi.ID}, nil
}

// refunded reads what became of a refund.
func refunded(r *stripego.Refund) (billing.Outcome, error) {
	amount, err := fromWire(r.Amount, string(r.Currency))
	if err != nil {
		return billing.Outcome{}, fmt.Errorf("refund %s: %w", r.ID, err)
	}
	out := billing.Outcome{Object: r.ID, Amount: amount}
	switch r.Status {
	case stripego.RefundStatusSucceeded:
		out.Status = billing.Done
	case stripego.RefundStatusPending, stripego.RefundStatusRequiresAction:
		out.Status = billing.Pending
	case stripego.RefundStatusFailed, stripego.RefundStatusCanceled:
		out.Status, out.Code, out.Amount.Minor = billing.Declined, string(r.Status), 0
		if r.FailureReason != "" {
			out.Code = string(r.FailureReason)
		}
	default:
		return billing.Outcome{}, fmt.Errorf("%w: refund %s has status %q", ErrUnknownOutcome, r.ID, r.Status)
	}
	return out, nil
}
