package fuse

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Claim is what a camera says of a slot.
type Claim struct {
	ID     string // tells a repetition; the camera's
	Camera string
	At     time.Time
	Slot   string
	Action ledger.Action
	Sure   float64 // of the action, 0 to 1
	Items  []Item  // readings of what it is
}

// An Item is one reading of a SKU.
type Item struct {
	SKU string
	P   float64
}

// A Detection is what the sensors say together of one move.
type Detection struct {
	At       time.Time
	Slot     string
	Action   ledger.Action
	Quantity int
	Sure     float64 // of action and quantity
	Items    []Item  // best first
	Persons  []Person
	Grams    float64 // the scale's step, 0 without one
	Step     *Step
	Claims   []Claim
	Raw      Raw
	Model    string
}

// Raw holds the confidences before calibration.
type Raw struct{ Item, Action, Person float64 }

const (
	// together is how far apart in time a claim and a step may be.
	together = 1800 * time.Millisecond
	// against is what a claim of a take counts further away from a step up.
	against = time.Second
)

// A Fuser takes readings and gives detections. It is not safe for use by
// several goroutines.
type Fuser struct {
	config  Config
	slots   map[string]Slot
	scales  map[string]*Scale
	onScale map[string][]Slot
	tags    map[string]*tag
	bySKU   map[string][]*tag
	names   []string // of products, in order

	steps   []Step
	claims  []Claim
	claimed map[string]time.Time // ids
	decided []Step               // of the last time, for late claims
	now     time.Time
	late    int
	held    map[ledger.VisitID]map[string]float64
	foreign map[string]map[string]float64 // by slot: what does not belong there
	found   []Act                         // of the last seconds
}

// New returns a fuser for a shop.
func New(c Config) (*Fuser, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	f := &Fuser{
		config: c, slots: map[string]Slot{}, scales: map[string]*Scale{}, onScale: map[string][]Slot{},
		tags: map[string]*tag{}, bySKU: map[string][]*tag{}, claimed: map[string]time.Time{},
		held: map[ledger.VisitID]map[string]float64{}, foreign: map[string]map[string]float64{},
	}
	for _, s := range c.Slots {
		f.slots[s.ID] = s
		if s.Scale == "" {
			continue
		}
		f.onScale[s.Scale] = append(f.onScale[s.Scale], s)
		if f.scales[s.Scale] == nil {
			f.scales[s.Scale] = NewScale(s.Scale, c.Sensors.Noise, c.Lag)
		}
	}
	for _, t := range slices.Sorted(maps.Keys(c.Tags)) {
		g := &tag{sku: c.Tags[t]}
		f.tags[t] = g
		f.bySKU[g.sku] = append(f.bySKU[g.sku], g)
	}
	f.names = slices.Sorted(maps.Keys(c.Products))
	return f, nil
}

func (f *Fuser) seen(at time.Time) {
	if at.After(f.now) {
		f.now = at
	}
}

// Weigh takes a scale's reading.
func (f *Fuser) Weigh(scale string, at time.Time, grams float64) error {
	s := f.scales[scale]
	if s == nil {
		return fmt.Errorf("%w: scale %q", ErrUnknown, scale)
	}
	f.seen(at)
	f.steps = append(f.steps, s.Weigh(at, grams)...)
	return nil
}

// Step takes a step that a scale found by itself.
func (f *Fuser) Step(s Step) error {
	if f.scales[s.Scale] == nil {
		return fmt.Errorf("%w: scale %q", ErrUnknown, s.Scale)
	}
	f.seen(s.Until)
	same := func(o Step) bool { return o.Scale == s.Scale && o.At.Equal(s.At) }
	if !slices.ContainsFunc(f.steps, same) && !slices.ContainsFunc(f.decided, same) {
		f.steps = append(f.steps, s)
	}
	return nil
}

// Read takes an RFID answer. A tag that the shop does not know is somebody's
// own thing and no error.
func (f *Fuser) Read(r TagRead) {
	f.seen(r.At)
	g := f.tags[r.Tag]
	if g == nil || f.config.Sensors.Near != 0 && r.RSSI < f.config.Sensors.Near {
		return
	}
	g.read(r)
}

// Claim takes a camera's claim.
func (f *Fuser) Claim(c Claim) error {
	if _, ok := f.slots[c.Slot]; !ok {
		return fmt.Errorf("%w: slot %q", ErrUnknown, c.Slot)
	}
	f.seen(c.At)
	if _, ok := f.claimed[c.ID]; ok && c.ID != "" {
		return nil
	}
	f.claimed[c.ID] = c.At
	f.claims = append(f.claims, c)
	return nil
}

// Late returns how many readings came after their moment was decided.
func (f *Fuser) Late() int {
	n := f.late
	for _, s := range f.scales {
		n += s.late
	}
	return n
}

// Tick says what time it is and returns the detections that have become
// certain. All readings up to Wait before it have come.
func (f *Fuser) Tick(now time.Time) []Detection {
	f.seen(now)
	return f.decide(f.now.Add(-f.config.Wait))
}

