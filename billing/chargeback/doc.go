// Package chargeback decides what must be done about a card network's claim,
// and keeps what was done.
//
// The one idea: a [Case] is the fold of one claim's events, and [Case.Next]
// is a pure function of the case, of the claim as the provider has it now,
// and of the time. It is a function of state and never of the event that came
// last: whoever asks again, after a crash or a lost answer, gets the step that
// is due.
//
// # Invariants
//
//   - Evidence is submitted once. The step is due only while the provider has
//     no submission, and only after the intention stands in the ledger.
//   - A claim that nobody answers is contested before its deadline: silence
//     loses it for certain.
//   - When the pack cannot be uploaded, the text alone is submitted before the
//     deadline.
//   - A claim that was accepted is not contested, and the reverse.
//
// The package reads no clock, no file and no network.
package chargeback
