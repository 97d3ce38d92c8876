package projections

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// The accounts of the journal. Income is kept by category and tax by
// jurisdiction: their names follow the prefix.
const (
	AccountReceivable   = "Assets:Receivable:Visits"
	AccountStripe       = "Assets:Stripe"
	AccountIncomePrefix = "Income:Sales:"
	AccountTaxPrefix    = "Liabilities:Tax:"
)

// A Posting moves an amount on an account: above zero is a debit, below zero
// a credit.
type Posting struct {
	Account string      `json:"account"`
	Amount  money.Money `json:"amount"`
	Line    int         `json:"line"` // of the receipt; 0 for the whole
}

// An Entry is what one event means in the books. Its postings sum to zero in
// each currency. A memo has no postings: a hold moves no money.
type Entry struct {
	Position uint64         `json:"position"`
	Event    ledger.ID      `json:"event"`
	Kind     ledger.Kind    `json:"kind"`
	Occurred time.Time      `json:"occurred"`
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

// A bookedLine is what a later correction is the difference to.
type bookedLine struct {
	No       int         `json:"no"`
	Category string      `json:"category"`
	Tax      string      `json:"tax"` // jurisdiction
	Net      money.Money `json:"net"`
	TaxSum   money.Money `json:"tax_sum"`
}

// A visitBook is what the books know of one visit.
type visitBook struct {
	Store    ledger.StoreID       `json:"store"`
	Receipt  string               `json:"receipt"`
	Lines    []bookedLine         `json:"lines"`
	Highest  int64                `json:"highest"` // largest gross that was ever billed
	Captured int64                `json:"captured"`
	Refunded int64                `json:"refunded"`
	Orders   map[ledger.ID]string `json:"orders"` // intents under way, and their receipt
}

// Journal is the fold of the whole log that keeps the books, by double entry.
//
// INVARIANT: after every event the balances sum to zero in each currency.
// INVARIANT 7 of the design, that what was captured less what was refunded
// never falls below zero nor exceeds what was billed, is about the world: a
// breach cannot be refused, it is noted in Odd.
type Journal struct {
	position uint64
	entries  []Entry
	balances map[string]map[money.Currency]int64
	visits   map[ledger.VisitID]*visitBook
	odd      []Oddity
	full     bool // an account is beyond maxBalance
}

// maxBalance bounds an account: far above the sum of many chains' takings, and
// half of what an int64 holds: one event more cannot overflow it.
const maxBalance = math.MaxInt64 / 2

// Name names the fold's checkpoint.
func (*Journal) Name() string { return "journal" }

// Position returns the position of the last event folded.
func (j *Journal) Position() uint64 { return j.position }

// Entries returns the entries in the order of the log. They must not be
// changed.
func (j *Journal) Entries() []Entry { return slices.Clip(j.entries) }

// Odd returns what should not be: money beyond what was billed, a correction
// of nothing, an outcome of an order that was not given.
func (j *Journal) Odd() []Oddity { return slices.Clone(j.odd) }

// Balances returns every account that was ever posted to, by name and
// currency.
func (j *Journal) Balances() []Balance {
	bs := []Balance{}
	for account, amounts := range j.balances {
		for c, n := range amounts {
			bs = append(bs, Balance{Account: account, Amount: money.Money{Minor: n, Currency: c}})
		}
	}
	slices.SortFunc(bs, func(a, b Balance) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Amount.Currency, b.Amount.Currency))
	})
	return bs
}

