// Package ledgertest is the contract of [ledger.Log] as tests.
//
// The one idea: every backend runs the same suite, so that a program may be
// moved from one to the other. [TestLog] is for every log; [TestDurable] is for
// those that outlive their process.
//
// It tests what the interface promises and nothing of how it is kept: no files,
// no speed, no crashes. [Samples] beside it has a payload of every kind for tests
// of what reads events.
package ledgertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
)

// TestLog checks that what open returns keeps the contract of [ledger.Log].
// Each case gets an empty log of its own, which open closes in t.Cleanup. Open
// the log on [JumpingClock], or the case on recorded times proves little.
func TestLog(t *testing.T, open func(t *testing.T) ledger.Log) {
	cases := []struct {
		name string
		run  func(*testing.T, *shop)
	}{
		{"an empty log has no head, no events and no streams", testEmpty},
		{"each expectation admits and refuses as it says", testExpected},
		{"a stale writer is refused and nothing is written", testStale},
		{"a refused writer that reads again sees what it lost against", testConflictVisible},
		{"a batch gets revisions and positions without gaps", testBatch},
		{"a batch with one bad draft writes nothing", testBatchAllOrNone},
		{"malformed drafts, streams and batches are refused", testInvalid},
		{"what was appended is read back as it was", testRoundTrip},
		{"a retry returns the first result whatever is expected", testRetry},
		{"the same id with another body, kind or stream is refused", testIDReused},
		{"a partial or reordered retry is refused", testPartialRetry},
		{"retries of one event at the same time store it once", testRetryRace},
		{"a caller may change its bytes after an append", testBodiesOwned},
		{"recorded time never falls, even if the clock does", testRecorded},
		{"a stream is read both ways from any revision with any limit", testReadStream},
		{"the log is read both ways from any position with any limit", testReadAll},
		{"prefixes and kinds filter", testFilters},
		{"malformed queries are refused", testInvalidQuery},
		{"a reading may be broken off", testBreak},
		{"an event is found by its id", testFind},
		{"of concurrent writers to one stream one wins each revision", testOneWinner},
		{"concurrent writers to many streams leave no gaps", testManyWriters},
		{"a subscription catches up and goes on live", testSubscribe},
		{"a subscription loses and repeats nothing under load", testSubscribeLoad},
		{"a subscription to a stream that does not exist yet waits for it", testSubscribeStream},
		{"a slow subscriber holds nobody up", testSlowSubscriber},
		{"a subscription ends with its context", testSubscribeEnds},
		{"a cancelled context is an error and writes nothing", testCancelled},
		{"any history agrees with the simplest log there is", testModel},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, &shop{Log: open(t), open: open}) })
	}
}

// JumpingClock returns a clock that mostly goes on by a few microseconds, often
// stands still, and sometimes jumps back by hours, as clocks of shops do. It
// may be read from many goroutines only if the log reads it under a lock.
func JumpingClock() func() time.Time {
	n := 0
	start := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	return func() time.Time {
		n++
		at := start.Add(time.Duration(n/3) * 7 * time.Microsecond)
		if n%5 == 0 {
			at = at.Add(-3 * time.Hour)
		}
		return at
	}
}

// A shop is a log under test with short ways to say what happens in it.
type shop struct {
	ledger.Log
	open func(*testing.T) ledger.Log
	made uint64
}

// draft returns a new event of a bottle that was taken. Its id is new.
func (s *shop) draft() ledger.Draft {
	s.made++
	return Draft(s.made)
}

// drafts returns n new events.
func (s *shop) drafts(n int) []ledger.Draft {
	ds := make([]ledger.Draft, n)
	for i := range ds {
		ds[i] = s.draft()
	}
	return ds
}

// Draft returns the n-th event of a made-up shop: always the same for one n,
// with every field of the envelope set in one of three ways.
func Draft(n uint64) ledger.Draft {
	opening := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	d := ledger.Draft{
		ID:       ledger.DeriveID(ledger.ID{1}, fmt.Sprint(n)),
		Kind:     "bottle.taken.v1",
		Occurred: opening.Add(time.Duration(n%(1<<40)) * time.Millisecond), //nolint:gosec // bounded
		Body:     fmt.Appendf(nil, `{"bottle":%d,"slot":"A%d"}`, n, n%7),
	}
	switch n % 3 {
	case 1:
		d.Actor, d.Cause = "device:cam-1", ledger.DeriveID(ledger.ID{2}, fmt.Sprint(n))
	case 2:
		d.Kind, d.Trace = "bottle.returned.v1", "0af7651916cd43dd8448eb211c80319c"
	}
	return d
}

// must appends and fails the test if that is refused.
func (s *shop) must(t *testing.T, stream ledger.StreamID, expect ledger.Expected, ds ...ledger.Draft) []ledger.Record {
	t.Helper()
	rs, err := s.Append(t.Context(), stream, expect, ds...)
	if err != nil {
		t.Fatalf("Append(%s, %s, %d drafts) = %v", stream, expect, len(ds), err)
	}
	checkStored(t, stream, ds, rs)
	return rs
}

