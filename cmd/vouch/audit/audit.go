// Package audit checks a data folder from the outside: the log byte by byte,
// what its events say together (package billing/audit), and the evidence
// against its digests.
//
// It trusts nothing that the server keeps beside the log, and changes nothing.
package audit

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing/audit"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/vision/evidence"
)

// A Report says what was checked and what was found.
type Report struct {
	audit.Report
	Log      embedded.Report `json:"log"`
	Evidence int             `json:"evidence"` // objects that match their digest
}

// Config says what to check.
type Config struct {
	Ledger   string // folder of the log
	Evidence string // folder of the evidence; empty checks none
	Over     bool   // the last visit must be over
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
	if r.Report, err = audit.Run(ctx, log, cfg.Over); err != nil {
		return r, err
	}
	if cfg.Evidence == "" {
		return r, nil
	}
	return r, r.checkEvidence(ctx, cfg.Evidence)
}

func (r *Report) checkEvidence(ctx context.Context, dir string) error {
	store, err := evidence.Open(dir, evidence.Config{})
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	named := slices.Sorted(maps.Keys(r.Named))
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
		r.Find("evidence", where, "%s: %s", p.Fault, p.Detail)
	}
	return nil
}
