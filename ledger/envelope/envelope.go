// Package envelope is the one JSON form of an event's envelope beside its body.
//
// EventStoreDB keeps two pieces of bytes for each event: data and metadata. The
// body of a Vouch event is its data, as it is stored. What the producer says
// about it (when it happened, who says so, what it follows from) has no field of
// its own there, so it travels as metadata:
//
//	{
//	  "$correlationId": "0af7651916cd43dd8448eb211c80319c",
//	  "$causationId": "01890a5d-ac96-774b-bcce-b302099a8057",
//	  "vouch": {
//	    "occurred": "2026-03-01T09:00:00.123456Z",
//	    "actor": "device:cam-1",
//	    "metadata": "aGVsbG8="
//	  }
//	}
//
// The names with a dollar are EventStoreDB's: its projections and its browser
// follow them. $correlationId is the W3C trace id, $causationId the id of the
// event or request it follows from. "occurred" is always there, in UTC with at
// most microseconds. Everything else is left out when it is empty. "metadata" is
// what a foreign producer had put beside the body, in base64; Vouch's own events
// have none. Id, kind and recorded time are not in here: EventStoreDB has fields
// for them.
//
// The adapter writes this form to a cluster and reads it back; the protocol
// server shows Vouch's own events with it, and takes it from clients that append
// to Vouch's own streams. So an event keeps its envelope whichever way it goes.
//
// # Invariants
//
//   - What [Envelope.Marshal] gives, [Parse] gives back.
//   - Marshal has one form for each envelope: members in the order above, no
//     white space.
//   - Parse takes members in any order and with white space, since clients in
//     other languages make them, and refuses what it does not know: a member
//     that it would drop is a fact lost.
package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/vouchledger/vouch/ledger"
)

// ErrNone means that metadata has no envelope in it: another program wrote it.
// Keep the bytes as they are.
var ErrNone = errors.New("metadata without a \"vouch\" member")

// An Envelope is what a producer says about an event beside id, kind and body.
type Envelope struct {
	Occurred time.Time // UTC, microseconds
	Actor    string
	Cause    ledger.ID
	Trace    string
	Metadata []byte // of a foreign producer; nil when there is none
}

// OfDraft returns the envelope of d.
func OfDraft(d ledger.Draft) Envelope {
	return Envelope{Occurred: d.Occurred, Actor: d.Actor, Cause: d.Cause, Trace: d.Trace, Metadata: d.Metadata}
}

// OfRecord returns the envelope of r.
func OfRecord(r ledger.Record) Envelope {
	return Envelope{Occurred: r.Occurred, Actor: r.Actor, Cause: r.Cause, Trace: r.Trace, Metadata: r.Metadata}
}

// Draft returns d with the fields of e.
func (e Envelope) Draft(d ledger.Draft) ledger.Draft {
	d.Occurred, d.Actor, d.Cause, d.Trace, d.Metadata = e.Occurred, e.Actor, e.Cause, e.Trace, e.Metadata
	return d
}

// Record returns r with the fields of e.
func (e Envelope) Record(r ledger.Record) ledger.Record {
	r.Occurred, r.Actor, r.Cause, r.Trace, r.Metadata = e.Occurred, e.Actor, e.Cause, e.Trace, e.Metadata
	return r
}

// form is the stored form; the order of its fields is the order of the bytes.
type form struct {
	Trace string `json:"$correlationId,omitempty"`
	Cause string `json:"$causationId,omitempty"`
	Vouch *inner `json:"vouch"`
}

type inner struct {
	Occurred time.Time `json:"occurred"`
	Actor    string    `json:"actor,omitempty"`
	Metadata []byte    `json:"metadata,omitempty"`
}

// Marshal returns e in its one form. It refuses an envelope that [Parse] could
// not give back.
func (e Envelope) Marshal() ([]byte, error) {
	if err := e.validate(); err != nil {
		return nil, err
	}
	f := form{Trace: e.Trace, Vouch: &inner{Occurred: e.Occurred, Actor: e.Actor, Metadata: e.Metadata}}
	if !e.Cause.IsZero() {
		f.Cause = e.Cause.String()
	}
	return ledger.MarshalCanonical(f)
}

// validate asks the ledger whether a draft may have such an envelope.
func (e Envelope) validate() error {
	d := e.Draft(ledger.Draft{ID: ledger.ID{1}, Kind: "envelope"})
	if err := d.Validate(); err != nil {
		return err
	}
	if y := e.Occurred.Year(); y < 0 || y > 9999 {
		return fmt.Errorf("envelope: %w: occurred in year %d", ledger.ErrInvalid, y)
	}
	if !utf8.ValidString(e.Actor) {
		return fmt.Errorf("envelope: %w: actor is not UTF-8", ledger.ErrInvalid)
	}
	return nil
}

// Parse reads metadata. It is [ErrNone] when there is no "vouch" member, and
// [ledger.ErrInvalid] when there is one that is malformed or would not be kept
// whole.
func Parse(metadata []byte) (Envelope, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(metadata, &members); err != nil || members["vouch"] == nil {
		return Envelope{}, ErrNone
	}
	var f form
	if err := strict(metadata, &f, "$correlationId", "$causationId", "vouch"); err != nil {
		return Envelope{}, err
	}
	if err := strict(members["vouch"], f.Vouch, "occurred", "actor", "metadata"); err != nil {
		return Envelope{}, err
	}
	e := Envelope{Occurred: f.Vouch.Occurred.UTC(), Actor: f.Vouch.Actor, Trace: f.Trace}
	if len(f.Vouch.Metadata) > 0 {
		e.Metadata = f.Vouch.Metadata
	}
	if f.Cause != "" {
		id, err := ledger.ParseID(f.Cause)
		if err != nil {
			return Envelope{}, fmt.Errorf("envelope: $causationId: %w", err)
		}
		e.Cause = id
	}
	if err := e.validate(); err != nil {
		return Envelope{}, err
	}
	return e, nil
}

// strict decodes one JSON object with only these members, written just so (the
// standard library takes "VOUCH" for "vouch") and each once.
func strict(b []byte, into any, names ...string) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("envelope: %w: want a JSON object", ledger.ErrInvalid)
	}
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		seen[n] = false
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return fmt.Errorf("envelope: %w: %w", ledger.ErrInvalid, err)
		}
		name, _ := t.(string)
		if twice, known := seen[name]; !known || twice {
			return fmt.Errorf("envelope: %w: member %q is unknown or there twice; want %q", ledger.ErrInvalid, name, names)
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("envelope: %w: %w", ledger.ErrInvalid, err)
		}
	}
	if err := json.Unmarshal(b, into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("envelope: %w: %w", ledger.ErrInvalid, err)
	}
	return nil
}
