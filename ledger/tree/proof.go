package tree

import (
	"bytes"
	"fmt"

	formats "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree/leaf"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// A Proof says that a leaf is in the tree of a signed checkpoint. Its text is a
// C2SP tlog-proof whose extra data is the leaf, so that any tool that reads
// tlog-proofs can check it: the hash to prove is that of the extra data.
type Proof struct {
	Index      uint64
	Leaf       []byte
	Hashes     []tile.Hash
	Checkpoint []byte // the signed note
}

// Prove returns the proof of leaf index in the tree of v, whose checkpoint this
// is.
func Prove(v *tile.View, index uint64, checkpoint []byte) (Proof, error) {
	entry, err := v.Entry(index)
	if err != nil {
		return Proof{}, err
	}
	hashes, err := v.Inclusion(index)
	if err != nil {
		return Proof{}, err
	}
	return Proof{Index: index, Leaf: entry, Hashes: hashes, Checkpoint: checkpoint}, nil
}

// Marshal returns p as c2sp.org/tlog-proof@v1.
func (p Proof) Marshal() []byte {
	t := formats.TLogProof{Index: p.Index, ExtraData: p.Leaf, Checkpoint: p.Checkpoint}
	for _, h := range p.Hashes {
		t.Hashes = append(t.Hashes, h)
	}
	return t.Marshal()
}

// ParseProof reads what Marshal gives and nothing else.
func ParseProof(text []byte) (Proof, error) {
	var t formats.TLogProof
	if err := t.Unmarshal(text); err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ledger.ErrCorrupt, err)
	}
	p := Proof{Index: t.Index, Leaf: t.ExtraData, Checkpoint: t.Checkpoint}
	for _, h := range t.Hashes {
		p.Hashes = append(p.Hashes, h)
	}
	if !bytes.Equal(p.Marshal(), text) {
		return Proof{}, fmt.Errorf("tlog proof: %w: not in the one form", ledger.ErrCorrupt)
	}
	return p, nil
}

// Verify checks p against the key of the log and returns what the leaf says and
// the checkpoint it is under. quorum, if it is not nil, checks the checkpoint's
// cosignatures. What does not hold is [ledger.ErrCorrupt].
func (p Proof) Verify(key note.Verifier, quorum func(checkpoint []byte) error) (leaf.Envelope, signer.Checkpoint, error) {
	c, err := signer.OpenCheckpoint(p.Checkpoint, key)
	if err != nil {
		return leaf.Envelope{}, c, err
	}
	if quorum != nil {
		if err := quorum(p.Checkpoint); err != nil {
			return leaf.Envelope{}, c, err
		}
	}
	hash := tile.LeafHash(p.Leaf)
	steps := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		steps[i] = p.Hashes[i][:]
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, c.Size, hash[:], steps, c.Root[:]); err != nil {
		return leaf.Envelope{}, c, fmt.Errorf("leaf %d is not in the tree of %d leaves: %w: %w", p.Index, c.Size, ledger.ErrCorrupt, err)
	}
	e, err := leaf.Decode(p.Leaf)
	return e, c, err
}

// Envelope returns what the leaf says, without checking that it is in the tree.
func (p Proof) Envelope() (leaf.Envelope, error) { return leaf.Decode(p.Leaf) }
