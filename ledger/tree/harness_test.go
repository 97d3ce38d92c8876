package tree_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/signer"
)

const origin = "berlin-1.example/ledger"

func TestMain(m *testing.M) {
	klog.LogToStderr(false) // tessera's fsck tells what it does
	klog.SetOutput(io.Discard)
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// fsck leaves its workers behind when it finds something.
		goleak.IgnoreTopFunction("github.com/transparency-dev/tessera/fsck.(*fsckTree).resourceCheckWorker.func1"))
}

// random is a source that gives the same each time.
func random(seed uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

var opening = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// newLog is an empty ledger whose clock ticks with each event.
func newLog() *memlog.Log {
	ticks := 0
	return memlog.New(func() time.Time { ticks++; return opening.Add(time.Duration(ticks) * time.Millisecond) })
}

// sell appends n events of shoppers in a shop, from the one of this number on.
func sell(t testing.TB, log ledger.Log, from, n int, what string) {
	t.Helper()
	for n > 0 {
		batch := min(n, 40)
		drafts := make([]ledger.Draft, batch)
		for i := range drafts {
			no := from + i
			drafts[i] = ledger.Draft{
				ID: eventID(what, no), Kind: ledger.KindDetectionRecorded, Occurred: opening.Add(time.Duration(no) * time.Millisecond),
				Actor: "device:cam-1", Cause: eventID("cause", no), Trace: "4bf92f3577b34da6a3ce929d0e0e4736",
				Body: fmt.Appendf(nil, `{"seen":%q,"no":%d}`, what, no),
			}
		}
		stream := ledger.VisitStream(ledger.VisitID(eventID(what+" visit", from).String()))
		if _, err := log.Append(context.Background(), stream, ledger.Any(), drafts...); err != nil {
			t.Fatal(err)
		}
		from, n = from+batch, n-batch
	}
}

func eventID(what string, no int) ledger.ID {
	return ledger.DeriveID(ledger.ID{1}, what, fmt.Sprint(no))
}

// gaps is a log whose positions have gaps, as those of an EventStoreDB have.
type gaps struct{ ledger.Log }

const gap = 7

func (g gaps) wide(rs iter.Seq2[ledger.Record, error]) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for r, err := range rs {
			if r.Position *= gap; !yield(r, err) {
				return
			}
		}
	}
}

func (g gaps) Read(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	q.From = (q.From + gap - 1) / gap
	return g.wide(g.Log.Read(ctx, q))
}

func (g gaps) Subscribe(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	q.From = (q.From + gap - 1) / gap
	return g.wide(g.Log.Subscribe(ctx, q))
}

func (g gaps) Head(ctx context.Context) (uint64, error) {
	head, err := g.Log.Head(ctx)
	return head * gap, err
}

// A shop is a ledger with its tree.
type shop struct {
	t      testing.TB
	log    ledger.Log
	files  tree.Files
	dir    string // of the signer
	signer *signer.Signer
	pub    *tree.Publisher
}

// open opens the tree of log in files. The signer's folder outlives it.
func open(t testing.TB, log ledger.Log, files tree.Files, dir string) *shop {
	t.Helper()
	s := &shop{t: t, log: log, files: files, dir: dir}
	var err error
	if s.signer, err = signer.Open(dir, origin, random(1)); err != nil {
		t.Fatal(err)
	}
	s.pub = tree.New(log, files, s.signer, config())
	return s
}

func config() tree.Config {
	return tree.Config{Interval: time.Millisecond, Retry: time.Millisecond, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
}

func (s *shop) close() { s.signer.Close() }

// openShop is a shop that has sold n things and published them.
func openShop(t testing.TB, n int) *shop {
	t.Helper()
	log := newLog()
	sell(t, log, 0, n, "cola")
	s := open(t, log, tree.NewDir(filepath.Join(t.TempDir(), "tlog")), filepath.Join(t.TempDir(), "signer"))
	t.Cleanup(s.close)
	if err := s.publish(); err != nil {
		t.Fatal(err)
	}
	return s
}

// publish makes a checkpoint of all that the log holds.
func (s *shop) publish() error {
	ctx := context.Background()
	if err := s.pub.Resume(ctx); err != nil {
		return err
	}
	if err := s.pub.CatchUp(ctx); err != nil {
		return err
	}
	return s.pub.Publish(ctx)
}

// checkpoint returns the published checkpoint, read and as it is.
func (s *shop) checkpoint() (signer.Checkpoint, []byte) {
	s.t.Helper()
	text, err := s.pub.Folder().Checkpoint()
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := signer.OpenCheckpoint(text, s.key())
	if err != nil {
		s.t.Fatal(err)
	}
	return c, text
}

func (s *shop) key() note.Verifier { return s.signer.Verifier() }

// findings returns what our own verification finds.
func (s *shop) findings() []string {
	s.t.Helper()
	claim, err := tree.ReadClaim(s.files, s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	var found []string
	if _, err := claim.Verify(context.Background(), s.log, func(where, what string) {
		found = append(found, where+": "+what)
	}); err != nil {
		s.t.Fatal(err)
	}
	return found
}

// wantFinding requires that a finding names this.
func (s *shop) wantFinding(what string) {
	s.t.Helper()
	found := s.findings()
	if !strings.Contains(strings.Join(found, "\n"), what) {
		s.t.Errorf("verification finds %q, want a finding about %q", found, what)
	}
}
