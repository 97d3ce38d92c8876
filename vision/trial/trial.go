package trial

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/floor"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/persons"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/track"
	"github.com/vouchledger/vouch/vision/truth"
)

// A Setting says how a trial is held.
type Setting struct {
	Eyes        Eyes             // zero for Usual
	Calibration fuse.Calibration // zero leaves confidences raw
	Blind       bool             // no shelf camera makes claims
	Film        *Film            // what cameras made of the pictures; nil models them as Eyes says
	NoScales    bool
	NoTags      bool
}

// gateName is the one gate of the staged shop.
const gateName = "gate-1"

// doorLine is how far inside the door one counts as inside, in metres.
const doorLine = 0.55

// near is the RSSI above which a tag of the staged shop lies on the shelf.
const near = -62

// Lateness of readings, as in the simulator's parameters: shares that come
// late or twice.
const (
	lateShare  = 0.02
	twiceShare = 0.01
)

// A bench is one staged shop with the floor that watches it.
type bench struct {
	*shop.Stage
	setting Setting
	dice    *rand.Rand
	truth   truth.Shop
	floor   *floor.Floor
	staff   map[ledger.VisitID]bool
	shelves map[string]string // by slot
	found   []fuse.Detection
}

// Run stages a scenario and returns what was found and what was true.
func Run(sc shop.Scenario, setting Setting) (Result, error) {
	if setting.Film != nil {
		sc.Cameras = slices.Clone(sc.Cameras)
		sc.Resize(filmWidth, filmHeight)
	}
	stage, err := shop.New(sc)
	if err != nil {
		return Result{}, err
	}
	if setting.Eyes == (Eyes{}) {
		setting.Eyes = Usual
	}
	b := &bench{
		Stage: stage, setting: setting, dice: rand.New(rand.NewPCG(sc.Seed, 41)), truth: stage.Truth(), //nolint:gosec // a trial comes again by its seed
		staff: map[ledger.VisitID]bool{}, shelves: map[string]string{},
	}
	if err := b.furnish(); err != nil {
		return Result{}, err
	}
	if err := b.play(); err != nil {
		return Result{}, err
	}
	return judged(b.truth, b.found, b.staff, b.shelves), nil
}

// furnish makes a floor out of the plan of the shop.
func (b *bench) furnish() error {
	c := floor.Config{Places: map[string]track.Place{}}
	if b.setting.Film != nil {
		c.Track.Likeness = persons.Likeness // looks are those of the pictures
	}
	for _, cam := range b.persons() {
		m, err := mounted(b.Stage, cam)
		if err != nil {
			return fmt.Errorf("camera %s: %w", cam.Name, err)
		}
		c.Track.Cameras = append(c.Track.Cameras, m.Camera(cam.Name))
	}
	c.Track.Lines = []track.Line{{
		Gate: gateName, A: track.Point{X: shop.DoorX - 0.8, Y: doorLine}, B: track.Point{X: shop.DoorX + 0.8, Y: doorLine},
		Inside: track.Point{X: shop.DoorX, Y: 2},
	}}
	b.stock(&c.Fuse)
	scaleOf := map[string]string{}
	names, weighed := b.Scales()
	for _, n := range names {
		for _, slot := range weighed[n] {
			scaleOf[slot] = n
		}
	}
	for _, sh := range b.Shelves {
		for i, sl := range sh.Slots {
			slot := fuse.Slot{ID: sl.Name, SKU: sl.SKU, Watched: !b.setting.Blind}
			if !b.setting.NoScales {
				slot.Scale = scaleOf[sl.Name]
			}
			if !b.setting.NoTags {
				slot.Reader = sh.Reader()
			}
			c.Fuse.Slots = append(c.Fuse.Slots, slot)
			c.Places[sl.Name], b.shelves[sl.Name] = b.place(sh, i), sh.Name
		}
	}
	for _, v := range b.truth.Visits {
		b.staff[ledger.VisitID(v.Visit)] = v.Staff
	}
	var err error
	b.floor, err = floor.New(c)
	return err
}

// stock tells fusion what is sold, and how good sensors are.
func (b *bench) stock(c *fuse.Config) {
	c.Products, c.Tags, c.Calibration = map[string]fuse.Product{}, map[string]string{}, b.setting.Calibration
	c.Sensors = fuse.DefaultSensors
	c.Sensors.Near = near
	c.Sensors.Noise = max(0.3, b.ScaleNoise)
	for _, p := range shop.Products() {
		c.Products[p.SKU] = fuse.Product{Grams: p.Grams, Tagged: p.Tagged && !b.setting.NoTags}
	}
	if !b.setting.NoTags {
		for _, t := range b.truth.Tags {
			c.Tags[t.Tag] = t.SKU
		}
	}
}

// persons are the cameras that look for persons.
func (b *bench) persons() []shop.Camera {
	return slices.DeleteFunc(slices.Clone(b.Cameras), func(c shop.Camera) bool { return c.Kind == shop.OnShelf })
}

