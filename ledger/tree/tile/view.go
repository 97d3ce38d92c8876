package tile

import (
	"crypto/sha256"
	"fmt"
	"sort"
	"sync"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"

	"github.com/vouchledger/vouch/ledger"
)

// cached is how many tiles a View keeps with all their inner nodes, 16 KiB
// each: the upper levels of any tree, and the lowest tiles in use.
const cached = 128

// A View is the tree of one size, read from tiles. It may be used from many
// goroutines at once. It believes the tiles: whoever checks a proof against a
// signed root finds out.
type View struct {
	size uint64
	read func(ID) ([]byte, error)

	mu    sync.Mutex
	tiles map[ID][][]byte // hashes of each height within the tile, from below
}

// NewView returns the tree of size leaves whose tiles read gives.
func NewView(size uint64, read func(ID) ([]byte, error)) *View {
	return &View{size: size, read: read, tiles: map[ID][][]byte{}}
}

// Size returns the number of leaves.
func (v *View) Size() uint64 { return v.size }

// Root returns the root over the first size leaves.
func (v *View) Root(size uint64) (Hash, error) {
	if size > v.size {
		return Hash{}, fmt.Errorf("root of %d leaves: %w: the tree has %d", size, ledger.ErrInvalid, v.size)
	}
	var peaks []Hash
	for _, id := range compact.RangeNodes(0, size, nil) {
		h, err := v.node(id)
		if err != nil {
			return Hash{}, err
		}
		peaks = append(peaks, Hash(h))
	}
	return bag(peaks), nil
}

// Inclusion returns the proof that leaf index is in the tree.
func (v *View) Inclusion(index uint64) ([]Hash, error) {
	nodes, err := proof.Inclusion(index, v.size)
	if err != nil {
		return nil, fmt.Errorf("inclusion proof: %w: %w", ledger.ErrInvalid, err)
	}
	return v.proof(nodes)
}

// Consistency returns the proof that the tree begins with that of its first
// size leaves.
func (v *View) Consistency(size uint64) ([]Hash, error) {
	nodes, err := proof.Consistency(size, v.size)
	if err != nil {
		return nil, fmt.Errorf("consistency proof: %w: %w", ledger.ErrInvalid, err)
	}
	return v.proof(nodes)
}

func (v *View) proof(nodes proof.Nodes) ([]Hash, error) {
	hashes := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		h, err := v.node(id)
		if err != nil {
			return nil, err
		}
		hashes[i] = h
	}
	hashes, err := nodes.Rehash(hashes, func(l, r []byte) []byte { h := node(l, r); return h[:] })
	if err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	p := make([]Hash, len(hashes))
	for i, h := range hashes {
		p[i] = Hash(h)
	}
	return p, nil
}

// node returns the hash of a perfect subtree.
func (v *View) node(id compact.NodeID) ([]byte, error) {
	level, up := int(id.Level/height), id.Level%height //nolint:gosec // below 64
	first := id.Index << up
	tile, ok := In(v.size, level, first/Width)
	if !ok {
		return nil, fmt.Errorf("node %d of level %d: %w: not in a tree of %d leaves", id.Index, id.Level, ledger.ErrInvalid, v.size)
	}
	hashes, err := v.tile(tile)
	if err != nil {
		return nil, err
	}
	at := int(first%Width>>up) * sha256.Size //nolint:gosec // within a tile
	if at+sha256.Size > len(hashes[up]) {
		return nil, fmt.Errorf("%s: %w: it has no node %d of height %d", tile.Path(), ledger.ErrCorrupt, first, up)
	}
	return hashes[up][at : at+sha256.Size], nil
}

// tile returns a tile with its inner nodes.
func (v *View) tile(id ID) ([][]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if t, ok := v.tiles[id]; ok {
		return t, nil
	}
	data, err := v.read(id)
	if err != nil {
		return nil, err
	}
	if len(data) != id.bytes() {
		return nil, fmt.Errorf("%s: %w: %d bytes, want %d", id.Path(), ledger.ErrCorrupt, len(data), id.bytes())
	}
	if len(v.tiles) >= cached {
		for other := range v.tiles {
			if other.Level <= id.Level { // the upper ones are needed again
				delete(v.tiles, other)
				break
			}
		}
	}
	t := expand(data)
	v.tiles[id] = t
	return t, nil
}

// expand computes the nodes within a tile: hashes[k] holds those over 2^k.
func expand(data []byte) [][]byte {
	hashes := make([][]byte, 1, height)
	hashes[0] = data
	room := make([]byte, len(data))
	var pair [1 + 2*sha256.Size]byte
	pair[0] = 1
	for below := data; len(hashes) < height; {
		n := len(below) / (2 * sha256.Size) * sha256.Size
		above := room[:n:n]
		room = room[n:]
		for i := 0; i < n; i += sha256.Size {
			copy(pair[1:], below[2*i:])
			*(*Hash)(above[i:]) = sha256.Sum256(pair[:])
		}
		hashes = append(hashes, above)
		below = above
	}
	return hashes
}

// Entry returns leaf index.
func (v *View) Entry(index uint64) ([]byte, error) {
	bundle, err := v.bundle(index)
	if err != nil {
		return nil, err
	}
	return bundle[index%Width], nil
}

func (v *View) bundle(index uint64) ([][]byte, error) {
	id, ok := In(v.size, Entries, index/Width)
	if !ok || index >= v.size {
		return nil, fmt.Errorf("leaf %d: %w: the tree has %d", index, ledger.ErrNotFound, v.size)
	}
	data, err := v.read(id)
	if err != nil {
		return nil, err
	}
	entries, err := Split(data, id.Width)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id.Path(), err)
	}
	return entries, nil
}

// Search returns the first leaf for which reached is true, where it is false
// for those before and true for those after it, as of sort.Search. It returns
// the size of the tree if there is none.
func (v *View) Search(reached func(leaf []byte) (bool, error)) (uint64, error) {
	var failed error
	n := sort.Search(int(v.size), func(i int) bool { //nolint:gosec // a tree on a disk
		if failed != nil {
			return true
		}
		entry, err := v.Entry(uint64(i)) //nolint:gosec // not negative
		if err != nil {
			failed = err
			return true
		}
		ok, err := reached(entry)
		if err != nil {
			failed = err
		}
		return ok
	})
	return uint64(n), failed //nolint:gosec // not negative
}
