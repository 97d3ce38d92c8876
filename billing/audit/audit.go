// Package audit checks a whole ledger from its events alone: that every visit
// is settled once, that the books balance, that every receipt equals its
// replay and that numbers have no gaps.
//
// It looks with the folds that finance and auditors use, knows nothing of the
// engine that wrote the events, and changes nothing. The one idea: what is
// wrong is not an error but a [Finding], so that one lie does not hide the
// next. It does not check bytes, evidence or the payment provider: whoever has
// those compares them with the report.
package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
)

// A Finding is one thing that is not as it must be.
type Finding struct {
	Check string `json:"check"` // settled, receipt, number, law, journal, closing; log, evidence and bank are others' to add
	Where string `json:"where"`
	What  string `json:"what"`
}

// String puts a finding on one line.
func (f Finding) String() string { return f.Check + ": " + f.Where + ": " + f.What }

// A Report says what was checked and what was found.
type Report struct {
	Events    uint64                      `json:"events"`
	Visits    int                         `json:"visits"`
	Settled   int                         `json:"settled"`   // visits whose money is settled, once
	Refused   int                         `json:"refused"`   // visits whose gate stayed shut
	Waiting   int                         `json:"waiting"`   // visits that are under way
	Receipts  int                         `json:"receipts"`  // documents with a number
	Corrected int                         `json:"corrected"` // of these, corrections
	Entries   int                         `json:"journal_entries"`
	Balances  []books.Balance             `json:"balances"`
	Sums      []money.Money               `json:"sums"` // of all balances, one for each currency: all zero
	Outcomes  map[ledger.SettledAs]int    `json:"outcomes"`
	Charged   map[money.Currency]int64    `json:"charged"` // minor units captured
	Refunded  map[money.Currency]int64    `json:"refunded"`
	Owed      map[money.Currency]int64    `json:"owed"`
	Findings  []Finding                   `json:"findings"`
	Named     map[ledger.Digest]ledger.ID `json:"-"` // evidence, and the first event that names it
	Expired   map[ledger.Digest]bool      `json:"-"` // evidence that was deleted after its time, as an event says
	Rows      *projections.Visits         `json:"-"` // for comparing with a bank
}

// OK reports whether everything is as it must be.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// Find adds a finding.
func (r *Report) Find(check, where, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{check, where, fmt.Sprintf(format, args...)})
}

// Run audits log. With over, the last visit must be over: what is still under
// way is then a finding too. An error means that the log could not be read or
// folded.
func Run(ctx context.Context, log ledger.Log, over bool) (Report, error) {
	r := Report{
		Outcomes: map[ledger.SettledAs]int{}, Charged: map[money.Currency]int64{}, Refunded: map[money.Currency]int64{},
		Owed: map[money.Currency]int64{}, Named: map[ledger.Digest]ledger.ID{}, Expired: map[ledger.Digest]bool{}, Rows: &projections.Visits{},
	}
	var journal books.Journal
	numbers := map[string][]int{}
	var rules law
	payments := payments{}
	replays := replays{open: map[ledger.StreamID][]ledger.Event{}, again: map[ledger.StreamID]bool{}}
	for e, err := range projections.Decoded(log.Read(ctx, ledger.Query{Prefixes: ledger.OwnPrefixes()})) {
		if err != nil {
			return r, err
		}
		if err := errors.Join(r.Rows.Apply(e), journal.Apply(e), payments.apply(e)); err != nil {
			return r, err
		}
		r.Events++
		if err := r.replay(replays.next(e)); err != nil {
			return r, err
		}
		r.payload(e, numbers, &rules)
	}
	rules.end(&r)
	r.gaps(numbers)
	r.books(&journal)
	r.orders(payments, over)
	for row := range r.Rows.All() {
		r.visit(row, over)
	}
	for _, stream := range replays.rest() {
		if err := r.replay(projections.Decoded(log.Read(ctx, ledger.Query{Stream: stream}))); err != nil {
			return r, err
		}
	}
	return r, nil
}

// payload notes the numbers and the evidence that an event names, and holds
// documents against the law.
func (r *Report) payload(e ledger.Event, numbers map[string][]int, rules *law) {
	switch p := e.Payload.(type) { // only documents, their signatures and evidence count
	case ledger.ReceiptIssued:
		r.count(numbers, p.Document.Number)
		rules.document(r, p.Document)
	case ledger.ReceiptCorrected:
		r.Corrected++
		r.count(numbers, p.Document.Number)
		rules.document(r, p.Document)
	case ledger.FiscalSigned:
		rules.signed(p.Receipt)
	case ledger.FiscalFailed:
		rules.signed(p.Receipt)
	case ledger.DetectionRecorded:
		r.name(e, p.Evidence...)
	case ledger.DetectionAttributed:
		r.name(e, p.Evidence...)
	case ledger.EvidencePackBuilt:
		r.name(e, ledger.EvidenceRef{Digest: p.Digest})
	case ledger.EvidenceExpired:
		r.Expired[p.Digest] = true
	case ledger.NoticeQuarantined:
		r.name(e, ledger.EvidenceRef{Digest: p.Digest})
	}
}

func (r *Report) name(e ledger.Event, refs ...ledger.EvidenceRef) {
	for _, ref := range refs {
		delete(r.Expired, ref.Digest) // it came again
		if _, ok := r.Named[ref.Digest]; !ok {
			r.Named[ref.Digest] = e.ID
		}
	}
}

