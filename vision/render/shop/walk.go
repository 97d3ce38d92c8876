package shop

import (
	"math"

	"github.com/vouchledger/vouch/vision/truth"
)

// A leg is a way from one spot to another, or a turn on the spot.
type leg struct {
	from, until float64 // seconds
	a, b        [2]float64
	heading     float64
}

// walk adds a way and returns when it ends.
func (w *walker) walk(from float64, to [2]float64) float64 {
	a := w.spot
	long := math.Hypot(to[0]-a[0], to[1]-a[1])
	until := from + long/w.speed
	heading := math.Atan2(to[1]-a[1], to[0]-a[0])
	if long > 0 {
		w.legs = append(w.legs, leg{from, until, a, to, heading})
	}
	w.spot = to
	return until
}

// face turns the walker on the spot.
func (w *walker) face(at, heading float64) {
	w.legs = append(w.legs, leg{at, at + 0.25, w.spot, w.spot, heading})
}

// on returns the leg that counts at a time.
func (w *walker) on(t float64) int {
	i := 0
	for i+1 < len(w.legs) && w.legs[i+1].from <= t {
		i++
	}
	return i
}

// inside reports whether the walker is to be seen at a time.
func (w *walker) inside(t float64) bool {
	return len(w.legs) > 0 && w.legs[0].from <= t && (w.phase != gone || t < w.legs[len(w.legs)-1].until)
}

// base returns where a walker would be if it were alone.
func (w *walker) base(t float64) (p [2]float64, walking bool) {
	l := w.legs[w.on(t)]
	if t >= l.until || l.a == l.b {
		return l.b, false
	}
	share := max(0, (t-l.from)/(l.until-l.from))
	// Nobody starts or stops at once: the ends are eased a little.
	share = share + 0.06*math.Sin(2*math.Pi*share)*-1
	p = [2]float64{l.a[0] + share*(l.b[0]-l.a[0]), l.a[1] + share*(l.b[1]-l.a[1])}
	bow := w.lane * math.Sin(math.Pi*share) * min(1, math.Hypot(l.b[0]-l.a[0], l.b[1]-l.a[1])/2)
	sin, cos := math.Sincos(l.heading)
	return [2]float64{p[0] - bow*sin, p[1] + bow*cos}, true
}

// heading returns where the walker looks, turned in a quarter of a second.
func (w *walker) heading(t float64) float64 {
	i := w.on(t)
	now := w.legs[i].heading
	if i == 0 {
		return now
	}
	turn := math.Remainder(now-w.legs[i-1].heading, 2*math.Pi)
	return now - turn*(1-smooth(0, 0.3, t-w.legs[i].from))
}

func smooth(lo, hi, v float64) float64 {
	t := max(0, min(1, (v-lo)/(hi-lo)))
	return t * t * (3 - 2*t)
}

// ease starts and ends at rest.
func ease(t float64) float64 {
	t = max(0, min(1, t))
	return t * t * t * (10 + t*(6*t-15))
}

// A Pose is how a person is in one frame.
type Pose struct {
	Who     int
	Name    string
	Visit   string
	Staff   bool
	Look    int
	Floor   [2]float64
	Heading float64 // radians
	Height  float64
	// Stride is how far apart the feet are, -1 to 1; 0 standing.
	Stride float64
	// Hand is where the reaching hand is; Reach how far it is out, 0 to 1.
	Hand  Vec
	Reach float64
	// Left says that it is the left hand.
	Left bool
	// Held are the pieces in it, with their feet and turns.
	Held []Stand
	// Bag is how many pieces are in the bag.
	Bag int
}

// bodyRadius is half the room that somebody takes.
const bodyRadius = 0.24

// Poses returns everybody who is to be seen in frame n.
func (s *Stage) Poses(n int) []Pose {
	t := float64(n) / float64(s.FPS)
	var poses []Pose
	for _, w := range s.people {
		if w.inside(t) {
			poses = append(poses, s.pose(w, n, t))
		}
	}
	// Who walks gives way to whom is near.
	for i, p := range poses {
		at, walking := s.people[p.Who].base(t)
		if !walking {
			continue
		}
		for _, o := range poses {
			if o.Who == p.Who {
				continue
			}
			other, _ := s.people[o.Who].base(t)
			dx, dy := at[0]-other[0], at[1]-other[1]
			far := math.Hypot(dx, dy)
			if room := 2.2 * bodyRadius; far < room && far > 1e-6 {
				poses[i].Floor[0] += dx / far * (room - far)
				poses[i].Floor[1] += dy / far * (room - far)
			}
		}
		push := Vec{poses[i].Floor[0] - at[0], poses[i].Floor[1] - at[1], 0}
		poses[i].Hand = poses[i].Hand.Add(push)
		for j := range poses[i].Held {
			poses[i].Held[j].Foot = poses[i].Held[j].Foot.Add(push)
		}
	}
	return poses
}

