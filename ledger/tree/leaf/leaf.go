// Package leaf defines what a leaf of the tree says about an event: its whole
// envelope and the digests of its stored bytes.
//
// The one idea: a leaf commits to the bytes of an event and does not hold them.
// So it is small, an event of a megabyte has a proof as short as any other, and
// a body that was erased leaves every proof as it was.
//
// # Form
//
// Version 1, big-endian, nothing between the fields and nothing behind the last:
//
//	bytes  field
//	1      version: 0x01
//	1      flags: 1 body is not JSON, 2 metadata, 4 cause, 8 trace; others zero
//	16     event id
//	8      position in the log
//	8      revision in the stream
//	8      recorded: microseconds since 1970-01-01 UTC, two's complement
//	8      occurred: the same
//	2+n    kind: length and bytes
//	2+n    stream: length and bytes
//	2+n    actor: length and bytes
//	16     cause, if flag 4
//	16     trace, if flag 8
//	32     SHA-256 of the stored body
//	32     SHA-256 of the metadata, if flag 2
//
// There is one leaf for each record and one envelope for each leaf: [Decode]
// accepts exactly what [Append] gives. A leaf is at most [MaxBytes] long, the
// bound of C2SP tlog-tiles.
//
// Another version gets another first byte; this one is read for ever.
package leaf

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// MaxBytes bounds a leaf: an entry of tlog-tiles has a length of two bytes.
const MaxBytes = 1<<16 - 1

const version = 1

const (
	flagBinary = 1 << iota
	flagMetadata
	flagCause
	flagTrace
	flagsKnown = flagBinary | flagMetadata | flagCause | flagTrace
)

// fixed is the length of what comes before the kind.
const fixed = 2 + 16 + 4*8

// An Envelope is what a leaf says. It is a [ledger.Record] with digests in
// place of bytes.
type Envelope struct {
	ID       ledger.ID
	Kind     ledger.Kind
	Stream   ledger.StreamID
	Revision uint64
	Position uint64
	Recorded time.Time
	Occurred time.Time
	Actor    string
	Cause    ledger.ID // zero: none
	Trace    string    // empty: none
	Binary   bool
	Body     [sha256.Size]byte
	Metadata [sha256.Size]byte // zero: there is none
}

// Append appends the leaf of r to dst. It refuses what a leaf cannot say: no
// log of this project takes such a record.
func Append(dst []byte, r *ledger.Record) ([]byte, error) {
	var flags byte
	if r.Binary {
		flags |= flagBinary
	}
	if len(r.Metadata) > 0 {
		flags |= flagMetadata
	}
	if !r.Cause.IsZero() {
		flags |= flagCause
	}
	if r.Trace != "" {
		flags |= flagTrace
	}
	if err := fits(r); err != nil {
		return nil, err
	}
	dst = append(dst, version, flags)
	dst = append(dst, r.ID[:]...)
	dst = binary.BigEndian.AppendUint64(dst, r.Position)
	dst = binary.BigEndian.AppendUint64(dst, r.Revision)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.Recorded.UnixMicro())) //nolint:gosec // two's complement
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.Occurred.UnixMicro())) //nolint:gosec // two's complement
	dst = appendText(dst, string(r.Kind))
	dst = appendText(dst, string(r.Stream))
	dst = appendText(dst, r.Actor)
	if flags&flagCause != 0 {
		dst = append(dst, r.Cause[:]...)
	}
	if flags&flagTrace != 0 {
		var err error
		if dst, err = appendTrace(dst, r.Trace); err != nil {
			return nil, fmt.Errorf("leaf of event %d: %w", r.Position, err)
		}
	}
	body := sha256.Sum256(r.Body)
	dst = append(dst, body[:]...)
	if flags&flagMetadata != 0 {
		metadata := sha256.Sum256(r.Metadata)
		dst = append(dst, metadata[:]...)
	}
	return dst, nil
}

// fits refuses a record that has no leaf.
func fits(r *ledger.Record) error {
	const most = fixed + 3*2 + 2*16 + 2*sha256.Size
	switch n := most + len(r.Kind) + len(r.Stream) + len(r.Actor); {
	case n > MaxBytes:
		return fmt.Errorf("leaf of event %d: %w: an envelope of up to %d bytes, at most %d", r.Position, ledger.ErrInvalid, n, MaxBytes)
	case r.Recorded.Nanosecond()%1000 != 0 || r.Occurred.Nanosecond()%1000 != 0:
		return fmt.Errorf("leaf of event %d: %w: a time finer than a microsecond", r.Position, ledger.ErrInvalid)
	}
	return nil
}

func appendText(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s))) //nolint:gosec // fits has looked
	return append(dst, s...)
}

func appendTrace(dst []byte, trace string) ([]byte, error) {
	if len(trace) != 32 {
		return nil, fmt.Errorf("%w: trace %q is not 32 hex digits", ledger.ErrInvalid, trace)
	}
	for i := 0; i < len(trace); i += 2 {
		high, low := digit(trace[i]), digit(trace[i+1])
		if high > 15 || low > 15 {
			return nil, fmt.Errorf("%w: trace %q is not 32 hex digits in lower case", ledger.ErrInvalid, trace)
		}
		dst = append(dst, high<<4|low)
	}
	return dst, nil
}

