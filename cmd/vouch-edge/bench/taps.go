package bench

import (
	"io"
	"time"

	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/edge/host"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/watch"
)

// Taps are where a measurement listens to a shop that runs. Open and Log are
// needed, the others may be nil.
type Taps struct {
	Open    func(source string) (host.Camera, error)
	Log     io.Writer
	Running func(*host.Host)
	// Seen is called when a sighting with its evidence is handed over, Kept when
	// both are on the disk.
	Seen, Kept func(camera string, s watch.Sighting)
	// Sent is called after each try to send a message.
	Sent func(outbox.Outcome)
	// Now is the clock that the shop goes by instead of the machine's.
	Now func() time.Time
}

// Clock returns the clock that the shop goes by.
func (t Taps) Clock() func() time.Time {
	if t.Now == nil {
		return time.Now
	}
	return t.Now
}

// A keeper makes sightings durable, as host.Config.Seen says.
type keeper = func(edge.Camera, watch.Sighting, host.Evidence, time.Duration) error

// Keeping returns keep with the taps before and behind it.
func (t Taps) Keeping(keep keeper) keeper {
	if t.Seen == nil && t.Kept == nil {
		return keep
	}
	return func(c edge.Camera, s watch.Sighting, of host.Evidence, offset time.Duration) error {
		if t.Seen != nil {
			t.Seen(c.Name, s)
		}
		err := keep(c, s, of, offset)
		if err == nil && t.Kept != nil {
			t.Kept(c.Name, s)
		}
		return err
	}
}

// Sending returns what an outbox notifies: told, and the tap.
func (t Taps) Sending(told func(outbox.Outcome)) func(outbox.Outcome) {
	if t.Sent == nil {
		return told
	}
	return func(o outbox.Outcome) {
		told(o)
		t.Sent(o)
	}
}
