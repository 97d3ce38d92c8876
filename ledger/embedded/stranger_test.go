package embedded_test

// What is in this file was written from docs/reference/log-format.md alone. It
// imports no package of the log but for the test at its end.

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

// A stranger reads a log.
type stranger struct {
	dir      string
	id       []byte
	frames   [][]byte // by position, from 1
	previous uint32   // checksum of the last commit
	sealed   int      // segments
	zipped   int      // blocks with a zstd frame
	digests  []byte   // of the sealed segments
	starts   []uint64 // first positions of the sealed segments
	parts    []strangersPart
}

// A strangersPart is what is kept of a sealed segment.
type strangersPart struct {
	byOrdinal [][]byte
	streams   []byte // section
}

var (
	le       = binary.LittleEndian
	crcTable = crc32.MakeTable(crc32.Castagnoli)
	errWrong = errors.New("does not hold")
)

func crcOf(parts ...[]byte) (sum uint32) {
	for _, p := range parts {
		sum = crc32.Update(sum, crcTable, p)
	}
	return sum
}

// holds collects what does not.
type holds struct{ err error }

func (h *holds) that(ok bool, format string, args ...any) bool {
	if !ok && h.err == nil {
		h.err = fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), errWrong)
	}
	return h.err == nil
}

func (s *stranger) read() error {
	acked := s.witness()
	sealedFiles, err := filepath.Glob(filepath.Join(s.dir, "*.sealed"))
	if err != nil {
		return err
	}
	for _, path := range sealedFiles {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := s.sealedSegment(strings.TrimSuffix(filepath.Base(path), ".sealed"), b); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	last := uint64(len(s.frames))
	open, err := filepath.Glob(filepath.Join(s.dir, "*.seg"))
	if err != nil {
		return err
	}
	for i, path := range open {
		name := strings.TrimSuffix(filepath.Base(path), ".seg")
		if first, err := strconv.ParseUint(name, 10, 64); err != nil || first <= last {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := s.openSegment(name, b, i == len(open)-1); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	var h holds
	h.that(uint64(len(s.frames)) >= acked, "%d events, %d were acknowledged", len(s.frames), acked)
	return h.err
}

func (s *stranger) witness() (position uint64) {
	b, err := os.ReadFile(filepath.Join(s.dir, "acknowledged"))
	if err != nil || len(b) < 3*4096 {
		return 0
	}
	best := uint32(0)
	for _, at := range []int{0, 2048, 4096, 8192} {
		p := b[at:]
		if string(p[:8]) != "VOUCHACK" || crcOf(p[:40]) != le.Uint32(p[40:]) {
			continue
		}
		n, at := le.Uint32(p[32:]), le.Uint64(p[8:])
		if n > best || n == best && at > position {
			best, position = n, at
		}
	}
	return position
}

// due checks the name, header and log of a segment file.
func (s *stranger) due(name, magic string, b []byte) error {
	var h holds
	if !h.that(len(b) >= 64 && string(b[:8]) == magic && crcOf(b[:60]) == le.Uint32(b[60:]), "header") {
		return h.err
	}
	if s.id == nil {
		s.id = b[16:32]
	}
	h.that(le.Uint32(b[8:]) == map[string]uint32{"VOUCHSLD": 4, "VOUCHSEG": 2}[magic], "version %d", le.Uint32(b[8:]))
	h.that(bytes.Equal(s.id, b[16:32]), "log %x", b[16:32])
	h.that(fmt.Sprintf("%020d", le.Uint64(b[32:])) == name, "position %d", le.Uint64(b[32:]))
	h.that(le.Uint64(b[32:]) == uint64(len(s.frames))+1, "position %d after %d", le.Uint64(b[32:]), len(s.frames))
	return h.err
}

func (s *stranger) sealedSegment(name string, b []byte) error {
	if err := s.due(name, "VOUCHSLD", b); err != nil {
		return err
	}
	var h holds
	end := b[len(b)-256:]
	if !h.that(string(end[:8]) == "VOUCHEND" && crcOf(s.id, end[:252]) == le.Uint32(end[252:]), "trailer") {
		return h.err
	}
	digest := sha256.Sum256(b[:len(b)-256])
	h.that(bytes.Equal(digest[:], end[144:176]), "digest")
	var sections [7][]byte
	for i := range sections {
		at, n := le.Uint64(end[8+16*i:]), uint64(le.Uint32(end[16+16*i:]))
		sections[i] = b[at : at+n]
		h.that(at%8 == 0 && crcOf(sections[i]) == le.Uint32(end[20+16*i:]), "section %d", i)
	}
	if h.err != nil {
		return h.err
	}
	count := le.Uint64(b[40:])
	byOrdinal, err := s.blocks(b, sections)
	if err != nil {
		return err
	}
	if !h.that(uint64(len(byOrdinal)) == count, "%d events of %d", len(byOrdinal), count) {
		return h.err
	}
	if err := s.streams(byOrdinal, sections); err != nil {
		return err
	}
	s.parts = append(s.parts, strangersPart{byOrdinal, sections[1]})
	s.starts, s.digests = append(s.starts, uint64(len(s.frames))+1), append(s.digests, digest[:]...)
	width := max(1, bits.Len64(count-1))
	for i := range int(count) {
		ordinal := 0
		for bit := range width {
			n := i*width + bit
			ordinal |= int(sections[4][n/8]>>(n%8)&1) << bit
		}
		f := byOrdinal[ordinal]
		le.PutUint32(f[4:], crcOf(s.id, f[8:]))
		h.that(le.Uint64(f[8:]) == uint64(len(s.frames))+1, "position %d at %d", le.Uint64(f[8:]), len(s.frames)+1)
		s.frames = append(s.frames, f)
	}
	s.previous = le.Uint32(end[120:])
	s.sealed++
	return h.err
}

// blocks unpacks the blocks into frames.
func (s *stranger) blocks(b []byte, sections [7][]byte) (frames [][]byte, err error) {
	unpacker, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer unpacker.Close()
	words, forms := tableOf(sections[5]), tableOf(sections[6])
	for table := sections[0]; len(table) > 0; table = table[24:] {
		var h holds
		kept := b[le.Uint64(table):][:le.Uint32(table[8:])]
		h.that(crcOf(s.id, kept) == le.Uint32(table[20:]), "block")
		h.that(int(le.Uint32(table[16:])) == len(frames), "block from ordinal %d", le.Uint32(table[16:]))
		if h.err != nil {
			return nil, h.err
		}
		packed := kept[1:]
		if kept[0] == 1 {
			packed, err = unpacker.DecodeAll(kept[5:], nil)
			if err != nil || !h.that(len(packed) == int(le.Uint32(kept[1:])), "packed to %d bytes", len(packed)) {
				return nil, errors.Join(err, h.err)
			}
			s.zipped++
		}
		raw := uint32(0)
		for _, f := range s.unpack(words, forms, packed) {
			raw += le.Uint32(f)
			frames = append(frames, f)
		}
		if !h.that(raw == le.Uint32(table[12:]), "block of %d bytes", raw) {
			return nil, h.err
		}
	}
	return frames, nil
}

// streams compares the tables of streams with the events.
func (s *stranger) streams(byOrdinal [][]byte, sections [7][]byte) error {
	var h holds
	blocks, table, packedNames := sections[0], sections[1], sections[2]
	unpacker, err := zstd.NewReader(nil)
	if err != nil {
		return err
	}
	defer unpacker.Close()
	names, err := unpacker.DecodeAll(packedNames[4:], nil)
	if err != nil || !h.that(len(names) == int(le.Uint32(packedNames)), "names of %d bytes", len(names)) {
		return errors.Join(err, h.err)
	}
	for at := 0; at < len(byOrdinal) && h.err == nil; {
		if !h.that(len(names) >= 2, "a name at ordinal %d", at) {
			return h.err
		}
		name := names[2 : 2+le.Uint16(names)]
		names = names[2+len(name):]
		want := xxhash.Sum64(append(bytes.Clone(s.id), name...))
		n := 0
		for e := table; len(e) > 0; e = e[24:] {
			if le.Uint64(e) != want || int(le.Uint32(e[8:])) != at {
				continue
			}
			if block := int(le.Uint32(e[12:])); h.that(24*block < len(blocks), "block %d", block) {
				h.that(int(le.Uint32(blocks[24*block+16:])) <= at, "block %d starts behind ordinal %d", block, at)
				h.that(24*block+24 == len(blocks) || int(le.Uint32(blocks[24*block+40:])) > at, "block %d ends before ordinal %d", block, at)
			}
			both := le.Uint64(e[16:])
			n = int(both >> 40)
			for i, f := range byOrdinal[at : at+n] {
				h.that(bytes.Equal(streamOfFrame(f), name) && le.Uint64(f[16:]) == both&(1<<40-1)+uint64(i), "ordinal %d", at+i)
			}
		}
		h.that(n > 0, "stream %s in no table", name)
		at += n
	}
	return h.err
}

func streamOfFrame(f []byte) []byte { return f[88 : 88+le.Uint16(f[76:])] }

func (s *stranger) openSegment(name string, b []byte, last bool) error {
	if err := s.due(name, "VOUCHSEG", b); err != nil {
		return err
	}
	var h holds
	h.that(le.Uint64(b[40:]) == uint64(len(b)), "length %d", le.Uint64(b[40:]))
	seed := append(bytes.Clone(s.id), b[32:40]...)
	at := 4096
	for ; h.err == nil && at < len(b) && s.commitHolds(seed, b[at:]); at += (32 + int(le.Uint32(b[at+4:])) + 511) / 512 * 512 {
		c := b[at:]
		h.that(le.Uint64(c[8:]) == uint64(len(s.frames))+1, "commit of position %d", le.Uint64(c[8:]))
		h.that(le.Uint32(c[24:]) == s.previous, "commit after %x", s.previous)
		frames := c[32 : 32+le.Uint32(c[4:])]
		for n := uint32(0); len(frames) > 0; n++ {
			f := frames[:le.Uint32(frames)]
			frames = frames[len(f):]
			h.that(crcOf(s.id, f[8:]) == le.Uint32(f[4:]), "frame %d", n)
			h.that(len(frames) > 0 || n+1 == le.Uint32(c[16:]), "%d frames", n+1)
			s.frames = append(s.frames, f)
		}
		s.previous = le.Uint32(c[28:])
	}
	if h.err != nil || len(bytes.TrimLeft(b[at:], "\x00")) == 0 {
		return h.err
	}
	for o := at + 512; o < len(b); o += 512 {
		h.that(!headHolds(seed, b[o:]), "a commit behind the end at %d", o)
	}
	h.that(last || le.Uint32(b[12:]) == 1, "bytes behind the end")
	return h.err
}

func headHolds(seed, c []byte) bool {
	return string(c[:4]) == "VCMT" && crcOf(seed, c[:28]) == le.Uint32(c[28:])
}

func (s *stranger) commitHolds(seed, c []byte) bool {
	if !headHolds(seed, c) || 32+int(le.Uint32(c[4:])) > len(c) {
		return false
	}
	frames := c[32 : 32+le.Uint32(c[4:])]
	return crcOf(seed, frames) == le.Uint32(c[20:])
}

// eachEntry calls visit for the entries of a key in the indexes, with the first
// position of the index and the number of its first segment, until that is false.
func (s *stranger) eachEntry(streams bool, key []byte, visit func(first uint64, from int, value uint64) bool) error {
	names, err := filepath.Glob(filepath.Join(s.dir, "*.index"))
	if err != nil {
		return err
	}
	hash := xxhash.Sum64(append(bytes.Clone(s.id), key...)) >> 24
	for _, path := range names {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var h holds
		h.that(string(b[:8]) == "VOUCHIDX" && crcOf(b[:4092]) == le.Uint32(b[4092:]), "index")
		from := 0
		for i, start := range s.starts {
			if start == le.Uint64(b[32:]) {
				from = i
			}
		}
		sum := sha256.Sum256(s.digests[from*32 : (from+int(le.Uint32(b[12:])))*32])
		h.that(bytes.Equal(sum[:], b[64:96]), "index of other segments")
		pages, n := b[4096:], uint64(le.Uint32(b[48:]))
		if streams {
			pages, n = pages[4096*n:], uint64(le.Uint32(b[52:]))
		}
		page := pages[4096*(hash*n>>40):][:4096]
		if !h.that(crcOf(page[4:]) == le.Uint32(page), "page") {
			return h.err
		}
		for i := range int(le.Uint16(page[4:])) {
			e := le.Uint64(page[8+8*i:])
			if e>>24 == hash && !visit(le.Uint64(b[32:]), from, e&(1<<24-1)) {
				return nil
			}
		}
	}
	return nil
}

// find looks an event id up in the indexes.
func (s *stranger) find(id []byte) (position uint64, err error) {
	err = s.eachEntry(false, id, func(first uint64, _ int, value uint64) bool {
		if bytes.Equal(s.frames[first+value-1][28:44], id) {
			position = first + value
		}
		return position == 0
	})
	return position, err
}

// stream looks the sealed events of a stream up, and returns their positions.
func (s *stranger) stream(name string) (positions []uint64, err error) {
	hash := xxhash.Sum64(append(bytes.Clone(s.id), name...))
	err = s.eachEntry(true, []byte(name), func(_ uint64, from int, value uint64) bool {
		p := s.parts[from+int(value)]
		for e := p.streams; len(e) > 0; e = e[24:] {
			first := le.Uint32(e[8:])
			if le.Uint64(e) != hash || string(streamOfFrame(p.byOrdinal[first])) != name {
				continue
			}
			for _, f := range p.byOrdinal[first:][:le.Uint64(e[16:])>>40] {
				positions = append(positions, le.Uint64(f[8:]))
			}
		}
		return true
	})
	return positions, err
}

// record is a frame as the log's own reader gives it.
func (s *stranger) record(f []byte) ledger.Record {
	at := 88
	take := func(n int) []byte {
		at += n
		return f[at-n : at]
	}
	r := ledger.Record{
		Position: le.Uint64(f[8:]), Revision: le.Uint64(f[16:]), ID: ledger.ID(f[28:44]), Cause: ledger.ID(f[44:60]),
		Recorded: time.UnixMicro(int64(le.Uint64(f[60:]))).UTC(), Occurred: time.UnixMicro(int64(le.Uint64(f[68:]))).UTC(),
		Stream: ledger.StreamID(take(int(le.Uint16(f[76:])))), Kind: ledger.Kind(take(int(le.Uint16(f[78:])))),
		Actor: string(take(int(f[80]))), Trace: hex.EncodeToString(take(int(f[81]))), Binary: f[82] == 1,
	}
	if n := int(le.Uint32(f[84:])); n > 0 {
		r.Metadata = take(n)
	}
	r.Body = f[at:]
	return r
}

// TestStranger reads a log that is part sealed and part open with a reader that
// was written from the page on the format, and checks that page and log agree.
func TestStranger(t *testing.T) {
	dir := t.TempDir()
	l, err := embedded.Open(t.Context(), dir, embedded.Config{Now: ledgertest.JumpingClock(), SegmentBytes: 32 << 10, KeepFull: 1})
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(0); n < 1500; n++ {
		d := ledgertest.Draft(n)
		if n%5 == 4 { // names its own visit, an event, numbers and a clip
			d.Body = fmt.Appendf(nil, `{"visit":"%d","event":%q,"count":-%d,"clip":%q,"list":["a","b",{"id":"x%s"},3]}`,
				n*n%37, d.ID, n%7, ledger.DigestOf([]byte{byte(n)}), ledger.DeriveID(d.ID))
		}
		if n%100 == 99 {
			d.Metadata, d.Body, d.Binary = []byte{0xfe, 0}, bytes.Repeat([]byte{byte(n)}, int(n)*20), true
		}
		stream := ledger.StreamID(fmt.Sprintf("visit-%d", n*n%37))
		if _, err := l.Append(t.Context(), stream, ledger.Any(), d, ledgertest.Draft(1<<32+n)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := all(t.Context(), l)
	if err = errors.Join(err, l.Sealed(t.Context()), l.Close()); err != nil {
		t.Fatal(err)
	}
	s := &stranger{dir: dir}
	if err := s.read(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	var got []ledger.Record
	for _, f := range s.frames {
		sum.Write(f)
		got = append(got, s.record(f))
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(bytes.Equal)); diff != "" {
		t.Errorf("what a stranger reads (-want +got):\n%s", diff)
	}
	report, err := embedded.Verify(t.Context(), dir, nil)
	if err != nil || report.Sealed != s.sealed || s.sealed < 10 || report.Segments < s.sealed+2 {
		t.Errorf("Verify = %+v, %v; the stranger saw %d sealed segments", report, err, s.sealed)
	}
	if got := fmt.Sprintf("sha256:%x", sum.Sum(nil)); got != string(report.SHA256) {
		t.Errorf("digest of all frames = %s, Verify says %s", got, report.SHA256)
	}
	for _, r := range want[:2000] {
		if at, err := s.find(r.ID[:]); err != nil || at != r.Position {
			t.Fatalf("the stranger finds event %s at %d, %v, want %d", r.ID, at, err, r.Position)
		}
	}
	byStream := map[string][]uint64{}
	for _, p := range s.parts {
		for _, f := range p.byOrdinal {
			byStream[string(streamOfFrame(f))] = append(byStream[string(streamOfFrame(f))], le.Uint64(f[8:]))
		}
	}
	for name, positions := range byStream {
		if got, err := s.stream(name); err != nil || !slices.Equal(got, positions) {
			t.Errorf("the stranger finds %s at %v, %v, want %v", name, got, err, positions)
		}
	}
	if got, err := s.stream("visit-of-nobody"); err != nil || got != nil {
		t.Errorf("the stranger finds a stream that is not there at %v, %v", got, err)
	}
	if s.zipped == 0 {
		t.Error("no block was kept as a zstd frame")
	}
	// And it is no credulous stranger.
	path := filepath.Join(dir, "00000000000000000001.sealed")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[200] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&stranger{dir: dir}).read(); !errors.Is(err, errWrong) {
		t.Errorf("a flipped bit: %v", err)
	}
}
