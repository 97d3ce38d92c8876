package eventstore_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"pgregory.net/rapid"
)

// A paper is what a careful clerk would note of one stream: the simplest thing
// that answers as EventStoreDB does.
type paper struct {
	events   int // revisions given so far
	tb       int // first visible
	maxCount int // 0: none
	deleted  bool
	ended    bool
}

func (p *paper) visible() []uint64 {
	from := p.tb
	if p.maxCount > 0 {
		from = max(from, p.events-p.maxCount)
	}
	out := []uint64{}
	for r := from; r < p.events; r++ {
		out = append(out, uint64(r))
	}
	return out
}

// append says whether an append with this expectation is admitted, and notes it.
func (p *paper) append(expect esdb.ExpectedRevision, n int) (esdb.ErrorCode, bool) {
	if p.ended {
		return esdb.ErrorCodeStreamDeleted, false
	}
	ok := true
	switch e := expect.(type) {
	case esdb.NoStream:
		ok = p.events == 0 || p.deleted
	case esdb.StreamExists:
		if p.deleted {
			return esdb.ErrorCodeStreamDeleted, false
		}
		ok = p.events > 0 || p.maxCount > 0 // metadata alone makes a stream, too
	case esdb.StreamRevision:
		ok = int(e.Value) == p.events-1
	}
	if !ok {
		return esdb.ErrorCodeWrongExpectedVersion, false
	}
	if p.deleted {
		p.deleted, p.tb, p.maxCount = false, p.events, 0
	}
	p.events += n
	return 0, true
}

// TestAnyHistory does anything to one stream in any order, and requires that
// every answer and what is visible after each step are what the clerk notes.
func TestAnyHistory(t *testing.T) {
	s := openTill(t)
	run, made := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		stream, p := fmt.Sprintf("till-%d", run), &paper{}
		ctx := s.t.Context()
		expectation := rapid.Custom(func(t *rapid.T) esdb.ExpectedRevision {
			return rapid.SampledFrom([]esdb.ExpectedRevision{
				esdb.Any{},
				esdb.NoStream{},
				esdb.StreamExists{},
				esdb.Revision(uint64(rapid.IntRange(max(p.events-2, 0), p.events).Draw(t, "revision"))),
			}).Draw(t, "expected")
		})
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				expect, n := expectation.Draw(t, "expectation"), rapid.IntRange(1, 3).Draw(t, "events")
				_, err := s.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{ExpectedRevision: expect}, sales(made, made+n)...)
				made += n
				code, ok := p.append(expect, n)
				if e := new(esdb.Error); ok != (err == nil) || !ok && (!errors.As(err, &e) || e.Code() != code) {
					t.Fatalf("append %T %v to %+v = %v, want %v, code %d", expect, expect, *p, err, ok, code)
				}
			},
			"delete": func(t *rapid.T) {
				_, err := s.DeleteStream(ctx, stream, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}})
				if (err == nil) == p.ended {
					t.Fatalf("delete %+v = %v", *p, err)
				}
				if !p.ended {
					p.deleted, p.maxCount = true, 0
				}
			},
			"end": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "dice") > 0 {
					t.Skip("an end is rare")
				}
				_, err := s.TombstoneStream(ctx, stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
				if (err == nil) == p.ended {
					t.Fatalf("tombstone %+v = %v", *p, err)
				}
				p.ended = true
			},
			"metadata": func(t *rapid.T) {
				if p.ended {
					t.Skip("nothing more")
				}
				keep, from := rapid.IntRange(1, 4).Draw(t, "$maxCount"), rapid.IntRange(1, p.events+1).Draw(t, "$tb")
				var m esdb.StreamMetadata
				m.SetMaxCount(uint64(keep))
				m.SetTruncateBefore(uint64(from))
				if _, err := s.SetStreamMetadata(ctx, stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, m); err != nil {
					t.Fatal(err)
				}
				p.maxCount, p.tb = keep, from
				if p.deleted { // it comes back as an empty stream
					p.deleted, p.tb = false, p.events
				}
			},
			"": func(t *rapid.T) {
				r, err := s.ReadStream(ctx, stream, esdb.ReadStreamOptions{From: esdb.Start{}}, 1000)
				events, err := readAll(s.t, r, err)
				var e *esdb.Error
				switch errors.As(err, &e); {
				case p.ended:
					if e == nil || e.Code() != esdb.ErrorCodeStreamDeleted {
						t.Fatalf("reading %+v = %v, want stream deleted", *p, err)
					}
				case p.deleted || p.events == 0:
					if e == nil || e.Code() != esdb.ErrorCodeResourceNotFound {
						t.Fatalf("reading %+v = %v, want not found", *p, err)
					}
				default:
					got := []uint64{}
					for _, e := range events {
						got = append(got, e.Event.EventNumber)
					}
					if err != nil || !slices.Equal(got, p.visible()) {
						t.Fatalf("reading %+v = %v, %v, want %v", *p, got, err, p.visible())
					}
				}
			},
		})
	})
}