// Apply moves j past e. See [Cart.Apply] for its errors.
func (j *Journal) Apply(e ledger.Event) error {
	if err := rising(j.position, e); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if j.full {
		return fmt.Errorf("journal: %w: an account is beyond %d minor units", money.ErrRange, maxBalance)
	}
	switch p := e.Payload.(type) {
	case ledger.ReceiptIssued:
		j.issued(e, p.Document)
	case ledger.ReceiptCorrected:
		j.corrected(e, p.Document)
	case ledger.HoldIntended:
		j.ordered(e, p.Store, "")
	case ledger.CaptureIntended:
		j.ordered(e, p.Store, p.Receipt)
	case ledger.ReleaseIntended:
		j.ordered(e, p.Store, "")
	case ledger.RefundIntended:
		j.ordered(e, p.Store, p.Receipt)
	case ledger.Held:
		j.memo(e, p.Intent, "hold of "+p.Amount.String())
	case ledger.Released:
		j.memo(e, p.Intent, "hold released")
	case ledger.PaymentDeclined:
		j.memo(e, p.Intent, "declined: "+p.Code)
	case ledger.Captured:
		j.moved(e, p.Intent, p.Amount, 1)
	case ledger.Refunded:
		j.moved(e, p.Intent, p.Amount, -1)
	case ledger.StoreOpened, ledger.PolicySet, ledger.PlanogramSet, ledger.ProductListed, ledger.PriceSet,
		ledger.TaxSet, ledger.GatePresented, ledger.GateEntered, ledger.GateRefused, ledger.GateExited,
		ledger.DetectionRecorded, ledger.DetectionImplicated, ledger.DetectionAttributed, ledger.ItemPriced,
		ledger.PricingFailed, ledger.ReviewRequested, ledger.ReviewDecided, ledger.ReceiptProvisional,
		ledger.DisputeOpened, ledger.DisputeDecided, ledger.VisitSettled, ledger.PaymentUnclear,
		ledger.PaymentNotified, ledger.PromotionSet, ledger.PromotionPinned, ledger.CouponRedeemed, ledger.CouponAccepted,
		ledger.ItemRepriced, ledger.AgeVerified, ledger.IncrementIntended, ledger.Incremented,
		ledger.ChargeIntended, ledger.Charged, ledger.HoldLapsed, ledger.RefundFailed, ledger.ExternalObserved,
		ledger.PaymentEscalated, ledger.PaymentResolved, ledger.DebtWrittenOff, ledger.GoodwillGranted,
		ledger.SupplementProposed, ledger.SupplementAnswered, ledger.VisitMatched, ledger.CashTaken,
		ledger.FraudWarningReceived, ledger.ChargebackOpened, ledger.ChargebackFundsMoved,
		ledger.EvidencePackBuilt, ledger.ChargebackAnswered, ledger.SubmissionIntended, ledger.EvidenceSubmitted, ledger.ChargebackClosed,
		ledger.BalanceRecorded, ledger.PayoutRecorded, ledger.PayoutFailed, ledger.BankStatementRecorded,
		ledger.ExceptionOpened, ledger.ExceptionAssigned, ledger.ExceptionClosed, ledger.DayClosed,
		ledger.PriceChecked, ledger.FiscalStarted, ledger.FiscalSigned, ledger.FiscalFailed,
		ledger.NoticeQuarantined, ledger.ProviderSwept:
	default:
		return fmt.Errorf("journal: %w", unknown(e))
	}
	j.position = e.Position
	return nil
}

func (j *Journal) book(e ledger.Event) *visitBook {
	_, id := e.Stream.Split()
	b := j.visits[ledger.VisitID(id)]
	if b == nil {
		b = &visitBook{}
		put(&j.visits, ledger.VisitID(id), b)
	}
	return b
}

func (j *Journal) note(e ledger.Event, format string, args ...any) {
	j.odd = append(j.odd, Oddity{Event: e.ID, Revision: e.Revision, What: fmt.Sprintf(format, args...)})
}

// issued books a sale: the shopper owes the gross, the shop earned the net.
func (j *Journal) issued(e ledger.Event, d ledger.ReceiptDocument) {
	b := j.book(e)
	if b.Receipt != "" {
		j.note(e, "receipt %s after receipt %s", d.Number, b.Receipt)
		return
	}
	b.Store = d.Store
	j.bill(e, b, d)
}

// corrected books the difference to the receipt before, line by line.
func (j *Journal) corrected(e ledger.Event, d ledger.ReceiptDocument) {
	b := j.book(e)
	if b.Receipt == "" {
		j.note(e, "correction %s of a receipt that was not issued", d.Number)
		return
	}
	j.bill(e, b, d)
}

func (j *Journal) bill(e ledger.Event, b *visitBook, d ledger.ReceiptDocument) {
	now := make([]bookedLine, len(d.Lines))
	for i, l := range d.Lines {
		now[i] = bookedLine{No: l.No, Category: l.Category, Tax: l.TaxRule.Jurisdiction, Net: l.Net, TaxSum: l.Tax}
	}
	var lines []Posting
	var gross int64
	post := func(account string, minor int64, line int) {
		if minor != 0 {
			lines = append(lines, Posting{account, money.Money{Minor: -minor, Currency: d.Seller.Currency}, line})
			gross += minor
		}
	}
	book := func(l bookedLine, sign int64) {
		post(AccountIncomePrefix+l.Category, sign*l.Net.Minor, l.No)
		post(AccountTaxPrefix+l.Tax, sign*l.TaxSum.Minor, l.No)
	}
	for _, l := range now {
		i := slices.IndexFunc(b.Lines, func(o bookedLine) bool {
			return o.No == l.No && o.Category == l.Category && o.Tax == l.Tax
		})
		if i >= 0 {
			l.Net.Minor -= b.Lines[i].Net.Minor
			l.TaxSum.Minor -= b.Lines[i].TaxSum.Minor
		}
		book(l, 1)
	}
	for _, o := range b.Lines { // a line that the new document has lost is reversed whole
		if !slices.ContainsFunc(now, func(l bookedLine) bool {
			return o.No == l.No && o.Category == l.Category && o.Tax == l.Tax
		}) {
			book(o, -1)
		}
	}
	ps := []Posting{}
	if gross != 0 {
		ps = append(ps, Posting{AccountReceivable, money.Money{Minor: gross, Currency: d.Seller.Currency}, 0})
	}
	b.Receipt, b.Lines, b.Highest = d.Number, now, max(b.Highest, d.Gross.Minor)
	j.enter(e, b, Entry{Receipt: d.Number, Postings: append(ps, lines...)})
}

