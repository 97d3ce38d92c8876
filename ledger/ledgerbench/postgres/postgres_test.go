package postgres_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/ledgerbench"
	"github.com/vouchledger/vouch/ledger/ledgerbench/postgres"
	"github.com/vouchledger/vouch/ledger/memlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server starts a PostgreSQL for the test, or skips it where there is none.
func server(t *testing.T) *postgres.Server {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // the user postgres must be able to pass
		if err := os.Chmod(d, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	s, err := postgres.Start(t.Context(), dir)
	if errors.Is(err, postgres.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestAppends checks that the table takes events of many writers, each at the
// exact revision, and refuses one at a revision that is taken.
func TestAppends(t *testing.T) {
	s := server(t)
	if v, err := s.Version(t.Context()); err != nil || v == "" {
		t.Fatalf("Version() = %q, %v", v, err)
	}
	st, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cells, err := ledgerbench.Measure(t.Context(), ledgerbench.Config{
		Now: time.Now, Turn: 50 * time.Millisecond, Rounds: 2, Writers: []int{1, 8},
	}, ledgerbench.Entry{Name: "postgres", Target: st})
	if err != nil {
		t.Fatal(err)
	}
	if len(cells) != 2 || cells[0].PerSecond <= 0 {
		t.Errorf("Measure() = %+v", cells)
	}
	e := ledgerbench.Event{Stream: "visit-late", Draft: draft(1)}
	if err := st.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if err := st.Append(t.Context(), e); err == nil {
		t.Error("a second first event was taken")
	}
	if err := st.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func draft(n byte) ledger.Draft {
	return ledger.Draft{
		ID: ledger.ID{n}, Kind: "gate.exited.v1", Occurred: time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC), Actor: "device:gate-1",
		Body: []byte(`{"visit":"late","gate":"gate-1"}`),
	}
}

// TestLoadAndVisit checks that what was loaded is read back as it was, in order
// and of this stream alone.
func TestLoadAndVisit(t *testing.T) {
	s := server(t)
	log := memlog.New(func() time.Time { return time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC) })
	for n := range byte(3) {
		for i, stream := range []ledger.StreamID{"visit-anna", "visit-ben"} {
			if _, err := log.Append(t.Context(), stream, ledger.After(uint64(n)), draft(10*n+byte(i)+1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	st, err := s.Load(t.Context(), log.Read(t.Context(), ledger.Query{}))
	if err != nil {
		t.Fatal(err)
	}
	rs, err := st.Visit(t.Context(), nil, "visit-ben")
	if err != nil || len(rs) != 3 {
		t.Fatalf("Visit() = %d records, %v, want 3", len(rs), err)
	}
	i := 0
	for want, err := range log.Read(t.Context(), ledger.Query{Stream: "visit-ben"}) {
		if err != nil {
			t.Fatal(err)
		}
		got := rs[i]
		if got.ID != want.ID || got.Position != want.Position || got.Revision != want.Revision || got.Kind != want.Kind ||
			!got.Occurred.Equal(want.Occurred) || !bytes.Equal(got.Body, want.Body) {
			t.Errorf("record %d is %+v, want %+v", i, got, want)
		}
		i++
	}
	if err := st.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAServerThatIsNotThere checks that a wrong address is an error that names
// what was tried.
func TestAServerThatIsNotThere(t *testing.T) {
	if _, err := postgres.Use("host=" + t.TempDir() + " user=nobody").Open(t.Context()); err == nil {
		t.Error("Open() of nothing succeeded")
	}
}

// TestAFolderThatPostgresCannotEnter checks that root is told so.
func TestAFolderThatPostgresCannotEnter(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		t.Skip("anybody but root runs PostgreSQL as they are")
	}
	if _, err := postgres.Start(t.Context(), dir); !errors.Is(err, postgres.ErrMissing) {
		t.Errorf("Start() = %v, want ErrMissing", err)
	}
}
