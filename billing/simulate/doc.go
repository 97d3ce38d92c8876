// Package simulate drives many plausible visits through the real gate, folds,
// review and billing code, on a clock of its own.
//
// The one idea: nothing in the system knows that it is simulated. A seed makes
// shoppers, picks, put-backs, doubts, late and repeated messages; the same
// desk, engine and log as in a shop do the rest; and [Check] audits the ledger
// that comes out with nothing but its events.
//
// # Invariants
//
//   - The same seed and settings give the same log, position by position,
//     although shops run beside each other.
//   - Nothing here reads a clock or the machine's randomness.
//
// It has no video, and so its detections name no evidence; frames are package
// vision's. Faults of disks and networks
// beyond lost answers are for a later simulator, which can script the [Bank]
// and wrap the log.
package simulate
