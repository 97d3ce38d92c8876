package fuse

import (
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Slot is a place on a shelf and the sensors that see it.
type Slot struct {
	ID      string
	SKU     string // that belongs there
	Scale   string // that weighs it, alone or with others; empty for none
	Reader  string // that hears its tags; empty for none
	Watched bool   // a camera makes claims about it
}

// A Product is what a thing of a SKU weighs.
type Product struct {
	Grams  float64
	Spread float64 // of one piece; 0 for half a percent
	Tagged bool    // every piece carries an RFID tag
}

// A Person is how probable it is that whoever acted belongs to a visit.
type Person struct {
	Visit ledger.VisitID
	P     float64
	Staff bool // restocks: may put what was never taken
}

// A Who says for a moment and a slot who probably reached there. What the
// list lacks of 1 is somebody unknown. Others are what else was done then. It may
// be nil in a shop whose sensors know no persons.
type Who func(at time.Time, slot string, others []Act) []Person

// A Did is told how well a move that is beyond doubt fits who may have made
// it: a visit, and somebody unknown. Who puts what they never took is rather
// staff than a shopper, whatever else speaks for the shopper.
type Did func(at time.Time, slot string, others []Act, fits func(visit ledger.VisitID, staff bool) float64, unknown float64)

// A Prior is what is expected before any sensor speaks. Everything is a
// weight against the others.
type Prior struct {
	Nothing   float64    // a moment in which nothing moved
	Take, Put float64    // of a thing at its own slot
	Elsewhere float64    // a put in a slot of any other product, or its take
	Second    float64    // a second move in the same moment, against one alone
	Pieces    [3]float64 // one, two, three pieces at once
	// Held is how probable a put is for who never took such a thing, against
	// who did; Unknown the same for somebody unknown.
	Held, Unknown float64
	// Staff is how probable a take of what belongs there is for staff, who
	// restocks, against a shopper; and a put of what does not.
	Staff float64
}

// A Sensors says how good sensors are.
type Sensors struct {
	Found    float64 // share of moves of which a camera makes a claim
	False    float64 // claims for each moment and slot in which nothing moved
	Trust    float64 // power of a camera's confidence in an item
	Outliers float64 // share of weight steps that are anything
	Lean     float64 // how heavy in grams, in the mean, hands are that move nothing
	Near     float64 // RSSI in dBm above which a tag is on the shelf; 0 to take all
	Noise    float64 // spread of one reading of a scale in grams
}

// A Config describes a shop.
type Config struct {
	Slots    []Slot
	Products map[string]Product
	Tags     map[string]string // tag to SKU
	Who      Who
	Did      Did     // nil if nobody learns from it
	Prior    Prior   // zero for DefaultPrior
	Sensors  Sensors // zero for DefaultSensors
	// Wait is how long after a moment it is decided: cameras wait until the
	// hand is gone. 0 for 3 s.
	Wait time.Duration
	// Lag is how late a scale's reading may come. 0 for 500 ms.
	Lag         time.Duration
	Calibration Calibration // zero leaves raw confidences
	Model       string      // name and version of this fusion; "" for Model
}

// Model names the fusion in detections.
const Model = "vouch-fuse/1"

// DefaultPrior is a shop of everyday: a tenth of picks is put back, a tenth
// of that elsewhere (docs: domain figures of the shop's simulator).
var DefaultPrior = Prior{
	Nothing: 0.05, Take: 0.8, Put: 0.12, Elsewhere: 0.02, Second: 0.02,
	Pieces: [3]float64{0.95, 0.04, 0.01}, Held: 0.02, Unknown: 0.1, Staff: 0.1,
}

// DefaultSensors is what drawn shops showed.
var DefaultSensors = Sensors{Found: 0.93, False: 0.01, Trust: 0.6, Outliers: 0.01, Lean: 50, Noise: 1.5}

// check refuses what does not fit together and fills in what is left out.
func (c *Config) check() error {
	if c.Prior == (Prior{}) {
		c.Prior = DefaultPrior
	}
	if c.Sensors == (Sensors{}) {
		c.Sensors = DefaultSensors
	}
	if c.Wait == 0 {
		c.Wait = 3 * time.Second
	}
	if c.Lag == 0 {
		c.Lag = 500 * time.Millisecond
	}
	if c.Model == "" {
		c.Model = Model
	}
	if c.Wait < 0 || c.Lag < 0 {
		return fmt.Errorf("%w: wait %v, lag %v", ErrShop, c.Wait, c.Lag)
	}
	for _, p := range []float64{c.Sensors.Found, c.Sensors.False, c.Sensors.Outliers} {
		if !(p > 0 && p < 1) {
			return fmt.Errorf("%w: a sensor's share of %v", ErrShop, p)
		}
	}
	if !(c.Sensors.Lean > 0) {
		return fmt.Errorf("%w: hands of %v grams", ErrShop, c.Sensors.Lean)
	}
	var names []string
	for _, s := range c.Slots {
		if _, ok := c.Products[s.SKU]; !ok {
			return fmt.Errorf("%w: slot %q holds %q, which is no product", ErrShop, s.ID, s.SKU)
		}
		if s.ID == "" || slices.Contains(names, s.ID) {
			return fmt.Errorf("%w: slot %q twice or without a name", ErrShop, s.ID)
		}
		names = append(names, s.ID)
	}
	for t, sku := range c.Tags {
		if _, ok := c.Products[sku]; !ok {
			return fmt.Errorf("%w: tag %q is on %q, which is no product", ErrShop, t, sku)
		}
	}
	return nil
}

func (p Product) spread() float64 {
	if p.Spread > 0 {
		return p.Spread
	}
	return max(0.5, 0.005*p.Grams)
}
