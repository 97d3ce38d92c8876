package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// A piece is what one open segment holds, looked at by itself: every checksum
// holds, one commit follows the other, and so do positions, times and, within
// the segment, revisions.
type piece struct {
	unread error // why nothing is known: it was not read, or the header does not hold

	id   frame.LogID
	used bool

	offsets      []uint32 // where each event's frame starts
	fingerprints []uint32 // of each event's id
	runs         []run    // in order of their first events
	recorded     int64    // of the first event
	lastRecorded int64    // of the last

	commits  int
	previous uint32     // what the first commit says that it follows
	last     commitHead // of the last commit
	lastAt   int64
	end      int64 // offset behind it

	damage  error // what is wrong behind that end, if it is damage
	torn    int64 // bytes of a commit in part, if it may never have been finished
	loose   bool
	tornWhy *DamageError
}

// A run is the events of one stream in a piece.
type run struct {
	name      ledger.StreamID
	first     uint64 // revision of the first
	positions []uint64
}

// A pieceReader reads segments, one at a time. It is for one goroutine.
type pieceReader struct {
	scan *scan // what is read of it does not change meanwhile

	buf  []byte // room for the window
	runs runTable

	seg    *segment
	seeds  seeds
	window []byte // bytes of the segment
	from   int64  // their offset
	piece  *piece

	// Of each event, by position: room that is used again.
	offsets      []uint32
	fingerprints []uint32
	of           []uint32 // number of its run
}

// pieceWindow is how much of a segment is read at once: as much as stays in a
// processor's own cache until its checksums are computed and its events taken in.
const pieceWindow = 256 << 10

// read reads and checks segment i.
func (r *pieceReader) read(ctx context.Context, i int) *piece {
	r.seg, r.piece = r.scan.found[i], &piece{end: segmentHeader}
	r.window, r.from = r.buf[:0], 0
	r.offsets, r.fingerprints, r.of = r.offsets[:0], r.fingerprints[:0], r.of[:0]
	r.runs.clear()
	err := r.header()
	if err == nil {
		err = r.commits(ctx, i)
	}
	if err != nil {
		return &piece{unread: err}
	}
	r.settle()
	return r.piece
}

// bytes returns n bytes at an offset, which must not lie before that of the call
// before. They are valid until the next call.
func (r *pieceReader) bytes(at, n int64) ([]byte, error) {
	if at+n > r.from+int64(len(r.window)) {
		size := min(max(n, pieceWindow), r.seg.size-at)
		left := r.window[min(at-r.from, int64(len(r.window))):]
		if int64(cap(r.buf)) < size {
			r.buf = make([]byte, size)
		}
		r.window, r.from = r.buf[:size], at
		kept := copy(r.window, left)
		read, err := r.seg.file.ReadAt(r.window[kept:], at+int64(kept))
		if err != nil && (!errors.Is(err, io.EOF) || kept+read < len(r.window)) {
			return nil, fmt.Errorf("read %s: %w", r.seg.name, err)
		}
	}
	return r.window[at-r.from:][:n], nil
}

// header looks at the segment's header.
func (r *pieceReader) header() error {
	seg := r.seg
	b, err := r.bytes(0, segmentHeader)
	if err != nil {
		return err
	}
	id, used, err := parseSegmentHeader(b, seg.first, seg.size)
	if errors.Is(err, ErrFormat) {
		return fmt.Errorf("%s: %w", seg.name, err)
	}
	if err != nil {
		return &DamageError{File: seg.name, Position: seg.first, Reason: err.Error()}
	}
	r.piece.id, r.piece.used, r.seeds = id, used, seedsOf(id, seg.first)
	return nil
}

// due returns the position that the next event must have.
func (r *pieceReader) due() uint64 { return r.seg.first + uint64(len(r.offsets)) }

