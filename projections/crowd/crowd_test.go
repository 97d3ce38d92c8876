package crowd_test

import (
	"bytes"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/projections/crowd"
)

// busy returns a log with n appends of a shop with 20 visits inside, and the
// appends.
func busy(t testing.TB, seed uint64, n int) (ledger.Log, []crowd.Append) {
	t.Helper()
	log := memlog.New(func() time.Time { return time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC) })
	s, err := crowd.NewShop(seed, 1, 20)
	if err != nil {
		t.Fatal(err)
	}
	var as []crowd.Append
	for range n {
		a, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(t.Context(), a.Stream, a.Expect, a.Drafts...); err != nil {
			t.Fatal(err)
		}
		as = append(as, a)
	}
	return log, as
}

func decoded(rs iter.Seq2[ledger.Record, error]) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		for r, err := range rs {
			var e ledger.Event
			if err == nil {
				e, err = ledger.Decode(r)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// TestEveryVisitIsPlausible checks that what was made up is what the product
// could have written: it decodes, folds without an oddity, and every receipt
// is what its visit replays to.
func TestEveryVisitIsPlausible(t *testing.T) {
	log, appends := busy(t, 1, 5000)
	carts := map[ledger.StreamID]*projections.Cart{}
	for e, err := range decoded(log.Read(t.Context(), ledger.Query{Prefixes: []string{"visit-"}})) {
		if err != nil {
			t.Fatal(err)
		}
		if carts[e.Stream] == nil {
			carts[e.Stream] = &projections.Cart{}
		}
		if err := carts[e.Stream].Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	settled, events := 0, uint64(0)
	for stream, c := range carts {
		if len(c.Odd) > 0 {
			t.Errorf("%s: %+v", stream, c.Odd)
		}
		if c.Status != projections.StatusSettled {
			continue
		}
		settled++
		events += c.Events
		if err := projections.VerifyReceipts(decoded(log.Read(t.Context(), ledger.Query{Stream: stream}))); err != nil {
			t.Error(err)
		}
	}
	if settled < 50 {
		t.Fatalf("%d visits settled of %d appends, want at least 50", settled, len(appends))
	}
	if mean := float64(events) / float64(settled); mean < 35 || mean > 45 {
		t.Errorf("a visit has %.1f events, want about 40", mean)
	}
	bodies := 0
	for _, a := range appends {
		bodies += len(a.Drafts[0].Body)
	}
	if mean := bodies / len(appends); mean < 280 || mean > 400 {
		t.Errorf("a body has %d bytes, want about 350", mean)
	}
	t.Logf("%d visits settled, %.1f events each, bodies of %d bytes", settled, float64(events)/float64(settled), bodies/len(appends))
}

// TestTheJournalBalances checks that the payments belong to the receipts.
func TestTheJournalBalances(t *testing.T) {
	log, _ := busy(t, 2, 4000)
	var j books.Journal
	for e, err := range decoded(log.Read(t.Context(), ledger.Query{})) {
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	if odd := j.Odd(); len(odd) > 0 {
		t.Errorf("the journal found %d oddities, the first %+v", len(odd), odd[0])
	}
	if len(j.Entries()) < 100 {
		t.Errorf("the journal has %d entries, want at least 100", len(j.Entries()))
	}
}

// TestTheSameSeedGivesTheSameEvents checks it to the byte, and that another
// seed and another shop give others.
func TestTheSameSeedGivesTheSameEvents(t *testing.T) {
	_, a := busy(t, 3, 1000)
	_, b := busy(t, 3, 1000)
	_, c := busy(t, 4, 1000)
	same := func(x, y crowd.Append) bool {
		return x.Stream == y.Stream && x.Expect == y.Expect && slices.EqualFunc(x.Drafts, y.Drafts, func(d, e ledger.Draft) bool {
			return d.ID == e.ID && d.Kind == e.Kind && d.Occurred.Equal(e.Occurred) && d.Actor == e.Actor &&
				d.Cause == e.Cause && bytes.Equal(d.Body, e.Body)
		})
	}
	if !slices.EqualFunc(a, b, same) {
		t.Error("the same seed gave other events")
	}
	if slices.EqualFunc(a, c, same) {
		t.Error("another seed gave the same events")
	}
}

// BenchmarkNext makes up events, one after the other.
func BenchmarkNext(b *testing.B) {
	s, err := crowd.NewShop(1, 1, 40)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Next(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
