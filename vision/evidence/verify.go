package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// A Fault says what is wrong with one object.
type Fault string

// The faults. A stray is a file among the objects that is none.
const (
	FaultMissing Fault = "missing"
	FaultAltered Fault = "altered"
	FaultStray   Fault = "stray"
)

// A Problem is one object that is not as it should be.
type Problem struct {
	Fault  Fault         `json:"fault"`
	Digest ledger.Digest `json:"digest"` // empty for a stray
	File   string        `json:"file"`   // inside the store
	Detail string        `json:"detail"`
}

// A Report is what Verify found.
type Report struct {
	Objects  int       `json:"objects"` // stored and intact
	Bytes    int64     `json:"bytes"`   // of those
	Named    int       `json:"named"`   // digests that were asked for
	Problems []Problem `json:"problems"`
}

// OK reports whether nothing is wrong.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// Verify reads every stored object again, and looks for every digest that
// named gives (nil for none). Each object that is missing or altered is
// named in the report; the error is only for a folder that cannot be read.
func (s *Store) Verify(ctx context.Context, named iter.Seq[ledger.Digest]) (Report, error) {
	var r Report
	err := fs.WalkDir(s.root.FS(), objects, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.IsDir() {
			return nil
		}
		return s.verifyFile(ctx, name, &r)
	})
	if err != nil {
		return r, fmt.Errorf("evidence store: %w", err)
	}
	if named == nil {
		return r, nil
	}
	seen := map[ledger.Digest]bool{}
	for d := range named {
		if seen[d] {
			continue
		}
		seen[d] = true
		r.Named++
		_, err := s.Stat(d)
		switch {
		case errors.Is(err, ErrMissing):
			r.Problems = append(r.Problems, Problem{FaultMissing, d, file(d), "an event names it"})
		case errors.Is(err, ledger.ErrInvalid):
			r.Problems = append(r.Problems, Problem{FaultMissing, d, "", err.Error()})
		case err != nil && !errors.Is(err, ErrAltered): // altered: the walk has said so
			return r, err
		}
	}
	return r, nil
}

func (s *Store) verifyFile(ctx context.Context, name string, r *Report) error {
	d := ledger.Digest("sha256:" + path.Base(name))
	if d.Validate() != nil || file(d) != name {
		r.Problems = append(r.Problems, Problem{FaultStray, "", name, "no object has this name"})
		return nil
	}
	err := s.Check(ctx, d)
	if errors.Is(err, ErrAltered) {
		detail := strings.TrimPrefix(err.Error(), ErrAltered.Error()+": ")
		r.Problems = append(r.Problems, Problem{FaultAltered, d, name, detail})
		return nil
	}
	if err != nil {
		return err
	}
	info, err := s.Stat(d)
	if err != nil {
		return err
	}
	r.Objects++
	r.Bytes += info.Bytes
	return nil
}
