package books

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// A Posting moves an amount on an account: above zero is a debit, below zero
// a credit. The fields behind Line say what a posting to sales or tax is for,
// with the sign that a sale has.
type Posting struct {
	Account string      `json:"account"`
	Amount  money.Money `json:"amount"`
	Line    int         `json:"line"` // of the receipt; 0 for the whole

	Pieces       int    `json:"pieces,omitzero"`       // sold, on a sales account
	Discount     int64  `json:"discount,omitzero"`     // taken off the price, in minor units, likewise
	Jurisdiction string `json:"jurisdiction,omitzero"` // of a tax account
	Rate         string `json:"rate,omitzero"`         // likewise, as a decimal
	Base         int64  `json:"base,omitzero"`         // net amount that the tax is due on, in minor units
}

// empty reports whether p says nothing.
func (p Posting) empty() bool {
	return p.Amount.Minor == 0 && p.Pieces == 0 && p.Discount == 0 && p.Base == 0
}

// An Entry is what one event, or one part of it, means in the books. Its
// postings sum to zero in each currency. A memo has no postings: a hold moves
// no money.
type Entry struct {
	Position uint64         `json:"position"`
	Part     int            `json:"part,omitzero"` // of an event with several entries
	Event    ledger.ID      `json:"event"`
	Kind     ledger.Kind    `json:"kind"`
	Occurred time.Time      `json:"occurred"`          // when it happened: a sale when the goods left
	Day      ledger.Date    `json:"day,omitzero"`      // that the bank says; else that of Occurred
	Timezone string         `json:"timezone,omitzero"` // of the seller; UTC if empty
	Visit    ledger.VisitID `json:"visit"`
	Store    ledger.StoreID `json:"store"`
	Receipt  string         `json:"receipt"` // number; empty when there is none
	Postings []Posting      `json:"postings"`
	Memo     string         `json:"memo"`
}

// A Balance is what an account holds in one currency. Its amount may exceed
// the bounds of one charge.
type Balance struct {
	Account string      `json:"account"`
	Amount  money.Money `json:"amount"`
}

// Journal is the fold of the whole log that keeps the books, by double entry.
//
// INVARIANT: after every event the balances sum to zero in each currency.
// INVARIANT 7 of the design, that what was captured less what was refunded
// never falls below zero nor exceeds what was billed, is about the world: a
// breach cannot be refused, it is noted in Odd.
type Journal struct {
	s    journalState
	full bool // an account is beyond maxBalance
}

// maxBalance bounds an account: far above the sum of many chains' takings, and
// half of what an int64 holds: one event more cannot overflow it.
const maxBalance = math.MaxInt64 / 2

// Name names the fold's checkpoint.
func (*Journal) Name() string { return "journal" }

// Position returns the position of the last event folded.
func (j *Journal) Position() uint64 { return j.s.Position }

// Entries returns the entries in the order of the log. They must not be
// changed.
func (j *Journal) Entries() []Entry { return slices.Clip(j.s.Entries) }

// EntriesTo returns the entries of events up to a position: the books as known
// then. They must not be changed.
func (j *Journal) EntriesTo(position uint64) []Entry {
	n, _ := slices.BinarySearchFunc(j.s.Entries, position, func(e Entry, p uint64) int {
		if e.Position <= p {
			return -1
		}
		return 1
	})
	return j.s.Entries[:n:n]
}

// Odd returns what should not be: money beyond what was billed, a correction
// of nothing, an outcome of an order that was not given.
func (j *Journal) Odd() []projections.Oddity { return slices.Clone(j.s.Odd) }

// Balances returns every account that was ever posted to, by name and
// currency.
func (j *Journal) Balances() []Balance { return sorted(j.s.Balances) }

// Sum returns what entries moved on each account, by name and currency.
func Sum(entries []Entry) []Balance {
	sums := map[string]map[money.Currency]int64{}
	for i := range entries {
		for _, p := range entries[i].Postings {
			if sums[p.Account] == nil {
				sums[p.Account] = map[money.Currency]int64{}
			}
			sums[p.Account][p.Amount.Currency] += p.Amount.Minor
		}
	}
	return sorted(sums)
}

func sorted(sums map[string]map[money.Currency]int64) []Balance {
	bs := []Balance{}
	for account, amounts := range sums {
		for c, n := range amounts {
			bs = append(bs, Balance{Account: account, Amount: money.Money{Minor: n, Currency: c}})
		}
	}
	slices.SortFunc(bs, func(a, b Balance) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Amount.Currency, b.Amount.Currency))
	})
	return bs
}