// refused appends and fails the test unless the error is want and the log is as
// it was.
func (s *shop) refused(t *testing.T, want error, stream ledger.StreamID, expect ledger.Expected, ds ...ledger.Draft) {
	t.Helper()
	before := s.all(t)
	rs, err := s.Append(t.Context(), stream, expect, ds...)
	if !errors.Is(err, want) || rs != nil {
		t.Errorf("Append(%s, %s, %d drafts) = %d records, %v, want none, %v",
			stream, expect, len(ds), len(rs), err, want)
	}
	if diff := cmp.Diff(before, s.all(t)); diff != "" {
		t.Errorf("a refused append changed the log (-before +after):\n%s", diff)
	}
}

// longest returns how long the name of a stream may be. A log that shares its
// store with others may need a part of it.
func (s *shop) longest() int {
	if l, ok := s.Log.(interface{ MaxStreamBytes() int }); ok {
		return l.MaxStreamBytes()
	}
	return ledger.MaxStreamBytes
}

// largest returns how large a body may be. A log in a foreign store may have to
// put an envelope beside it.
func (s *shop) largest() int {
	if l, ok := s.Log.(interface{ MaxBodyBytes() int }); ok {
		return l.MaxBodyBytes()
	}
	return ledger.MaxBodyBytes
}

// all reads the whole log.
func (s *shop) all(t *testing.T) []ledger.Record {
	t.Helper()
	return s.read(t, ledger.Query{})
}

func (s *shop) read(t *testing.T, q ledger.Query) []ledger.Record {
	t.Helper()
	rs, err := collect(s.Read(t.Context(), q), -1)
	if err != nil {
		t.Fatalf("Read(%+v) = %v", q, err)
	}
	return rs
}

// collect takes up to n records; all if n is negative.
func collect(seq iter.Seq2[ledger.Record, error], n int) ([]ledger.Record, error) {
	var rs []ledger.Record
	if n == 0 {
		return nil, nil
	}
	for r, err := range seq {
		if err != nil {
			return rs, err
		}
		if rs = append(rs, r); len(rs) == n {
			break
		}
	}
	return rs, nil
}

// bodies compares bodies as a whole: a million bytes one by one take seconds.
var bodies = cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) })

// checkStored compares what an append returned with what it was given.
func checkStored(t *testing.T, stream ledger.StreamID, ds []ledger.Draft, rs []ledger.Record) {
	t.Helper()
	if len(rs) != len(ds) {
		t.Fatalf("Append of %d drafts returned %d records", len(ds), len(rs))
	}
	for i, r := range rs {
		d := ds[i]
		want := ledger.Record{
			ID: d.ID, Kind: d.Kind, Stream: stream, Occurred: d.Occurred, Actor: d.Actor, Cause: d.Cause,
			Trace: d.Trace, Body: d.Body, Metadata: d.Metadata, Binary: d.Binary, Revision: r.Revision, Position: r.Position, Recorded: r.Recorded,
		}
		if diff := cmp.Diff(want, r, bodies); diff != "" {
			t.Errorf("record %d of the append (-want +got):\n%s", i, diff)
		}
		if i > 0 && (r.Revision != rs[i-1].Revision+1 || r.Position <= rs[i-1].Position) {
			t.Errorf("record %d has revision %d and position %d after %d and %d",
				i, r.Revision, r.Position, rs[i-1].Revision, rs[i-1].Position)
		}
		if !r.Recorded.Equal(ledger.Instant(r.Recorded)) || r.Recorded.Location() != time.UTC {
			t.Errorf("record %d was recorded at %v, want UTC in microseconds", i, r.Recorded)
		}
	}
}

// checkWhole fails the test unless positions rise, recorded times do not fall
// and the revisions of each stream are 0, 1, 2.
func checkWhole(t *testing.T, rs []ledger.Record) {
	t.Helper()
	next := make(map[ledger.StreamID]uint64)
	ids := make(map[ledger.ID]bool)
	for i, r := range rs {
		if r.Revision != next[r.Stream] {
			t.Errorf("%s has revision %d where %d is due", r.Stream, r.Revision, next[r.Stream])
		}
		next[r.Stream] = r.Revision + 1
		if ids[r.ID] {
			t.Errorf("event %s is stored twice", r.ID)
		}
		ids[r.ID] = true
		if r.Position == 0 || i > 0 && r.Position <= rs[i-1].Position {
			t.Errorf("position %d follows %d", r.Position, rs[max(i-1, 0)].Position)
		}
		if i > 0 && r.Recorded.Before(rs[i-1].Recorded) {
			t.Errorf("position %d was recorded at %v, the one before at %v", r.Position, r.Recorded, rs[i-1].Recorded)
		}
	}
}

// within returns a context that ends a test that hangs.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
