package bench

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/shelf"
	"github.com/vouchledger/vouch/vision/watch"
)

// A pick is what happened on a film: something was taken or put back.
type pick struct {
	film, slot, action string
	frame              int // the base is clear of the shelf, or rests on it
	out                int // the last frame with a hand
}

// A journey is the way of a pick from the camera to the server's word. A moment
// that did not come is zero.
type journey struct {
	pick
	Happened time.Time // its frame was delivered
	Left     time.Time // the last frame of the pick was delivered
	Certain  time.Time // the frame was delivered in which the monitor became certain
	Shown    time.Time // its evidence was made
	Kept     time.Time // it was in the outbox
	Begun    time.Time // nothing was before it in the outbox, and its evidence was sent
	Acked    time.Time // the server had acknowledged it
}

// A logbook notes what happens to the picks of films while they are played. It
// is for several goroutines.
type logbook struct {
	now func() time.Time

	mu      sync.Mutex
	frames  map[string][]time.Time // of each film, when each frame was delivered
	seen    []*noted
	sent    time.Time // the last message was out of the outbox
	refused []string  // answers of the server
}

// noted is what is known of a sighting.
type noted struct {
	film                      string
	sighting                  watch.Sighting
	shown, kept, begun, acked time.Time
	taken                     bool // by a pick
}

func newLogbook(now func() time.Time) *logbook {
	return &logbook{now: now, frames: map[string][]time.Time{}}
}

// delivered notes that the next frame of a film was handed to the shop.
func (b *logbook) delivered(film string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.frames[film] = append(b.frames[film], b.now())
}

// saw and safe are taps of a shop. A sighting that waits for room on the disk is
// handed over again.
func (b *logbook) saw(film string, s watch.Sighting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.ContainsFunc(b.seen, func(n *noted) bool { return n.film == film && n.sighting.ID == s.ID }) {
		return
	}
	b.seen = append(b.seen, &noted{film: film, sighting: s, shown: b.now()})
}

func (b *logbook) safe(film string, s watch.Sighting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.seen {
		if n.film != film || n.sighting.ID != s.ID {
			continue
		}
		if n.kept = n.begun; n.kept.IsZero() { // else it was sent before this was said
			n.kept = b.now()
		}
	}
}

// pathDetections is where detections are sent.
const pathDetections = "/v1/detections"

// tried is a tap: messages leave the outbox in the order they came in, so the
// detection that was acknowledged is the oldest that was not.
func (b *logbook) tried(o outbox.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !o.Final {
		return
	}
	now := b.now()
	defer func() { b.sent = now }()
	if !o.Taken() {
		b.refused = append(b.refused, o.Item.Path+": "+strings.TrimSpace(string(o.Answer)))
	}
	if o.Item.Path != pathDetections {
		return
	}
	for _, n := range b.seen {
		if n.sighting.Purpose != shelf.Shopping || !n.begun.IsZero() {
			continue // it is not sent, or was
		}
		if n.begun = n.kept; b.sent.After(n.begun) {
			n.begun = b.sent
		}
		if o.Taken() {
			n.acked = now
		}
		return
	}
}

// journeys returns the way of each pick, with the zero time for what did not
// come. A sighting belongs to the first pick of its film, slot and action that
// is no more than tolerance away.
func (b *logbook) journeys(picks []pick) []journey {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.seen {
		n.taken = false
	}
	out := make([]journey, 0, len(picks))
	for _, p := range picks {
		j := journey{pick: p, Happened: b.at(p.film, p.frame), Left: b.at(p.film, p.out)}
		i := slices.IndexFunc(b.seen, func(n *noted) bool {
			action := string(n.sighting.Action)
			if action == string(shelf.Move) {
				action = string(shelf.Return) // to another slot
			}
			return !n.taken && n.film == p.film && n.sighting.Slot == p.slot && action == p.action &&
				n.sighting.At.Sub(j.Happened).Abs().Seconds() <= tolerance
		})
		if i >= 0 && !j.Left.IsZero() {
			n := b.seen[i]
			n.taken = true
			j.Certain = n.sighting.At.Add(time.Duration(n.sighting.Delay * float64(time.Second)))
			j.Shown, j.Kept, j.Begun, j.Acked = n.shown, n.kept, n.begun, n.acked
		}
		out = append(out, j)
	}
	return out
}

// at returns when a frame was delivered.
func (b *logbook) at(film string, frame int) time.Time {
	if all := b.frames[film]; frame < len(all) {
		return all[frame]
	}
	return time.Time{}
}

// complete reports whether every pick is acknowledged.
func (b *logbook) complete(picks []pick) bool {
	return !slices.ContainsFunc(b.journeys(picks), func(j journey) bool { return j.Acked.IsZero() })
}

// errRefused means that the server refused something for good.
var errRefused = errors.New("the server refused")

// accepted returns what the server refused.
func (b *logbook) accepted() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.refused) == 0 {
		return nil
	}
	return fmt.Errorf("%w %d messages: %s", errRefused, len(b.refused), b.refused[0])
}

// A wait is how long a step of the journeys took, in seconds.
type wait struct {
	what     string
	from, to func(journey) time.Time
}

// waits are the steps of a journey; together they are the way from the last
// frame of the pick to the server's word.
var waits = []wait{
	{"until it is certain", journey.left, journey.certain},
	{"until its evidence is made", journey.certain, journey.shown},
	{"until all of it is in the outbox, synced", journey.shown, journey.kept},
	{"until its evidence is sent", journey.kept, journey.begun},
	{"until it is acknowledged", journey.begun, journey.acked},
}

func (j journey) happened() time.Time { return j.Happened }
func (j journey) left() time.Time     { return j.Left }
func (j journey) certain() time.Time  { return j.Certain }
func (j journey) shown() time.Time    { return j.Shown }
func (j journey) kept() time.Time     { return j.Kept }
func (j journey) begun() time.Time    { return j.Begun }
func (j journey) acked() time.Time    { return j.Acked }

// seconds returns how long a step took in each journey that was acknowledged.
func (w wait) seconds(all []journey) []float64 {
	var out []float64
	for _, j := range all {
		if !j.Acked.IsZero() {
			out = append(out, w.to(j).Sub(w.from(j)).Seconds())
		}
	}
	return out
}

// whole returns how long each journey took, from a moment to the server's word.
// One that was not acknowledged has taken as long as it was waited for, at
// least.
func whole(all []journey, from func(journey) time.Time, end time.Time) []float64 {
	var out []float64
	for _, j := range all {
		to := j.Acked
		if to.IsZero() {
			to = end
		}
		if from(j).IsZero() {
			continue // the film broke off
		}
		out = append(out, to.Sub(from(j)).Seconds())
	}
	return out
}
