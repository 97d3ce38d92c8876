// Package audit checks a data folder from the outside: the log byte by byte,
// every receipt against its replay, the books, that every finished visit is
// settled once, and the evidence against its digests.
//
// It trusts nothing that the server keeps beside the log, and changes nothing.
package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/vision/evidence"
)

// A Finding is one thing that is not as it must be.
type Finding struct {
	Check string `json:"check"` // log, receipt, settled, journal, evidence
	Where string `json:"where"`
	What  string `json:"what"`
}

// A Report says what was checked and what was found.
type Report struct {
	Log       embedded.Report       `json:"log"`
	Visits    int                   `json:"visits"`
	Refused   int                   `json:"refused"`   // of these, gates that stayed shut
	Waiting   int                   `json:"waiting"`   // left, and in review or under way
	Receipts  int                   `json:"receipts"`  // documents that equal their replay
	Corrected int                   `json:"corrected"` // of these, corrections
	Entries   int                   `json:"entries"`   // of the journal
	Balances  []projections.Balance `json:"balances"`
	Sums      []money.Money         `json:"sums"`     // of all balances, one for each currency; all zero
	Evidence  int                   `json:"evidence"` // objects that match their digest
	Findings  []Finding             `json:"findings"`
}

// OK reports whether everything is as it must be.
func (r Report) OK() bool { return len(r.Findings) == 0 }

func (r *Report) find(check, where, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{check, where, fmt.Sprintf(format, args...)})
}

// Config says what to check.
type Config struct {
	Ledger   string // folder of the log
	Evidence string // folder of the evidence; empty checks none
	Progress func(done, total int64)
}

// Run checks. An error means that the check itself could not be done, or that
// the log is damaged so that nothing after the damage can be trusted; what is
// wrong within an intact log is a finding.
func Run(ctx context.Context, cfg Config) (Report, error) {
	var r Report
	var err error
	if r.Log, err = embedded.Verify(ctx, cfg.Ledger, cfg.Progress); err != nil {
		return r, err
	}
	log, err := embedded.Open(ctx, cfg.Ledger, embedded.Config{ReadOnly: true, Now: time.Now})
	if err != nil {
		return r, err
	}
	defer log.Close() //nolint:errcheck // read-only
	named, err := r.folds(ctx, log)
	if err != nil {
		return r, err
	}
	if cfg.Evidence == "" {
		return r, nil
	}
	return r, r.checkEvidence(ctx, cfg.Evidence, named)
}

// folds reads the log once through the folds, and then each visit alone, and
// returns the digests that events name.
func (r *Report) folds(ctx context.Context, log ledger.Log) ([]ledger.Digest, error) {
	var visits projections.Visits
	var journal projections.Journal
	digests := map[ledger.Digest]bool{}
	for e, err := range projections.Decoded(log.Read(ctx, ledger.Query{})) {
		if err != nil {
			return nil, err
		}
		if err := visits.Apply(e); err != nil {
			return nil, err
		}
		if err := journal.Apply(e); err != nil {
			return nil, err
		}
		for _, ref := range refs(e.Payload) {
			digests[ref.Digest] = true
		}
	}
	r.checkJournal(&journal)
	r.checkNumbers(&visits)
	for row := range visits.All() {
		r.checkVisit(row)
		if err := r.checkReceipts(ctx, log, row); err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(digests)), nil
}

func refs(p ledger.Payload) []ledger.EvidenceRef {
	switch p := p.(type) { //nolint:gochecksumtype // only these name evidence
	case ledger.DetectionRecorded:
		return p.Evidence
	case ledger.DetectionAttributed:
		return p.Evidence
	}
	return nil
}

func (r *Report) checkJournal(j *projections.Journal) {
	r.Entries, r.Balances = len(j.Entries()), j.Balances()
	sums := map[money.Currency]money.Money{}
	for _, b := range r.Balances {
		sum, err := money.Sum(b.Amount.Currency, sums[b.Amount.Currency].Or(b.Amount.Currency), b.Amount)
		if err != nil {
			r.find("journal", b.Account, "%v", err)
		}
		sums[b.Amount.Currency] = sum
	}
	for _, c := range slices.Sorted(maps.Keys(sums)) {
		r.Sums = append(r.Sums, sums[c])
		if !sums[c].IsZero() {
			r.find("journal", string(c), "the accounts sum to %s, not to zero", sums[c])
		}
	}
	for _, o := range j.Odd() {
		r.find("journal", fmt.Sprintf("event %s", o.Event), "%s", o.What)
	}
}

// checkNumbers requires that the receipts of each shop and year are numbered
// 1, 2, 3 without gaps and without two of the same.
func (r *Report) checkNumbers(visits *projections.Visits) {
	series := map[string][]int{}
	for row := range visits.All() {
		for _, number := range row.Receipts {
			cut := strings.LastIndexByte(number, '-')
			n, err := strconv.Atoi(number[cut+1:])
			if err != nil {
				r.find("receipt", number, "its number is out of form")
				continue
			}
			series[number[:max(cut, 0)]] = append(series[number[:max(cut, 0)]], n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(series)) {
		slices.Sort(series[name])
		for i, n := range series[name] {
			if n != i+1 {
				r.find("receipt", name, "the series goes on with %d where %d is due", n, i+1)
				break
			}
		}
	}
}

// checkVisit requires that a visit that ended is settled once, that nothing
// is charged twice, and that what is not settled waits for something.
func (r *Report) checkVisit(row projections.VisitRow) {
	r.Visits++
	where := string(row.Visit)
	if row.Status == projections.StatusRefused {
		r.Refused++
	}
	if row.Captures > 1 {
		r.find("settled", where, "was charged %d times", row.Captures)
	}
	if row.Settlements > 1 && !laterOwed(row) {
		r.find("settled", where, "was settled %d times", row.Settlements)
	}
	if row.Status == projections.StatusExited || row.Status == projections.StatusIssued {
		r.Waiting++
	}
	if row.Captured.Minor < row.Refunded.Minor {
		r.find("settled", where, "%s was refunded of %s", row.Refunded, row.Captured)
	}
	if row.Status == projections.StatusRefused && row.Captured.Minor > 0 {
		r.find("settled", where, "was refused at the gate and charged %s", row.Captured)
	}
}

// laterOwed reports whether a visit that ended with nothing was given an item
// by a later decision: it then owes, and is never charged for it.
func laterOwed(row projections.VisitRow) bool {
	return row.Settlements == 2 && row.Settled == ledger.SettledOwed && row.Captures == 0
}

func (r *Report) checkReceipts(ctx context.Context, log ledger.Log, row projections.VisitRow) error {
	if len(row.Receipts) == 0 && !row.Provisional {
		return nil
	}
	stream := ledger.VisitStream(row.Visit)
	err := projections.VerifyReceipts(projections.Decoded(log.Read(ctx, ledger.Query{Stream: stream})))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.find("receipt", string(stream), "%v", err)
		return nil
	}
	r.Receipts += len(row.Receipts)
	r.Corrected += max(0, len(row.Receipts)-1)
	return nil
}

func (r *Report) checkEvidence(ctx context.Context, dir string, named []ledger.Digest) error {
	store, err := evidence.Open(dir, evidence.Config{})
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	found, err := store.Verify(ctx, slices.Values(named))
	if err != nil {
		return err
	}
	r.Evidence = found.Objects
	for _, p := range found.Problems {
		where := string(p.Digest)
		if where == "" {
			where = p.File
		}
		r.find("evidence", where, "%s: %s", p.Fault, p.Detail)
	}
	return nil
}
