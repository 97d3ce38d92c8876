package mount

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/vouchledger/vouch/vision/track"
)

// A Mark is a place on the floor, in metres, and where the picture shows it.
type Mark struct {
	Picture [2]float64 `json:"picture"`
	Floor   [2]float64 `json:"floor"`
}

// file is the stored shape.
type file struct {
	Size   [2]int      `json:"size"`
	Points []Mark      `json:"points"`
	Hangs  *[3]float64 `json:"hangs"`
	Above  bool        `json:"above"`
}

// A Mount is how one camera hangs. Make it with Load or Parse.
type Mount struct {
	Width, Height int
	Points        []Mark
	Above         bool
	// Hangs is where the camera is; Standing reports whether that is known.
	Hangs [3]float64

	stands bool
	floor  track.Homography // picture to floor
	p      [3][4]float64    // shop to picture, if it stands; positive depth in view
}

const (
	maxFile   = 1 << 20
	maxPoints = 1000
	// maxSide bounds a picture, maxFar a shop, in pixels and metres.
	maxSide = 16384
	maxFar  = 1000.0
	// apart is how near two marks may be: nearer, a finger's width on the
	// screen is a metre somewhere else.
	apart = 0.1
	// stray is how far, as a share of the picture's width, a mark may lie from
	// where the others put it: a tape and a mouse are off by less.
	stray = 0.025
	// fewest is how many marks it takes to tell which one is wrong.
	fewest = 6
)

// Load reads and checks a floor file.
func Load(path string) (*Mount, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("floor file: %w", err)
	}
	m, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Parse checks the bytes of a floor file and returns what they say.
func Parse(b []byte) (*Mount, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%w: %d bytes", ErrFormat, len(b))
	}
	var f file
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows it", ErrFormat)
	}
	if w, h := f.Size[0], f.Size[1]; w < 16 || h < 16 || w > maxSide || h > maxSide {
		return nil, fmt.Errorf("%w: size is %v, want [width, height] of the video", ErrFormat, f.Size)
	}
	m := &Mount{Width: f.Size[0], Height: f.Size[1], Points: f.Points, Above: f.Above}
	if err := m.fit(); err != nil {
		return nil, err
	}
	if f.Hangs == nil {
		if f.Above {
			return nil, fmt.Errorf("%w: above needs hangs", ErrFormat)
		}
		return m, nil
	}
	m.Hangs = *f.Hangs
	return m, m.hang()
}

