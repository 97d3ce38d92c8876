package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/transparency-dev/formats/log"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree/leaf"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// The files of a folder beside its tiles.
const (
	// CheckpointFile is the signed note that C2SP tlog-tiles asks for.
	CheckpointFile = "checkpoint"
	// CosignedFile is the last checkpoint that the quorum of witnesses signed.
	// It is the same note as CheckpointFile unless witnesses are slow.
	CosignedFile = "cosigned"
)

// A Folder is a tree's tiles, bundles and checkpoint.
type Folder struct{ files Files }

// NewFolder returns the tree in files.
func NewFolder(files Files) *Folder { return &Folder{files} }

// Checkpoint returns the published checkpoint, or [ledger.ErrNotFound] before
// the first.
func (f *Folder) Checkpoint() ([]byte, error) { return f.note(CheckpointFile) }

// Cosigned returns the last checkpoint that the quorum of witnesses signed, or
// [ledger.ErrNotFound].
func (f *Folder) Cosigned() ([]byte, error) { return f.note(CosignedFile) }

func (f *Folder) note(name string) ([]byte, error) {
	b, err := f.files.Read(name, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("tree: no %s yet: %w", name, ledger.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("tree: %w", err)
	}
	return b, nil
}

// Tile returns a tile or bundle. A partial one that is superseded comes out of
// a wider one, so that only the newest has to be kept.
func (f *Folder) Tile(id tile.ID) ([]byte, error) { return f.tile(id, nil) }

// tile is Tile, in room if it fits there.
func (f *Folder) tile(id tile.ID, room []byte) ([]byte, error) {
	data, err := f.files.Read(id.Path(), room)
	if !errors.Is(err, fs.ErrNotExist) || id.Width == tile.Width {
		if err != nil && id.Level == tile.Halfway && errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", id.Path(), ledger.ErrNotFound) // a tree without is whole
		}
		if err != nil {
			return nil, missing(id.Path(), err)
		}
		return data, nil
	}
	wider := tile.ID{Level: id.Level, Index: id.Index, Width: tile.Width}
	if data, err = f.files.Read(wider.Path(), nil); err == nil {
		return tile.Narrow(id.Level, data, id.Width)
	}
	partials, err := f.partials(id)
	if err != nil {
		return nil, err
	}
	for _, p := range partials {
		if p.Width < id.Width {
			continue
		}
		if data, err = f.files.Read(p.Path(), nil); err == nil {
			return tile.Narrow(id.Level, data, id.Width)
		}
	}
	return nil, missing(id.Path(), fs.ErrNotExist)
}

// partials returns the partial tiles that lie at the place of id.
func (f *Folder) partials(id tile.ID) ([]tile.ID, error) {
	full := tile.ID{Level: id.Level, Index: id.Index, Width: tile.Width}
	names, err := f.files.List(full.Path() + ".p")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", full.Path(), err)
	}
	var ids []tile.ID
	for _, name := range names {
		if p, err := tile.ParsePath(name); err == nil {
			ids = append(ids, p)
		}
	}
	return ids, nil
}

// View returns the tree of size leaves.
func (f *Folder) View(size uint64) *tile.View { return tile.NewView(size, f.tile) }

// Sweep removes the partial tiles of the stored trees that are smaller than the one of
// size leaves, which has their hashes in wider ones, and returns the trees that are
// left. Those of the tree of before leaves stay, for who is reading it; and those of
// larger trees, which were signed meanwhile or are about to be.
func (f *Folder) Sweep(size, before uint64, stored []uint64) (left []uint64, err error) {
	keep := map[tile.ID]bool{}
	for _, s := range []uint64{size, before} {
		for _, id := range tile.Edge(s) {
			keep[id] = true
		}
	}
	for _, s := range stored {
		if s >= size || s == before {
			left = append(left, s)
		} else if err := f.remove(tile.Edge(s), keep); err != nil {
			return stored, err
		}
	}
	return left, nil
}

// Clean removes every partial tile that a tree of size leaves does not have: a
// process that was killed may have left one that is not whole.
func (f *Folder) Clean(size uint64) error {
	names, err := f.files.List("tile")
	if err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	keep := map[tile.ID]bool{}
	for _, id := range tile.Edge(size) {
		keep[id] = true
	}
	var partials []tile.ID
	for _, name := range names {
		if id, err := tile.ParsePath(name); err == nil && id.Width < tile.Width {
			partials = append(partials, id)
		}
	}
	return f.remove(partials, keep)
}

func (f *Folder) remove(ids []tile.ID, keep map[tile.ID]bool) error {
	for _, id := range ids {
		if keep[id] {
			continue
		}
		if err := f.files.Remove(id.Path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("tree: %w", err)
		}
	}
	return nil
}

// Locate returns the index of the leaf of the event at a position, or
// [ledger.ErrNotFound] if the tree of v does not hold it.
func Locate(v *tile.View, position uint64) (uint64, error) {
	at := func(entry []byte) (uint64, error) {
		e, err := leaf.Decode(entry)
		return e.Position, err
	}
	// Positions of the embedded log have no gaps: try that one first.
	if position > 0 && position <= v.Size() {
		if entry, err := v.Entry(position - 1); err == nil {
			if p, err := at(entry); err == nil && p == position {
				return position - 1, nil
			}
		}
	}
	index, err := v.Search(func(entry []byte) (bool, error) {
		p, err := at(entry)
		return p >= position, err
	})
	if err != nil {
		return 0, err
	}
	if index < v.Size() {
		entry, err := v.Entry(index)
		if err != nil {
			return 0, err
		}
		if p, err := at(entry); err != nil || p == position {
			return index, err
		}
	}
	return 0, fmt.Errorf("event at position %d in a tree of %d leaves: %w", position, v.Size(), ledger.ErrNotFound)
}

// foreign reports whether a file has no business in the folder.
func foreign(name string) bool {
	if name == CheckpointFile || name == CosignedFile || strings.HasSuffix(name, ".new") {
		return false
	}
	_, err := tile.ParsePath(name)
	return err != nil
}

// Published returns what is served under a name of tlog-tiles: the checkpoint,
// or a tile or bundle that it covers. Anything else is [ledger.ErrNotFound],
// also a tile that is written and not yet signed.
func (f *Folder) Published(name string) ([]byte, error) {
	if name == CheckpointFile {
		return f.Checkpoint()
	}
	id, err := tile.ParsePath(name)
	if err != nil {
		return nil, err
	}
	if id.Level == tile.Halfway {
		return nil, fmt.Errorf("%s: %w", name, ledger.ErrNotFound) // nobody's but ours
	}
	note, err := f.Checkpoint()
	if err != nil {
		return nil, err
	}
	var c log.Checkpoint
	if _, err := c.Unmarshal(note); err != nil {
		return nil, fmt.Errorf("tree: %w: %w", ledger.ErrCorrupt, err)
	}
	if in, ok := tile.In(c.Size, id.Level, id.Index); !ok || id.Width > in.Width {
		return nil, fmt.Errorf("tree of %d leaves: %s: %w", c.Size, name, ledger.ErrNotFound)
	}
	return f.Tile(id)
}