// ordered remembers what an intent is for: outcomes name only the intent.
func (j *Journal) ordered(e ledger.Event, store ledger.StoreID, receipt string) {
	b := j.book(e)
	b.Store = store
	put(&b.Orders, e.ID, receipt)
}

func (j *Journal) outcome(e ledger.Event, intent ledger.ID) (b *visitBook, receipt string) {
	b = j.book(e)
	receipt, ok := b.Orders[intent]
	if !ok {
		j.note(e, "%s of order %s, which was not given or has ended", e.Kind, intent)
	}
	delete(b.Orders, intent)
	return b, receipt
}

func (j *Journal) memo(e ledger.Event, intent ledger.ID, text string) {
	b, receipt := j.outcome(e, intent)
	j.enter(e, b, Entry{Receipt: receipt, Postings: []Posting{}, Memo: text})
}

// moved books money that came (sign 1) or went back (sign -1).
func (j *Journal) moved(e ledger.Event, intent ledger.ID, amount money.Money, sign int64) {
	b, receipt := j.outcome(e, intent)
	if sign > 0 {
		b.Captured += amount.Minor
	} else {
		b.Refunded += amount.Minor
	}
	switch kept := b.Captured - b.Refunded; {
	case kept < 0:
		j.note(e, "refunded %d minor units more than were captured", -kept)
	case kept > b.Highest:
		j.note(e, "captured %d minor units more than were billed", kept-b.Highest)
	}
	in := money.Money{Minor: sign * amount.Minor, Currency: amount.Currency}
	j.enter(e, b, Entry{
		Receipt: receipt, Postings: []Posting{{AccountStripe, in, 0}, {AccountReceivable, in.Neg(), 0}},
	})
}

// enter books an entry: all its postings, or it is a bug.
func (j *Journal) enter(e ledger.Event, b *visitBook, n Entry) {
	_, visit := e.Stream.Split()
	n.Position, n.Event, n.Kind, n.Occurred = e.Position, e.ID, e.Kind, e.Occurred
	n.Visit, n.Store = ledger.VisitID(visit), b.Store
	sum := map[money.Currency]int64{}
	for _, p := range n.Postings {
		sum[p.Amount.Currency] += p.Amount.Minor
		account := j.balances[p.Account]
		put(&account, p.Amount.Currency, account[p.Amount.Currency]+p.Amount.Minor)
		put(&j.balances, p.Account, account)
		j.full = j.full || max(account[p.Amount.Currency], -account[p.Amount.Currency]) > maxBalance
	}
	for c, n := range sum {
		if n != 0 {
			panic(fmt.Sprintf("projections: journal entry of event %s is off by %d %s", e.ID, n, c))
		}
	}
	j.entries = append(j.entries, n)
}

// journalState is the stored form of a Journal.
type journalState struct {
	Position uint64                              `json:"position"`
	Entries  []Entry                             `json:"entries"`
	Balances map[string]map[money.Currency]int64 `json:"balances"`
	Visits   map[ledger.VisitID]*visitBook       `json:"visits"`
	Odd      []Oddity                            `json:"odd"`
}

const journalForm = "journal.v1"

// MarshalBinary returns a snapshot of j: canonical JSON.
func (j *Journal) MarshalBinary() ([]byte, error) {
	return marshal(journalForm, &journalState{j.position, j.entries, j.balances, j.visits, j.odd})
}

// UnmarshalBinary makes j what a snapshot says; see [Cart.UnmarshalBinary].
func (j *Journal) UnmarshalBinary(b []byte) error {
	var s journalState
	if err := unmarshal(journalForm, b, &s); err != nil {
		return err
	}
	for v, book := range s.Visits {
		if book == nil {
			return fmt.Errorf("snapshot %s: %w: visit %s", journalForm, ledger.ErrCorrupt, v)
		}
	}
	*j = Journal{position: s.Position, entries: s.Entries, balances: s.Balances, visits: s.Visits, odd: s.Odd}
	for _, b := range j.Balances() {
		j.full = j.full || max(b.Amount.Minor, -b.Amount.Minor) > maxBalance
	}
	return nil
}
