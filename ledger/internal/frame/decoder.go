package frame

import (
	"encoding/hex"

	"github.com/vouchledger/vouch/ledger"
)

// A Decoder makes records of frames. It keeps what repeats from one frame to
// the next, names and actors, and gives out the room for bodies in pieces, so
// that a reading of a million events makes thousands of small objects and not
// millions. Its zero value is ready; it is for one goroutine.
//
// But for [Decoder.Lasting] nothing in a record points into its frame. Records of
// one decoder may share pieces of memory of up to 64 KiB.
type Decoder struct {
	names  Names
	stream ledger.StreamID
	room   []byte
	next   int
}

// What a decoder gives out at once.
const (
	firstRoom = 1 << 10
	lastRoom  = 64 << 10
)

// Record returns the event of f.
func (d *Decoder) Record(f Frame) ledger.Record { return d.record(f, false) }

// Lasting returns the event of a frame that is not written again for as long as
// the record is used. Its body and metadata point into the frame.
func (d *Decoder) Lasting(f Frame) ledger.Record { return d.record(f, true) }

func (d *Decoder) record(f Frame, lasting bool) ledger.Record {
	if string(d.stream) != string(f.Stream()) {
		d.stream = ledger.StreamID(f.Stream())
	}
	r := ledger.Record{
		ID: f.ID(), Kind: ledger.Kind(d.names.Name(f.Kind())), Stream: d.stream,
		Revision: f.Revision(), Position: f.Position(),
		Recorded: Micro(f.Recorded()), Occurred: Micro(f.Occurred()),
		Cause:  f.Cause(),
		Binary: f.Binary(),
	}
	at := f.actorAt()
	r.Actor = d.names.Name(f[at : at+int(f[80])])
	at += int(f[80])
	if f[81] != 0 {
		r.Trace = hex.EncodeToString(f[at : at+traceBytes])
		at += traceBytes
	}
	bytes := []byte(f[at:len(f):len(f)])
	if !lasting {
		bytes = d.copy(bytes)
	}
	if n := f.metadataLen(); n > 0 {
		r.Metadata = bytes[:n:n]
	}
	r.Body = bytes[f.metadataLen():]
	return r
}

// Names remembers kinds and actors: a shop has some dozens.
type Names [256]string

// Name returns b as a string, the same one as before if it is remembered.
func (ns *Names) Name(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	n := len(b)
	h := uint32(n)<<24 | uint32(b[n/2])<<16 | uint32(b[n/3])<<8 | uint32(b[n-1]) //nolint:gosec // at most MaxKindBytes
	s := &ns[h*2654435769>>24]
	if *s != string(b) {
		*s = string(b)
	}
	return *s
}

// copy returns a copy of b in a piece of memory that it may share.
func (d *Decoder) copy(b []byte) []byte {
	if len(b) > len(d.room) {
		if len(b) >= lastRoom/4 {
			return append(make([]byte, 0, len(b)), b...)
		}
		d.next = min(max(2*d.next, firstRoom), lastRoom)
		d.room = make([]byte, max(d.next, len(b)))
	}
	c := d.room[:len(b):len(b)]
	d.room = d.room[len(b):]
	copy(c, b)
	return c
}
