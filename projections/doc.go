// Package projections holds the folds: what the events of a shop mean.
//
// A fold is a value that events are applied to, one after the other. Its zero
// value is the state before the first event, [Cart.Apply] and its siblings
// move it past one event, and nothing else changes it. So everything here can
// be thrown away and made again from the log, to the same bytes.
//
// There are two sorts. Folds of one visit stream: [Cart], [Receipts] and
// [Disputes]. Folds of the whole log: [ReviewQueue], [Journal] and [Visits].
// A stream fold counts revisions, a log fold watches positions; an event out
// of its place is [ledger.ErrCorrupt] and changes nothing.
//
// # Invariants
//
//   - Deterministic: the same events give the same state and, through
//     MarshalBinary, the same bytes; no clock, no input or output, no
//     randomness, no order of a map.
//   - Resumable: a snapshot at any cut, read back and carried on, is the whole.
//   - Facts are not refused: an event that is unlikely but in its place is
//     noted as odd and has no effect it should not have.
//   - A kind the fold does not know is [ledger.ErrUnknownKind]: a fold that
//     skips what it does not know bills what it did not see.
//   - A receipt is [BuildDocument] of the cart before it, and nothing else;
//     [VerifyReceipts] checks that of any history.
//
// [Carts] is the cart of every visit, by a faster way that gives the same.
//
// The package decides nothing: what must happen next is package billing's.
package projections
