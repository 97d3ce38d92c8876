// Package frame is the stored form of one event: the bytes that the log writes,
// seals, backs up and hashes.
//
// The one idea: a frame is written once and is the same bytes for ever, in an
// open segment, in a sealed one and in a backup. Its checksum is seeded with the
// log's id, so a frame of another log is never taken for one of ours.
//
// # Layout
//
// All numbers are little-endian.
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
package frame

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// HeaderBytes is the length of a frame's fixed part; MaxBytes bounds a frame.
const (
	HeaderBytes = 88
	MaxBytes    = HeaderBytes + ledger.MaxStreamBytes + ledger.MaxKindBytes + ledger.MaxActorBytes +
		traceBytes + ledger.MaxBodyBytes

	traceBytes = 16
	flagBinary = 1
)

// castagnoli is the CRC32C polynomial, which processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A LogID tells the files of one log from those of every other.
type LogID [16]byte

// Seed returns the state of a checksum that has taken in the id.
func (id LogID) Seed() uint32 { return crc32.Checksum(id[:], castagnoli) }

// SeedOf returns the state of a checksum that has taken in the id and a
// generation: the number of a file's life. Bytes that an earlier life has left
// in the file never hold under it.
func (id LogID) SeedOf(generation uint64) uint32 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], generation)
	return Checksum(id.Seed(), b[:])
}

// Checksum returns the CRC32C of b after what seed has taken in.
func Checksum(seed uint32, b []byte) uint32 { return crc32.Update(seed, castagnoli, b) }

// Append appends the frame of r, event index of the count of its append, to buf
// without its checksum, which [Seal] fills in. Lengths are those of a validated
// draft.
func Append(buf []byte, r *ledger.Record, index, count int) []byte {
	from, size := len(buf), Size(r)
	buf = slices.Grow(buf, size)[:from+size]
	Put(buf[from:], r, index, count)
	return buf
}

// Put is [Append] into b, which has the length of the frame.
func Put(b []byte, r *ledger.Record, index, count int) {
	h := b[:HeaderBytes:HeaderBytes]
	le := binary.LittleEndian
	le.PutUint32(h[0:], uint32(len(b))) //nolint:gosec // at most MaxBytes
	le.PutUint32(h[4:], 0)
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
	flags := uint16(0)
	if r.Binary {
		flags = flagBinary
	}
	le.PutUint16(h[82:], flags)
	le.PutUint32(h[84:], uint32(len(r.Metadata))) //nolint:gosec // at most MaxBodyBytes
	b = b[HeaderBytes:]
	b = b[copy(b, r.Stream):]
	b = b[copy(b, r.Kind):]
	b = b[copy(b, r.Actor):]
	if r.Trace != "" {
		n, err := hex.Decode(b, []byte(r.Trace))
		if err != nil {
			panic("frame: trace of a validated draft: " + err.Error())
		}
		b = b[n:]
	}
	b = b[copy(b, r.Metadata):]
	copy(b, r.Body)
}

// Size returns the length of r's frame.
func Size(r *ledger.Record) int {
	return HeaderBytes + len(r.Stream) + len(r.Kind) + len(r.Actor) + len(r.Trace)/2 + len(r.Metadata) + len(r.Body)
}

// Seal fills in the checksum of the frame that b starts with, and returns the
// rest of b.
func Seal(seed uint32, b []byte) (rest []byte) {
	n := binary.LittleEndian.Uint32(b)
	binary.LittleEndian.PutUint32(b[4:], Checksum(seed, b[8:n]))
	return b[n:]
}

// A Frame is the bytes of one event.
type Frame []byte

// Length returns the length that b says its first frame has. It does not trust
// it beyond what a frame can be.
func Length(b []byte) (int, error) {
	if len(b) < HeaderBytes {
		return 0, fmt.Errorf("%d bytes where a frame needs %d", len(b), HeaderBytes)
	}
	n := binary.LittleEndian.Uint32(b)
	if n < HeaderBytes || n > MaxBytes {
		return 0, fmt.Errorf("frame length of %d bytes", n)
	}
	return int(n), nil
}

// whole returns the frame that b starts with if all of it is there.
func whole(b []byte) (Frame, error) {
	n, err := Length(b)
	if err != nil {
		return nil, err
	}
	if n > len(b) {
		return nil, fmt.Errorf("frame of %d bytes where %d are left", n, len(b))
	}
	return Frame(b[:n]), nil
}

