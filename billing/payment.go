package billing

import (
	"fmt"
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

// A HoldState says what became of the money reserved at the gate.
type HoldState string

// The states of a hold.
const (
	HoldNone     HoldState = ""         // not asked for
	HoldOpen     HoldState = "open"     // asked for, answer not known
	HoldStands   HoldState = "stands"   // reserved
	HoldDeclined HoldState = "declined" // refused by the provider
	HoldCaptured HoldState = "captured" // taken, in part or whole; the rest is free
	HoldReleased HoldState = "released" // freed
)

// An Intent is an order that was written down and whose outcome is not known.
type Intent struct {
	Order
	Attempts int       // answers that left it unclear
	Unclear  time.Time // of the last such answer
	Pending  bool      // the provider has accepted it and not finished
	Notified bool      // the provider has told us something since then: ask at once
	Purpose  ledger.RefundPurpose
}

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
type Payment struct {
	Hold          HoldState
	HoldIntended  time.Time // when the hold was first asked for
	HoldObject    string    // at the provider
	HoldCode      string    // the provider's code when declined
	CaptureBefore time.Time // when the hold lapses; zero if unknown
	Held          money.Money
	CaptureAsked  bool   // a capture was intended at least once
	CaptureCode   string // the provider's code when the last capture was declined
	CaptureObject string
	Captured      money.Money
	Refunded      money.Money
	Given         money.Money // of Refunded: although the receipt is right
	Elsewhere     money.Money // of Refunded: without an order that the ledger knows
	RefundsFailed int         // refunds declined since the last one that succeeded
	RefundFailed  time.Time   // last decline of a refund
	ReleaseFailed bool        // a release was declined: the hold is not ours to free
	Open          *Intent     // the order whose outcome is not known
	Claims        []Claim     // of card networks, in the order they came
	Warnings      []FraudWarning
	Odd           []string // what the stream says and cannot be, in order

	externals []string // movements without an order, each once

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
	case ledger.HoldIntended:
		p.intend(e, Intent{Order: Order{
			Op: OpHold, Key: f.Key, Visit: string(f.Visit), Store: string(f.Store), Amount: f.Amount,
			Customer: f.Customer, PaymentMethod: f.PaymentMethod,
		}})
	case ledger.CaptureIntended:
		p.intend(e, Intent{Order: Order{
			Op: OpCapture, Key: f.Key, Visit: string(f.Visit), Store: string(f.Store), Amount: f.Amount, Object: f.Object,
			Receipt: f.Receipt,
		}})
	case ledger.ReleaseIntended:
		p.intend(e, Intent{Order: Order{
			Op: OpRelease, Key: f.Key, Visit: string(f.Visit), Store: string(f.Store), Amount: f.Amount, Object: f.Object,
		}})
	case ledger.RefundIntended:
		p.intend(e, Intent{Order: Order{
			Op: OpRefund, Key: f.Key, Visit: string(f.Visit), Store: string(f.Store), Amount: f.Amount, Object: f.Object,
			Receipt: f.Receipt,
		}, Purpose: f.Purpose})
		if f.Purpose == ledger.RefundFraudWarning {
			p.warned(f.Case)
		}
	case ledger.Held:
		p.held(e, f)
	case ledger.Captured:
		p.captured(e, f)
	case ledger.Released:
		if p.close(e, f.Intent, OpRelease) {
			p.Hold = HoldReleased
		}
	case ledger.Refunded:
		p.refunded(e, f)
	case ledger.PaymentDeclined:
		p.declined(e, f)
	case ledger.PaymentUnclear:
		p.unclear(e, f)
	case ledger.PaymentNotified:
		if p.Open != nil {
			p.Open.Notified = true
		}
	case ledger.ExternalObserved:
		p.external(e, f)
	case ledger.PaymentEscalated:
		p.warned(f.Intent)
	case ledger.IncrementIntended, ledger.Incremented, ledger.ChargeIntended, ledger.Charged, ledger.HoldLapsed,
		ledger.RefundFailed, ledger.PaymentResolved, ledger.DebtWrittenOff, ledger.CashTaken:
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

// Kept returns what was captured and not given back.
func (p *Payment) Kept() money.Money {
	return money.Money{Minor: p.Captured.Minor - p.Refunded.Minor, Currency: p.Captured.Currency}
}

func counter(op Op, receipt string) string {
	if op == OpRefund {
		return string(op) + "/" + receipt
	}
	return string(op)
}

func (p *Payment) odd(e ledger.Event, format string, args ...any) {
	p.Odd = append(p.Odd, fmt.Sprintf("%s/%d: ", e.Stream, e.Revision)+fmt.Sprintf(format, args...))
}

func (p *Payment) intend(e ledger.Event, in Intent) {
	in.ID, in.First = e.ID.String(), e.Occurred
	if p.Open != nil {
		p.odd(e, "%s intended while %s is open", in.Op, p.Open.Op)
		return
	}
	p.Open = &in
	switch in.Op {
	case OpHold:
		p.Hold = HoldOpen
		if p.HoldIntended.IsZero() {
			p.HoldIntended = e.Occurred
			zero := money.Zero(in.Amount.Currency)
			p.Held, p.Captured, p.Refunded, p.Given, p.Elsewhere = zero, zero, zero, zero, zero
		}
	case OpCapture:
		p.CaptureAsked = true
	case OpRelease, OpRefund:
	}
}

// close ends the open order if it is the one that intent and op name.
func (p *Payment) close(e ledger.Event, intent ledger.ID, op Op) bool {
	if p.Open == nil || p.Open.ID != intent.String() || p.Open.Op != op {
		p.odd(e, "%s of %s, which is not open", e.Kind, intent)
		return false
	}
	if p.tried == nil {
		p.tried = map[string]int{}
	}
	p.tried[counter(op, p.Open.Receipt)]++
	p.Open = nil
	return true
}

func (p *Payment) held(e ledger.Event, f ledger.Held) {
	if !p.close(e, f.Intent, OpHold) {
		return
	}
	p.Hold, p.HoldObject, p.Held, p.CaptureBefore = HoldStands, f.Object, f.Amount, f.CaptureBefore
}

func (p *Payment) captured(e ledger.Event, f ledger.Captured) {
	if !p.close(e, f.Intent, OpCapture) {
		return
	}
	p.Hold, p.CaptureObject, p.CaptureCode = HoldCaptured, f.Object, ""
	p.add(e, &p.Captured, f.Amount)
}

func (p *Payment) refunded(e ledger.Event, f ledger.Refunded) {
	var why ledger.RefundPurpose
	if p.Open != nil {
		why = p.Open.Purpose
	}
	if !p.close(e, f.Intent, OpRefund) {
		return
	}
	p.RefundsFailed = 0
	if p.add(e, &p.Refunded, f.Amount) && (why == ledger.RefundGoodwill || why == ledger.RefundFraudWarning) {
		p.Given.Minor += f.Amount.Minor
	}
}

// add counts what the provider says it moved, in whichever currency the hold
// was: another currency is noted and not counted.
func (p *Payment) add(e ledger.Event, total *money.Money, amount money.Money) bool {
	sum, err := total.Add(amount)
	if err != nil {
		p.odd(e, "%s: %v", e.Kind, err)
		return false
	}
	*total = sum
	if p.Refunded.Minor > p.Captured.Minor {
		p.odd(e, "refunded %s of %s captured", p.Refunded, p.Captured)
	}
	return true
}

func (p *Payment) declined(e ledger.Event, f ledger.PaymentDeclined) {
	if p.Open == nil {
		p.odd(e, "%s of %s, which is not open", e.Kind, f.Intent)
		return
	}
	op := p.Open.Op
	if !p.close(e, f.Intent, op) {
		return
	}
	lost := f.Code == CodeNeverArrived
	switch op {
	case OpHold:
		p.Hold, p.HoldCode = HoldDeclined, f.Code
	case OpCapture:
		p.CaptureCode = f.Code
		p.CaptureAsked = !lost
	case OpRelease:
		p.ReleaseFailed = !lost
	case OpRefund:
		if !lost {
			p.RefundsFailed++
			p.RefundFailed = e.Occurred
		}
	}
}

func (p *Payment) unclear(e ledger.Event, f ledger.PaymentUnclear) {
	if p.Open == nil || p.Open.ID != f.Intent.String() {
		p.odd(e, "%s of %s, which is not open", e.Kind, f.Intent)
		return
	}
	p.Open.Attempts, p.Open.Unclear, p.Open.Pending = f.Attempt, e.Occurred, f.Detail == DetailPending
	p.Open.Notified = false
}

// check finds our own bugs: a total that fell below zero.
func (p *Payment) check() {
	if p.Captured.Minor < 0 || p.Refunded.Minor < 0 || p.Held.Minor < 0 {
		panic(fmt.Sprintf("billing: payment with %s held, %s captured, %s refunded", p.Held, p.Captured, p.Refunded))
	}
}
