package render

import (
	"fmt"
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/render/random"
)

// An actor is one hand or one person, or a lamp being switched, from the
// first frame it is seen to the last.
type actor struct {
	move     Move
	slot     *slot
	from, to int
	n        int     // frame of the take, the put, the nearest moment
	until    int     // frame in which a hand or a person leaves again
	in, out  float64 // frames of coming and going
	gx, gy   float64 // where the hand takes hold
	dx, dy   float64 // unit direction from which it comes
	far      float64 // how far away it begins
	item     *item   // carried; nil for none
	art      *armSprites
	body     *sprite
	bodyX    [2]float64 // where a person comes from and goes to
	step     float64    // what a lamp is multiplied by
	wobble   float64
	second   float64 // of a frame
}

type armKey struct {
	who   int
	angle int
}

// armSprites are the pictures of one arm.
type armSprites struct {
	open, closed, shade *sprite
}

// angles from which arms come: from below, a little from either side.
var angles = []float64{0.36 * math.Pi, 0.43 * math.Pi, 0.5 * math.Pi, 0.58 * math.Pi, 0.65 * math.Pi}

// schedule turns moves into actors and into what stands where when.
func (s *Shop) schedule() error {
	r := random.New(s.Seed, 6)
	people := []armLook{randomArm(r), randomArm(r)}
	moves := slices.Clone(s.Moves)
	slices.SortStableFunc(moves, func(a, b Move) int { return int(math.Copysign(1, a.At-b.At)) })
	for _, m := range moves {
		a := &actor{move: m, n: int(math.Round(m.At * s.fps)), slot: s.slot(m.Slot)}
		a.wobble, a.second = r.Between(0, 6), 1/s.fps
		if a.n < 1 || a.n >= s.frames {
			return fmt.Errorf("%w: %s at %g s is outside the video of %g s", ErrScenario, m.Act, m.At, s.Seconds)
		}
		if a.slot == nil && m.Act != Pass && m.Act != Lights {
			return fmt.Errorf("%w: %s at %g s: there is no slot %q", ErrScenario, m.Act, m.At, m.Slot)
		}
		if err := s.cast(a, people, r); err != nil {
			return err
		}
		for _, b := range s.actors {
			if b.slot != nil && b.slot == a.slot && b.to >= a.from {
				return fmt.Errorf("%w: %s %s at %g s begins before %s at %g s has ended",
					ErrScenario, m.Act, m.Slot, m.At, b.move.Act, b.move.At)
			}
		}
		s.actors = append(s.actors, a)
	}
	return nil
}

// cast gives an actor its part.
func (s *Shop) cast(a *actor, people []armLook, r *random.PCG) error {
	who := r.Intn(len(people))
	switch a.move.Act {
	case Take, Hidden:
		if a.item = a.slot.at(a.n - 1); a.item == nil {
			return fmt.Errorf("%w: take %s at %g s: nothing stands there", ErrScenario, a.move.Slot, a.move.At)
		}
		a.slot.history = append(a.slot.history, stand{a.n, nil})
	case Return, Misplace:
		if a.slot.at(a.n-1) != nil {
			return fmt.Errorf("%w: %s %s at %g s: something stands there",
				ErrScenario, a.move.Act, a.move.Slot, a.move.At)
		}
		p := a.slot.product
		if a.move.Act == Misplace {
			var ok bool
			if p, ok = productOf(a.move.SKU); !ok {
				return fmt.Errorf("%w: no product %q; products are %v", ErrScenario, a.move.SKU, SKUs())
			}
		}
		a.item = s.stand(a.slot, p, r, 1)
		a.slot.history = append(a.slot.history, stand{a.n, a.item})
	case Touch, Rest:
		if a.slot.at(a.n) == nil {
			return fmt.Errorf("%w: %s %s at %g s: nothing stands there", ErrScenario, a.move.Act, a.move.Slot, a.move.At)
		}
	case Pass:
		s.castPerson(a, people[who], who, r)
		return nil
	case Lights:
		a.step = []float64{0.87, 1.12}[r.Intn(2)]
		a.from, a.to = a.n, a.n
		return nil
	default:
		return fmt.Errorf("%w: nobody knows how to %q", ErrScenario, a.move.Act)
	}
	if a.move.Act == Hidden {
		s.castPerson(a, people[who], who, r)
	} else {
		s.castHand(a, people[who], who, r)
	}
	s.note(a)
	return nil
}

