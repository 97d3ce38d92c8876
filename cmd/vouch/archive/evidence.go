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

// Evidence says which objects were copied.
type Evidence struct {
	Copied int             `json:"copied"`
	Bytes  int64           `json:"bytes"` // of those
	Reused int             `json:"reused"`
	Healed []ledger.Digest `json:"healed,omitempty"` // that did not hold any more in the backup, and were copied again
	Only   int             `json:"only"`             // that the backup alone has
	Pruned int             `json:"pruned"`           // of those, removed
}

// An object is a stored one.
type object struct {
	digest ledger.Digest
	bytes  int64
}

// objects lists a store; a folder that is not there holds none.
func objects(dir string) (found []object, total int64, err error) {
	err = filepath.WalkDir(filepath.Join(dir, "sha256"), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		d := ledger.Digest("sha256:" + e.Name())
		if d.Validate() != nil {
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed since
		}
		if err != nil {
			return err
		}
		found, total = append(found, object{d, info.Size()}), total+info.Size()
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return found, total, err
}

// A copying is evidence on its way from one store to another.
type copying struct {
	from, to *evidence.Store
	quick    bool
	report   Evidence
}

// copyEvidence copies what is not there yet. Every object is read back, and
// unless it is to be quick those that were there, too. Damage is named at the
// end; it holds nothing else up.
func copyEvidence(ctx context.Context, from, to string, cfg Config) (e Evidence, err error) {
	all, total, err := objects(from)
	if err != nil {
		return e, err
	}
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	c := &copying{quick: cfg.Quick}
	if c.from, err = evidence.Open(from, evidence.Config{}); err != nil {
		return e, err
	}
	defer c.from.Close() //nolint:errcheck // was only read
	if c.to, err = evidence.Open(to, evidence.Config{}); err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, c.to.Close()) }()
	progress := cfg.Progress("evidence")
	var damaged []error
	here, done := make(map[ledger.Digest]bool), int64(0)
	for _, o := range all {
		here[o.digest] = true
		err := c.one(ctx, o)
		if errors.Is(err, ledger.ErrCorrupt) {
			damaged = append(damaged, err)
		} else if err != nil {
			return c.report, err
		}
		done += o.bytes
		progress(done, total)
	}
	if len(damaged) > 0 {
		return c.report, fmt.Errorf("%d objects do not hold where they were to be copied from: %w", len(damaged), errors.Join(damaged...))
	}
	theirs, _, err := objects(to)
	if err != nil {
		return c.report, err
	}
	for _, o := range theirs {
		if here[o.digest] {
			continue
		}
		c.report.Only++
		if cfg.Prune {
			if err := c.to.Remove(o.digest); err != nil {
				return c.report, err
			}
			c.report.Pruned++
		}
	}
	return c.report, nil
}

// one sees to it that an object is in the other store, and holds there.
func (c *copying) one(ctx context.Context, o object) error {
	if c.to.Has(o.digest) {
		if c.quick {
			c.report.Reused++
			return nil
		}
		err := c.to.Check(ctx, o.digest)
		if err == nil {
			c.report.Reused++
		}
		if !errors.Is(err, evidence.ErrAltered) {
			return err
		}
		if err := c.from.Check(ctx, o.digest); err != nil {
			return err // the copy is not given up for something worse
		}
		if err := c.to.Remove(o.digest); err != nil {
			return err
		}
		c.report.Healed = append(c.report.Healed, o.digest)
	}
	f, err := c.from.Get(o.digest)
	if errors.Is(err, evidence.ErrMissing) {
		return nil // removed since
	}
	if err != nil {
		return err
	}
	_, err = c.to.Put(ctx, f, o.digest)
	if err = errors.Join(err, f.Close()); errors.Is(err, evidence.ErrMismatch) {
		return fmt.Errorf("%w: %w", evidence.ErrAltered, err)
	}
	if err == nil {
		if err = c.to.Check(ctx, o.digest); errors.Is(err, evidence.ErrAltered) {
			return fmt.Errorf("the copy does not read back as it was written; mistrust the disk: %v", err) //nolint:errorlint // it is not the store's damage
		}
	}
	if err == nil {
		c.report.Copied++
		c.report.Bytes += o.bytes
	}
	return err
}
