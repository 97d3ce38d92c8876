package tree

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree/leaf"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// A Report says what of a tree was checked.
type Report struct {
	Origin    string `json:"origin,omitempty"`
	Root      string `json:"root,omitempty"`
	Published uint64 `json:"published"` // leaves under the published checkpoint
	Cosigned  uint64 `json:"cosigned"`  // leaves under the last checkpoint with a quorum
	Signed    uint64 `json:"signed"`    // leaves under the last that was signed
	Later     uint64 `json:"later"`     // events that the tree does not hold yet
	Tiles     int    `json:"tiles"`     // tiles that equal the log's
	Bundles   int    `json:"bundles"`   // bundles of entries that equal the log's
}

// A Claim is what a tree's folder and its signer say. It is read before the log
// is opened, so that the log holds at least what they cover.
type Claim struct {
	folder *Folder
	notes  []claimed
	report Report
	faults []fault
}

// A claimed checkpoint, and where it was found.
type claimed struct {
	signer.Checkpoint
	where string
}

type fault struct{ where, what string }

// ReadClaim reads the checkpoints of a tree and the memory of its signer. It
// returns [ledger.ErrNotFound] if there is neither: no tree was ever made.
func ReadClaim(files Files, signerDir string) (*Claim, error) {
	c := &Claim{folder: NewFolder(files)}
	vkey, key, err := signer.Key(signerDir)
	published, none := c.folder.Checkpoint()
	if errors.Is(err, ledger.ErrNotFound) && errors.Is(none, ledger.ErrNotFound) {
		return nil, fmt.Errorf("tree: %w", none)
	}
	if err != nil {
		c.fault(signerDir, "%v; no checkpoint can be checked", err)
		return c, nil
	}
	c.report.Origin, _, _ = cutKey(vkey)
	cosigned, alone := c.folder.Cosigned()
	for _, n := range []struct {
		where string
		note  []byte
		err   error
		size  *uint64
	}{
		{CheckpointFile, published, none, &c.report.Published},
		{CosignedFile, cosigned, alone, &c.report.Cosigned},
	} {
		if errors.Is(n.err, ledger.ErrNotFound) && n.where == CosignedFile {
			continue
		}
		if n.err != nil {
			c.fault(n.where, "%v", n.err)
			continue
		}
		checkpoint, err := signer.OpenCheckpoint(n.note, key)
		if err != nil {
			c.fault(n.where, "%v", err)
			continue
		}
		*n.size = checkpoint.Size
		c.notes = append(c.notes, claimed{checkpoint, n.where})
	}
	_, last, err := signer.Last(signerDir, key)
	if err != nil {
		c.fault(signerDir, "%v", err)
		return c, nil
	}
	c.report.Signed = last.Size
	c.notes = append(c.notes, claimed{last, "the last signed checkpoint"})
	if last.Size < c.report.Published {
		c.fault(CheckpointFile, "covers %d leaves, the signer remembers %d", c.report.Published, last.Size)
	}
	return c, nil
}

func cutKey(vkey string) (name, rest string, ok bool) {
	for i := range vkey {
		if vkey[i] == '+' {
			return vkey[:i], vkey[i+1:], true
		}
	}
	return vkey, "", false
}

func (c *Claim) fault(where, format string, args ...any) {
	c.faults = append(c.faults, fault{where, fmt.Sprintf(format, args...)})
}

// Verify computes the tree from log and compares it with every file of the
// folder and with every checkpoint. What differs is handed to find. An error
// means that the log could not be read.
func (c *Claim) Verify(ctx context.Context, log ledger.Log, find func(where, what string)) (Report, error) {
	stack := &tile.Stack{}
	var buf []byte
	c.reached(stack)
	for r, err := range log.Read(ctx, ledger.Query{}) {
		if err != nil {
			return c.report, err
		}
		if stack.Size() >= c.most() {
			c.report.Later++
			continue
		}
		if buf, err = leaf.Append(buf[:0], &r); err == nil {
			err = stack.Append(buf, c.compare)
		}
		if err != nil {
			return c.report, err
		}
		c.reached(stack)
	}
	for _, n := range c.notes {
		if n.Size > stack.Size() {
			c.fault(n.where, "covers %d leaves, the ledger holds %d events: it was restored to an older state", n.Size, stack.Size())
		}
	}
	if err := c.strangers(); err != nil {
		return c.report, err
	}
	for _, f := range c.faults {
		find(f.where, f.what)
	}
	return c.report, nil
}