// castHand lets an arm come from below, do its part and go.
func (s *Shop) castHand(a *actor, look armLook, who int, r *random.PCG) {
	turn := r.Intn(len(angles))
	angle := angles[turn]
	a.dx, a.dy = math.Cos(angle), math.Sin(angle)
	it := a.item
	if it == nil {
		it = a.slot.at(a.n)
	}
	a.gx = it.x + 0.10*it.product.width + r.Between(-3, 3)
	a.gy = it.y - it.product.height*r.Between(0.42, 0.6) + 6
	a.far = (360-a.gy)/a.dy + 50
	a.in, a.out = s.fps*r.Between(0.7, 1), s.fps*r.Between(0.65, 0.95)
	hold := s.fps * r.Between(0.12, 0.3)
	a.until = a.n
	switch a.move.Act {
	case Touch:
		a.until = a.n + int(s.fps*r.Between(0.1, 0.5))
	case Rest:
		stay := a.move.For
		if stay == 0 {
			stay = 2
		}
		a.until = a.n + int(s.fps*stay)
	case Return, Misplace:
		a.until = a.n + int(hold)
		hold = 0
	case Take, Pass, Hidden, Lights: // a take ends at once; the others have no hand
	}
	a.from = max(0, a.n-int(a.in+hold))
	a.in = min(a.in, float64(a.n-a.from))
	a.to = a.until + int(a.out)
	key := armKey{who, turn}
	if s.arms[key] == nil {
		s.arms[key] = s.drawArm(look, angle)
	}
	a.art = s.arms[key]
}

func (s *Shop) drawArm(look armLook, angle float64) *armSprites {
	art := &armSprites{open: look.arm(open, angle, s.scale), closed: look.arm(closed, angle, s.scale)}
	art.shade = art.closed.shadow(max(1, int(6*s.scale)), 0.24)
	return art
}

// castPerson lets somebody walk in from one side, stand before the slot if
// there is one, and walk on.
func (s *Shop) castPerson(a *actor, look armLook, who int, r *random.PCG) {
	a.body = look.person(s.scale, int(r.Next()>>8)+who)
	a.bodyX = [2]float64{-190, 830}
	if r.Unit() < 0.5 {
		a.bodyX = [2]float64{830, -190}
	}
	a.in, a.out = s.fps*r.Between(1, 1.5), s.fps*r.Between(1, 1.5)
	a.gx, a.until = 320, a.n
	before := 0.0
	if a.slot != nil {
		stay := a.move.For
		if stay == 0 {
			stay = 1.6
		}
		a.gx, before = a.slot.x, 0.5*stay*s.fps
		a.until = a.n + int(before)
	}
	a.from = max(0, a.n-int(a.in+before))
	a.in = min(a.in, float64(a.n-a.from))
	a.to = a.until + int(a.out)
}

// dark is how much the camera's exposure rises because of the actor.
func (a *actor) dark() float64 {
	switch {
	case a.body != nil:
		return 0.07
	case a.art != nil:
		return 0.012
	}
	return 0
}

// lamp is what the actor does to the light of frame n.
func (a *actor) lamp(n float64) float64 {
	if a.step == 0 {
		return 1
	}
	return mix(1, a.step, smooth(float64(a.n), float64(a.n)+8, n))
}

