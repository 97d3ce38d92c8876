package simulate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// An Audit is what the checks of a whole ledger found. It looks at the events
// alone, with the folds that finance and auditors use, and knows nothing of
// the engine that wrote them.
type Audit struct {
	Events   uint64 `json:"events"`
	Visits   int    `json:"visits"`
	Settled  int    `json:"settled"` // visits whose money is settled, once
	Refused  int    `json:"refused"`
	Receipts int    `json:"receipts"` // issued and corrected
	Entries  int    `json:"journal_entries"`
	// JournalSum is what all balances sum to, by currency: zero everywhere.
	JournalSum map[money.Currency]int64 `json:"journal_sum"`
	Outcomes   map[ledger.SettledAs]int `json:"outcomes"`
	Charged    map[money.Currency]int64 `json:"charged"` // minor units captured
	Refunded   map[money.Currency]int64 `json:"refunded"`
	Owed       map[money.Currency]int64 `json:"owed"`
	// Findings says what is wrong, at most MaxFindings; none is right.
	Findings []string `json:"findings"`
}

// MaxFindings bounds what an audit lists: one broken rule breaks every visit.
const MaxFindings = 50

func (a *Audit) find(format string, args ...any) {
	if len(a.Findings) < MaxFindings {
		a.Findings = append(a.Findings, fmt.Sprintf(format, args...))
	}
}

// Check audits a ledger after the last visit is over: every visit is refused,
// or settled exactly once; the journal balances after every event; every
// receipt equals its replay; numbers have no gaps; and what bank did, unless
// it is nil, is what the ledger says.
func Check(ctx context.Context, log ledger.Log, bank *Bank) (Audit, error) {
	a := Audit{
		JournalSum: map[money.Currency]int64{}, Outcomes: map[ledger.SettledAs]int{}, Charged: map[money.Currency]int64{},
		Refunded: map[money.Currency]int64{}, Owed: map[money.Currency]int64{}, Findings: []string{},
	}
	var visits projections.Visits
	var journal projections.Journal
	numbers := map[string][]int{}
	replays := replays{open: map[ledger.StreamID][]ledger.Event{}, again: map[ledger.StreamID]bool{}}
	for e, err := range projections.Decoded(log.Read(ctx, ledger.Query{})) {
		if err != nil {
			return a, err
		}
		if err := errors.Join(visits.Apply(e), journal.Apply(e)); err != nil {
			return a, err
		}
		a.Events++
		if err := a.replay(replays.next(e)); err != nil {
			return a, err
		}
		switch p := e.Payload.(type) { //nolint:gochecksumtype // the documents only
		case ledger.ReceiptIssued:
			a.count(numbers, p.Document.Number)
		case ledger.ReceiptCorrected:
			a.count(numbers, p.Document.Number)
		}
	}
	a.gaps(numbers)
	a.books(&journal)
	for row := range visits.All() {
		a.visit(row)
	}
	for _, stream := range replays.rest() {
		if err := a.replay(projections.Decoded(log.Read(ctx, ledger.Query{Stream: stream}))); err != nil {
			return a, err
		}
	}
	if bank != nil {
		a.bank(bank, &visits)
	}
	return a, nil
}

// visit checks that a visit ended, once, and what it was charged. Settled
// twice is right in one case alone: it had taken nothing, and a person gave it
// an item afterwards, for which it got a receipt and was not charged.
func (a *Audit) visit(r projections.VisitRow) {
	a.Visits++
	if r.Settled != "" {
		a.Outcomes[r.Settled]++
		a.Charged[r.Gross.Currency] += r.Captured.Minor
		a.Refunded[r.Gross.Currency] += r.Refunded.Minor
		a.Owed[r.Gross.Currency] += r.Owed.Minor
	}
	given := r.Settlements == 2 && len(r.Receipts) > 0 && r.Captures == 0
	switch {
	case r.Status == projections.StatusRefused && r.Settlements == 0 && r.Captures == 0:
		a.Refused++
	case r.Status == projections.StatusSettled && (r.Settlements == 1 || given):
		a.Settled++
	default:
		a.find("visit %s is %s and was settled %d times", r.Visit, r.Status, r.Settlements)
	}
	if kept := r.Captured.Minor - r.Refunded.Minor; r.Captures > 1 || kept < 0 || kept > r.Gross.Minor {
		a.find("visit %s: %d captures of %s, %s refunded, for a receipt of %s",
			r.Visit, r.Captures, r.Captured, r.Refunded, r.Gross)
	}
	if r.Held.Minor != 0 {
		a.find("visit %s is over and %s is still held", r.Visit, r.Held)
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

func (a *Audit) replay(events iter.Seq2[ledger.Event, error]) error {
	if events == nil {
		return nil
	}
	err := projections.VerifyReceipts(events)
	if errors.Is(err, projections.ErrNotReplayed) {
		a.find("%v", err)
		return nil
	}
	return err
}

// count notes a receipt number: store, year and a running number.
func (a *Audit) count(numbers map[string][]int, number string) {
	a.Receipts++
	var n int
	i := len(number) - 6
	if i < 1 || number[i-1] != '-' {
		a.find("receipt number %q is out of form", number)
		return
	}
	if _, err := fmt.Sscanf(number[i:], "%d", &n); err != nil {
		a.find("receipt number %q is out of form", number)
	}
	numbers[number[:i-1]] = append(numbers[number[:i-1]], n)
}

func (a *Audit) gaps(numbers map[string][]int) {
	for _, series := range slices.Sorted(maps.Keys(numbers)) {
		for i, n := range slices.Sorted(slices.Values(numbers[series])) {
			if n != i+1 {
				a.find("receipt numbers of %s: %d where %d is due", series, n, i+1)
				break
			}
		}
	}
}

func (a *Audit) books(j *projections.Journal) {
	a.Entries = len(j.Entries())
	for _, n := range j.Entries() {
		sum := map[money.Currency]int64{}
		for _, p := range n.Postings {
			sum[p.Amount.Currency] += p.Amount.Minor
		}
		for c, s := range sum {
			if s != 0 {
				a.find("journal entry of event %s is off by %d %s", n.Event, s, c)
			}
		}
	}
	for _, b := range j.Balances() {
		a.JournalSum[b.Amount.Currency] += b.Amount.Minor
	}
	for c, s := range a.JournalSum {
		if s != 0 {
			a.find("the journal is off by %d %s", s, c)
		}
	}
	for _, o := range j.Odd() {
		a.find("journal: event %s: %s", o.Event, o.What)
	}
}

// bank compares what the provider did with what the ledger says it did.
func (a *Audit) bank(b *Bank, visits *projections.Visits) {
	for _, w := range b.Wrong() {
		a.find("bank: %s", w)
	}
	statements := b.statements()
	for row := range visits.All() {
		s := statements[string(row.Visit)]
		delete(statements, string(row.Visit))
		if s.Holds > 1 || s.Standing > 0 || s.Captures > 1 {
			a.find("bank: visit %s has %d holds, %d standing, %d captures", row.Visit, s.Holds, s.Standing, s.Captures)
		}
		if s.Captured != row.Captured.Minor || s.Refunded != row.Refunded.Minor {
			a.find("bank: visit %s was charged %d and refunded %d; the ledger says %s and %s",
				row.Visit, s.Captured, s.Refunded, row.Captured, row.Refunded)
		}
	}
	for visit := range statements {
		a.find("bank: visit %s is not in the ledger", visit)
	}
}
