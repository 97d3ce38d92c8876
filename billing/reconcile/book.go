package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
	_ "time/tzdata" // the day of an exception must not hang on the machine

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// Kinds are the events that a Book folds.
var Kinds = []ledger.Kind{
	ledger.KindStoreOpened, ledger.KindGatePresented, ledger.KindHoldIntended, ledger.KindCaptureIntended, ledger.KindChargeIntended,
	ledger.KindRefundIntended, ledger.KindCaptured, ledger.KindCharged, ledger.KindRefunded, ledger.KindRefundFailed,
	ledger.KindExternalObserved, ledger.KindPaymentResolved, ledger.KindChargebackFundsMoved, ledger.KindBalanceRecorded,
	ledger.KindPayoutRecorded, ledger.KindPayoutFailed, ledger.KindBankStatementRecorded, ledger.KindExceptionOpened,
	ledger.KindExceptionAssigned, ledger.KindExceptionClosed, ledger.KindNoticeQuarantined, ledger.KindProviderSwept,
}

// A Book is the fold of the three records and of the exceptions between them.
// The zero value is before the first event.
//
// # Invariants
//
//   - Each balance transaction, payout and bank line counts once.
//   - pending names at least every subject whose records differ: nothing that
//     is not in it needs to be looked at.
type Book struct {
	position uint64
	zones    map[ledger.StoreID]string
	visits   map[ledger.VisitID]ledger.StoreID
	intents  map[ledger.ID]billing.Op

	payments map[string]*movement // by payment, "pi_…"
	refunds  map[string]*movement // by refund, "re_…"
	claims   map[string]*claim    // by balance transaction
	txns     map[string]*ledger.BalanceTransaction
	pending  map[subject]struct{}

	payouts map[string]*payout
	paidIn  map[string]string // payout that a transaction is in
	lines   map[string]*line  // by account and line
	latest  time.Time         // of the provider's movements

	exceptions map[string]*Exception
	counts     map[ledger.StreamID]uint64
}

// A subject is what may differ.
type subject struct {
	kind string // payment, refund, claim, transaction
	id   string
}

// A movement is one payment or refund in our record and in the provider's.
type movement struct {
	visit  ledger.VisitID
	ours   []money.Money
	failed []money.Money // refunds that came back
	at     time.Time     // of the last that we know
	theirs []string      // balance transactions
}

// A claim is money that a chargeback moved, in our record.
type claim struct {
	visit  ledger.VisitID
	amount money.Money // below zero when it left
	at     time.Time
}

type payout struct {
	ledger.PayoutRecorded // with the transactions of all parts
	failed                bool
	at                    time.Time
}

type line struct {
	account string
	ledger.BankLine
}

// An Exception is a difference that somebody owns.
type Exception struct {
	ledger.ExceptionOpened
	Opened time.Time
	Closed time.Time // zero while it is open
	By     string    // who closed it
	Reason string
}

// Open reports whether the exception is not explained yet.
func (x Exception) Open() bool { return x.Closed.IsZero() }

// Age returns how long the exception is, or was, open at now.
func (x Exception) Age(now time.Time) time.Duration {
	if !x.Open() {
		return x.Closed.Sub(x.Opened)
	}
	return now.Sub(x.Opened)
}

func (b *Book) init() {
	if b.payments != nil {
		return
	}
	b.zones, b.visits = map[ledger.StoreID]string{}, map[ledger.VisitID]ledger.StoreID{}
	b.intents, b.counts = map[ledger.ID]billing.Op{}, map[ledger.StreamID]uint64{}
	b.payments, b.refunds = map[string]*movement{}, map[string]*movement{}
	b.claims, b.txns = map[string]*claim{}, map[string]*ledger.BalanceTransaction{}
	b.pending, b.payouts, b.paidIn = map[subject]struct{}{}, map[string]*payout{}, map[string]string{}
	b.lines, b.exceptions = map[string]*line{}, map[string]*Exception{}
}

// Position returns the position of the last event folded.
func (b *Book) Position() uint64 { return b.position }

