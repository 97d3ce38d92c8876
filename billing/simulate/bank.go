package simulate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger/money"
)

// ErrNoAnswer is what a caller of a [Bank] gets when the answer is lost on its
// way, or the order never arrived. The caller cannot tell which.
var ErrNoAnswer = errors.New("no answer from the provider")

// A Fault is what goes wrong with one call.
type Fault string

// The faults.
const (
	NoFault   Fault = ""
	Unreached Fault = "unreached" // the order does not arrive; no answer
	Lost      Fault = "lost"      // the order is carried out; the answer is lost
	Refused   Fault = "refused"   // the card's bank says no
	Unready   Fault = "unready"   // accepted, and finished when asked for later
)

// DeclinedAs is the fault of a card's bank that says no with a code.
func DeclinedAs(code string) Fault { return Fault(declinedAs + code) }

const declinedAs = "declined: "

// A Bank is a payment provider in memory. It is idempotent by key, refuses
// what a provider refuses, keeps books to be compared with ours, and can be
// told what goes wrong. It is a [billing.Gateway].
type Bank struct {
	// Script says what goes wrong with the n-th call (from 1) for an order;
	// nil means nothing. It is called under the bank's lock.
	Script func(o billing.Order, n int) Fault
	// Window is how long a hold stands by Now, the bank's own clock; without
	// either it stands for ever.
	Window time.Duration
	Now    func() time.Time

	mu       sync.Mutex
	accounts map[string]*account        // by object of the hold or charge
	keys     map[string]billing.Order   // what each key was first used for
	answers  map[string]billing.Outcome // by key
	orders   map[string]string          // order id to key
	calls    map[string]int             // by order id
	wrong    []string
}

// An account is what became of one hold, or of one charge without.
type account struct {
	visit              string
	held               money.Money
	captured, refunded int64
	captures           int
	open               bool // the hold stands
	charge             bool // taken without a hold
	lapses             time.Time
}

// NewBank returns a bank without customers.
func NewBank() *Bank {
	return &Bank{
		accounts: map[string]*account{}, keys: map[string]billing.Order{}, answers: map[string]billing.Outcome{},
		orders: map[string]string{}, calls: map[string]int{},
	}
}

// Hold implements [billing.Gateway].
func (b *Bank) Hold(_ context.Context, o billing.Order) (billing.Outcome, error) { return b.take(o) }

// Increment implements [billing.Gateway].
func (b *Bank) Increment(_ context.Context, o billing.Order) (billing.Outcome, error) {
	return b.take(o)
}

// Charge implements [billing.Gateway].
func (b *Bank) Charge(_ context.Context, o billing.Order) (billing.Outcome, error) { return b.take(o) }

// Capture implements [billing.Gateway].
func (b *Bank) Capture(_ context.Context, o billing.Order) (billing.Outcome, error) { return b.take(o) }

// Release implements [billing.Gateway].
func (b *Bank) Release(_ context.Context, o billing.Order) (billing.Outcome, error) { return b.take(o) }

// Refund implements [billing.Gateway].
func (b *Bank) Refund(_ context.Context, o billing.Order) (billing.Outcome, error) { return b.take(o) }

// Find implements [billing.Gateway].
func (b *Bank) Find(_ context.Context, o billing.Order) (billing.Outcome, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault(o) == Unreached {
		return billing.Outcome{}, ErrNoAnswer
	}
	key, ok := b.orders[o.ID]
	if !ok {
		return billing.Outcome{Status: billing.NotFound}, nil
	}
	return b.answers[key], nil
}

func (b *Bank) fault(o billing.Order) Fault {
	b.calls[o.ID]++
	if b.Script == nil {
		return NoFault
	}
	return b.Script(o, b.calls[o.ID])
}

func (b *Bank) take(o billing.Order) (billing.Outcome, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fault := b.fault(o)
	if fault == Unreached {
		return billing.Outcome{}, ErrNoAnswer
	}
	first, used := b.keys[o.Key]
	o.First = time.Time{} // ours alone
	switch {
	case !used:
		b.keys[o.Key], b.orders[o.ID] = o, o.Key
		b.answers[o.Key] = b.carryOut(o, fault)
	case first != o:
		b.wrong = append(b.wrong, fmt.Sprintf("key %s was used for two orders", o.Key))
		return billing.Outcome{Status: billing.Declined, Code: "idempotency_error"}, nil
	}
	switch fault { //nolint:exhaustive // the other faults were carried out above
	case Lost:
		return billing.Outcome{}, ErrNoAnswer
	case Unready:
		return billing.Outcome{Status: billing.Pending, Object: b.answers[o.Key].Object}, nil
	}
	return b.answers[o.Key], nil
}

