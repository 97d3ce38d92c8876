package stripesim

import (
	"fmt"

	"github.com/vouchledger/vouch/billing/stripesim/account"
)

// A Dispute says what a shopper's bank says of a charge.
type Dispute = account.Dispute

// act does something to the account that no request asked for: what shoppers,
// banks and networks do. All or nothing, and durable when it returns.
func (s *Sim) act(what, id string, act account.Act) (made string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := account.Record{}
	if err = s.settle(); err == nil {
		made, rec, err = s.acc.Do(what, id, s.now().Unix(), act)
	}
	if err == nil {
		err = s.commit(rec)
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", what, id, err)
	}
	return made, nil
}

// Authenticate answers for the shopper of a payment or setup intent that
// requires action: right, or wrong as somebody who is not the shopper would.
// The bank may still decline after a right answer; the intent says so.
func (s *Sim) Authenticate(id string, right bool) error {
	_, err := s.act("authenticate", id, account.Authenticate(id, right))
	return err
}

// Dispute has the bank dispute a captured charge, which may be named by its
// payment intent, and returns the dispute's id.
func (s *Sim) Dispute(id string, in Dispute) (string, error) {
	return s.act("dispute", id, account.Disputed(id, in))
}

// Escalate has the bank make a dispute of an inquiry.
func (s *Sim) Escalate(dispute string) error {
	_, err := s.act("escalate", dispute, account.Escalate(dispute))
	return err
}

// Decide ends a dispute, won or lost; an inquiry is closed either way.
func (s *Sim) Decide(dispute string, win bool) error {
	_, err := s.act("decide", dispute, account.Decide(dispute, win))
	return err
}

// Warn has the bank believe that a captured charge, which may be named by its
// payment intent, is fraud, and returns the early fraud warning's id. An empty
// kind of fraud is "misc".
func (s *Sim) Warn(id, fraud string) (string, error) {
	return s.act("warn", id, account.Warn(id, fraud))
}

// FailRefund has the bank send a refund back that is pending or succeeded. An
// empty reason is "unknown".
func (s *Sim) FailRefund(refund, reason string) error {
	_, err := s.act("fail refund", refund, account.FailRefund(refund, reason))
	return err
}

// CompleteRefund has the bank pay out a refund that is pending.
func (s *Sim) CompleteRefund(refund string) error {
	_, err := s.act("complete refund", refund, account.CompleteRefund(refund))
	return err
}

// PayOut makes an automatic payout of what is available in a currency, before
// its time, and returns its id.
func (s *Sim) PayOut(currency string) (string, error) {
	return s.act("pay out", currency, account.PayOut(currency))
}

// FailPayout has our bank send a payout back. An empty code is
// "account_closed".
func (s *Sim) FailPayout(payout, code string) error {
	_, err := s.act("fail payout", payout, account.FailPayout(payout, code))
	return err
}

// Resend sends an event to the webhook once more, whatever became of it.
func (s *Sim) Resend(event string) error {
	if !s.hooks.listening() {
		return fmt.Errorf("resend %s: %w: nobody listens", event, ErrState)
	}
	s.mu.Lock()
	e, ok := s.acc.Event(event)
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("resend %s: %w", event, ErrNotFound)
	}
	s.hooks.again(e)
	return nil
}
