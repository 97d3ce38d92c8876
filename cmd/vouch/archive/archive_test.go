package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/cmd/vouch/archive"
	"github.com/vouchledger/vouch/cmd/vouch/audit"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/ledgertest"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/vision/evidence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// night returns how to back up a data folder into another.
func night(from, to string) archive.Config {
	return archive.Config{
		Layout: archive.Layout{
			Ledger: "ledger", Evidence: "evidence", EvidenceKeys: "evidence-keys", Tree: "tlog", Signer: "signer", TicketKey: "ticket.key",
			Derived: []string{"readmodels"},
		},
		From: from, To: to, Now: time.Now,
		Progress: func(string) func(done, total int64) { return func(_, _ int64) {} },
	}
}

// A server is what runs in a data folder: a ledger and the publisher of its tree.
type server struct {
	log    *embedded.Log
	tree   *tree.Publisher
	signer *signer.Signer
}

func serve(t *testing.T, data string) *server {
	t.Helper()
	s := &server{}
	var err error
	s.log, err = embedded.Open(t.Context(), filepath.Join(data, "ledger"), embedded.Config{Now: time.Now, SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	if s.signer, err = signer.Open(filepath.Join(data, "signer"), "shop.example/ledger", rand.NewChaCha8([32]byte{1})); err != nil {
		t.Fatal(err)
	}
	s.tree = tree.New(s.log, tree.NewDir(filepath.Join(data, "tlog")), s.signer, tree.Config{
		Interval: time.Millisecond, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	return s
}

func (s *server) close(t *testing.T) {
	t.Helper()
	if err := errors.Join(s.signer.Close(), s.log.Close()); err != nil {
		t.Fatal(err)
	}
}

// sell appends the n-th event.
func (s *server) sell(ctx context.Context, n uint64) error {
	_, err := s.log.Append(ctx, ledger.StreamID(fmt.Sprintf("till-%d", n/50)), ledger.Any(), ledgertest.Draft(n))
	return err
}

// audited checks a data folder as vouch verify does, all but receipts.
func audited(t *testing.T, data, signerDir string) audit.Report {
	t.Helper()
	r, err := audit.Run(t.Context(), audit.Config{
		Ledger: filepath.Join(data, "ledger"), Tree: filepath.Join(data, "tlog"), Signer: signerDir,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		t.Errorf("%s: %s", data, f)
	}
	return r
}

// TestBackUpBesideServer backs a data folder up again and again while events
// come in and checkpoints are signed each millisecond. Each backup passes the
// audit, its tree with it; and the last one is restored, and served.
func TestBackUpBesideServer(t *testing.T) {
	data, to, again := t.TempDir(), t.TempDir(), t.TempDir()
	s := serve(t, data)
	if err := s.sell(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := s.tree.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := uint64(1); ctx.Err() == nil; n++ {
			if err := s.sell(ctx, n); err != nil && ctx.Err() == nil {
				t.Errorf("sell beside a backup: %v", err)
				return
			}
		}
	})
	wg.Go(func() {
		if err := s.tree.Run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("the tree beside a backup: %v", err)
		}
	})
	var leaves []uint64
	var last archive.Backup
	patience := time.Now().Add(2 * time.Minute)
	grown := func() bool { return leaves[0] != leaves[len(leaves)-1] }
	for i := 0; i < 8 || !grown() && time.Now().Before(patience); i++ { // eight may be over before a checkpoint is signed
		var err error
		if last, err = archive.BackUp(t.Context(), night(data, to)); err != nil {
			t.Fatal(err)
		}
		if last.Tree == nil || last.Tree.Leaves > last.Log.Position {
			t.Errorf("backup %d: a tree of %+v over %d events", i, last.Tree, last.Log.Position)
		}
		leaves = append(leaves, last.Tree.Leaves)
		if r := audited(t, to, filepath.Join(to, "signer")); r.Tree == nil || r.Tree.Published != last.Tree.Leaves {
			t.Errorf("backup %d: audit says %+v", i, r.Tree)
		}
	}
	cancel()
	wg.Wait()
	if !grown() {
		t.Error("no checkpoint was signed while the backups were made")
	}
	s.close(t)
	if !slices.Equal(last.Secret, []string{"signer"}) || len(last.Unknown) > 0 {
		t.Errorf("left out: %v, unknown %v", last.Secret, last.Unknown)
	}
	r, err := archive.Restore(t.Context(), night(to, again), embedded.Until{})
	if err != nil || r.Tree == nil || r.Tree.Leaves != last.Tree.Leaves {
		t.Fatalf("restore = %+v, %v", r, err)
	}
	audited(t, again, filepath.Join(to, "signer"))
	if _, err := os.Stat(filepath.Join(again, "signer")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the signer's memory was restored: %v", err)
	}
	// The newest memory there is comes from elsewhere. It has signed what the
	// backup does not have, and signs nothing that leaves it out.
	if err := os.CopyFS(filepath.Join(again, "signer"), os.DirFS(filepath.Join(data, "signer"))); err != nil {
		t.Fatal(err)
	}
	shop := serve(t, again)
	defer shop.close(t)
	_, signed := shop.signer.Last()
	err = shop.tree.Once(t.Context())
	if lost := signed.Size > r.Log.Position; lost != errors.Is(err, signer.ErrContradicts) || !lost && err != nil {
		t.Errorf("checkpoint over %d restored events after %d were signed: %v", r.Log.Position, signed.Size, err)
	}
}

// TestEvidenceCopies checks that evidence is copied once, that what has rotted in
// the backup is copied again, and that what has rotted in the shop is named and
// spoils neither the copy nor the other objects.
func TestEvidenceCopies(t *testing.T) {
	data, to := t.TempDir(), t.TempDir()
	s := serve(t, data)
	if err := s.sell(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	s.close(t)
	store, err := evidence.Open(filepath.Join(data, "evidence"), evidence.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var photos []ledger.Digest
	for i := range 5 {
		info, err := store.PutBytes(t.Context(), fmt.Appendf(nil, "photo %d of a hand in a shelf", i))
		if err != nil {
			t.Fatal(err)
		}
		photos = append(photos, info.Digest)
	}
	cfg := night(data, to)
	want := func(what string, cfg archive.Config, e archive.Evidence) {
		t.Helper()
		r, err := archive.BackUp(t.Context(), cfg)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if fmt.Sprint(*r.Evidence) != fmt.Sprint(e) {
			t.Errorf("%s: %+v, want %+v", what, *r.Evidence, e)
		}
	}
	want("the first night", cfg, archive.Evidence{Copied: 5, Bytes: 5 * 28})
	want("the second", cfg, archive.Evidence{Reused: 5})
	rot(t, to, photos[1])
	quick := cfg
	quick.Quick = true
	want("a quick one sees no rot", quick, archive.Evidence{Reused: 5})
	want("a whole one mends it", cfg, archive.Evidence{Copied: 1, Bytes: 28, Reused: 4, Healed: photos[1:2]})

	rot(t, to, photos[1])
	if _, err := archive.Restore(t.Context(), night(to, t.TempDir()), embedded.Until{}); !errors.Is(err, ledger.ErrCorrupt) ||
		!strings.Contains(err.Error(), string(photos[1])) {
		t.Errorf("restore of rotten evidence = %v, want it named", err)
	}
	rot(t, data, photos[1])
	if _, err := archive.BackUp(t.Context(), cfg); !errors.Is(err, ledger.ErrCorrupt) || !strings.Contains(err.Error(), string(photos[1])) {
		t.Errorf("backup of evidence that has rotted on both sides = %v, want it named", err)
	}
	if err := errors.Join(store.Remove(t.Context(), photos[1]), store.Remove(t.Context(), photos[2])); err != nil {
		t.Fatal(err)
	}
	want("what was forgotten is kept", cfg, archive.Evidence{Reused: 3, Only: 2})
	cfg.Prune = true
	want("unless it is to be pruned", cfg, archive.Evidence{Reused: 3, Only: 2, Pruned: 2})
	again := t.TempDir()
	r, err := archive.Restore(t.Context(), night(to, again), embedded.Until{})
	if err != nil || r.Evidence.Copied != 3 {
		t.Errorf("restore = %+v, %v, want three objects", r.Evidence, err)
	}
}

// TestABackupForgetsWhatTheShopForgets backs up encrypted evidence, destroys the
// key of one visit, and looks for it in the backup and in what is restored.
func TestABackupForgetsWhatTheShopForgets(t *testing.T) {
	data, to := t.TempDir(), t.TempDir()
	s := serve(t, data)
	if err := s.sell(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	s.close(t)
	open := func(dir string) *evidence.Store {
		keys, err := evidence.OpenKeys(filepath.Join(dir, "evidence-keys"))
		if err != nil {
			t.Fatal(err)
		}
		store, err := evidence.Open(filepath.Join(dir, "evidence"), evidence.Config{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = errors.Join(store.Close(), keys.Close()) })
		return store
	}
	store := open(data)
	var frames []ledger.Digest
	for _, v := range []ledger.VisitID{"v1", "v2"} {
		b := []byte("a hand of " + v)
		if _, err := store.PutFor(t.Context(), v, bytes.NewReader(b), ledger.DigestOf(b)); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, ledger.DigestOf(b))
	}
	backUp := func(copied, reused int) {
		t.Helper()
		r, err := archive.BackUp(t.Context(), night(data, to))
		if err != nil || r.Evidence.Copied != copied || r.Evidence.Reused != reused || len(r.Unknown) > 0 {
			t.Fatalf("BackUp = %+v, %+v, %v, want %d copied and %d reused", r, r.Evidence, err, copied, reused)
		}
	}
	backUp(2, 0)
	backUp(0, 2)
	if err := open(to).Check(t.Context(), frames[0]); err != nil {
		t.Errorf("Check in the backup = %v, want it readable", err)
	}
	if err := store.Destroy("v1"); err != nil {
		t.Fatal(err)
	}
	backUp(0, 1)
	again := t.TempDir()
	if _, err := archive.Restore(t.Context(), night(to, again), embedded.Until{}); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"backup": to, "restored": again} {
		there := open(dir)
		if err := there.Check(t.Context(), frames[0]); !errors.Is(err, evidence.ErrExpired) && !errors.Is(err, evidence.ErrMissing) {
			t.Errorf("%s: Check of the visit that was forgotten = %v, want it gone", name, err)
		}
		if err := there.Check(t.Context(), frames[1]); err != nil {
			t.Errorf("%s: Check of the other visit = %v, want it readable", name, err)
		}
	}
}

// rot flips a bit of an object.
func rot(t *testing.T, data string, d ledger.Digest) {
	t.Helper()
	hex := strings.TrimPrefix(string(d), "sha256:")
	file := filepath.Join(data, "evidence", "sha256", hex[:2], hex)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[3] ^= 4
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTreeOfAnotherLogIsRefused checks that a tree does not go back, and that
// tiles which are not those of the checkpoint make no backup.
func TestTreeOfAnotherLogIsRefused(t *testing.T) {
	data, to := t.TempDir(), t.TempDir()
	s := serve(t, data)
	for n := range uint64(700) {
		if err := s.sell(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.tree.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.close(t)
	for _, name := range []string{"0/002.p/188", "0/001", "1/000.p/2", "entries/000", "entries/002.p/188"} {
		file := filepath.Join(data, "tlog", "tile", filepath.FromSlash(name))
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for what, change := range map[string]func() error{
			"altered": func() error {
				return os.WriteFile(file, append(slices.Clone(b[:40]), append([]byte{b[40] ^ 1}, b[41:]...)...), 0o600)
			},
			"missing": func() error { return os.Remove(file) },
		} {
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if _, err := archive.BackUp(t.Context(), night(data, to)); !errors.Is(err, ledger.ErrCorrupt) {
				t.Errorf("backup with %s %s = %v, want ErrCorrupt", what, name, err)
			}
			if _, err := os.Stat(filepath.Join(to, "tlog", tree.CheckpointFile)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a checkpoint stands over a tile %s that is %s: %v", name, what, err)
			}
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := archive.BackUp(t.Context(), night(data, to)); err != nil {
		t.Fatal(err)
	}
	audited(t, to, filepath.Join(to, "signer"))
	// A tile that has rotted in the backup is copied again.
	rotten := filepath.Join(to, "tlog", "tile", "0", "001")
	if err := os.WriteFile(rotten, make([]byte, 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := archive.BackUp(t.Context(), night(data, to)); err != nil || r.Tree.Copied != 1 {
		t.Errorf("backup over a rotten tile = %+v, %v, want one copied", r.Tree, err)
	}
	audited(t, to, filepath.Join(to, "signer"))
	r, err := archive.Restore(t.Context(), night(to, t.TempDir()), embedded.Until{Position: 699})
	if err != nil || r.Tree != nil || r.Later != 700 {
		t.Errorf("restore to before the checkpoint = %+v, %v, want no tree", r, err)
	}
}
