package trial

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/internal/assign"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/track"
)

// A Spot is where in the shop persons are told apart.
type Spot int

// The spots.
const (
	AtDoor Spot = iota
	OnTheWay
	AtShelf
)

func (s Spot) String() string { return [...]string{"door", "way", "shelf"}[s] }

// A Sight counts how persons were found who were before a camera: with nobody
// else near them, and beside others.
type Sight struct {
	Persons, Found [2]int  // alone, and with others within a metre
	False          int     // found where nobody was
	Switches       int     // one who was followed by position alone became another
	Off            float64 // sum of how far in metres they were from where they were found
}

// Sights are those of each camera at each spot. Under the camera "" is who was
// found by any of them.
type Sights map[string]*[3]Sight

// Add sums two counts.
func (all Sights) Add(o Sights) Sights {
	sum := Sights{}
	for _, part := range []Sights{all, o} {
		for camera, spots := range part {
			if sum[camera] == nil {
				sum[camera] = &[3]Sight{}
			}
			for i, s := range spots {
				t := &sum[camera][i]
				for k := range 2 {
					t.Persons[k], t.Found[k] = t.Persons[k]+s.Persons[k], t.Found[k]+s.Found[k]
				}
				t.False, t.Switches, t.Off = t.False+s.False, t.Switches+s.Switches, t.Off+s.Off
			}
		}
	}
	return sum
}

const (
	// matched is how far in metres a person may be from where they are found.
	matched = 0.6
	// others within so many metres are near.
	besideOf = 1.0
	// plain is the share of a person that has to be in sight of a camera.
	plain = 0.25
)

// spotOf is where a place of the shop is.
func spotOf(s *shop.Stage, at [2]float64) Spot {
	if at[1] < 1.3 && math.Abs(at[0]-shop.DoorX) < 1 {
		return AtDoor
	}
	for _, sh := range s.Shelves {
		front := sh.Point(0, -0.45, 0)
		if math.Abs(at[0]-front[0]) < sh.Width/2+0.2 && math.Abs(at[1]-front[1]) < 0.5 {
			return AtShelf
		}
	}
	return OnTheWay
}

// Sights compares a film of a scenario with where persons were.
func (f Film) Sights(sc shop.Scenario) (Sights, error) {
	sc.Cameras = slices.Clone(sc.Cameras)
	sc.Resize(filmWidth, filmHeight)
	s, err := shop.New(sc)
	if err != nil {
		return nil, err
	}
	var cameras []track.Camera
	for _, c := range s.Cameras {
		if c.Kind == shop.OnShelf {
			continue
		}
		m, err := mounted(s, c)
		if err != nil {
			return nil, fmt.Errorf("camera %s: %w", c.Name, err)
		}
		cameras = append(cameras, m.Camera(c.Name))
	}
	return f.sights(s, cameras), nil
}

func (f Film) sights(s *shop.Stage, cameras []track.Camera) Sights {
	all := Sights{"": {}}
	last := map[string]map[track.Point]string{}
	seenAt := map[int]map[string]bool{}
	byName := map[string]track.Camera{}
	for _, c := range cameras {
		byName[c.ID], all[c.ID], last[c.ID] = c, &[3]Sight{}, map[track.Point]string{}
	}
	for _, fr := range f.Boxes {
		n := int(math.Round(seconds(fr.At) * float64(s.FPS)))
		if seenAt[n] == nil {
			seenAt[n] = map[string]bool{}
		}
		last[fr.Camera] = all.frame(s, byName[fr.Camera], fr, n, last[fr.Camera], seenAt[n])
	}
	for n, found := range seenAt {
		poses := s.Poses(n)
		for _, p := range poses {
			if p.Floor[1] < 0.1 {
				continue // still on the street
			}
			near := crowded(poses, p.Name, p.Floor)
			sight := &all[""][spotOf(s, p.Floor)]
			sight.Persons[near]++
			if found[p.Name] {
				sight.Found[near]++
			}
		}
	}
	return all
}

// crowded is 1 if somebody else is near a place.
func crowded(poses []shop.Pose, who string, at [2]float64) int {
	for _, o := range poses {
		if o.Name != who && math.Hypot(o.Floor[0]-at[0], o.Floor[1]-at[1]) < besideOf {
			return 1
		}
	}
	return 0
}

// frame counts one camera's frame and returns who was found where.
func (all Sights) frame(s *shop.Stage, c track.Camera, fr track.Frame, n int, last map[track.Point]string, seen map[string]bool) map[track.Point]string {
	var cam shop.Camera
	for _, o := range s.Cameras {
		if o.Name == c.ID {
			cam = o
		}
	}
	truth, poses := s.Boxes(cam, n), s.Poses(n)
	var costs [][]float64
	var alone []float64
	var at []track.Point
	for _, b := range fr.Boxes {
		p := c.Floor.Floor(b.Foot)
		row := make([]float64, len(truth))
		for j, t := range truth {
			row[j] = math.Hypot(t.Floor[0]-p.X, t.Floor[1]-p.Y)
			if row[j] > matched {
				row[j] = math.Inf(1)
			}
		}
		costs, alone, at = append(costs, row), append(alone, 10*matched), append(at, p)
	}
	now, found := map[track.Point]string{}, map[string]float64{}
	for i, j := range assign.Join(costs, alone) {
		if j < 0 {
			all[c.ID][spotOf(s, [2]float64{at[i].X, at[i].Y})].False++
			continue
		}
		who := truth[j].Person
		now[at[i]], found[who], seen[who] = who, costs[i][j], true
		was, nearest := "", 0.8
		for p, name := range last {
			if d := p.Distance(at[i]); d < nearest {
				was, nearest = name, d
			}
		}
		if was != "" && was != who {
			all[c.ID][spotOf(s, truth[j].Floor)].Switches++
		}
	}
	for _, t := range truth {
		if t.Seen < plain || t.Floor[1] < 0.1 {
			continue
		}
		sight, near := &all[c.ID][spotOf(s, t.Floor)], crowded(poses, t.Person, t.Floor)
		sight.Persons[near]++
		if off, ok := found[t.Person]; ok {
			sight.Found[near]++
			sight.Off += off
		}
	}
	return now
}

// Write writes the counts, a line for each camera and spot.
func (all Sights) Write(w io.Writer) error {
	_, err := fmt.Fprintln(w, "\n| camera | spot | persons alone | found | beside others | found | nobody there | exchanged | off, m |\n|---|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for spot, s := range all[name] {
			share := func(k int) float64 { return float64(s.Found[k]) / max(1, float64(s.Persons[k])) }
			_, err = fmt.Fprintf(w, "| %s | %v | %d | %.3f | %d | %.3f | %d | %d | %.2f |\n", cmp.Or(name, "any"), Spot(spot), s.Persons[0], share(0),
				s.Persons[1], share(1), s.False, s.Switches, s.Off/max(1, float64(s.Found[0]+s.Found[1])))
		}
	}
	return err
}