// ease is the way of a hand: it starts and ends at rest.
func ease(t float64) float64 {
	t = clamp01(t)
	return t * t * t * (10 + t*(6*t-15))
}

// hand returns where the hand is at time t in frames.
func (a *actor) hand(t float64) (x, y float64) {
	away := 0.0
	if coming := float64(a.from) + a.in; t < coming {
		away = 1 - ease((t-float64(a.from))/a.in)
	} else if t > float64(a.until) {
		away = ease((t - float64(a.until)) / a.out)
	}
	x, y = a.gx+away*a.far*a.dx, a.gy+away*a.far*a.dy
	// Nobody moves along a ruler, and nobody holds quite still.
	// A hand drifts about 2 pixels and trembles about 1.
	sec := t * a.second
	x += 14*math.Sin(math.Pi*away)*math.Cos(a.wobble) + 2.2*math.Sin(5*sec+a.wobble) + 0.9*math.Sin(17*sec)
	y += 1.8*math.Sin(4.1*sec+2*a.wobble) + 0.8*math.Sin(19*sec+a.wobble)
	lx, ly := a.lift(t)
	return x + lx, y + ly
}

// lift is how far the carried thing is raised off the board: four pixels in
// the frame of a take and one before a put, more further away.
func (a *actor) lift(t float64) (x, y float64) {
	d := t - float64(a.n)
	switch a.move.Act {
	case Take:
		if d > -1 {
			return 0, -14 * (1 - math.Exp(-(d+1)/3))
		}
	case Return, Misplace:
		if d < 0 {
			return 0, 14 * (math.Exp(d/3) - 1)
		}
	case Touch:
		return 0, 2 * math.Sin(0.5*d) * bump(d, 2, 5)
	case Rest, Hidden, Pass, Lights:
	}
	return 0, 0
}

// carries reports whether the actor holds its thing in frame n.
func (a *actor) carries(n int) bool {
	switch a.move.Act {
	case Take:
		return n >= a.n
	case Return, Misplace:
		return n < a.n
	case Touch, Rest, Hidden, Pass, Lights:
	}
	return false
}

// perform draws an actor over a frame. What moves is smeared over half of
// the time between two frames, as a camera's shutter does.
func (s *Shop) perform(f *frame, a *actor, n int) {
	switch t := float64(n); {
	case a.art != nil:
		x0, y0 := a.hand(t - 0.5)
		x1, y1 := a.hand(t)
		px0, py0, px1, py1 := s.px(x0), s.px(y0), s.px(x1), s.px(y1)
		f.lay(a.art.shade, px1+s.px(9), py1+s.px(13))
		art := a.art.open
		if a.carries(n) {
			ox, oy := s.px(a.item.x-a.gx), s.px(a.item.y-a.gy)
			f.lay(a.item.shade, px1+ox+s.px(8), py1+oy+s.px(3))
			f.layMoving(a.item.art, px0+ox, py0+oy, px1+ox, py1+oy)
			art = a.art.closed
		} else if a.move.Act != Touch && t >= float64(a.from)+a.in && n <= a.until {
			art = a.art.closed
		}
		f.layMoving(art, px0, py0, px1, py1)
	case a.body != nil:
		x0, y0 := a.walk(t - 0.5)
		x1, y1 := a.walk(t)
		f.layMoving(a.body, s.px(x0), s.px(y0), s.px(x1), s.px(y1))
	}
}

// walk returns where a person's shoulders are at time t in frames.
func (a *actor) walk(t float64) (x, y float64) {
	switch coming := float64(a.from) + a.in; {
	case t < coming:
		x = mix(a.bodyX[0], a.gx, (t-float64(a.from))/a.in)
	case t > float64(a.until):
		x = mix(a.gx, a.bodyX[1], (t-float64(a.until))/a.out)
	default:
		x = a.gx + 2*math.Sin(0.1*t)
	}
	return x, 92 + 3*math.Sin(0.35*t+a.wobble)
}
