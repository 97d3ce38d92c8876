package tree_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/leaf"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// contents returns every file below dir.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(root, path)
		files[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestRebuiltTreeIsTheSame: a folder that grew over days of checkpoints, and was
// then thrown away, comes out the same to the byte.
func TestRebuiltTreeIsTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, keys := newDisk(), t.TempDir()
		log := newLog()
		s := open(t, gaps{log}, d, keys)
		defer s.close()
		sold := 0
		for range rapid.IntRange(1, 6).Draw(rt, "days") {
			n := rapid.IntRange(1, 700).Draw(rt, "events")
			sell(t, log, sold, n, "cola")
			sold += n
			if err := s.publish(); err != nil {
				rt.Fatal(err)
			}
		}
		if err := s.pub.Folder().Clean(uint64(sold)); err != nil {
			rt.Fatal(err)
		}
		again := newDisk()
		s.pub = tree.New(s.log, again, s.signer, config())
		if err := s.publish(); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(d.contents(), again.contents()); diff != "" {
			rt.Fatalf("rebuilt folder (-was +is):\n%s", diff)
		}
	})
}

// TestDeletedFolderComesBack: the same on a real disk.
func TestDeletedFolderComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tlog")
	log := newLog()
	s := open(t, log, tree.NewDir(dir), filepath.Join(t.TempDir(), "signer"))
	defer s.close()
	for sold := 0; sold < 1500; sold += 300 {
		sell(t, log, sold, 300, "cola")
		if err := s.publish(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.pub.Folder().Clean(1500); err != nil {
		t.Fatal(err)
	}
	was := contents(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s.pub = tree.New(log, tree.NewDir(dir), s.signer, config())
	if err := s.publish(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(was, contents(t, dir)); diff != "" {
		t.Errorf("rebuilt folder (-was +is):\n%s", diff)
	}
}

// TestEmbeddedAndMemoryGiveTheSameTree: the tree is a fold of events, not of
// the way they are kept.
func TestEmbeddedAndMemoryGiveTheSameTree(t *testing.T) {
	log, err := embedded.Open(t.Context(), t.TempDir(), embedded.Config{Now: func() time.Time { return opening }})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	sell(t, log, 0, 600, "cola")
	memory := memlog.New(func() time.Time { return opening })
	sell(t, memory, 0, 600, "cola")
	roots := map[tile.Hash]bool{}
	for _, l := range []ledger.Log{log, memory} {
		s := open(t, l, tree.NewDir(t.TempDir()), t.TempDir())
		if err := s.publish(); err != nil {
			t.Fatal(err)
		}
		c, _ := s.checkpoint()
		roots[c.Root] = true
		s.close()
	}
	if len(roots) != 1 {
		t.Errorf("two logs of the same events have %d roots", len(roots))
	}
}

// within waits for something that another goroutine does.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}

// TestCheckpointsWhileSelling: a server sells and publishes; at any moment the
// folder is a whole tree for tessera, and no checkpoint takes back another.
func TestCheckpointsWhileSelling(t *testing.T) {
	log := newLog()
	s := open(t, log, tree.NewDir(t.TempDir()), t.TempDir())
	defer s.close()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.pub.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run() = %v, want context.Canceled", err)
		}
	})
	sizes := 0
	var last signer.Checkpoint
	for sold := 0; sold < 4000; sold += 200 {
		sell(t, log, sold, 200, "cola")
		within(t, "what was sold is published", func() bool { return s.pub.Status().Published >= uint64(sold+200) })
		c, _ := s.checkpoint()
		if c.Size < last.Size {
			t.Fatalf("the checkpoint went back from %d to %d leaves", last.Size, c.Size)
		}
		if c != last {
			sizes++
		}
		last = c
		if err := s.fsck(); err != nil && s.pub.Status().Published == c.Size {
			t.Errorf("tessera says %v at %d leaves", err, c.Size)
		}
	}
	stop()
	wg.Wait()
	if c, _ := s.checkpoint(); c.Size != 4000 || sizes < 10 {
		t.Errorf("the last checkpoint covers %d leaves after %d others, want 4000 after many", c.Size, sizes)
	}
	if found := s.findings(); len(found) > 0 {
		t.Errorf("verification finds %q", found)
	}
	if s.pub.Status().Failures > 0 {
		t.Error("the publisher had to begin again")
	}
}

