package embedded

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// Layout of a frame: one event. All numbers are little-endian.
//
//	 0  4  length of the frame, these four bytes included
//	 4  4  CRC32C of the bytes from 8 to the end, seeded with the log's id
//	 8  8  position
//	16  8  revision
//	24  2  place of the event in its append, from 0
//	26  2  events in its append
//	28 16  event id
//	44 16  cause
//	60  8  recorded, microseconds since 1970
//	68  8  occurred, microseconds since 1970
//	76  1  length of the stream name
//	77  1  length of the kind
//	78  1  length of the actor
//	79  1  length of the trace: 0 or 16
//	80     stream name, kind, actor, trace as bytes, body
const (
	frameHeader = 80
	traceBytes  = 16
	maxFrame    = frameHeader + 3*255 + traceBytes + ledger.MaxBodyBytes
)

// castagnoli is the CRC32C polynomial, which processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A logID tells the frames of one log from those of every other. Checksums are
// seeded with it, so that a file of another log is never taken for one of ours.
type logID [16]byte

// seed returns the state of a checksum that has taken in the id.
func (id logID) seed() uint32 { return crc32.Checksum(id[:], castagnoli) }

func checksum(seed uint32, b []byte) uint32 { return crc32.Update(seed, castagnoli, b) }

// appendFrame appends the frame of r to buf without its checksum, which
// sealFrame fills in later, outside the lock that this runs under.
func appendFrame(buf []byte, r *ledger.Record, index, count int) []byte {
	var h [frameHeader]byte
	size := frameSize(r)
	le := binary.LittleEndian
	le.PutUint32(h[0:], uint32(size)) //nolint:gosec // at most maxFrame
	le.PutUint64(h[8:], r.Position)
	le.PutUint64(h[16:], r.Revision)
	le.PutUint16(h[24:], uint16(index)) //nolint:gosec // at most MaxBatch
	le.PutUint16(h[26:], uint16(count)) //nolint:gosec // at most MaxBatch
	copy(h[28:], r.ID[:])
	copy(h[44:], r.Cause[:])
	le.PutUint64(h[60:], uint64(r.Recorded.UnixMicro())) //nolint:gosec // read back as int64
	le.PutUint64(h[68:], uint64(r.Occurred.UnixMicro())) //nolint:gosec // read back as int64
	h[76], h[77], h[78] = byte(len(r.Stream)), byte(len(r.Kind)), byte(len(r.Actor))
	h[79] = byte(len(r.Trace) / 2)
	buf = append(buf, h[:]...)
	buf = append(buf, r.Stream...)
	buf = append(buf, r.Kind...)
	buf = append(buf, r.Actor...)
	buf, err := hex.AppendDecode(buf, []byte(r.Trace))
	if err != nil {
		panic("embedded: trace of a validated draft: " + err.Error())
	}
	return append(buf, r.Body...)
}

func frameSize(r *ledger.Record) int {
	return frameHeader + len(r.Stream) + len(r.Kind) + len(r.Actor) + len(r.Trace)/2 + len(r.Body)
}

// sealFrame fills in the checksum of the frame that b starts with, and returns
// the rest of b.
func sealFrame(seed uint32, b []byte) (rest []byte) {
	n := binary.LittleEndian.Uint32(b)
	binary.LittleEndian.PutUint32(b[4:], checksum(seed, b[8:n]))
	return b[n:]
}

// A frame is the bytes of one event, checked.
type frame []byte

// frameLength returns the length that b says its first frame has. It does not
// trust it beyond what a frame can be.
func frameLength(b []byte) (int, error) {
	if len(b) < frameHeader {
		return 0, fmt.Errorf("%d bytes where a frame needs %d", len(b), frameHeader)
	}
	n := binary.LittleEndian.Uint32(b)
	if n < frameHeader || n > maxFrame {
		return 0, fmt.Errorf("frame length of %d bytes", n)
	}
	return int(n), nil
}

// parseFrame returns the frame that b starts with if it is whole.
func parseFrame(seed uint32, b []byte) (frame, error) {
	n, err := frameLength(b)
	if err != nil {
		return nil, err
	}
	if n > len(b) {
		return nil, fmt.Errorf("frame of %d bytes where %d are left", n, len(b))
	}
	f := frame(b[:n])
	if got, want := checksum(seed, f[8:]), binary.LittleEndian.Uint32(f[4:]); got != want {
		return nil, fmt.Errorf("frame checksum is %08x, the frame says %08x", got, want)
	}
	if f.bodyAt() > n || (f[79] != 0 && f[79] != traceBytes) {
		return nil, fmt.Errorf("frame of %d bytes with names of %d, %d, %d, %d", n, f[76], f[77], f[78], f[79])
	}
	return f, nil
}

func (f frame) position() uint64 { return binary.LittleEndian.Uint64(f[8:]) }
func (f frame) revision() uint64 { return binary.LittleEndian.Uint64(f[16:]) }
func (f frame) batch() (index, count uint16) {
	return binary.LittleEndian.Uint16(f[24:]), binary.LittleEndian.Uint16(f[26:])
}
func (f frame) id() ledger.ID   { return ledger.ID(f[28:44]) }
func (f frame) recorded() int64 { return int64(binary.LittleEndian.Uint64(f[60:])) } //nolint:gosec // written from one
func (f frame) occurred() int64 { return int64(binary.LittleEndian.Uint64(f[68:])) } //nolint:gosec // written from one
func (f frame) bodyAt() int {
	return frameHeader + int(f[76]) + int(f[77]) + int(f[78]) + int(f[79])
}

// names returns the stream and the kind. They share one allocation.
func (f frame) names() (ledger.StreamID, ledger.Kind) {
	s := int(f[76])
	both := string(f[frameHeader : frameHeader+s+int(f[77])])
	return ledger.StreamID(both[:s]), ledger.Kind(both[s:])
}

// record returns the event of f. Nothing in it points into f.
func (f frame) record() ledger.Record {
	stream, kind := f.names()
	at := frameHeader + len(stream) + len(kind)
	r := ledger.Record{
		ID: f.id(), Kind: kind, Stream: stream,
		Revision: f.revision(), Position: f.position(),
		Recorded: time.UnixMicro(f.recorded()).UTC(), Occurred: time.UnixMicro(f.occurred()).UTC(),
		Actor: string(f[at : at+int(f[78])]),
		Cause: ledger.ID(f[44:60]),
		Body:  append([]byte{}, f[f.bodyAt():]...),
	}
	if f[79] != 0 {
		at += int(f[78])
		r.Trace = hex.EncodeToString(f[at : at+traceBytes])
	}
	return r
}
