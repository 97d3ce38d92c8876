package ledger

import (
	"bytes"
	"fmt"
)

// MaxBatchBytes bounds the bodies and metadata of one append together. A batch is written
// in one piece and held in memory until it is durable.
const MaxBatchBytes = 16 << 20

// ValidateAppend refuses an append that no log may take: a malformed stream, no
// drafts or too many, a malformed draft, or one id twice.
func ValidateAppend(stream StreamID, drafts []Draft) error {
	if err := stream.Validate(); err != nil {
		return err
	}
	return ValidateDrafts(stream, drafts)
}

// ValidateDrafts is [ValidateAppend] without looking at the stream's name: for a
// log that has a stream of that name.
func ValidateDrafts(stream StreamID, drafts []Draft) error {
	if len(drafts) == 0 || len(drafts) > MaxBatch {
		return fmt.Errorf("append to %s: %w: %d drafts, want 1 to %d", stream, ErrInvalid, len(drafts), MaxBatch)
	}
	total := 0
	for i := range drafts {
		d := &drafts[i]
		if err := d.Validate(); err != nil {
			return err
		}
		total += len(d.Body) + len(d.Metadata)
	}
	if id, ok := twice(drafts); ok {
		return fmt.Errorf("append to %s: %w: id %s twice in one batch", stream, ErrInvalid, id)
	}
	if total > MaxBatchBytes {
		return fmt.Errorf("append to %s: %w: bodies of %d bytes, at most %d", stream, ErrInvalid, total, MaxBatchBytes)
	}
	return nil
}

// fewDrafts is up to how many each is compared with each: most appends are of
// one to four events, and nothing is allocated for them.
const fewDrafts = 16

// twice returns an id that two of drafts have.
func twice(drafts []Draft) (id ID, ok bool) {
	if len(drafts) <= fewDrafts {
		for i := range drafts {
			for j := range i {
				if drafts[i].ID == drafts[j].ID {
					return drafts[i].ID, true
				}
			}
		}
		return ID{}, false
	}
	seen := make(map[ID]struct{}, len(drafts))
	for i := range drafts {
		if seen[drafts[i].ID] = struct{}{}; len(seen) <= i {
			return drafts[i].ID, true
		}
	}
	return ID{}, false
}

// Repeated says what an append means of which some ids are stored already. It
// is the one rule for retries, so that every [Log] gives the same answer.
//
// stored[i] is the record with the id of drafts[i], or a zero Record where that
// id is new; at least one must be stored. next is the revision that the next
// event of the stream will get. Repeated returns the stored records if this is
// a whole retry, [ErrIDReused] if an id is in use with other content, and a
// *ConflictError if only some are stored or they lie in another order.
func Repeated(stream StreamID, expect Expected, next uint64, drafts []Draft, stored []Record) ([]Record, error) {
	missing := 0
	for i, d := range drafts {
		r := stored[i]
		switch {
		case r.ID.IsZero():
			missing++
		case r.Stream != stream:
			return nil, fmt.Errorf("append %s to %s: %w: it is in stream %s", d.ID, stream, ErrIDReused, r.Stream)
		case r.Kind != d.Kind:
			return nil, fmt.Errorf("append %s to %s: %w: it is a %s, not a %s", d.ID, stream, ErrIDReused, r.Kind, d.Kind)
		case r.Binary != d.Binary || !bytes.Equal(r.Body, d.Body):
			return nil, fmt.Errorf("append %s to %s: %w: its body differs", d.ID, stream, ErrIDReused)
		case !bytes.Equal(r.Metadata, d.Metadata):
			return nil, fmt.Errorf("append %s to %s: %w: its metadata differs", d.ID, stream, ErrIDReused)
		}
	}
	if missing > 0 {
		return nil, &ConflictError{Stream: stream, Want: expect, Next: next}
	}
	for i := 1; i < len(stored); i++ {
		if stored[i].Revision <= stored[i-1].Revision {
			return nil, &ConflictError{Stream: stream, Want: expect, Next: next}
		}
	}
	return stored, nil
}
