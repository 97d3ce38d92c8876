package render

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchledger/vouch/vision/render/random"
)

// An Act is what a move does.
type Act string

// The acts. Take, Return and Misplace change what stands on the shelf; the
// others only look as if they might.
const (
	Take     Act = "take"     // a thing leaves its slot
	Return   Act = "return"   // a thing comes back, turned and a little elsewhere
	Misplace Act = "misplace" // a thing of another slot is put here
	Touch    Act = "touch"    // a hand goes to the thing and leaves it
	Rest     Act = "rest"     // a hand stays on the thing for seconds
	Pass     Act = "pass"     // a person walks by in front of the shelf
	Hidden   Act = "hidden"   // a take behind a person who stands in front
	Lights   Act = "lights"   // the shop's light changes
)

// A Move is one thing that happens.
type Move struct {
	Act  Act
	Slot string  // empty for Pass and Lights
	SKU  string  // of Misplace
	At   float64 // seconds: the take, the put, the nearest moment
	For  float64 // seconds a Rest, or a Hidden's person, stays; 0 for the usual
}

// A Scenario says what is drawn. Fill it by hand, with [Parse], or with
// [Random].
type Scenario struct {
	Seed          uint64
	Seconds       float64
	Width, Height int
	FPS           int
	Slots         []SlotSpec
	Moves         []Move
	Noise         float64 // spread of the sensor's noise in grey levels
	Drift         float64 // how far light and exposure wander, as a fraction
}

// A SlotSpec is a place on the shelf and what stands in it at the start.
type SlotSpec struct {
	Name  string
	SKU   string
	Empty bool
}

// Defaults of a scenario.
const (
	DefaultSeconds = 40
	DefaultNoise   = 2.2
	DefaultDrift   = 0.03
	DefaultFPS     = 30
)

// names of slots by their number, from left to right.
var names = map[int][]string{
	1: {"middle"},
	2: {"left", "right"},
	3: {"left", "middle", "right"},
	4: {"left", "middle-left", "middle-right", "right"},
	5: {"left", "middle-left", "middle", "middle-right", "right"},
}

// Shelf returns slots for n products, 1 to 5, all full.
func Shelf(n int) ([]SlotSpec, error) {
	if _, ok := names[n]; !ok {
		return nil, fmt.Errorf("%w: %d slots, draw 1 to 5", ErrScenario, n)
	}
	var specs []SlotSpec
	for i, name := range names[n] {
		specs = append(specs, SlotSpec{Name: name, SKU: products[i].sku})
	}
	return specs, nil
}

// NewScenario returns a scenario without moves, with the usual shelf of five.
func NewScenario(seed uint64) Scenario {
	slots, err := Shelf(5)
	if err != nil {
		panic("render: " + err.Error())
	}
	return Scenario{
		Seed: seed, Seconds: DefaultSeconds, Width: 640, Height: 360, FPS: DefaultFPS,
		Slots: slots, Noise: DefaultNoise, Drift: DefaultDrift,
	}
}

// Parse adds the moves of a script to s. A script is statements separated by
// commas or lines; # begins a comment:
//
//	take left@5s, return left@20s, touch right@26s, rest right@30s for 3s
//	misplace left=cola-can@34s, pass@38s, hidden take middle@44s, lights@50s
//	seconds 60, slots 3, noise 3, drift 0.05, empty right
func (s *Scenario) Parse(script string) error {
	for n, line := range strings.Split(script, "\n") {
		line, _, _ = strings.Cut(line, "#")
		for stmt := range strings.SplitSeq(line, ",") {
			words := strings.Fields(stmt)
			if len(words) == 0 {
				continue
			}
			if err := s.statement(words); err != nil {
				return fmt.Errorf("%w: line %d: %q: %w", ErrScenario, n+1, strings.TrimSpace(stmt), err)
			}
		}
	}
	return nil
}

