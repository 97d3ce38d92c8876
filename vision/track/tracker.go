package track

import (
	"fmt"
	"image"
	"math"
	"slices"
	"time"

	"github.com/vouchledger/vouch/vision/internal/assign"
)

// A Box is where one camera sees one person.
type Box struct {
	Rect  image.Rectangle
	Score float64 // of the detector, 0 to 1
	Look  Look    // nil if the camera cannot tell
	// Foot is where in the picture, or beside it, the person stands; of a camera
	// that looks straight down, where their waist is. Zero if the detector knows
	// the box only.
	Foot Point
	// Hands are where in the picture what begins at the person's outline reaches
	// farthest: arms, of whomever. Nil if the detector does not tell them.
	Hands []Point
}

// A Frame is what one camera sees of persons at one moment.
type Frame struct {
	Camera string
	At     time.Time
	Boxes  []Box
}

// A Detector finds persons in a picture. The operator chooses it; package cv
// has OpenCV's own and runs networks. It is used by one camera at a time.
type Detector[Picture any] interface {
	// People returns the boxes of all persons in the picture, the surest
	// first, and an error if the picture cannot be looked at.
	People(Picture) ([]Box, error)
}

// A Camera says how a camera's picture lies on the floor.
type Camera struct {
	ID            string
	Width, Height int
	Floor         Homography
	Pixels        float64 // how far off a box's foot usually is; 0 for 4
	// Metres is how far off the whole picture may lie on the floor, and how far
	// a box's foot is from where the person stands: what does not average out.
	// 0 for 0.25.
	Metres float64
	// Middle says that the camera looks straight down: the middle of a box
	// counts and not its lower edge, and Floor was measured for the height of
	// what is seen there, about a person's waist.
	Middle bool
}

// A Line is a door or gate on the floor, from A to B. Inside is any point on
// the shop's side of it.
type Line struct {
	Gate   string
	A, B   Point
	Inside Point
}

// A Config is what the tracker must know about the shop.
type Config struct {
	Cameras  []Camera
	Lines    []Line
	Likeness Likeness      // zero for ColourLikeness
	Confirm  int           // sightings before a track is somebody; 0 for 3
	Patience time.Duration // how long a lost track is kept; 0 for 60 s
}

// What the joining of boxes and tracks rests on.
const (
	// found is how often the detector finds a person that stands in view.
	found = 0.9
	// newHere and newElsewhere are how many persons, or boxes that are none,
	// appear per m² and frame: near a door, and where nobody can come from.
	newHere, newElsewhere = 0.5, 0.005
	// newAnywhere is the same in a shop that names no door.
	newAnywhere = 0.02
	// nearDoor in metres.
	nearDoor = 1.5
	// gate cuts off what is more than 4 standard deviations away.
	gate = 16.0
	// gap without a sighting after which a track is lost.
	gap = time.Second
	// fickle is how long a tentative track lives unseen.
	fickle = 700 * time.Millisecond
	// learning is the share of a new sighting in a track's look.
	learning = 0.1
)

// A Tracker follows persons. It is not safe for use by several goroutines.
type Tracker struct {
	config     Config
	cameras    map[string]Camera
	tracks     []*Track
	encounters []*encounter
	pairs      []twin
	crossings  []Crossing
	openings   []*opening
	cast       *cast
	due        []arrival // that wait until every gate has said what it opened for
	next       int
	now        time.Time
}

// New returns a tracker for a shop.
func New(c Config) (*Tracker, error) {
	if c.Likeness == (Likeness{}) {
		c.Likeness = ColourLikeness
	}
	if c.Confirm == 0 {
		c.Confirm = 3
	}
	if c.Patience == 0 {
		c.Patience = memory
	}
	if c.Confirm < 0 || c.Patience < 0 {
		return nil, fmt.Errorf("%w: confirm %d, patience %v", ErrConfig, c.Confirm, c.Patience)
	}
	t := &Tracker{config: c, cameras: map[string]Camera{}, cast: newCast(c.Likeness)}
	for _, cam := range c.Cameras {
		if cam.Pixels == 0 {
			cam.Pixels = 4
		}
		if cam.Metres == 0 {
			cam.Metres = 0.25
		}
		if cam.ID == "" || cam.Width <= 0 || cam.Height <= 0 || cam.Floor == (Homography{}) {
			return nil, fmt.Errorf("%w: camera %q needs a size and a floor", ErrConfig, cam.ID)
		}
		if _, ok := t.cameras[cam.ID]; ok {
			return nil, fmt.Errorf("%w: camera %q twice", ErrConfig, cam.ID)
		}
		t.cameras[cam.ID] = cam
	}
	if len(t.cameras) == 0 {
		return nil, fmt.Errorf("%w: no camera", ErrConfig)
	}
	for _, l := range c.Lines {
		if l.Gate == "" || l.side(l.Inside) == 0 {
			return nil, fmt.Errorf("%w: the inside of gate %q lies on its line", ErrConfig, l.Gate)
		}
	}
	return t, nil
}

