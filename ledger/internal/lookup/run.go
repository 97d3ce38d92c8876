package lookup

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/vouchledger/vouch/ledger/internal/damage"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// Layout of the first page of a run. All numbers are little-endian.
//
//	   0  8  "VOUCHIDX"
//	   8  4  version of the format: 2
//	  12  4  segments that it covers
//	  16 16  id of the log
//	  32  8  position of the first event
//	  40  8  position of the last event
//	  48  4  pages of the table of ids
//	  52  4  pages of the table of streams
//	  56  8  zero
//	  64 32  SHA-256 of the digests of the segments it covers, one behind the other
//	  96  8  no id with a time in it (a UUID of version 7) is of this millisecond
//	         or later; 0 if that is not known
//	 104     zero
//	4092  4  CRC32C of the bytes 0 to 4091
//
// The pages of ids follow, then those of streams. A value in the first is a
// position less the first; in the second the number of the segment, from 0.
const (
	runMagic      = "VOUCHIDX"
	formatVersion = 2
	runSuffix     = ".index"
	tempSuffix    = ".tmp"
)

// A Span says what a run covers.
type Span struct {
	First, Last uint64            // positions
	Parts       int               // segments
	Digest      [sha256.Size]byte // over the segments' digests
}

// Events returns how many events the span holds.
func (s Span) Events() uint64 { return s.Last - s.First + 1 }

// Name returns the file name of a run. Names sort by first position.
func (s Span) Name() string { return fmt.Sprintf("%020d-%020d%s", s.First, s.Last, runSuffix) }

// ParseName returns the positions that a file name promises.
func ParseName(name string) (first, last uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, runSuffix)
	if !ok || len(digits) != 41 || digits[20] != '-' {
		return 0, 0, false
	}
	first, err := strconv.ParseUint(digits[:20], 10, 64)
	if err != nil {
		return 0, 0, false
	}
	last, err = strconv.ParseUint(digits[21:], 10, 64)
	return first, last, err == nil && first <= last
}

// A Run is an open file of lookups. Its methods may be called from many
// goroutines at once, until Close.
type Run struct {
	Span
	before  uint64
	file    disk.File
	name    string
	ids     table
	streams table
}

// Tables are the entries of a run before it is written: ids with positions less
// the first, streams with segment numbers. They need not be sorted.
type Tables struct {
	IDs, Streams []Entry

	// Before is a millisecond: none of the ids that have a time in them is of
	// it or of a later one. 0 says nothing.
	Before uint64
}

func (t *Tables) pages() (ids, streams []byte, err error) {
	if ids, err = pagesFor(sorted(t.IDs)); err == nil {
		streams, err = pagesFor(sorted(t.Streams))
	}
	return ids, streams, err
}

// Write makes the file of a run, durable under its final name once the caller
// has synced the folder. After an error nothing is there.
func Write(files disk.Folder, log [16]byte, span Span, t Tables) error {
	if err := Prepare(files, log, span, t); err != nil {
		return err
	}
	return Publish(files, span)
}

// Publish gives a run that was prepared its name.
func Publish(files disk.Folder, span Span) error {
	if err := files.Rename(span.Name()+tempSuffix, span.Name()); err != nil {
		return unfinished(files, span, err)
	}
	return nil
}

// unfinished removes what is not finished because of err.
func unfinished(files disk.Folder, span Span, err error) error {
	return fmt.Errorf("write %s: %w", span.Name(), errors.Join(err, disk.Discard(files, span.Name()+tempSuffix)))
}

