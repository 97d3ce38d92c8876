package billing

import (
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// CodeNeverArrived is the code of a PaymentDeclined that we wrote ourselves:
// the provider was asked about an old order and does not know it. Nothing
// moved, so the order may be given again under the next key.
const CodeNeverArrived = "never_arrived"

// DetailPending is the detail of a PaymentUnclear whose order the provider has
// accepted and not finished. Sending it again would only repeat that answer,
// so it is looked up instead.
const DetailPending = "accepted and not finished"

// Provisional stands for the number of a receipt in an order that had to be
// given before there was one: a hold was about to lapse in review.
const Provisional = "provisional"

// MaxIncrements is how often a hold may be raised, declines counted: the
// provider takes no more.
const MaxIncrements = 10

// An Intent is an order that was written down and whose outcome is not known.
type Intent struct {
	Order
	Case     ledger.ID // what a charge or a refund is for, beside the receipt
	Repays   ledger.RefundPurpose
	State    OrderState
	Attempts int       // answers that left it unclear
	Unclear  time.Time // of the last such answer
	Pending  bool      // the provider has accepted it and not finished
	Notified bool      // the provider has told us something since then: ask at once
}

// A Taking is money that the provider took for a visit under one object: the
// capture of a hold, or a charge without one.
type Taking struct {
	Object   string
	Taken    int64 // minor units
	Refunded int64 // minor units given back of it
}

// Left returns what has not been given back of a taking.
func (t Taking) Left() int64 { return t.Taken - t.Refunded }

// A Repayment is a refund that the provider carried out.
type Repayment struct {
	Intent   ledger.ID // zero when it was not our order
	Refund   string    // at the provider
	Of       string    // the taking; empty when it is not known
	Amount   money.Money
	Purpose  ledger.RefundPurpose
	Case     ledger.ID
	External bool // nobody of ours ordered it
	Returned bool // it came back to us later: the shopper has not got it
	Resolved bool // and a person has seen to it
}

// A Refusal is an order that the provider definitely declined.
type Refusal struct {
	Intent  ledger.ID
	Op      Op
	Purpose ledger.ChargePurpose // of a charge
	Case    ledger.ID
	Amount  money.Money
	Method  string // payment method
	Alone   bool   // the shopper was not there
	Code    string
	At      time.Time
}

// Class returns what the refusal means for trying again.
func (r Refusal) Class() Class { return DeclineOf(r.Code).Class }

// A Payment is the fold of one payment stream: what was intended, what the
// provider answered, and what has moved. The zero value is before the first
// event.
//
// # Invariants
//
//   - At most one order is open at a time.
//   - A counter grows only after a definite outcome, so no key is used for
//     two orders, and no order has two keys.
//   - An observation counts once: only for the open order, whose outcome it
//     is. Any other is noted in Odd and moves nothing.
//   - A hold and an order go only the ways of [HoldTransitions] and
//     [OrderTransitions].
type Payment struct {
	Hold          HoldState
	HoldIntended  time.Time // when the hold was first asked for
	HoldObject    string    // at the provider
	HoldMethod    string    // the payment method it is on
	HoldCode      string    // the provider's code when declined
	CaptureBefore time.Time // when the hold lapses; zero if unknown
	Held          money.Money
	IncrementCode string // the provider's code when raising it was declined
	CaptureAsked  bool   // a capture was intended at least once
	CaptureCode   string // the provider's code when the last capture was declined
	CaptureObject string // the hold as it was captured
	Takings       []Taking
	Captured      money.Money // all that was taken, with a hold or without
	Refunded      money.Money
	Cash          money.Money // paid at a till
	WrittenOff    money.Money // not asked for any more
	Waived        []ledger.ID // supplements that were written off
	Supplements   []ledger.ID // supplements that were charged for, or declined
	Repayments    []Repayment
	Refusals      []Refusal
	RefundsFailed int         // refunds declined since the last one that succeeded
	RefundFailed  time.Time   // last decline of a refund
	Returned      money.Money // refunds that came back and wait for a person
	ReleaseFailed bool        // a release was declined: the hold is not ours to free
	Escalations   []Escalation
	Open          *Intent // the order whose outcome is not known
	Claims        []Claim // of card networks, in the order they came
	Warnings      []FraudWarning
	Odd           []string // what the stream says and cannot be, in order

	tried map[string]int // definite outcomes by op, and for refunds by receipt
	count uint64
	last  ledger.ID
}

// Apply moves p past e. Its errors mean that the stream is broken; p is then
// as it was before.
func (p *Payment) Apply(e ledger.Event) error {
	if e.Revision != p.count {
		return fmt.Errorf("%s: event %d where %d is due: %w", e.Stream, e.Revision, p.count, ledger.ErrCorrupt)
	}
	switch f := e.Payload.(type) { // all others do not belong here
	case ledger.HoldIntended, ledger.IncrementIntended, ledger.CaptureIntended, ledger.ReleaseIntended,
		ledger.ChargeIntended, ledger.RefundIntended:
		p.intend(e)
	case ledger.Held, ledger.Incremented, ledger.Captured, ledger.Released, ledger.Charged, ledger.Refunded:
		p.observe(e)
	case ledger.PaymentDeclined:
		p.declined(e, f.Intent, f.Code)
	case ledger.PaymentUnclear:
		p.unclear(e, f)
	case ledger.PaymentNotified:
		p.notified()
	case ledger.HoldLapsed:
		p.lapsed(e, f)
	case ledger.RefundFailed:
		p.returned(e, f)
	case ledger.ExternalObserved:
		p.external(e, f)
	case ledger.PaymentEscalated:
		p.escalated(e, f)
	case ledger.PaymentResolved:
		p.resolved(e, f)
	case ledger.CashTaken:
		p.begin(f.Amount.Currency)
		p.add(e, &p.Cash, f.Amount)
	case ledger.DebtWrittenOff:
		p.begin(f.Amount.Currency)
		p.add(e, &p.WrittenOff, f.Amount)
		if !f.Case.IsZero() {
			p.Waived = append(slices.Clip(p.Waived), f.Case)
		}
	case ledger.FraudWarningReceived, ledger.ChargebackOpened, ledger.ChargebackFundsMoved, ledger.ChargebackClosed:
		p.claimed(e)
	case ledger.EvidencePackBuilt, ledger.ChargebackAnswered, ledger.SubmissionIntended, ledger.EvidenceSubmitted:
	default:
		return fmt.Errorf("%s/%d: %w: %s in a payment", e.Stream, e.Revision, ledger.ErrUnknownKind, e.Kind)
	}
	p.count++
	p.last = e.ID
	p.check()
	return nil
}

// Events returns how many events p has folded.
func (p *Payment) Events() uint64 { return p.count }

// Last returns the id of the last event folded.
func (p *Payment) Last() ledger.ID { return p.last }

// Tries returns how many orders of this op, and for refunds of this receipt,
// have had a definite outcome. The next one is numbered one higher.
func (p *Payment) Tries(op Op, receipt string) int { return p.tried[counter(op, receipt)] }

// Kept returns what was taken and not given back.
func (p *Payment) Kept() money.Money {
	return money.Money{Minor: p.Captured.Minor - p.Refunded.Minor, Currency: p.Captured.Currency}
}

// Paid returns what the shopper has paid, by card and at a till, and not been
// given back.
func (p *Payment) Paid() money.Money {
	m := p.Kept()
	m.Minor += p.Cash.Minor
	return m
}

// Repaid returns what was given back for a purpose and has not come back.
func (p *Payment) Repaid(purpose ledger.RefundPurpose) int64 {
	var sum int64
	for _, r := range p.Repayments {
		if r.Purpose == purpose && !r.Returned {
			sum += r.Amount.Minor
		}
	}
	return sum
}

// Forgiven returns what was given back although the receipt asks for it: after
// a fraud warning, or by somebody at the provider. It is not asked for again.
func (p *Payment) Forgiven() int64 {
	var sum int64
	for _, r := range p.Repayments {
		if !r.Returned && (r.External || r.Purpose == ledger.RefundFraudWarning) {
			sum += r.Amount.Minor
		}
	}
	return sum
}

// Repayable returns the taking that amount is given back from, and how much of
// it: one that has all of it if there is one, else the first that has
// anything. The rest follows as a refund of its own.
func (p *Payment) Repayable(amount int64) (Taking, int64, bool) {
	i := slices.IndexFunc(p.Takings, func(t Taking) bool { return t.Left() >= amount })
	if i < 0 {
		i = slices.IndexFunc(p.Takings, func(t Taking) bool { return t.Left() > 0 })
	}
	if i < 0 || amount <= 0 {
		return Taking{}, 0, false
	}
	return p.Takings[i], min(amount, p.Takings[i].Left()), true
}

// Taking returns the taking of that name.
func (p *Payment) Taking(object string) (Taking, bool) {
	i := slices.IndexFunc(p.Takings, func(t Taking) bool { return t.Object == object })
	if i < 0 {
		return Taking{}, false
	}
	return p.Takings[i], true
}

// Refused returns the refusals for which keep is true, in order.
func (p *Payment) Refused(keep func(Refusal) bool) []Refusal {
	var rs []Refusal
	for _, r := range p.Refusals {
		if keep(r) {
			rs = append(rs, r)
		}
	}
	return rs
}

// begin sets the currency of all sums, by the first event that has one.
func (p *Payment) begin(c money.Currency) {
	if p.Captured.Currency == "" {
		zero := money.Zero(c)
		p.Held, p.Captured, p.Refunded, p.Cash, p.WrittenOff, p.Returned = zero, zero, zero, zero, zero, zero
	}
}

// add counts what moved, in whichever currency the payment is: another
// currency is noted and not counted.
func (p *Payment) add(e ledger.Event, total *money.Money, amount money.Money) bool {
	sum, err := total.Add(amount)
	if err != nil {
		p.odd(e, "%s: %v", e.Kind, err)
		return false
	}
	*total = sum
	return true
}

func (p *Payment) odd(e ledger.Event, format string, args ...any) {
	p.Odd = append(p.Odd, fmt.Sprintf("%s/%d: ", e.Stream, e.Revision)+fmt.Sprintf(format, args...))
}

// check finds our own bugs: a total that fell below zero.
func (p *Payment) check() {
	for _, m := range []money.Money{p.Captured, p.Refunded, p.Held, p.Cash, p.WrittenOff, p.Returned} {
		if m.Minor < 0 {
			panic(fmt.Sprintf("billing: payment with %s held, %s captured, %s refunded, %s cash, %s written off, %s returned",
				p.Held, p.Captured, p.Refunded, p.Cash, p.WrittenOff, p.Returned))
		}
	}
}
