// Package audit checks a data folder from the outside: the log byte by byte,
// what its events say together (package billing/audit), the tree against the
// log and its signatures, and the evidence against its digests.
//
// It trusts nothing that the server keeps beside the log, and changes nothing.
package audit

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing/audit"
	"github.com/vouchledger/vouch/cmd/vouch/evidencestore"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/esdb"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/vision/evidence"
)

// A Report says what was checked and what was found.
type Report struct {
	audit.Report
	Log      embedded.Report `json:"log"`               // zero for a cluster
	Cluster  bool            `json:"cluster,omitempty"` // the log is in a cluster
	Tree     *tree.Report    `json:"tree,omitempty"`    // nil: there is none yet
	Evidence int             `json:"evidence"`          // objects that match their digest
	Expiries int             `json:"evidence_expired"`  // pieces that were deleted after their time

	Palms          int `json:"palms,omitempty"`           // templates that are as they were made
	PalmsDestroyed int `json:"palms_destroyed,omitempty"` // consents whose key is gone
}

// Config says what to check.
type Config struct {
	Ledger   string               // folder of the log
	Cluster  Cluster              // a log in a cluster, instead of the folder
	Tree     string               // folder of the tree; empty checks none
	Signer   string               // folder of the tree's signer
	Evidence evidencestore.Config // without address checks none
	Palms    Palms                // without templates checks none
	Over     bool                 // the last visit must be over
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
	// What the tree claims is read before the log, which then holds at least
	// that, whatever a server beside us does.
	claim, err := readClaim(cfg)
	if err != nil {
		return r, err
	}
	if cfg.Cluster != nil {
		err = r.checkCluster(ctx, cfg, claim)
	} else {
		err = r.checkFolder(ctx, cfg, claim)
	}
	if err != nil {
		return r, err
	}
	if cfg.Evidence.Address == "" {
		return r, nil
	}
	return r, r.checkEvidence(ctx, cfg.Evidence)
}

// readClaim returns what the tree says, or nil if there is none.
func readClaim(cfg Config) (*tree.Claim, error) {
	if cfg.Tree == "" {
		return nil, nil //nolint:nilnil // nothing to check is no error
	}
	claim, err := tree.ReadClaim(tree.NewDir(cfg.Tree), cfg.Signer)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil //nolint:nilnil // as above
	}
	return claim, err
}

// checkTree compares the tree with the log that it is of.
func (r *Report) checkTree(ctx context.Context, log ledger.Log, claim *tree.Claim) error {
	if claim == nil {
		return nil
	}
	found, err := claim.Verify(ctx, log, func(where, what string) { r.Find("tree", where, "%s", what) })
	r.Tree = &found
	return err
}

func (r *Report) checkFolder(ctx context.Context, cfg Config, claim *tree.Claim) (err error) {
	if r.Log, err = embedded.Verify(ctx, cfg.Ledger, cfg.Progress); err != nil {
		return err
	}
	log, err := embedded.Open(ctx, cfg.Ledger, embedded.Config{ReadOnly: true, Now: time.Now})
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // read-only
	if r.Report, err = audit.Run(ctx, log, cfg.Over); err != nil {
		return err
	}
	if cfg.Palms.Templates != "" {
		if err := r.checkPalms(ctx, log, cfg.Palms); err != nil {
			return err
		}
	}
	return r.checkTree(ctx, log, claim)
}

// checkCluster checks what the events say. That revisions have no gaps was
// checked when the log was opened.
func (r *Report) checkCluster(ctx context.Context, cfg Config, claim *tree.Claim) (err error) {
	r.Cluster = true
	if r.Report, err = audit.Run(ctx, cfg.Cluster, cfg.Over); err != nil {
		return err
	}
	for _, d := range cfg.Cluster.Doubles() {
		r.Find("log", "event "+d.ID.String(), "is stored twice, at positions %d and %d: two servers appended it to two streams at once; "+
			"the first one counts", d.First, d.Second)
	}
	return r.checkTree(ctx, cfg.Cluster, claim)
}

// checkEvidence reads every object again, and looks for all that events name and
// that has not expired.
func (r *Report) checkEvidence(ctx context.Context, cfg evidencestore.Config) error {
	store, err := evidencestore.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	named := slices.Sorted(maps.Keys(r.Named))
	for _, d := range named {
		if r.Expired[d] {
			r.Expiries++
		}
	}
	found, err := store.Verify(ctx, slices.Values(named))
	if err != nil {
		return err
	}
	r.Evidence = found.Objects
	for _, p := range found.Problems {
		if p.Fault == evidence.FaultMissing && r.Expired[p.Digest] {
			continue
		}
		where := string(p.Digest)
		if where == "" {
			where = p.File
		}
		if event, ok := r.Named[p.Digest]; ok {
			r.Find("evidence", where, "%s: %s, named by event %s", p.Fault, p.Detail, event)
		} else {
			r.Find("evidence", where, "%s: %s", p.Fault, p.Detail)
		}
	}
	for _, d := range found.Gone {
		if !r.Expired[d] {
			r.Find("evidence", string(d), "its key was destroyed, and no event says that it has expired; event %s names it", r.Named[d])
		}
	}
	return nil
}
