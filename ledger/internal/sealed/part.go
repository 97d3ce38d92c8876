package sealed

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/damage"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/words"
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
	dict    atomic.Pointer[words.Dictionary] // in memory; nil while nobody has asked
}

// A hashed is an entry of the section streams.
type hashed struct {
	hash uint64
	Extent
}

const revisionBits = 40

func (h hashed) compare(o hashed) int {
	return cmp.Or(cmp.Compare(h.hash, o.hash), cmp.Compare(h.Ordinal, o.Ordinal))
}

func (h hashed) append(b []byte) []byte {
	if h.Revision >= 1<<revisionBits {
		panic("sealed: stream of 2^40 events")
	}
	b = binary.LittleEndian.AppendUint64(b, h.hash)
	b = binary.LittleEndian.AppendUint32(b, h.Ordinal)
	b = binary.LittleEndian.AppendUint32(b, h.Block)
	return binary.LittleEndian.AppendUint64(b, uint64(h.Count)<<revisionBits|h.Revision)
}

func hashAt(streams []byte, i int) uint64 { return binary.LittleEndian.Uint64(streams[i*streamEntry:]) }

// An Extent is where the events of one stream lie: ordinals one behind the
// other, revisions as well.
type Extent struct {
	Revision uint64 // of the first
	Ordinal  uint32 // of the first
	Block    uint32 // number of the block that holds the first
	Count    uint32
}