// commits reads all commits. An error means that it could not read on, and not
// that something is wrong with what it has read.
func (r *pieceReader) commits(ctx context.Context, i int) error {
	p, s := r.piece, r.scan
	for p.end < r.seg.size {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.limited && r.due() > s.limit {
			return nil
		}
		h, frames, damage, err := r.check()
		if err != nil {
			return err
		}
		if damage != nil {
			return r.tail(i, h, damage)
		}
		if damage = r.commit(h, frames); damage != nil {
			p.damage = damage
			return nil
		}
		p.last, p.lastAt = h, p.end
		p.commits++
		p.end += h.size()
	}
	return nil
}

// check returns the header and the frames of the next commit if every checksum
// of it holds and its padding is zero. Otherwise it says where and what is wrong
// first; the header is then empty unless its own checksum holds.
func (r *pieceReader) check() (commitHead, []byte, *DamageError, error) {
	at, due := r.piece.end, r.due()
	var h commitHead // stays empty if none holds
	bad := func(at int64, position uint64, err error) (commitHead, []byte, *DamageError, error) {
		return h, nil, &DamageError{File: r.seg.name, Offset: at, Position: position, Reason: err.Error()}, nil
	}
	left := r.seg.size - at
	b, err := r.bytes(at, min(commitHeader, left))
	if err != nil {
		return h, nil, nil, err
	}
	if h, err = parseCommitHead(r.seeds, b); err != nil {
		return bad(at, due, err)
	}
	if h.size() > left {
		return bad(at, due, fmt.Errorf("commit of %d bytes where %d are left", h.size(), left))
	}
	if b, err = r.bytes(at, h.size()); err != nil {
		return h, nil, nil, err
	}
	end := commitHeader + int64(h.length)
	frames := b[commitHeader:end]
	if got := frame.Checksum(r.seeds.commit, frames); got == h.framesCRC {
		// The sector that the padding is in is written with the commit, so
		// where the file was used before it can be torn like any other.
		if pad := frame.FirstNonZero(b[end:]); pad >= 0 {
			return bad(at+end+int64(pad), due, errors.New("padding is not zero"))
		}
		return h, frames, nil, nil
	}
	for n, rest := uint64(0), frames; len(rest) > 0; n++ {
		f, err := frame.Parse(r.seeds.frame, rest)
		if err != nil {
			_, _, damage, _ := bad(at+end-int64(len(rest)), due+n, err)
			damage.Stream = frame.GuessStream(rest)
			return h, nil, damage, nil
		}
		rest = rest[len(f):]
	}
	return bad(at, due, errors.New("frames checksum does not hold though each frame does"))
}

// leftover is what lies behind the commits of a segment, in offsets.
type leftover struct {
	commit int64 // where a whole commit begins; 0: nowhere
	end    int64 // behind the last byte that is not zero; 0: there is none
}

// behind looks through what lies behind the end, where no commit begins.
func (r *pieceReader) behind() (leftover, error) {
	var l leftover
	from := r.piece.end
	for at := from; at < r.seg.size; at += pieceWindow {
		b, err := r.bytes(at, min(pieceWindow, r.seg.size-at))
		if err != nil {
			return l, err
		}
		if frame.FirstNonZero(b) < 0 {
			continue
		}
		for o := 0; o < len(b) && l.commit == 0; o += sector {
			if isCommit(r.seeds, b[o:]) && at+int64(o) > from {
				l.commit = at + int64(o)
			}
		}
		n := len(b)
		for b[n-1] == 0 {
			n--
		}
		l.end = at + int64(n)
	}
	return l, nil
}