// Apply moves j past e. See [projections.Cart.Apply] for its errors.
func (j *Journal) Apply(e ledger.Event) error {
	if err := state.Rising(j.s.Position, e); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if j.full {
		return fmt.Errorf("journal: %w: an account is beyond %d minor units", money.ErrRange, maxBalance)
	}
	if !j.visit(e) && !j.payment(e) && !j.house(e) {
		return fmt.Errorf("journal: %w", state.Unknown(e))
	}
	j.s.Position = e.Position
	return nil
}

// visit takes in what happened in a visit, and reports whether e is of those
// kinds.
func (j *Journal) visit(e ledger.Event) bool {
	switch p := e.Payload.(type) {
	case ledger.GatePresented:
		j.presented(e, p)
	case ledger.GateRefused:
		if category, _ := e.Stream.Split(); category == ledger.CategoryVisit {
			j.book(e).Ended = true
		}
	case ledger.VisitSettled:
		j.book(e).Ended = true
	case ledger.VisitMatched:
		j.book(e).Shopper = p.Shopper
	case ledger.ReceiptIssued:
		j.issued(e, p.Document)
	case ledger.ReceiptCorrected:
		j.corrected(e, p.Document)
	case ledger.GoodwillGranted:
		b := j.book(e)
		state.Put(&b.Granted, p.Amount.Currency, b.Granted[p.Amount.Currency]+p.Amount.Minor)
		j.transfer(e, AccountGoodwill, AccountReceivable, p.Amount, p.Receipt, "goodwill: "+p.Reason)
	case ledger.ReceiptProvisional: // its sure lines may be captured before there is a receipt
		b := j.book(e)
		b.Highest = max(b.Highest, p.Document.Gross.Minor)
	case ledger.SupplementProposed:
		j.proposed(e, p)
	case ledger.SupplementAnswered:
		j.answered(e, p)
	case ledger.GateEntered, ledger.GateExited, ledger.DetectionRecorded, ledger.DetectionImplicated,
		ledger.DetectionAttributed, ledger.DetectionReverified, ledger.ItemPriced, ledger.PricingFailed, ledger.ItemRepriced, ledger.PromotionPinned,
		ledger.CouponRedeemed, ledger.CouponAccepted, ledger.AgeVerified, ledger.CartWeighed, ledger.GateDoubted, ledger.ReviewRequested, ledger.ReviewDecided,
		ledger.DisputeOpened, ledger.DisputeDecided, ledger.FiscalStarted,
		ledger.FiscalSigned, ledger.FiscalFailed:
	default:
		return false
	}
	return true
}

// payment takes in what was ordered and what moved, and reports whether e is
// of those kinds.
func (j *Journal) payment(e ledger.Event) bool {
	switch p := e.Payload.(type) {
	case ledger.HoldIntended:
		j.ordered(e, p.Store, order{Op: opHold, Amount: p.Amount})
	case ledger.IncrementIntended:
		j.ordered(e, p.Store, order{Op: opHold, Amount: p.Amount})
	case ledger.ReleaseIntended:
		j.ordered(e, p.Store, order{Op: opRelease, Amount: p.Amount})
	case ledger.CaptureIntended:
		j.ordered(e, p.Store, order{Op: opTake, Receipt: p.Receipt, Amount: p.Amount})
	case ledger.ChargeIntended:
		j.ordered(e, p.Store, order{Op: opTake, Receipt: p.Receipt, Amount: p.Amount})
	case ledger.RefundIntended:
		j.ordered(e, p.Store, order{Op: opGive, Receipt: p.Receipt, Amount: p.Amount, Fraud: p.Purpose == ledger.RefundFraudWarning})
	case ledger.Held:
		j.held(e, p.Intent, p.Amount)
	case ledger.Incremented:
		j.held(e, p.Intent, p.Amount)
	case ledger.Released:
		j.freed(e, j.outcome(e, p.Intent).Receipt, "hold released")
	case ledger.HoldLapsed:
		j.freed(e, "", "hold of "+p.Amount.String()+" lapsed")
	case ledger.PaymentDeclined:
		j.memo(e, j.outcome(e, p.Intent).Receipt, "declined: "+p.Code)
	case ledger.Captured:
		j.book(e).Hold = money.Money{}
		j.taken(e, p.Amount, j.outcome(e, p.Intent).Receipt)
	case ledger.Charged:
		j.taken(e, p.Amount, j.outcome(e, p.Intent).Receipt)
	case ledger.Refunded:
		j.given(e, p.Object, p.Amount, j.outcome(e, p.Intent))
	case ledger.RefundFailed:
		j.cameBack(e, p)
	case ledger.PaymentResolved:
		j.resolved(e, p)
	case ledger.ExternalObserved:
		j.external(e, p)
	case ledger.DebtWrittenOff:
		j.writtenOff(e, p)
	case ledger.CashTaken:
		j.cash(e, p)
	case ledger.ChargebackFundsMoved:
		j.fundsMoved(e, p)
	case ledger.ChargebackClosed:
		j.chargebackClosed(e, p)
	case ledger.PaymentUnclear, ledger.PaymentNotified, ledger.PaymentEscalated, ledger.FraudWarningReceived,
		ledger.ChargebackOpened, ledger.EvidencePackBuilt, ledger.ChargebackAnswered, ledger.SubmissionIntended, ledger.EvidenceSubmitted:
	default:
		return false
	}
	return true
}

