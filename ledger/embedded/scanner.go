package embedded

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// Scan implements [ledger.Scanner]: sealed segments stream by stream, as each lies there,
// a few of them side by side, then the open part by position.
func (l *Log) Scan(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Lent, error] {
	return func(yield func(ledger.Lent, error) bool) {
		// What is not sealed is read as any reading does it.
		var lent ledger.Record
		r := reader{cursor: newCursor(l), query: q, yield: func(rec ledger.Record, err error) bool {
			lent = rec
			return yield(ledger.Lend(&lent, nil), err)
		}}
		defer r.close()
		err := q.Validate()
		if err == nil && (q.Stream != "" || q.From != 0 || q.Backwards || q.Limit != 0) {
			err = fmt.Errorf("scan: %w: only prefixes and kinds", ledger.ErrInvalid)
		}
		var s *set
		if err == nil {
			s, err = r.still()
		}
		if err != nil {
			yield(ledger.Lent{}, err)
			return
		}
		defer release(s)
		sc := scanning{reader: &r, yield: yield, parts: s.parts}
		if sc.sealed(ctx) {
			r.up(ctx, s.last())
		}
	}
}

// A scanning is a scan of sealed segments: a merge of a few that follow each other, by
// stream. A visit that spans them comes at a time so, and who folds it has its cart at
// hand until it is over.
type scanning struct {
	*reader
	yield func(ledger.Lent, error) bool
	parts []*sealed.Part // not begun yet
	begun int            // how many are
	keeps sealed.Scanner
	heads []head // a heap
	seen  uint   // events
}

// A head is where the merge is in a segment.
type head struct {
	walk   *sealed.Walk
	lent   ledger.Lent     // the next event
	stream ledger.StreamID // of it
	number int             // of the segment
}

// before is the order of the merge: by stream, and of one stream as it was written.
func (h *head) before(other *head) bool {
	if c := cmp.Compare(h.stream, other.stream); c != 0 {
		return c < 0
	}
	return h.number < other.number
}

// mergedAtOnce is how many segments are read side by side. A visit mostly lies in two or
// three; each takes a buffer.
const mergedAtOnce = 8

// still takes in what is durable now and holds the sealed part of that moment.
func (r *reader) still() (*set, error) {
	for {
		s, err := r.log.hold()
		if err != nil {
			return nil, err
		}
		if err := r.look(""); err != nil {
			release(s)
			return nil, err
		}
		if r.view.open[0].seg.first == s.last()+1 {
			return s, nil
		}
		release(s) // a segment was sealed in between
	}
}

// sealed yields the events of the sealed segments. It reports whether the receiver wants
// more.
func (s *scanning) sealed(ctx context.Context) bool {
	for {
		if err := s.fill(); err != nil {
			s.yield(ledger.Lent{}, s.log.readError(err))
			return false
		}
		if len(s.heads) == 0 {
			return true
		}
		h := &s.heads[0]
		for stream := h.stream; h.stream == stream; {
			if !s.event(ctx, h.lent) {
				return false
			}
			if more, err := h.next(); err != nil {
				s.yield(ledger.Lent{}, s.log.readError(err))
				return false
			} else if !more {
				last := len(s.heads) - 1
				s.heads[0] = s.heads[last]
				s.heads = s.heads[:last]
				break
			}
		}
		s.sink(0)
	}
}

// next makes h stand at the next event of its segment, if there is one.
func (h *head) next() (more bool, err error) {
	if h.lent, more, err = h.walk.Next(); more {
		h.stream = h.lent.Record.Stream
	}
	return more, err
}

// fill begins further segments until enough are read side by side.
func (s *scanning) fill() error {
	for len(s.heads) < mergedAtOnce && s.begun < len(s.parts) {
		p, wanted := s.parts[s.begun], false
		err := disk.Guard(func() (err error) {
			wanted, err = s.wanted(p)
			return err
		})
		s.begun++
		h := head{number: s.begun}
		if err == nil && wanted {
			if h.walk, err = s.keeps.Walk(p, s.match); err == nil {
				wanted, err = h.next()
			}
		}
		if err != nil {
			return err
		}
		if wanted {
			s.heads = append(s.heads, h)
			s.rise(len(s.heads) - 1)
		}
	}
	return nil
}

// rise moves head i up the heap to its place.
func (s *scanning) rise(i int) {
	for i > 0 && s.heads[i].before(&s.heads[(i-1)/2]) {
		s.heads[i], s.heads[(i-1)/2] = s.heads[(i-1)/2], s.heads[i]
		i = (i - 1) / 2
	}
}

// sink moves head i down the heap to its place.
func (s *scanning) sink(i int) {
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s.heads); child++ {
			if s.heads[child].before(&s.heads[first]) {
				first = child
			}
		}
		if first == i {
			return
		}
		s.heads[i], s.heads[first] = s.heads[first], s.heads[i]
		i = first
	}
}

// lookEvery is after how many events a scan looks whether it is still wanted.
const lookEvery = 64

// event yields an event if the query wants it.
func (s *scanning) event(ctx context.Context, l ledger.Lent) bool {
	if s.seen++; s.seen%lookEvery == 0 {
		if err := ctx.Err(); err != nil {
			s.yield(ledger.Lent{}, err)
			return false
		}
	}
	if len(s.query.Kinds) > 0 && !slices.Contains(s.query.Kinds, l.Record.Kind) {
		return true
	}
	return s.yield(l, nil)
}
