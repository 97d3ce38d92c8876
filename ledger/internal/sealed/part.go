package sealed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sort"
	"strings"
	"sync/atomic"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/damage"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// A Part is an open sealed segment. Its tables are mapped and checked when they
// are touched first, so opening one reads 320 bytes. All methods may be called
// from many goroutines at once, until Close; those that look into tables want
// [disk.Guard] around them.
type Part struct {
	Log   frame.LogID
	First uint64 // position of the first event
	Count uint64 // events

	name    string
	file    disk.File
	seed    uint32
	size    int64
	trailer trailer
	foot    []byte // from the first section to the end of the file
	held    [sections]atomic.Bool
}

// An Extent is where the events of one stream lie: ordinals one behind the
// other, revisions as well.
type Extent struct {
	Revision uint64 // of the first
	Ordinal  uint32 // of the first
	Count    uint32
}

// Open opens the sealed segment of that name. What does not hold is a
// [damage.Error].
func Open(files disk.Folder, name string) (*Part, error) {
	f, err := files.Open(name, disk.Read)
	if err != nil {
		return nil, err
	}
	p := &Part{name: name, file: f}
	if err := p.open(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

func (p *Part) open() error {
	promised, _ := ParseName(p.name)
	var err error
	if p.size, err = p.file.Size(); err != nil {
		return err
	}
	if p.size < headBytes+trailerBytes {
		return p.bad(0, promised, "file of %d bytes", p.size)
	}
	var head [headBytes]byte
	if _, err := p.file.ReadAt(head[:], 0); err != nil {
		return fmt.Errorf("read %s: %w", p.name, err)
	}
	if p.Log, p.First, p.Count, err = parseHead(head[:]); err != nil {
		return p.bad(0, promised, "%v", err)
	}
	if p.First != promised {
		return p.bad(0, promised, "segment of position %d under the name of %d", p.First, promised)
	}
	if at := firstNonZero(head[48:60]); at >= 0 || firstNonZero(head[12:16]) >= 0 {
		return p.bad(48, p.First, "the header is not zero where it must be")
	}
	p.seed = p.Log.Seed()
	var end [trailerBytes]byte
	if _, err := p.file.ReadAt(end[:], p.size-trailerBytes); err != nil {
		return fmt.Errorf("read %s: %w", p.name, err)
	}
	if p.trailer, err = parseTrailer(p.seed, end[:], p.size); err != nil {
		return p.bad(p.size-trailerBytes, p.First, "%v", err)
	}
	t := &p.trailer
	if t.sections[secBlocks].length%blockEntry != 0 || t.sections[secStreams].length%streamEntry != 0 ||
		t.sections[secOrder].length != orderBytes(p.Count) {
		return p.bad(p.size-trailerBytes, p.First, "sections of %d, %d and %d bytes for %d events",
			t.sections[secBlocks].length, t.sections[secStreams].length, t.sections[secOrder].length, p.Count)
	}
	p.foot, err = p.file.Map(t.sections[0].offset, int(p.size-t.sections[0].offset))
	return err
}

// Close closes the file.
func (p *Part) Close() error { return p.file.Close() }

// Name returns the name of the file.
func (p *Part) Name() string { return p.name }

// Last returns the position of the last event.
func (p *Part) Last() uint64 { return p.First + p.Count - 1 }

// Bytes returns the length of the file.
func (p *Part) Bytes() int64 { return p.size }

// RawBytes returns the length of all frames together.
func (p *Part) RawBytes() int64 { return p.trailer.raw }

// Digest returns the SHA-256 of the file up to its trailer, as the trailer
// says.
func (p *Part) Digest() [32]byte { return p.trailer.digest }

// Commit returns the header checksum of the last commit.
func (p *Part) Commit() uint32 { return p.trailer.commitCRC }

// Recorded returns the recorded time of the last event, in microseconds since
// 1970.
func (p *Part) Recorded() int64 { return p.trailer.recorded }

func (p *Part) bad(at int64, position uint64, format string, args ...any) error {
	return &damage.Error{File: p.name, Offset: at, Position: position, Reason: fmt.Sprintf(format, args...)}
}

// section returns the bytes of a section once their checksum holds.
func (p *Part) section(i int) ([]byte, error) {
	s := p.trailer.sections[i]
	from := s.offset - p.trailer.sections[0].offset
	b := p.foot[from : from+int64(s.length)]
	if p.held[i].Load() {
		return b, nil
	}
	if got := crc32.Checksum(b, castagnoli); got != s.crc {
		return nil, p.bad(s.offset, p.First, "checksum of the section %s is %08x, the trailer says %08x",
			sectionNames[i], got, s.crc)
	}
	p.held[i].Store(true)
	return b, nil
}

// names returns the sections streams and names.
func (p *Part) names() (streams, names []byte, err error) {
	if streams, err = p.section(secStreams); err != nil {
		return nil, nil, err
	}
	names, err = p.section(secNames)
	return streams, names, err
}

// nameAt returns the name of stream i as it lies in the file.
func (p *Part) nameAt(streams, names []byte, i int) ([]byte, error) {
	e := streams[i*streamEntry:]
	at, n := uint64(binary.LittleEndian.Uint32(e[12:])), uint64(binary.LittleEndian.Uint32(e[16:]))
	if at+n > uint64(len(names)) {
		return nil, p.bad(p.trailer.sections[secStreams].offset+int64(i)*streamEntry, p.First, "name outside the section")
	}
	return names[at : at+n], nil
}

// extentAt returns the extent of stream i.
func (p *Part) extentAt(streams []byte, i int) Extent {
	le := binary.LittleEndian
	e := Extent{Revision: le.Uint64(streams[i*streamEntry:]), Ordinal: le.Uint32(streams[i*streamEntry+8:])}
	next := uint32(p.Count) //nolint:gosec // at most maxEvents
	if (i+1)*streamEntry < len(streams) {
		next = le.Uint32(streams[(i+1)*streamEntry+8:])
	}
	e.Count = next - e.Ordinal
	return e
}

// Streams returns how many streams have events here.
func (p *Part) Streams() int { return p.trailer.sections[secStreams].length / streamEntry }

// Stream returns where the events of a stream lie. Ok is false if it has none
// here.
func (p *Part) Stream(name ledger.StreamID) (e Extent, ok bool, err error) {
	streams, names, err := p.names()
	if err != nil {
		return Extent{}, false, err
	}
	n := len(streams) / streamEntry
	var failed error
	i := sort.Search(n, func(i int) bool {
		b, err := p.nameAt(streams, names, i)
		if err != nil {
			failed = err
			return true
		}
		return string(b) >= string(name)
	})
	if failed != nil || i == n {
		return Extent{}, false, failed
	}
	b, err := p.nameAt(streams, names, i)
	if err != nil || string(b) != string(name) {
		return Extent{}, false, err
	}
	return p.extentAt(streams, i), true, nil
}

// EachStream calls visit for every stream, rising by name.
func (p *Part) EachStream(visit func(name []byte, e Extent) error) error {
	streams, names, err := p.names()
	if err != nil {
		return err
	}
	for i := range len(streams) / streamEntry {
		name, err := p.nameAt(streams, names, i)
		if err != nil {
			return err
		}
		if err := visit(name, p.extentAt(streams, i)); err != nil {
			return err
		}
	}
	return nil
}

// Ordinal returns the ordinal of a position.
func (p *Part) Ordinal(position uint64) (uint32, error) {
	order, err := p.section(secOrder)
	if err != nil {
		return 0, err
	}
	o := orderAt(order, orderBits(p.Count), position-p.First)
	if uint64(o) >= p.Count {
		return 0, p.bad(p.trailer.sections[secOrder].offset, position, "ordinal %d of %d events", o, p.Count)
	}
	return o, nil
}

// Wants reports whether any event here may pass q's filters.
func (p *Part) Wants(q ledger.Query) (bool, error) {
	if len(q.Kinds) == 0 {
		return true, nil
	}
	b, err := p.section(secKinds)
	for err == nil && len(b) >= 6 {
		n := int(binary.LittleEndian.Uint16(b))
		if 6+n > len(b) {
			return false, p.bad(p.trailer.sections[secKinds].offset, p.First, "kind outside the section")
		}
		for _, k := range q.Kinds {
			if string(k) == string(b[6:6+n]) {
				return true, nil
			}
		}
		b = b[6+n:]
	}
	return false, err
}

// A Set is the ordinals of some events.
type Set struct {
	bits []uint64
	N    int // how many
}

// Has reports whether an ordinal is in the set.
func (s *Set) Has(ordinal uint32) bool { return s.bits[ordinal/64]&(1<<(ordinal%64)) != 0 }

// Matching returns the events of streams that start with any of the prefixes.
func (p *Part) Matching(prefixes []string) (*Set, error) {
	s := &Set{bits: make([]uint64, p.Count/64+1)}
	err := p.EachStream(func(name []byte, e Extent) error {
		for _, prefix := range prefixes {
			if !strings.HasPrefix(string(name), prefix) {
				continue
			}
			if uint64(e.Ordinal)+uint64(e.Count) > p.Count {
				return p.bad(p.trailer.sections[secStreams].offset, p.First, "stream outside the segment")
			}
			for o := e.Ordinal; o < e.Ordinal+e.Count; o++ {
				s.bits[o/64] |= 1 << (o % 64)
			}
			s.N += int(e.Count)
			break
		}
		return nil
	})
	return s, err
}

// firstNonZero returns the offset of the first byte that is not zero, or -1.
func firstNonZero(b []byte) int {
	for i, c := range b {
		if c != 0 {
			return i
		}
	}
	return -1
}
