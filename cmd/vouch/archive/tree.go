package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// A Tree says which tree was copied.
type Tree struct {
	Origin string `json:"origin"`
	Leaves uint64 `json:"leaves"`
	Copied int    `json:"copied"` // tiles and bundles
	Reused int    `json:"reused"`
}

// A treeClaim is the tree of one checkpoint. Tiles that come after it belong to
// another.
type treeClaim struct {
	files    tree.Files
	folder   *tree.Folder
	vkey     string
	key      note.Verifier
	note     []byte // the checkpoint
	cosigned []byte // nil if there is none
	size     uint64
	root     tile.Hash
}

// readTree reads the published checkpoint of a tree; nil if there is none yet.
func readTree(dir, signerDir string) (*treeClaim, error) {
	c := &treeClaim{files: tree.NewDir(dir)}
	c.folder = tree.NewFolder(c.files)
	var err error
	// The smaller of the two first: both are then of one tree.
	if c.cosigned, err = c.folder.Cosigned(); err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return nil, err
	}
	if c.note, err = c.folder.Checkpoint(); errors.Is(err, ledger.ErrNotFound) {
		return nil, nil //nolint:nilnil // no tree is no error
	} else if err != nil {
		return nil, err
	}
	if c.vkey, c.key, err = signer.Key(signerDir); err != nil {
		return nil, fmt.Errorf("the tree's checkpoint cannot be checked: %w; name the signer's folder with --tlog-signer", err)
	}
	checkpoint, err := signer.OpenCheckpoint(c.note, c.key)
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", dir, tree.CheckpointFile, err)
	}
	c.size, c.root = checkpoint.Size, checkpoint.Root
	return c, nil
}

// copyTo copies the tree of the checkpoint to a folder. What is copied is held
// against the root first, and read back. The checkpoint comes last: until then
// the folder holds the tree it held.
func (c *treeClaim) copyTo(ctx context.Context, dir string, quick bool, progress func(done, total int64)) (Tree, error) {
	r := Tree{Origin: c.key.Name(), Leaves: c.size}
	to := tree.NewDir(dir)
	folder := tree.NewFolder(to)
	if err := c.extends(folder); err != nil {
		return r, err
	}
	if err := c.checkRoot(c.folder); err != nil {
		return r, fmt.Errorf("%w; the tree is made of the log: remove its folder and have it computed again", err)
	}
	there, err := to.List("tile")
	if err != nil {
		return r, err
	}
	slices.Sort(there)
	var written []string
	ids := c.tiles()
	for i, id := range ids {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		progress(int64(i+1), int64(len(ids)))
		_, has := slices.BinarySearch(there, id.Path())
		if has && quick && id.Width == tile.Width { // a full tile never changes
			r.Reused++
			continue
		}
		copied, err := c.copyTile(to, id, has)
		if err != nil {
			return r, err
		}
		if !copied {
			r.Reused++
			continue
		}
		written = append(written, id.Path())
		r.Copied++
	}
	if err := to.Sync(ctx, written); err != nil {
		return r, err
	}
	if err := c.checkRoot(folder); err != nil {
		return r, err
	}
	if c.cosigned != nil {
		if err := to.Replace(tree.CosignedFile, c.cosigned); err != nil {
			return r, err
		}
	}
	if err := to.Replace(tree.CheckpointFile, c.note); err != nil {
		return r, err
	}
	return r, folder.Clean(c.size)
}

// copyTile copies a tile or bundle unless the folder has it, and reports whether
// it has.
func (c *treeClaim) copyTile(to tree.Files, id tile.ID, has bool) (copied bool, err error) {
	data, err := c.folder.Tile(id)
	if err != nil {
		return false, err
	}
	if has {
		old, err := to.Read(id.Path(), nil)
		if err != nil || bytes.Equal(old, data) {
			return false, err
		}
	}
	if err := c.checkTile(id, data); err != nil {
		return false, err
	}
	if err := to.Write(id.Path(), data); err != nil {
		return false, err
	}
	back, err := to.Read(id.Path(), nil)
	if err == nil && !bytes.Equal(back, data) {
		err = fmt.Errorf("%s does not read back as it was written; mistrust the disk", id.Path())
	}
	return true, err
}