// most returns the leaves under the largest checkpoint.
func (c *Claim) most() (size uint64) {
	for _, n := range c.notes {
		size = max(size, n.Size)
	}
	return size
}

// reached compares the tree with the checkpoints of its size, and the partial
// tiles with the published one.
func (c *Claim) reached(s *tile.Stack) {
	for _, n := range c.notes {
		if n.Size != s.Size() {
			continue
		}
		root := s.Root()
		if root != n.Root {
			c.fault(n.where, "its root of %d leaves is %x, the ledger's is %x: history was changed after it was signed", n.Size, n.Root, root)
		}
		if n.where != CheckpointFile {
			continue
		}
		c.report.Root = fmt.Sprintf("%x", root)
		ids, data := s.Edge()
		for i, id := range ids {
			_ = c.compare(id, data[i]) // faults are noted
		}
	}
}

// compare compares a tile or bundle with its file, and with partial ones that
// it has superseded.
func (c *Claim) compare(id tile.ID, want []byte) error {
	if in, ok := tile.In(c.report.Published, id.Level, id.Index); !ok || in != id {
		return nil // not published
	}
	places := []tile.ID{id}
	partials, err := c.folder.partials(id)
	if err != nil {
		return err
	}
	for _, p := range partials {
		if p.Width < id.Width {
			places = append(places, p)
		}
	}
	for _, p := range places {
		got, err := c.folder.files.Read(p.Path(), nil)
		if err != nil && p == id {
			// A server that runs beside us may just have replaced it.
			got, err = c.folder.Tile(p)
		}
		if err != nil {
			if p == id && !errors.Is(err, ledger.ErrNotFound) {
				c.fault(p.Path(), "%v", missing(p.Path(), err))
			}
			continue
		}
		part, err := tile.Narrow(p.Level, want, p.Width)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, part) {
			c.fault(p.Path(), "%s", difference(p, got, part))
		} else if p == id && p.Level == tile.Entries {
			c.report.Bundles++
		} else if p == id {
			c.report.Tiles++
		}
	}
	return nil
}

// difference says where a file differs from the log.
func difference(id tile.ID, got, want []byte) string {
	if id.Level != tile.Entries {
		for i := 0; i+sha256.Size <= min(len(got), len(want)); i += sha256.Size {
			if !bytes.Equal(got[i:i+sha256.Size], want[i:i+sha256.Size]) {
				return fmt.Sprintf("hash %d is not the ledger's", i/sha256.Size)
			}
		}
		return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
	}
	entries, err := tile.Split(want, id.Width)
	stored, err2 := tile.Split(got, id.Width)
	if err != nil || err2 != nil {
		return fmt.Sprintf("it does not hold %d entries", id.Width)
	}
	for i := range entries {
		if !bytes.Equal(entries[i], stored[i]) {
			e, _ := leaf.Decode(entries[i])                                                                                                 // made a moment ago
			return fmt.Sprintf("leaf %d is not that of the event at position %d (%s)", id.Index*tile.Width+uint64(i), e.Position, e.Stream) //nolint:gosec // below 256
		}
	}
	return "differs"
}

// strangers finds files that no tree has.
func (c *Claim) strangers() error {
	names, err := c.folder.files.List(".")
	if err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	for _, name := range names {
		if foreign(name) {
			c.fault(name, "the file does not belong to a tree")
		}
	}
	return nil
}
