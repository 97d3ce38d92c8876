package ledgertest

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
)

// A model is the simplest log there is: all records, looked through each time.
type model struct{ records []ledger.Record }

func (m *model) next(stream ledger.StreamID) uint64 {
	n := uint64(0)
	for _, r := range m.records {
		if r.Stream == stream {
			n++
		}
	}
	return n
}

func (m *model) find(id ledger.ID) (ledger.Record, bool) {
	i := slices.IndexFunc(m.records, func(r ledger.Record) bool { return r.ID == id })
	if i < 0 {
		return ledger.Record{}, false
	}
	return m.records[i], true
}

// verdict says what an append must end in: one of nil, ErrConflict and
// ErrIDReused, and whether it is a retry.
func (m *model) verdict(stream ledger.StreamID, expect ledger.Expected, ds []ledger.Draft) (err error, retry bool) {
	stored, rising, last := 0, true, -1
	for _, d := range ds {
		r, ok := m.find(d.ID)
		if !ok {
			continue
		}
		if r.Stream != stream || r.Kind != d.Kind || string(r.Body) != string(d.Body) {
			return ledger.ErrIDReused, false
		}
		stored++
		rising = rising && int(r.Revision) > last //nolint:gosec // small
		last = int(r.Revision)                    //nolint:gosec // small
	}
	switch {
	case stored == len(ds) && rising:
		return nil, true
	case stored > 0 || !expect.Meets(m.next(stream)):
		return ledger.ErrConflict, false
	}
	return nil, false
}

// query answers q by looking at everything.
func (m *model) query(q ledger.Query) []ledger.Record {
	rs := slices.Clone(m.records)
	if q.Backwards {
		slices.Reverse(rs)
	}
	rs = slices.DeleteFunc(rs, func(r ledger.Record) bool {
		at := r.Position
		if q.Stream != "" {
			at = r.Revision
		}
		return !q.Wants(r.Stream, r.Kind) || q.Backwards && at > q.From || !q.Backwards && at < q.From
	})
	if q.Limit > 0 && len(rs) > q.Limit {
		rs = rs[:q.Limit]
	}
	return rs
}

// testModel runs random histories with few ids and streams, so that retries,
// reuse and conflicts are frequent, and compares every answer with the model's.
func testModel(t *testing.T, s *shop) {
	rapid.Check(t, func(rt *rapid.T) {
		log := s.open(t)
		m := &model{}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) { appendBoth(t, rt, log, m) },
			"read":   func(rt *rapid.T) { readBoth(t, rt, log, m) },
			"find": func(rt *rapid.T) {
				id := Draft(rapid.Uint64Range(0, 30).Draw(rt, "event")).ID
				want, ok := m.find(id)
				got, err := log.Find(t.Context(), id)
				if ok != (err == nil) || cmp.Diff(want, got) != "" {
					rt.Fatalf("Find(%s) = %v, %v, want %v", id, got, err, want)
				}
			},
		})
	})
}

var (
	modelStreams = rapid.SampledFrom([]ledger.StreamID{anna, bert, till})
	modelKinds   = rapid.SampledFrom([]ledger.Kind{"bottle.taken.v1", "bottle.returned.v1"})
	modelExpects = rapid.Custom(func(rt *rapid.T) ledger.Expected {
		fixed := []ledger.Expected{ledger.Any(), ledger.None(), ledger.Exists()}
		if i := rapid.IntRange(0, 5).Draw(rt, "which"); i < len(fixed) {
			return fixed[i]
		}
		return ledger.After(rapid.Uint64Range(0, 12).Draw(rt, "after"))
	})
)

func appendBoth(t *testing.T, rt *rapid.T, log ledger.Log, m *model) {
	stream, expect := modelStreams.Draw(rt, "stream"), modelExpects.Draw(rt, "expect")
	if rapid.Bool().Draw(rt, "informed") {
		expect = ledger.After(m.next(stream))
	}
	ids := rapid.SliceOfNDistinct(rapid.Uint64Range(0, 30), 1, 4, rapid.ID[uint64]).Draw(rt, "events")
	ds := make([]ledger.Draft, len(ids))
	for i, n := range ids {
		ds[i] = Draft(n)
		if rapid.IntRange(0, 20).Draw(rt, "forged") == 0 {
			ds[i].Body = []byte(`{}`)
		}
	}
	want, retry := m.verdict(stream, expect, ds)
	next := m.next(stream)
	got, err := log.Append(t.Context(), stream, expect, ds...)
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		rt.Fatalf("Append(%s, %s, events %d) at revision %d = %v, want %v", stream, expect, ids, next, err, want)
	}
	if err != nil {
		return
	}
	for i, r := range got {
		if retry {
			if first, _ := m.find(r.ID); cmp.Diff(first, r) != "" {
				rt.Fatalf("retry of event %d = %+v, first %+v", ids[i], r, first)
			}
			continue
		}
		if r.ID != ds[i].ID || r.Revision != next+uint64(i) || string(r.Body) != string(ds[i].Body) { //nolint:gosec // small
			rt.Fatalf("Append(%s, %s, events %d) = %+v at %d, want revision %d", stream, expect, ids, r, i, next+uint64(i)) //nolint:gosec // small
		}
		if n := len(m.records); n > 0 && r.Position <= m.records[n-1].Position {
			rt.Fatalf("position %d follows %d", r.Position, m.records[n-1].Position)
		}
		m.records = append(m.records, r)
	}
}

func readBoth(t *testing.T, rt *rapid.T, log ledger.Log, m *model) {
	q := ledger.Query{
		From:      rapid.Uint64Range(0, 40).Draw(rt, "from"),
		Backwards: rapid.Bool().Draw(rt, "backwards"),
		Limit:     rapid.IntRange(0, 5).Draw(rt, "limit"),
		Kinds:     rapid.SliceOfN(modelKinds, 0, 2).Draw(rt, "kinds"),
	}
	if rapid.Bool().Draw(rt, "one stream") {
		q.Stream = modelStreams.Draw(rt, "stream")
	} else {
		q.Prefixes = rapid.SliceOfN(rapid.SampledFrom([]string{"visit-", "payment-", "visit-b"}), 0, 2).Draw(rt, "prefixes")
	}
	got, err := collect(log.Read(t.Context(), q), -1)
	if err != nil {
		rt.Fatalf("Read(%+v) = %v", q, err)
	}
	want := m.query(q)
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		rt.Fatalf("Read(%+v) (-want +got):\n%s", q, diff)
	}
}
