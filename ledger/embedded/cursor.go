package embedded

import (
	"errors"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// A view is what was durable at one moment. Its slices are shared with the
// index, which only appends to them.
type view struct {
	head uint64 // last position
	open []openPart

	// Of one stream, if one was asked for.
	first     uint64   // revision of positions[0]; those before are sealed
	positions []uint64 // not sealed
}

// An openPart is a segment as it was at that moment.
type openPart struct {
	seg     *segment
	offsets []uint32
	end     int64
}

// A cursor reads events by position or by revision. It is for one goroutine;
// close it.
type cursor struct {
	log    *Log
	view   view
	viewed bool

	*room
	lasting bool         // the frame given last is never written again
	whole   *shared      // a sealed segment in memory, held
	lastIn  *sealed.Part // where the last event by position was read
	inRow   uint64       // events read there
	extents []extent     // of the view's stream
	tailOf  *set         // that was asked for the stream's last sealed revision
	tail    uint64

	match   *sealed.Set // events in matchOf that the query's prefixes want
	matchOf *sealed.Part
	passOf  *sealed.Part // a segment without any event that the query wants
	wantOf  *sealed.Part // a segment that may have one
}

// A room is the memory of a reading, which the next one uses again.
type room struct {
	single sealed.Cursor
	decode frame.Decoder
	window window
}

// newCursor returns a cursor on l.
func newCursor(l *Log) cursor {
	r, ok := l.rooms.Get().(*room)
	if !ok {
		r = &room{single: sealed.Cursor{Cache: l.cache}}
	}
	return cursor{log: l, room: r}
}

// close lets go of what the cursor holds.
func (c *cursor) close() {
	c.rest()
	c.window.seg = nil
	c.log.rooms.Put(c.room)
	c.room = nil
}

// rest lets go of the memory that a cursor that waits does not need.
func (c *cursor) rest() {
	if c.whole != nil {
		c.log.whole.put(c.whole)
		c.whole = nil
	}
	c.lastIn, c.inRow = nil, 0
}

// look takes in what is durable now, with the positions of one stream if one is
// named.
func (c *cursor) look(name ledger.StreamID) error {
	l := c.log
	for {
		l.mu.Lock()
		if l.stopped != nil {
			defer l.mu.Unlock()
			return l.stopped
		}
		c.fill()
		s, present := l.idx.streams.find(name), l.set.Load()
		if s != nil {
			c.view.first, c.view.positions = s.first, s.upTo(c.view.head)
		}
		l.mu.Unlock()
		if name == "" || s != nil {
			return nil
		}
		if c.tailOf != present {
			held, err := l.hold()
			if err != nil {
				return err
			}
			// All of it is sealed, so who reads it wants its extents next.
			c.extents, err = held.extents(name, false)
			release(held)
			if err != nil {
				return l.readError(err)
			}
			if c.tail, c.tailOf = 0, held; len(c.extents) > 0 {
				c.tail = c.extents[len(c.extents)-1].end()
			}
		}
		if c.tailOf == present {
			c.view.first, c.view.positions = c.tail, nil
			return nil
		}
	}
}

// fill takes the open part from the index. The lock must be held.
func (c *cursor) fill() {
	x := &c.log.idx
	c.view.head, c.viewed = c.log.durable, true
	c.view.open = c.view.open[:0]
	for _, seg := range x.open {
		c.view.open = append(c.view.open, openPart{seg: seg, offsets: seg.offsets, end: seg.end})
	}
}

// count returns how many events the view holds of what q is about.
func (c *cursor) count(q ledger.Query) uint64 {
	if q.Stream != "" {
		return c.view.first + uint64(len(c.view.positions))
	}
	return c.view.head
}

// event returns the i-th of them, from 0. It is valid until the next call.
func (c *cursor) event(q ledger.Query, i uint64) (frame.Frame, error) {
	if q.Stream == "" {
		return c.frame(i+1, q.Backwards)
	}
	if i >= c.view.first {
		return c.frame(c.view.positions[i-c.view.first], q.Backwards)
	}
	return c.revision(q.Stream, i)
}

// frame returns the event of a position.
func (c *cursor) frame(position uint64, backwards bool) (frame.Frame, error) {
	c.lasting = true
	if c.whole != nil && c.whole.part.First <= position && position <= c.whole.part.Last() {
		return c.whole.u.Frame(position)
	}
	for {
		s, err := c.log.hold()
		if err != nil {
			return nil, err
		}
		if position <= s.last() {
			c.lasting = true
			f, err := c.sealed(s, position)
			release(s)
			return f, err
		}
		release(s)
		if !c.viewed {
			c.log.mu.Lock()
			c.fill()
			c.log.mu.Unlock()
		}
		c.lasting = false
		f, err := c.unsealed(position, backwards)
		if !errors.Is(err, errGone) {
			return f, err
		}
		if c.log.set.Load().last() < position { // it is gone because the log was closed
			return nil, err
		}
	}
}

// unsealed returns an event of the open part.
func (c *cursor) unsealed(position uint64, backwards bool) (frame.Frame, error) {
	for i := len(c.view.open) - 1; i >= 0; i-- {
		p := &c.view.open[i]
		if position < p.seg.first {
			continue
		}
		if position-p.seg.first >= uint64(len(p.offsets)) {
			break
		}
		return c.window.frame(p, position, backwards)
	}
	return nil, fmt.Errorf("read position %d: %w", position, errGone)
}

// A segment is unpacked whole when so many events in a row are read from it,
// and not before: a page of a list wants a few blocks.
const unpackAfter = 256

// sealed returns an event of the sealed part.
func (c *cursor) sealed(s *set, position uint64) (f frame.Frame, err error) {
	p := s.part(position)
	err = disk.Guard(func() (err error) {
		if p != c.lastIn {
			inRow := c.whole != nil
			c.rest()
			if c.lastIn = p; inRow {
				c.inRow = unpackAfter
			}
		}
		c.inRow++
		sparse := c.match != nil && c.matchOf == p && uint64(c.match.N) < p.Count/32 //nolint:gosec // a count
		if c.inRow > unpackAfter && !sparse || c.inRow > p.Count/4 && p.Count < 4*unpackAfter {
			if c.whole, err = c.log.whole.get(p); err != nil {
				return err
			}
			f, err = c.whole.u.Frame(position)
			return err
		}
		o, err := p.Ordinal(position)
		if err != nil {
			return err
		}
		f, err = c.single.Frame(p, o)
		if err == nil && f.Position() != position {
			err = &DamageError{
				File: p.Name(), Position: position, Reason: fmt.Sprintf("position %d lies there", f.Position()),
			}
		}
		return err
	})
	return f, err
}

// revision returns a sealed event of a stream.
func (c *cursor) revision(name ledger.StreamID, revision uint64) (frame.Frame, error) {
	c.lasting = true
	if e, ok := c.extentOf(revision); ok {
		if o := e.ordinal(revision); c.single.Has(e.part, o) { // in memory
			return c.checked(e, name, revision, o)
		}
	}
	s, err := c.log.hold()
	if err != nil {
		return nil, err
	}
	defer release(s)
	e, ok := c.extentOf(revision)
	if !ok {
		if c.extents, err = s.extents(name, false); err != nil {
			return nil, err
		}
		if e, ok = c.extentOf(revision); !ok {
			return nil, &DamageError{
				File: s.part(s.last()).Name(), Stream: name, Reason: fmt.Sprintf("no segment has revision %d", revision),
			}
		}
	}
	var f frame.Frame
	err = disk.Guard(func() (err error) {
		f, err = c.checked(e, name, revision, e.ordinal(revision))
		return err
	})
	return f, err
}

// extentOf returns the extent that has a revision, if it is among those that
// are known.
func (c *cursor) extentOf(revision uint64) (extent, bool) {
	for _, e := range c.extents {
		if e.Revision <= revision && revision < e.end() {
			return e, true
		}
	}
	return extent{}, false
}

// checked returns the event of an ordinal if it is that revision of the stream.
func (c *cursor) checked(e extent, name ledger.StreamID, revision uint64, ordinal uint32) (frame.Frame, error) {
	f, err := c.single.FrameNear(e.part, ordinal, e.Block)
	if err == nil && (f.Revision() != revision || string(f.Stream()) != string(name)) {
		err = &DamageError{
			File: e.part.Name(), Position: f.Position(), Stream: name,
			Reason: fmt.Sprintf("%s/%d lies where revision %d is due", f.Stream(), f.Revision(), revision),
		}
	}
	return f, err
}

// skip returns the index of the first event from i on that the query may want,
// as far as the sealed segments' tables tell without a look at events.
func (r *reader) skip(i uint64) (uint64, error) {
	if len(r.query.Prefixes) == 0 && len(r.query.Kinds) == 0 {
		return i, nil
	}
	s, err := r.log.hold()
	if err != nil {
		return 0, err
	}
	defer release(s)
	err = disk.Guard(func() error {
		for i < s.last() {
			p := s.part(i + 1)
			wanted, err := r.wanted(p)
			if err != nil {
				return err
			}
			if !wanted {
				i = p.Last()
				continue
			}
			if r.match == nil {
				return nil
			}
			for i < p.Last() {
				o, err := p.Ordinal(i + 1)
				if err != nil || r.match.Has(o) {
					return err
				}
				i++
			}
		}
		return nil
	})
	return i, err
}

// skipDown is skip from i downwards; false if no event is left.
func (r *reader) skipDown(i uint64) (at uint64, ok bool, err error) {
	if len(r.query.Prefixes) == 0 && len(r.query.Kinds) == 0 {
		return i, true, nil
	}
	s, err := r.log.hold()
	if err != nil {
		return 0, false, err
	}
	defer release(s)
	err = disk.Guard(func() error {
		for position := i + 1; position > 0; {
			at, ok = position-1, true
			if position > s.last() {
				return nil
			}
			p := s.part(position)
			wanted, err := r.wanted(p)
			if err != nil || wanted && r.match == nil {
				return err
			}
			for ; wanted && position >= p.First; position-- {
				o, err := p.Ordinal(position)
				if err != nil || r.match.Has(o) {
					at = position - 1
					return err
				}
			}
			position = p.First - 1
		}
		ok = false
		return nil
	})
	return at, ok && err == nil, err
}

// wanted reports whether a segment has events that the query wants, and which
// streams' if it names prefixes.
func (r *reader) wanted(p *sealed.Part) (bool, error) {
	switch p {
	case r.passOf:
		return false, nil
	case r.wantOf:
		return true, nil
	}
	ok, err := p.Wants(r.query)
	if err != nil {
		return false, err
	}
	r.match, r.matchOf = nil, nil
	if ok && len(r.query.Prefixes) > 0 {
		if r.match, err = p.Matching(r.query.Prefixes); err != nil {
			return false, err
		}
		r.matchOf, ok = p, r.match.N > 0
		if uint64(r.match.N) == p.Count { //nolint:gosec // a count
			r.match = nil
		}
	}
	if ok {
		r.wantOf = p
	} else {
		r.passOf = p
	}
	return ok, nil
}