// TestRestoredLedgerIsNotSigned: the ledger is brought back to an older state
// and sells other things. The shop goes on, nothing is signed, readiness says
// why, and the last checkpoint stays as it was.
func TestRestoredLedgerIsNotSigned(t *testing.T) {
	for name, keepTiles := range map[string]bool{"tiles stay": true, "tiles restored too": false} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, 1000)
			_, was := s.checkpoint()
			s.close()
			old := newLog()
			sell(t, old, 0, 600, "cola") // the backup's state
			files := s.files
			if !keepTiles {
				files = tree.NewDir(filepath.Join(t.TempDir(), "tlog"))
			}
			for _, sold := range []int{0, 300, 600} { // less, as much, and more than was signed
				sell(t, old, 5000+sold, 300, "mate")
				r := open(t, old, files, s.dir)
				ctx, stop := context.WithCancel(context.Background())
				done := make(chan error, 1)
				go func() { done <- r.pub.Run(ctx) }()
				within(t, "it refuses to sign", func() bool { return r.pub.Ready(ctx) != nil })
				if err := r.pub.Ready(ctx); !errors.Is(err, signer.ErrContradicts) {
					t.Errorf("Ready() = %v, want ErrContradicts", err)
				}
				sell(t, old, 9000+sold, 1, "gum") // appending goes on
				stop()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("Run() = %v, want it to stay until it is ended", err)
				}
				if note, _ := r.signer.Last(); !bytes.Equal(note, was) {
					t.Errorf("the signer's memory changed to %s", note)
				}
				if keepTiles {
					if _, is := r.checkpoint(); !bytes.Equal(is, was) {
						t.Errorf("the published checkpoint changed to %s", is)
					}
				}
				r.close()
			}
		})
	}
}

// TestDamagedTilesAreComputedAgain: the tree's folder is derived. Whatever
// happens to it, the next start makes it whole, without another signature.
func TestDamagedTilesAreComputedAgain(t *testing.T) {
	for _, name := range []string{"tile/0/003.p/232", "tile/1/000.p/3", "tile/entries/003.p/232"} {
		for what, damage := range map[string]func([]byte) []byte{
			"flipped": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
			"cut":     func(b []byte) []byte { return b[:len(b)/2] },
			"empty":   func([]byte) []byte { return nil },
		} {
			s := openShop(t, 1000)
			_, was := s.checkpoint()
			b, err := s.files.Read(name, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.files.Write(name, damage(bytes.Clone(b))); err != nil {
				t.Fatal(err)
			}
			if len(s.findings()) == 0 {
				t.Errorf("%s %s is not found", name, what)
			}
			s.close()
			again := open(t, s.log, s.files, s.dir)
			if err := again.publish(); err != nil {
				t.Fatalf("publish after %s was %s = %v", name, what, err)
			}
			if _, is := again.checkpoint(); !bytes.Equal(is, was) {
				t.Errorf("the checkpoint changed to %s", is)
			}
			found := again.findings()
			if err := again.fsck(); err != nil || len(found) > 0 {
				t.Errorf("%s %s: tessera says %v, verification finds %q", name, what, err, found)
			}
			again.close()
		}
	}
}

// TestSupersededPartials: whoever holds an older checkpoint still gets its
// tiles, out of wider ones.
func TestSupersededPartials(t *testing.T) {
	s := openShop(t, 300)
	old, _ := s.checkpoint()
	sell(t, s.log, 300, 100, "mate")
	for range 2 {
		if err := s.publish(); err != nil {
			t.Fatal(err)
		}
	}
	sell(t, s.log, 400, 400, "mate")
	if err := s.publish(); err != nil {
		t.Fatal(err)
	}
	if root, err := s.pub.Folder().View(old.Size).Root(old.Size); err != nil || root != old.Root {
		t.Errorf("root of the older tree = %x, %v, want %x", root, err, old.Root)
	}
	if _, err := s.pub.Folder().Tile(tile.ID{Level: 0, Index: 9, Width: 3}); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Tile() that was never made = %v", err)
	}
}

// BenchmarkTree is the whole cost of the tree for one event with a body of 300
// bytes: its leaf, the stack, and writing tiles, without waiting for a disk.
func BenchmarkTree(b *testing.B) {
	log := newLog()
	sell(b, log, 0, 1000, "cola")
	var records []ledger.Record
	for r, err := range log.Read(context.Background(), ledger.Query{}) {
		if err != nil {
			b.Fatal(err)
		}
		r.Body = bytes.Repeat([]byte("x"), 300)
		records = append(records, r)
	}
	dir := tree.NewDir(b.TempDir())
	stack := &tile.Stack{}
	var buf []byte
	i := 0
	b.ResetTimer()
	for b.Loop() {
		r := &records[i%len(records)]
		r.Position++
		i++
		var err error
		if buf, err = leaf.Append(buf[:0], r); err != nil {
			b.Fatal(err)
		}
		if err := stack.Append(buf, func(id tile.ID, data []byte) error { return dir.Write(id.Path(), data) }); err != nil {
			b.Fatal(err)
		}
	}
}
