package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// A scan reads the open part of a log from the first byte to the last, checks
// all of it and builds the index.
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
	buf      []byte
	done     int64
	total    int64
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
	for i := 0; i < len(s.found) && err == nil; i++ {
		if s.limited && s.head() >= s.limit && i > 0 {
			err = s.drop(i)
			break
		}
		err = s.segment(ctx, i)
	}
	s.buf = nil
	if err != nil {
		return errors.Join(err, s.drop(0))
	}
	return nil
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

// segment reads and checks segment i.
func (s *scan) segment(ctx context.Context, i int) error {
	seg := s.found[i]
	if int64(cap(s.buf)) < seg.size {
		s.buf = make([]byte, seg.size)
	}
	b := s.buf[:seg.size]
	if n, err := seg.file.ReadAt(b, 0); err != nil && (!errors.Is(err, io.EOF) || n < len(b)) {
		return fmt.Errorf("read %s: %w", seg.name, err)
	}
	id, used, err := parseSegmentHeader(b, seg.first, seg.size)
	if errors.Is(err, ErrFormat) {
		return fmt.Errorf("%s: %w", seg.name, err)
	}
	if err != nil {
		return &DamageError{File: seg.name, Position: seg.first, Reason: err.Error()}
	}
	if i == 0 && len(s.set.parts) == 0 {
		s.id = id
	}
	if id != s.id {
		return &DamageError{File: seg.name, Position: seg.first, Reason: "segment of another log"}
	}
	if due := s.head() + 1; seg.first != due {
		return &DamageError{File: seg.name, Position: due, Reason: fmt.Sprintf(
			"events %d to %d are missing: the file before it is missing or was cut", due, seg.first-1)}
	}
	seg.used, seg.seeds = used, seedsOf(id, seg.first)
	s.idx.open = append(s.idx.open, seg)
	if seg.end, err = s.commitsOf(ctx, i, b); err != nil {
		return err
	}
	seg.commit = s.lastCRC
	s.report(seg.size)
	return nil
}

func (s *scan) report(n int64) {
	s.done += n
	if s.progress != nil {
		s.progress(s.done, s.total)
	}
}

// commitsOf reads the commits of segment i, whose bytes are b, and returns
// where they end.
func (s *scan) commitsOf(ctx context.Context, i int, b []byte) (int64, error) {
	for at := int64(segmentHeader); at < int64(len(b)); {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if s.limited && s.head() >= s.limit {
			return at, nil
		}
		h, damage := s.check(i, b, at)
		if damage != nil {
			return at, s.tail(i, b, at, damage)
		}
		if err := s.takeIn(i, b, at, h); err != nil {
			return 0, err
		}
		s.lastCRC, s.lastAt = h.crc, commitPlace{segment: s.found[i], offset: at, size: h.size()}
		s.commits++
		at += h.size()
	}
	return int64(len(b)), nil
}

// check returns the header of the commit at an offset if every checksum of the
// commit holds and its padding is zero. Otherwise it says where and what is wrong first.
func (s *scan) check(i int, b []byte, at int64) (commitHead, *DamageError) {
	due := s.head() + 1
	bad := func(at int64, position uint64, err error) (commitHead, *DamageError) {
		return commitHead{}, &DamageError{File: s.found[i].name, Offset: at, Position: position, Reason: err.Error()}
	}
	h, err := parseCommitHead(s.found[i].seeds, b[at:])
	if err != nil {
		return bad(at, due, err)
	}
	if h.size() > int64(len(b))-at {
		return bad(at, due, fmt.Errorf("commit of %d bytes where %d are left", h.size(), int64(len(b))-at))
	}
	frames := b[at+commitHeader : at+commitHeader+int64(h.length)]
	if got := frame.Checksum(s.found[i].seeds.commit, frames); got == h.framesCRC {
		// The sector that the padding is in is written with the commit, so
		// where the file was used before it can be torn like any other.
		if pad := frame.FirstNonZero(b[at+commitHeader+int64(h.length) : at+h.size()]); pad >= 0 {
			return bad(at+commitHeader+int64(h.length)+int64(pad), due, errors.New("padding is not zero"))
		}
		return h, nil
	}
	for n, rest := uint64(0), frames; len(rest) > 0; n++ {
		f, err := frame.Parse(s.found[i].seeds.frame, rest)
		if err != nil {
			_, damage := bad(at+int64(h.length)+commitHeader-int64(len(rest)), due+n, err)
			damage.Stream = frame.GuessStream(rest)
			return commitHead{}, damage
		}
		rest = rest[len(f):]
	}
	return bad(at, due, errors.New("frames checksum does not hold though each frame does"))
}

