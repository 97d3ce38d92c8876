package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/projections/internal/story"
	"github.com/vouchledger/vouch/projections/runner"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func clock() time.Time { return story.Start }

// day is one visit's story.
const day = `
	present
	hold
	held
	enter
	take water 3
	take cola item=500 as=maybe
	price
	ask
	exit
	decide maybe dismissed
	issue
	capture
	captured
	dispute 1 not_taken 1 as=d
	judge d upheld 1
	correct
	refund 1.63
	refunded
	settle`

// shop returns a log with the story of n visits.
func shop(t testing.TB, n int) *memlog.Log {
	t.Helper()
	log := memlog.New(clock)
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "visit v%d\n%s\n", i+1, day)
	}
	record(t, log, text.String())
	return log
}

// record appends a story to log.
func record(t testing.TB, log ledger.Log, text string) {
	t.Helper()
	s := story.New()
	if err := s.Tell(text); err != nil {
		t.Fatal(err)
	}
	appendAll(t, log, s.Events)
}

func appendAll(t testing.TB, log ledger.Log, events []ledger.Event) {
	t.Helper()
	for _, e := range events {
		d := ledger.Draft{ID: e.ID, Kind: e.Kind, Occurred: e.Occurred, Actor: e.Actor, Body: e.Body}
		if _, err := log.Append(t.Context(), e.Stream, ledger.Any(), d); err != nil {
			t.Fatalf("Append(%s) = %v, want nil", e.Kind, err)
		}
	}
}

