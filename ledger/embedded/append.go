package embedded

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/convoy"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// A batch is what will be one commit: the frames of all appends that came while
// the commit before was on its way to the disk.
type batch struct {
	// What an append changes under the lock is one line of the processor's cache.
	buf     []byte    // room for the commit header, then for frames; it stays where it is
	streams []*stream // of the appends that it takes in, one for each
	first   uint64    // position of the first event
	events  int

	// called is closed when the outcome is known. If that takes long it is closed
	// before, and done is there to be closed instead. To wait for one thing costs
	// half of waiting for two: only who waits long looks at a context.
	called, done chan struct{}
	err          error // the outcome; read after wait
	_            [32]byte

	// What it changes without the lock is another.
	written  convoy.Convoy // those of the appends whose frames are in buf
	released convoy.Convoy // those that wait no longer
	_        [48]byte
}

// patience is how long a commit may take before those who wait for it look at
// their contexts.
const patience = 20 * time.Millisecond

// Append implements [ledger.Log].
//
// After an error of the disk the outcome is known in one case: if no further
// segment could be made, as on a full disk, nothing was written and the log
// goes on as soon as there is room. After every other error the log has
// stopped: it must be closed and opened again, and whether these drafts were
// stored is found out by appending them again.
func (l *Log) Append(
	ctx context.Context, stream ledger.StreamID, expect ledger.Expected, drafts ...ledger.Draft,
) ([]ledger.Record, error) {
	found := l.idx.streams.find(stream)
	if found == nil { // otherwise its name was looked at when it was new
		if err := stream.Validate(); err != nil {
			return nil, err
		}
	}
	if err := ledger.ValidateDrafts(stream, drafts); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.cfg.ReadOnly {
		return nil, ErrReadOnly
	}
	records := make([]ledger.Record, len(drafts))
	for i := range drafts {
		d, r := &drafts[i], &records[i]
		r.ID, r.Kind, r.Stream, r.Occurred, r.Actor = d.ID, d.Kind, stream, d.Occurred, d.Actor
		r.Cause, r.Trace, r.Binary = d.Cause, d.Trace, d.Binary
		r.Body, r.Metadata = d.Body, d.Metadata // until the frame is written
	}
	var few [4]uint32
	prints := few[:0]
	for i := range drafts {
		prints = append(prints, fingerprint(l.idx.seed, drafts[i].ID))
	}
	r := request{stream: stream, expect: expect, records: records, found: found}
	for {
		if err := l.lookUp(&r); err != nil {
			return nil, err
		}
		b, err := l.admit(&r, prints)
		if err != nil {
			return nil, err
		}
		if r.taken {
			l.write(&r, b)
			// What has to be done for the commit comes first, also what others have to
			// do; the rest is done while the disk is busy.
			runtime.Gosched()
			own(records)
		}
		if b == nil && len(r.suspect) > 0 { // ids that may be stored already: the disk knows
			stored, err := l.repeated(&r, drafts)
			if stored != nil || err != nil {
				return stored, err
			}
		}
		if b == nil {
			continue
		}
		err = b.wait(ctx)
		if r.taken {
			b.released.Leave(l.released)
		}
		if err != nil {
			return nil, err
		}
		if r.taken {
			if b.err != nil {
				return nil, b.err
			}
			return records, nil
		}
	}
}