// Apply moves b past e, which must be of one of [Kinds] or changes nothing. A
// position that does not rise is [ledger.ErrCorrupt].
func (b *Book) Apply(e ledger.Event) error {
	if e.Position <= b.position {
		return fmt.Errorf("reconcile: position %d after %d: %w", e.Position, b.position, ledger.ErrCorrupt)
	}
	b.init()
	b.position = e.Position
	b.counts[e.Stream] = e.Revision + 1
	switch p := e.Payload.(type) { // all others say nothing of money between us and the provider
	case ledger.StoreOpened:
		b.zones[p.Store] = p.Seller.Timezone
	case ledger.GatePresented:
		b.visits[p.Visit] = p.Store
	case ledger.HoldIntended:
		b.intents[e.ID] = billing.OpHold
	case ledger.CaptureIntended:
		b.intents[e.ID] = billing.OpCapture
	case ledger.ChargeIntended:
		b.intents[e.ID] = billing.OpCharge
	case ledger.RefundIntended:
		b.intents[e.ID] = billing.OpRefund
	case ledger.Captured:
		b.took(e, p.Object, p.Amount)
	case ledger.Charged:
		b.took(e, p.Object, p.Amount)
	case ledger.Refunded:
		b.gave(e, p.Object, p.Amount)
	case ledger.RefundFailed:
		m := b.ours(e, b.refunds, "refund", p.Refund)
		m.failed = append(m.failed, p.Amount)
	case ledger.ExternalObserved:
		b.external(e, p)
	case ledger.PaymentResolved:
		b.resolved(e, p)
	case ledger.ChargebackFundsMoved:
		b.claimed(e, p)
	default:
		b.others(e)
	}
	return nil
}

// others takes in what the provider, the bank and the matcher say.
func (b *Book) others(e ledger.Event) {
	switch p := e.Payload.(type) { // see Apply
	case ledger.BalanceRecorded:
		for _, t := range p.Transactions {
			b.balance(t)
		}
	case ledger.PayoutRecorded:
		b.paidOut(e, p)
	case ledger.PayoutFailed:
		if po := b.payouts[p.Payout]; po != nil {
			po.failed = true
		}
	case ledger.BankStatementRecorded:
		for _, l := range p.Lines {
			if key := p.Account + "/" + l.Line; b.lines[key] == nil {
				b.lines[key] = &line{p.Account, l}
			}
		}
	case ledger.ExceptionOpened:
		b.exceptions[p.Exception] = &Exception{ExceptionOpened: p, Opened: e.Recorded}
	case ledger.ExceptionAssigned:
		if x := b.exceptions[p.Exception]; x != nil {
			x.Owner = p.Owner
		}
	case ledger.ExceptionClosed:
		if x := b.exceptions[p.Exception]; x != nil {
			x.Closed, x.By, x.Reason = e.Recorded, p.By, p.Reason
		}
	}
}

// movement returns the record of a payment or refund, which is looked at again.
func (b *Book) movement(in map[string]*movement, kind, id string) *movement {
	m := in[id]
	if m == nil {
		m = &movement{}
		in[id] = m
	}
	b.pending[subject{kind, id}] = struct{}{}
	return m
}

// ours returns the record of a movement that an event of ours tells of.
func (b *Book) ours(e ledger.Event, in map[string]*movement, kind, id string) *movement {
	_, visit := e.Stream.Split()
	m := b.movement(in, kind, id)
	m.visit, m.at = ledger.VisitID(visit), e.Occurred
	return m
}

func (b *Book) took(e ledger.Event, payment string, amount money.Money) {
	m := b.ours(e, b.payments, "payment", payment)
	m.ours = append(m.ours, amount)
}

func (b *Book) gave(e ledger.Event, refund string, amount money.Money) {
	m := b.ours(e, b.refunds, "refund", refund)
	m.ours = append(m.ours, amount)
}

func (b *Book) external(e ledger.Event, p ledger.ExternalObserved) {
	switch p.What { // the others move nothing
	case ledger.ExternalCapture:
		b.took(e, p.Object, p.Amount)
	case ledger.ExternalRefund:
		b.gave(e, p.Object, p.Amount)
	case ledger.ExternalHold, ledger.ExternalRelease:
	}
}

