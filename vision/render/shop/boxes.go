package shop

import (
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/truth"
)

// A figure is one person as a camera sees them.
type figure struct {
	pose   Pose
	box    [4]float64
	depth  float64
	inside bool
}

// Boxes returns who is to be seen in frame n of a camera. A shake moves
// pictures by Shift; boxes move with them.
func (s *Stage) Boxes(c Camera, n int) []truth.Box {
	l := c.Lens()
	dx, dy := s.Shift(n)
	k := float64(c.Width) / 640
	var figures []figure
	for _, p := range s.Poses(n) {
		if f := l.figure(p, k*dx, k*dy); f.inside && !p.behindWall(c.At) {
			figures = append(figures, f)
		}
	}
	w, h := float64(c.Width), float64(c.Height)
	var boxes []truth.Box
	for _, f := range figures {
		cut := [4]int{
			int(max(0, math.Floor(f.box[0]))), int(max(0, math.Floor(f.box[1]))),
			int(min(w, math.Ceil(f.box[2]))), int(min(h, math.Ceil(f.box[3]))),
		}
		if cut[2]-cut[0] < 2 || cut[3]-cut[1] < 2 {
			continue
		}
		boxes = append(boxes, truth.Box{
			Kind: truth.KindBox, Camera: c.Name, Frame: n, T: s.Time(n), Person: f.pose.Name, Visit: f.pose.Visit,
			Box: cut, Seen: f.seen(figures, w, h),
			Floor: [2]float64{math.Round(f.pose.Floor[0]*1000) / 1000, math.Round(f.pose.Floor[1]*1000) / 1000},
		})
	}
	return boxes
}

// behindWall reports whether a person is on the street and not to be seen
// through the door.
func (p Pose) behindWall(from Vec) bool {
	if p.Floor[1] >= 0 || from[1] <= 0 {
		return false
	}
	to := Vec{p.Floor[0], p.Floor[1], 1.1}
	at := from.To(to, from[1]/(from[1]-to[1]))
	return math.Abs(at[0]-DoorX) > DoorWidth/2 || at[2] > DoorHeight
}

// figure projects a person: the box around all limbs before the camera.
func (l Lens) figure(p Pose, dx, dy float64) figure {
	f := figure{pose: p, box: [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}, depth: math.Inf(1)}
	for _, limb := range p.Limbs() {
		for _, end := range []struct {
			at Vec
			r  float64
		}{{limb.A, limb.RA}, {limb.B, limb.RB}} {
			x, y, depth, ok := l.Project(end.at)
			if !ok {
				continue
			}
			r := end.r * l.Focal / depth
			x, y = x+dx, y+dy
			f.box = [4]float64{min(f.box[0], x-r), min(f.box[1], y-r), max(f.box[2], x+r), max(f.box[3], y+r)}
			f.depth, f.inside = min(f.depth, depth), true
		}
	}
	return f
}

// seen samples the box for what is in the picture and behind nobody's box.
func (f figure) seen(others []figure, w, h float64) float64 {
	const side = 16
	hit := 0
	for i := range side * side {
		x := f.box[0] + (f.box[2]-f.box[0])*(float64(i%side)+0.5)/side
		y := f.box[1] + (f.box[3]-f.box[1])*(float64(i/side)+0.5)/side
		covered := slices.ContainsFunc(others, func(o figure) bool {
			return o.depth < f.depth && o.pose.Who != f.pose.Who &&
				x >= o.box[0] && x < o.box[2] && y >= o.box[1] && y < o.box[3]
		})
		if !covered && x >= 0 && y >= 0 && x < w && y < h {
			hit++
		}
	}
	return math.Round(100*float64(hit)/side/side) / 100
}