// visit checks that a visit ended, once, and what it was charged. Settled
// twice is right in one case alone: it had taken nothing, and a person gave it
// an item afterwards, for which it got a receipt and was not charged.
func (r *Report) visit(row projections.VisitRow, over bool) {
	r.Visits++
	where := "visit " + string(row.Visit)
	if row.Settled != "" {
		r.Outcomes[row.Settled]++
		r.Charged[row.Gross.Currency] += row.Captured.Minor
		r.Refunded[row.Gross.Currency] += row.Refunded.Minor
		r.Owed[row.Gross.Currency] += row.Owed.Minor
	}
	given := row.Settlements == 2 && len(row.Receipts) > 0 && row.Captures == 0
	r.money(row, where, over)
	switch {
	case row.Status == projections.StatusRefused && row.Settlements == 0 && row.Captures == 0:
		r.Refused++
	case row.Status == projections.StatusSettled && (row.Settlements == 1 || given):
		r.Settled++
	case !over && row.Settlements == 0 && row.Status != projections.StatusRefused:
		r.Waiting++
	default:
		r.Find("settled", where, "is %s and was settled %d times", row.Status, row.Settlements)
	}
}

// money checks what was taken and given back: the hold captured once, never
// more given back than taken, never more kept than was ever asked for, and at
// the end no more than the last receipt asks for. What a card network took, the
// shopper has; what was paid at a till is given back at a till.
func (r *Report) money(row projections.VisitRow, where string, over bool) {
	kept := row.Captured.Minor - row.Refunded.Minor - row.Lost.Minor
	beyond := func(limit money.Money) bool { return min(kept, kept+row.Cash.Minor-limit.Minor) > 0 }
	done := over && !row.Asked && !row.Claimed
	if row.Captures > 1 || kept+row.Lost.Minor < 0 || done && (beyond(row.Agreed) || beyond(row.Gross)) {
		r.Find("settled", where, "%d captures of %s with %d charges, %s refunded, for a receipt of %s; %s in cash, %s lost",
			row.Captures, row.Captured, row.Charges, row.Refunded, row.Gross, row.Cash, row.Lost)
	}
	if done && row.Held.Minor != 0 {
		r.Find("settled", where, "is over and %s is still held", row.Held)
	}
}

// replays keeps the events of visits that are under way, so that most receipts
// are replayed while the log is read once. A visit that goes on after it was
// settled is read again at the end.
type replays struct {
	open  map[ledger.StreamID][]ledger.Event
	again map[ledger.StreamID]bool // false: ended
}

// next takes in an event and returns the whole of the visit that it ends.
func (r *replays) next(e ledger.Event) iter.Seq2[ledger.Event, error] {
	if category, _ := e.Stream.Split(); category != ledger.CategoryVisit {
		return nil
	}
	if _, ended := r.again[e.Stream]; ended {
		r.again[e.Stream] = true
		return nil
	}
	r.open[e.Stream] = append(r.open[e.Stream], e)
	if e.Kind != ledger.KindVisitSettled && e.Kind != ledger.KindGateRefused {
		return nil
	}
	whole := r.open[e.Stream]
	delete(r.open, e.Stream)
	r.again[e.Stream] = false
	return func(yield func(ledger.Event, error) bool) {
		for _, e := range whole {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// rest returns the streams that are still to be replayed.
func (r *replays) rest() []ledger.StreamID {
	rest := slices.Collect(maps.Keys(r.open))
	for s, again := range r.again {
		if again {
			rest = append(rest, s)
		}
	}
	slices.Sort(rest)
	return rest
}

func (r *Report) replay(events iter.Seq2[ledger.Event, error]) error {
	if events == nil {
		return nil
	}
	err := projections.VerifyReceipts(events)
	for _, lie := range []error{projections.ErrNotReplayed, projections.ErrNoVisit, projections.ErrBlocked} {
		if errors.Is(err, lie) {
			r.Find("receipt", "replay", "%v", err)
			return nil
		}
	}
	return err
}

// count notes a receipt number: store, year and a running number.
func (r *Report) count(numbers map[string][]int, number string) {
	r.Receipts++
	cut := strings.LastIndexByte(number, '-')
	n, err := strconv.Atoi(number[cut+1:])
	if cut < 1 || err != nil {
		r.Find("number", number, "is out of form")
		return
	}
	numbers[number[:cut]] = append(numbers[number[:cut]], n)
}

func (r *Report) gaps(numbers map[string][]int) {
	for _, series := range slices.Sorted(maps.Keys(numbers)) {
		for i, n := range slices.Sorted(slices.Values(numbers[series])) {
			if n != i+1 {
				r.Find("number", series, "%d where %d is due", n, i+1)
				break
			}
		}
	}
}

func (r *Report) books(j *books.Journal) {
	r.Entries, r.Balances = len(j.Entries()), j.Balances()
	for _, n := range j.Entries() {
		sum := map[money.Currency]int64{}
		for _, p := range n.Postings {
			sum[p.Amount.Currency] += p.Amount.Minor
		}
		for c, s := range sum {
			if s != 0 {
				r.Find("journal", "event "+n.Event.String(), "the entry is off by %d %s", s, c)
			}
		}
	}
	sums := map[money.Currency]int64{}
	for _, b := range r.Balances {
		sums[b.Amount.Currency] += b.Amount.Minor
	}
	for _, c := range slices.Sorted(maps.Keys(sums)) {
		r.Sums = append(r.Sums, money.Money{Minor: sums[c], Currency: c})
		if sums[c] != 0 {
			r.Find("journal", string(c), "all accounts together are off by %d", sums[c])
		}
	}
	for _, s := range j.Stores() {
		if err := j.CheckClosings(s, time.LoadLocation); err != nil {
			r.Find("closing", "shop "+string(s), "%v", err)
		}
	}
	for _, o := range j.Odd() {
		r.Find("journal", "event "+o.Event.String(), "%s", o.What)
	}
}
