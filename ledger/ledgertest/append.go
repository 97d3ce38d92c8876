package ledgertest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
)

const (
	anna = ledger.StreamID("visit-anna")
	bert = ledger.StreamID("visit-bert")
	till = ledger.StreamID("payment-anna")
)

func testEmpty(t *testing.T, s *shop) {
	if head, err := s.Head(t.Context()); head != 0 || err != nil {
		t.Errorf("Head() = %d, %v, want 0, nil", head, err)
	}
	for _, q := range []ledger.Query{{}, {Stream: anna}, {Backwards: true, From: ledger.End}} {
		if rs := s.read(t, q); len(rs) != 0 {
			t.Errorf("Read(%+v) = %d records, want none", q, len(rs))
		}
	}
}

func testExpected(t *testing.T, s *shop) {
	steps := []struct {
		expect ledger.Expected
		ok     bool
	}{
		{ledger.Exists(), false},
		{ledger.Exactly(0), false},
		{ledger.After(1), false},
		{ledger.None(), true}, // 0
		{ledger.None(), false},
		{ledger.After(0), false},
		{ledger.Exactly(1), false},
		{ledger.Exactly(0), true}, // 1
		{ledger.Exists(), true},   // 2
		{ledger.Any(), true},      // 3
		{ledger.Exactly(2), false},
		{ledger.Exactly(4), false},
		{ledger.Exactly(ledger.End), false},
		{ledger.After(4), true}, // 4
		{ledger.Exactly(4), true},
	}
	next := uint64(0)
	for i, step := range steps {
		rs, err := s.Append(t.Context(), anna, step.expect, s.draft())
		if (err == nil) != step.ok {
			t.Fatalf("step %d: Append(%s) at revision %d = %v, want success %v", i, step.expect, next, err, step.ok)
		}
		if err == nil {
			if rs[0].Revision != next {
				t.Errorf("step %d: revision %d, want %d", i, rs[0].Revision, next)
			}
			next++
			continue
		}
		var conflict *ledger.ConflictError
		if !errors.As(err, &conflict) || !errors.Is(err, ledger.ErrConflict) {
			t.Fatalf("step %d: Append(%s) = %v, want a ConflictError", i, step.expect, err)
		}
		if conflict.Stream != anna || conflict.Next != next || conflict.Want != step.expect {
			t.Errorf("step %d: conflict = %+v, want next %d, expected %s", i, conflict, next, step.expect)
		}
	}
	s.must(t, bert, ledger.Any(), s.draft()) // any makes a stream, too
	s.refused(t, ledger.ErrConflict, till, ledger.Exists(), s.draft())
}

func testStale(t *testing.T, s *shop) {
	s.must(t, anna, ledger.None(), s.drafts(2)...)
	s.refused(t, ledger.ErrConflict, anna, ledger.Exactly(0), s.draft())
	s.refused(t, ledger.ErrConflict, anna, ledger.None(), s.drafts(3)...)
	s.must(t, anna, ledger.Exactly(1), s.draft())
}

func testConflictVisible(t *testing.T, s *shop) {
	ctx := within(t)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 20 {
				_, err := s.Append(ctx, anna, ledger.After(uint64(i)), Draft(uint64(1000+100*i+w))) //nolint:gosec // small
				var conflict *ledger.ConflictError
				if !errors.As(err, &conflict) {
					continue
				}
				rs, err := collect(s.Read(ctx, ledger.Query{Stream: anna}), -1)
				if err != nil || uint64(len(rs)) < conflict.Next {
					t.Errorf("refused at next revision %d, but a reader sees %d events, %v", conflict.Next, len(rs), err)
				}
			}
		})
	}
	wg.Wait()
	checkWhole(t, s.all(t))
}

func testBatch(t *testing.T, s *shop) {
	a := s.must(t, anna, ledger.None(), s.drafts(3)...)
	b := s.must(t, bert, ledger.Any(), s.drafts(2)...)
	c := s.must(t, anna, ledger.Exactly(2), s.drafts(2)...)
	if c[0].Revision != 3 || b[0].Revision != 0 {
		t.Errorf("revisions %d and %d, want 3 and 0", c[0].Revision, b[0].Revision)
	}
	want := append(append(a, b...), c...)
	if diff := cmp.Diff(want, s.all(t)); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
	checkWhole(t, want)
	if head, err := s.Head(t.Context()); head != c[1].Position || err != nil {
		t.Errorf("Head() = %d, %v, want %d", head, err, c[1].Position)
	}
	s.must(t, till, ledger.None(), s.drafts(ledger.MaxBatch)...)
}

