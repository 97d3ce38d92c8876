package tile

import (
	"bytes"
	"crypto/sha256"
	"errors"
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
	read func(id ID, room []byte) ([]byte, error)

	mu    sync.Mutex
	tiles map[ID]*expanded

	// What was read last of what is not kept longer.
	bundle, lowest, halfway piece
}

// A piece is one tile or bundle as it was read.
type piece struct {
	id   ID // the zero value: none
	data []byte
}

// load reads a tile or bundle unless it is there already.
func (p *piece) load(v *View, id ID) error {
	if p.id == id {
		return nil
	}
	p.id = ID{}
	data, err := v.read(id, p.data[:0])
	if err != nil {
		return err
	}
	if id.Level == Entries {
		err = whole(data, id.Width)
	} else if len(data) != id.bytes() {
		err = fmt.Errorf("%w: %d bytes, want %d", ledger.ErrCorrupt, len(data), id.bytes())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", id.Path(), err)
	}
	p.id, p.data = id, data
	return nil
}

// An expanded tile has all nodes of the subtree below it: its hashes, behind
// them those of each two, of each four, and so on.
type expanded struct {
	width int // hashes that the tile has
	nodes [2 * Width * sha256.Size]byte
}

// NewView returns the tree of size leaves whose tiles read gives, in room if
// they fit there. What it gives is the view's.
func NewView(size uint64, read func(id ID, room []byte) ([]byte, error)) *View {
	return &View{size: size, read: read, tiles: map[ID]*expanded{}}
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
		peaks = append(peaks, h)
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
	room := make([]Hash, len(nodes.IDs))
	hashes := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		h, err := v.node(id)
		if err != nil {
			return nil, err
		}
		room[i] = h
		hashes[i] = room[i][:]
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
func (v *View) node(id compact.NodeID) (Hash, error) {
	level, up := int(id.Level/height), id.Level%height //nolint:gosec // below 64
	first := id.Index << up
	tile, ok := In(v.size, level, first/Width)
	if !ok {
		return Hash{}, fmt.Errorf("node %d of level %d: %w: not in a tree of %d leaves", id.Index, id.Level, ledger.ErrInvalid, v.size)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if level == 0 && v.tiles[tile] == nil && first>>(lift+height) < v.size>>(lift+height) {
		h, err := v.low(first, up)
		if !errors.Is(err, ledger.ErrNotFound) {
			return h, err
		}
	}
	t, err := v.tile(tile)
	if err != nil {
		return Hash{}, err
	}
	at := int(first % Width >> up) //nolint:gosec // within a tile
	if at >= t.width>>up {
		return Hash{}, fmt.Errorf("%s: %w: it has no node %d of height %d", tile.Path(), ledger.ErrCorrupt, first, up)
	}
	return Hash(t.nodes[(heightAt(up)+at)*sha256.Size:]), nil
}

// low returns a node in one of the lowest tiles, from its hashes or those of a
// halfway tile, whichever are nearer. It is [ledger.ErrNotFound] if there are no
// halfway tiles. The lock must be held.
func (v *View) low(first uint64, up uint) (Hash, error) {
	// The halfway tile is asked for first: without it the lowest is better
	// expanded.
	if err := v.halfway.load(v, ID{Level: Halfway, Index: first >> (lift + height), Width: Width}); err != nil {
		return Hash{}, err
	}
	from, at := &v.halfway, first>>lift
	if up < lift {
		from, at = &v.lowest, first
		if err := from.load(v, ID{Level: 0, Index: first / Width, Width: Width}); err != nil {
			return Hash{}, err
		}
	} else {
		up -= lift
	}
	var room [Width >> lift * sha256.Size]byte
	n := copy(room[:sha256.Size<<up], from.data[at%Width*sha256.Size:])
	return subtree(room[:n]), nil
}

// heightAt returns how many nodes an expanded tile has room for below a height:
// Width + Width/2 + … of them.
func heightAt(up uint) int { return 2*Width - 2*Width>>up }

// tile returns a tile with its inner nodes. The lock must be held; they are
// valid until it is let go.
func (v *View) tile(id ID) (*expanded, error) {
	if t, ok := v.tiles[id]; ok {
		return t, nil
	}
	t := v.room(id)
	data, err := v.read(id, t.nodes[:0])
	if err != nil {
		return nil, err
	}
	if len(data) != id.bytes() {
		return nil, fmt.Errorf("%s: %w: %d bytes, want %d", id.Path(), ledger.ErrCorrupt, len(data), id.bytes())
	}
	copy(t.nodes[:], data) // it is there already if it was read into the room
	t.expand(id.Width)
	v.tiles[id] = t
	return t, nil
}

// room returns the room for a tile: that of another if there are enough.
func (v *View) room(id ID) *expanded {
	if len(v.tiles) >= cached {
		for other, t := range v.tiles {
			if other.Level <= id.Level { // the upper ones are needed again
				delete(v.tiles, other)
				return t
			}
		}
	}
	return new(expanded)
}

// expand computes the nodes above the first width hashes.
func (t *expanded) expand(width int) {
	t.width = width
	var pair [1 + 2*sha256.Size]byte
	pair[0] = 1
	below := t.nodes[:]
	for n := width / 2; n > 0; n /= 2 {
		above := below[len(below)/2:]
		for i := range n {
			copy(pair[1:], below[2*i*sha256.Size:])
			*(*Hash)(above[i*sha256.Size:]) = sha256.Sum256(pair[:])
		}
		below = above
	}
}

// Entry returns leaf index. The bytes are the caller's.
func (v *View) Entry(index uint64) ([]byte, error) {
	id, ok := In(v.size, Entries, index/Width)
	if !ok || index >= v.size {
		return nil, fmt.Errorf("leaf %d: %w: the tree has %d", index, ledger.ErrNotFound, v.size)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.bundle.load(v, id); err != nil {
		return nil, err
	}
	rest := v.bundle.data
	for range index % Width {
		_, rest, _ = next(rest) // the bundle is whole
	}
	entry, _, _ := next(rest)
	return bytes.Clone(entry), nil
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
