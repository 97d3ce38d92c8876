package track

// walking is how fast the velocity of a person in a shop changes: the
// density of random acceleration, in m²/s³. At 0.5 a second of blindness
// leaves 0.7 m/s of doubt about the speed.
const walking = 0.5

// strolling bounds the doubt about a velocity, in (m/s)²: who has been out of
// sight for long walks at a person's speed, not at a car's.
const strolling = 1.2 * 1.2

// A motion is a Kalman filter with constant velocity and random acceleration
// (Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking
// and Navigation, 6.2.2), x and y apart: gaps of any length are one step.
type motion struct {
	x, y axis
}

// An axis is position and velocity with their covariance.
type axis struct {
	p, v       float64
	pp, pv, vv float64
}

func newMotion(at Point, s spread) motion {
	return motion{
		x: axis{p: at.X, pp: s.xx, vv: strolling},
		y: axis{p: at.Y, pp: s.yy, vv: strolling},
	}
}

// after returns the motion dt seconds later, unseen.
func (m motion) after(dt float64) motion {
	if dt <= 0 {
		return m
	}
	return motion{m.x.after(dt), m.y.after(dt)}
}

// forget is the time in seconds after which nobody keeps a direction: shops
// are full of corners. Without it a track that was lost at walking speed would
// be looked for in the street.
const forget = 2.0

func (a axis) after(dt float64) axis {
	// The part of the way that a velocity explains fades with time.
	t := dt
	if t > forget {
		t = forget
	}
	n := axis{
		p: a.p + a.v*t, v: a.v,
		pp: a.pp + 2*t*a.pv + t*t*a.vv + walking*t*t*t/3,
		pv: a.pv + t*a.vv + walking*t*t/2,
		vv: a.vv + walking*t,
	}
	if rest := dt - t; rest > 0 {
		// Beyond that, a walk without direction.
		n.v, n.pv = 0, 0
		n.pp += strolling * rest * forget
		n.vv = strolling
	}
	if n.vv > strolling {
		n.pv *= strolling / n.vv
		n.vv = strolling
	}
	return n
}

// see corrects the motion by a measurement.
func (m motion) see(at Point, s spread) motion {
	return motion{m.x.see(at.X, s.xx), m.y.see(at.Y, s.yy)}
}

func (a axis) see(z, r float64) axis {
	s := a.pp + r
	kp, kv := a.pp/s, a.pv/s
	d := z - a.p
	return axis{
		p: a.p + kp*d, v: a.v + kv*d,
		pp: (1 - kp) * a.pp, pv: (1 - kp) * a.pv, vv: a.vv - kv*a.pv,
	}
}

func (m motion) at() Point { return Point{m.x.p, m.y.p} }

func (m motion) spread() spread { return spread{xx: m.x.pp, yy: m.y.pp} }