func (s *Stage) pose(w *walker, n int, t float64) Pose {
	at, walking := w.base(t)
	p := Pose{
		Who: w.index, Name: w.Name, Visit: s.visitOf(w), Staff: w.staff, Look: w.Look,
		Floor: at, Heading: w.heading(t), Height: w.height,
	}
	if walking {
		p.Stride = math.Sin(2 * math.Pi * t * 0.85 * w.speed)
	}
	for _, b := range w.bagged {
		switch {
		case b.frame <= n && b.in:
			p.Bag++
		case b.frame <= n:
			p.Bag--
		}
	}
	p.Hand = p.rest(0.12)
	for _, g := range w.gestures {
		if g.Start <= n && n <= g.End {
			s.gesticulate(&p, g, float64(n))
		}
	}
	return p
}

// visitOf returns the visit of a shopper; staff has none.
func (s *Stage) visitOf(w *walker) string {
	if w.staff {
		return ""
	}
	return s.Parties[w.party].Visit
}

// rest is where a hand is that does nothing, ahead of the body by so much.
func (p Pose) rest(ahead float64) Vec {
	sin, cos := math.Sincos(p.Heading)
	side := 0.2
	if p.Left {
		side = -0.2
	}
	return Vec{p.Floor[0] + ahead*cos + side*sin, p.Floor[1] + ahead*sin - side*cos, 0.48*p.Height + 0.6*ahead}
}

// gesticulate puts the hand where a gesture has it in frame n, and into it
// what it holds.
func (s *Stage) gesticulate(p *Pose, g *Gesture, n float64) {
	sin, cos := math.Sincos(p.Heading)
	rx, ry := sin, -cos // to the right
	p.Left = (g.Grip[0]-p.Floor[0])*rx+(g.Grip[1]-p.Floor[1])*ry < 0
	at, rest := float64(g.At), p.rest(0.34)
	carrying := g.Event == truth.Take && n >= at || g.Event == truth.Put && n < at
	switch pause := 0.12 * float64(s.FPS); {
	case g.Event == truth.Take && n >= at-1: // lifts off in the frame of the take
		p.Reach = 1 - ease((n-at+0.55)/(float64(g.End)-at+0.55))
	case n < at:
		p.Reach = ease((n - float64(g.Start)) / max(1, at-pause-float64(g.Start)))
	case n > float64(g.Release):
		p.Reach = 1 - ease((n-float64(g.Release))/float64(g.End-g.Release))
	default:
		p.Reach = 1
	}
	p.Hand = rest.To(g.Grip, p.Reach)
	p.Hand[2] += 0.10*math.Sin(math.Pi*p.Reach) + s.lift(g, n)
	sec := n / float64(s.FPS)
	p.Hand = p.Hand.Add(Vec{0.004 * math.Sin(7*sec+float64(g.Who)), 0.004 * math.Sin(6*sec), 0.003 * math.Sin(9*sec)})
	if !carrying {
		return
	}
	for i, x := range g.Pieces {
		p.Held = append(p.Held, Stand{
			Piece: x, Shelf: g.Shelf, Slot: g.Slot, Foot: g.Feet[i].Add(p.Hand.Sub(g.Grip)), Turn: g.Turns[i],
		})
	}
}

// lift is how far above the board a carried thing is: two centimetres in the
// frame of a take and the one before a put.
func (s *Stage) lift(g *Gesture, n float64) float64 {
	d := (n - float64(g.At)) / float64(s.FPS)
	switch {
	case g.Event == truth.Take && d >= 0:
		return 0.02 + 0.05*smooth(0, 0.25, d)
	case g.Event == truth.Put && d < 0:
		return 0.02 + 0.05*smooth(0, 0.25, -d)
	case g.Event == truth.Tidy && d >= 0 && n <= float64(g.Release):
		return 0.004 * math.Sin(8*d)
	}
	return 0
}