// tail decides what a commit that does not hold means. Zeros to the end are the
// end, and so is what an earlier life of the file has left, as far as nothing is
// missing. In the last segment, bytes after which no whole commit comes may be a
// commit that was never finished; anything else is damage.
func (s *scan) tail(i int, b []byte, at int64, damage *DamageError) error {
	seg, rest := s.found[i], b[at:]
	if frame.FirstNonZero(rest) < 0 {
		return nil
	}
	for o := int64(sector); o < int64(len(rest)); o += sector {
		if _, err := parseCommitHead(seg.seeds, rest[o:]); err == nil {
			damage.Reason += fmt.Sprintf("; a whole commit follows at byte %d", at+o)
			return damage
		}
	}
	if i < len(s.found)-1 {
		if seg.used && s.found[i+1].first == s.head()+1 {
			return nil
		}
		damage.Reason += "; further segments follow"
		return damage
	}
	if s.limited {
		damage.Reason += fmt.Sprintf("; it was acknowledged up to position %d", s.limit)
		return damage
	}
	s.tornWhy = damage
	if seg.used {
		s.loose = true
		if h, err := parseCommitHead(seg.seeds, rest); err == nil {
			s.torn = min(h.size(), int64(len(rest)))
		}
		return nil
	}
	last := len(rest)
	for last > 0 && rest[last-1] == 0 {
		last--
	}
	s.torn = padded(int64(last))
	return nil
}

// takeIn checks what the commit says against what came before it and adds it to
// the index.
func (s *scan) takeIn(i int, b []byte, at int64, h commitHead) error {
	fault := func(offset int64, format string, args ...any) *DamageError {
		return &DamageError{
			File: s.found[i].name, Offset: offset, Position: s.head() + 1, Reason: fmt.Sprintf(format, args...),
		}
	}
	if h.first != s.head()+1 {
		return fault(at, "commit starts with position %d", h.first)
	}
	if h.previous != s.lastCRC {
		return fault(at, "commit follows one with checksum %08x, not %08x", h.previous, s.lastCRC)
	}
	frames := b[at+commitHeader : at+commitHeader+int64(h.length)]
	count := uint32(0)
	for rest := frames; len(rest) > 0; count++ {
		offset := at + commitHeader + int64(h.length) - int64(len(rest))
		f, err := frame.Parse(s.found[i].seeds.frame, rest)
		if err != nil {
			return fault(offset, "%v", err)
		}
		if err := s.event(f, offset); err != nil {
			d := fault(offset, "%v", err)
			d.Stream = ledger.StreamID(f.Stream())
			return d
		}
		rest = rest[len(f):]
	}
	if count != h.count {
		return fault(at, "commit of %d events holds %d", h.count, count)
	}
	return nil
}

// event checks one event against all before it in the open part and adds it to
// the index.
func (s *scan) event(f frame.Frame, offset int64) error {
	st := s.idx.streams[ledger.StreamID(f.Stream())]
	if st == nil {
		name := ledger.StreamID(f.Stream())
		first := uint64(0)
		if len(s.set.parts) > 0 {
			// What is sealed is not looked through at each opening. That the open
			// part goes on from it is told by the checksum of its last commit, and
			// Verify counts the revisions.
			first = f.Revision()
		}
		st = s.idx.stream(name, first)
	}
	index, count := f.Batch()
	switch {
	case f.Position() != s.head()+1:
		return fmt.Errorf("position %d where %d is due", f.Position(), s.head()+1)
	case f.Revision() != st.next():
		return fmt.Errorf("revision %d where %d is due", f.Revision(), st.next())
	case index >= count:
		return fmt.Errorf("event %d of an append of %d", index, count)
	case f.Recorded() < s.recorded:
		return fmt.Errorf("recorded at %v, before the event ahead of it", frame.Micro(f.Recorded()))
	case f.ID().IsZero():
		return errors.New("no event id")
	}
	for _, p := range s.idx.candidates(nil, f.ID()) {
		other, err := s.frameAt(p)
		if err != nil {
			return err
		}
		if other.ID() == f.ID() {
			return fmt.Errorf("event id %s again, first at position %d", f.ID(), p)
		}
	}
	seg := s.idx.last()
	seg.offsets = append(seg.offsets, uint32(offset)) //nolint:gosec // below maxSegment
	s.idx.add(st, f.ID(), f.Position())
	s.recorded = f.Recorded()
	return nil
}

// frameAt returns an event that was read before.
func (s *scan) frameAt(position uint64) (frame.Frame, error) {
	for _, seg := range s.idx.open {
		if position >= seg.first && position <= seg.last() {
			var w window
			return w.frame(&openPart{seg: seg, offsets: seg.offsets, end: seg.size}, position, false)
		}
	}
	return nil, fmt.Errorf("no event at position %d", position)
}
