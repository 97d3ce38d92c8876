package rehearsal

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/vision/cart"
)

// ErrScenario means that a text is no scenario. The message says which act.
var ErrScenario = errors.New("not a scenario of a trip")

// Timing of the acts.
const (
	showFor  = 1400 * time.Millisecond // a code before the camera
	layAfter = 2200 * time.Millisecond // the label was shown, until the thing rests
	handFor  = 900 * time.Millisecond  // a hand in the cart before and after that
)

// A Thing is something that can be laid into a cart.
type Thing struct {
	GTIN  string // 8, 12 or 13 digits; empty if it has no label
	Grams int    // what it really weighs
}

// act is one act of a scenario.
type act struct {
	do    string
	what  string
	grams int
	at    time.Duration
	for_  time.Duration
}

// A Scenario is what happens on a trip.
type Scenario struct {
	Things  map[string]Thing
	Texts   map[string]string // QR codes by name
	Seed    uint64
	Seconds float64
	Noise   float64 // of the camera, grey levels
	Tremble float64 // of the scale, grams
	Tare    int     // what the scale shows of an empty cart
	acts    []act
}

// New returns a scenario of things in which nothing happens.
func New(seed uint64, things map[string]Thing, texts map[string]string) *Scenario {
	return &Scenario{Things: things, Texts: texts, Seed: seed, Noise: 4, Tremble: 1.2}
}

// Parse adds what the text says.
func (s *Scenario) Parse(text string) error {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for part := range strings.SplitSeq(line, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			if err := s.parse(part); err != nil {
				return fmt.Errorf("%w: %q: %w", ErrScenario, part, err)
			}
		}
	}
	slices.SortStableFunc(s.acts, func(a, b act) int { return int(a.at - b.at) })
	if s.Seconds == 0 {
		for _, a := range s.acts {
			s.Seconds = max(s.Seconds, (a.at + a.for_ + 5*time.Second).Seconds())
		}
	}
	if s.Seconds <= 0 || s.Seconds > 3600 {
		return fmt.Errorf("%w: %g seconds", ErrScenario, s.Seconds)
	}
	return nil
}

func (s *Scenario) parse(part string) error {
	head, when, timed := strings.Cut(part, "@")
	words := strings.Fields(head)
	if len(words) == 0 {
		return errors.New("no act")
	}
	if !timed {
		return s.set(words)
	}
	a := act{do: words[0]}
	moment, length, long := strings.Cut(when, " for ")
	var err error
	if a.at, err = time.ParseDuration(strings.TrimSpace(moment)); err != nil || a.at < 0 {
		return fmt.Errorf("moment %q: want 2s", moment)
	}
	if long {
		if a.for_, err = time.ParseDuration(strings.TrimSpace(length)); err != nil {
			return err
		}
	}
	if len(words) > 1 {
		a.what = words[1]
	}
	if len(words) > 2 {
		if a.grams, err = strconv.Atoi(words[2]); err != nil {
			return err
		}
	}
	return s.add(a)
}

func (s *Scenario) set(words []string) error {
	if len(words) != 2 {
		return errors.New("want a name and a number")
	}
	v, err := strconv.ParseFloat(words[1], 64)
	if err != nil {
		return err
	}
	switch words[0] {
	case "tare":
		s.Tare = int(v)
	case "drift":
		s.Tremble = v
	case "noise":
		s.Noise = v
	case "seconds":
		s.Seconds = v
	default:
		return errors.New("no such setting")
	}
	return nil
}

func (s *Scenario) add(a act) error {
	thing, known := s.Things[a.what]
	switch a.do {
	case "put":
		if a.grams == 0 {
			a.grams = thing.Grams
		}
		if err := s.add(act{do: "scan", what: a.what, at: a.at}); err != nil {
			return err
		}
		return s.add(act{do: "lay", what: a.what, grams: a.grams, at: a.at + layAfter})
	case "scan", "torn":
		if !known || thing.GTIN == "" {
			return errors.New("nothing with such a label")
		}
	case "lay", "out":
		if a.grams == 0 {
			a.grams = thing.Grams
		}
		if a.grams <= 0 {
			return errors.New("nothing of a weight")
		}
	case "show":
		if text, ok := s.Texts[a.what]; ok {
			a.what = text
		} else if !strings.HasPrefix(a.what, cart.LanePrefix) {
			return errors.New("no text of that name")
		}
	case "lean":
		g, err := strconv.Atoi(a.what)
		if err != nil || a.for_ == 0 {
			return errors.New("want grams, and for how long")
		}
		a.grams = g
	case "overload", "silent", "stuck":
		if a.for_ == 0 {
			return errors.New("for how long?")
		}
	case "key", "remove", "take_out", "help", "leave", "coupon", "zero":
	default:
		return errors.New("no such act")
	}
	s.acts = append(s.acts, a)
	return nil
}
