package shop

import (
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/truth"
)

// witness writes down what happened.
func (s *Stage) witness() {
	for i, g := range s.gestures {
		if g.At >= s.frames {
			continue
		}
		w, sh := s.people[g.Who], s.Shelves[g.Shelf]
		x := g.Pieces[0]
		in := truth.Interaction{
			Kind: truth.KindInteraction, ID: len(s.truth) + 1, T: s.Time(g.At), Event: g.Event,
			Shelf: sh.Name, Slot: sh.Slots[g.Slot].Name, SKU: x.Product.SKU, Quantity: len(g.Pieces),
			Person: w.Name, Visit: s.visitOf(w), Staff: w.staff, Scale: sh.scale(g.Slot), Tag: x.Tag,
			From: s.Time(g.Start), Until: s.Time(g.End), Frames: map[string]int{},
		}
		if sh.Slots[g.Slot].SKU != in.SKU {
			in.Belongs = s.home(in.SKU)
		}
		in.Grams = math.Round(10*g.grams()) / 10
		s.see(&in, g)
		for j, o := range s.gestures {
			near := math.Abs(float64(o.At-g.At)) <= 3*float64(s.FPS)
			if name := s.people[o.Who].Name; i != j && near && o.Shelf == g.Shelf && o.Who != g.Who &&
				!slices.Contains(in.Beside, name) {
				in.Beside = append(in.Beside, name)
			}
		}
		s.truth = append(s.truth, in)
	}
	for i, p := range s.Parties {
		v := truth.Visit{Kind: truth.KindVisit, Visit: p.Visit, Staff: p.Staff, Kept: map[string]int{}}
		for _, w := range s.people {
			if w.party != i {
				continue
			}
			v.Persons = append(v.Persons, w.Name)
			v.Entered, v.Left = append(v.Entered, w.entered), append(v.Left, w.left)
			for _, x := range w.bag {
				v.Kept[x.Product.SKU]++
			}
		}
		s.visits = append(s.visits, v)
	}
}

// grams is how a gesture changes what lies on the scale.
func (g *Gesture) grams() float64 {
	sum := 0.0
	for _, x := range g.Pieces {
		sum += x.Grams
	}
	switch g.Event {
	case truth.Take:
		return -sum
	case truth.Put:
		return sum
	case truth.Touch, truth.Tidy:
	}
	return 0
}

// home returns the slot of a SKU, the first if there are several.
func (s Scenario) home(sku string) string {
	for _, sh := range s.Shelves {
		for _, sl := range sh.Slots {
			if sl.SKU == sku {
				return sl.Name
			}
		}
	}
	return ""
}

// farthest is how far a camera sees what a hand does.
const farthest = 4.5

// see notes which cameras look at a gesture, and before which of them
// somebody stands.
func (s *Stage) see(in *truth.Interaction, g *Gesture) {
	sh := s.Shelves[g.Shelf]
	front := sh.Point(0, -1, 0).Sub(sh.Point(0, 0, 0))
	var poses []Pose
	for _, c := range s.Cameras {
		way := c.At.Sub(g.Grip)
		if c.Kind == OnShelf && c.Shelf != sh.Name || way.Len() > farthest || way.Dot(front) < 0.1 ||
			!c.Inside(c.Lens(), g.Grip) {
			continue
		}
		in.Frames[c.Name] = g.At
		if poses == nil {
			poses = s.Poses(g.At)
		}
		if slices.ContainsFunc(poses, func(p Pose) bool { return p.covers(c.At, g.Grip) }) {
			in.Hidden = append(in.Hidden, c.Name)
		}
	}
}

// covers reports whether a body stands between two places.
func (p Pose) covers(from, to Vec) bool {
	const radius = 0.17
	dx, dy := to[0]-from[0], to[1]-from[1]
	t := ((p.Floor[0]-from[0])*dx + (p.Floor[1]-from[1])*dy) / max(1e-9, dx*dx+dy*dy)
	if t <= 0 || t >= 1 {
		return false
	}
	near := math.Hypot(from[0]+t*dx-p.Floor[0], from[1]+t*dy-p.Floor[1])
	return near < radius && from[2]+t*(to[2]-from[2]) < p.Height
}

// Truth returns everything that happened, without boxes: see [Stage.Boxes].
func (s *Stage) Truth() truth.Shop {
	t := truth.Shop{Interactions: slices.Clone(s.truth), Visits: slices.Clone(s.visits)}
	for _, x := range s.pieces {
		if x.Tag != "" {
			t.Tags = append(t.Tags, truth.Tag{Kind: truth.KindTag, Tag: x.Tag, SKU: x.Product.SKU})
		}
	}
	for _, tr := range s.Troubles {
		until := tr.At + tr.For
		if tr.What == Lights {
			until = s.Time(s.frames)
		}
		t.Troubles = append(t.Troubles, truth.Trouble{Kind: truth.KindTrouble, What: tr.What, T: tr.At, Until: until})
	}
	return t
}
