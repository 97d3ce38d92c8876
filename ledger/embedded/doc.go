// Package embedded keeps a ledger in a folder, without a server.
//
// The one idea: a commit. Appends that come while a commit is on its way to the
// disk are gathered into the next; one goroutine writes it with one write and
// one fdatasync into a file that was filled with zeros before, then tells all
// its writers. There is no timer: a lone writer waits for one sync, and the more
// writers there are, the more share one.
//
// A segment that is full is sealed in the background: its events are gathered by
// stream, compressed and written to a file that never changes, with a lookup
// that finds ids and streams; its own file is used again. What is open is
// indexed in memory, what is sealed is looked up in mapped files, so opening
// reads the open part and a few bytes of each sealed segment.
//
// The bytes are described at commit.go, segment.go and witness.go and in the
// packages frame, sealed and lookup; for strangers in
// docs/reference/log-format.md.
//
// # Invariants
//
//   - An event is visible to readers only after the sync of its commit; the same
//     holds for what a refused writer is told.
//   - A commit is whole or not there, and with it every append in it.
//   - Every byte of history is covered by a checksum or must be zero; what an
//     earlier life of a file has left behind the end holds under no checksum.
//   - Writing a commit touches no sector that holds an acknowledged byte.
//   - After a write or sync that failed nothing is written any more. The log
//     stops with [ledger.ErrClosed]; opening it again writes the last whole
//     commit anew, because the kernel may show what the disk does not have.
//   - A segment's file is used again only when its sealed twin and all names are
//     durable, and no reader has it open.
//   - Names in the folder change one after the other, each durable before the
//     next; after a change that could not be made durable there is no other.
//   - A reader holds what it reads: files are closed when the last one has let
//     go of the set of sealed segments that it took.
//   - An error of sealing ends the sealing and not the log: what is not sealed is
//     as durable as what is.
//   - A lookup holds no history. One that is missing, or not of these segments, is
//     made anew; one whose page has rotted is found by who looks into it.
//   - Nothing is repaired. What is cut on opening was never acknowledged as far
//     as the witness says; all else that does not hold is a [DamageError].
//
// Sealed segments are checked where they are read; all at once by [Verify].
//
// What it cannot tell: if power fails within the time in which the kernel
// writes back the witness (half a minute on Linux), and the last commit also
// rots, the rot is taken for a commit that was never finished. And an older
// copy of the whole folder looks like a log that ends earlier. Both are found by
// a signed checkpoint of the tree that was kept elsewhere.
package embedded
