package projections

import (
	"fmt"
	"iter"

	"github.com/vouchledger/vouch/ledger"
)

// Decoded returns records as events. It ends with the first error.
func Decoded(records iter.Seq2[ledger.Record, error]) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		var d ledger.Decoder
		for r, err := range records {
			if err != nil {
				yield(ledger.Event{}, err)
				return
			}
			e, err := d.Decode(r)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// An Oddity is something in a history that should not be. It has no effect
// and is kept for whoever looks into it.
type Oddity struct {
	Event    ledger.ID `json:"event"`
	Revision uint64    `json:"revision"`
	What     string    `json:"what"`
}

// due refuses an event that is not the next of a stream fold.
func due(stream ledger.StreamID, events uint64, e *ledger.Record) error {
	if events > 0 && e.Stream != stream {
		return fmt.Errorf("event %s/%d in a fold of %s: %w", e.Stream, e.Revision, stream, ledger.ErrCorrupt)
	}
	if e.Revision != events {
		return fmt.Errorf("%s: revision %d where %d is due: %w", e.Stream, e.Revision, events, ledger.ErrCorrupt)
	}
	return nil
}