func testBatchAllOrNone(t *testing.T, s *shop) {
	first := s.draft()
	s.must(t, anna, ledger.None(), first)
	bad := s.draft()
	bad.Kind = ""
	s.refused(t, ledger.ErrInvalid, anna, ledger.Any(), s.draft(), bad, s.draft())
	reused := first
	reused.Body = []byte(`{"bottle":0}`)
	s.refused(t, ledger.ErrIDReused, anna, ledger.Any(), s.draft(), reused)
}

func testInvalid(t *testing.T, s *shop) {
	for name, spoil := range map[string]func(*ledger.Draft){
		"no id":                      func(d *ledger.Draft) { d.ID = ledger.ID{} },
		"no kind":                    func(d *ledger.Draft) { d.Kind = "" },
		"long kind":                  func(d *ledger.Draft) { d.Kind = ledger.Kind(strings.Repeat("k", 300)) },
		"long actor":                 func(d *ledger.Draft) { d.Actor = strings.Repeat("a", 300) },
		"body too long":              func(d *ledger.Draft) { d.Body = make([]byte, ledger.MaxBodyBytes+1) },
		"body and metadata too long": func(d *ledger.Draft) { d.Metadata = make([]byte, ledger.MaxBodyBytes) },
		"trace not hex":              func(d *ledger.Draft) { d.Trace = strings.Repeat("z", 32) },
		"never occurred":             func(d *ledger.Draft) { d.Occurred = time.Time{} },
		"occurred elsewhere":         func(d *ledger.Draft) { d.Occurred = d.Occurred.In(time.FixedZone("here", 3600)) },
		"nanoseconds":                func(d *ledger.Draft) { d.Occurred = d.Occurred.Add(1) },
	} {
		t.Run(name, func(t *testing.T) {
			d := s.draft()
			spoil(&d)
			s.refused(t, ledger.ErrInvalid, anna, ledger.Any(), d)
		})
	}
	for _, stream := range []ledger.StreamID{
		"", "visit-ä", "visit-a b", "tab\there", "\xff-1", ledger.StreamID(strings.Repeat("s", ledger.MaxStreamBytes+1)),
	} {
		s.refused(t, ledger.ErrInvalid, stream, ledger.Any(), s.draft())
	}
	s.refused(t, ledger.ErrInvalid, anna, ledger.Any())
	s.refused(t, ledger.ErrInvalid, anna, ledger.Any(), s.drafts(ledger.MaxBatch+1)...)
	twice := s.draft()
	s.refused(t, ledger.ErrInvalid, anna, ledger.Any(), twice, twice)
	heavy := s.drafts(ledger.MaxBatchBytes/ledger.MaxBodyBytes + 1)
	body := make([]byte, ledger.MaxBodyBytes)
	for i := range heavy {
		heavy[i].Body = body
	}
	s.refused(t, ledger.ErrInvalid, anna, ledger.Any(), heavy...)
}

func testRoundTrip(t *testing.T, s *shop) {
	odd := s.drafts(8)
	odd[0].Body = []byte{}
	odd[1].Body = bytes.Repeat([]byte{0, 0xff, '\n'}, 5000)
	odd[2].Actor = strings.Repeat("ä", ledger.MaxActorBytes/2)
	odd[3].Kind = ledger.Kind(strings.Repeat("k", ledger.MaxKindBytes))
	odd[4].Occurred = time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC)
	odd[5].Body = bytes.Repeat([]byte("x"), s.largest())
	odd[6].Metadata, odd[6].Binary = []byte{0, 1, 2, 0xff}, true
	odd[7].Metadata = []byte(`{"$correlationId":"1"}`)
	long := ledger.StreamID("visit-" + strings.Repeat("v", s.longest()-len("visit-")))
	want := s.must(t, long, ledger.None(), odd...)
	if diff := cmp.Diff(want, s.read(t, ledger.Query{Stream: long}), bodies); diff != "" {
		t.Errorf("read back (-appended +read):\n%s", diff)
	}
	want = s.read(t, ledger.Query{From: ledger.End, Backwards: true})
	for i, r := range want {
		if r.ID != odd[len(odd)-1-i].ID {
			t.Errorf("backwards %d: event %s, want %s", i, r.ID, odd[len(odd)-1-i].ID)
		}
	}
}

