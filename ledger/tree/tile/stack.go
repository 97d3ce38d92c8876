package tile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
)

// A Stack is a tree that grows. Its zero value is the empty tree. It is not
// safe for use by several goroutines.
type Stack struct {
	size    uint64
	levels  [maxLevel + 1][]byte // hashes of the tile under way at each level
	bundle  []byte               // entries under way
	halfway []byte               // hashes of the halfway tile under way
	scratch []byte
}

// Size returns the number of leaves.
func (s *Stack) Size() uint64 { return s.size }

// Append adds a leaf. Each tile and bundle that is full with it is handed to
// full, whose data is lost when full returns. After an error of full the stack
// must not be used any more.
func (s *Stack) Append(leaf []byte, full func(ID, []byte) error) error {
	if len(leaf) > MaxEntry {
		return fmt.Errorf("leaf %d: %w: %d bytes, at most %d", s.size, ledger.ErrInvalid, len(leaf), MaxEntry)
	}
	s.scratch = append(append(s.scratch[:0], 0), leaf...)
	hash := Hash(sha256.Sum256(s.scratch))
	s.bundle = binary.BigEndian.AppendUint16(s.bundle, uint16(len(leaf))) //nolint:gosec // bounded above
	s.bundle = append(s.bundle, leaf...)
	s.levels[0] = append(s.levels[0], hash[:]...)
	s.size++
	if s.size%Width != 0 {
		return nil
	}
	if err := full(ID{Level: Entries, Index: s.size/Width - 1, Width: Width}, s.bundle); err != nil {
		return err
	}
	s.bundle = s.bundle[:0]
	for level := range s.levels {
		if len(s.levels[level]) < Width*sha256.Size {
			break
		}
		id := ID{Level: level, Index: s.size>>(height*(level+1)) - 1, Width: Width}
		if err := full(id, s.levels[level]); err != nil {
			return err
		}
		up := subtree(s.halfUp(level))
		s.levels[level] = s.levels[level][:0]
		s.levels[level+1] = append(s.levels[level+1], up[:]...)
	}
	if len(s.halfway) < Width*sha256.Size {
		return nil
	}
	id := ID{Level: Halfway, Index: s.size>>(lift+height) - 1, Width: Width}
	err := full(id, s.halfway)
	s.halfway = s.halfway[:0]
	return err
}

// halfUp returns the nodes halfway up a full tile, whose hashes are lost, and
// keeps those of the lowest.
func (s *Stack) halfUp(level int) []byte {
	nodes := climb(s.levels[level], Width>>lift)
	if level == 0 {
		s.halfway = append(s.halfway, nodes...)
	}
	return nodes
}

// Root returns the root of the tree as it is.
func (s *Stack) Root() Hash {
	var peaks []Hash
	for level := maxLevel; level >= 0; level-- {
		peaks = appendPeaks(peaks, s.levels[level])
	}
	return bag(peaks)
}

// appendPeaks appends the roots of the perfect subtrees of a partial tile, the
// largest first.
func appendPeaks(peaks []Hash, hashes []byte) []Hash {
	rest := append([]byte(nil), hashes...)
	for n := Width / 2; n > 0; n /= 2 {
		if len(hashes)/sha256.Size&n == 0 {
			continue
		}
		peaks = append(peaks, subtree(rest[:n*sha256.Size]))
		rest = rest[n*sha256.Size:]
	}
	return peaks
}

// Edge returns the partial tiles and the partial bundle as they are, in the
// order of the function Edge. The data is the caller's.
func (s *Stack) Edge() ([]ID, [][]byte) {
	ids := Edge(s.size)
	data := make([][]byte, len(ids))
	for i, id := range ids {
		from := s.bundle
		if id.Level != Entries {
			from = s.levels[id.Level]
		}
		data[i] = append([]byte(nil), from...)
	}
	return ids, data
}

// Resume returns the stack of a tree of size leaves from its tiles. A tile that
// cannot be one is [ledger.ErrCorrupt]; that they are the right ones is for the
// caller to find out, from the root.
func Resume(size uint64, read func(ID) ([]byte, error)) (*Stack, error) {
	s := &Stack{size: size}
	for _, id := range Edge(size) {
		data, err := read(id)
		if err != nil {
			return nil, err
		}
		if id.Level == Entries {
			if _, err := Split(data, id.Width); err != nil {
				return nil, fmt.Errorf("%s: %w", id.Path(), err)
			}
			s.bundle = append(s.bundle, data...)
			continue
		}
		if len(data) != id.bytes() {
			return nil, fmt.Errorf("%s: %w: %d bytes, want %d", id.Path(), ledger.ErrCorrupt, len(data), id.bytes())
		}
		s.levels[id.Level] = append(s.levels[id.Level], data...)
	}
	return s, s.resumeHalfway(read)
}

// resumeHalfway computes the halfway tile under way from the full tiles below it.
func (s *Stack) resumeHalfway(read func(ID) ([]byte, error)) error {
	for i := s.size >> (lift + height) << lift; i < s.size>>height; i++ {
		id := ID{Level: 0, Index: i, Width: Width}
		data, err := read(id)
		if err != nil {
			return err
		}
		if len(data) != id.bytes() {
			return fmt.Errorf("%s: %w: %d bytes, want %d", id.Path(), ledger.ErrCorrupt, len(data), id.bytes())
		}
		s.halfway = append(s.halfway, climb(bytes.Clone(data), Width>>lift)...)
	}
	return nil
}

// next returns the first entry of a bundle and what follows it. Ok is false if
// the bundle ends within it.
func next(bundle []byte) (entry, rest []byte, ok bool) {
	if len(bundle) < 2 {
		return nil, nil, false
	}
	end := 2 + int(binary.BigEndian.Uint16(bundle))
	if len(bundle) < end {
		return nil, nil, false
	}
	return bundle[2:end], bundle[end:], true
}

// whole checks that a bundle holds n entries and nothing else.
func whole(bundle []byte, n int) error {
	rest := bundle
	for i := range n {
		var ok bool
		if _, rest, ok = next(rest); !ok {
			return fmt.Errorf("bundle: %w: it ends within entry %d of %d", ledger.ErrCorrupt, i, n)
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("bundle: %w: %d bytes behind its %d entries", ledger.ErrCorrupt, len(rest), n)
	}
	return nil
}

// Split returns the entries of a bundle that must hold n.
func Split(bundle []byte, n int) ([][]byte, error) {
	if err := whole(bundle, n); err != nil {
		return nil, err
	}
	entries := make([][]byte, n)
	for i := range entries {
		entries[i], bundle, _ = next(bundle)
	}
	return entries, nil
}

// Narrow returns the tile or bundle of width n at the place of a wider one.
func Narrow(level int, data []byte, n int) ([]byte, error) {
	if level != Entries {
		if len(data) < n*sha256.Size {
			return nil, fmt.Errorf("tile: %w: %d bytes, want %d hashes", ledger.ErrCorrupt, len(data), n)
		}
		return data[:n*sha256.Size], nil
	}
	rest := data
	for i := range n {
		var ok bool
		if _, rest, ok = next(rest); !ok {
			return nil, fmt.Errorf("bundle: %w: it ends within entry %d of %d", ledger.ErrCorrupt, i, n)
		}
	}
	return data[:len(data)-len(rest)], nil
}
