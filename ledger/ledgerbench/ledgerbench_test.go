package ledgerbench_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/ledgerbench"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns the log and the bare file in dir as targets.
func open(t testing.TB, dir string) (*embedded.Log, []ledgerbench.Entry) {
	t.Helper()
	l, err := embedded.Open(t.Context(), dir, embedded.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	bare, err := ledgerbench.OpenBare(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bare.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, []ledgerbench.Entry{{Name: "log", Target: ledgerbench.NewEmbedded(l)}, {Name: "bare", Target: bare}}
}

// TestMeasure checks that a short measurement measures: each cell has rates and
// waits, and the log holds decodable events of the promised length.
func TestMeasure(t *testing.T) {
	l, entries := open(t, t.TempDir())
	turns := 0
	entries[1].Most = 4
	cells, err := ledgerbench.Measure(t.Context(), ledgerbench.Config{
		Now: time.Now, Turn: 20 * time.Millisecond, Rounds: 3, Writers: []int{1, 4, 16},
		Progress: func(done, total int) {
			if turns++; done != turns || total != 18 {
				t.Errorf("progress %d of %d, want %d of 18", done, total, turns)
			}
		},
	}, entries...)
	if err != nil {
		t.Fatal(err)
	}
	if len(cells) != 5 {
		t.Fatalf("Measure() gave %d cells, want 5: the bare file leaves out 16 writers", len(cells))
	}
	for _, c := range cells {
		if c.PerSecond <= 0 || c.P50 <= 0 || c.P99 < c.P50 || c.Ratio <= 0 || c.Target == "log" && c.Ratio != 1 {
			t.Errorf("cell %+v", c)
		}
	}
	events := 0
	for r, err := range l.Read(t.Context(), ledger.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.Decode(r); err != nil {
			t.Fatal(err)
		}
		if len(r.Body) != ledgerbench.BodyBytes {
			t.Fatalf("a body has %d bytes, want %d", len(r.Body), ledgerbench.BodyBytes)
		}
		events++
	}
	if events == 0 {
		t.Error("the log is empty")
	}
}

// A lazy target acknowledges what it never wrote.
type lazy struct{}

func (lazy) Append(context.Context, ledgerbench.Event) error { return nil }
func (lazy) Settle(context.Context) error                    { return nil }

// TestWhoDoesNothingIsFaster checks that the ratio points the right way: a
// target that does nothing beats the log.
func TestWhoDoesNothingIsFaster(t *testing.T) {
	_, entries := open(t, t.TempDir())
	cells, err := ledgerbench.Measure(t.Context(), ledgerbench.Config{
		Now: time.Now, Turn: 10 * time.Millisecond, Rounds: 2, Writers: []int{2},
	}, entries[0], ledgerbench.Entry{Name: "lazy", Target: lazy{}})
	if err != nil {
		t.Fatal(err)
	}
	if len(cells) != 2 || cells[1].Ratio >= 1 {
		t.Errorf("Measure() = %+v, want the log to be slower than nothing", cells)
	}
}

// TestWritersKeepToTheRevisions checks that the log has accepted every event at
// the exact revision, over turns with different numbers of writers, by reading
// one stream back.
func TestWritersKeepToTheRevisions(t *testing.T) {
	l, entries := open(t, t.TempDir())
	if _, err := ledgerbench.Measure(t.Context(), ledgerbench.Config{
		Now: time.Now, Turn: 15 * time.Millisecond, Rounds: 2, Writers: []int{3, 2},
	}, entries[0]); err != nil {
		t.Fatal(err)
	}
	seen := map[ledger.ID]bool{}
	var first ledger.Record
	for r, err := range l.Read(t.Context(), ledger.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[r.ID] {
			t.Fatalf("id %s twice", r.ID)
		}
		seen[r.ID] = true
		if r.ID[6]>>4 != 7 || r.ID[8]>>6 != 2 {
			t.Fatalf("id %s is no UUIDv7", r.ID)
		}
		if first.Position == 0 {
			first = r
		} else if bytes.Equal(r.Body, first.Body) && r.Position < 1000 {
			t.Fatalf("event %d has the body of the first", r.Position)
		}
	}
}

// BenchmarkAppend makes events durable in the log and in the bare file, in
// turns, as the table of docs/benchmarks.md does; b.N is the number of rounds.
// It is for benchstat and the profiler.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			_, entries := open(b, b.TempDir())
			cells, err := ledgerbench.Measure(b.Context(), ledgerbench.Config{
				Now: time.Now, Turn: 500 * time.Millisecond, Rounds: b.N, Writers: []int{writers},
			}, entries...)
			if err != nil {
				b.Fatal(err)
			}
			log, bare := cells[0], cells[1]
			b.ReportMetric(bare.Ratio, "share")
			b.ReportMetric(log.PerSecond, "events/s")
			b.ReportMetric(bare.PerSecond, "bare-events/s")
			b.ReportMetric(log.P50, "p50-us")
			b.ReportMetric(log.P99, "p99-us")
			b.ReportMetric(log.CPU, "cpu-us/event")
			b.ReportMetric(bare.CPU, "bare-cpu-us/event")
		})
	}
}
