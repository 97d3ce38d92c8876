package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

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

// copyTo copies the tree of the checkpoint to a folder. The checkpoint comes
// last: until then the folder holds the tree it held.
func (c *treeClaim) copyTo(ctx context.Context, dir string, progress func(done, total int64)) (Tree, error) {
	r := Tree{Origin: c.key.Name(), Leaves: c.size}
	to := tree.NewDir(dir)
	folder := tree.NewFolder(to)
	if err := c.extends(folder); err != nil {
		return r, err
	}
	ids, err := c.tiles()
	if err != nil {
		return r, err
	}
	var written []string
	for i, id := range ids {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		data, err := c.folder.Tile(id)
		if err != nil {
			return r, err
		}
		old, err := to.Read(id.Path())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
		progress(int64(i+1), int64(len(ids)))
		if err == nil && bytes.Equal(old, data) {
			r.Reused++
			continue
		}
		if err := to.Write(id.Path(), data); err != nil {
			return r, err
		}
		written = append(written, id.Path())
		r.Copied++
	}
	if err := to.Sync(ctx, written); err != nil {
		return r, err
	}
	if err := c.check(folder, written); err != nil {
		return r, err
	}
	if err := folder.Clean(c.size); err != nil {
		return r, err
	}
	if c.cosigned != nil {
		if err := to.Replace(tree.CosignedFile, c.cosigned); err != nil {
			return r, err
		}
	}
	return r, to.Replace(tree.CheckpointFile, c.note)
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
func (c *treeClaim) tiles() ([]tile.ID, error) {
	names, err := c.files.List("tile")
	if err != nil {
		return nil, err
	}
	var ids []tile.ID
	for _, name := range names {
		id, err := tile.ParsePath(name)
		if err != nil || id.Width != tile.Width {
			continue
		}
		if in, ok := tile.In(c.size, id.Level, id.Index); ok && in.Width == tile.Width {
			ids = append(ids, id)
		}
	}
	return append(ids, tile.Edge(c.size)...), nil
}

// check reads back what was written, and computes the root from the copy.
func (c *treeClaim) check(folder *tree.Folder, written []string) error {
	for _, name := range written {
		id, err := tile.ParsePath(name)
		if err != nil {
			return err
		}
		want, err := c.folder.Tile(id)
		if err != nil {
			return err
		}
		got, err := folder.Tile(id)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s does not read back as it was written; mistrust the disk", name)
		}
	}
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