// Prepare makes the file of a run, durable under a name of its own, which
// [Publish] changes. After an error nothing is there.
func Prepare(files disk.Folder, log [16]byte, span Span, t Tables) error {
	if span.Events() > MaxValue {
		panic(fmt.Sprintf("lookup: run of %d events", span.Events()))
	}
	name := span.Name()
	ids, streams, err := t.pages()
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	f, err := files.Open(name+tempSuffix, disk.Create)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.WriteAt(header(log, span, t.Before, len(ids)/PageBytes, len(streams)/PageBytes), 0)
	at := int64(PageBytes)
	for _, pages := range [][]byte{ids, streams} {
		if err == nil && len(pages) > 0 {
			_, err = f.WriteAt(pages, at)
			at += int64(len(pages))
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return unfinished(files, span, err)
	}
	return nil
}

func header(log [16]byte, span Span, before uint64, ids, streams int) []byte {
	b := make([]byte, PageBytes)
	le := binary.LittleEndian
	copy(b, runMagic)
	le.PutUint32(b[8:], formatVersion)
	le.PutUint32(b[12:], uint32(span.Parts)) //nolint:gosec // at most MaxValue
	copy(b[16:], log[:])
	le.PutUint64(b[32:], span.First)
	le.PutUint64(b[40:], span.Last)
	le.PutUint32(b[48:], uint32(ids))     //nolint:gosec // fewer than events
	le.PutUint32(b[52:], uint32(streams)) //nolint:gosec // fewer than events
	copy(b[64:], span.Digest[:])
	le.PutUint64(b[96:], before)
	le.PutUint32(b[PageBytes-4:], frame.Checksum(0, b[:PageBytes-4]))
	return b
}

// Open opens the run of that name. A file that does not hold is damage; it may
// be removed, and is then made again from the segments.
func Open(files disk.Folder, log [16]byte, name string) (*Run, error) {
	f, err := files.Open(name, disk.Read)
	if err != nil {
		return nil, err
	}
	r, err := open(f, log, name)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func open(f disk.File, log [16]byte, name string) (*Run, error) {
	bad := func(format string, args ...any) (*Run, error) {
		return nil, &damage.Error{File: name, Reason: fmt.Sprintf(format, args...) + rebuildHint}
	}
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size < PageBytes || size%PageBytes != 0 {
		return bad("file of %d bytes", size)
	}
	b := make([]byte, PageBytes)
	if _, err := f.ReadAt(b, 0); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	le := binary.LittleEndian
	first, last, _ := ParseName(name)
	ids, streams := int64(le.Uint32(b[48:])), int64(le.Uint32(b[52:]))
	switch {
	case string(b[:8]) != runMagic || le.Uint32(b[8:]) != formatVersion:
		return bad("not an index of format %d", formatVersion)
	case frame.Checksum(0, b[:PageBytes-4]) != le.Uint32(b[PageBytes-4:]):
		return bad("header checksum does not hold")
	case [16]byte(b[16:32]) != log:
		return bad("index of another log")
	case first == 0 || last-first >= MaxValue || le.Uint32(b[12:]) == 0 || le.Uint32(b[12:]) > MaxValue:
		return bad("index of %d segments and positions %d to %d", le.Uint32(b[12:]), first, last)
	case le.Uint64(b[32:]) != first || le.Uint64(b[40:]) != last:
		return bad("index of positions %d to %d", le.Uint64(b[32:]), le.Uint64(b[40:]))
	case (1+ids+streams)*PageBytes != size:
		return bad("file of %d bytes, the header says %d pages", size, 1+ids+streams)
	}
	mapped, err := f.Map(0, int(size))
	if err != nil {
		return nil, err
	}
	r := &Run{
		Span:   Span{First: first, Last: last, Parts: int(le.Uint32(b[12:])), Digest: [32]byte(b[64:96])},
		before: le.Uint64(b[96:]), file: f, name: name,
		ids:     newTable(mapped[PageBytes : (1+ids)*PageBytes]),
		streams: newTable(mapped[(1+ids)*PageBytes:]),
	}
	return r, nil
}

// InMemory returns a run that is in no file.
func InMemory(span Span, t Tables) (*Run, error) {
	ids, streams, err := t.pages()
	if err != nil {
		return nil, fmt.Errorf("index %s: %w", span.Name(), err)
	}
	return &Run{Span: span, before: t.Before, name: span.Name(), ids: newTable(ids), streams: newTable(streams)}, nil
}

// rebuildHint says what to do about an index, which is no history.
const rebuildHint = " (an index holds no history: remove this file and it is made again)"

// Close closes the file. Nothing may be looked up any more.
func (r *Run) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Before returns [Tables.Before] of runs together.
func Before(runs []*Run) uint64 {
	before := uint64(0)
	for _, r := range runs {
		if r.before == 0 {
			return 0
		}
		before = max(before, r.before)
	}
	return before
}

// Positions appends to found the positions whose events may have the id with
// this hash.
func (r *Run) Positions(found []uint64, h Hash) ([]uint64, error) {
	n := len(found)
	found, err := r.ids.find(found, h)
	if err != nil {
		return nil, r.damaged(err)
	}
	for i := range found[n:] {
		if found[n+i] >= r.Events() {
			return nil, r.damaged(fmt.Errorf("position %d behind the last", r.First+found[n+i]))
		}
		found[n+i] += r.First
	}
	return found, nil
}

// Segments appends to found the numbers of the run's segments, from 0 and
// rising, that may hold events of the stream with this hash.
func (r *Run) Segments(found []uint64, h Hash) ([]uint64, error) {
	n := len(found)
	found, err := r.streams.find(found, h)
	if err != nil {
		return nil, r.damaged(err)
	}
	for _, s := range found[n:] {
		if s >= uint64(r.Parts) { //nolint:gosec // a count
			return nil, r.damaged(fmt.Errorf("segment %d of %d", s, r.Parts))
		}
	}
	return found, nil
}

func (r *Run) damaged(err error) error {
	return &damage.Error{File: r.name, Position: r.First, Reason: err.Error() + rebuildHint}
}

// Merge returns the tables of adjacent runs, in order, as those of one.
func Merge(runs []*Run) (Span, Tables, error) {
	span := Span{First: runs[0].First, Last: runs[len(runs)-1].Last}
	var ids, streams [][]Entry
	for _, r := range runs {
		i, err := r.ids.all(make([]Entry, 0, r.Events()), r.Events(), r.First-span.First)
		if err != nil {
			return span, Tables{}, r.damaged(err)
		}
		s, err := r.streams.all(nil, uint64(r.Parts), uint64(span.Parts)) //nolint:gosec // counts
		if err != nil {
			return span, Tables{}, r.damaged(err)
		}
		ids, streams = append(ids, i), append(streams, s)
		span.Parts += r.Parts
	}
	return span, Tables{IDs: merged(ids), Streams: merged(streams), Before: Before(runs)}, nil
}

// Tables returns all entries, sorted, for who checks them against the segments.
func (r *Run) Tables() (Tables, error) {
	ids, err := r.ids.all(nil, r.Events(), 0)
	if err != nil {
		return Tables{}, r.damaged(err)
	}
	streams, err := r.streams.all(nil, uint64(r.Parts), 0) //nolint:gosec // a count
	if err != nil {
		return Tables{}, r.damaged(err)
	}
	return Tables{IDs: ids, Streams: streams, Before: r.before}, nil
}