// checkTile holds a tile against the one above it, and a bundle against the
// tile of its leaves. What is at the edge is part of the root.
func (c *treeClaim) checkTile(id tile.ID, data []byte) error {
	above := tile.ID{Level: 0, Index: id.Index, Width: id.Width}
	var want []byte
	if id.Level == tile.Entries {
		entries, err := tile.Split(data, id.Width)
		if err != nil {
			return fmt.Errorf("%s: %w", id.Path(), err)
		}
		for _, e := range entries {
			h := tile.LeafHash(e)
			want = append(want, h[:]...)
		}
	} else {
		if id.Width < tile.Width {
			return nil
		}
		want = rootOf(data)
		var ok bool
		if above, ok = tile.In(c.size, id.Level+1, id.Index/tile.Width); !ok {
			return fmt.Errorf("%s: %w: nothing lies above it", id.Path(), ledger.ErrCorrupt)
		}
	}
	hashes, err := c.folder.Tile(above)
	if err != nil {
		return err
	}
	if id.Level != tile.Entries {
		at := id.Index % tile.Width * uint64(len(tile.Hash{}))
		hashes = hashes[at : at+uint64(len(tile.Hash{}))]
	}
	if !bytes.Equal(hashes, want) {
		return fmt.Errorf("%s: %w: it is not what %s says", id.Path(), ledger.ErrCorrupt, above.Path())
	}
	return nil
}

// rootOf returns the root over the hashes of a full tile.
func rootOf(hashes []byte) []byte {
	const n = len(tile.Hash{})
	for len(hashes) > n {
		var up []byte
		for at := 0; at < len(hashes); at += 2 * n {
			up = append(up, rfc6962.DefaultHasher.HashChildren(hashes[at:at+n], hashes[at+n:at+2*n])...)
		}
		hashes = up
	}
	return hashes
}

// extends checks that the tree that a folder holds is not larger.
func (c *treeClaim) extends(folder *tree.Folder) error {
	text, err := folder.Checkpoint()
	if errors.Is(err, ledger.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	before, err := signer.OpenCheckpoint(text, c.key)
	if err != nil {
		return fmt.Errorf("the backup's checkpoint: %w", err)
	}
	if before.Size > c.size {
		return fmt.Errorf("%w: its tree has %d leaves, the one to be copied %d", embedded.ErrDiverged, before.Size, c.size)
	}
	return nil
}

// tiles returns the tiles and bundles of the tree.
func (c *treeClaim) tiles() []tile.ID {
	var ids []tile.ID
	for level := range tile.Levels() {
		for index := uint64(0); ; index++ {
			id, ok := tile.In(c.size, level, index)
			if !ok {
				break
			}
			ids = append(ids, id)
		}
	}
	return ids
}

// checkRoot computes the root from the edge of a folder's tiles.
func (c *treeClaim) checkRoot(folder *tree.Folder) error {
	if c.size == 0 {
		return nil
	}
	stack, err := tile.Resume(c.size, folder.Tile)
	if err != nil {
		return err
	}
	if root := stack.Root(); root != c.root {
		return fmt.Errorf("%w: the tiles have root %x, the checkpoint of %d leaves says %x", ledger.ErrCorrupt, root, c.size, c.root)
	}
	return nil
}

// keepKey puts what a checker needs of the signer's folder beside the copy.
func (c *treeClaim) keepKey(dir string) error {
	to := tree.NewDir(dir)
	if err := to.Replace(signer.PublicFile, []byte(c.vkey+"\n")); err != nil {
		return err
	}
	return to.Replace(signer.SignedFile, c.note)
}