// Open opens the sealed segment of that name. What does not hold is a
// [damage.Error], and one of another version [frame.ErrFormat].
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
	if p.Log, p.First, p.Count, err = parseHead(head[:]); errors.Is(err, frame.ErrFormat) {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	if err != nil {
		return p.bad(0, promised, "%v", err)
	}
	if p.First != promised {
		return p.bad(0, promised, "segment of position %d under the name of %d", p.First, promised)
	}
	if at := frame.FirstNonZero(head[48:60]); at >= 0 || frame.FirstNonZero(head[12:16]) >= 0 {
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
	if got := frame.Checksum(0, b); got != s.crc {
		return nil, p.bad(s.offset, p.First, "checksum of the section %s is %08x, the trailer says %08x",
			sectionNames[i], got, s.crc)
	}
	p.held[i].Store(true)
	return b, nil
}

// extentAt returns entry i of the section streams.
func (p *Part) extentAt(streams []byte, i int) (Extent, error) {
	b := streams[i*streamEntry:]
	both := binary.LittleEndian.Uint64(b[16:])
	e := Extent{
		Revision: both & (1<<revisionBits - 1), Count: uint32(both >> revisionBits), //nolint:gosec // 24 bits
		Ordinal: binary.LittleEndian.Uint32(b[8:]), Block: binary.LittleEndian.Uint32(b[12:]),
	}
	if e.Count == 0 || uint64(e.Ordinal)+uint64(e.Count) > p.Count {
		return e, p.bad(p.trailer.sections[secStreams].offset+int64(i)*streamEntry, p.First,
			"stream of %d events from ordinal %d", e.Count, e.Ordinal)
	}
	return e, nil
}

// names returns the names of all streams, unpacked.
func (p *Part) names() ([]byte, error) {
	packed, err := p.section(secNames)
	if err != nil {
		return nil, err
	}
	at := p.trailer.sections[secNames].offset
	if len(packed) < 4 {
		return nil, p.bad(at, p.First, "section names of %d bytes", len(packed))
	}
	n := int(binary.LittleEndian.Uint32(packed))
	if n > p.Streams()*(2+ledger.MaxStreamBytes) {
		return nil, p.bad(at, p.First, "names of %d bytes", n)
	}
	decoder := decoders.Get().(*zstd.Decoder) //nolint:forcetypeassert // nothing else is put there
	defer decoders.Put(decoder)
	names, err := decoder.DecodeAll(packed[4:], make([]byte, 0, n))
	if err == nil && len(names) != n {
		err = fmt.Errorf("%d bytes where %d are due", len(names), n)
	}
	if err != nil {
		return nil, p.bad(at, p.First, "names do not unpack: %v", err)
	}
	return names, nil
}

// Streams returns how many streams have events here.
func (p *Part) Streams() int { return p.trailer.sections[secStreams].length / streamEntry }

// Stream returns where the events of a stream lie. Ok is false if it has none
// here. It goes by the hash of the name; only where two streams have the same
// are the names themselves looked at.
func (p *Part) Stream(name ledger.StreamID) (e Extent, ok bool, err error) {
	streams, err := p.section(secStreams)
	if err != nil {
		return Extent{}, false, err
	}
	n, hash := len(streams)/streamEntry, frame.Hash(p.Log, name)
	i := placeOf(streams, hash)
	if i == n || hashAt(streams, i) != hash {
		return Extent{}, false, nil
	}
	if i+1 < n && hashAt(streams, i+1) == hash {
		err = p.EachStream(func(other []byte, at Extent) error {
			if string(other) == string(name) {
				e, ok = at, true
			}
			return nil
		})
		return e, ok, err
	}
	e, err = p.extentAt(streams, i)
	return e, err == nil, err
}

// placeOf returns the first entry of the section streams whose hash is not below
// this one. Hashes are spread evenly, so the first guess is some dozens of entries
// off, and the second, made from there, a few: halving the section would wait for
// one place of it after the other, mostly in memory that nobody has touched lately.
func placeOf(streams []byte, hash uint64) int {
	n := len(streams) / streamEntry
	i := scaled(hash, n)
	if i < n {
		if there := hashAt(streams, i); there < hash {
			i += scaled(hash-there, n)
		} else {
			i -= scaled(there-hash, n)
		}
		i = min(max(i, 0), n)
	}
	for i > 0 && hashAt(streams, i-1) >= hash {
		i--
	}
	for i < n && hashAt(streams, i) < hash {
		i++
	}
	return i
}

// scaled returns how many of n values that are spread evenly lie below one.
func scaled(below uint64, n int) int {
	i, _ := bits.Mul64(below, uint64(n)) //nolint:gosec // not negative
	return int(i)                        //nolint:gosec // below n
}

// EachStream calls visit for every stream, rising by name.
func (p *Part) EachStream(visit func(name []byte, e Extent) error) error {
	streams, err := p.section(secStreams)
	if err != nil {
		return err
	}
	names, err := p.names()
	if err != nil {
		return err
	}
	extents := make([]Extent, len(streams)/streamEntry)
	for i := range extents {
		if extents[i], err = p.extentAt(streams, i); err != nil {
			return err
		}
	}
	byOrdinal := make([]uint64, len(extents)) // with the index behind it
	for i, e := range extents {
		byOrdinal[i] = uint64(e.Ordinal)<<32 | uint64(i) //nolint:gosec // an index
	}
	slices.Sort(byOrdinal)
	for _, o := range byOrdinal {
		e := extents[uint32(o)] //nolint:gosec // the index
		if len(names) < 2 || len(names) < 2+int(binary.LittleEndian.Uint16(names)) {
			return p.bad(p.trailer.sections[secNames].offset, p.First, "fewer names than streams")
		}
		n := 2 + int(binary.LittleEndian.Uint16(names))
		if err := visit(names[2:n], e); err != nil {
			return err
		}
		names = names[n:]
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

// any reports whether any ordinal from first up to but not including end is in
// the set.
func (s *Set) any(first, end uint32) bool {
	for o := first; o < end; o++ {
		if s.Has(o) {
			return true
		}
	}
	return false
}

// add adds the ordinals from first up to but not including end.
func (s *Set) add(first, end uint32) {
	for o := first; o < end; {
		if o%64 == 0 && end-o >= 64 {
			s.N += 64 - bits.OnesCount64(s.bits[o/64])
			s.bits[o/64] = math.MaxUint64
			o += 64
			continue
		}
		if !s.Has(o) {
			s.bits[o/64] |= 1 << (o % 64)
			s.N++
		}
		o++
	}
}

// Matching returns the events of streams that start with any of the prefixes. Streams
// lie in the order of their names, so those of a prefix lie together.
func (p *Part) Matching(prefixes []string) (*Set, error) {
	s := &Set{bits: make([]uint64, p.Count/64+1)}
	names, err := p.names()
	if err != nil {
		return nil, err
	}
	for _, prefix := range prefixes {
		first, last, err := p.between(names, prefix)
		if err != nil {
			return nil, err
		}
		if first == nil {
			continue
		}
		from, ok, err := p.Stream(ledger.StreamID(first))
		if err == nil && ok {
			var to Extent
			if to, ok, err = p.Stream(ledger.StreamID(last)); err == nil && ok {
				s.add(from.Ordinal, to.Ordinal+to.Count)
				continue
			}
		}
		if err == nil {
			err = p.bad(p.trailer.sections[secStreams].offset, p.First, "no entry of the stream %s", first)
		}
		return nil, err
	}
	return s, nil
}

// between returns the first and the last name with a prefix, nil if there is none.
func (p *Part) between(names []byte, prefix string) (first, last []byte, err error) {
	for at := 0; at < len(names); {
		if len(names)-at < 2 || len(names)-at < 2+int(binary.LittleEndian.Uint16(names[at:])) {
			return nil, nil, p.bad(p.trailer.sections[secNames].offset, p.First, "a name outside the section")
		}
		end := at + 2 + int(binary.LittleEndian.Uint16(names[at:]))
		if name := names[at+2 : end]; bytes.HasPrefix(name, []byte(prefix)) {
			if last = name; first == nil {
				first = name
			}
		} else if first != nil {
			break
		}
		at = end
	}
	return first, last, nil
}