// Tracks returns the persons in the shop that were seen often enough, in the
// order they came.
func (t *Tracker) Tracks() []*Track {
	var all []*Track
	for _, k := range t.tracks {
		if k.State == Present || k.State == Lost {
			all = append(all, k)
		}
	}
	return all
}

// A sighting is a box on the floor.
type sighting struct {
	Box
	at     Point
	spread spread
	fine   spread // without what is common to all boxes of the picture
	hidden bool   // partly behind another person
}

// Observe takes what one camera saw. Frames should come in the order of time;
// one that is up to a second late still corrects the tracks.
func (t *Tracker) Observe(f Frame) error {
	cam, ok := t.cameras[f.Camera]
	if !ok {
		return fmt.Errorf("frame of %q: %w", f.Camera, ErrCamera)
	}
	if f.At.After(t.now) {
		t.now = f.At
	}
	seen := cam.place(f.Boxes)
	var live []*Track
	for _, k := range t.tracks {
		if k.State != Left {
			live = append(live, k)
		}
	}
	costs, motions := t.costs(live, seen, f)
	joined := assign.Join(costs, make([]float64, len(live)))
	taken := make([]bool, len(seen))
	for i, j := range joined {
		if j < 0 {
			continue
		}
		taken[j] = true
		t.see(live, i, j, seen, motions[i], f)
	}
	t.meet(live, joined, seen, motions, f.At)
	t.twins(live, joined, f.At)
	t.name(f.At.Add(-naming))
	for j, s := range seen {
		if !taken[j] && !doubled(seen, taken, j) {
			t.born(s, f)
		}
	}
	t.age()
	return nil
}

// place puts boxes on the floor.
func (c Camera) place(boxes []Box) []sighting {
	var all []sighting
	for i, b := range boxes {
		if b.Rect.Empty() {
			continue
		}
		foot := Point{float64(b.Rect.Min.X+b.Rect.Max.X) / 2, float64(b.Rect.Max.Y)}
		if c.Middle {
			foot.Y = float64(b.Rect.Min.Y+b.Rect.Max.Y) / 2
		}
		sx, sy := c.Pixels, c.Pixels
		s := sighting{Box: b, hidden: !c.Middle && behind(boxes, i)}
		if b.Foot != (Point{}) {
			s.at, s.fine = c.Floor.Floor(b.Foot), c.Floor.spreadAt(b.Foot, sx, sy)
			s.spread = s.fine.plus(spread{xx: c.Metres * c.Metres, yy: c.Metres * c.Metres})
			all = append(all, s)
			continue
		}
		if s.hidden || b.Rect.Max.Y >= c.Height-2 || c.Middle && b.Rect.Min.Y <= 1 {
			// The foot is cut off, by somebody nearer or by the edge.
			sy = max(sy, 0.3*float64(b.Rect.Dy()))
		}
		if b.Rect.Min.X <= 1 || b.Rect.Max.X >= c.Width-1 {
			sx = max(sx, 0.3*float64(b.Rect.Dx()))
		}
		s.at, s.fine = c.Floor.Floor(foot), c.Floor.spreadAt(foot, sx, sy)
		s.spread = s.fine.plus(spread{xx: c.Metres * c.Metres, yy: c.Metres * c.Metres})
		all = append(all, s)
	}
	return all
}

// behind reports whether somebody nearer covers the foot of box i.
func behind(boxes []Box, i int) bool {
	b := boxes[i].Rect
	foot := image.Rect(b.Min.X, b.Max.Y-b.Dy()/4, b.Max.X, b.Max.Y)
	for j, o := range boxes {
		if in := o.Rect.Intersect(foot); j != i && o.Rect.Max.Y > b.Max.Y && in.Dx()*in.Dy() > foot.Dx()*foot.Dy()/3 {
			return true
		}
	}
	return false
}

// doubled reports whether box j is mostly one that has a track already.
func doubled(seen []sighting, taken []bool, j int) bool {
	area := func(r image.Rectangle) int { return r.Dx() * r.Dy() }
	for i, s := range seen {
		in := s.Rect.Intersect(seen[j].Rect)
		if taken[i] && !in.Empty() && 5*area(in) > 3*min(area(s.Rect), area(seen[j].Rect)) {
			return true
		}
	}
	return false
}

// costs says for each track and box how much less probable it is that they
// are one person than that the track is unseen and the box is new: a
// logarithm, negative where joining is the better story.
func (t *Tracker) costs(live []*Track, seen []sighting, f Frame) ([][]float64, []motion) {
	costs, motions := make([][]float64, len(live)), make([]motion, len(live))
	for i, k := range live {
		motions[i] = k.motion.after(f.At.Sub(k.now).Seconds())
		costs[i] = make([]float64, len(seen))
		for j, s := range seen {
			costs[i][j] = t.cost(k, motions[i], s)
		}
	}
	return costs, motions
}

