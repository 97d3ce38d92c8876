// Package engine turns what happened in a shop into what must happen next:
// who may enter, what a visit waits for, which receipt is due, which money
// must move.
//
// The one idea: [Engine] is a pure step function. It folds every event of the
// log and answers, for an instant that is handed in, which [Action]s are due.
// It is a function of state and never of the event that came last, so a
// restart is nothing special: fold from the first event, then decide. The
// edges are small: [Live] keeps an engine up with a log, [Desk] takes the
// commands of gates, sensors and people, and [Runner] carries actions out.
//
// # Invariants
//
//   - Every append expects the exact revision that its decision saw. Whoever
//     is late conflicts, catches up and decides again; nothing is lost and
//     nothing is decided on what is no longer true.
//   - Ids of decisions are derived from the event they follow from, so a
//     decision repeated after a crash is the same event.
//   - An order is sent only after its intention was read back from the log,
//     and always with the key that stands there.
//   - One order of money is open for a visit at a time.
//   - Receipt numbers of one shop and year have no gaps: one number is under
//     way at a time.
//
// One Runner may run on a log. Two would harm nothing but the numbers: every
// other decision is guarded by the stream it is appended to.
//
// The package reads no clock and draws no random numbers of its own: both are
// handed in.
package engine
