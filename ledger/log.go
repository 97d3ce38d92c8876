package ledger

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A Record is an event as it is stored: an envelope and the bytes of its body.
// The log gives Revision, Position and Recorded; all else is the producer's.
type Record struct {
	ID       ID
	Kind     Kind
	Stream   StreamID
	Revision uint64    // place in the stream: 0, 1, 2 without gaps
	Position uint64    // place in the whole log: above 0, strictly rising
	Recorded time.Time // the log's clock, UTC, microseconds, never falling; folds must not read it
	Occurred time.Time // the producer's clock, UTC, microseconds
	Actor    string    // who: "device:cam-1", "reviewer:anna", "policy", "engine"
	Cause    ID        // event or request it follows from; may be zero
	Trace    string    // W3C trace id, 32 hex digits, or empty
	Body     []byte    // canonical JSON of the payload; of a foreign event whatever its producer sent
	Metadata []byte    // what a foreign producer put beside the body (EventStoreDB's custom metadata); nil for our own
	Binary   bool      // a foreign body that is not JSON
}

// A Draft is an event before the log has taken it. It has no revision,
// position or recorded time: only the log gives them.
type Draft struct {
	ID       ID
	Kind     Kind
	Occurred time.Time
	Actor    string
	Cause    ID
	Trace    string
	Body     []byte
	Metadata []byte
	Binary   bool
}

// Bounds of an append. They keep one batch well below a segment and one event
// readable by a person.
const (
	MaxBodyBytes  = 1 << 20 // of body and metadata together
	MaxBatch      = 1000
	MaxActorBytes = 200
	MaxKindBytes  = 200
)

// Validate refuses a draft that no log may take. It does not look into the
// body: a log stores bytes of kinds it does not know.
func (d Draft) Validate() error {
	switch {
	case d.ID.IsZero():
		return fmt.Errorf("draft %s: %w: no event id", d.Kind, ErrInvalid)
	case d.Kind == "" || len(d.Kind) > MaxKindBytes || !utf8.ValidString(string(d.Kind)):
		return fmt.Errorf("draft %s: %w: kind %q", d.ID, ErrInvalid, d.Kind)
	case len(d.Body)+len(d.Metadata) > MaxBodyBytes:
		return fmt.Errorf("draft %s: %w: body and metadata of %d bytes, at most %d",
			d.ID, ErrInvalid, len(d.Body)+len(d.Metadata), MaxBodyBytes)
	case len(d.Actor) > MaxActorBytes:
		return fmt.Errorf("draft %s: %w: actor of %d bytes, at most %d", d.ID, ErrInvalid, len(d.Actor), MaxActorBytes)
	case d.Trace != "" && (len(d.Trace) != 32 || !isHex(d.Trace)):
		return fmt.Errorf("draft %s: %w: trace %q is not 32 hex digits", d.ID, ErrInvalid, d.Trace)
	case d.Occurred.IsZero() || d.Occurred.Location() != time.UTC || d.Occurred.Nanosecond()%1000 != 0:
		return fmt.Errorf("draft %s: %w: occurred %v is not UTC in microseconds", d.ID, ErrInvalid, d.Occurred)
	}
	return nil
}

// Expected is what a writer knows of a stream before it appends.
type Expected struct{ v int64 }

const (
	expectAny    = -2
	expectNone   = -1
	expectExists = -4
)

// Any appends whatever the stream holds.
func Any() Expected { return Expected{expectAny} }

// None appends only if the stream does not exist.
func None() Expected { return Expected{expectNone} }

// Exists appends only if the stream exists.
func Exists() Expected { return Expected{expectExists} }

// Exactly appends only if the stream's last revision is rev.
func Exactly(rev uint64) Expected {
	if rev > math.MaxInt64 {
		rev = math.MaxInt64 // no stream is as long; the append is refused
	}
	return Expected{int64(rev)} //nolint:gosec // bounded above
}

// After appends only if the stream holds exactly n events: none, or the last
// at revision n-1. A fold that counts events hands in its count.
func After(n uint64) Expected {
	if n == 0 {
		return None()
	}
	return Exactly(n - 1)
}

// Meets reports whether a stream whose next revision is next is as expected.
func (e Expected) Meets(next uint64) bool {
	switch e.v {
	case expectAny:
		return true
	case expectNone:
		return next == 0
	case expectExists:
		return next > 0
	default:
		return next == uint64(e.v)+1 //nolint:gosec // not negative
	}
}

