package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
)

// A scan reads a log from the first byte to the last, checks all of it and
// builds the index.
type scan struct {
	files    disk.Folder
	mode     disk.Mode
	visit    func(frame) error // for each event; may be nil
	progress func(done, total int64)
	limited  bool   // stop after the position limit; what follows is being written
	limit    uint64 // last position to read

	id       logID
	seed     uint32
	segments []*segment
	idx      index
	end      int64  // end of the last segment
	lastCRC  uint32 // header checksum of the last commit
	lastAt   commitPlace
	recorded int64
	commits  int
	torn     int64        // bytes behind the end up to the last that is not zero
	tornWhy  *DamageError // what is wrong there, if anything
	buf      []byte
	done     int64
	total    int64
}

// A commitPlace is where the last commit lies; size is 0 if there is none.
type commitPlace struct {
	segment      int
	offset, size int64
}

// segmentNames returns the names of the segment files in order of position.
func segmentNames(files disk.Folder) ([]string, error) {
	all, err := files.List()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range all {
		if _, ok := parseSegmentName(name); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// run reads all segments. After an error nothing is open.
func (s *scan) run(ctx context.Context, names []string) error {
	s.idx = newIndex()
	err := s.open(names)
	for i := 0; i < len(s.segments) && err == nil; i++ {
		if s.limited && s.idx.head() >= s.limit && i > 0 {
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
	for _, seg := range s.segments[i:] {
		err = errors.Join(err, seg.file.Close())
	}
	s.segments = s.segments[:i]
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
		s.segments = append(s.segments, seg)
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
	seg := s.segments[i]
	if int64(cap(s.buf)) < seg.size {
		s.buf = make([]byte, seg.size)
	}
	b := s.buf[:seg.size]
	if n, err := seg.file.ReadAt(b, 0); err != nil && (!errors.Is(err, io.EOF) || n < len(b)) {
		return fmt.Errorf("read %s: %w", seg.name, err)
	}
	id, err := parseSegmentHeader(b, seg.first, seg.size)
	if err != nil {
		return &DamageError{File: seg.name, Position: seg.first, Reason: err.Error()}
	}
	if i == 0 {
		s.id, s.seed = id, id.seed()
	}
	if id != s.id {
		return &DamageError{File: seg.name, Position: seg.first, Reason: "segment of another log"}
	}
	if due := s.idx.head() + 1; seg.first != due {
		return &DamageError{File: seg.name, Position: due, Reason: fmt.Sprintf(
			"events %d to %d are missing: the file before it is missing or was cut", due, seg.first-1)}
	}
	end, err := s.commitsOf(ctx, i, b)
	if err != nil {
		return err
	}
	seg.end, s.end = end, end
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
		if s.limited && s.idx.head() >= s.limit {
			return at, nil
		}
		h, damage := s.check(i, b, at)
		if damage != nil {
			return at, s.tail(i, b, at, damage)
		}
		if err := s.takeIn(i, b, at, h); err != nil {
			return 0, err
		}
		s.lastCRC, s.lastAt = h.crc, commitPlace{segment: i, offset: at, size: h.size()}
		s.commits++
		at += h.size()
	}
	return int64(len(b)), nil
}

// check returns the header of the commit at an offset if every checksum of the
// commit holds. Otherwise it says where and what is wrong first.
func (s *scan) check(i int, b []byte, at int64) (commitHead, *DamageError) {
	due := s.idx.head() + 1
	bad := func(at int64, position uint64, err error) (commitHead, *DamageError) {
		return commitHead{}, &DamageError{File: s.segments[i].name, Offset: at, Position: position, Reason: err.Error()}
	}
	h, err := parseCommitHead(s.seed, b[at:])
	if err != nil {
		return bad(at, due, err)
	}
	if h.size() > int64(len(b))-at {
		return bad(at, due, fmt.Errorf("commit of %d bytes where %d are left", h.size(), int64(len(b))-at))
	}
	frames := b[at+commitHeader : at+commitHeader+int64(h.length)]
	if got := checksum(s.seed, frames); got == h.framesCRC {
		return h, nil
	}
	for n, rest := uint64(0), frames; len(rest) > 0; n++ {
		f, err := parseFrame(s.seed, rest)
		if err != nil {
			_, damage := bad(at+int64(h.length)+commitHeader-int64(len(rest)), due+n, err)
			damage.Stream = guessStream(rest)
			return commitHead{}, damage
		}
		rest = rest[len(f):]
	}
	return bad(at, due, errors.New("frames checksum does not hold though each frame does"))
}

// guessStream returns the stream name of a damaged frame if it still looks like
// one.
func guessStream(b []byte) ledger.StreamID {
	if len(b) < frameHeader || frameHeader+frame(b).streamLen() > len(b) {
		return ""
	}
	name := ledger.StreamID(b[frameHeader : frameHeader+frame(b).streamLen()])
	if name.Validate() != nil {
		return ""
	}
	return name
}

// tail decides what a commit that does not hold means. Zeros to the end are the
// end. In the last segment, bytes after which no whole commit comes may be a
// commit that was never finished; anything else is damage.
func (s *scan) tail(i int, b []byte, at int64, damage *DamageError) error {
	rest := b[at:]
	if firstNonZero(rest) < 0 {
		return nil
	}
	if i < len(s.segments)-1 {
		damage.Reason += "; further segments follow"
		return damage
	}
	if s.limited {
		damage.Reason += fmt.Sprintf("; it was acknowledged up to position %d", s.limit)
		return damage
	}
	for o := int64(sector); o < int64(len(rest)); o += sector {
		if _, err := parseCommitHead(s.seed, rest[o:]); err == nil {
			damage.Reason += fmt.Sprintf("; a whole commit follows at byte %d", at+o)
			return damage
		}
	}
	last := len(rest)
	for last > 0 && rest[last-1] == 0 {
		last--
	}
	s.torn, s.tornWhy = padded(int64(last)), damage
	return nil
}

// takeIn checks what the commit says against what came before it and adds it to
// the index.
func (s *scan) takeIn(i int, b []byte, at int64, h commitHead) error {
	fault := func(offset int64, format string, args ...any) *DamageError {
		return &DamageError{
			File: s.segments[i].name, Offset: offset, Position: s.idx.head() + 1, Reason: fmt.Sprintf(format, args...),
		}
	}
	if h.first != s.idx.head()+1 {
		return fault(at, "commit starts with position %d", h.first)
	}
	if h.previous != s.lastCRC {
		return fault(at, "commit follows one with checksum %08x, not %08x", h.previous, s.lastCRC)
	}
	frames := b[at+commitHeader : at+commitHeader+int64(h.length)]
	if pad := firstNonZero(b[at+commitHeader+int64(h.length) : at+h.size()]); pad >= 0 {
		return fault(at+commitHeader+int64(h.length)+int64(pad), "padding is not zero")
	}
	count := uint32(0)
	for rest := frames; len(rest) > 0; count++ {
		offset := at + commitHeader + int64(h.length) - int64(len(rest))
		f, err := parseFrame(s.seed, rest)
		if err != nil {
			return fault(offset, "%v", err)
		}
		if err := s.event(f, placeAt(i, offset)); err != nil {
			d := fault(offset, "%v", err)
			d.Stream, _ = f.names()
			return d
		}
		if s.visit != nil {
			if err := s.visit(f); err != nil {
				d := fault(offset, "%v", err)
				d.Stream, _ = f.names()
				d.Position = f.position()
				return d
			}
		}
		rest = rest[len(f):]
	}
	if count != h.count {
		return fault(at, "commit of %d events holds %d", h.count, count)
	}
	return nil
}

// event checks one event against all before it and adds it to the index.
func (s *scan) event(f frame, at place) error {
	name, _ := f.names()
	st := s.idx.stream(name)
	index, count := f.batch()
	switch {
	case f.position() != s.idx.head()+1:
		return fmt.Errorf("position %d where %d is due", f.position(), s.idx.head()+1)
	case s.idx.head()+1 > maxPosition:
		return ErrFull
	case f.revision() != st.next:
		return fmt.Errorf("revision %d where %d is due", f.revision(), st.next)
	case index >= count:
		return fmt.Errorf("event %d of an append of %d", index, count)
	case f.recorded() < s.recorded:
		return fmt.Errorf("recorded at %v, before the event ahead of it", fromMicro(f.recorded()))
	case f.id().IsZero():
		return errors.New("no event id")
	}
	for _, p := range s.idx.ids.candidates(nil, f.id()) {
		v := view{seed: s.seed, segments: s.segments, end: s.segments[len(s.segments)-1].size, places: s.idx.places}
		other, err := v.frame(&window{}, uint64(p), false)
		if err != nil {
			return err
		}
		if other.id() == f.id() {
			return fmt.Errorf("event id %s again, first at position %d", f.id(), p)
		}
	}
	s.idx.add(st, f.id(), at)
	s.recorded = f.recorded()
	return nil
}