func testRetry(t *testing.T, s *shop) {
	one, batch := s.draft(), s.drafts(3)
	first := s.must(t, anna, ledger.None(), one)
	stored := s.must(t, anna, ledger.Exactly(0), batch...)
	s.must(t, bert, ledger.Any(), s.draft())
	before := s.all(t)
	for _, expect := range []ledger.Expected{
		ledger.None(), ledger.Exactly(0), ledger.Any(), ledger.Exists(), ledger.Exactly(3), ledger.Exactly(99),
	} {
		if diff := cmp.Diff(first, s.must(t, anna, expect, one)); diff != "" {
			t.Errorf("retry of one event, %s (-first +again):\n%s", expect, diff)
		}
		if diff := cmp.Diff(stored, s.must(t, anna, expect, batch...)); diff != "" {
			t.Errorf("retry of a batch, %s (-first +again):\n%s", expect, diff)
		}
	}
	other := one // the body, the kind and the stream make the event; the rest may be told anew
	other.Actor, other.Occurred = "device:cam-2", other.Occurred.Add(time.Second)
	rs, err := s.Append(t.Context(), anna, ledger.Any(), other)
	if diff := cmp.Diff(first, rs); diff != "" || err != nil {
		t.Errorf("retry with another occurred time = %v (-first +again):\n%s", err, diff)
	}
	if diff := cmp.Diff(before, s.all(t)); diff != "" {
		t.Errorf("retries changed the log (-before +after):\n%s", diff)
	}
}

func testIDReused(t *testing.T, s *shop) {
	d := s.draft()
	s.must(t, anna, ledger.None(), d)
	body, kind, metadata, binary := d, d, d, d
	body.Body = append(bytes.Clone(d.Body), ' ')
	metadata.Metadata = []byte("{}")
	binary.Binary = true
	kind.Kind = "bottle.taken.v2"
	for _, expect := range []ledger.Expected{ledger.Any(), ledger.Exactly(0), ledger.None()} {
		s.refused(t, ledger.ErrIDReused, anna, expect, body)
		s.refused(t, ledger.ErrIDReused, anna, expect, kind)
		s.refused(t, ledger.ErrIDReused, anna, expect, metadata)
		s.refused(t, ledger.ErrIDReused, anna, expect, binary)
		s.refused(t, ledger.ErrIDReused, bert, expect, d)
		s.refused(t, ledger.ErrIDReused, anna, expect, s.draft(), body)
	}
}

func testPartialRetry(t *testing.T, s *shop) {
	ds := s.drafts(3)
	s.must(t, anna, ledger.None(), ds[0], ds[1])
	for _, expect := range []ledger.Expected{ledger.Any(), ledger.None(), ledger.Exactly(1)} {
		s.refused(t, ledger.ErrConflict, anna, expect, ds...)
		s.refused(t, ledger.ErrConflict, anna, expect, ds[2], ds[1])
		s.refused(t, ledger.ErrConflict, anna, expect, ds[1], ds[0])
	}
	s.must(t, anna, ledger.None(), ds[1])
}

func testRetryRace(t *testing.T, s *shop) {
	ctx := within(t)
	const senders, events = 8, 25
	results := make([][]ledger.Record, senders)
	var wg sync.WaitGroup
	for w := range senders {
		wg.Go(func() {
			for i := range uint64(events) {
				rs, err := s.Append(ctx, anna, ledger.Any(), Draft(i))
				if err != nil {
					t.Errorf("sender %d, event %d: %v", w, i, err)
					return
				}
				results[w] = append(results[w], rs...)
			}
		})
	}
	wg.Wait()
	if all := s.all(t); len(all) != events {
		t.Errorf("%d events are stored, want %d", len(all), events)
	}
	for w := range results {
		if diff := cmp.Diff(results[0], results[w]); diff != "" {
			t.Errorf("sender %d was told something else than sender 0 (-0 +%d):\n%s", w, w, diff)
		}
	}
}

