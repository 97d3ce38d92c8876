package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vouchledger/vouch/ledger/embedded"
)

// A Restored says what was restored.
type Restored struct {
	Log      embedded.RestoreReport `json:"log"`
	Tree     *Tree                  `json:"tree,omitempty"`
	Later    uint64                 `json:"tree_later,omitempty"` // leaves of the backup's tree, if that was left out because it goes further than the log
	Evidence *Evidence              `json:"evidence,omitempty"`
}

// Restore makes a data folder To of the backup From: the log up to an end, the
// tree if the log holds what its checkpoint covers, and the evidence. To may
// hold keys, but nothing that stands on a log.
func Restore(ctx context.Context, cfg Config, until embedded.Until) (r Restored, err error) {
	for _, name := range append([]string{cfg.Tree, cfg.Evidence}, cfg.Derived...) { // the ledger's folder is looked at last
		if err := mustBeEmpty(filepath.Join(cfg.To, name)); err != nil {
			return r, err
		}
	}
	claim, err := readTree(filepath.Join(cfg.From, cfg.Tree), filepath.Join(cfg.From, cfg.Layout.Signer))
	if err != nil {
		return r, err
	}
	r.Log, err = embedded.Restore(ctx, filepath.Join(cfg.From, cfg.Ledger), filepath.Join(cfg.To, cfg.Ledger), until,
		embedded.RestoreConfig{Now: cfg.Now, Progress: cfg.Progress("log")})
	if err != nil {
		return r, err
	}
	const rest = "the log is restored, %s not; restore again into another folder: %w"
	if claim != nil && claim.size > r.Log.Position {
		r.Later, claim = claim.size, nil
	}
	if claim != nil {
		tree, err := claim.copyTo(ctx, filepath.Join(cfg.To, cfg.Tree), cfg.Quick, cfg.Progress("tree"))
		if err != nil {
			return r, fmt.Errorf(rest, "the tree is", err)
		}
		r.Tree = &tree
	}
	if !cfg.SkipEvidence {
		e, err := copyEvidence(ctx, cfg)
		if err != nil {
			return r, fmt.Errorf(rest, "all evidence is", err)
		}
		r.Evidence = &e
	}
	return r, nil
}

func mustBeEmpty(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return fmt.Errorf("%s: %w; name another folder with --data", path, embedded.ErrNotEmpty)
}
