package evidence

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// A Fault says what is wrong with one object.
type Fault string

// The faults. A stray is a file among the objects that is none; an object
// without its key cannot be read, and nobody has destroyed the key.
const (
	FaultMissing Fault = "missing"
	FaultAltered Fault = "altered"
	FaultNoKey   Fault = "no_key"
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
	Objects  int             `json:"objects"` // copies that are stored and intact
	Bytes    int64           `json:"bytes"`   // of those, as stored
	Expired  int             `json:"expired"` // copies whose key was destroyed and that are not removed yet
	Gone     []ledger.Digest `json:"gone"`    // named, and only such copies are left
	Named    int             `json:"named"`   // digests that were asked for
	Problems []Problem       `json:"problems"`
}

// OK reports whether nothing is wrong.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// Verify reads every stored object again, and looks for every digest that
// named gives (nil for none). Each object that is missing or altered is
// named in the report; the error is only for a store that cannot be read.
func (s *Store) Verify(ctx context.Context, named iter.Seq[ledger.Digest]) (Report, error) {
	var r Report
	stored := map[ledger.Digest]bool{} // and whether a key is left
	for e, err := range s.blobs.List(ctx, objects+"/") {
		if err != nil {
			return r, fmt.Errorf("evidence store: %w", err)
		}
		c, ok := parseName(e.Name)
		if !ok {
			r.Problems = append(r.Problems, Problem{FaultStray, "", e.Name, "no object has this name"})
			continue
		}
		err = s.CheckCopy(ctx, c)
		stored[c.Digest] = stored[c.Digest] || !errors.Is(err, ErrExpired)
		if err := r.add(e, c.Digest, err); err != nil {
			return r, err
		}
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
		readable, found := stored[d]
		switch err := d.Validate(); {
		case err != nil:
			r.Problems = append(r.Problems, Problem{FaultMissing, d, "", err.Error()})
		case readable || s.Has(ctx, d): // it may have come since
		case found:
			r.Gone = append(r.Gone, d)
		default:
			r.Problems = append(r.Problems, Problem{FaultMissing, d, file(d), "an event names it"})
		}
	}
	return r, nil
}

// add counts a copy, of which a check said err.
func (r *Report) add(e Entry, d ledger.Digest, err error) error {
	switch {
	case errors.Is(err, ErrAltered):
		detail := strings.TrimPrefix(err.Error(), ErrAltered.Error()+": ")
		r.Problems = append(r.Problems, Problem{FaultAltered, d, e.Name, detail})
	case errors.Is(err, ErrNoKey):
		r.Problems = append(r.Problems, Problem{FaultNoKey, d, e.Name, err.Error()})
	case errors.Is(err, ErrExpired):
		r.Expired++
	case errors.Is(err, ErrMissing): // removed since it was listed
	case err != nil:
		return err
	default:
		r.Objects++
		r.Bytes += e.Bytes
	}
	return nil
}
