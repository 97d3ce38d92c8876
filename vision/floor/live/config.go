package live

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/floor"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/persons"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/track"
)

// ErrConfig is returned for a floor that does not fit together; correct what
// it names.
var ErrConfig = errors.New("floor of the shop")

// A Config says what stands where, and which sensors there are besides
// cameras. Places are metres in the shop's plan, as in floor files.
type Config struct {
	Gates    []Gate                 `json:"gates"`
	Places   map[string]Place       `json:"places"`   // of slots
	Products map[ledger.SKU]Product `json:"products"` // that are weighed or tagged
	Scales   []Sensor               `json:"scales"`
	Readers  []Sensor               `json:"readers"`
	Tags     map[string]ledger.SKU  `json:"tags"` // by RFID tag
	Wait     float64                `json:"wait-seconds"`
	Late     float64                `json:"late-seconds"` // that a picture of persons may be; 0 for half a second
	Near     float64                `json:"rfid-near-dbm"`
	// Calibration is a file that `vouch-edge trial --write-calibration` wrote; without
	// it confidences are what the formula says.
	Calibration string `json:"calibration"`
}

// A Gate is a line on the floor. Inside is any place on the shop's side.
type Gate struct {
	Gate   ledger.DeviceID `json:"gate"`
	From   [2]float64      `json:"from"`
	To     [2]float64      `json:"to"`
	Inside [2]float64      `json:"inside"`
	// Entries is where the gate says whom it let in: what `vouch-edge gate --out`
	// writes. Crossings is a file that who crosses is written to, for
	// `vouch-edge gate --crossings`. Exits is where who lets out says whom: what
	// `vouch-edge gate --exit --out` writes.
	Entries   string `json:"entries"`
	Exits     string `json:"exits"`
	Crossings string `json:"crossings"`
}

// A Place is where one stands to reach a slot: the point on the floor below its
// front, and which way from there a person stands.
type Place struct {
	At    [2]float64 `json:"at"`
	Front [2]float64 `json:"front"`
	// Height is how high in metres above the floor the slot is, and Wide how wide:
	// where cameras that look straight down see an arm that reaches there. 0 for a
	// metre, and for a quarter of one.
	Height float64 `json:"height,omitempty"`
	Wide   float64 `json:"wide,omitempty"`
}

// deep and tall are how deep a slot is, and how high what stands there, in metres.
const deep, tall = 0.3, 0.2

// in returns where a camera sees the slot, if it sees any of it.
func (p Place) in(m *mount.Mount) (image.Rectangle, bool) {
	n := math.Hypot(p.Front[0], p.Front[1])
	if !m.Above || !m.Standing() || n == 0 {
		return image.Rectangle{}, false
	}
	out := [2]float64{p.Front[0] / n, p.Front[1] / n}
	half, z := cmp.Or(p.Wide, 0.25)/2, cmp.Or(p.Height, 1)
	var corners []track.Point
	for _, aside := range []float64{-half, half} {
		for _, back := range [][2]float64{{0, 0}, {deep, tall}} {
			c, seen := m.Project(p.At[0]+aside*out[1]-back[0]*out[0], p.At[1]-aside*out[0]-back[0]*out[1], z+back[1])
			if !seen {
				return image.Rectangle{}, false
			}
			corners = append(corners, c)
		}
	}
	box := mount.Box(corners)
	return box, box.Overlaps(image.Rect(0, 0, m.Width, m.Height))
}

// A Product is what a thing weighs.
type Product struct {
	Grams  float64 `json:"grams"`
	Spread float64 `json:"spread"`
	Tagged bool    `json:"tagged"`
}

// A Sensor is a scale or a reader of tags, and the slots it is for.
type Sensor struct {
	Name   string   `json:"name"`
	Source string   `json:"source"` // a file, a device, or tcp://host:port
	Slots  []string `json:"slots"`
}

// usualWait is after how many seconds a moment is judged where nobody says.
const usualWait = 3.0

// Validate refuses what cannot be, whatever cameras there are.
func (c Config) Validate() error {
	names := map[string]bool{}
	for _, s := range append(slices.Clone(c.Scales), c.Readers...) {
		if s.Name == "" || s.Source == "" || len(s.Slots) == 0 || names[s.Name] {
			return fmt.Errorf("%w: scale or reader %q needs a name of its own, a source and slots", ErrConfig, s.Name)
		}
		names[s.Name] = true
	}
	for _, g := range c.Gates {
		if g.Gate == "" || names[string(g.Gate)] || g.From == g.To {
			return fmt.Errorf("%w: gate %q needs a name of its own and a line", ErrConfig, g.Gate)
		}
		names[string(g.Gate)] = true
	}
	if !(c.Wait >= 0 && c.Wait <= 60) {
		return fmt.Errorf("%w: wait-seconds %v, want 0 to 60", ErrConfig, c.Wait)
	}
	if wait := cmp.Or(c.Wait, usualWait); !(c.Late >= 0 && c.Late < wait) {
		return fmt.Errorf("%w: late-seconds %v, want less than the %v after which a moment is judged", ErrConfig, c.Late, wait)
	}
	return nil
}

