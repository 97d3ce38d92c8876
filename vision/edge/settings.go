package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Bounds of what one program looks after.
const (
	MaxCameras = 64
	MaxRate    = 120.0 // frames a second
	maxName    = 80
)

// Settings is what the operator may change from afar, and what a shop's own
// file holds under the same names.
type Settings struct {
	Cameras []Camera `json:"cameras,omitempty"`
	Cart    *Cart    `json:"cart,omitempty"` // of a smart cart, which has no other cameras
}

// Cart is what a smart cart looks at, and how.
type Cart struct {
	Camera   string `json:"camera,omitempty"`   // address, or number of a device; empty: none
	Scale    string `json:"scale,omitempty"`    // serial line or pipe; empty: none
	Speed    int    `json:"speed,omitempty"`    // of the serial lines in bits a second; 0: 9600
	Capacity int    `json:"capacity,omitempty"` // of the scale in grams; 0: it says so itself
	Scanner  string `json:"scanner,omitempty"`  // serial line or pipe of a scanner for bar codes; empty: none
}

// MaxCapacity is more grams than any cart's scale carries.
const MaxCapacity = 1_000_000

func (c Cart) validate() error {
	switch {
	case c.Capacity < 0 || c.Capacity > MaxCapacity:
		return fmt.Errorf("a scale for %d g", c.Capacity)
	case c.Speed < 0 || c.Speed > 4_000_000:
		return fmt.Errorf("%d bits a second", c.Speed)
	case c.Scale != "" && c.Scale == c.Scanner:
		return errors.New("scale and scanner are one device")
	}
	return nil
}

// A Camera is one source of pictures and what to look for in them.
type Camera struct {
	Name   string `json:"name"`   // as the sensor of its detections
	Source string `json:"source"` // file, rtsp:// or http:// address, or number of a device
	// Planogram names a file beside the shop's; Plan is the planogram itself.
	// One of them is given.
	Planogram string          `json:"planogram,omitempty"`
	Plan      json.RawMessage `json:"plan,omitempty"`
	Initial   map[string]int  `json:"initial,omitempty"` // items at the start, by slot
	Person    string          `json:"person,omitempty"`  // visit to name, where there is only one shopper

	// Floor names the floor file of a camera that looks for persons and not at a
	// shelf. Persons says how it looks for them; without it by what moves, and by
	// shape too unless it looks straight down. Shapes are those of the network
	// that Detector names, or of OpenCV's own detector.
	Floor   string  `json:"floor,omitempty"`
	Persons Persons `json:"persons,omitempty"`

	Rate   float64 `json:"frames-per-second,omitempty"` // at most so many; 0 is all
	Speed  float64 `json:"speed,omitempty"`             // of a file: 1 is real time, 0 as fast as it decodes
	Repeat bool    `json:"repeat,omitempty"`            // of a file: begin again at its end

	// Detector names the manifest of a network that confirms what was seen,
	// Recogniser a model that `vouch-edge train` wrote: files beside the shop's.
	Detector   string   `json:"detector,omitempty"`
	Recogniser string   `json:"recogniser,omitempty"`
	Classes    []string `json:"classes,omitempty"`

	// Model named files one by one. It is only read to be refused: such files
	// have no licence and no digest that anybody declared.
	Model json.RawMessage `json:"model,omitempty"`
}

// Persons says by what a camera knows persons.
type Persons string

// How persons are known.
const (
	PersonsMove  Persons = "moving" // what differs from the empty shop
	PersonsShape Persons = "shapes" // what looks like a person in a single picture
	PersonsBoth  Persons = "both"
)

// Live reports whether the source is a camera: what is not read in time is
// lost, and an end is a lost line.
func (c Camera) Live() bool {
	return strings.Contains(c.Source, "://") || (c.Source != "" && strings.Trim(c.Source, "0123456789") == "")
}

// secret is how a source names what the machine keeps for it. Settings are
// events, and events are for ever: a password has no place in them. Of the
// machine's environment only what is meant for cameras is looked at, so that no
// settings take its key elsewhere.
var secret = regexp.MustCompile(`\$\{([^}]*)\}`)

