package books

import (
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// A payout is what the books remember of one.
type payout struct {
	Reference string `json:"reference"` // as a bank's line says it
	Booked    bool   `json:"booked"`
	Failed    bool   `json:"failed"`
}

// A waitingLine is a bank line that names no payout that is known yet.
type waitingLine struct {
	Reference string      `json:"reference"`
	Amount    money.Money `json:"amount"`
}

// What the provider's reporting categories mean here. Charges, refunds,
// chargebacks and payouts are booked by their own events; of these only the fee
// is news, and a chargeback's fee is not even that.
var (
	bookedElsewhere = map[string]bool{
		"charge": true, "refund": true, "refund_failure": true, "partial_capture_reversal": true,
		"dispute": true, "dispute_reversal": true, "payout": true, "payout_reversal": true,
	}
	feeElsewhere = map[string]bool{"dispute": true, "dispute_reversal": true}
	ownBill      = map[string]bool{"fee": true, "network_cost": true, "tax": true}
)

// balance books what the provider keeps, and what it moved for no reason that
// we know.
func (j *Journal) balance(e ledger.Event, p ledger.BalanceRecorded) {
	for _, t := range p.Transactions {
		n := Entry{Visit: t.Visit, Memo: t.Category + " " + t.Transaction}
		if b := j.s.Visits[t.Visit]; b != nil {
			n.Store, n.Timezone, n.Receipt = b.Store, b.Timezone, b.Receipt
		}
		if !t.Created.IsZero() {
			n.Occurred = t.Created
		}
		switch {
		case ownBill[t.Category]:
			n.Postings = move(AccountFees, AccountProvider, t.Amount.Neg())
		case !bookedElsewhere[t.Category]:
			n.Postings = move(AccountProvider, AccountSuspense, t.Amount)
		}
		if !feeElsewhere[t.Category] {
			n.Postings = append(n.Postings, move(AccountFees, AccountProvider, t.Fee)...)
		}
		if len(n.Postings) > 0 {
			j.enter(e, nil, n)
		}
	}
}

// payout books money on its way to the bank, once, however many events say
// what it consists of.
func (j *Journal) payout(e ledger.Event, p ledger.PayoutRecorded) {
	po := j.s.Payouts[p.Payout]
	if po.Booked {
		return
	}
	po.Booked, po.Reference = true, p.Reference
	state.Put(&j.s.Payouts, p.Payout, po)
	if ps := move(AccountInTransit, AccountProvider, p.Amount); ps != nil {
		j.enter(e, nil, Entry{Postings: ps, Memo: "payout " + p.Payout})
	}
	rest := []waitingLine{}
	for _, l := range j.s.Waiting { // the bank was faster than the provider's list
		if !po.namedBy(p.Payout, l.Reference) {
			rest = append(rest, l)
			continue
		}
		j.enter(e, nil, Entry{Postings: move(AccountSuspense, AccountInTransit, l.Amount), Memo: "bank line of payout " + p.Payout})
	}
	j.s.Waiting = rest
}

// namedBy reports whether a bank line's reference names the payout.
func (p payout) namedBy(id, reference string) bool {
	l := ledger.BankLine{Reference: reference}
	return l.Names(p.Reference) || l.Names(id)
}

func (j *Journal) payoutFailed(e ledger.Event, p ledger.PayoutFailed) {
	po := j.s.Payouts[p.Payout]
	if po.Failed {
		return
	}
	po.Failed = true
	state.Put(&j.s.Payouts, p.Payout, po)
	if ps := move(AccountProvider, AccountInTransit, p.Amount); ps != nil {
		j.enter(e, nil, Entry{Postings: ps, Memo: "payout " + p.Payout + " failed: " + p.Code})
	}
}

func (j *Journal) statement(e ledger.Event, p ledger.BankStatementRecorded) {
	for _, l := range p.Lines {
		from := AccountSuspense
		if j.paidOut(l.Reference) {
			from = AccountInTransit
		} else if l.Amount.Minor != 0 {
			j.s.Waiting = append(j.s.Waiting, waitingLine{l.Reference, l.Amount})
		}
		if ps := move(PrefixBank+component(p.Account), from, l.Amount); ps != nil {
			j.enter(e, nil, Entry{Day: l.Booked, Postings: ps, Memo: "bank line " + l.Line})
		}
	}
}

func (j *Journal) paidOut(reference string) bool {
	for id, p := range j.s.Payouts { // in any order: one is enough
		if p.Booked && p.namedBy(id, reference) {
			return true
		}
	}
	return false
}
