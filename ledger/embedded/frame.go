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
//	76  2  length of the stream name
//	78  2  length of the kind
//	80  1  length of the actor
//	81  1  length of the trace: 0 or 16
//	82  2  flags: 1 if the body is not JSON
//	84  4  length of the metadata
//	88     stream name, kind, actor, trace as bytes, metadata, body
const (
	frameHeader = 88
	traceBytes  = 16
	flagBinary  = 1
	maxFrame    = frameHeader + ledger.MaxStreamBytes + ledger.MaxKindBytes + ledger.MaxActorBytes +
		traceBytes + ledger.MaxBodyBytes
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
	le.PutUint16(h[76:], uint16(len(r.Stream)))          //nolint:gosec // at most MaxStreamBytes
	le.PutUint16(h[78:], uint16(len(r.Kind)))            //nolint:gosec // at most MaxKindBytes
	h[80], h[81] = byte(len(r.Actor)), byte(len(r.Trace)/2)
	if r.Binary {
		le.PutUint16(h[82:], flagBinary)
	}
	le.PutUint32(h[84:], uint32(len(r.Metadata))) //nolint:gosec // at most MaxBodyBytes
	buf = append(buf, h[:]...)
	buf = append(buf, r.Stream...)
	buf = append(buf, r.Kind...)
	buf = append(buf, r.Actor...)
	buf, err := hex.AppendDecode(buf, []byte(r.Trace))
	if err != nil {
		panic("embedded: trace of a validated draft: " + err.Error())
	}
	buf = append(buf, r.Metadata...)
	return append(buf, r.Body...)
}

func frameSize(r *ledger.Record) int {
	return frameHeader + len(r.Stream) + len(r.Kind) + len(r.Actor) + len(r.Trace)/2 + len(r.Metadata) + len(r.Body)
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
	if f.bodyAt() > n || (f[81] != 0 && f[81] != traceBytes) || f.flags()&^flagBinary != 0 {
		return nil, fmt.Errorf("frame of %d bytes with names of %d, %d, %d, %d bytes, metadata of %d and flags %#x",
			n, f.streamLen(), f.kindLen(), f[80], f[81], f.metadataLen(), f.flags())
	}
	return f, nil
}

func (f frame) position() uint64 { return binary.LittleEndian.Uint64(f[8:]) }
func (f frame) revision() uint64 { return binary.LittleEndian.Uint64(f[16:]) }
func (f frame) batch() (index, count uint16) {
	return binary.LittleEndian.Uint16(f[24:]), binary.LittleEndian.Uint16(f[26:])
}
func (f frame) id() ledger.ID    { return ledger.ID(f[28:44]) }
func (f frame) recorded() int64  { return int64(binary.LittleEndian.Uint64(f[60:])) } //nolint:gosec // written from one
func (f frame) occurred() int64  { return int64(binary.LittleEndian.Uint64(f[68:])) } //nolint:gosec // written from one
func (f frame) streamLen() int   { return int(binary.LittleEndian.Uint16(f[76:])) }
func (f frame) kindLen() int     { return int(binary.LittleEndian.Uint16(f[78:])) }
func (f frame) flags() uint16    { return binary.LittleEndian.Uint16(f[82:]) }
func (f frame) metadataLen() int { return int(binary.LittleEndian.Uint32(f[84:])) }
func (f frame) actorAt() int     { return frameHeader + f.streamLen() + f.kindLen() }
func (f frame) bodyAt() int {
	return f.actorAt() + int(f[80]) + int(f[81]) + f.metadataLen()
}

// names returns the stream and the kind. They share one allocation.
func (f frame) names() (ledger.StreamID, ledger.Kind) {
	n := f.streamLen()
	both := string(f[frameHeader:f.actorAt()])
	return ledger.StreamID(both[:n]), ledger.Kind(both[n:])
}

// record returns the event of f. Nothing in it points into f.
func (f frame) record() ledger.Record {
	stream, kind := f.names()
	r := ledger.Record{
		ID: f.id(), Kind: kind, Stream: stream,
		Revision: f.revision(), Position: f.position(),
		Recorded: time.UnixMicro(f.recorded()).UTC(), Occurred: time.UnixMicro(f.occurred()).UTC(),
		Cause:  ledger.ID(f[44:60]),
		Body:   append([]byte{}, f[f.bodyAt():]...),
		Binary: f.flags()&flagBinary != 0,
	}
	at := f.actorAt()
	r.Actor = string(f[at : at+int(f[80])])
	at += int(f[80])
	if f[81] != 0 {
		r.Trace = hex.EncodeToString(f[at : at+traceBytes])
		at += traceBytes
	}
	if f.metadataLen() > 0 {
		r.Metadata = append([]byte{}, f[at:f.bodyAt()]...)
	}
	return r
}