func testBodiesOwned(t *testing.T, s *shop) {
	d := s.draft()
	body := bytes.Clone(d.Body)
	rs := s.must(t, anna, ledger.None(), d)
	d.Body[2] = 'X'
	if !bytes.Equal(rs[0].Body, body) {
		t.Errorf("the returned record changed to %s with the caller's bytes", rs[0].Body)
	}
	rs[0].Body[2] = 'Y'
	if got := s.all(t)[0].Body; !bytes.Equal(got, body) {
		t.Errorf("the stored body changed to %s with the caller's bytes", got)
	}
	d.Body = body
	s.must(t, anna, ledger.None(), d)
}

func testRecorded(t *testing.T, s *shop) {
	for range 40 {
		s.must(t, anna, ledger.Any(), s.drafts(2)...)
	}
	checkWhole(t, s.all(t))
}

func testOneWinner(t *testing.T, s *shop) {
	ctx := within(t)
	const writers, rounds = 8, 30
	won := make([]int, rounds)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range rounds {
				_, err := s.Append(ctx, anna, ledger.After(uint64(i)), Draft(uint64(i*writers+w))) //nolint:gosec // small
				switch {
				case err == nil:
					mu.Lock()
					won[i]++
					mu.Unlock()
				case !errors.Is(err, ledger.ErrConflict):
					t.Errorf("writer %d, revision %d: %v", w, i, err)
				}
			}
		})
	}
	wg.Wait()
	for i, n := range won {
		if n != 1 {
			t.Errorf("revision %d was won by %d writers, want exactly one", i, n)
		}
	}
	checkWhole(t, s.all(t))
}

func testManyWriters(t *testing.T, s *shop) {
	ctx := within(t)
	const writers, rounds = 8, 30
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			stream := ledger.StreamID("visit-" + string(rune('a'+w)))
			for i := range rounds {
				n := uint64(2 * (w*rounds + i))                                                   //nolint:gosec // small
				rs, err := s.Append(ctx, stream, ledger.After(uint64(2*i)), Draft(n), Draft(n+1)) //nolint:gosec // small
				if err != nil {
					t.Errorf("writer %d, round %d: %v", w, i, err)
					return
				}
				mine, err := collect(s.Read(ctx, ledger.Query{Stream: stream, From: rs[1].Revision}), -1)
				if err != nil || len(mine) != 1 || mine[0].ID != rs[1].ID {
					t.Errorf("writer %d does not read what it has just written: %d records, %v", w, len(mine), err)
				}
			}
		})
	}
	wg.Wait()
	all := s.all(t)
	checkWhole(t, all)
	if len(all) != 2*writers*rounds {
		t.Errorf("%d events are stored, want %d", len(all), 2*writers*rounds)
	}
	for i := 0; i+1 < len(all); i += 2 {
		if all[i].Stream != all[i+1].Stream {
			t.Errorf("positions %d and %d of one append lie apart", all[i].Position, all[i+1].Position)
		}
	}
}

func testCancelled(t *testing.T, s *shop) {
	s.must(t, anna, ledger.None(), s.drafts(2)...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Append(ctx, anna, ledger.Any(), s.draft()); !errors.Is(err, context.Canceled) {
		t.Errorf("Append(cancelled) = %v", err)
	}
	if _, err := s.Head(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Head(cancelled) = %v", err)
	}
	if _, err := s.Find(ctx, Draft(1).ID); !errors.Is(err, context.Canceled) {
		t.Errorf("Find(cancelled) = %v", err)
	}
	if rs, err := collect(s.Read(ctx, ledger.Query{}), -1); !errors.Is(err, context.Canceled) {
		t.Errorf("Read(cancelled) = %d records, %v", len(rs), err)
	}
	if got := len(s.all(t)); got != 2 {
		t.Errorf("%d events are stored after a cancelled append, want 2", got)
	}
}
