package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger/internal/gaps"
)

// A Kind is the stored name of a payload. It is on disk and in auditors'
// files: never rename or reuse one, add a version instead.
type Kind string

// A Payload says what happened. The set is closed: every payload is declared
// in this package and listed in kinds, so a fold can switch over all of them.
//
//sumtype:decl
type Payload interface {
	// Kind returns the stored name.
	Kind() Kind
	// Validate refuses a payload that cannot be a fact.
	Validate() error

	payload() // closes the set
}

// An Event is a record with its body decoded.
type Event struct {
	Record
	Payload Payload
}

// Meta is what the producer says about an event beside its payload.
type Meta struct {
	ID       ID
	Occurred time.Time // cut to microseconds and UTC by NewDraft
	Actor    string
	Cause    ID
	Trace    string
}

// NewDraft returns p as a draft in stored form, or what is wrong with it.
func NewDraft(m Meta, p Payload) (Draft, error) {
	if err := p.Validate(); err != nil {
		return Draft{}, fmt.Errorf("%s: %w", p.Kind(), err)
	}
	body, err := Marshal(p)
	if err != nil {
		return Draft{}, err
	}
	d := Draft{
		ID: m.ID, Kind: p.Kind(), Occurred: Instant(m.Occurred), Actor: m.Actor,
		Cause: m.Cause, Trace: m.Trace, Body: body,
	}
	return d, d.Validate()
}

// Instant returns t as events keep it: UTC, microseconds, no monotonic clock.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Marshal returns the canonical JSON of p: what MarshalCanonical gives, by a
// faster way.
func Marshal(p Payload) ([]byte, error) {
	if b := marshalCanonical(p); b != nil {
		return b, nil
	}
	return MarshalCanonical(p)
}

// MarshalCanonical returns v as JSON in the one form the ledger stores: struct
// order, no HTML escapes, no white space, no trailing newline.
func MarshalCanonical(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Decode returns r with its body decoded. A kind it does not know is
// [ErrUnknownKind]; a body out of stored form is [ErrCorrupt]. Who decodes many
// uses a [Decoder].
func Decode(r Record) (Event, error) {
	p, err := Unmarshal(r.Kind, r.Body)
	if err != nil {
		return Event{}, inRecord(&r, err)
	}
	return Event{Record: r, Payload: p}, nil
}

// Unmarshal returns the payload of kind k stored as body. It accepts exactly
// what Marshal gives and nothing else.
func Unmarshal(k Kind, body []byte) (Payload, error) {
	r := reader{b: body, stop: gaps.NoGap}
	return r.unmarshal(k)
}

// Kinds returns every kind that this program knows.
func Kinds() []Kind {
	ks := make([]Kind, 0, len(kinds))
	for k := range kinds {
		ks = append(ks, k)
	}
	return ks
}