// plans are the files of a shop: how each camera hangs or its shelf's planogram, and
// the calibration with its name and digest.
type plans struct {
	mounts      map[string]*mount.Mount
	shelves     map[string]planogram.Planogram
	calibration fuse.Calibration
	calibrated  string
}

// read reads the files of a shop.
func (c Config) read(cameras []edge.Camera, file func(string) string) (plans, error) {
	p := plans{mounts: map[string]*mount.Mount{}, shelves: map[string]planogram.Planogram{}}
	if c.Calibration != "" {
		b, err := os.ReadFile(file(c.Calibration))
		if err == nil {
			p.calibration, err = fuse.ParseCalibration(b)
		}
		if err != nil {
			return p, fmt.Errorf("%w: calibration %s: %w", ErrConfig, c.Calibration, err)
		}
		p.calibrated = " calibrated " + string(ledger.DigestOf(b))
	}
	for _, cam := range cameras {
		var err error
		if !cam.Live() && cam.Speed != 1 {
			return p, fmt.Errorf("%w: %s: a film that is joined with other sensors has speed 1", ErrConfig, cam.Name)
		}
		switch {
		case cam.Floor != "":
			p.mounts[cam.Name], err = mount.Load(file(cam.Floor))
		case len(cam.Plan) > 0:
			p.shelves[cam.Name], err = planogram.Parse(cam.Plan)
		default:
			p.shelves[cam.Name], err = planogram.Load(file(cam.Planogram))
		}
		if err != nil {
			return p, fmt.Errorf("%s: %w", cam.Name, err)
		}
	}
	return p, nil
}

// floor puts the floor of cameras together.
func (c Config) floor(cameras []edge.Camera, p plans) (floor.Config, error) {
	out := floor.Config{Places: map[string]track.Place{}, InOrder: true}
	out.Track.Likeness = persons.Likeness
	out.Fuse.Wait = time.Duration(cmp.Or(c.Wait, usualWait) * float64(time.Second))
	out.Late = time.Duration(c.Late * float64(time.Second))
	out.Fuse.Products, out.Fuse.Tags = map[string]fuse.Product{}, map[string]string{}
	out.Fuse.Sensors = fuse.DefaultSensors
	out.Fuse.Sensors.Near = c.Near
	out.Fuse.Calibration, out.Fuse.Model = p.calibration, fuse.Model+p.calibrated
	for sku, w := range c.Products {
		out.Fuse.Products[string(sku)] = fuse.Product{Grams: w.Grams, Spread: w.Spread, Tagged: w.Tagged}
	}
	for tag, sku := range c.Tags {
		out.Fuse.Tags[tag] = string(sku)
	}
	for _, g := range c.Gates {
		out.Track.Lines = append(out.Track.Lines, track.Line{Gate: string(g.Gate), A: point(g.From), B: point(g.To), Inside: point(g.Inside)})
	}
	for _, cam := range cameras {
		if m := p.mounts[cam.Name]; m != nil {
			out.Track.Cameras = append(out.Track.Cameras, m.Camera(cam.Name))
			continue
		}
		for _, s := range p.shelves[cam.Name].Slots {
			slot := fuse.Slot{ID: s.Name, SKU: s.SKU, Watched: true, Scale: named(c.Scales, s.Name), Reader: named(c.Readers, s.Name)}
			if _, ok := out.Fuse.Products[s.SKU]; !ok {
				if slot.Scale != "" {
					return out, fmt.Errorf("%w: %s is weighed, and products does not say what %s weighs", ErrConfig, s.Name, s.SKU)
				}
				out.Fuse.Products[s.SKU] = fuse.Product{}
			}
			out.Fuse.Slots = append(out.Fuse.Slots, slot)
			if at, ok := c.Places[s.Name]; ok {
				place := track.Place{Floor: point(at.At), Front: point(at.Front), In: map[string]image.Rectangle{}}
				for camera, m := range p.mounts {
					if in, ok := at.in(m); ok {
						place.In[camera] = in
					}
				}
				out.Places[s.Name] = place
			}
		}
	}
	for _, s := range append(slices.Clone(c.Scales), c.Readers...) {
		for _, slot := range s.Slots {
			if !slices.ContainsFunc(out.Fuse.Slots, func(f fuse.Slot) bool { return f.ID == slot }) {
				return out, fmt.Errorf("%w: %s is for slot %s, which no camera has", ErrConfig, s.Name, slot)
			}
		}
	}
	return out, nil
}

func point(p [2]float64) track.Point { return track.Point{X: p[0], Y: p[1]} }

// named returns the sensor that is for a slot.
func named(all []Sensor, slot string) string {
	for _, s := range all {
		if slices.Contains(s.Slots, slot) {
			return s.Name
		}
	}
	return ""
}
