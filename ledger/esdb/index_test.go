package esdb

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
)

var morning = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// see is an event of the cluster at a position, created so many seconds after
// the morning began.
func see(stream ledger.StreamID, revision, position uint64, seconds int) sighting {
	return sighting{
		event: event{
			id: ledger.DeriveID(ledger.ID{1}, fmt.Sprint(position)), revision: revision, commit: position - 1,
			created: morning.Add(time.Duration(seconds) * time.Second),
		},
		name: stream, position: position,
	}
}

func noRecord(time.Time) (ledger.Record, error) { return ledger.Record{}, errors.New("nobody waits") }

// fold applies events to a new index.
func fold(t interface {
	Helper()
	Fatalf(string, ...any)
}, events []sighting,
) *index {
	t.Helper()
	x := newIndex(0)
	for _, e := range events {
		if _, err := x.apply(e, noRecord); err != nil {
			t.Fatalf("apply(%s/%d) = %v", e.name, e.revision, err)
		}
	}
	return x
}

// history draws a history of a cluster whose clock jumps.
func history(t *rapid.T) []sighting {
	streams := []ledger.StreamID{"visit-a", "payment-a", "till-log", "visit-b"}
	next := map[ledger.StreamID]uint64{}
	position, clock := uint64(0), 0
	var events []sighting
	for range rapid.IntRange(1, 120).Draw(t, "events") {
		s := rapid.SampledFrom(streams).Draw(t, "stream")
		position += rapid.Uint64Range(1, 400).Draw(t, "bytes")
		clock += rapid.IntRange(-4, 6).Draw(t, "seconds")
		events = append(events, see(s, next[s], position, clock))
		next[s]++
	}
	return events
}

// TestRecordedTime checks that the recorded time of our events is the highest
// time of ours so far, whoever asks and in whatever order, and whether or not
// foreign events have been deleted from the cluster meanwhile.
func TestRecordedTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := history(t)
		x := fold(t, events)
		var own []sighting
		for _, e := range events {
			if e.name.Own() {
				own = append(own, e)
			}
		}
		scavenged := fold(t, own)
		top := time.Time{}
		for _, e := range events {
			got := x.recorded(e.position, e.created)
			if !e.name.Own() {
				if got.Before(top) || got.Before(e.created) {
					t.Fatalf("foreign event at %d was recorded at %v, before %v", e.position, got, top)
				}
				continue
			}
			if top = later(top, e.created); !got.Equal(top) {
				t.Fatalf("position %d created at %v was recorded at %v, want %v", e.position, e.created, got, top)
			}
			if again := scavenged.recorded(e.position, e.created); !again.Equal(got) {
				t.Fatalf("position %d was recorded at %v, and at %v once the foreign events were gone", e.position, got, again)
			}
		}
	})
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// TestPlaces checks that what the index offers as a place to read from is an
// event, on the right side, and not far.
func TestPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := history(t)
		x := fold(t, events)
		is := map[uint64]int{}
		for i, e := range events {
			is[e.position] = i
		}
		last := events[len(events)-1].position
		p := rapid.Uint64Range(0, last+100).Draw(t, "place")
		if b := x.before(p); b > 0 {
			i, ok := is[b]
			if !ok || b >= p || i+markEvery+1 < len(events) && events[i+markEvery+1].position < p {
				t.Fatalf("before(%d) = %d, want an event below and near", p, b)
			}
		} else if events[0].position < p {
			t.Fatalf("before(%d) = none, want one: %d is below", p, events[0].position)
		}
		if a := x.after(p); a > 0 {
			if _, ok := is[a]; !ok || a <= p {
				t.Fatalf("after(%d) = %d, want an event above", p, a)
			}
		} else if last > p {
			t.Fatalf("after(%d) = none, want one: %d is above", p, last)
		}
	})
}

// TestGap checks that an index in which one of our streams misses a revision is
// broken for good, and that a foreign stream may miss what it likes.
func TestGap(t *testing.T) {
	x := fold(t, []sighting{see("visit-a", 0, 1, 0), see("till-log", 7, 2, 0)})
	if _, err := x.apply(see("visit-a", 2, 3, 0), noRecord); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("apply of revision 2 after 0 = %v, want ErrCorrupt", err)
	}
	_, _, _, claim := x.claim(t.Context(), "visit-b", []ledger.Draft{{ID: ledger.ID{7}}})
	_, find := x.find(ledger.ID{7})
	for what, err := range map[string]error{"claim": claim, "find": find, "await": x.await(t.Context(), func() bool { return x.head >= 9 })} {
		if !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("%s on a broken index = %v, want ErrCorrupt", what, err)
		}
	}
}

// TestDouble checks what becomes of an id that two servers appended to two
// streams at once: the first keeps it, the second server is refused, and it is
// told of.
func TestDouble(t *testing.T) {
	x := newIndex(0)
	draft := ledger.Draft{ID: ledger.ID{7}, Kind: "k", Occurred: morning}
	c, stored, _, err := x.claim(t.Context(), "visit-b", []ledger.Draft{draft})
	if c == nil || stored != nil || err != nil {
		t.Fatalf("claim = %v, %v, %v, want a claim", c, stored, err)
	}
	for i, stream := range []ledger.StreamID{"visit-a", "visit-b"} { // the other server's, then ours
		s := see(stream, 0, uint64(10+i), 0)
		s.id = draft.ID
		double, err := x.apply(s, func(recorded time.Time) (ledger.Record, error) {
			return ledger.Record{ID: s.id, Kind: "k", Stream: stream, Position: s.position, Recorded: recorded}, nil
		})
		if err != nil || (double != nil) != (i == 1) {
			t.Fatalf("apply to %s = %v, %v", stream, double, err)
		}
	}
	if err := x.await(t.Context(), func() bool { return c.missing == 0 }); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Repeated("visit-b", ledger.None(), 0, []ledger.Draft{draft}, c.records); !errors.Is(err, ledger.ErrIDReused) {
		t.Errorf("the second server is told %v, want ErrIDReused", err)
	}
	if at, _ := x.find(draft.ID); at != 10 {
		t.Errorf("the id is found at %d, want the first place, 10", at)
	}
	if diff := cmp.Diff([]Double{{draft.ID, 10, 11}}, x.doubles); diff != "" {
		t.Errorf("doubles (-want +got):\n%s", diff)
	}
}