// wait waits until the outcome is known or ctx is done.
func (b *batch) wait(ctx context.Context) error {
	if <-b.called; b.done == nil {
		return nil
	}
	select {
	case <-b.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// late has those who wait look at their contexts. The lock must be held.
func (b *batch) late() {
	if b != nil && b.done == nil {
		b.done = make(chan struct{})
		close(b.called)
	}
}

// outcome is what to close when the outcome is known. The lock must be held; from
// here on it is too late to be late.
func (b *batch) outcome() chan struct{} {
	if b.done != nil {
		return b.done
	}
	return b.called
}

// late tells those who wait for a commit that it takes long, and those behind it.
func (l *Log) late() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.committing.late()
	l.active.late()
}

// A request is an append on its way in.
type request struct {
	stream  ledger.StreamID
	expect  ledger.Expected
	records []ledger.Record
	next    uint64   // revision that the stream was at when the request was looked at
	suspect []uint64 // positions whose ids may be among ours
	cleared []uint64 // positions that were suspect and have other ids
	found   *stream  // that had the name, before the lock was taken; it may be gone
	taken   bool     // the records are in a batch
	room    []byte   // for their frames there

	// What the sealed part of the log says of it.
	set      *set     // that was asked; it may be over
	sealed   []uint64 // positions there whose ids may be among ours
	wantTail bool     // the stream has nothing in the open part
	tailOf   *set     // that was asked for the stream
	tail     uint64   // revision after its last sealed one
}

// lookUp asks the sealed part of the log what r needs to know of it, without
// the lock: it is on disk.
func (l *Log) lookUp(r *request) error {
	if s := l.set.Load(); !r.wantTail && !s.mayHoldAny(r.records) {
		r.set, r.sealed = s, r.sealed[:0]
		if len(s.runs) == 0 {
			r.tailOf, r.tail = s, 0
		}
		return nil
	}
	s, err := l.hold()
	if err != nil {
		return err
	}
	defer release(s)
	if r.set != s {
		r.set, r.sealed = s, r.sealed[:0]
		err := disk.Guard(func() (err error) {
			for i := range r.records {
				if r.sealed, err = s.candidates(r.sealed, r.records[i].ID); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return l.readError(err)
		}
	}
	if r.wantTail && r.tailOf != s {
		if r.tail, err = s.tail(r.stream); err != nil {
			return l.readError(err)
		}
		r.tailOf = s
	}
	return nil
}

// admit decides on r under the lock. It returns the batch that took r in, or
// one that must be waited for before r can be decided; or nil if r.suspect, or
// the sealed part of the log, must be looked at first. The ids have those
// fingerprints.
func (l *Log) admit(r *request, prints []uint32) (*batch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped != nil {
		return nil, l.stopped
	}
	s := r.found
	if s == nil || s.gone {
		s = l.idx.streams.find(r.stream)
	}
	r.suspect = append(r.suspect[:0], r.sealed...)
	switch {
	case l.set.Load() != r.set, s == nil && r.tailOf != r.set:
		r.wantTail, r.suspect = s == nil, nil
		return nil, nil //nolint:nilnil // no batch and no error: ask the sealed part (again)
	case s != nil:
		r.next = s.next()
	default:
		r.next = r.tail
	}
	for i := range r.records {
		r.suspect = l.idx.candidates(r.suspect, r.records[i].ID, prints[i])
	}
	for _, p := range r.suspect {
		if b := l.underWay(p); b != nil {
			return b, nil // it is durable first, and looked at then
		}
	}
	r.suspect = slices.DeleteFunc(r.suspect, func(p uint64) bool {
		return p > l.durable || slices.Contains(r.cleared, p) // above it: left by an append that was refused
	})
	if len(r.suspect) > 0 {
		return nil, nil //nolint:nilnil // no batch and no error: look at the suspects
	}
	if !r.expect.Meets(r.next) {
		if s != nil && s.last() > l.durable {
			// The writer that was faster is not durable yet. Say so only when
			// it is: who reads again must find what it lost against.
			return l.underWay(s.last()), nil
		}
		return nil, &ledger.ConflictError{Stream: r.stream, Want: r.expect, Next: r.next}
	}
	size := 0
	for i := range r.records {
		size += frame.Size(&r.records[i])
	}
	if b := l.active; b != nil && (len(b.buf)+size+sector > cap(b.buf) || len(b.buf) >= maxCommit) {
		l.room = max(l.room, min(2*cap(b.buf), maxCommit)+size) // the next one takes it in
		return b, nil
	}
	// Nothing below can fail: the append is all or none.
	if s == nil {
		s = l.idx.streams.add(r.stream, r.next)
	}
	l.take(r, prints, s, size)
	return l.active, nil
}

// take gives r, which is for s, its revisions and positions, and room in the active
// batch for so many bytes of frames.
func (l *Log) take(r *request, prints []uint32, s *stream, size int) {
	if l.active == nil {
		l.begin(size)
	}
	b := l.active
	l.recorded = max(l.recorded, l.cfg.Now().UnixMicro())
	recorded := frame.Micro(l.recorded)
	b.streams = append(b.streams, s)
	b.events += len(r.records)
	from := len(b.buf)
	b.buf = b.buf[:from+size]
	r.room, r.taken = b.buf[from:], true
	for i := range r.records {
		rec := &r.records[i]
		rec.Position, rec.Revision, rec.Recorded = l.next, s.next(), recorded
		l.next++
		l.idx.add(s, rec.ID, prints[i], rec.Position)
	}
}

// begin makes a batch with room for an append of so many bytes, and for others.
func (l *Log) begin(size int) {
	buf := l.free.buf
	if need := max(l.room, commitHeader+size+sector); cap(buf) < need {
		buf = make([]byte, need)
	}
	l.room = min(l.room, maxCommit)
	b := &batch{buf: buf[:commitHeader], streams: l.free.streams[:0], first: l.next, called: make(chan struct{})}
	if l.committing != nil && l.committing.done != nil {
		b.late()
	}
	l.active, l.free = b, batch{}
	select {
	case l.work <- struct{}{}:
	default: // the committer has been called already
	}
}

// own gives records bytes of their own in place of the caller's.
func own(records []ledger.Record) {
	for i := range records {
		r := &records[i]
		r.Body, r.Metadata = bytes.Clone(r.Body), bytes.Clone(r.Metadata)
	}
}

// write writes the frames of r, which b has taken in, into their room. It needs no
// lock: that one is held for as short as can be, and the bodies lie anywhere.
func (l *Log) write(r *request, b *batch) {
	rest := r.room
	for i := range r.records {
		f := rest[:frame.Size(&r.records[i])]
		frame.Put(f, &r.records[i], i, len(r.records))
		rest = frame.Seal(l.seed, rest)
	}
	b.written.Leave(l.written)
}

// underWay returns the batch that has a position, unless it is durable or was
// never given. The lock must be held.
func (l *Log) underWay(position uint64) *batch {
	switch {
	case position <= l.durable || position >= l.next:
		return nil
	case l.active != nil && position >= l.active.first:
		return l.active
	}
	return l.committing
}

// repeated looks at the suspects on disk. It returns the stored records of a
// retry, or what is wrong with it; or neither if no suspect has one of r's ids.
func (l *Log) repeated(r *request, drafts []ledger.Draft) ([]ledger.Record, error) {
	c := newCursor(l)
	defer c.close()
	stored := make([]ledger.Record, len(drafts))
	found := false
	for _, p := range r.suspect {
		f, err := c.frame(p, false)
		if err != nil {
			return nil, l.readError(err)
		}
		i := slices.IndexFunc(drafts, func(d ledger.Draft) bool { return d.ID == f.ID() })
		if i < 0 {
			r.cleared = append(r.cleared, p)
			continue
		}
		stored[i], found = f.Record(), true
	}
	if !found {
		return nil, nil
	}
	return ledger.Repeated(r.stream, r.expect, r.next, drafts, stored)
}
