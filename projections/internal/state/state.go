// Package state is what the folds of package projections and of those below it
// have in common: the stored form of a fold, and the order of events.
package state

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
)

// Put sets a key of a map that may not be there yet.
func Put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}

// Rising refuses an event that is not behind what a fold of the whole log has
// seen.
func Rising(last uint64, e ledger.Event) error {
	if e.Position <= last {
		return fmt.Errorf("position %d after position %d: %w", e.Position, last, ledger.ErrCorrupt)
	}
	return nil
}

// Unknown is the error of a fold that does not know e's payload.
func Unknown(e ledger.Event) error {
	return fmt.Errorf("%s/%d: %w: %T", e.Stream, e.Revision, ledger.ErrUnknownKind, e.Payload)
}

// Marshal returns a fold's state as a snapshot: canonical JSON under its form's
// name.
func Marshal(form string, state any) ([]byte, error) {
	return ledger.MarshalCanonical(struct {
		Form  string `json:"form"`
		State any    `json:"state"`
	}{form, state})
}

// Unmarshal reads a snapshot into state, which must be a pointer to a zero
// value. It accepts exactly what Marshal gives.
func Unmarshal(form string, b []byte, state any) error {
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
	again, err := Marshal(form, state)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("snapshot %s: %w: not in stored form", form, ledger.ErrCorrupt)
	}
	return nil
}
