package stripesim

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

// act does something to the account that no request asked for: what shoppers,
// banks and networks do. All or nothing, and durable when it returns.
func (s *Sim) act(what, id string, do func(*tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.settle()
	if err == nil {
		s.state.asked++
		t := &tx{sim: s, now: s.now().Unix(), cause: fmt.Sprintf("%s/%s/%d", what, id, s.state.asked)}
		if err = do(t); err == nil {
			// The number is kept, so that ids after a restart are new ones.
			t.rec.Asked = s.state.asked
			err = s.commit(t.rec)
		}
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, id, err)
	}
	return nil
}

// Authenticate answers for the shopper of a payment or setup intent that
// requires action: right, or wrong as somebody who is not the shopper would.
// The bank may still decline after a right answer; the intent says so.
func (s *Sim) Authenticate(id string, right bool) error {
	return s.act("authenticate", id, func(t *tx) error {
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
	})
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

// Dispute has the bank dispute a captured charge, which may be named by its
// payment intent, and returns the dispute's id.
func (s *Sim) Dispute(id string, in Dispute) (string, error) {
	made := ""
	if in.Reason == "" {
		in.Reason = "fraudulent"
	}
	err := s.act("dispute", id, func(t *tx) error {
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
		made = t.dispute(c, in).ID
		return nil
	})
	if err != nil {
		return "", err
	}
	return made, nil
}

// Escalate has the bank make a dispute of an inquiry.
func (s *Sim) Escalate(dispute string) error {
	return s.act("escalate", dispute, func(t *tx) error {
		d, ok := t.disputeOf(dispute)
		switch {
		case !ok:
			return ErrNotFound
		case !d.inquiring():
			return fmt.Errorf("%w: it is %s", ErrState, d.Status)
		}
		t.escalate(d)
		return nil
	})
}

// Decide ends a dispute, won or lost; an inquiry is closed either way.
func (s *Sim) Decide(dispute string, win bool) error {
	return s.act("decide", dispute, func(t *tx) error {
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
	})
}

// Warn has the bank believe that a captured charge, which may be named by its
// payment intent, is fraud, and returns the early fraud warning's id. An empty
// kind of fraud is "misc".
func (s *Sim) Warn(id, fraud string) (string, error) {
	made := ""
	if fraud == "" {
		fraud = frauds[0]
	}
	err := s.act("warn", id, func(t *tx) error {
		c, err := t.capturedOf(id)
		if err == nil && !slices.Contains(frauds, fraud) {
			err = fmt.Errorf("%w: fraud type %q is unknown", ErrState, fraud)
		}
		if err != nil {
			return err
		}
		made = t.warn(c, fraud).ID
		return nil
	})
	if err != nil {
		return "", err
	}
	return made, nil
}

// FailRefund has the bank send a refund back that is pending or succeeded. An
// empty reason is "unknown".
func (s *Sim) FailRefund(refund, reason string) error {
	if reason == "" {
		reason = "unknown"
	}
	return s.act("fail refund", refund, func(t *tx) error { return t.decideRefund(refund, failed, reason) })
}

// CompleteRefund has the bank pay out a refund that is pending.
func (s *Sim) CompleteRefund(refund string) error {
	return s.act("complete refund", refund, func(t *tx) error { return t.decideRefund(refund, succeeded, "") })
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
func (s *Sim) PayOut(currency string) (string, error) {
	made := ""
	err := s.act("pay out", currency, func(t *tx) error {
		p, ok := t.payOut(currency)
		if made = p.ID; !ok {
			return fmt.Errorf("%w: nothing is available", ErrState)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return made, nil
}

// FailPayout has our bank send a payout back. An empty code is
// "account_closed".
func (s *Sim) FailPayout(payout, code string) error {
	if code == "" {
		code = "account_closed"
	}
	return s.act("fail payout", payout, func(t *tx) error {
		p, ok := lookup(t.rec.Payouts, &t.sim.state.payouts, payout)
		switch {
		case !ok:
			return ErrNotFound
		case p.Status == failed || p.Status == canceled:
			return fmt.Errorf("%w: it is %s", ErrState, p.Status)
		}
		t.failPayout(p, code)
		return nil
	})
}

// File returns the content of an uploaded file and its name.
func (s *Sim) File(id string) (name string, content []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.state.files.byID[id]
	if !ok {
		return "", nil, fmt.Errorf("file %s: %w", id, ErrNotFound)
	}
	return v.Name, v.Content, nil
}
