// Package ledger defines the events of a shop without a checkout and the log
// that keeps them.
//
// A visit is a stream of events: the gate let a shopper in, a camera saw two
// bottles leave a shelf, a reviewer corrected it, the card was charged. Events
// are facts. They are appended once and never changed; what a shopper owes is
// always computed from them and never stored beside them.
//
// # Stored form
//
// An event is an envelope ([Record] without its body) and a body. The body is
// the canonical JSON of exactly one [Payload]: the fields in the order of the
// struct, no HTML escapes, no white space, times in UTC as RFC 3339. [Decode]
// accepts exactly what [Marshal] gives, so there is one stored form for each
// fact. The stored bytes are the truth: hashes are over them.
//
// Payloads are read and written by generated code (canonical_*.go), and what
// that is not sure of by encoding/json: docs/codec.md. After a change of a
// payload run go generate.
//
// # Invariants
//
// Every [Log] keeps these, and package ledgertest checks that it does:
//
//   - Nothing acknowledged is lost: when Append returns, the events are
//     durable.
//   - Order: within a stream revisions run 0, 1, 2 without gaps; positions
//     rise strictly over the whole log, and a reader never sees a position
//     appear below one it has read.
//   - Once: appending an event id again changes nothing and returns the first
//     result; the same id with another body, kind or stream is refused.
//   - Immutable: what was read once reads the same for ever.
//
// The package does no I/O and reads no clock. Storage lives in subpackages,
// one for each technology.
package ledger
