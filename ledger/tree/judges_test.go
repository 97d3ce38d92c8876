package tree_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	tessera "github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/leaf"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// A fetcher lets tessera read a folder file by file, as it lies there.
type fetcher struct{ files tree.Files }

func (f fetcher) ReadCheckpoint(context.Context) ([]byte, error) {
	return f.files.Read(tree.CheckpointFile, nil)
}

func (f fetcher) ReadTile(_ context.Context, l, i uint64, p uint8) ([]byte, error) {
	return f.files.Read(place(int(l), i, p).Path(), nil)
}

func (f fetcher) ReadEntryBundle(_ context.Context, i uint64, p uint8) ([]byte, error) {
	return f.files.Read(place(tile.Entries, i, p).Path(), nil)
}

func place(level int, index uint64, partial uint8) tile.ID {
	width := int(partial)
	if width == 0 {
		width = tile.Width
	}
	return tile.ID{Level: level, Index: index, Width: width}
}

// fsck lets tessera check the tree: that the tiles, the bundles and the
// checkpoint agree with each other.
func (s *shop) fsck() error {
	hash := func(bundle []byte) ([][]byte, error) {
		var b tessera.EntryBundle
		if err := b.UnmarshalText(bundle); err != nil {
			return nil, err
		}
		var hs [][]byte
		for _, e := range b.Entries {
			hs = append(hs, rfc6962.DefaultHasher.HashLeaf(e))
		}
		return hs, nil
	}
	// A worker of fsck v1.0.4 ends with the first fault it finds, and once all
	// have ended it waits for ever: there must be more than faults, which are at
	// most one for each level of tiles.
	return fsck.New(origin, s.key(), fetcher{s.files}, hash, fsck.Opts{N: 8}).Check(context.Background())
}

// torchwood lets torchwood check a proof against the log's key.
func (s *shop) torchwood(record, proof []byte) error {
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(s.key()))
	return torchwood.VerifyProof(policy, tlog.RecordHash(record), proof)
}

