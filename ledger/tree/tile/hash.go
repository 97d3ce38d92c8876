// Package tile computes an RFC 6962 Merkle tree as the tiles of C2SP
// tlog-tiles, and proofs from tiles.
//
// The one idea: a tree of any size is a short stack of tiles under way, one for
// each level, because 256 hashes of one level make exactly one hash of the
// next. [Stack] is that stack: it takes leaves and gives out tiles as they fill
// up. [View] is the way back: from tiles to roots and proofs.
//
// # Invariants
//
//   - The same leaves give the same tiles, to the byte, whatever the sizes at
//     which they were asked for.
//   - A tile never changes: a wider one of the same place begins with it.
//
// The package is pure: it does no I/O but through the functions it is given.
package tile

import "crypto/sha256"

// Sizes of tlog-tiles.
const (
	// Width is how many hashes a full tile has, and how many entries a full
	// bundle.
	Width = 1 << height
	// height is how many levels of the tree one tile spans.
	height = 8
	// MaxEntry bounds one entry of a bundle.
	MaxEntry = 1<<16 - 1
)

// A Hash is a node of the tree.
type Hash [sha256.Size]byte

// LeafHash returns the RFC 6962 hash of a leaf.
func LeafHash(leaf []byte) Hash {
	b := make([]byte, 1+len(leaf))
	copy(b[1:], leaf)
	return sha256.Sum256(b)
}

// Empty is the root of a tree without leaves.
func Empty() Hash { return sha256.Sum256(nil) }

// node returns the hash of a node with these two below it.
func node(left, right []byte) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left)
	copy(b[1+sha256.Size:], right)
	return sha256.Sum256(b[:])
}

// subtree returns the root over hashes, whose number is a power of two. It
// works within hashes, which are lost.
func subtree(hashes []byte) Hash { return Hash(climb(hashes, 1)) }

// climb returns the n nodes over hashes. Both numbers are powers of two. It works
// within hashes, which are lost.
func climb(hashes []byte, n int) []byte {
	var pair [1 + 2*sha256.Size]byte
	pair[0] = 1
	for len(hashes) > n*sha256.Size {
		half := hashes[:len(hashes)/2]
		for i := 0; i < len(half); i += sha256.Size {
			copy(pair[1:], hashes[2*i:])
			*(*Hash)(half[i:]) = sha256.Sum256(pair[:])
		}
		hashes = half
	}
	return hashes
}

// bag returns the root over perfect subtrees, from the left and largest to the
// right and smallest.
func bag(peaks []Hash) Hash {
	if len(peaks) == 0 {
		return Empty()
	}
	root := peaks[len(peaks)-1]
	for i := len(peaks) - 2; i >= 0; i-- {
		root = node(peaks[i][:], root[:])
	}
	return root
}
