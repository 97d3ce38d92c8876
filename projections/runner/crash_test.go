package runner

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// A tally is the simplest fold.
type tally struct{ seen []byte }

func (*tally) Name() string                     { return "tally" }
func (c *tally) Apply(e ledger.Event) error     { c.seen = append(c.seen, e.ID[:]...); return nil }
func (c *tally) MarshalBinary() ([]byte, error) { return c.seen, nil }
func (c *tally) UnmarshalBinary(b []byte) error { c.seen = append([]byte{}, b...); return nil }

func monday() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

func exits(t *testing.T, log ledger.Log, n int) {
	t.Helper()
	for range n {
		h, err := log.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d, err := ledger.NewDraft(ledger.Meta{ID: ledger.DeriveID(ledger.ID{byte(h)}, "exit"), Occurred: monday(), Actor: "test"},
			ledger.GateExited{Visit: "v1", Gate: "g1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(t.Context(), "visit-v1", ledger.Any(), d); err != nil {
			t.Fatal(err)
		}
	}
}

func counted(t *testing.T, log ledger.Log, dir string) *Runner[*tally] {
	t.Helper()
	r := New(log, func() *tally { return &tally{} }, Config{Dir: dir, Every: 1000}, slog.New(slog.DiscardHandler))
	if err := r.Open(t.Context()); err != nil {
		t.Fatalf("Open() = %v, want nil", err)
	}
	return r
}

func runTo(t *testing.T, r *Runner[*tally], position uint64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	if err := r.WaitFor(t.Context(), position); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("Run() = %v, want nil", err)
	}
}

// TestCrash checks that a crash at any step of writing a checkpoint leaves the
// one before or the new one, and that the fold is whole either way.
func TestCrash(t *testing.T) {
	for _, c := range []struct {
		name  string
		crash func(t *testing.T, path string, c checkpoint)
		want  uint64 // position the next start begins from
	}{
		{"before anything", func(*testing.T, string, checkpoint) {}, 3},
		{"in the temporary file", func(t *testing.T, path string, c checkpoint) {
			if err := os.WriteFile(tempName(path), c.encode()[:50], 0o600); err != nil {
				t.Fatal(err)
			}
		}, 3},
		{"between temporary file and rename", func(t *testing.T, path string, c checkpoint) {
			if err := writeTemp(path, c); err != nil {
				t.Fatal(err)
			}
		}, 3},
		{"after the rename", func(t *testing.T, path string, c checkpoint) {
			if err := write(path, c); err != nil {
				t.Fatal(err)
			}
		}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			log, dir := memlog.New(monday), t.TempDir()
			exits(t, log, 3)
			r := counted(t, log, dir)
			runTo(t, r, 3)
			exits(t, log, 2)

			// What the next checkpoint would be.
			ahead := counted(t, log, t.TempDir())
			runTo(t, ahead, 5)
			next := checkpoint{position: 5, record: digest(ahead.last), state: ahead.fold.seen}
			c.crash(t, filepath.Join(dir, "tally.checkpoint"), next)

			after := counted(t, log, dir)
			if got := after.Position(); got != c.want {
				t.Errorf("after a crash %s the fold begins at %d, want %d", c.name, got, c.want)
			}
			runTo(t, after, 5)
			if string(after.fold.seen) != string(ahead.fold.seen) {
				t.Errorf("after a crash %s the fold has seen %x, want %x", c.name, after.fold.seen, ahead.fold.seen)
			}
			if _, err := os.Stat(tempName(filepath.Join(dir, "tally.checkpoint"))); !os.IsNotExist(err) && c.want == 5 {
				t.Errorf("a temporary file is left: %v", err)
			}
		})
	}
}

// TestCheckpointBytes pins the layout of the file: an older file is read, or
// has another version.
func TestCheckpointBytes(t *testing.T) {
	c := checkpoint{position: 258, record: [32]byte{1, 2, 3}, state: []byte("state")}
	b := c.encode()
	if got := string(b[:8]) + string(b[len(b)-37:len(b)-32]); got != "VOUCHCPTstate" {
		t.Errorf("encode() = %q", b)
	}
	if b[11] != 1 || b[18] != 1 || b[19] != 2 || b[20] != 1 || b[59] != 5 || len(b) != headerSize+5+32 {
		t.Errorf("encode() = %x, want version 1, position 258, the record and 5 bytes of state", b)
	}
	d, err := decode(b)
	if err != nil || d.position != c.position || d.record != c.record || string(d.state) != "state" {
		t.Errorf("decode(encode()) = %+v, %v, want %+v", d, err, c)
	}
}

// FuzzDecode checks that what is accepted is written again to the byte.
func FuzzDecode(f *testing.F) {
	f.Add(checkpoint{position: 1, state: []byte("x")}.encode())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := decode(b); err == nil && string(c.encode()) != string(b) {
			t.Errorf("decode(%x) was accepted and is %x", b, c.encode())
		}
	})
}
