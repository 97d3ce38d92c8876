package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/vouchledger/vouch/ledger/internal/disk"
)

// Layout of a segment: a file of fixed length, filled with zeros before it is
// used, so that writing into it changes no metadata of the file system. It is
// named after its first position.
//
//	 0  8  "VOUCHSEG"
//	 8  4  version of the format: 1
//	12  4  zero
//	16 16  id of the log
//	32  8  position of the first event
//	40  8  length of the file in bytes
//	48 12  zero
//	60  4  CRC32C of the bytes 0 to 59
//	64     zeros to 4096; then commits; then zeros to the end
const (
	segmentMagic   = "VOUCHSEG"
	formatVersion  = 1
	segmentFields  = 64
	segmentHeader  = 4096
	segmentSuffix  = ".seg"
	spareName      = "spare.tmp" // a segment being zeroed; worthless after a crash
	maxSegment     = 1 << 30
	minSegment     = segmentHeader + sector
	defaultSegment = 64 << 20
)

// A segment is one file of the log.
type segment struct {
	name  string
	file  disk.File
	first uint64 // position of its first event
	size  int64
	end   int64 // offset behind the last durable commit
}

// segmentName returns the file name for a first position. Names sort as the
// positions do.
func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

// parseSegmentName returns the first position that a file name promises.
func parseSegmentName(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	first, err := strconv.ParseUint(digits, 10, 64)
	return first, err == nil
}

func encodeSegmentHeader(id logID, first uint64, size int64) []byte {
	b := make([]byte, segmentHeader)
	copy(b, segmentMagic)
	binary.LittleEndian.PutUint32(b[8:], formatVersion)
	copy(b[16:], id[:])
	binary.LittleEndian.PutUint64(b[32:], first)
	binary.LittleEndian.PutUint64(b[40:], uint64(size)) //nolint:gosec // positive
	binary.LittleEndian.PutUint32(b[60:], checksum(0, b[:60]))
	return b
}

// parseSegmentHeader checks the first bytes of a segment file against its name
// and length.
func parseSegmentHeader(b []byte, first uint64, size int64) (logID, error) {
	if len(b) < segmentHeader {
		return logID{}, fmt.Errorf("file of %d bytes, a segment has at least %d", len(b), segmentHeader)
	}
	if string(b[:8]) != segmentMagic {
		return logID{}, fmt.Errorf("not a segment: starts with %x", b[:8])
	}
	if got, want := checksum(0, b[:60]), binary.LittleEndian.Uint32(b[60:]); got != want {
		return logID{}, fmt.Errorf("segment header checksum is %08x, the header says %08x", got, want)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != formatVersion {
		return logID{}, fmt.Errorf("format version %d, this program reads %d", v, formatVersion)
	}
	if got := binary.LittleEndian.Uint64(b[32:]); got != first {
		return logID{}, fmt.Errorf("segment of position %d under the name of %d", got, first)
	}
	if got := binary.LittleEndian.Uint64(b[40:]); got != uint64(size) { //nolint:gosec // positive
		return logID{}, fmt.Errorf("file of %d bytes, the header says %d", size, got)
	}
	if at := firstNonZero(b[segmentFields:segmentHeader]); at >= 0 {
		return logID{}, fmt.Errorf("byte %d of the header is not zero", segmentFields+at)
	}
	return logID(b[16:32]), nil
}

// makeSegment makes a zeroed segment under its name; the caller syncs the
// folder. If it fails, nothing of the log has changed and it may be tried again.
func makeSegment(files disk.Folder, spare disk.File, id logID, first uint64, size int64) (*segment, error) {
	f := spare
	if f == nil {
		var err error
		if f, err = makeSpare(files, size); err != nil {
			return nil, err
		}
	}
	s := &segment{name: segmentName(first), file: f, first: first, size: size, end: segmentHeader}
	_, err := f.WriteAt(encodeSegmentHeader(id, first, size), 0)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = files.Rename(spareName, s.name)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make segment %s: %w", s.name, err), f.Close())
	}
	return s, nil
}

// makeSpare returns a file of zeros that is to become a segment. Zeros are
// written and not only reserved: a reserved block costs an entry in the file
// system's journal when it is written first, and so a second flush.
func makeSpare(files disk.Folder, size int64) (disk.File, error) {
	f, err := files.Open(spareName, disk.Create)
	if err != nil {
		return nil, fmt.Errorf("make segment: %w", err)
	}
	for at := int64(0); at < size && err == nil; {
		n := min(size-at, int64(len(zeros)))
		_, err = f.WriteAt(zeros[:n], at)
		at += n
		if err == nil && (at%spareSync == 0 || at == size) {
			err = f.Sync()
		}
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("make segment: %w", err), f.Close(), files.Remove(spareName))
		return nil, err
	}
	return f, nil
}

// spareSync is how much of a spare is written between two syncs: little, so
// that a commit does not wait behind a long flush.
const spareSync = 4 << 20
