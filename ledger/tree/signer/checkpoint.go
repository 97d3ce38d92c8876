package signer

import (
	"fmt"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// A Checkpoint says what a tree was: C2SP tlog-checkpoint without extension
// lines.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   tile.Hash
}

func (c Checkpoint) text() string {
	return string(log.Checkpoint{Origin: c.Origin, Size: c.Size, Hash: c.Root[:]}.Marshal())
}

// Sign returns c as a signed note.
func (c Checkpoint) Sign(signers ...note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.text()}, signers...)
}

// OpenCheckpoint reads a checkpoint that v signed. Anything else, and any text
// that is not in the one form, is [ledger.ErrCorrupt].
func OpenCheckpoint(signed []byte, v note.Verifier) (Checkpoint, error) {
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: %w", ledger.ErrCorrupt, err)
	}
	c, err := parse(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != v.Name() {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: origin %q under the key of %q", ledger.ErrCorrupt, c.Origin, v.Name())
	}
	return c, nil
}

func parse(text string) (Checkpoint, error) {
	var l log.Checkpoint
	_, err := l.Unmarshal([]byte(text))
	if err == nil && len(l.Hash) != len(tile.Hash{}) {
		err = fmt.Errorf("a root of %d bytes", len(l.Hash))
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: %w", ledger.ErrCorrupt, err)
	}
	c := Checkpoint{Origin: l.Origin, Size: l.Size, Root: tile.Hash(l.Hash)}
	if c.text() != text {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: not in the one form", ledger.ErrCorrupt)
	}
	return c, nil
}
