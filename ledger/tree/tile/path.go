package tile

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// Entries is the level of a bundle of entries, below the lowest tile.
const Entries = -1

// Halfway is the level of a tile of 256 hashes over 16 leaves each, halfway up
// the lowest tiles. With it a proof costs 22 hashes where without it costs 247.
// It is not of tlog-tiles: there are only full ones, nobody is served them, and a
// tree without is the same tree.
const Halfway = -2

// lift is how many levels of the tree the hashes of a halfway tile are above the
// leaves.
const lift = height / 2

// maxLevel is the highest level that a tree of 2^64 leaves has.
const maxLevel = 63 / height

// An ID names a tile or a bundle.
type ID struct {
	Level int    // 0 is above the leaves; Entries for a bundle
	Index uint64 // from the left
	Width int    // hashes or entries in it; less than the constant Width for a partial one
}

const halfwayPath = "halfway/"

// Path returns where tlog-tiles keeps it, "tile/0/x001/x234/067.p/8".
func (id ID) Path() string {
	var room [64]byte
	path := room[:0]
	switch id.Level {
	case Halfway:
		path = append(path, halfwayPath...)
	case Entries:
		path = append(path, "tile/entries/"...)
	default:
		path = append(strconv.AppendInt(append(path, "tile/"...), int64(id.Level), 10), '/')
	}
	path = appendGroups(path, id.Index/1000)
	path = appendDigits(path, id.Index%1000)
	if id.Width < Width {
		path = strconv.AppendInt(append(path, ".p/"...), int64(id.Width), 10)
	}
	return string(path)
}

// appendGroups appends all groups of digits but the last.
func appendGroups(path []byte, n uint64) []byte {
	if n == 0 {
		return path
	}
	path = append(appendGroups(path, n/1000), 'x')
	return append(appendDigits(path, n%1000), '/')
}

func appendDigits(path []byte, n uint64) []byte {
	return append(path, '0'+byte(n/100), '0'+byte(n/10%10), '0'+byte(n%10))
}

// ParsePath reads what Path gives and nothing else. The refusal is a
// [ledger.ErrNotFound]: there is nothing under such a name.
func ParsePath(path string) (ID, error) {
	id := ID{Width: Width}
	none := fmt.Errorf("tile %q: %w", path, ledger.ErrNotFound)
	if rest, ok := strings.CutPrefix(path, halfwayPath); ok && len(path) <= 100 {
		return parse(strconv.Itoa(Halfway), rest, strconv.Itoa(Width), path, none)
	}
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || len(path) > 100 {
		return ID{}, none
	}
	if rest, width, partial := strings.Cut(rest, ".p/"); partial {
		return parse(level, rest, width, path, none)
	}
	return parse(level, rest, strconv.Itoa(id.Width), path, none)
}

func parse(level, groups, width, path string, none error) (id ID, err error) {
	id.Level = Entries
	if level != "entries" {
		if id.Level, err = strconv.Atoi(level); err != nil || id.Level < Halfway || id.Level > maxLevel {
			return ID{}, none
		}
	}
	digits := strings.NewReplacer("x", "", "/", "").Replace(groups)
	if id.Index, err = strconv.ParseUint(digits, 10, 64); err != nil {
		return ID{}, none
	}
	if id.Width, err = strconv.Atoi(width); err != nil || id.Width < 1 || id.Width > Width || id.Path() != path {
		return ID{}, none
	}
	return id, nil
}

// count returns how many hashes a tree of size leaves has at a level of tiles.
func count(size uint64, level int) uint64 {
	switch {
	case level > 0:
		return size >> (height * level)
	case level == Halfway:
		return size >> (lift + height) << height // in full tiles
	}
	return size
}

// Levels yields every level of tlog-tiles that a tree can have, and that of the
// bundles.
func Levels() iter.Seq[int] {
	return func(yield func(int) bool) {
		for level := Entries; level <= maxLevel && yield(level); level++ {
		}
	}
}

// Last returns the place at which the next hash or entry of a level goes, as
// the full tile of that place.
func Last(size uint64, level int) ID {
	return ID{Level: level, Index: count(size, level) / Width, Width: Width}
}

// In returns the tile of this level and index that a tree of size leaves has,
// and whether it has one.
func In(size uint64, level int, index uint64) (ID, bool) {
	n := count(size, level)
	if index > n/Width || index*Width == n {
		return ID{}, false
	}
	return ID{Level: level, Index: index, Width: int(min(Width, n-index*Width))}, true //nolint:gosec // at most 256
}

// Edge returns the partial tiles and the partial bundle of a tree of size
// leaves: what changes when it grows.
func Edge(size uint64) []ID {
	var ids []ID
	for level := range Levels() {
		if id, ok := In(size, level, Last(size, level).Index); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// bytes returns how long the tile's file is; bundles have no fixed length.
func (id ID) bytes() int { return id.Width * len(Hash{}) }