// Marshal returns the file of a mount.
func (m *Mount) Marshal() ([]byte, error) {
	f := file{Size: [2]int{m.Width, m.Height}, Points: m.Points, Above: m.Above}
	if m.stands {
		f.Hangs = &m.Hangs
	}
	b, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// fit finds the floor that the points give.
func (m *Mount) fit() error {
	if len(m.Points) < 4 || len(m.Points) > maxPoints {
		return fmt.Errorf("%w: %d of them, want 4 to %d", ErrPoints, len(m.Points), maxPoints)
	}
	for i, p := range m.Points {
		if !(p.Picture[0] >= 0 && p.Picture[0] <= float64(m.Width) && p.Picture[1] >= 0 && p.Picture[1] <= float64(m.Height)) {
			return fmt.Errorf("%w: point %d at %v is outside the picture of %dx%d", ErrPoints, i+1, p.Picture, m.Width, m.Height)
		}
		if !(math.Abs(p.Floor[0]) <= maxFar && math.Abs(p.Floor[1]) <= maxFar) {
			return fmt.Errorf("%w: point %d at %v is outside of any shop; floor is in metres", ErrPoints, i+1, p.Floor)
		}
		for j, q := range m.Points[:i] {
			if math.Hypot(p.Picture[0]-q.Picture[0], p.Picture[1]-q.Picture[1]) < 2 ||
				math.Hypot(p.Floor[0]-q.Floor[0], p.Floor[1]-q.Floor[1]) < apart {
				return fmt.Errorf("%w: points %d and %d are one place", ErrPoints, j+1, i+1)
			}
		}
	}
	h, err := homography(m.Points)
	if err != nil {
		return err
	}
	m.floor = h
	if err := m.oneSide(); err != nil {
		return err
	}
	return m.strays()
}

func homography(marks []Mark) (track.Homography, error) {
	var picture, floor []track.Point
	for _, p := range marks {
		picture = append(picture, track.Point{X: p.Picture[0], Y: p.Picture[1]})
		floor = append(floor, track.Point{X: p.Floor[0], Y: p.Floor[1]})
	}
	h, err := track.FitHomography(picture, floor)
	if err != nil {
		return h, fmt.Errorf("%w: %w", ErrPoints, err)
	}
	return h, nil
}

// oneSide refuses a floor that has its horizon between the points: two of
// them were exchanged.
func (m *Mount) oneSide() error {
	first := 0.0
	for i, p := range m.Points {
		w := m.floor[6]*p.Picture[0] + m.floor[7]*p.Picture[1] + m.floor[8]
		if i == 0 {
			first = w
		}
		if w*first <= 0 {
			return fmt.Errorf("%w: the horizon lies between points 1 and %d; are two exchanged?", ErrPoints, i+1)
		}
	}
	return nil
}

// strays refuses a point that all the others contradict. With four points each
// is needed, with five the others may lie nearly on a line, and nothing can be told.
func (m *Mount) strays() error {
	if len(m.Points) < fewest {
		return nil
	}
	limit := stray * float64(m.Width)
	worst, far := -1, limit
	for i, p := range m.Points {
		rest := append(append([]Mark{}, m.Points[:i]...), m.Points[i+1:]...)
		h, err := homography(rest)
		if err != nil {
			continue // what is left is too few to judge by
		}
		if d := off(h, p); d > far && spread(h, rest) < d/4 {
			worst, far = i, d
		}
	}
	if worst >= 0 {
		return fmt.Errorf("%w: point %d at %v lies %.0f pixels from where the others put it",
			ErrStray, worst+1, m.Points[worst].Picture, far)
	}
	if d := spread(m.floor, m.Points); d > limit {
		return fmt.Errorf("%w: they contradict each other by %.0f pixels", ErrStray, d)
	}
	return nil
}

// off returns how many pixels a mark's floor is from where the picture has it.
func off(h track.Homography, p Mark) float64 {
	return h.Picture(track.Point{X: p.Floor[0], Y: p.Floor[1]}).Distance(track.Point{X: p.Picture[0], Y: p.Picture[1]})
}

// spread returns how many pixels the marks lie off their floor at most.
func spread(h track.Homography, marks []Mark) float64 {
	worst := 0.0
	for _, p := range marks {
		worst = max(worst, off(h, p))
	}
	return worst
}

// Off returns how many pixels a mark lies off its floor at most.
func (m *Mount) Off() float64 { return spread(m.floor, m.Points) }

// CheckSize refuses pictures of another size: everything would lie elsewhere.
func (m *Mount) CheckSize(w, h int) error {
	if w != m.Width || h != m.Height {
		return fmt.Errorf("%w: the picture is %dx%d, the floor was measured on %dx%d", ErrSize, w, h, m.Width, m.Height)
	}
	return nil
}

// waist is the height in metres of the middle of who is seen from above.
const waist = 0.9

// shaky is how far off a foot usually is, as a share of the picture's width.
const shaky = 0.015

// Camera returns the mount as the tracker takes it.
func (m *Mount) Camera(id string) track.Camera {
	c := track.Camera{ID: id, Width: m.Width, Height: m.Height, Floor: m.floor, Pixels: shaky * float64(m.Width), Middle: m.Above}
	if m.Above {
		c.Floor = m.plane(waist).Inverse()
	}
	return c
}

// Floor returns the map from the picture to the floor.
func (m *Mount) Floor() track.Homography { return m.floor }
