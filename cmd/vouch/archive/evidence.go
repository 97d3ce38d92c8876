package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

// Evidence says which objects were copied. An object that several visits have
// counts for each.
type Evidence struct {
	Copied int             `json:"copied"`
	Bytes  int64           `json:"bytes"` // of those
	Reused int             `json:"reused"`
	Healed []ledger.Digest `json:"healed,omitempty"` // that did not hold any more in the backup, and were copied again
	Only   int             `json:"only"`             // that the backup alone has
	Pruned int             `json:"pruned"`           // of those, removed
}

// A copying is evidence on its way from one store to another. Encrypted objects
// go as they are, with their keys beside them.
type copying struct {
	from, to       *evidence.Store
	fromKey, toKey *evidence.Keys
	quick          bool
	report         Evidence
}

// copyKeys opens the keys of both sides and copies them: what was destroyed on
// one side is destroyed on the other before anything is read. A bucket has only
// its keys in the data folder.
func (c *copying) copyKeys(cfg Config) (err error) {
	if _, err := os.Stat(filepath.Join(cfg.From, cfg.EvidenceKeys)); cfg.EvidenceKeys == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if c.fromKey, err = evidence.OpenKeys(filepath.Join(cfg.From, cfg.EvidenceKeys)); err != nil {
		return err
	}
	if c.toKey, err = evidence.OpenKeys(filepath.Join(cfg.To, cfg.EvidenceKeys)); err != nil {
		return err
	}
	return c.fromKey.CopyTo(c.toKey)
}

// open opens the objects of both sides.
func (c *copying) open(cfg Config) (err error) {
	if c.from, err = evidence.Open(filepath.Join(cfg.From, cfg.Evidence), evidence.Config{Keys: c.fromKey}); err != nil {
		return err
	}
	c.to, err = evidence.Open(filepath.Join(cfg.To, cfg.Evidence), evidence.Config{Keys: c.toKey})
	return err
}

func (c *copying) close() (err error) {
	for _, s := range []*evidence.Store{c.from, c.to} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	for _, k := range []*evidence.Keys{c.fromKey, c.toKey} {
		if k != nil {
			err = errors.Join(err, k.Close())
		}
	}
	return err
}

// copyEvidence copies what is not there yet. Every object is read back, and
// unless it is to be quick those that were there, too. Damage is named at the
// end; it holds nothing else up.
func copyEvidence(ctx context.Context, cfg Config) (e Evidence, err error) {
	c := &copying{quick: cfg.Quick}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.copyKeys(cfg); err != nil {
		return e, err
	}
	if _, err := os.Stat(filepath.Join(cfg.From, cfg.Evidence)); errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err := c.open(cfg); err != nil {
		return e, err
	}
	var all []evidence.Copy
	var done, total int64
	here := map[string]bool{}
	for o, err := range c.from.Copies(ctx) {
		if err != nil {
			return e, err
		}
		all, total = append(all, o), total+o.Bytes
		here[o.Name()] = true
	}
	progress := cfg.Progress("evidence")
	var damaged []error
	for _, o := range all {
		err := c.one(ctx, o)
		if errors.Is(err, ledger.ErrCorrupt) {
			damaged = append(damaged, err)
		} else if err != nil {
			return c.report, err
		}
		done += o.Bytes
		progress(done, total)
	}
	if len(damaged) > 0 {
		return c.report, fmt.Errorf("%d objects do not hold where they were to be copied from: %w", len(damaged), errors.Join(damaged...))
	}
	return c.report, c.prune(ctx, here, cfg.Prune)
}

// prune counts what only the backup has, and removes it if that is wanted.
func (c *copying) prune(ctx context.Context, here map[string]bool, remove bool) error {
	for o, err := range c.to.Copies(ctx) {
		if err != nil {
			return err
		}
		if here[o.Name()] {
			continue
		}
		c.report.Only++
		if remove {
			if err := c.to.RemoveCopy(ctx, o); err != nil {
				return err
			}
			c.report.Pruned++
		}
	}
	return nil
}

// one sees to it that an object is in the other store, and holds there. One
// whose key was destroyed is left where it is.
func (c *copying) one(ctx context.Context, o evidence.Copy) error {
	there, err := c.to.HasCopy(ctx, o)
	if err != nil {
		return err
	}
	if there {
		if c.quick {
			c.report.Reused++
			return nil
		}
		err := c.to.CheckCopy(ctx, o)
		if err == nil {
			c.report.Reused++
		}
		if !errors.Is(err, evidence.ErrAltered) {
			return unlessGone(err)
		}
		if err := c.from.CheckCopy(ctx, o); err != nil {
			return unlessGone(err) // the copy is not given up for something worse
		}
		if err := c.to.RemoveCopy(ctx, o); err != nil {
			return err
		}
		c.report.Healed = append(c.report.Healed, o.Digest)
	}
	if err := c.from.CheckCopy(ctx, o); err != nil {
		return unlessGone(err)
	}
	if err := c.from.CopyTo(ctx, c.to, o); err != nil {
		return unlessGone(err)
	}
	err = c.to.CheckCopy(ctx, o)
	if errors.Is(err, evidence.ErrAltered) {
		return fmt.Errorf("the copy does not read back as it was written; mistrust the disk: %v", err) //nolint:errorlint // it is not the store's damage
	}
	if err == nil {
		c.report.Copied++
		c.report.Bytes += o.Bytes
	}
	return unlessGone(err)
}

// unlessGone leaves out that an object has expired or was removed since.
func unlessGone(err error) error {
	if errors.Is(err, evidence.ErrExpired) || errors.Is(err, evidence.ErrMissing) {
		return nil
	}
	return err
}
