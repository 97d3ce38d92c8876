package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/payers"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
)

// A Layout names the parts of a data folder.
type Layout struct {
	Ledger, Evidence, EvidenceKeys, Tree, Signer string   // folders
	TicketKey                                    string   // file
	Palms                                        []string // folders: templates of palms, and their keys
	Derived                                      []string // what is made again
	Yours                                        []string // what the operator wrote
}

// Config says what is copied where.
type Config struct {
	Layout

	From, To string // folders
	Signer   string // folder of the tree's signer, if it is not in From

	Quick        bool // believe what an earlier backup has copied
	SkipEvidence bool
	Prune        bool // remove evidence from the backup that is not in From any more

	Now      func() time.Time
	Progress func(part string) func(done, total int64)
}

// A Backup says what a backup holds.
type Backup struct {
	Log      embedded.BackupReport `json:"log"`
	Tree     *Tree                 `json:"tree,omitempty"`     // nil if there is none
	Evidence *Evidence             `json:"evidence,omitempty"` // nil if it was not asked for
	Secret   []string              `json:"secret,omitempty"`   // not copied: they have backups of their own
	Yours    []string              `json:"yours,omitempty"`    // not copied: the operator wrote it and has it
	Derived  []string              `json:"derived,omitempty"`  // not copied: made again
	Unknown  []string              `json:"unknown,omitempty"`  // not copied: not ours
}

// BackUp copies the log, the tree and the evidence of the data folder From into
// the backup To. Evidence that does not hold is named in an error after all else
// has been copied.
func BackUp(ctx context.Context, cfg Config) (r Backup, err error) {
	from, to := filepath.Join(cfg.From, cfg.Ledger), filepath.Join(cfg.To, cfg.Ledger)
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("%s holds no ledger: %w; name another folder with --data", cfg.From, ledger.ErrNotFound)
	}
	// The checkpoint before the log, which then holds at least what it covers.
	claim, err := readTree(filepath.Join(cfg.From, cfg.Tree), cmp.Or(cfg.Signer, filepath.Join(cfg.From, cfg.Layout.Signer)))
	if err != nil {
		return r, err
	}
	if r.Log, err = embedded.Backup(ctx, from, to, embedded.BackupConfig{Now: cfg.Now, Quick: cfg.Quick, Progress: cfg.Progress("log")}); err != nil {
		return r, err
	}
	if claim != nil {
		tree, err := claim.copyTo(ctx, filepath.Join(cfg.To, cfg.Tree), cfg.Quick, cfg.Progress("tree"))
		if err == nil {
			err = claim.keepKey(filepath.Join(cfg.To, cfg.Layout.Signer))
		}
		if err != nil {
			return r, fmt.Errorf("the log is backed up, the tree is not: %w", err)
		}
		r.Tree = &tree
	}
	if !cfg.SkipEvidence {
		e, err := copyEvidence(ctx, cfg)
		if err != nil {
			return r, fmt.Errorf("the log is backed up, not all evidence is: %w", err)
		}
		r.Evidence = &e
	}
	return r, r.leftOut(cfg)
}

// leftOut lists what of the data folder was not copied.
func (r *Backup) leftOut(cfg Config) error {
	entries, err := os.ReadDir(cfg.From)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == cfg.Ledger || name == cfg.Tree || name == cfg.Evidence || name == cfg.EvidenceKeys || strings.HasSuffix(name, ".lock"):
		case slices.Contains([]string{keys.FileName, payers.DirName, cfg.TicketKey, cfg.Layout.Signer}, name):
			r.Secret = append(r.Secret, name)
		case slices.Contains(cfg.Palms, name):
			r.Secret = append(r.Secret, name)
		case slices.Contains(cfg.Yours, name):
			r.Yours = append(r.Yours, name)
		case slices.Contains(cfg.Derived, name):
			r.Derived = append(r.Derived, name)
		default:
			r.Unknown = append(r.Unknown, name)
		}
	}
	return nil
}
