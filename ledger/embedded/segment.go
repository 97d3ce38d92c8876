package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// Layout of an open segment: a file of fixed length, filled with zeros before
// its first use, so that writing into it changes no metadata of the file
// system. It is named after its first position, which is also its generation.
// When its events have been sealed the file is used again, as it is, under
// another name.
//
//	 0  8  "VOUCHSEG"
//	 8  4  version of the format: 2
//	12  4  1 if the file was used before: what lies behind the commits may be
//	       what an earlier life has left; otherwise 0, and it is zero
//	16 16  id of the log
//	32  8  position of the first event
//	40  8  length of the file in bytes
//	48 12  zero
//	60  4  CRC32C of the bytes 0 to 59
//	64     zeros to 4096; then commits; then zeros or leftovers to the end
const (
	segmentMagic   = "VOUCHSEG"
	formatVersion  = 2
	segmentFields  = 64
	segmentHeader  = 4096
	segmentSuffix  = ".seg"
	maxSegment     = 1 << 30
	minSegment     = segmentHeader + sector
	defaultSegment = 32 << 20
)

// A segment is one open file of the log.
type segment struct {
	name  string
	first uint64 // position of its first event
	size  int64
	seeds seeds
	used  bool // the file was used before

	// mu keeps the file from being taken away while it is read.
	mu   sync.RWMutex
	file disk.File
	gone bool // its events are sealed, and the file is another's

	// The rest is guarded by Log.mu.
	end     int64    // offset behind the last durable commit
	offsets []uint32 // where each durable event's frame starts
	commit  uint32   // header checksum of its last commit
}

// last returns the position of the last durable event; first-1 if there is
// none.
func (s *segment) last() uint64 { return s.first + uint64(len(s.offsets)) - 1 }

// errGone means that a segment has been sealed meanwhile.
var errGone = errors.New("segment was sealed")

// readAt reads from the file unless it has been taken away.
func (s *segment) readAt(b []byte, at int64) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.gone {
		return errGone
	}
	if _, err := s.file.ReadAt(b, at); err != nil {
		return fmt.Errorf("read %s at %d: %w", s.name, at, err)
	}
	return nil
}

// take ends the life of the segment and returns its file.
func (s *segment) take() disk.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	return s.file
}

// segmentName returns the file name for a first position. Names sort as the
// positions do.
func segmentName(first uint64) string { return frame.FileName(first, segmentSuffix) }

// parseSegmentName returns the first position that a file name promises.
func parseSegmentName(name string) (uint64, bool) { return frame.ParseFileName(name, segmentSuffix) }

func encodeSegmentHeader(id frame.LogID, first uint64, size int64, used bool) []byte {
	b := make([]byte, segmentHeader)
	copy(b, segmentMagic)
	binary.LittleEndian.PutUint32(b[8:], formatVersion)
	if used {
		b[12] = 1
	}
	copy(b[16:], id[:])
	binary.LittleEndian.PutUint64(b[32:], first)
	binary.LittleEndian.PutUint64(b[40:], uint64(size)) //nolint:gosec // positive
	binary.LittleEndian.PutUint32(b[60:], frame.Checksum(0, b[:60]))
	return b
}

// parseSegmentHeader checks the first bytes of a segment file against its name
// and length.
func parseSegmentHeader(b []byte, first uint64, size int64) (id frame.LogID, used bool, err error) {
	if len(b) < segmentHeader {
		return id, false, fmt.Errorf("file of %d bytes, a segment has at least %d", len(b), segmentHeader)
	}
	if string(b[:8]) != segmentMagic {
		return id, false, fmt.Errorf("not a segment: starts with %x", b[:8])
	}
	if got, want := frame.Checksum(0, b[:60]), binary.LittleEndian.Uint32(b[60:]); got != want {
		return id, false, fmt.Errorf("segment header checksum is %08x, the header says %08x", got, want)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != formatVersion {
		return id, false, fmt.Errorf("%w: %d, this program reads %d", ErrFormat, v, formatVersion)
	}
	if got := binary.LittleEndian.Uint64(b[32:]); got != first {
		return id, false, fmt.Errorf("segment of position %d under the name of %d", got, first)
	}
	if got := binary.LittleEndian.Uint64(b[40:]); got != uint64(size) { //nolint:gosec // positive
		return id, false, fmt.Errorf("file of %d bytes, the header says %d", size, got)
	}
	if flags := binary.LittleEndian.Uint32(b[12:]); flags > 1 {
		return id, false, fmt.Errorf("flags %#x", flags)
	}
	if at := frame.FirstNonZero(b[48:60]); at >= 0 {
		return id, false, fmt.Errorf("byte %d of the header is not zero", 48+at)
	}
	if at := frame.FirstNonZero(b[segmentFields:segmentHeader]); at >= 0 {
		return id, false, fmt.Errorf("byte %d of the header is not zero", segmentFields+at)
	}
	return frame.LogID(b[16:32]), b[12] == 1, nil
}

// makeSegment makes a segment of a spare file under its name; the caller syncs
// the folder. If it fails, nothing of the log has changed and it may be tried
// again.
func makeSegment(files disk.Folder, from *spare, id frame.LogID, first uint64) (*segment, error) {
	s := &segment{
		name: segmentName(first), file: from.file, first: first, size: from.size, seeds: seedsOf(id, first),
		used: from.used, end: segmentHeader,
	}
	_, err := s.file.WriteAt(encodeSegmentHeader(id, first, s.size, s.used), 0)
	if err == nil {
		err = s.file.Sync()
	}
	if err == nil {
		err = files.Rename(from.name, s.name)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make segment %s: %w", s.name, err), s.file.Close())
	}
	return s, nil
}
