package runner_test

import (
	"strings"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/projections/runner"
)

// TestRebuild checks that a rebuilt fold equals the one kept live, that the
// old one answers meanwhile, and that progress is told.
func TestRebuild(t *testing.T) {
	log, dir, l := shop(t, 120), t.TempDir(), &lines{}
	r := journal(log, dir, l)
	stop := start(t, r)
	if err := r.WaitFor(t.Context(), head(t, log)); err != nil {
		t.Fatal(err)
	}
	var told []uint64
	got, err := r.Rebuild(t.Context(), func(done, total uint64) {
		if total != head(t, log) {
			t.Errorf("progress of %d, want of %d", total, head(t, log))
		}
		told = append(told, done)
	})
	if err != nil {
		t.Fatalf("Rebuild() = %v, want nil", err)
	}
	want := runner.Rebuilt{Events: head(t, log), Position: head(t, log), Compared: head(t, log), Equal: true}
	if got != want {
		t.Errorf("Rebuild() = %+v, want %+v", got, want)
	}
	if len(told) < 3 || told[0] == 0 || told[len(told)-1] != head(t, log) {
		t.Errorf("progress told %v, want several steps and the end", told)
	}
	if err := stop(); err != nil {
		t.Fatalf("Run() = %v, want nil", err)
	}
	if state(t, r) != straight(t, log) || l.Len() > 0 {
		t.Errorf("the rebuilt fold is %s, logged %q; want %s and nothing", state(t, r), l, straight(t, log))
	}
}

// TestRebuildStopped checks that a fold that does not run is compared where it
// stands, and brought to the end of the log.
func TestRebuildStopped(t *testing.T) {
	log, dir, l := shop(t, 3), t.TempDir(), &lines{}
	part := &until{log, 20}
	follow(t, part, journal(part, dir, l))
	r := journal(log, dir, l)
	got, err := r.Rebuild(t.Context(), nil)
	if err != nil {
		t.Fatalf("Rebuild() = %v, want nil", err)
	}
	want := runner.Rebuilt{Events: head(t, log), Position: head(t, log), Compared: 20, Equal: true}
	if got != want {
		t.Errorf("Rebuild() = %+v, want %+v", got, want)
	}
	if state(t, r) != straight(t, log) {
		t.Errorf("the rebuilt fold is %s, want %s", state(t, r), straight(t, log))
	}
	fresh := journal(log, dir, l)
	if err := fresh.Open(t.Context()); err != nil || fresh.Position() != head(t, log) {
		t.Errorf("the checkpoint after a rebuild is at %d (%v), want %d", fresh.Position(), err, head(t, log))
	}
}

// A forgetful journal has lost an event: as one of an older program might.
type forgetful struct {
	books.Journal
	lose bool
}

func (f *forgetful) Apply(e ledger.Event) error {
	if f.lose && e.Kind == ledger.KindCaptured {
		e.Payload = ledger.VisitSettled{}
	}
	return f.Journal.Apply(e)
}

// TestRebuildMends breaks TestRebuild on purpose: a fold that is wrong is
// found, said, and replaced.
func TestRebuildMends(t *testing.T) {
	log, l := shop(t, 1), &lines{}
	first := true
	r := runner.New(log, func() *forgetful {
		f := &forgetful{lose: first}
		first = false
		return f
	}, runner.Config{}, l.logger())
	stop := start(t, r)
	if err := r.WaitFor(t.Context(), head(t, log)); err != nil {
		t.Fatal(err)
	}
	got, err := r.Rebuild(t.Context(), nil)
	if err != nil || got.Equal {
		t.Errorf("Rebuild() of a wrong fold = %+v, %v, want Equal false", got, err)
	}
	if !strings.Contains(l.String(), "differed from its rebuild") {
		t.Errorf("logged %q, want that the fold differed", l)
	}
	r.View(func(f *forgetful) {
		b, err := f.MarshalBinary()
		if err != nil || string(b) != straight(t, log) {
			t.Errorf("after the rebuild the fold is %s (%v), want %s", b, err, straight(t, log))
		}
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
