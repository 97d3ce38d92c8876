package books

import (
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// What an order does if it is carried out.
const (
	opHold    = "hold"    // reserves
	opRelease = "release" // frees
	opTake    = "take"    // a capture or a charge
	opGive    = "give"    // a refund
)

// An order is an intent whose outcome is not known: outcomes name only the
// intent.
type order struct {
	Op      string      `json:"op"`
	Receipt string      `json:"receipt"`
	Amount  money.Money `json:"amount"`
	Fraud   bool        `json:"fraud"` // a refund that a fraud warning caused
}

func (j *Journal) ordered(e ledger.Event, store ledger.StoreID, o order) {
	b := j.book(e)
	b.Store = store
	state.Put(&b.Orders, e.ID, o)
	if o.Fraud {
		state.Put(&b.FraudOrders, e.ID, true)
	}
}

// outcome returns the order that intent names, and ends it.
func (j *Journal) outcome(e ledger.Event, intent ledger.ID) order {
	b := j.book(e)
	o, ok := b.Orders[intent]
	if !ok {
		j.note(e, "%s of order %s, which was not given or has ended", e.Kind, intent)
	}
	delete(b.Orders, intent)
	return o
}

func (j *Journal) held(e ledger.Event, intent ledger.ID, amount money.Money) {
	o := j.outcome(e, intent)
	j.book(e).Hold = amount
	j.memo(e, o.Receipt, "hold of "+amount.String())
}

func (j *Journal) freed(e ledger.Event, receipt, text string) {
	j.book(e).Hold = money.Money{}
	j.memo(e, receipt, text)
}

// taken books money that came.
func (j *Journal) taken(e ledger.Event, amount money.Money, receipt string) {
	b := j.book(e)
	b.Captured += amount.Minor
	j.bounds(e, b)
	j.transfer(e, AccountProvider, AccountReceivable, amount, receipt, "")
	j.recover(e, b, amount)
}

// recover takes back what was written off and is paid all the same: an order
// was under way, or the shopper came to the till.
func (j *Journal) recover(e ledger.Event, b *visitBook, paid money.Money) {
	c := paid.Currency
	for _, account := range []string{AccountBadDebt, AccountWaived} {
		back := money.Money{Minor: max(0, min(paid.Minor, -b.Due[c], b.Off[account][c])), Currency: c}
		if back.Minor == 0 {
			continue
		}
		b.Off[account][c] -= back.Minor
		j.enter(e, b, Entry{Receipt: b.Receipt, Postings: move(AccountReceivable, account, back), Memo: "written off, and paid"})
	}
}

func (j *Journal) cash(e ledger.Event, p ledger.CashTaken) {
	b := j.book(e)
	b.Captured += p.Amount.Minor
	j.bounds(e, b)
	j.transfer(e, AccountCash, AccountReceivable, p.Amount, p.Receipt, "till "+string(p.Till))
	j.recover(e, b, p.Amount)
}

// given books money that went back. A refund for a fraud warning is a loss:
// the receipt stands, and nobody will pay it.
func (j *Journal) given(e ledger.Event, object string, amount money.Money, o order) {
	b := j.book(e)
	b.Refunded += amount.Minor
	j.bounds(e, b)
	if o.Fraud {
		state.Put(&b.Fraud, object, true)
	}
	j.transfer(e, refundedFrom(o.Fraud), AccountProvider, amount, o.Receipt, "")
}

func refundedFrom(fraud bool) string {
	if fraud {
		return AccountFraud
	}
	return AccountReceivable
}

// cameBack books a refund that did not reach the shopper: we owe it again.
func (j *Journal) cameBack(e ledger.Event, p ledger.RefundFailed) {
	b := j.book(e)
	b.Refunded -= p.Amount.Minor
	if b.Refunded < 0 {
		j.note(e, "refunds of %d minor units more failed than were made", -b.Refunded)
	}
	memo, c := "refund failed: "+p.Code, p.Amount.Currency
	if waits := max(0, min(p.Amount.Minor, b.Elsewhere[c])); waits > 0 && b.External["refund "+p.Refund] {
		b.Elsewhere[c] -= waits
		back := money.Money{Minor: waits, Currency: c}
		rest := money.Money{Minor: p.Amount.Minor - waits, Currency: c}
		ps := append(move(AccountProvider, AccountSuspense, back), move(AccountProvider, AccountReceivable, rest)...)
		j.enter(e, b, Entry{Receipt: b.Receipt, Postings: ps, Memo: memo})
		return
	}
	fraud := b.Fraud[p.Refund]
	delete(b.Fraud, p.Refund)
	j.transfer(e, AccountProvider, refundedFrom(fraud), p.Amount, b.Receipt, memo)
}

// bounds notes money beyond what was billed.
func (j *Journal) bounds(e ledger.Event, b *visitBook) {
	switch kept := b.Captured - b.Refunded; {
	case kept < 0:
		j.note(e, "refunded %d minor units more than were captured", -kept)
	case kept > b.Highest:
		j.note(e, "captured %d minor units more than were billed", kept-b.Highest)
	}
}

// resolved books an order as a person found it: carried out, or never. About
// one that has ended it says that the shopper was paid another way, or that it
// may be tried again.
func (j *Journal) resolved(e ledger.Event, p ledger.PaymentResolved) {
	b := j.book(e)
	if _, open := b.Orders[p.Intent]; !open {
		j.paidOtherwise(e, p)
		return
	}
	o := j.outcome(e, p.Intent)
	switch {
	case !p.Done:
		j.memo(e, o.Receipt, "found that it was never carried out: "+p.Reason)
	case o.Op == opTake:
		b.Hold = money.Money{}
		j.taken(e, p.Amount, o.Receipt)
	case o.Op == opGive:
		j.given(e, p.Object, p.Amount, o)
	case o.Op == opHold:
		b.Hold = p.Amount
		j.memo(e, o.Receipt, "found held: "+p.Amount.String())
	default:
		j.freed(e, o.Receipt, "found released")
	}
}

// paidOtherwise books a refund that the provider would not make and that a
// person made: the money did not leave the provider, and is in suspense until
// the bank's line shows where it came from.
func (j *Journal) paidOtherwise(e ledger.Event, p ledger.PaymentResolved) {
	b := j.book(e)
	switch {
	case p.Done && p.Op == "refund":
		b.Refunded += p.Amount.Minor
		j.bounds(e, b)
		j.transfer(e, refundedFrom(b.FraudOrders[p.Intent]), AccountSuspense, p.Amount, b.Receipt, "paid another way: "+p.Reason)
	case p.Done && p.Op == "release":
		j.freed(e, "", "found released")
	case p.Done:
		j.note(e, "%s of order %s, which was not given or has ended", e.Kind, p.Intent)
		j.memo(e, b.Receipt, "found done: "+p.Reason)
	default:
		j.memo(e, b.Receipt, "to be tried again: "+p.Reason)
	}
}

// external books, once, what moved without an order that the ledger knows.
// What was taken pays the receipt. What was given back is in suspense, unless
// it was due, until a document says that it was.
func (j *Journal) external(e ledger.Event, p ledger.ExternalObserved) {
	b, memo := j.book(e), string(p.What)+" without an order"
	name := string(p.What) + " " + p.Object
	if b.External[name] {
		j.note(e, "%s twice", name)
		return
	}
	state.Put(&b.External, name, true)
	switch p.What {
	case ledger.ExternalHold:
		b.Hold = p.Amount
		j.memo(e, "", memo)
	case ledger.ExternalCapture:
		b.Hold = money.Money{}
		b.Captured += p.Amount.Minor
		j.bounds(e, b)
		j.transfer(e, AccountProvider, AccountReceivable, p.Amount, b.Receipt, memo)
	case ledger.ExternalRefund:
		b.Refunded += p.Amount.Minor
		j.bounds(e, b)
		c := p.Amount.Currency
		due := money.Money{Minor: max(0, min(p.Amount.Minor, -b.Due[c])), Currency: c}
		rest := money.Money{Minor: p.Amount.Minor - due.Minor, Currency: c}
		state.Put(&b.Elsewhere, c, b.Elsewhere[c]+rest.Minor)
		ps := append(move(AccountReceivable, AccountProvider, due), move(AccountSuspense, AccountProvider, rest)...)
		j.enter(e, b, Entry{Receipt: b.Receipt, Postings: ps, Memo: memo})
	case ledger.ExternalRelease:
		j.freed(e, "", memo)
	}
}

// writtenOff books what is not asked for any more: a debt, or a supplement
// that the shopper did not agree to.
func (j *Journal) writtenOff(e ledger.Event, p ledger.DebtWrittenOff) {
	account := AccountBadDebt
	if !p.Case.IsZero() {
		account = AccountWaived
	}
	b, c := j.book(e), p.Amount.Currency
	off := b.Off[account]
	state.Put(&off, c, off[c]+p.Amount.Minor)
	state.Put(&b.Off, account, off)
	j.transfer(e, account, AccountReceivable, p.Amount, b.Receipt, "written off: "+p.Reason)
}

// fundsMoved books what a chargeback took from our balance or gave back.
func (j *Journal) fundsMoved(e ledger.Event, p ledger.ChargebackFundsMoved) {
	amount, memo := p.Amount, "chargeback withdrawn"
	if !p.Withdrawn {
		amount, memo = amount.Neg(), "chargeback reinstated"
	}
	ps := append(move(AccountChargebacks, AccountProvider, amount), move(AccountClaimFees, AccountProvider, p.Fee)...)
	b := j.book(e)
	j.enter(e, b, Entry{Receipt: b.Receipt, Postings: ps, Memo: memo})
}

func (j *Journal) chargebackClosed(e ledger.Event, p ledger.ChargebackClosed) {
	b := j.book(e)
	n := Entry{Receipt: b.Receipt, Memo: "chargeback " + string(p.Outcome)}
	if p.Outcome == ledger.ChargebackLost || p.Outcome == ledger.ChargebackAccepted {
		n.Postings = move(AccountClaimLosses, AccountChargebacks, p.Amount)
	}
	j.enter(e, b, n)
}
