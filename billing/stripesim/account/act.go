package account

import (
	"fmt"
	"slices"
)

// A Dispute says what a shopper's bank says of a charge.
type Dispute struct {
	// Reason is Stripe's word for it; empty is "fraudulent".
	Reason string `json:"reason"`
	// Amount is the disputed part; 0 is all that is not refunded.
	Amount int64 `json:"amount"`
	// Inquiry asks first, and takes no money yet.
	Inquiry bool `json:"inquiry"`
	// DueDays is how long there is to answer; 0 is fourteen days.
	DueDays int `json:"due_days"`
}

// An Act is what a shopper, a bank or a card network does to the account: what
// no request asked for.
type Act func(*tx) error

// Do does an act at a time and returns the id of what it made, if it made
// something. The change is yet to be applied; with an error there is none.
func (s *Account) Do(what, id string, now int64, act Act) (made string, rec Record, err error) {
	n := s.Next()
	t := &tx{acc: s, now: now, cause: fmt.Sprintf("%s/%s/%d", what, id, n)}
	if err := act(t); err != nil {
		return "", Record{}, err
	}
	t.rec.Asked = n // so that ids after a restart are new ones
	return t.result, t.rec, nil
}

// Authenticate answers for the shopper of a payment or setup intent that
// requires action: right, or wrong as somebody who is not the shopper would.
// The bank may still decline after a right answer; the intent says so.
func Authenticate(id string, right bool) Act {
	return func(t *tx) error {
		if p, ok := t.intent(id); ok && p.Status == needsAction {
			t.authenticated(p, right)
			return nil
		} else if ok {
			return fmt.Errorf("%w: it is %s", ErrState, p.Status)
		}
		v, ok := t.setup(id)
		switch {
		case !ok:
			return ErrNotFound
		case v.Status != needsAction:
			return fmt.Errorf("%w: it is %s", ErrState, v.Status)
		}
		t.setupAuthenticated(v, right)
		return nil
	}
}

// capturedOf finds the captured charge of a charge or payment intent.
func (t *tx) capturedOf(id string) (charge, error) {
	c, ok := t.charge(id)
	if p, is := t.intent(id); is {
		c, ok = t.charge(p.Charge)
	}
	switch {
	case !ok:
		return c, ErrNotFound
	case !c.done():
		return c, fmt.Errorf("%w: charge %s is not captured", ErrState, c.ID)
	}
	return c, nil
}

// Disputed has the bank dispute a captured charge, which may be named by its
// payment intent.
func Disputed(id string, in Dispute) Act {
	if in.Reason == "" {
		in.Reason = "fraudulent"
	}
	return func(t *tx) error {
		c, err := t.capturedOf(id)
		switch {
		case err != nil:
			return err
		case reasons[in.Reason] == "":
			return fmt.Errorf("%w: reason %q is unknown", ErrState, in.Reason)
		case in.Amount < 0 || in.Amount > c.Captured || in.DueDays < 0:
			return fmt.Errorf("%w: amount %d of %d in %d days", ErrState, in.Amount, c.Captured, in.DueDays)
		}
		for _, id := range c.Disputes {
			if d, _ := t.disputeOf(id); d.open() {
				return fmt.Errorf("%w: dispute %s is open", ErrState, d.ID)
			}
		}
		t.result = t.dispute(c, in).ID
		return nil
	}
}

// Escalate has the bank make a dispute of an inquiry.
func Escalate(dispute string) Act {
	return func(t *tx) error {
		d, ok := t.disputeOf(dispute)
		switch {
		case !ok:
			return ErrNotFound
		case !d.inquiring():
			return fmt.Errorf("%w: it is %s", ErrState, d.Status)
		}
		t.escalate(d)
		return nil
	}
}

// Decide ends a dispute, won or lost; an inquiry is closed either way.
func Decide(dispute string, win bool) Act {
	return func(t *tx) error {
		d, ok := t.disputeOf(dispute)
		switch {
		case !ok:
			return ErrNotFound
		case !d.open():
			return fmt.Errorf("%w: it is %s", ErrState, d.Status)
		case d.inquiring():
			t.close(d, warningClosed)
		case win:
			t.close(d, won)
		default:
			t.close(d, lost)
		}
		return nil
	}
}

// Warn has the bank believe that a captured charge, which may be named by its
// payment intent, is fraud, and returns the early fraud warning's id. An empty
// kind of fraud is "misc".
func Warn(id, fraud string) Act {
	if fraud == "" {
		fraud = frauds[0]
	}
	return func(t *tx) error {
		c, err := t.capturedOf(id)
		if err == nil && !slices.Contains(frauds, fraud) {
			err = fmt.Errorf("%w: fraud type %q is unknown", ErrState, fraud)
		}
		if err != nil {
			return err
		}
		t.result = t.warn(c, fraud).ID
		return nil
	}
}

// FailRefund has the bank send a refund back that is pending or succeeded. An
// empty reason is "unknown".
func FailRefund(refund, reason string) Act {
	if reason == "" {
		reason = "unknown"
	}
	return func(t *tx) error { return t.decideRefund(refund, failed, reason) }
}

// CompleteRefund has the bank pay out a refund that is pending.
func CompleteRefund(refund string) Act {
	return func(t *tx) error { return t.decideRefund(refund, succeeded, "") }
}

func (t *tx) decideRefund(id, status, reason string) error {
	r, ok := t.refund(id)
	switch {
	case !ok:
		return ErrNotFound
	case r.Status != pending && (r.Status != succeeded || status == succeeded):
		return fmt.Errorf("%w: it is %s", ErrState, r.Status)
	}
	t.endRefund(r, status, reason)
	return nil
}

// PayOut makes an automatic payout of what is available in a currency, before
// its time, and returns its id.
func PayOut(currency string) Act {
	return func(t *tx) error {
		p, ok := t.payOut(currency)
		if t.result = p.ID; !ok {
			return fmt.Errorf("%w: nothing is available", ErrState)
		}
		return nil
	}
}

// FailPayout has our bank send a payout back. An empty code is
// "account_closed".
func FailPayout(payout, code string) Act {
	if code == "" {
		code = "account_closed"
	}
	return func(t *tx) error {
		p, ok := lookup(t.rec.Payouts, &t.acc.payouts, payout)
		switch {
		case !ok:
			return ErrNotFound
		case p.Status == failed || p.Status == canceled:
			return fmt.Errorf("%w: it is %s", ErrState, p.Status)
		}
		t.failPayout(p, code)
		return nil
	}
}
