package jetstream_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/ledgerbench"
	"github.com/vouchledger/vouch/ledger/ledgerbench/jetstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAppends checks that JetStream takes events of many writers, each at the
// exact revision, and refuses one at a revision that is taken. VOUCH_NATS_SERVER
// says where the server is; make test builds one.
func TestAppends(t *testing.T) {
	path, err := jetstream.Find(os.Getenv("VOUCH_NATS_SERVER"))
	if err != nil {
		t.Skip(err)
	}
	s, err := jetstream.Start(t.Context(), path, t.TempDir())
	if errors.Is(err, jetstream.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	st, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cells, err := ledgerbench.Measure(t.Context(), ledgerbench.Config{
		Now: time.Now, Turn: 50 * time.Millisecond, Rounds: 2, Writers: []int{1, 8},
	}, ledgerbench.Entry{Name: "jetstream", Target: st})
	if err != nil {
		t.Fatal(err)
	}
	if len(cells) != 2 || cells[0].PerSecond <= 0 {
		t.Errorf("Measure() = %+v", cells)
	}
	e := ledgerbench.Event{Stream: "visit-late", Number: 7, Draft: ledger.Draft{ID: ledger.ID{1}, Kind: "k", Body: []byte("{}")}}
	if err := st.Append(t.Context(), e); err == nil {
		t.Error("an event was taken whose subject's last sequence is another") // stream 7 has messages, but not of this subject
	}
	e.Number = ledgerbench.Streams - 1 // nothing was appended there
	if err := st.Append(t.Context(), e); err != nil {
		t.Error(err)
	}
	if err := st.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestATooOldServer checks that a server that cannot sync always is not taken
// for one that can.
func TestATooOldServer(t *testing.T) {
	old := filepath.Join(t.TempDir(), "nats-server")
	if err := os.WriteFile(old, []byte("#!/bin/sh\necho nats-server: v2.9.15\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := jetstream.Start(t.Context(), old, t.TempDir()); !errors.Is(err, jetstream.ErrMissing) {
		t.Errorf("Start() of an old server = %v, want ErrMissing", err)
	}
}