// house takes in what belongs to no visit, and reports whether e is of those
// kinds.
func (j *Journal) house(e ledger.Event) bool {
	switch p := e.Payload.(type) {
	case ledger.StoreOpened:
		state.Put(&j.s.Zones, p.Store, p.Seller.Timezone)
	case ledger.BalanceRecorded:
		j.balance(e, p)
	case ledger.PayoutRecorded:
		j.payout(e, p)
	case ledger.PayoutFailed:
		j.payoutFailed(e, p)
	case ledger.BankStatementRecorded:
		j.statement(e, p)
	case ledger.ExceptionOpened:
		state.Put(&j.s.Exceptions, p.Exception, exception{p.Store, p.Day})
	case ledger.ExceptionClosed:
		delete(j.s.Exceptions, p.Exception)
	case ledger.DayClosed:
		j.closed(e, p)
	case ledger.PolicySet, ledger.PlanogramSet, ledger.ProductListed, ledger.PriceSet, ledger.TaxSet,
		ledger.PromotionSet, ledger.ExceptionAssigned, ledger.PriceChecked, ledger.EvidenceViewed, ledger.EvidenceHeld,
		ledger.EvidenceReleased, ledger.EvidenceExpired, ledger.PalmEnrolled, ledger.PalmRevoked, ledger.DeviceConfigured, ledger.DeviceReported, ledger.ShelfChanged,
		ledger.PalmConsented, ledger.PalmWithdrawn,
		ledger.NoticeQuarantined,
		ledger.ProviderSwept:
	default:
		return false
	}
	return true
}

func (j *Journal) note(e ledger.Event, format string, args ...any) {
	j.s.Odd = append(j.s.Odd, projections.Oddity{Event: e.ID, Revision: e.Revision, What: fmt.Sprintf(format, args...)})
}

// enter books an entry: all its postings, or it is a bug.
func (j *Journal) enter(e ledger.Event, b *visitBook, n Entry) {
	n.Position, n.Event, n.Kind = e.Position, e.ID, e.Kind
	if n.Occurred.IsZero() {
		n.Occurred = e.Occurred
	}
	if b != nil {
		_, visit := e.Stream.Split()
		n.Visit, n.Store, n.Timezone = ledger.VisitID(visit), b.Store, b.Timezone
	}
	if n.Timezone == "" {
		n.Timezone = j.s.Zones[n.Store]
	}
	if n.Postings == nil {
		n.Postings = []Posting{}
	}
	if last := len(j.s.Entries) - 1; last >= 0 && j.s.Entries[last].Position == e.Position {
		n.Part = j.s.Entries[last].Part + 1
	}
	sum := map[money.Currency]int64{}
	for _, p := range n.Postings {
		c := p.Amount.Currency
		sum[c] += p.Amount.Minor
		account := j.s.Balances[p.Account]
		state.Put(&account, c, account[c]+p.Amount.Minor)
		state.Put(&j.s.Balances, p.Account, account)
		j.full = j.full || max(account[c], -account[c]) > maxBalance
		if b != nil && p.Account == AccountReceivable {
			state.Put(&b.Due, c, b.Due[c]+p.Amount.Minor)
		}
	}
	for c, n := range sum {
		if n != 0 {
			panic(fmt.Sprintf("books: journal entry of event %s is off by %d %s", e.ID, n, c))
		}
	}
	j.s.Entries = append(j.s.Entries, n)
}

// move returns the postings of amount from one account to another; none if it
// is nothing.
func move(debit, credit string, amount money.Money) []Posting {
	if amount.Minor == 0 {
		return nil
	}
	return []Posting{{Account: debit, Amount: amount}, {Account: credit, Amount: amount.Neg()}}
}

// transfer books amount of the visit from one account to another.
func (j *Journal) transfer(e ledger.Event, debit, credit string, amount money.Money, receipt, memo string) {
	j.enter(e, j.book(e), Entry{Receipt: receipt, Postings: move(debit, credit, amount), Memo: memo})
}

func (j *Journal) memo(e ledger.Event, receipt, text string) {
	j.enter(e, j.book(e), Entry{Receipt: receipt, Memo: text})
}