// place says where one stands before slot i, and where cameras see it.
func (b *bench) place(sh shop.Shelf, i int) track.Place {
	o := sh.Outline(i)
	front := o[0].To(o[1], 0.5)
	out := sh.Point(0, -1, 0).Sub(sh.Point(0, 0, 0))
	p := track.Place{
		Floor: track.Point{X: front[0], Y: front[1]}, Front: track.Point{X: out[0], Y: out[1]},
		In: map[string]image.Rectangle{},
	}
	for _, c := range b.persons() {
		if c.Kind != shop.Overhead {
			continue
		}
		r := [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
		for _, corner := range o {
			if x, y, _, ok := c.Lens().Project(corner); ok {
				r = [4]float64{min(r[0], x), min(r[1], y), max(r[2], x), max(r[3], y)}
			}
		}
		p.In[c.Name] = image.Rect(int(r[0]), int(r[1]), int(r[2]), int(r[3]))
	}
	return p
}

// play delivers everything in the order in which it arrives.
func (b *bench) play() error {
	queue := b.deliveries()
	slices.SortStableFunc(queue, func(x, y delivered) int { return cmp.Compare(x.at, y.at) })
	seen := b.seen()
	for n := range b.Frames() {
		t := b.Time(n)
		for _, f := range seen(n) {
			if err := b.floor.See(f); err != nil {
				return err
			}
		}
		for len(queue) > 0 && queue[0].at <= t {
			if err := queue[0].do(); err != nil {
				return err
			}
			queue = queue[1:]
		}
		found, err := b.floor.Tick(moment(t))
		if err != nil {
			return err
		}
		b.found = append(b.found, found...)
	}
	for _, d := range queue {
		if err := d.do(); err != nil {
			return err
		}
	}
	found, err := b.floor.Flush()
	b.found = append(b.found, found...)
	return err
}

// seen returns what cameras see of persons in a frame: of the film, or as the
// eyes have it.
func (b *bench) seen() func(n int) []track.Frame {
	if f := b.setting.Film; f != nil {
		left := f.Boxes
		return func(n int) []track.Frame {
			i := 0
			for i < len(left) && !left[i].At.After(moment(b.Time(n))) {
				i++
			}
			now := left[:i]
			left = left[i:]
			return now
		}
	}
	looks, cameras := map[string]int{}, b.persons()
	return func(n int) []track.Frame {
		for _, p := range b.Poses(n) {
			looks[p.Name] = p.Look
		}
		var all []track.Frame
		for _, c := range cameras {
			all = append(all, b.setting.Eyes.people(b.dice, b.Stage, c, n, looks))
		}
		return all
	}
}

// deliveries are all readings with the times at which they arrive.
func (b *bench) deliveries() []delivered {
	var queue []delivered
	send := func(at float64, do func() error) {
		if b.dice.Float64() < lateShare {
			at += 0.2 + 1.3*b.dice.Float64()
		}
		at += 0.1 * b.dice.Float64()
		queue = append(queue, delivered{at: at, do: do})
		if b.dice.Float64() < twiceShare {
			queue = append(queue, delivered{at: at + b.dice.Float64(), do: do})
		}
	}
	if !b.setting.NoScales {
		names, _ := b.Scales()
		for _, name := range names {
			for w := range b.Weights(name) {
				send(w.T, func() error { return b.floor.Weigh(w.Scale, moment(w.T), w.Grams) })
			}
		}
	}
	for r := range b.Reads() {
		send(r.T, func() error {
			return b.floor.Read(fuse.TagRead{Reader: r.Reader, Tag: r.Tag, At: moment(r.T), RSSI: r.RSSI})
		})
	}
	for _, c := range b.claims() {
		send(c.At, func() error { return b.floor.Claim(c.Claim) })
	}
	for _, v := range b.truth.Visits {
		for _, o := range b.openings(v) {
			send(seconds(o.At), func() error { return b.floor.Open(floor.Opening{Opening: o, Staff: v.Staff}) })
		}
	}
	return queue
}

// claims are what shelf cameras say: of the film, or as the eyes have it.
func (b *bench) claims() []Said {
	switch {
	case b.setting.Blind:
		return nil
	case b.setting.Film != nil:
		return b.setting.Film.Claims
	}
	home := map[string]string{}
	for _, sh := range b.Shelves {
		for _, sl := range sh.Slots {
			home[sl.Name] = sl.SKU
		}
	}
	return b.setting.Eyes.claims(b.dice, b.truth.Interactions, home)
}

// openings are the gate's words for a visit: one for all who come in together,
// and one more for each who follows when there is room.
func (b *bench) openings(v truth.Visit) []track.Opening {
	entered := slices.Sorted(slices.Values(v.Entered))
	var all []track.Opening
	for i, at := range entered {
		if i > 0 && at-entered[i-1] < 4 {
			all[len(all)-1].Party++
			continue
		}
		all = append(all, track.Opening{
			Visit: ledger.VisitID(v.Visit), Gate: gateName, Party: 1, At: moment(at - 0.15 - 0.1*b.dice.Float64()),
		})
	}
	return all
}