// Flush decides everything that waits: no more readings come.
func (f *Fuser) Flush() []Detection {
	for _, name := range slices.Sorted(maps.Keys(f.scales)) {
		f.steps = append(f.steps, f.scales[name].Flush()...)
	}
	return f.decide(f.now.Add(24 * time.Hour))
}

// A moment is a step of a scale, or a claim where there was none, with
// everything that belongs to it.
type moment struct {
	at     time.Time
	step   *Step
	claims []Claim
	slots  []Slot // where something may have moved
	others []Act  // what was done at nearly the same time
	// before and after are steps in grams that hands made right before and after.
	before, after float64
}

// decide gives the detections of moments that ended before until.
func (f *Fuser) decide(until time.Time) []Detection {
	moments := f.ripe(until)
	var all []Detection
	for i, m := range moments {
		m.others = f.others(m, moments[i+1:])
		found := f.judge(m)
		for _, d := range found {
			f.found = append(f.found, Act{d.At, []string{d.Slot}})
		}
		all = append(all, found...)
	}
	old := until.Add(-keep)
	f.found = slices.DeleteFunc(f.found, func(a Act) bool { return a.At.Before(old) })
	f.decided = slices.DeleteFunc(f.decided, func(s Step) bool { return s.At.Before(old) })
	maps.DeleteFunc(f.claimed, func(_ string, at time.Time) bool { return at.Before(old.Add(-time.Hour)) })
	return all
}

// ripe takes the moments that ended before until out of what waits, in order.
func (f *Fuser) ripe(until time.Time) []moment {
	slices.SortStableFunc(f.steps, func(a, b Step) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Scale, b.Scale))
	})
	slices.SortStableFunc(f.claims, func(a, b Claim) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	var moments []moment
	of := map[int]int{} // step to moment
	for i := range f.steps {
		if s := f.steps[i]; s.Until.Before(until) {
			of[i] = len(moments)
			m := moment{at: s.At, step: &s, slots: f.onScale[s.Scale]}
			m.before, m.after = f.besides(s)
			moments = append(moments, m)
		}
	}
	var waiting []Claim
	for _, c := range f.claims {
		i, was := f.partner(c)
		m, ready := of[i]
		switch {
		case i == unrest:
			waiting = append(waiting, c)
		case ready:
			moments[m].claims = append(moments[m].claims, c)
		case was:
			f.late++
		case i < 0 && c.At.Before(until.Add(-together)):
			moments = append(moments, f.alone(c))
		default:
			waiting = append(waiting, c)
		}
	}
	f.claims = waiting
	var steps []Step
	for i, s := range f.steps {
		if _, ok := of[i]; ok {
			f.decided = append(f.decided, s)
		} else {
			steps = append(steps, s)
		}
	}
	f.steps = steps
	slices.SortStableFunc(moments, func(a, b moment) int { return a.at.Compare(b.at) })
	return moments
}

// besides returns the steps that hands made on a scale right before a step and
// after it: they did not jump.
func (f *Fuser) besides(s Step) (before, after float64) {
	for _, o := range slices.Concat(f.decided, f.steps) {
		if o.Scale != s.Scale || o.Jumps == nil || len(o.Jumps) > 0 {
			continue
		}
		if d := s.From.Sub(o.Until); d >= 0 && d < adjoins {
			before = o.Grams
		}
		if d := o.From.Sub(s.Until); d >= 0 && d < adjoins {
			after = o.Grams
		}
	}
	return before, after
}

// adjoins is how long before or after a step a hand's own step belongs to it.
const adjoins = 1500 * time.Millisecond

// alone is the moment of a claim without a step.
func (f *Fuser) alone(c Claim) moment {
	m := moment{at: c.At, claims: []Claim{c}, slots: []Slot{f.slots[c.Slot]}}
	name := f.slots[c.Slot].Scale
	if s := f.scales[name]; s != nil && s.resting(c.At.Add(time.Second)) {
		m.step = &Step{Scale: name, At: c.At, From: c.At, Until: c.At, Sigma: f.config.Sensors.Noise}
	}
	return m
}

// unrest stands for the step that a scale will have found when it rests again.
const unrest = -2

// partner returns the step that a claim belongs to, -1 for none, or unrest, and
// whether that one was decided already.
func (f *Fuser) partner(c Claim) (int, bool) {
	scale := f.slots[c.Slot].Scale
	if scale == "" {
		return -1, false
	}
	far := func(s Step) time.Duration {
		// In a long unrest several things moved, and its middle says little.
		gap, fits := s.towards(c.At, c.Action == ledger.ActionTake)
		d := max(s.From.Sub(c.At), c.At.Sub(s.Until), 0) + min(gap, together)/4
		if !fits {
			d += against
		}
		return d
	}
	best, least, was := -1, together, false
	for i, s := range f.steps {
		if d := far(s); s.Scale == scale && d < least {
			best, least = i, d
		}
	}
	for _, s := range f.decided {
		if d := far(s); s.Scale == scale && d < least {
			best, least, was = -1, d, true
		}
	}
	if s := f.scales[scale]; s.moving && max(s.since.Sub(c.At), 0) < least {
		return unrest, false
	}
	return best, was
}