// prove returns the proof of leaf index under the published checkpoint.
func (s *shop) prove(index uint64) tree.Proof {
	s.t.Helper()
	c, text := s.checkpoint()
	p, err := tree.Prove(s.pub.Folder().View(c.Size), index, text)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// record returns the n-th event of the log.
func (s *shop) record(n uint64) ledger.Record {
	s.t.Helper()
	for r, err := range s.log.Read(context.Background(), ledger.Query{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		if n == 0 {
			return r
		}
		n--
	}
	s.t.Fatalf("the log has no event %d", n)
	return ledger.Record{}
}

// TestJudgesAgree: tessera, torchwood and we find an honest tree whole, over a
// log without and with gaps in its positions.
func TestJudgesAgree(t *testing.T) {
	const events = 66_000 // three levels of tiles
	plain := newLog()
	sell(t, plain, 0, events, "cola")
	for name, log := range map[string]ledger.Log{"embedded": plain, "gaps": gaps{plain}} {
		s := open(t, log, tree.NewDir(filepath.Join(t.TempDir(), "tlog")), filepath.Join(t.TempDir(), "signer"))
		t.Cleanup(s.close)
		if err := s.publish(); err != nil {
			t.Fatal(err)
		}
		if err := s.fsck(); err != nil {
			t.Errorf("%s: tessera's fsck says %v", name, err)
		}
		if found := s.findings(); len(found) > 0 {
			t.Errorf("%s: verification finds %q, want nothing", name, found)
		}
		for _, index := range []uint64{0, 1, 255, 256, 65_535, 65_536, events - 1} {
			r := s.record(index)
			entry, err := leaf.Append(nil, &r)
			if err != nil {
				t.Fatal(err)
			}
			p := s.prove(index)
			if err := s.torchwood(entry, p.Marshal()); err != nil {
				t.Errorf("%s: torchwood says of event %d: %v", name, index, err)
			}
			if extra, err := torchwood.ProofExtraData(p.Marshal()); err != nil || !bytes.Equal(extra, entry) {
				t.Errorf("%s: the proof's extra data is %x, want the leaf", name, extra)
			}
			if e, _, err := p.Verify(s.key(), nil); err != nil || e.Position != r.Position {
				t.Errorf("%s: Verify() of event %d = %d, %v", name, index, e.Position, err)
			}
			view := s.pub.Folder().View(events)
			if at, err := tree.Locate(view, r.Position); err != nil || at != index {
				t.Errorf("%s: Locate(%d) = %d, %v, want %d", name, r.Position, at, err, index)
			}
			if at, err := tree.Locate(view, r.Position+gap*events); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("%s: Locate() of no event = %d, %v", name, at, err)
			}
		}
	}
}

// TestAlteredFilesAreCaught: one bit in a tile of any level, in a bundle or in
// the checkpoint. Tessera finds it, and our verification names the file.
func TestAlteredFilesAreCaught(t *testing.T) {
	s := openShop(t, 66_000)
	for _, name := range []string{
		"tile/0/000", "tile/0/257.p/208", "tile/0/100", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1",
		"tile/entries/000", "tile/entries/200", "tile/entries/257.p/208", tree.CheckpointFile,
	} {
		was, err := s.files.Read(name, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, at := range []int{0, len(was) - 1} {
			bad := bytes.Clone(was)
			bad[at] ^= 1
			if err := s.files.Write(name, bad); err != nil {
				t.Fatal(err)
			}
			if err := s.fsck(); err == nil {
				t.Errorf("tessera finds nothing after bit %d of %s was flipped", at*8, name)
			}
			s.wantFinding(name)
		}
		if err := s.files.Remove(name); err != nil {
			t.Fatal(err)
		}
		s.wantFinding(name)
		if err := s.files.Write(name, was); err != nil {
			t.Fatal(err)
		}
	}
	if found := s.findings(); len(found) > 0 {
		t.Errorf("verification finds %q after all is as it was", found)
	}
	if err := s.files.Write("notes.txt", []byte("x")); err != nil {
		t.Fatal(err)
	}
	s.wantFinding("notes.txt")
}

// TestHalfwayTiles: what saves hashing is checked like everything else, and is
// nothing that a tree needs, nor anything for others to see.
func TestHalfwayTiles(t *testing.T) {
	const name, index = "halfway/001", 5000
	s := openShop(t, 9000)
	was, err := s.files.Read(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(was)
	bad[(index-4096)/16*32^32] ^= 1 // the hash beside the one over the leaf
	if err := s.files.Write(name, bad); err != nil {
		t.Fatal(err)
	}
	s.wantFinding(name)
	if _, _, err := s.prove(index).Verify(s.key(), nil); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Verify() of a proof from an altered file = %v, want ErrCorrupt", err)
	}
	if err := s.files.Write(name, was[:len(was)-1]); err != nil {
		t.Fatal(err)
	}
	c, text := s.checkpoint()
	if _, err := tree.Prove(s.pub.Folder().View(c.Size), index, text); !errors.Is(err, ledger.ErrCorrupt) || !strings.Contains(err.Error(), name) {
		t.Errorf("Prove() from a file that was cut = %v, want ErrCorrupt of %s", err, name)
	}
	if err := s.files.Remove(name); err != nil {
		t.Fatal(err)
	}
	if found := s.findings(); len(found) > 0 {
		t.Errorf("verification of a tree without %s finds %q, want nothing", name, found)
	}
	without := s.prove(index)
	if err := s.files.Write(name, was); err != nil {
		t.Fatal(err)
	}
	with := s.prove(index)
	if _, _, err := with.Verify(s.key(), nil); err != nil || !bytes.Equal(with.Marshal(), without.Marshal()) {
		t.Errorf("the proof with %s is %q (%v), without %q", name, with.Marshal(), err, without.Marshal())
	}
	if b, err := s.pub.Folder().Published(name); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("Published(%q) = %d bytes, %v, want ErrNotFound", name, len(b), err)
	}
}

// forged is a log in which somebody changed the body of one event.
type forged struct {
	ledger.Log
	position uint64
}

func (f forged) Read(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for r, err := range f.Log.Read(ctx, q) {
			if r.Position == f.position {
				r.Body = bytes.Replace(r.Body, []byte("cola"), []byte("gold"), 1)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// TestAnAlteredEventIsCaught: the tree is untouched, and whole for tessera, and
// the event in the ledger is another. Our verification names it, and the
// event's proof does not hold for torchwood.
func TestAnAlteredEventIsCaught(t *testing.T) {
	s := openShop(t, 1000)
	p := s.prove(499)
	honest := s.record(499)
	s.log = forged{s.log, 500}
	if err := s.fsck(); err != nil {
		t.Errorf("tessera says %v; it does not see the ledger", err)
	}
	s.wantFinding("leaf 499 is not that of the event at position 500")
	altered := honest
	altered.Body = s.record(499).Body
	if bytes.Equal(altered.Body, honest.Body) {
		t.Fatal("nothing was altered: the test shows nothing")
	}
	for r, want := range map[*ledger.Record]bool{&honest: true, &altered: false} {
		entry, err := leaf.Append(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.torchwood(entry, p.Marshal()); (err == nil) != want {
			t.Errorf("torchwood says %v of %s, want it to hold: %v", err, r.Body, want)
		}
		bad := p
		bad.Leaf = entry
		if _, _, err := bad.Verify(s.key(), nil); (err == nil) != want {
			t.Errorf("Verify() of %s = %v, want it to hold: %v", r.Body, err, want)
		}
	}
}

// TestRewrittenHistoryIsCaught: an operator with the key changes an event,
// computes all tiles again and signs. Tessera finds the tree whole: it cannot
// know. The signer refuses; with a stolen key and no memory, whoever kept the
// checkpoint of yesterday finds out (and a witness does, see package witness).
func TestRewrittenHistoryIsCaught(t *testing.T) {
	s := openShop(t, 1000)
	kept, _ := s.checkpoint()
	liar := forged{s.log, 500}
	sell(t, liar, 1000, 500, "cola")
	// With the tiles still there the tree goes on from the honest events: what is
	// signed is true, and verification names the event that is not.
	s.close()
	again := open(t, liar, s.files, s.dir)
	if err := again.publish(); err != nil {
		t.Errorf("publish of new events = %v, want nil", err)
	}
	again.wantFinding("leaf 499 is not that of the event at position 500")
	again.close()
	// With the tiles thrown away the lie would have to be signed: refused.
	again = open(t, liar, tree.NewDir(filepath.Join(t.TempDir(), "tlog")), s.dir)
	if err := again.publish(); !errors.Is(err, signer.ErrContradicts) {
		t.Errorf("publish of a rewritten history = %v, want ErrContradicts", err)
	}
	again.close()
	// With the same key in a fresh folder, whose memory is empty.
	thief := filepath.Join(t.TempDir(), "signer")
	fork := open(t, liar, tree.NewDir(filepath.Join(t.TempDir(), "tlog")), thief)
	t.Cleanup(fork.close)
	if fork.signer.VerifierKey() != s.signer.VerifierKey() {
		t.Fatal("the thief has another key: the test shows nothing")
	}
	if err := fork.publish(); err != nil {
		t.Fatal(err)
	}
	if err := fork.fsck(); err != nil {
		t.Errorf("tessera says %v of the rewritten history; it cannot know", err)
	}
	now, _ := fork.checkpoint()
	steps, err := fork.pub.Folder().View(now.Size).Consistency(kept.Size)
	if err != nil {
		t.Fatal(err)
	}
	var hashes [][]byte
	for _, h := range steps {
		hashes = append(hashes, h[:])
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, kept.Size, now.Size, hashes, kept.Root[:], now.Root[:]); err == nil {
		t.Error("the rewritten history is consistent with the checkpoint that was kept")
	}
	// The honest ledger, verified against the signer's memory of the fork.
	s.files, s.dir = fork.files, thief
	s.wantFinding("history was changed after it was signed")
}

// TestProofText: the text of a proof has one form.
func TestProofText(t *testing.T) {
	s := openShop(t, 300)
	text := s.prove(17).Marshal()
	if p, err := tree.ParseProof(text); err != nil || !bytes.Equal(p.Marshal(), text) {
		t.Fatalf("ParseProof() = %v, want the proof", err)
	}
	for i := range text {
		bad := bytes.Clone(text)
		bad[i] ^= 1
		p, err := tree.ParseProof(bad)
		if err == nil {
			_, _, err = p.Verify(s.key(), nil)
		}
		if !errors.Is(err, ledger.ErrCorrupt) {
			t.Fatalf("a proof with a flipped bit at %d (%q) = %v, want ErrCorrupt", i, clip(text, i), err)
		}
	}
	for _, bad := range []string{"", "c2sp.org/tlog-proof@v1\n", strings.Replace(string(text), "index 17", "index 017", 1), string(text) + "\n"} {
		p, err := tree.ParseProof([]byte(bad))
		if err == nil {
			_, _, err = p.Verify(s.key(), nil)
		}
		if !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("proof %.40q = %v, want ErrCorrupt", bad, err)
		}
	}
}

func clip(b []byte, at int) string { return string(b[max(0, at-5):min(len(b), at+5)]) }