// String names the expectation for messages.
func (e Expected) String() string {
	switch e.v {
	case expectAny:
		return "any"
	case expectNone:
		return "no stream"
	case expectExists:
		return "an existing stream"
	default:
		return fmt.Sprintf("revision %d", e.v)
	}
}

// End is the point after everything, for reading backwards.
const End = math.MaxUint64

// A Query says which events to read and from where. Its zero value is the
// whole log from the start.
type Query struct {
	Stream    StreamID // one stream; empty means the whole log
	Prefixes  []string // whole log only: streams that start with any of these; none means all
	Kinds     []Kind   // only these kinds; none means all
	From      uint64   // first revision (Stream) or position (whole log) to return, inclusive
	Backwards bool     // from From down to the start; From is usually End
	Limit     int      // at most so many; 0 means no limit
}

// Validate refuses a query that means nothing.
func (q Query) Validate() error {
	if q.Limit < 0 {
		return fmt.Errorf("query: %w: limit %d", ErrInvalid, q.Limit)
	}
	if q.Stream != "" && len(q.Prefixes) > 0 {
		return fmt.Errorf("query: %w: a stream and prefixes", ErrInvalid)
	}
	return nil
}

// Wants reports whether a record of this stream and kind passes q's filters.
func (q Query) Wants(s StreamID, k Kind) bool {
	if q.Stream != "" && q.Stream != s {
		return false
	}
	if len(q.Kinds) > 0 && !slices.Contains(q.Kinds, k) {
		return false
	}
	if len(q.Prefixes) == 0 {
		return true
	}
	return slices.ContainsFunc(q.Prefixes, func(p string) bool { return strings.HasPrefix(string(s), p) })
}

// A Log keeps events. Package ledgertest is its contract as tests. All methods
// may be called from many goroutines at once.
type Log interface {
	// Append adds drafts to stream, all or none, if the stream is as expected,
	// and returns them as stored. When it returns a nil error the events are
	// durable. Otherwise nothing was written, and the error is a
	// *ConflictError, [ErrIDReused], [ErrInvalid], [ErrClosed], or one of the
	// disk. [ErrUnavailable] alone leaves open whether it was: append again.
	//
	// Drafts whose ids are all stored already, in this stream and order and
	// with these kinds and bodies, are not written again: Append returns the
	// stored records, whatever expect is. If only some are stored it is a
	// *ConflictError.
	//
	// A cancelled ctx may return before the outcome is known; the drafts may
	// then be stored all the same. Append them again to find out.
	Append(ctx context.Context, stream StreamID, expect Expected, drafts ...Draft) ([]Record, error)

	// Read yields the durable records that q asks for, as of the call or
	// later, and ends. A stream that does not exist yields nothing. After an
	// error it stops. Bodies must not be changed.
	Read(ctx context.Context, q Query) iter.Seq2[Record, error]

	// Subscribe is Read that does not end: having caught up it waits for new
	// events, without loss or repeat at the hand-over, until ctx is done,
	// which ends it with ctx's error. Forwards and without limit only. A slow
	// reader holds nobody up.
	Subscribe(ctx context.Context, q Query) iter.Seq2[Record, error]

	// Find returns the record with this id, or ErrNotFound.
	Find(ctx context.Context, id ID) (Record, error)

	// Head returns the position of the last durable record; 0 when empty.
	Head(ctx context.Context) (uint64, error)
}

// A Scanner is a [Log] that can yield its records in the order that costs it
// least. Who folds streams that have nothing to do with each other, as carts,
// needs no more.
type Scanner interface {
	// Scan yields the durable records that q asks for, as of the call, each
	// once; those of one stream in their order, streams in any. Of q only Prefixes
	// and Kinds may be set. Errors are those of Read.
	Scan(ctx context.Context, q Query) iter.Seq2[Lent, error]
}

// Scan yields the records of log as a [Scanner] does, or reads them in the
// order of positions if log is none.
func Scan(ctx context.Context, log Log, q Query) iter.Seq2[Lent, error] {
	if s, ok := log.(Scanner); ok {
		return s.Scan(ctx, q)
	}
	return func(yield func(Lent, error) bool) {
		for r, err := range log.Read(ctx, q) {
			if !yield(Lent{Record: &r}, err) {
				return
			}
		}
	}
}