// digit returns the value of a lower-case hex digit, or more than 15.
func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// Of returns the envelope of a record. Its leaf is the record's leaf.
func Of(r *ledger.Record) Envelope {
	e := Envelope{
		ID: r.ID, Kind: r.Kind, Stream: r.Stream, Revision: r.Revision, Position: r.Position,
		Recorded: r.Recorded, Occurred: r.Occurred, Actor: r.Actor, Cause: r.Cause, Trace: r.Trace,
		Binary: r.Binary, Body: sha256.Sum256(r.Body),
	}
	if len(r.Metadata) > 0 {
		e.Metadata = sha256.Sum256(r.Metadata)
	}
	return e
}

// Record returns the record that e describes, with these bytes as its body and
// metadata. Bytes that e does not commit to are [ledger.ErrCorrupt].
func (e Envelope) Record(body, metadata []byte) (ledger.Record, error) {
	r := ledger.Record{
		ID: e.ID, Kind: e.Kind, Stream: e.Stream, Revision: e.Revision, Position: e.Position,
		Recorded: e.Recorded, Occurred: e.Occurred, Actor: e.Actor, Cause: e.Cause, Trace: e.Trace,
		Binary: e.Binary, Body: body, Metadata: metadata,
	}
	if got := sha256.Sum256(body); got != e.Body {
		return ledger.Record{}, fmt.Errorf("event %s: %w: the body's SHA-256 is %x, the leaf says %x", e.ID, ledger.ErrCorrupt, got, e.Body)
	}
	if got := Of(&r).Metadata; got != e.Metadata {
		return ledger.Record{}, fmt.Errorf("event %s: %w: the metadata's SHA-256 is %x, the leaf says %x", e.ID, ledger.ErrCorrupt, got, e.Metadata)
	}
	return r, nil
}

// Decode reads a leaf. It accepts exactly what Append gives; anything else is
// [ledger.ErrCorrupt].
func Decode(b []byte) (Envelope, error) {
	e, err := decode(b)
	if err != nil {
		return Envelope{}, fmt.Errorf("leaf of %d bytes: %w: %w", len(b), ledger.ErrCorrupt, err)
	}
	return e, nil
}

func decode(b []byte) (Envelope, error) {
	var e Envelope
	if len(b) < fixed || len(b) > MaxBytes {
		return e, fmt.Errorf("want %d to %d bytes", fixed, MaxBytes)
	}
	flags := b[1]
	if b[0] != version || flags&^flagsKnown != 0 {
		return e, fmt.Errorf("version %d with flags %#x is not known to this program", b[0], flags)
	}
	e.Binary = flags&flagBinary != 0
	e.ID = ledger.ID(b[2:18])
	e.Position = binary.BigEndian.Uint64(b[18:])
	e.Revision = binary.BigEndian.Uint64(b[26:])
	var err error
	if e.Recorded, err = instant(b[34:]); err != nil {
		return e, err
	}
	if e.Occurred, err = instant(b[42:]); err != nil {
		return e, err
	}
	rest := bytes.NewBuffer(b[fixed:])
	e.Kind = ledger.Kind(text(rest, &err))
	e.Stream = ledger.StreamID(text(rest, &err))
	e.Actor = text(rest, &err)
	if flags&flagCause != 0 {
		if copy(e.Cause[:], take(rest, 16, &err)); err == nil && e.Cause.IsZero() {
			return e, fmt.Errorf("a cause of zeros")
		}
	}
	if flags&flagTrace != 0 {
		e.Trace = hex.EncodeToString(take(rest, 16, &err))
	}
	copy(e.Body[:], take(rest, sha256.Size, &err))
	if flags&flagMetadata != 0 {
		if copy(e.Metadata[:], take(rest, sha256.Size, &err)); err == nil && e.Metadata == ([sha256.Size]byte{}) {
			return e, fmt.Errorf("a metadata digest of zeros")
		}
	}
	if err == nil && rest.Len() > 0 {
		err = fmt.Errorf("%d bytes too many", rest.Len())
	}
	return e, err
}

// instant reads a time, and refuses what [time.Time] would not give back.
func instant(b []byte) (time.Time, error) {
	us := int64(binary.BigEndian.Uint64(b)) //nolint:gosec // two's complement
	t := time.UnixMicro(us).UTC()
	if t.UnixMicro() != us {
		return t, fmt.Errorf("a time of %d microseconds is out of range", us)
	}
	return t, nil
}

// take returns the next n bytes; what is missing is an error, once.
func take(b *bytes.Buffer, n int, err *error) []byte {
	if *err == nil && b.Len() < n {
		*err = fmt.Errorf("it ends within a field")
	}
	if *err != nil {
		return make([]byte, n)
	}
	return b.Next(n)
}

func text(b *bytes.Buffer, err *error) string {
	n := int(binary.BigEndian.Uint16(take(b, 2, err)))
	return string(take(b, n, err))
}
