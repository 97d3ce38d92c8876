// Package groups decides who gets which event of a persistent subscription.
//
// A group is a name under which several consumers share the events of one
// source (a stream, or the whole log): each event goes to one of them, and
// again to the same or another one, until somebody says that it is done with.
// The server remembers how far the group is, so consumers need not.
//
// [Group] is a step function: [Group.Step] takes the instant and one [Input]
// (an event arrived, a consumer joined, an event was acknowledged, time passed)
// and returns the [Output]s the caller owes: push this to that consumer, write
// this link to the parked stream, write this checkpoint, drop that consumer. It
// has no goroutine, no clock and no I/O, so what it does under any order of
// inputs is tested by generating orders of inputs.
//
// # Invariants
//
//   - At least once: an event that arrived is pushed to somebody, and again
//     after each retry, until it is acknowledged, skipped, or its parked link is
//     written.
//   - A checkpoint covers only what is done: every event up to and with its
//     place is acknowledged, skipped, or its parked link is written. So a group
//     that starts again behind its last checkpoint misses nothing.
//   - No consumer holds more unanswered events than it asked for.
//   - Events reach consumers for the first time in the order of their source,
//     under every strategy but the pinned ones; under those the order holds for
//     the events of one pin.
package groups
