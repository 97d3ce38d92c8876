package projections

import (
	"bytes"
	"encoding/json"
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

// rising refuses an event that is not behind what a log fold has seen.
func rising(last uint64, e ledger.Event) error {
	if e.Position <= last {
		return fmt.Errorf("position %d after position %d: %w", e.Position, last, ledger.ErrCorrupt)
	}
	return nil
}

func unknown(e ledger.Event) error {
	return fmt.Errorf("%s/%d: %w: %T", e.Stream, e.Revision, ledger.ErrUnknownKind, e.Payload)
}

// marshal returns state as a snapshot: canonical JSON under its form's name.
func marshal(form string, state any) ([]byte, error) {
	return ledger.MarshalCanonical(struct {
		Form  string `json:"form"`
		State any    `json:"state"`
	}{form, state})
}

// unmarshal reads a snapshot into state, which must be a pointer to a zero
// value. It accepts exactly what marshal gives.
func unmarshal(form string, b []byte, state any) error {
	w := struct {
		Form  string `json:"form"`
		State any    `json:"state"`
	}{State: state}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return fmt.Errorf("snapshot %s: %w: %w", form, ledger.ErrCorrupt, err)
	}
	if w.Form != form {
		return fmt.Errorf("snapshot %s: %w: it is a %q", form, ledger.ErrCorrupt, w.Form)
	}
	again, err := marshal(form, state)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("snapshot %s: %w: not in stored form", form, ledger.ErrCorrupt)
	}
	return nil
}