const secretPrefix = "CAMERA_"

// Address returns the source with what the machine keeps for it filled in: for
// ${CAMERA_1} what env says of that name.
func (c Camera) Address(env func(name string) string) (string, error) {
	var missing error
	out := secret.ReplaceAllStringFunc(c.Source, func(s string) string {
		name := strings.Trim(s, "${}")
		value := ""
		if strings.HasPrefix(name, secretPrefix) {
			value = env(name)
		}
		if value == "" && missing == nil {
			missing = fmt.Errorf("%w: the environment of this machine has no %s", ErrSettings, name)
		}
		return value
	})
	return out, missing
}

// ParseSettings reads settings strictly: a name that is not known is refused,
// because it may be a camera's that somebody believes to be watched.
func ParseSettings(b []byte) (Settings, error) {
	var s Settings
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Settings{}, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Settings{}, fmt.Errorf("%w: more than one JSON value", ErrSettings)
	}
	return s, s.Validate()
}

// Validate refuses settings that contradict themselves. Whether a planogram
// fits a camera is only known when the camera is open.
func (s Settings) Validate() error {
	if len(s.Cameras) > MaxCameras {
		return fmt.Errorf("%w: %d cameras, at most %d", ErrSettings, len(s.Cameras), MaxCameras)
	}
	if s.Cart != nil {
		if len(s.Cameras) > 0 {
			return fmt.Errorf("%w: a cart has its own camera and no others", ErrSettings)
		}
		if err := s.Cart.validate(); err != nil {
			return fmt.Errorf("%w: cart: %w", ErrSettings, err)
		}
	}
	seen := map[string]bool{}
	for i, c := range s.Cameras {
		if c.Name == "" || len(c.Name) > maxName || c.Name == PartDisk || c.Name == PartClock {
			return fmt.Errorf("%w: camera %d is called %q", ErrSettings, i+1, c.Name)
		}
		if seen[c.Name] {
			return fmt.Errorf("%w: two cameras are called %s", ErrSettings, c.Name)
		}
		seen[c.Name] = true
		if err := c.validate(); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrSettings, c.Name, err)
		}
	}
	return nil
}

func (c Camera) validate() error {
	for _, m := range secret.FindAllStringSubmatch(c.Source, -1) {
		if !strings.HasPrefix(m[1], secretPrefix) {
			return fmt.Errorf("${%s} in a source, want a name that begins with %s", m[1], secretPrefix)
		}
	}
	switch {
	case c.Source == "":
		return errors.New("no source")
	case c.Floor != "":
		if c.Planogram != "" || len(c.Plan) > 0 || len(c.Initial) > 0 || c.Person != "" || c.Recogniser != "" || len(c.Classes) > 0 {
			return errors.New("a camera with a floor looks for persons, and at no shelf")
		}
	case (c.Planogram == "") == (len(c.Plan) == 0):
		return errors.New("give a planogram or a plan, and not both; or a floor")
	case c.Persons != "":
		return errors.New("persons without a floor they stand on")
	}
	switch {
	case c.Persons != "" && c.Persons != PersonsMove && c.Persons != PersonsShape && c.Persons != PersonsBoth:
		return fmt.Errorf("persons %q, want moving, shapes or both", c.Persons)
	case c.Persons == PersonsMove && c.Detector != "":
		return errors.New("a detector knows shapes, and only what moves is asked for")
	case !(c.Rate >= 0 && c.Rate <= MaxRate):
		return fmt.Errorf("%v frames a second, want 0 to %v", c.Rate, MaxRate)
	case !(c.Speed >= 0):
		return fmt.Errorf("speed %v is below 0", c.Speed)
	case c.Live() && (c.Speed != 0 || c.Repeat):
		return errors.New("speed and repeat are for files")
	case len(c.Model) > 0:
		return errors.New("model names files without a licence and a digest; name their manifest with detector")
	case len(c.Classes) > 0 && c.Detector == "":
		return errors.New("classes without a detector that could see them")
	}
	return nil
}

// same reports whether two cameras are the same to the last letter, so that
// one that did not change is not begun anew.
func same(a, b Camera) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}