// TestClaimWaits checks that an append waits for another one of the same event,
// and no longer than it has time.
func TestClaimWaits(t *testing.T) {
	x := newIndex(0)
	ds := []ledger.Draft{{ID: ledger.ID{7}}}
	c, _, _, _ := x.claim(t.Context(), "visit-a", ds)
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errSlow)
	defer cancel()
	if _, _, _, err := x.claim(ctx, "visit-b", ds); !errors.Is(err, ledger.ErrUnavailable) {
		t.Errorf("claim of a claimed id = %v, want ErrUnavailable in time", err)
	}
	x.giveBack(c)
	if again, _, _, err := x.claim(t.Context(), "visit-b", ds); again == nil || err != nil {
		t.Errorf("claim of an id that was given back = %v, %v", again, err)
	}
}

// sample is an index with everything in it.
func sample(t *testing.T) *index {
	x := fold(t, []sighting{see("visit-a", 0, 100, 5), see("till-log", 3, 160, 9), see("visit-a", 1, 220, 2), see("visit-b", 0, 300, 8)})
	d := see("payment-a", 0, 350, 9)
	d.id = see("visit-a", 0, 100, 0).id
	if double, err := x.apply(d, noRecord); double == nil || err != nil {
		t.Fatalf("apply of a double = %v, %v", double, err)
	}
	return x
}

// TestSnapshotBytes pins the layout of the file: an older file is read, or has
// another version.
func TestSnapshotBytes(t *testing.T) {
	x := sample(t)
	b := x.encode("shop1.", 0)
	golden := filepath.Join("testdata", "index.hex")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.Dump(b); got != string(want) {
		t.Errorf("encode() =\n%swant\n%s", got, want)
	}
	back, err := decodeIndex(b, "shop1.", 0)
	if err != nil {
		t.Fatal(err)
	}
	x.saved, x.looked = back.saved, back.looked
	if diff := cmp.Diff(x, back, cmp.AllowUnexported(index{}, fall{}), cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".mu"
	}, cmp.Ignore())); diff != "" {
		t.Errorf("decodeIndex(encode()) (-want +got):\n%s", diff)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, err := decodeIndex(bad, "shop1.", 0); !errors.Is(err, errSnapshot) {
			t.Fatalf("decodeIndex with byte %d changed = %v, want %v", i, err, errSnapshot)
		}
	}
	for _, other := range []struct {
		namespace string
		since     uint64
	}{{"shop2.", 0}, {"shop1.", 100}} {
		if _, err := decodeIndex(b, other.namespace, other.since); !errors.Is(err, errSnapshot) {
			t.Errorf("decodeIndex for %+v = %v, want %v", other, err, errSnapshot)
		}
	}
}

// TestSnapshotLaw checks that an index saved at any point and carried on is the
// one that was never saved.
func TestSnapshotLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := history(t)
		cut := rapid.IntRange(0, len(events)).Draw(t, "cut")
		x, err := decodeIndex(fold(t, events[:cut]).encode("", 0), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events { // from before the cut: a cluster may send again
			if _, err := x.apply(e, noRecord); err != nil {
				t.Fatal(err)
			}
		}
		if whole := fold(t, events).encode("", 0); !bytes.Equal(x.encode("", 0), whole) {
			t.Fatalf("cut at %d: the index differs", cut)
		}
	})
}

// FuzzSnapshot checks that what is accepted is written again to the byte.
func FuzzSnapshot(f *testing.F) {
	f.Add(newIndex(0).encode("", 0))
	f.Add(fold(f, []sighting{see("visit-a", 0, 100, 5), see("visit-a", 1, 220, 2)}).encode("", 0))
	f.Add([]byte(snapshotMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if x, err := decodeIndex(b, "", 0); err == nil && !bytes.Equal(x.encode("", 0), b) {
			t.Errorf("decodeIndex(%x) was accepted and is another", b)
		}
	})
}

// TestGuard checks that a panic of the client is an error, and that a call that
// does not come back is left in time.
func TestGuard(t *testing.T) {
	s := newSession(nil)
	if _, err := guard(t.Context(), s, func(context.Context) (int, error) { panic("unreachable code") }); !errors.Is(err, errPanic) || !trouble(err) {
		t.Errorf("guard of a panic = %v, want trouble: %v", err, errPanic)
	}
	if v, err := guard(t.Context(), s, func(context.Context) (int, error) { return 7, nil }); v != 7 || err != nil {
		t.Errorf("guard = %d, %v, want 7", v, err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errSlow)
	defer cancel()
	hung, back := make(chan struct{}), make(chan struct{})
	hang := func(context.Context) (int, error) { defer close(back); <-hung; return 7, nil }
	if _, err := guard(ctx, s, hang); !errors.Is(err, errSlow) {
		t.Errorf("guard of a call that hangs = %v, want %v", err, errSlow)
	}
	close(hung)
	<-back
	s.mu.Lock()
	s.over = true
	s.calls++ // so that nobody closes a client that is none
	s.mu.Unlock()
	if _, err := guard(t.Context(), s, hang); !errors.Is(err, errGone) {
		t.Errorf("guard on a session that is over = %v, want %v", err, errGone)
	}
}
