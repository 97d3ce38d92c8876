// Package tree keeps the Merkle tree of a ledger: every event, in the order of
// positions, is a leaf of an RFC 6962 tree, published as C2SP tlog-tiles under a
// signed C2SP tlog-checkpoint.
//
// The one idea: the tree is a fold of the log. It is computed behind the log and
// never in the way of an append; thrown away, it comes out the same to the byte.
// What cannot be computed again is one line: the last checkpoint that was
// signed. Package signer keeps it apart from the tree and from the ledger, and
// signs nothing that contradicts it.
//
// # Invariants
//
//   - Whatever a checkpoint covers is durable before the checkpoint is signed.
//   - A checkpoint is signed only if the tree is an extension of the one signed
//     before, proven from the tiles.
//   - The same log gives the same tiles, over any [ledger.Log]. The index of a
//     leaf is its place in the order; the position in the log is in the leaf.
//
// # Shape
//
// A [Publisher] subscribes to the log, appends to a tile.Stack and, each
// interval, makes tiles durable, signs and publishes. A [Folder] is where tiles
// lie. [Verify] compares a folder with a log, every byte of it. The leaf's form
// is in package leaf.
//
// It deliberately has no state of its own: where it has to go on is in the last
// leaf.
package tree
