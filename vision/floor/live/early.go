package live

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/vision/floor"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/watch"
)

// early is what the floor knows of sightings before they are handed out: a return
// of which nobody knows whether a shopper or staff brought it takes its shelf camera
// some eight seconds, and what a scale felt is judged after three.
type early struct {
	open map[string]time.Time // claims whose sighting was not handed out, and when they came
	held []fuse.Detection     // judged, and rests on one of those
}

// awaitedMost is how long a sighting may take that waits for room on a disk. A
// camera that ended before it was handed out never will.
const awaitedMost = time.Hour

// Found takes a sighting as soon as it is certain that something moved, so that it
// is judged together with what scales and tags say of that moment. Take or Worked
// follows, when its purpose is known.
func (s *Shop) Found(camera string, seen watch.Sighting) {
	on := s.hear()
	if on == nil {
		return
	}
	claim := claimOf(camera, seen)
	s.mu.Lock()
	s.early.open[claim.ID] = s.o.Now()
	s.mu.Unlock()
	if err := on.Claim(claim); err != nil {
		s.settled(claim.ID)
		s.o.Log.Warn("a sighting is not joined", slog.String("camera", camera), slog.String("why", err.Error()))
	}
}

// Worked says that a sighting was no shopping: what staff did is no detection,
// whatever else felt it.
func (s *Shop) Worked(camera string, seen watch.Sighting) { s.settled(claimOf(camera, seen).ID) }

// settled says that a claim's sighting was handed out, and reports whether the floor
// has had it before.
func (s *Shop) settled(claim string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.early.open[claim]
	delete(s.early.open, claim)
	return ok
}

func claimOf(camera string, seen watch.Sighting) fuse.Claim {
	var items []fuse.Item
	for _, it := range seen.Items {
		items = append(items, fuse.Item{SKU: string(it.SKU), P: float64(it.Confidence) / 1000})
	}
	return floor.ClaimOf(camera, seen.Change, seen.At, items)
}

// awaits reports whether a detection rests on a sighting that was not handed out.
func (e *early) awaits(d fuse.Detection) bool {
	return slices.ContainsFunc(d.Claims, func(c fuse.Claim) bool { _, ok := e.open[c.ID]; return ok })
}

// holds reports whether a detection that waits rests on a claim.
func (e *early) holds(claim string) bool {
	return slices.ContainsFunc(e.held, func(d fuse.Detection) bool {
		return slices.ContainsFunc(d.Claims, func(c fuse.Claim) bool { return c.ID == claim })
	})
}

// ready takes the detections out of those that wait of which all is known by now.
func (e *early) ready(now time.Time) []fuse.Detection {
	maps.DeleteFunc(e.open, func(_ string, came time.Time) bool { return now.Sub(came) > awaitedMost })
	var out []fuse.Detection
	e.held = slices.DeleteFunc(e.held, func(d fuse.Detection) bool {
		if e.awaits(d) {
			return false
		}
		out = append(out, d)
		return true
	})
	return out
}
