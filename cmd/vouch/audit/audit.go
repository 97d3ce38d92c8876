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
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/esdb"
	"github.com/vouchledger/vouch/vision/evidence"
)

// A Report says what was checked and what was found.
type Report struct {
	audit.Report
	Log      embedded.Report `json:"log"`               // zero for a cluster
	Cluster  bool            `json:"cluster,omitempty"` // the log is in a cluster
	Evidence int             `json:"evidence"`          // objects that match their digest
}

// Config says what to check.
type Config struct {
	Ledger   string  // folder of the log
	Cluster  Cluster // a log in a cluster, instead of the folder
	Evidence string  // folder of the evidence; empty checks none
	Over     bool    // the last visit must be over
	Progress func(done, total int64)
}

// A Cluster is a log in a cluster, which says what it has seen twice.
type Cluster interface {
	ledger.Log
	Doubles() []esdb.Double
}

// Run checks. An error means that the check itself could not be done, or that
// the log is damaged so that nothing after the damage can be trusted; what is
// wrong within an intact log is a finding.
func Run(ctx context.Context, cfg Config) (Report, error) {
	var r Report
	var err error
	if cfg.Cluster != nil {
		err = r.checkCluster(ctx, cfg)
	} else {
		err = r.checkFolder(ctx, cfg)
	}
	if err != nil {
		return r, err
	}
	if cfg.Evidence == "" {
		return r, nil
	}
	return r, r.checkEvidence(ctx, cfg.Evidence)
}

func (r *Report) checkFolder(ctx context.Context, cfg Config) (err error) {
	if r.Log, err = embedded.Verify(ctx, cfg.Ledger, cfg.Progress); err != nil {
		return err
	}
	log, err := embedded.Open(ctx, cfg.Ledger, embedded.Config{ReadOnly: true, Now: time.Now})
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // read-only
	r.Report, err = audit.Run(ctx, log, cfg.Over)
	return err
}

// checkCluster checks what the events say. That revisions have no gaps was
// checked when the log was opened.
func (r *Report) checkCluster(ctx context.Context, cfg Config) (err error) {
	r.Cluster = true
	if r.Report, err = audit.Run(ctx, cfg.Cluster, cfg.Over); err != nil {
		return err
	}
	for _, d := range cfg.Cluster.Doubles() {
		r.Find("log", "event "+d.ID.String(), "is stored twice, at positions %d and %d: two servers appended it to two streams at once; "+
			"the first one counts", d.First, d.Second)
	}
	return nil
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
