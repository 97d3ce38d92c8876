package live

import (
	"context"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/floor"
)

// PartFloor names the floor in what is told of the device.
const PartFloor = "floor"

// lateness is how much came, and what of it too late to count.
type lateness struct {
	came   int        // frames of persons, readings and sightings
	past   floor.Late // of the floors before
	load   edge.Load
	behind bool // whether too much comes too late
}

// now returns the floor, or nil.
func (s *Shop) now() *floor.Floor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.floor
}

// hear returns the floor for something that came, or nil.
func (s *Shop) hear() *floor.Floor {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.came++
	return s.floor
}

// late is what came too late since the program began. Its caller holds s.
func (s *Shop) late() floor.Late {
	sum := s.past
	if s.floor != nil {
		l := s.floor.Late()
		sum.Frames, sum.Readings = sum.Frames+l.Frames, sum.Readings+l.Readings
	}
	return sum
}

// View returns how the floor does now.
func (s *Shop) View() edge.FloorView {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.late()
	v := edge.FloorView{Came: s.came, LateFrames: l.Frames, LateReadings: l.Readings, Refused: s.refused, Waiting: len(s.waits)}
	if s.floor != nil {
		v.Persons = len(s.floor.Persons())
	}
	return v
}

// tellLate tells when much begins to come too late to count, and when that is
// over. The host may be waiting for s: it is told without holding it.
func (s *Shop) tellLate(ctx context.Context) {
	s.mu.Lock()
	l := s.late()
	was := s.behind
	s.behind = s.load.Heavy(s.o.Now(), s.came, l.Frames+l.Readings)
	is, came, on := s.behind, s.came, s.floor != nil
	s.mu.Unlock()
	switch {
	case !on || is == was:
	case is:
		s.tell(ctx, PartFloor, ledger.DeviceOverloaded,
			fmt.Sprintf("of %d pictures and readings %d pictures of persons and %d readings came too late to count", came, l.Frames, l.Readings))
	default:
		s.tell(ctx, PartFloor, ledger.DeviceWell, "")
	}
}
