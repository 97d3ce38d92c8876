package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// A scan reads the open part of a log from the first byte to the last, checks
// all of it and builds the index. Segments are read several at once, each by
// itself ([piece]); that one goes on from the other is looked at in order.
type scan struct {
	files    disk.Folder
	mode     disk.Mode
	progress func(done, total int64)
	limited  bool   // stop after the position limit; what follows is being written
	limit    uint64 // last position to read

	set      *set // the sealed part
	rebuilt  int
	broken   error // what is wrong with a lookup that was made anew
	id       frame.LogID
	idx      index
	found    []*segment // all that there are
	lastCRC  uint32     // header checksum of the last commit
	lastAt   commitPlace
	recorded int64
	commits  int
	torn     int64        // bytes behind the end that belong to no commit
	loose    bool         // behind the end may be leftovers or a commit in part
	tornWhy  *DamageError // what is wrong there, if anything
	done     int64
	total    int64

	fingerprints []uint32 // of the ids of all events read, by position
}

// A commitPlace is where the last commit lies; size is 0 if there is none.
type commitPlace struct {
	segment      *segment
	offset, size int64
}

// head returns the last position read so far.
func (s *scan) head() uint64 {
	if len(s.idx.open) == 0 {
		return s.set.last()
	}
	return s.idx.head()
}

// openSegments returns the names of the segment files behind the sealed part,
// in order of position, and of those that it has made needless.
func openSegments(names []string, last uint64) (open, needless []string) {
	for _, name := range names {
		if first, ok := parseSegmentName(name); ok && first > last {
			open = append(open, name)
		} else if ok {
			needless = append(needless, name)
		}
	}
	return open, needless
}

// run reads the segments of those names. After an error none is open.
func (s *scan) run(ctx context.Context, names []string) error {
	s.idx = newIndex()
	if n := len(s.set.parts); n > 0 {
		last := s.set.parts[n-1]
		s.id, s.lastCRC, s.recorded = last.Log, last.Commit(), last.Recorded()
	}
	err := s.open(names)
	if err == nil {
		err = s.readAll(ctx)
	}
	if err == nil {
		err = s.settleIDs()
	}
	if err != nil {
		return errors.Join(err, s.drop(0))
	}
	return nil
}

// maxReaders bounds how many segments are read at once: each reader has one in
// memory.
const maxReaders = 4

// readAll reads the segments, several at once, and takes them in one after the
// other.
func (s *scan) readAll(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	pieces := make([]chan *piece, len(s.found))
	for i := range pieces {
		pieces[i] = make(chan *piece, 1) // a reader never waits
	}
	var next atomic.Int64
	var readers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(pieces), maxReaders) {
		readers.Go(func() {
			r := pieceReader{scan: s}
			for i := int(next.Add(1)) - 1; i < len(pieces); i = int(next.Add(1)) - 1 {
				pieces[i] <- r.read(ctx, i)
			}
		})
	}
	kept := 0
	var err error
	for ; kept < len(pieces) && err == nil; kept++ {
		if s.limited && s.head() >= s.limit && kept > 0 {
			break
		}
		err = s.takeIn(s.found[kept], <-pieces[kept])
	}
	cancel()
	readers.Wait()
	return errors.Join(err, s.drop(kept))
}

// drop closes the segments from i on and forgets them.
func (s *scan) drop(i int) error {
	var err error
	for _, seg := range s.found[i:] {
		err = errors.Join(err, seg.file.Close())
	}
	s.found = s.found[:i]
	return err
}

func (s *scan) open(names []string) error {
	for _, name := range names {
		f, err := s.files.Open(name, s.mode)
		if err != nil {
			return err
		}
		first, _ := parseSegmentName(name)
		seg := &segment{name: name, file: f, first: first}
		s.found = append(s.found, seg)
		if seg.size, err = f.Size(); err != nil {
			return err
		}
		if seg.size < minSegment || seg.size > maxSegment {
			return &DamageError{File: name, Position: first, Reason: fmt.Sprintf("file of %d bytes", seg.size)}
		}
		s.total += seg.size
	}
	return nil
}

