// Package embedded keeps a ledger in a folder, without a server.
//
// The one idea: a commit. Appends that come while a commit is on its way to the
// disk are gathered into the next; one goroutine writes it with one write and
// one fdatasync into a file that was filled with zeros before, then tells all
// its writers. There is no timer: a lone writer waits for one sync, and the more
// writers there are, the more share one.
//
// The bytes are described at frame.go, commit.go, segment.go and witness.go,
// and for strangers in docs/reference/log-format.md.
//
// # Invariants
//
//   - An event is in the index, and so visible to readers, only after the sync
//     of its commit; the same holds for what a refused writer is told.
//   - A commit is whole or not there, and with it every append in it.
//   - Every byte of a segment is covered by a checksum or must be zero.
//   - Writing a commit touches no sector that holds an acknowledged byte.
//   - After a write or sync that failed nothing is written any more. The log
//     stops with [ledger.ErrClosed]; opening it again writes the last whole
//     commit anew, because the kernel may show what the disk does not have.
//   - Nothing is repaired. What is cut on opening was never acknowledged as far
//     as the witness says; all else that does not hold is a [DamageError].
//
// What it cannot tell: if power fails within the time in which the kernel
// writes back the witness (half a minute on Linux), and the last commit also
// rots, the rot is taken for a commit that was never finished. And an older
// copy of the whole folder looks like a log that ends earlier. Both are found by
// a signed checkpoint of the tree that was kept elsewhere.
package embedded
