package ledgerbench

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// BodyBytes is the length of a measured event's body.
const BodyBytes = 300

// Streams is how many visits the writers append to, together.
const Streams = 10_000

// An Event is what a writer appends: a detection, as the next event of its
// stream.
type Event struct {
	Stream   ledger.StreamID
	Number   int    // of the stream, from 0 to Streams-1
	Revision uint64 // how many events the stream has
	Draft    ledger.Draft
}

// events makes the events of a measurement.
type events struct {
	streams []ledger.StreamID
	bodies  [][]byte
}

// bodies is how many different ones there are: enough that no store's cache
// sees the same page again and again.
const bodies = 4096

func newEvents() (*events, error) {
	e := &events{}
	for i := range Streams {
		e.streams = append(e.streams, ledger.VisitStream(visit(i)))
	}
	for i := range bodies {
		b, err := detection(i)
		if err != nil {
			return nil, err
		}
		e.bodies = append(e.bodies, b)
	}
	return e, nil
}

// visit returns a name as long as a real one.
func visit(n int) ledger.VisitID {
	return ledger.VisitID(fmt.Sprintf("019b8c39-%04x-739c-81ae-%012x", n&0xffff, scatter(uint64(n))>>16)) //nolint:gosec // small
}

// scatter spreads n over all bits.
func scatter(n uint64) uint64 {
	n = (n + 1) * 0x9e3779b97f4a7c15
	n ^= n >> 29
	return n * 0xbf58476d1ce4e5b9
}

// detection returns the n-th body: a shelf's claim, its model's name as long as
// it takes to fill BodyBytes.
func detection(n int) ([]byte, error) {
	r := scatter(uint64(n))                                                               //nolint:gosec // small
	per := func(shift int) ledger.PerMille { return 850 + ledger.PerMille(r>>shift&127) } //nolint:gosec // 7 bits
	p := ledger.DetectionRecorded{
		Store: "shop-1", Sensor: "cam-1", Source: ledger.SensorCamera, Slot: fmt.Sprintf("%d/%d", r>>40&7, r>>48&7),
		Items:   []ledger.ItemHypothesis{{SKU: ledger.SKU(fmt.Sprintf("sku-%02d", r>>56%90+10)), Confidence: per(0)}},
		Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: per(8)}},
		Persons: []ledger.PersonHypothesis{{Visit: visit(n), Confidence: per(16)}}, Quantity: 1, Model: "m",
	}
	short, err := ledger.Marshal(p)
	if err != nil {
		return nil, err
	}
	p.Model += strings.Repeat("m", max(0, BodyBytes-len(short)))
	if err := p.Validate(); err != nil {
		return nil, err
	}
	b, err := ledger.Marshal(p)
	if err == nil && len(b) != BodyBytes {
		err = fmt.Errorf("a body has %d bytes, want %d", len(b), BodyBytes)
	}
	return b, err
}

// event returns the n-th event of all, as the next of a stream.
func (e *events) event(n uint64, stream int, revision uint64) Event {
	d := ledger.Draft{
		Kind: ledger.KindDetectionRecorded, Occurred: time.UnixMicro(1_772_355_600_000_000 + int64(n)).UTC(), //nolint:gosec // small
		Actor: "device:cam-1", Body: e.bodies[n%bodies],
	}
	// A UUIDv7 of a clock that goes on a millisecond every thousand events.
	binary.BigEndian.PutUint64(d.ID[:], (1_772_355_600_000+n/1000)<<16|7<<12|scatter(n)>>52)
	binary.BigEndian.PutUint64(d.ID[8:], 1<<63|scatter(^n)>>1&^(1<<62))
	binary.BigEndian.PutUint32(d.ID[12:], uint32(n)) //nolint:gosec // the lower half is meant
	return Event{Stream: e.streams[stream], Number: stream, Revision: revision, Draft: d}
}
