package shop

import (
	"fmt"
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/render/random"
	"github.com/vouchledger/vouch/vision/truth"
)

// A Piece is one thing that is sold once.
type Piece struct {
	ID      int
	Product Product
	Grams   float64
	Tag     string // of RFID; empty if it has none
}

// A Stand is a piece in its place on a shelf, from one frame until before
// another.
type Stand struct {
	Piece       *Piece
	Shelf, Slot int
	Foot        Vec
	Turn        float64 // about its upright axis
	From, Until int

	place int
}

// A Gesture is one movement of a hand to a slot and back.
type Gesture struct {
	Event       truth.Event
	Who         int // index of the person
	Shelf, Slot int
	Pieces      []*Piece // moved, or touched
	Feet        []Vec    // where they stand on the shelf
	Turns       []float64
	Grip        Vec // where the hand takes hold
	// Frames: the hand sets out, does it, lets go, and is back.
	Start, At, Release, End int
}

// A Stage is a scenario with everything decided. It may be used by several
// goroutines: nothing in it changes any more.
type Stage struct {
	Scenario
	frames   int
	people   []*walker
	stands   [][][]*Stand // by shelf and slot, in order of From
	gestures []*Gesture   // in order of At
	pieces   []*Piece
	visits   []truth.Visit
	truth    []truth.Interaction
}

// forever is the frame after every frame.
const forever = math.MaxInt

// longest bounds a scenario without a length: a day.
const longest = 24 * 3600.0

// New stages a scenario.
func New(sc Scenario) (*Stage, error) {
	if err := sc.check(); err != nil {
		return nil, err
	}
	s := &Stage{Scenario: sc}
	d := &director{Stage: s, dice: random.New(sc.Seed, 1)}
	d.fill()
	d.assemble()
	if err := d.play(); err != nil {
		return nil, err
	}
	s.frames = int(math.Round(s.Seconds * float64(s.FPS)))
	slices.SortStableFunc(s.gestures, func(a, b *Gesture) int { return a.At - b.At })
	s.witness()
	return s, nil
}

// check refuses what cannot be staged whatever the dice say.
func (s Scenario) check() error {
	switch {
	case s.FPS < 5 || s.FPS > 60:
		return fmt.Errorf("%w: %d frames a second, want 5 to 60", ErrScenario, s.FPS)
	case !(s.Seconds >= 0 && s.Seconds <= longest):
		return fmt.Errorf("%w: %g seconds, want up to a day", ErrScenario, s.Seconds)
	case len(s.Shelves) == 0:
		return fmt.Errorf("%w: no shelves", ErrScenario)
	case !(s.ScaleHz >= 0 && s.ScaleHz <= 100):
		return fmt.Errorf("%w: %g readings a second, want up to 100", ErrScenario, s.ScaleHz)
	}
	names := map[string]bool{}
	once := func(what, name string) error {
		if name == "" || names[what+name] {
			return fmt.Errorf("%w: two are called %s %q, or one has no name", ErrScenario, what, name)
		}
		names[what+name] = true
		return nil
	}
	for _, sh := range s.Shelves {
		if err := once("shelf", sh.Name); err != nil {
			return err
		}
		for _, sl := range sh.Slots {
			if _, ok := ProductOf(sl.SKU); !ok {
				return fmt.Errorf("%w: slot %s holds %q, which nobody sells", ErrScenario, sl.Name, sl.SKU)
			}
			if sl.Facings < 1 || sl.Facings > 4 || sl.Depth < 1 || sl.Depth > 5 || sl.Initial < 0 || sl.Initial > sl.Capacity() {
				return fmt.Errorf("%w: slot %s of %d facings, %d deep, holds %d", ErrScenario, sl.Name, sl.Facings, sl.Depth, sl.Initial)
			}
			if err := once("slot", sl.Name); err != nil {
				return err
			}
		}
	}
	for _, c := range s.Cameras {
		if err := once("camera", c.Name); err != nil {
			return err
		}
		if c.Width < 32 || c.Height < 32 || c.Width > 1920 || c.Height > 1920 || c.Width%2+c.Height%2 != 0 {
			return fmt.Errorf("%w: camera %s of %d x %d", ErrScenario, c.Name, c.Width, c.Height)
		}
	}
	return s.checkPeople(once)
}

func (s Scenario) checkPeople(once func(what, name string) error) error {
	for _, p := range s.Parties {
		if err := once("visit", p.Visit); err != nil {
			return err
		}
		if len(p.Persons) == 0 {
			return fmt.Errorf("%w: nobody comes for visit %s", ErrScenario, p.Visit)
		}
		for _, who := range p.Persons {
			if err := once("person", who.Name); err != nil {
				return err
			}
			if !(who.Enters >= 0 && who.Enters < longest) {
				return fmt.Errorf("%w: %s enters at %g s", ErrScenario, who.Name, who.Enters)
			}
			for _, w := range who.Wishes {
				if err := s.checkWish(w, p.Staff); err != nil {
					return fmt.Errorf("%w: %s: %w", ErrScenario, who.Name, err)
				}
			}
		}
	}
	for _, t := range s.Troubles {
		if t.What != Lights && t.What != Shake || !(t.At >= 0) {
			return fmt.Errorf("%w: trouble %q at %g s", ErrScenario, t.What, t.At)
		}
	}
	return nil
}

func (s Scenario) checkWish(w Wish, staff bool) error {
	switch w.Act {
	case Take, Return, Misplace, Touch, Look:
	case Restock, Tidy:
		if !staff {
			return fmt.Errorf("only staff can %s", w.Act)
		}
	default:
		return fmt.Errorf("nobody knows how to %q", w.Act)
	}
	if w.Slot != "" {
		if _, _, ok := s.Find(w.Slot); !ok {
			return fmt.Errorf("there is no slot %q", w.Slot)
		}
	}
	if !(w.After >= 0 && w.After < longest) {
		return fmt.Errorf("%s after %g s", w.Act, w.After)
	}
	return nil
}

// Find returns where the slot of a name is.
func (s Scenario) Find(slot string) (shelf, index int, ok bool) {
	for i, sh := range s.Shelves {
		for j, sl := range sh.Slots {
			if sl.Name == slot {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// Frames returns how many frames each camera has.
func (s *Stage) Frames() int { return s.frames }

// Time returns the moment of frame n in seconds.
func (s *Stage) Time(n int) float64 { return math.Round(1000*float64(n)/float64(s.FPS)) / 1000 }

// Standing returns what stands on a shelf in frame n.
func (s *Stage) Standing(shelf, n int) []*Stand {
	var all []*Stand
	for _, slot := range s.stands[shelf] {
		for _, st := range slot {
			if st.From <= n && n < st.Until {
				all = append(all, st)
			}
		}
	}
	return all
}

// Stock returns how many pieces are in each slot in frame n, whatever they
// are.
func (s *Stage) Stock(n int) map[string]int {
	stock := map[string]int{}
	for i, sh := range s.Shelves {
		for _, sl := range sh.Slots {
			stock[sl.Name] = 0
		}
		for _, st := range s.Standing(i, n) {
			stock[sh.Slots[st.Slot].Name]++
		}
	}
	return stock
}

// Gestures returns what hands do, in order of the moment they do it.
func (s *Stage) Gestures() []*Gesture { return s.gestures }