// tail decides what it means that no commit holds at the end, though h may be
// the header of one. Zeros to the end of the file are the end, and so is what an
// earlier life of the file has left, as far as nothing is missing. In the last
// segment, bytes after which no whole commit comes may be a commit that was never
// finished; anything else is damage.
func (r *pieceReader) tail(i int, h commitHead, damage *DamageError) error {
	p, s := r.piece, r.scan
	rest, err := r.behind()
	if err != nil {
		return err
	}
	switch {
	case rest.end == 0:
		return nil
	case rest.commit > 0:
		damage.Reason += fmt.Sprintf("; a whole commit follows at byte %d", rest.commit)
		p.damage = damage
		return nil
	case i < len(s.found)-1:
		if !p.used || s.found[i+1].first != r.due() {
			damage.Reason += "; further segments follow"
			p.damage = damage
		}
		return nil
	case s.limited:
		damage.Reason += fmt.Sprintf("; it was acknowledged up to position %d", s.limit)
		p.damage = damage
		return nil
	}
	p.tornWhy, p.loose = damage, p.used
	switch {
	case !p.used:
		p.torn = padded(rest.end - p.end)
	case h != (commitHead{}):
		p.torn = min(h.size(), r.seg.size-p.end)
	}
	return nil
}

// commit checks what the commit at the end of the piece says against what came
// before it, and takes in its events. Their own checksums are not looked at: the
// commit's has covered these bytes, and whoever reads an event looks at its own.
func (r *pieceReader) commit(h commitHead, frames []byte) *DamageError {
	p := r.piece
	fault := func(offset int64, format string, args ...any) *DamageError {
		return &DamageError{File: r.seg.name, Offset: offset, Position: r.due(), Reason: fmt.Sprintf(format, args...)}
	}
	if h.first != r.due() {
		return fault(p.end, "commit starts with position %d", h.first)
	}
	if p.commits == 0 {
		p.previous = h.previous
	} else if h.previous != p.last.crc {
		return fault(p.end, "commit follows one with checksum %08x, not %08x", h.previous, p.last.crc)
	}
	end := p.end + commitHeader + int64(h.length)
	count := uint32(0)
	for rest := frames; len(rest) > 0; count++ {
		offset := end - int64(len(rest))
		f, err := frame.Next(rest)
		if err != nil {
			return fault(offset, "%v", err)
		}
		if err := r.event(f, offset); err != nil {
			d := fault(offset, "%v", err)
			d.Stream = ledger.StreamID(f.Stream())
			return d
		}
		rest = rest[len(f):]
	}
	if count != h.count {
		return fault(p.end, "commit of %d events holds %d", h.count, count)
	}
	return nil
}

// earlier says that an event was recorded before the one ahead of it.
func earlier(recorded int64) string {
	return fmt.Sprintf("recorded at %v, before the event ahead of it", frame.Micro(recorded))
}

// event checks one event against those before it in the segment and adds it to
// the piece.
func (r *pieceReader) event(f frame.Frame, offset int64) error {
	p := r.piece
	n := r.runs.of(r.scan.idx.seed, f.Stream(), f.Revision())
	index, count := f.Batch()
	recorded := f.Recorded()
	switch {
	case f.Position() != r.due():
		return fmt.Errorf("position %d where %d is due", f.Position(), r.due())
	case f.Revision() != r.runs.due[n]:
		return fmt.Errorf("revision %d where %d is due", f.Revision(), r.runs.due[n])
	case index >= count:
		return fmt.Errorf("event %d of an append of %d", index, count)
	case len(r.offsets) > 0 && recorded < p.lastRecorded:
		return errors.New(earlier(recorded))
	case f.ID().IsZero():
		return errors.New("no event id")
	}
	if len(r.offsets) == 0 {
		p.recorded = recorded
	}
	p.lastRecorded = recorded
	r.offsets = append(r.offsets, uint32(offset)) //nolint:gosec // below maxSegment
	r.fingerprints = append(r.fingerprints, fingerprint(r.scan.idx.seed, f.ID()))
	r.of = append(r.of, n)
	r.runs.due[n]++
	return nil
}

// settle gives the piece what was found of its events, and each run its
// positions.
func (r *pieceReader) settle() {
	p := r.piece
	p.offsets, p.fingerprints = slices.Clone(r.offsets), slices.Clone(r.fingerprints)
	p.runs = r.runs.runs(r.seg.first, r.of)
}
