package rehearsal

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/cart/device"
)

// readEvery is how often the scale says what it weighs.
const readEvery = 100 * time.Millisecond

// Readings returns what the scale says.
func (s *Scenario) Readings() []cart.Reading {
	r := rand.New(rand.NewPCG(s.Seed, 11)) //nolint:gosec // a trace comes again by its seed
	var out []cart.Reading
	stuck := 0
	wasStuck := false
	for t := time.Duration(0); t.Seconds() <= s.Seconds; t += readEvery {
		g := float64(s.Tare) + s.Tremble*r.NormFloat64()
		reading := cart.Reading{T: t}
		silent, held := false, false
		for _, a := range s.acts {
			during := t >= a.at && t < a.at+a.for_
			switch a.do {
			case "lay":
				g += float64(a.grams) * settling(t-a.at)
			case "out":
				g -= float64(a.grams) * settling(t-a.at)
			case "lean":
				if during {
					g += float64(a.grams)
				}
			case "overload":
				reading.Overload = reading.Overload || during
			case "silent":
				silent = silent || during
			case "stuck":
				held = held || during
			}
		}
		reading.Grams = int(math.Round(g))
		if held {
			if !wasStuck {
				stuck = reading.Grams
			}
			reading.Grams = stuck
		}
		wasStuck = held
		if !silent {
			out = append(out, reading)
		}
	}
	return out
}

// settling is how much of a thing the scale shows some time after it was laid
// in: it swings around it first.
func settling(t time.Duration) float64 {
	switch x := t.Seconds(); {
	case x < 0:
		return 0
	case x < 0.2:
		return x / 0.2
	default:
		return 1 + 0.3*math.Exp(-(x-0.2)/0.12)*math.Sin(25*(x-0.2))
	}
}

// Fingers returns the touches.
func (s *Scenario) Fingers() []device.Finger {
	var out []device.Finger
	for _, a := range s.acts {
		f := device.Finger{T: a.at.Seconds(), Do: cart.Act(a.do)}
		switch a.do {
		case "key":
			f.Number = a.what
		case "remove":
			f.SKU = ledger.SKU(a.what)
		case "coupon":
			f.Text = s.Texts[a.what]
		case "leave":
			f.Gate = a.what
		case "take_out", "help", "zero":
		default:
			continue
		}
		out = append(out, f)
	}
	return out
}

// Files returns the scale's readings and the touches as vouch-edge reads them.
func (s *Scenario) Files() (scale, touches []byte, err error) {
	for _, r := range s.Readings() {
		if r.Overload {
			scale = fmt.Appendf(scale, "{\"t\":%.2f,\"overload\":true}\n", r.T.Seconds())
			continue
		}
		scale = fmt.Appendf(scale, "{\"t\":%.2f,\"grams\":%d}\n", r.T.Seconds(), r.Grams)
	}
	for _, f := range s.Fingers() {
		b, err := json.Marshal(f)
		if err != nil {
			return nil, nil, err
		}
		touches = append(append(touches, b...), '\n')
	}
	return scale, touches, nil
}
