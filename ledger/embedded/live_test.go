package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/ledgertest"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// TestReadBesideSealing opens a log read-only and verifies it beside writers
// that fill and seal a segment with every few events: it never fails, and never
// shows less than was acknowledged before.
func TestReadBesideSealing(t *testing.T) {
	dir := t.TempDir()
	l, err := embedded.Open(t.Context(), dir, embedded.Config{Now: ledgertest.JumpingClock(), SegmentBytes: header + 1024})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range uint64(2) {
		wg.Go(func() {
			for n := w; ctx.Err() == nil; n += 2 {
				if err := add(ctx, l, n); err != nil && ctx.Err() == nil {
					t.Errorf("append beside readers: %v", err)
					return
				}
			}
		})
	}
	for round, acked := 0, uint64(0); round < 25 || acked < 200; round++ {
		var err error
		acked, err = l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r, err := embedded.Open(t.Context(), dir, embedded.Config{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		head, err := r.Head(t.Context())
		if err != nil || head < acked {
			t.Errorf("Head() = %d, %v after %d were acknowledged", head, err, acked)
		}
		rs, err := all(t.Context(), r)
		if err != nil || uint64(len(rs)) != head {
			t.Errorf("read %d of %d records: %v", len(rs), head, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if report, err := embedded.Verify(t.Context(), dir, nil); err != nil || report.Events < head {
			t.Errorf("Verify = %d events, %v after %d", report.Events, err, head)
		}
	}
	cancel()
	wg.Wait()
	if err := errors.Join(l.Sealed(t.Context()), l.Close()); err != nil {
		t.Fatal(err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*.sealed")); err != nil || len(names) < 25 {
		t.Errorf("%d segments were sealed meanwhile, %v", len(names), err)
	}
}

// TestReaderKeepsItsSegment checks that a reader that has a segment file open
// keeps it: the writer seals the segment and does not use its file again.
func TestReaderKeepsItsSegment(t *testing.T) {
	dir := t.TempDir()
	cfg := embedded.Config{Now: ledgertest.JumpingClock(), SegmentBytes: tiny}
	l, err := embedded.Open(t.Context(), dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	appendAll(t, l, 0, 3)
	r, err := embedded.Open(t.Context(), dir, embedded.Config{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want, err := all(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, l, 3, 40)
	if err := l.Sealed(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := all(t.Context(), r)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("an old reader: %v (-want +got):\n%s", err, diff)
	}
}

// appendAll appends the events from to to, one by one.
func appendAll(t *testing.T, l ledger.Log, from, to uint64) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := add(t.Context(), l, n); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSubscriptionsAcrossSealing lets subscribers of every kind fall behind by
// some events, which are sealed before they go on: nothing is lost or repeated.
func TestSubscriptionsAcrossSealing(t *testing.T) {
	l := openWith(t, faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil), sealing(tiny))
	defer l.Close()
	for what, q := range map[string]ledger.Query{
		"all":       {},
		"a stream":  {Stream: "visit-1"},
		"prefixes":  {Prefixes: []string{"visit-1", "visit-2"}},
		"a kind":    {Kinds: []ledger.Kind{"bottle.returned.v1"}},
		"from here": {From: 7},
	} {
		next, stop := iter.Pull2(l.Subscribe(t.Context(), q))
		defer stop()
		seen := uint64(0)
		position := func(r ledger.Record) uint64 {
			if q.Stream != "" {
				return r.Revision
			}
			return r.Position
		}
		want := func() (left []ledger.Record) {
			rs, err := collected(l.Read(t.Context(), q))
			if err != nil {
				t.Fatal(err)
			}
			return rs[min(seen, uint64(len(rs))):]
		}
		n, err := l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for lag := range uint64(14) {
			for range lag {
				stream := ledger.StreamID(fmt.Sprintf("visit-%d", n%3))
				if _, err := l.Append(t.Context(), stream, ledger.Any(), ledgertest.Draft(n)); err != nil {
					t.Fatal(err)
				}
				n++
			}
			if lag%3 > 0 {
				if err := l.Sealed(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			left := want()
			if lag%4 == 3 && len(left) > 2 {
				left = left[:2] // and the rest the next time
			}
			for _, w := range left {
				got, err, ok := next()
				if diff := cmp.Diff(w, got); diff != "" || err != nil || !ok {
					t.Fatalf("%s, lag %d, %d: %v (-want +got):\n%s", what, lag, position(w), err, diff)
				}
				seen++
			}
		}
	}
}

func collected(seq iter.Seq2[ledger.Record, error]) ([]ledger.Record, error) {
	var rs []ledger.Record
	for r, err := range seq {
		if err != nil {
			return rs, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// TestModelAcrossSealing runs random histories on a log that seals when it is
// told to, and on the simplest log there is: appends, retries, conflicts, and
// queries of every kind that span what is sealed and what is open, both ways and
// with any limit, are answered alike.
func TestModelAcrossSealing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := sealing(header + 512*rapid.Int64Range(1, 8).Draw(rt, "sectors"))
		cfg.KeepFull = rapid.IntRange(0, 3).Draw(rt, "kept open")
		cfg.CacheBytes = rapid.SampledFrom([]int{-1, 0, 8_000}).Draw(rt, "cache")
		d := faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil)
		l := openWith(t, d, cfg)
		defer func() { _ = l.Close() }()
		m := memlog.New(ledgertest.JumpingClock())
		streams := rapid.SampledFrom([]ledger.StreamID{"visit-anna", "visit-annabel", "visit-bert", "payment-1"})
		sent := uint64(0)
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				stream := streams.Draw(rt, "stream")
				var ds []ledger.Draft
				for range rapid.IntRange(1, 4).Draw(rt, "events") {
					ds = append(ds, ledgertest.Draft(sent))
					sent++
				}
				sameAppend(t, rt, l, m, stream, ledger.Any(), ds)
			},
			"again or against": func(rt *rapid.T) {
				if sent == 0 {
					return
				}
				n := rapid.Uint64Range(0, sent-1).Draw(rt, "event")
				expect := rapid.SampledFrom([]ledger.Expected{
					ledger.Any(), ledger.None(), ledger.Exists(), ledger.After(n), ledger.After(3),
				}).Draw(rt, "expect")
				sameAppend(t, rt, l, m, streams.Draw(rt, "stream"), expect, []ledger.Draft{ledgertest.Draft(n)})
			},
			"seal": func(rt *rapid.T) {
				if err := l.Sealed(t.Context()); err != nil {
					rt.Fatal(err)
				}
			},
			"open again": func(rt *rapid.T) {
				if err := l.Close(); err != nil {
					rt.Fatal(err)
				}
				l = openWith(t, d, cfg)
			},
			"find": func(rt *rapid.T) {
				id := ledgertest.Draft(rapid.Uint64Range(0, sent+3).Draw(rt, "event")).ID
				want, wantErr := m.Find(t.Context(), id)
				got, err := l.Find(t.Context(), id)
				if diff := cmp.Diff(want, got, untimed); diff != "" || errors.Is(err, ledger.ErrNotFound) != errors.Is(wantErr, ledger.ErrNotFound) {
					rt.Fatalf("Find = %v, %v (-want +got):\n%s", err, wantErr, diff)
				}
			},
			"scan": func(rt *rapid.T) { sameScan(t, rt, l, m) },
			"read": func(rt *rapid.T) { sameRead(t, rt, l, m, streams.Draw(rt, "stream"), sent) },
		})
	})
}

var untimed = cmpopts.IgnoreFields(ledger.Record{}, "Recorded") // the embedded log closes and opens, its clock goes on

func sameAppend(
	t *testing.T, rt *rapid.T, l, m ledger.Log, stream ledger.StreamID, expect ledger.Expected, ds []ledger.Draft,
) {
	want, wantErr := m.Append(t.Context(), stream, expect, ds...)
	got, err := l.Append(t.Context(), stream, expect, ds...)
	for _, sentinel := range []error{ledger.ErrConflict, ledger.ErrIDReused} {
		if errors.Is(err, sentinel) != errors.Is(wantErr, sentinel) {
			rt.Fatalf("Append(%s, %s) = %v, want %v", stream, expect, err, wantErr)
		}
	}
	if (err == nil) != (wantErr == nil) {
		rt.Fatalf("Append(%s, %s) = %v, want %v", stream, expect, err, wantErr)
	}
	if diff := cmp.Diff(want, got, untimed); diff != "" {
		rt.Fatalf("Append(%s, %s) (-want +got):\n%s", stream, expect, diff)
	}
}

// sameScan compares a scan, which goes stream by stream where it can, with a
// reading: the same events, and those of each stream in their order.
func sameScan(t *testing.T, rt *rapid.T, l *embedded.Log, m ledger.Log) {
	q := ledger.Query{
		Prefixes: rapid.SliceOfN(rapid.SampledFrom([]string{"visit-", "payment-", "visit-anna", "nobody"}), 0, 2).Draw(rt, "prefixes"),
		Kinds:    rapid.SliceOfN(rapid.SampledFrom([]ledger.Kind{"bottle.taken.v1", "nothing.v1"}), 0, 1).Draw(rt, "kinds"),
	}
	want, err := collected(m.Read(t.Context(), q))
	if err != nil {
		rt.Fatal(err)
	}
	var got []ledger.Record
	for lent, scanErr := range l.Scan(t.Context(), q) {
		if err = scanErr; err != nil {
			break
		}
		r, wholeErr := lent.Whole()
		if err = wholeErr; err != nil {
			break
		}
		r.Body, r.Metadata = bytes.Clone(r.Body), bytes.Clone(r.Metadata) // they are lent
		got = append(got, r)
	}
	last := make(map[ledger.StreamID]uint64)
	for _, r := range got {
		if r.Position <= last[r.Stream] {
			rt.Fatalf("Scan(%+v): position %d of %s after %d", q, r.Position, r.Stream, last[r.Stream])
		}
		last[r.Stream] = r.Position
	}
	slices.SortFunc(got, func(a, b ledger.Record) int { return int(a.Position) - int(b.Position) })
	if diff := cmp.Diff(want, got, untimed, cmpopts.EquateEmpty()); diff != "" || err != nil {
		rt.Fatalf("Scan(%+v) = %v (-want +got):\n%s", q, err, diff)
	}
}

func sameRead(t *testing.T, rt *rapid.T, l, m ledger.Log, stream ledger.StreamID, sent uint64) {
	q := ledger.Query{
		From:      rapid.Uint64Range(0, sent+2).Draw(rt, "from"),
		Backwards: rapid.Bool().Draw(rt, "backwards"),
		Limit:     rapid.IntRange(0, 6).Draw(rt, "limit"),
	}
	if rapid.Bool().Draw(rt, "one stream") {
		q.Stream = stream
	} else {
		q.Prefixes = rapid.SliceOfN(rapid.SampledFrom([]string{"visit-", "payment-", "visit-anna", "nobody"}), 0, 2).Draw(rt, "prefixes")
	}
	kinds := rapid.SampledFrom([]ledger.Kind{"bottle.taken.v1", "bottle.returned.v1", "nothing.v1"})
	q.Kinds = rapid.SliceOfN(kinds, 0, 2).Draw(rt, "kinds")
	want, err := collected(m.Read(t.Context(), q))
	if err != nil {
		rt.Fatal(err)
	}
	got, err := collected(l.Read(t.Context(), q))
	if diff := cmp.Diff(want, got, untimed, cmpopts.EquateEmpty()); diff != "" || err != nil {
		rt.Fatalf("Read(%+v) = %v (-want +got):\n%s", q, err, diff)
	}
}

// TestNoRoomToSeal checks that a disk with no room for sealed segments loses
// nothing: appends go on, and as soon as there is room what is full is sealed.
func TestNoRoomToSeal(t *testing.T) {
	for _, ending := range []string{".sealed.tmp", ".index.tmp"} {
		d := faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil)
		l := openWith(t, d, sealing(tiny))
		d.SetFault(func(op faultdisk.Op) faultdisk.Fault {
			if strings.HasSuffix(op.Name, ending) && op.Grow {
				return faultdisk.NoSpace
			}
			return faultdisk.None
		})
		appendAll(t, l, 0, 20)
		if err := l.Sealed(t.Context()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Sealed() = %v, want ENOSPC", err)
		}
		for name := range filesOf(t, d) {
			if strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".index") {
				t.Errorf("a full disk has got %s", name)
			}
		}
		if rs, err := all(t.Context(), l); err != nil || len(rs) != 20 {
			t.Errorf("%d events on a full disk, %v", len(rs), err)
		}
		d.SetFault(nil)
		appendAll(t, l, 20, 30)
		if err := l.Sealed(t.Context()); err != nil {
			t.Errorf("Sealed() once there is room = %v", err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if report, err := embedded.VerifyFolder(t.Context(), d); err != nil || report.Events != 30 || report.Segments-report.Sealed != 1 {
			t.Errorf("Verify = %+v, %v, want all but one segment sealed", report, err)
		}
	}
}

// TestNoRoomForLookups checks that a log whose lookups are missing opens on a
// full disk: it keeps them in memory.
func TestNoRoomForLookups(t *testing.T) {
	s, want := shelveSealed(t, 24)
	s.drop(s.named(".index")...)
	d := s.on(t)
	d.SetFault(func(op faultdisk.Op) faultdisk.Fault {
		if op.Grow {
			return faultdisk.NoSpace
		}
		return faultdisk.None
	})
	l := openWith(t, d, sealing(tiny))
	got, err := all(t.Context(), l)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if r, err := l.Find(t.Context(), want[3].ID); err != nil || r.Position != 4 {
		t.Errorf("Find = %+v, %v", r, err)
	}
	d.SetFault(nil)
	appendAll(t, l, 1000, 1030)
	if err := errors.Join(l.Sealed(t.Context()), l.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.VerifyFolder(t.Context(), d); err != nil {
		t.Errorf("Verify = %v", err)
	}
}

// TestSealingFails checks that an error of the disk while sealing ends the
// sealing and not the log, and that opening it again goes on with it; an error
// of the folder ends the log.
func TestSealingFails(t *testing.T) {
	for call, ends := range map[string]bool{"write": false, "sync": false, "rename": false, "create": false, "sync folder": true} {
		d := faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil)
		l := openWith(t, d, sealing(tiny))
		var last string // of the names that were changed
		d.SetFault(func(op faultdisk.Op) faultdisk.Fault {
			at := op.Name
			if op.Call == "sync folder" {
				at = last
			}
			last = op.Name
			if op.Call == call && strings.Contains(at, ".index") {
				return faultdisk.IOError
			}
			return faultdisk.None
		})
		acked := uint64(0)
		for n := range uint64(30) {
			if err := add(t.Context(), l, n); err == nil {
				acked++
			} else if !ends || !errors.Is(err, ledger.ErrClosed) {
				t.Errorf("%s: Append = %v", call, err)
			}
			_ = l.Sealed(t.Context())
		}
		if err := l.Sealed(t.Context()); err == nil {
			t.Errorf("%s: Sealed() = nil", call)
		}
		if rs, err := all(t.Context(), l); !ends && (err != nil || uint64(len(rs)) != acked) {
			t.Errorf("%s: %d of %d events, %v", call, len(rs), acked, err)
		} else if ends && !errors.Is(err, ledger.ErrClosed) {
			t.Errorf("%s: reading a log that has ended = %v", call, err)
		}
		_ = l.Close()
		d.SetFault(nil)
		l = openWith(t, d, sealing(tiny))
		if rs, err := all(t.Context(), l); err != nil || uint64(len(rs)) < acked {
			t.Errorf("%s: %d of %d events after opening again, %v", call, len(rs), acked, err)
		}
		if err := errors.Join(l.Sealed(t.Context()), l.Close()); err != nil {
			t.Errorf("%s: sealing after opening again: %v", call, err)
		}
		if report, err := embedded.VerifyFolder(t.Context(), d); err != nil || report.Sealed == 0 {
			t.Errorf("%s: Verify = %+v, %v", call, report, err)
		}
	}
}

// TestSealedWaits checks that waiting for the sealer ends with its context and
// with the log, and needs no wait on a log that is read.
func TestSealedWaits(t *testing.T) {
	d := faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil)
	l := openWith(t, d, sealing(tiny))
	appendAll(t, l, 0, 20)
	if err := errors.Join(l.Sealed(t.Context()), l.Close(), l.Sealed(t.Context())); err != nil {
		t.Errorf("Sealed, Close, Sealed = %v", err)
	}
	cfg := sealing(tiny)
	cfg.ReadOnly = true
	l = openWith(t, d, cfg)
	if err := errors.Join(l.Sealed(t.Context()), l.Close()); err != nil {
		t.Errorf("Sealed of a reader = %v", err)
	}
	cfg = sealing(tiny)
	cfg.KeepFull = -1
	if _, err := embedded.OpenFolder(t.Context(), d, cfg); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("a negative number of segments kept open: %v", err)
	}
}
