package simulate

import (
	"context"

	"github.com/vouchledger/vouch/billing/audit"
	"github.com/vouchledger/vouch/ledger"
)

// Check audits a ledger after the last visit is over, and compares it with
// what bank did, unless bank is nil.
func Check(ctx context.Context, log ledger.Log, bank *Bank) (audit.Report, error) {
	r, err := audit.Run(ctx, log, true)
	if err != nil || bank == nil {
		return r, err
	}
	for _, w := range bank.Wrong() {
		r.Find("bank", "statement", "%s", w)
	}
	statements := bank.statements()
	for row := range r.Rows.All() {
		where := "visit " + string(row.Visit)
		s := statements[string(row.Visit)]
		delete(statements, string(row.Visit))
		if s.Holds > 1 || s.Standing > 0 || s.Captures > 1 {
			r.Find("bank", where, "%d holds, %d standing, %d captures", s.Holds, s.Standing, s.Captures)
		}
		if s.Captured != row.Captured.Minor || s.Refunded != row.Refunded.Minor {
			r.Find("bank", where, "charged %d and refunded %d; the ledger says %s and %s", s.Captured, s.Refunded, row.Captured, row.Refunded)
		}
	}
	for visit := range statements {
		r.Find("bank", "visit "+visit, "is not in the ledger")
	}
	return r, nil
}