func (s *Scenario) statement(words []string) error {
	if len(words) == 2 && !strings.Contains(words[1], "@") {
		if done, err := s.setting(words[0], words[1]); done || err != nil {
			return err
		}
	}
	m := Move{Act: Act(words[0])}
	rest := words[1:]
	if m.Act == Hidden {
		if len(rest) == 0 || rest[0] != string(Take) {
			return fmt.Errorf("write: hidden take SLOT@TIME")
		}
		rest = rest[1:]
	}
	what := ""
	if name, at, ok := strings.Cut(words[0], "@"); ok && len(words) == 1 { // pass@3s
		m.Act, what = Act(name), "@"+at
	} else if len(rest) > 0 {
		what, rest = rest[0], rest[1:]
	}
	place, at, ok := strings.Cut(what, "@")
	if !ok {
		return fmt.Errorf("no time; write ACT SLOT@SECONDS")
	}
	m.Slot, m.SKU, _ = strings.Cut(place, "=")
	var err error
	if m.At, err = seconds(at); err != nil {
		return err
	}
	if len(rest) == 2 && rest[0] == "for" && (m.Act == Rest || m.Act == Hidden) {
		if m.For, err = seconds(rest[1]); err != nil {
			return err
		}
	} else if len(rest) != 0 {
		return fmt.Errorf("%q is not understood", strings.Join(rest, " "))
	}
	s.Moves = append(s.Moves, m)
	return nil
}

// setting reads "seconds 60" and its like; it reports whether name is one.
func (s *Scenario) setting(name, value string) (bool, error) {
	if name == "empty" {
		i := slices.IndexFunc(s.Slots, func(sl SlotSpec) bool { return sl.Name == value })
		if i < 0 {
			return true, fmt.Errorf("there is no slot %q", value)
		}
		s.Slots[i].Empty = true
		return true, nil
	}
	target := map[string]*float64{"seconds": &s.Seconds, "noise": &s.Noise, "drift": &s.Drift}[name]
	if target == nil && name != "slots" {
		return false, nil
	}
	v, err := seconds(value)
	if err != nil {
		return true, err
	}
	if target != nil {
		*target = v
		return true, nil
	}
	s.Slots, err = Shelf(int(v))
	return true, err
}

func seconds(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "s"), 64)
	if err != nil || !(v >= 0 && v < 1e5) {
		return 0, fmt.Errorf("%q is no number of seconds", s)
	}
	return math.Round(v*1000) / 1000, nil
}

// Random returns a scenario of the given length in which, out of the seed
// alone, people take, return, touch, rest their hands and walk by.
func Random(seed uint64, length float64) Scenario {
	s := NewScenario(seed)
	s.Seconds = length
	r := random.New(seed, 1)
	s.Noise, s.Drift = r.Between(1.5, 3.5), r.Between(0.01, 0.05)
	slots, err := Shelf(3 + r.Intn(3))
	if err != nil {
		panic("render: " + err.Error())
	}
	first := r.Intn(len(products))
	for i := range slots {
		slots[i].SKU = products[(first+i)%len(products)].sku
	}
	s.Slots = slots
	full := make([]bool, len(slots))
	for i := range full {
		full[i] = true
	}
	for at := r.Between(3.5, 5); at < length-4; at += r.Between(3.6, 6.5) {
		i := r.Intn(len(slots))
		m := Move{Slot: slots[i].Name, At: math.Round(at*100) / 100}
		switch p := r.Unit(); {
		case p < 0.08:
			m.Act, m.Slot = Pass, ""
			at += 1.5
		case p < 0.12:
			m.Act, m.Slot = Lights, ""
		case p < 0.18 && full[i]:
			m.Act, m.For = Rest, r.Between(1.5, 3)
			at += m.For
		case p < 0.3 && full[i]:
			m.Act = Touch
		case p < 0.35 && full[i]:
			m.Act, full[i] = Hidden, false
			at += 2.5
		case full[i]:
			m.Act, full[i] = Take, false
		default:
			m.Act, full[i] = Return, true
		}
		s.Moves = append(s.Moves, m)
	}
	return s
}