func (t *Tracker) cost(k *Track, m motion, s sighting) float64 {
	d, det := m.off(s.at, s.spread)
	if d > gate {
		return math.Inf(1)
	}
	says := t.config.Likeness.says(k.look, s.Look)
	if s.hidden {
		says /= 2
	}
	return d/2 + math.Log(2*math.Pi) + math.Log(det)/2 - says + math.Log(1-found) - math.Log(found) +
		math.Log(t.news(s.at))
}

// off returns how far a sighting is off the motion, squared, in standard
// deviations, and the determinant of the spread of that.
func (m motion) off(p Point, s spread) (d, det float64) {
	sum := m.spread().plus(s)
	at := m.at()
	return sum.off(p.X-at.X, p.Y-at.Y), sum.det()
}

// news returns how many new persons to expect at a place.
func (t *Tracker) news(at Point) float64 {
	if len(t.config.Lines) == 0 {
		return newAnywhere
	}
	for _, l := range t.config.Lines {
		if l.distance(at) < nearDoor {
			return newHere
		}
	}
	return newElsewhere
}

// see corrects track i by box j.
func (t *Tracker) see(live []*Track, i, j int, seen []sighting, m motion, f Frame) {
	k, s := live[i], seen[j]
	if k.State != Tentative && f.At.Sub(k.Seen) > gap {
		// Who was out of sight may have come out elsewhere, and this be another.
		t.cast.arrive(t.arrival(k, f.At, f.At, s))
		k.fresh = nil
	}
	k.motion = m.see(s.at, s.spread)
	if f.At.After(k.now) {
		k.now = f.At
	}
	if f.At.After(k.Seen) {
		k.Seen = f.At
	}
	k.hits++
	if k.State == Tentative && k.hits >= t.config.Confirm {
		k.State = Present
		if !t.outside(s.at) {
			t.due = append(t.due, t.arrival(k, k.Born, f.At, s))
		}
	}
	if k.State == Lost {
		k.State = Present
	}
	if !s.hidden {
		if !t.meeting(k) {
			k.look = k.look.toward(s.Look, learning)
		}
		if !touches(seen, j) {
			t.glimpse(k, f.Camera, s.Look)
		}
	}
	k.remember(moment{f.At, k.motion, f.Camera, s.Rect, s.Hands})
	t.cross(k, f.At)
}

// arrival is a track that is seen where it was not before.
func (t *Tracker) arrival(k *Track, from, at time.Time, s sighting) arrival {
	a := arrival{track: k, from: from, at: at, where: s.at, off: s.spread, far: map[string]float64{}}
	for _, l := range t.config.Lines {
		a.far[l.Gate] = l.distance(s.at)
		if l.distance(s.at) < nearDoor {
			a.near = l.Gate
		}
	}
	return a
}

// glimpse keeps what somebody looks like: for the stay, or, while it is not
// known who it is, for what comes after it.
func (t *Tracker) glimpse(k *Track, camera string, look Look) {
	if i := t.cast.now(k); i >= 0 && !t.risked(k) {
		t.cast.stays[i].looks.add(camera, look)
		return
	}
	k.fresh.add(camera, look)
}

// outside reports whether a place lies just before a door: who was seen there
// last has left.
func (t *Tracker) outside(p Point) bool {
	return slices.ContainsFunc(t.config.Lines, func(l Line) bool { return l.side(p) < 0 && l.distance(p) < 2*nearDoor })
}

func (t *Tracker) born(s sighting, f Frame) {
	t.next++
	k := &Track{
		ID: t.next, Born: f.At, Seen: f.At, now: f.At, hits: 1, look: s.Look,
		motion: newMotion(s.at, s.spread), well: s.at, of: t,
	}
	if k.hits >= t.config.Confirm {
		k.State = Present
	}
	k.remember(moment{f.At, k.motion, f.Camera, s.Rect, s.Hands})
	t.tracks = append(t.tracks, k)
}

// age loses and ends tracks that nobody sees.
func (t *Tracker) age() {
	t.tracks = slices.DeleteFunc(t.tracks, func(k *Track) bool {
		away := t.now.Sub(k.Seen)
		switch {
		case k.State == Tentative:
			return away > fickle
		case k.State == Present && away > gap:
			k.State = Lost
			if t.outside(k.motion.at()) {
				k.State = Left
				t.out(k, k.Seen)
			}
		case k.State == Lost && away > t.config.Patience:
			k.State = Left
			if i := t.cast.now(k); i >= 0 {
				t.cast.close(i, k.Seen)
			}
		}
		return k.State == Left && away > memory
	})
	t.cast.forget(t.now)
}

// out ends the stay of who went through a door.
func (t *Tracker) out(k *Track, at time.Time) {
	if i := t.cast.now(k); i >= 0 {
		t.cast.close(i, at)
		t.cast.stays[i].out = true
	}
	t.due = slices.DeleteFunc(t.due, func(a arrival) bool { return a.track == k })
}