// lapse lets go of holds whose time is over.
func (b *Bank) lapse() {
	for _, a := range b.accounts {
		if a.open && !a.lapses.IsZero() && !b.Now().Before(a.lapses) {
			a.open = false
		}
	}
}

func (b *Bank) carryOut(o billing.Order, fault Fault) billing.Outcome {
	declined := func(code string) billing.Outcome { return billing.Outcome{Status: billing.Declined, Code: code} }
	if code, ok := strings.CutPrefix(string(fault), declinedAs); ok {
		return declined(code)
	} else if fault == Refused {
		return declined("card_declined")
	}
	b.lapse()
	done := billing.Outcome{Status: billing.Done, Object: o.Object, Amount: o.Amount}
	a := b.accounts[o.Object]
	switch o.Op {
	case billing.OpHold:
		done.Object = "pi_" + o.ID
		held := &account{visit: o.Visit, held: o.Amount, open: true}
		if b.Now != nil && b.Window > 0 {
			held.lapses = b.Now().Add(b.Window)
			done.CaptureBefore = held.lapses
		}
		b.accounts[done.Object] = held
	case billing.OpCharge:
		done.Object = "pi_" + o.ID
		b.accounts[done.Object] = &account{visit: o.Visit, held: o.Amount, captured: o.Amount.Minor, charge: true}
	case billing.OpIncrement:
		if a == nil || !a.open || o.Amount.Minor <= a.held.Minor || o.Amount.Currency != a.held.Currency {
			return declined("payment_intent_unexpected_state")
		}
		a.held = o.Amount
	case billing.OpCapture:
		if a == nil || a.captures > 0 || o.Amount.Minor > a.held.Minor || o.Amount.Currency != a.held.Currency {
			return declined("payment_intent_unexpected_state")
		} else if !a.open {
			return declined("charge_expired_for_capture")
		}
		a.captured, a.open = o.Amount.Minor, false
		a.captures++
	case billing.OpRelease:
		if a == nil || !a.open {
			return declined("payment_intent_unexpected_state")
		}
		a.open = false
	case billing.OpRefund:
		if a == nil || a.captured-a.refunded < o.Amount.Minor || o.Amount.Currency != a.held.Currency {
			return declined("charge_already_refunded")
		}
		a.refunded += o.Amount.Minor
		done.Object = "re_" + o.ID
	}
	return done
}

// Calls returns how often the bank was called, by anybody.
func (b *Bank) Calls() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, c := range b.calls {
		n += c
	}
	return n
}

// A Statement is what a bank did for one visit.
type Statement struct {
	Holds    int   // holds ever made
	Standing int   // holds that stand
	Captures int   // captures of holds made
	Charges  int   // charges made without a hold
	Captured int64 // minor units
	Refunded int64 // minor units
}

// Statement returns what the bank did for a visit.
func (b *Bank) Statement(visit string) Statement {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lapse()
	var s Statement
	for _, a := range b.accounts {
		if a.visit == visit {
			s.add(a)
		}
	}
	return s
}

func (s *Statement) add(a *account) {
	if a.charge {
		s.Charges++
	} else {
		s.Holds++
	}
	s.Captures += a.captures
	s.Captured += a.captured
	s.Refunded += a.refunded
	if a.open {
		s.Standing++
	}
}

// statements returns what the bank did, by visit.
func (b *Bank) statements() map[string]Statement {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lapse()
	all := map[string]Statement{}
	for _, object := range slices.Sorted(maps.Keys(b.accounts)) {
		a := b.accounts[object]
		s := all[a.visit]
		s.add(a)
		all[a.visit] = s
	}
	return all
}

// Wrong returns what no caller may do and one did: a key used for two orders.
func (b *Bank) Wrong() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.wrong)
}