// Parse returns the frame that b starts with if it is whole and its checksum
// holds.
func Parse(seed uint32, b []byte) (Frame, error) {
	f, err := whole(b)
	if err != nil {
		return nil, err
	}
	if got, want := Checksum(seed, f[8:]), binary.LittleEndian.Uint32(f[4:]); got != want {
		return nil, fmt.Errorf("frame checksum is %08x, the frame says %08x", got, want)
	}
	if err := f.shape(); err != nil {
		return nil, err
	}
	return f, nil
}

// Next returns the frame that b starts with if it is whole, without its
// checksum: for bytes that another checksum has covered.
func Next(b []byte) (Frame, error) {
	f, err := whole(b)
	if err != nil {
		return nil, err
	}
	if err := f.shape(); err != nil {
		return nil, err
	}
	return f, nil
}

// shape checks that the parts fit into the whole.
func (f Frame) shape() error {
	if f.bodyAt() > len(f) || (f[81] != 0 && f[81] != traceBytes) || f.flags()&^flagBinary != 0 {
		return fmt.Errorf("frame of %d bytes with names of %d, %d, %d, %d bytes, metadata of %d and flags %#x",
			len(f), f.streamLen(), f.kindLen(), f[80], f[81], f.metadataLen(), f.flags())
	}
	return nil
}

// Position returns the event's place in the whole log.
func (f Frame) Position() uint64 { return binary.LittleEndian.Uint64(f[8:]) }

// Revision returns the event's place in its stream.
func (f Frame) Revision() uint64 { return binary.LittleEndian.Uint64(f[16:]) }

// Batch returns the event's place in its append and how many there are.
func (f Frame) Batch() (index, count uint16) {
	return binary.LittleEndian.Uint16(f[24:]), binary.LittleEndian.Uint16(f[26:])
}

// ID returns the event id.
func (f Frame) ID() ledger.ID { return ledger.ID(f[28:44]) }

// Recorded returns when the log took the event, in microseconds since 1970.
func (f Frame) Recorded() int64 { return int64(binary.LittleEndian.Uint64(f[60:])) } //nolint:gosec // written from one

func (f Frame) streamLen() int   { return int(binary.LittleEndian.Uint16(f[76:])) }
func (f Frame) kindLen() int     { return int(binary.LittleEndian.Uint16(f[78:])) }
func (f Frame) flags() uint16    { return binary.LittleEndian.Uint16(f[82:]) }
func (f Frame) metadataLen() int { return int(binary.LittleEndian.Uint32(f[84:])) }
func (f Frame) actorAt() int     { return HeaderBytes + f.streamLen() + f.kindLen() }
func (f Frame) bodyAt() int      { return f.actorAt() + int(f[80]) + int(f[81]) + f.metadataLen() }

// Stream returns the bytes of the stream name.
func (f Frame) Stream() []byte { return f[HeaderBytes : HeaderBytes+f.streamLen()] }

// Kind returns the bytes of the kind.
func (f Frame) Kind() []byte { return f[HeaderBytes+f.streamLen() : f.actorAt()] }

// Cause returns the id of the event's cause.
func (f Frame) Cause() ledger.ID { return ledger.ID(f[44:60]) }

// Occurred returns when the event happened, in microseconds since 1970.
func (f Frame) Occurred() int64 { return int64(binary.LittleEndian.Uint64(f[68:])) } //nolint:gosec // written from one

// Actor returns the bytes of the actor.
func (f Frame) Actor() []byte { return f[f.actorAt() : f.actorAt()+int(f[80])] }

// Trace returns the bytes of the trace, none if there is none.
func (f Frame) Trace() []byte {
	at := f.actorAt() + int(f[80])
	return f[at : at+int(f[81])]
}

// Binary reports whether the body is not JSON.
func (f Frame) Binary() bool { return f.flags()&flagBinary != 0 }

// Metadata returns the bytes of the metadata.
func (f Frame) Metadata() []byte { return f[f.bodyAt()-f.metadataLen() : f.bodyAt()] }

// Body returns the bytes of the body.
func (f Frame) Body() []byte { return f[f.bodyAt():] }

// GuessStream returns the stream name of damaged bytes if they still look like
// a frame with one.
func GuessStream(b []byte) ledger.StreamID {
	if len(b) < HeaderBytes || HeaderBytes+Frame(b).streamLen() > len(b) {
		return ""
	}
	name := ledger.StreamID(Frame(b).Stream())
	if name.Validate() != nil {
		return ""
	}
	return name
}

// Record returns the event of f. Nothing in it points into f.
func (f Frame) Record() ledger.Record {
	var d Decoder
	return d.Record(f)
}

// Micro returns the instant of a stored time.
func Micro(us int64) time.Time { return time.UnixMicro(us).UTC() }