func head(t testing.TB, log ledger.Log) uint64 {
	t.Helper()
	h, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func newJournal() *books.Journal { return &books.Journal{} }

// lines collects what is logged.
type lines struct{ bytes.Buffer }

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func journal(log ledger.Log, dir string, l *lines) *runner.Runner[*books.Journal] {
	return runner.New(log, newJournal, runner.Config{Dir: dir, Every: 7}, l.logger())
}

// follow runs r until it has seen the log's end, and stops it.
func follow(t testing.TB, log ledger.Log, r *runner.Runner[*books.Journal]) {
	t.Helper()
	stop := start(t, r)
	if err := r.WaitFor(t.Context(), head(t, log)); err != nil {
		t.Fatalf("WaitFor(head) = %v, want nil", err)
	}
	if err := stop(); err != nil {
		t.Fatalf("Run() = %v, want nil", err)
	}
}

// start runs r; stop ends it and returns what Run returned.
func start[F runner.Fold](t testing.TB, r *runner.Runner[F]) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

func state(t testing.TB, r *runner.Runner[*books.Journal]) string {
	t.Helper()
	var b []byte
	var err error
	r.View(func(j *books.Journal) { b, err = j.MarshalBinary() })
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// straight is the state of a fold without runner, checkpoint or rebuild.
func straight(t testing.TB, log ledger.Log) string {
	t.Helper()
	j := newJournal()
	for e, err := range projections.Decoded(log.Read(t.Context(), ledger.Query{})) {
		if err == nil {
			err = j.Apply(e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := j.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFollow checks that a runner catches up, goes on live, and after a stop
// carries on from its checkpoint.
func TestFollow(t *testing.T) {
	log, dir, l := shop(t, 3), t.TempDir(), &lines{}
	s := story.New()
	if err := s.Tell("visit late\npresent\nenter\ntake gum\nprice\nexit\nissue"); err != nil {
		t.Fatal(err)
	}
	for i := range s.Events { // ids of its own
		s.Events[i].ID = ledger.DeriveID(s.Events[i].ID, "late")
	}
	r := journal(log, dir, l)
	stop := start(t, r)
	if err := r.WaitFor(t.Context(), head(t, log)); err != nil {
		t.Fatal(err)
	}
	appendAll(t, log, s.Events[:4])
	if err := r.WaitFor(t.Context(), head(t, log)); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatalf("Run() = %v, want nil", err)
	}
	appendAll(t, log, s.Events[4:])
	counted := &reads{Log: log}
	again := journal(counted, dir, l)
	follow(t, log, again)
	if got, want := state(t, again), straight(t, log); got != want {
		t.Errorf("after a stop the fold is %s, want %s", got, want)
	}
	if want := len(s.Events) - 4; counted.subscribed != want {
		t.Errorf("after a stop %d events were folded, want the %d new ones", counted.subscribed, want)
	}
	if l.Len() > 0 {
		t.Errorf("logged %s, want nothing", l)
	}
}

// reads counts what a subscription yields.
type reads struct {
	ledger.Log
	subscribed int
}

func (r *reads) Subscribe(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for rec, err := range r.Log.Subscribe(ctx, q) {
			if err == nil {
				r.subscribed++
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}

// TestRestart checks that a runner stopped at any points is one that never
// stopped. (Each stop syncs a file, so this is a few seeds and no rapid.)
func TestRestart(t *testing.T) {
	log := shop(t, 2)
	want, all := straight(t, log), head(t, log)
	for seed := range uint64(12) {
		draw := rand.New(rand.NewPCG(seed, 1))
		dir, every, at := t.TempDir(), 5+draw.IntN(40), uint64(0)
		var stops []uint64
		for at < all {
			at += 1 + draw.Uint64N(all-at)
			stops = append(stops, at)
			r := runner.New(&until{log, at}, newJournal, runner.Config{Dir: dir, Every: every}, slog.New(slog.DiscardHandler))
			stop := start(t, r)
			if err := r.WaitFor(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if at == all && state(t, r) != want {
				t.Errorf("seed %d, stopped at %v: the fold is %s, want %s", seed, stops, state(t, r), want)
			}
		}
	}
}

// until is a log that holds no more than the events up to a position.
type until struct {
	*memlog.Log
	last uint64
}

func (u *until) Head(context.Context) (uint64, error) { return u.last, nil }

func (u *until) Subscribe(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for r, err := range u.Read(ctx, q) {
			if err == nil && r.Position > u.last {
				break
			}
			if !yield(r, err) {
				return
			}
		}
		<-ctx.Done()
		yield(ledger.Record{}, ctx.Err())
	}
}

// TestDiscard checks that a checkpoint that is of no use is noticed, and that
// the fold is right all the same.
func TestDiscard(t *testing.T) {
	log := shop(t, 2)
	flip := func(i int) func([]byte) []byte {
		return func(b []byte) []byte {
			b[(i+len(b))%len(b)] ^= 1
			return b
		}
	}
	for _, c := range []struct {
		name  string
		log   ledger.Log
		spoil func([]byte) []byte
	}{
		{"empty", log, func([]byte) []byte { return nil }},
		{"cut in the header", log, func(b []byte) []byte { return b[:20] }},
		{"cut in the state", log, func(b []byte) []byte { return b[:len(b)-1] }},
		{"longer", log, func(b []byte) []byte { return append(b, 0) }},
		{"one bit in the magic", log, flip(0)},
		{"one bit in the version", log, flip(11)},
		{"one bit in the position", log, flip(19)},
		{"one bit in the record", log, flip(30)},
		{"one bit in the state", log, flip(200)},
		{"one bit in the checksum", log, flip(-1)},
		{"ahead of the log", &until{log, 5}, func(b []byte) []byte { return b }},
		{"of another log", other(t), func(b []byte) []byte { return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, l := t.TempDir(), &lines{}
			follow(t, log, journal(log, dir, l))
			path := filepath.Join(dir, "journal.checkpoint")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.spoil(b), 0o600); err != nil {
				t.Fatal(err)
			}
			r := journal(c.log, dir, l)
			follow(t, c.log, r)
			want := newJournal()
			h := head(t, c.log)
			for e := range projections.Decoded(c.log.Read(t.Context(), ledger.Query{Limit: int(h)})) {
				if err := want.Apply(e); err != nil {
					t.Fatal(err)
				}
			}
			wantState, err := want.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if got := state(t, r); got != string(wantState) {
				t.Errorf("the fold is %s, want %s", got, wantState)
			}
			if !strings.Contains(l.String(), "checkpoint discarded") {
				t.Errorf("logged %q, want that the checkpoint was discarded", l)
			}
		})
	}
}

// other is a log as long as shop(2), of other events.
func other(t *testing.T) ledger.Log {
	log := memlog.New(clock)
	record(t, log, "visit w1\n"+day+"\nvisit w2\n"+day+"\nvisit w3\n"+day)
	return log
}

// TestSelfMadeState checks that a checkpoint that is whole but holds no state
// of this fold is discarded too.
func TestSelfMadeState(t *testing.T) {
	log, dir, l := shop(t, 1), t.TempDir(), &lines{}
	follow(t, log, journal(log, dir, l))
	path := filepath.Join(dir, "journal.checkpoint")
	if err := os.Rename(path, filepath.Join(dir, "visits.checkpoint")); err != nil {
		t.Fatal(err)
	}
	r := runner.New(log, func() *projections.Visits { return &projections.Visits{} }, runner.Config{Dir: dir}, l.logger())
	if err := r.Open(t.Context()); err != nil {
		t.Fatalf("Open() = %v, want nil", err)
	}
	if r.Position() != 0 || !strings.Contains(l.String(), "checkpoint discarded") {
		t.Errorf("the journal's checkpoint as that of visits: position %d, logged %q; want 0 and a warning", r.Position(), l)
	}
}

// broken is a log with one record that is not what was written.
type broken struct {
	*memlog.Log
	at uint64
}

func (b *broken) Subscribe(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for r, err := range b.Log.Subscribe(ctx, q) {
			if r.Position == b.at {
				r.Body = []byte(`{}`)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// TestCorruptLog checks that a corrupt event ends the runner, tells those who
// wait, and that what was right before is kept.
func TestCorruptLog(t *testing.T) {
	log, dir, l := shop(t, 1), t.TempDir(), &lines{}
	r := journal(&broken{log, 9}, dir, l)
	waiting := make(chan error, 1)
	go func() { waiting <- r.WaitFor(context.Background(), 9) }()
	stop := start(t, r)
	if err := <-waiting; !errors.Is(err, ledger.ErrCorrupt) || !errors.Is(err, runner.ErrStopped) {
		t.Errorf("WaitFor() = %v, want ErrStopped because of ErrCorrupt", err)
	}
	if err := stop(); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Run() = %v, want ErrCorrupt", err)
	}
	if err := r.WaitFor(t.Context(), 9); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("WaitFor() after the end = %v, want ErrCorrupt", err)
	}
	if err := r.WaitFor(t.Context(), 8); err != nil {
		t.Errorf("WaitFor(what was folded) after the end = %v, want nil", err)
	}
	mended := journal(log, dir, l)
	if err := mended.Open(t.Context()); err != nil || mended.Position() != 8 {
		t.Errorf("the checkpoint is at %d (%v), want 8", mended.Position(), err)
	}
	follow(t, log, mended)
	if state(t, mended) != straight(t, log) {
		t.Error("the fold over the mended log is not that of the log")
	}
}

// TestRefusals checks what a runner refuses.
func TestRefusals(t *testing.T) {
	log, l := shop(t, 1), &lines{}
	r := journal(log, "", l)
	stop := start(t, r)
	if err := r.WaitFor(t.Context(), head(t, log)); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); !errors.Is(err, runner.ErrRunning) {
		t.Errorf("Run() while it runs = %v, want ErrRunning", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.WaitFor(ctx, head(t, log)+1); !errors.Is(err, context.Canceled) {
		t.Errorf("WaitFor(cancelled) = %v, want Canceled", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := r.WaitFor(t.Context(), head(t, log)+1); !errors.Is(err, runner.ErrStopped) {
		t.Errorf("WaitFor() after the stop = %v, want ErrStopped", err)
	}
	follow(t, log, r) // it may run again
	gone := journal(log, filepath.Join(t.TempDir(), "missing"), l)
	stop = start(t, gone)
	if err := gone.WaitFor(t.Context(), head(t, log)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("WaitFor() without the folder = %v, want ErrNotExist", err)
	}
	if err := stop(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Run() without the folder = %v, want ErrNotExist", err)
	}
}

// BenchmarkFollow measures decoding and folding through a runner.
func BenchmarkFollow(b *testing.B) {
	log := shop(b, 200)
	n := head(b, log)
	for b.Loop() {
		r := journal(log, "", &lines{})
		follow(b, log, r)
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
