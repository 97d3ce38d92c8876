package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
)

// fill appends a morning of three visits and their payments, in batches of 1
// to 3, and returns it all.
func (s *shop) fill(t *testing.T) []ledger.Record {
	t.Helper()
	streams := []ledger.StreamID{anna, bert, till, "visit-annabel", "store-berlin"}
	for i := range 20 {
		s.must(t, streams[i*i%len(streams)], ledger.Any(), s.drafts(1+i%3)...)
	}
	return s.all(t)
}

func testReadStream(t *testing.T, s *shop) {
	s.fill(t)
	var events []ledger.Record
	for _, r := range s.all(t) {
		if r.Stream == anna {
			events = append(events, r)
		}
	}
	n := len(events)
	if n < 5 {
		t.Fatalf("the stream has %d events, the test needs 5", n)
	}
	for from := range n + 2 {
		for _, limit := range []int{0, 1, 2, n, n + 1} {
			q := ledger.Query{Stream: anna, From: uint64(from), Limit: limit} //nolint:gosec // small
			expectRead(t, s, q, events[min(from, n):])
			q.Backwards = true
			down := slices.Clone(events[:min(from+1, n)])
			slices.Reverse(down)
			expectRead(t, s, q, down)
		}
	}
	slices.Reverse(events)
	expectRead(t, s, ledger.Query{Stream: anna, From: ledger.End, Backwards: true}, events)
	expectRead(t, s, ledger.Query{Stream: anna, From: ledger.End}, nil)
	expectRead(t, s, ledger.Query{Stream: "visit-an"}, nil)
}

// expectRead compares a reading with want, cut to the query's limit.
func expectRead(t *testing.T, s *shop, q ledger.Query, want []ledger.Record) {
	t.Helper()
	if q.Limit > 0 && len(want) > q.Limit {
		want = want[:q.Limit]
	}
	got := s.read(t, q)
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Read(%+v) (-want +got):\n%s", q, diff)
	}
}

func testReadAll(t *testing.T, s *shop) {
	all := s.fill(t)
	checkWhole(t, all)
	n := len(all)
	last := all[n-1].Position
	middle := all[n/2].Position
	for _, from := range []uint64{0, 1, all[1].Position, middle, middle + 1, last, last + 1, ledger.End} {
		for _, limit := range []int{0, 1, 3, n + 1} {
			up := slices.DeleteFunc(slices.Clone(all), func(r ledger.Record) bool { return r.Position < from })
			expectRead(t, s, ledger.Query{From: from, Limit: limit}, up)
			down := slices.DeleteFunc(slices.Clone(all), func(r ledger.Record) bool { return r.Position > from })
			slices.Reverse(down)
			expectRead(t, s, ledger.Query{From: from, Limit: limit, Backwards: true}, down)
		}
	}
}

func testFilters(t *testing.T, s *shop) {
	all := s.fill(t)
	for i, q := range []ledger.Query{
		{Prefixes: []string{"visit-"}},
		{Prefixes: []string{"visit-anna"}},
		{Prefixes: []string{"payment-", "store-"}},
		{Prefixes: []string{"nobody-"}},
		{Kinds: []ledger.Kind{"bottle.returned.v1"}},
		{Kinds: []ledger.Kind{"bottle.returned.v1", "bottle.taken.v1"}},
		{Kinds: []ledger.Kind{"bottle.dropped.v1"}},
		{Prefixes: []string{"visit-"}, Kinds: []ledger.Kind{"bottle.returned.v1"}, From: all[3].Position},
		{Stream: anna, Kinds: []ledger.Kind{"bottle.taken.v1"}},
		{Stream: anna, Kinds: []ledger.Kind{"bottle.taken.v1"}, From: 2},
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(r ledger.Record) bool {
			at := r.Position
			if q.Stream != "" {
				at = r.Revision
			}
			return !q.Wants(r.Stream, r.Kind) || at < q.From
		})
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			expectRead(t, s, q, want)
			q.Limit = 2 // counts what passes, not what is looked at
			expectRead(t, s, q, want)
			if q.From == 0 {
				slices.Reverse(want)
				q.Backwards, q.From, q.Limit = true, ledger.End, 0
				expectRead(t, s, q, want)
			}
		})
	}
}

func testInvalidQuery(t *testing.T, s *shop) {
	s.fill(t)
	ctx := within(t)
	for _, q := range []ledger.Query{{Limit: -1}, {Stream: anna, Prefixes: []string{"visit-"}}} {
		if rs, err := collect(s.Read(ctx, q), -1); !errors.Is(err, ledger.ErrInvalid) || len(rs) > 0 {
			t.Errorf("Read(%+v) = %d records, %v, want ErrInvalid", q, len(rs), err)
		}
		if rs, err := collect(s.Subscribe(ctx, q), -1); !errors.Is(err, ledger.ErrInvalid) || len(rs) > 0 {
			t.Errorf("Subscribe(%+v) = %d records, %v, want ErrInvalid", q, len(rs), err)
		}
	}
	for _, q := range []ledger.Query{{Backwards: true}, {Limit: 1}} {
		if rs, err := collect(s.Subscribe(ctx, q), -1); !errors.Is(err, ledger.ErrInvalid) || len(rs) > 0 {
			t.Errorf("Subscribe(%+v) = %d records, %v, want ErrInvalid", q, len(rs), err)
		}
	}
}

func testBreak(t *testing.T, s *shop) {
	all := s.fill(t)
	seq := s.Read(t.Context(), ledger.Query{})
	for range 2 { // a sequence may be ranged over again
		rs, err := collect(seq, 3)
		if diff := cmp.Diff(all[:3], rs); diff != "" || err != nil {
			t.Errorf("the first three = %v (-want +got):\n%s", err, diff)
		}
	}
	s.must(t, anna, ledger.Any(), s.draft())
}

func testFind(t *testing.T, s *shop) {
	for _, want := range s.fill(t) {
		got, err := s.Find(t.Context(), want.ID)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Find(%s) = %v (-want +got):\n%s", want.ID, err, diff)
		}
	}
	for _, id := range []ledger.ID{{}, s.draft().ID} {
		if _, err := s.Find(t.Context(), id); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Find(%s) = %v, want ErrNotFound", id, err)
		}
	}
}