// resolved takes in what a person found out about an order.
func (b *Book) resolved(e ledger.Event, p ledger.PaymentResolved) {
	if !p.Done {
		return
	}
	switch b.intents[p.Intent] { // the others move nothing
	case billing.OpCapture, billing.OpCharge:
		b.took(e, p.Object, p.Amount)
	case billing.OpRefund:
		b.gave(e, p.Object, p.Amount)
	case billing.OpHold, billing.OpIncrement, billing.OpRelease:
	}
}

func (b *Book) claimed(e ledger.Event, p ledger.ChargebackFundsMoved) {
	_, id := e.Stream.Split()
	amount := p.Amount
	if p.Withdrawn {
		amount = amount.Neg()
	}
	b.claims[p.Transaction] = &claim{ledger.VisitID(id), amount, e.Occurred}
	b.pending[subject{"claim", p.Transaction}] = struct{}{}
}

// The provider's reporting categories that a record of ours answers.
const (
	categoryCharge        = "charge"
	categoryRefund        = "refund"
	categoryRefundFailure = "refund_failure"
	categoryDispute       = "dispute"
	categoryReversal      = "dispute_reversal"
	categoryPayout        = "payout"
	categoryPayoutBack    = "payout_reversal"
)

func (b *Book) balance(t ledger.BalanceTransaction) {
	if b.txns[t.Transaction] != nil {
		return
	}
	b.txns[t.Transaction] = &t
	if t.Created.After(b.latest) {
		b.latest = t.Created
	}
	switch t.Category {
	case categoryCharge:
		m := b.movement(b.payments, "payment", t.Payment)
		m.theirs = append(m.theirs, t.Transaction)
		if m.visit == "" {
			m.visit = t.Visit
		}
	case categoryRefund, categoryRefundFailure:
		m := b.movement(b.refunds, "refund", t.Source)
		m.theirs = append(m.theirs, t.Transaction)
		if m.visit == "" {
			m.visit = t.Visit
		}
	case categoryDispute, categoryReversal:
		b.pending[subject{"claim", t.Transaction}] = struct{}{}
	}
	if t.Category != categoryPayout && t.Category != categoryPayoutBack {
		b.pending[subject{"transaction", t.Transaction}] = struct{}{}
	}
}

func (b *Book) paidOut(e ledger.Event, p ledger.PayoutRecorded) {
	po := b.payouts[p.Payout]
	if po == nil {
		po = &payout{PayoutRecorded: p, at: e.Recorded}
		po.Transactions = nil
		b.payouts[p.Payout] = po
	}
	po.More = p.More
	for _, id := range p.Transactions {
		if b.paidIn[id] != p.Payout {
			po.Transactions = append(po.Transactions, id)
			b.paidIn[id] = p.Payout
		}
	}
}

// Exceptions returns every exception that was ever opened: open ones first,
// the one with most money at stake before, then by age and name.
func (b *Book) Exceptions() []Exception {
	all := make([]Exception, 0, len(b.exceptions))
	for _, key := range slices.Sorted(maps.Keys(b.exceptions)) {
		all = append(all, *b.exceptions[key])
	}
	slices.SortStableFunc(all, func(x, y Exception) int {
		return cmp.Or(-cmp.Compare(x.waits(), y.waits()), -cmp.Compare(x.stake(), y.stake()), x.Opened.Compare(y.Opened))
	})
	return all
}

// waits is 1 for an open exception, which stands before the others, and 0 else.
func (x Exception) waits() int {
	if x.Open() {
		return 1
	}
	return 0
}

// stake is how many minor units the exception is about.
func (x Exception) stake() int64 {
	d := x.Expected.Minor - x.Found.Minor
	return max(d, -d)
}

// Exception returns the exception of this name.
func (b *Book) Exception(name string) (Exception, bool) {
	x := b.exceptions[name]
	if x == nil {
		return Exception{}, false
	}
	return *x, true
}

// Events returns how many events of a stream b has folded. It counts those of
// [Kinds]: streams of exceptions, payouts and bank accounts hold no others.
func (b *Book) Events(s ledger.StreamID) uint64 { return b.counts[s] }
