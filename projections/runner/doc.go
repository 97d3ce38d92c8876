// Package runner keeps folds of the whole log up to date.
//
// A [Runner] carries one fold: it starts from the last checkpoint, follows the
// log, and lets others look at the fold under a lock or wait until it has seen
// a position. [Runner.Rebuild] folds the log again from its first event beside
// the fold in use, compares the two and puts the new one in its place.
//
// # Checkpoints
//
// A checkpoint is a cache. It is the file NAME.checkpoint:
//
//	magic     8 bytes  "VOUCHCPT"
//	version   4 bytes  1, big-endian like all numbers here
//	position  8 bytes  of the last event in the state
//	record   32 bytes  SHA-256 of that event, which ties the file to its log
//	length    8 bytes  of the state
//	state              the fold's own snapshot
//	sum      32 bytes  SHA-256 of everything before it
//
// It is written to a temporary file, synced, renamed, and the directory is
// synced. One that is cut, damaged, of another log or ahead of the log is
// discarded with a warning, and the fold is made again from the first event.
//
// # Invariants
//
//   - What is folded was durable in the log first; so a lost checkpoint costs
//     time and nothing else.
//   - A fold that was resumed, rebuilt or followed live has the same snapshot.
//   - A runner has no effect but its checkpoint.
//
// The package does not decide what to do about a corrupt log: Run ends with
// the error, and everybody who waits gets it.
package runner