// takeIn checks how a piece goes on from what lies before it and adds it to the
// index. What is wrong within the piece lies behind all that is taken in of it.
func (s *scan) takeIn(seg *segment, p *piece) error {
	if p.unread != nil {
		return p.unread
	}
	bad := func(position uint64, format string, args ...any) *DamageError {
		return &DamageError{File: seg.name, Position: position, Reason: fmt.Sprintf(format, args...)}
	}
	if len(s.idx.open) == 0 && len(s.set.parts) == 0 {
		s.id = p.id
	}
	if p.id != s.id {
		return bad(seg.first, "segment of another log")
	}
	if due := s.head() + 1; seg.first != due {
		return bad(due, "events %d to %d are missing: the file before it is missing or was cut", due, seg.first-1)
	}
	seg.used, seg.seeds = p.used, seedsOf(p.id, seg.first)
	if p.commits > 0 && p.previous != s.lastCRC {
		d := bad(seg.first, "commit follows one with checksum %08x, not %08x", p.previous, s.lastCRC)
		d.Offset = segmentHeader
		return d
	}
	s.idx.open = append(s.idx.open, seg)
	if err := s.index(seg, p); err != nil {
		return err
	}
	if p.damage != nil {
		return p.damage
	}
	s.torn, s.loose, s.tornWhy = p.torn, p.loose, p.tornWhy
	seg.end = p.end
	if p.commits > 0 {
		s.lastCRC, s.lastAt, s.commits = p.last.crc, commitPlace{segment: seg, offset: p.lastAt, size: p.last.size()}, s.commits+p.commits
	}
	seg.commit = s.lastCRC
	s.report(seg.size)
	return nil
}

// index adds the events of a piece to the index, if they go on from those
// before.
func (s *scan) index(seg *segment, p *piece) error {
	var first *DamageError // what is wrong, of the first event of which anything is
	bad := func(r *run, reason string) {
		if position := r.positions[0]; first == nil || position < first.Position {
			first = &DamageError{
				File: seg.name, Offset: int64(p.offsets[position-seg.first]), Position: position,
				Stream: r.name, Reason: reason,
			}
		}
	}
	if len(p.runs) > 0 && p.recorded < s.recorded {
		bad(&p.runs[0], earlier(p.recorded))
	}
	s.idx.streams.expect(2 * len(p.runs)) // the next pieces have further ones
	for i := range p.runs {
		r := &p.runs[i]
		from := uint64(0)
		if len(s.set.parts) > 0 {
			// What is sealed is not looked through at each opening. That the open
			// part goes on from it is told by the checksum of its last commit, and
			// Verify counts the revisions.
			from = r.first
		}
		st := s.idx.stream(r.name, from)
		if r.first != st.next() {
			bad(r, fmt.Sprintf("revision %d where %d is due", r.first, st.next()))
		}
		if len(st.positions) == 0 {
			st.positions = r.positions
		} else {
			st.positions = append(st.positions, r.positions...)
		}
	}
	if first != nil {
		return first
	}
	seg.offsets = p.offsets
	if len(p.offsets) > 0 {
		s.recorded = p.lastRecorded
	}
	s.fingerprints = append(s.fingerprints, p.fingerprints...)
	return nil
}

// settleIDs adds the ids to the index once all events are in it, and looks for
// one that is there twice.
func (s *scan) settleIDs() error {
	if len(s.fingerprints) == 0 {
		return nil
	}
	for _, suspect := range s.idx.fill(s.idx.open[0].first-1, s.fingerprints) {
		earlier, err := s.frameAt(suspect.first)
		if err != nil {
			return err
		}
		id := earlier.ID()
		f, err := s.frameAt(suspect.again)
		if err != nil {
			return err
		}
		if f.ID() == id {
			seg := s.segmentOf(suspect.again)
			return &DamageError{
				File: seg.name, Offset: int64(seg.offsets[suspect.again-seg.first]), Position: suspect.again,
				Stream: ledger.StreamID(f.Stream()),
				Reason: fmt.Sprintf("event id %s again, first at position %d", id, suspect.first),
			}
		}
	}
	s.fingerprints = nil
	return nil
}

func (s *scan) report(n int64) {
	s.done += n
	if s.progress != nil {
		s.progress(s.done, s.total)
	}
}

// segmentOf returns the segment that holds the event at a position.
func (s *scan) segmentOf(position uint64) *segment {
	for _, seg := range s.idx.open {
		if position >= seg.first && position <= seg.last() {
			return seg
		}
	}
	panic(fmt.Sprintf("embedded: no event at position %d was read", position))
}

// frameAt returns an event that was read before.
func (s *scan) frameAt(position uint64) (frame.Frame, error) {
	seg := s.segmentOf(position)
	var w window
	return w.frame(&openPart{seg: seg, offsets: seg.offsets, end: seg.size}, position, false)
}
