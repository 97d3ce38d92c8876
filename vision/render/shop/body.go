package shop

import "math"

// A Part says what of a person a limb is.
type Part int

// The parts, from the ground up.
const (
	Shoe Part = iota
	Shin
	Thigh
	Torso
	UpperArm
	Forearm
	Hand
	Neck
	Head
	Hair
	Bag
)

// A Limb is a tapered rod with round ends: all that a person is made of.
type Limb struct {
	Part   Part
	A, B   Vec
	RA, RB float64
}

// Limbs returns the body of a person in a pose.
func (p Pose) Limbs() []Limb {
	sin, cos := math.Sincos(p.Heading)
	h := p.Height / 1.75
	// at is a place of the body: right of its middle, ahead of it, and high.
	at := func(right, ahead, high float64) Vec {
		return Vec{p.Floor[0] + right*sin + ahead*cos, p.Floor[1] - right*cos + ahead*sin, high * h}
	}
	lean := 0.09 * p.Reach
	limbs := make([]Limb, 0, 18)
	add := func(part Part, a, b Vec, ra, rb float64) {
		limbs = append(limbs, Limb{part, a, b, ra, rb})
	}
	for _, side := range []float64{1, -1} {
		step := 0.24 * p.Stride * side
		lift := 0.07 * max(0, step*4) * math.Abs(p.Stride)
		foot := at(0.1*side, step, 0.07+lift)
		hip := at(0.09*side, 0, 0.88)
		knee := at(0.1*side, 0.55*step+0.03, 0.48)
		add(Shoe, at(0.1*side, step-0.05, 0.05+lift), at(0.11*side, step+0.12, 0.045+lift), 0.055, 0.045)
		add(Shin, foot, knee, 0.05, 0.065)
		add(Thigh, knee, hip, 0.072, 0.10)
	}
	add(Torso, at(0.09, lean*0.1, 0.93), at(0.13, lean, 1.36), 0.115, 0.105)
	add(Torso, at(-0.09, lean*0.1, 0.93), at(-0.13, lean, 1.36), 0.115, 0.105)
	add(Torso, at(0, lean*0.1, 0.92), at(0, lean, 1.36), 0.13, 0.13)
	for _, side := range []float64{1, -1} {
		shoulder := at(0.19*side, lean, 1.38)
		hand := at(0.25*side, 0.05-0.16*p.Stride*side, 0.80)
		if (side < 0) == p.Left && p.Reach > 0 {
			hand = at(0.25*side, 0.05, 0.80).To(p.Hand, min(1, 4*p.Reach))
		} else if side < 0 && p.Bag > 0 && !p.Left { // the bag hangs from the left arm
			hand = at(-0.26, 0.03, 0.78)
			add(Bag, at(-0.29, 0.03, 0.42), at(-0.29, 0.03, 0.56), 0.10, 0.08)
		}
		arm(add, shoulder, hand, at(0.05*side, -0.06, 0).Sub(at(0, 0, 0)))
	}
	add(Neck, at(0, lean, 1.44), at(0, lean+0.01, 1.52), 0.06, 0.055)
	add(Head, at(0, lean+0.03, 1.60), at(0, lean+0.03, 1.65), 0.085, 0.09)
	add(Hair, at(0, lean-0.005, 1.635), at(0, lean+0.005, 1.665), 0.085, 0.092)
	return limbs
}

// arm bends an arm at the elbow: down and outwards.
func arm(add func(part Part, a, b Vec, ra, rb float64), shoulder, hand, out Vec) {
	way := hand.Sub(shoulder)
	long := max(1e-6, way.Len())
	bend := 0.0
	if half := 0.30; long < 2*half {
		bend = math.Sqrt(half*half - long*long/4)
	}
	down := Vec{0, 0, -1}.Sub(way.Times(-way[2] / (long * long))).Add(out.Times(4))
	elbow := shoulder.To(hand, 0.5).Add(down.Times(bend / max(0.2, down.Len())))
	wrist := elbow.To(hand, 1-0.07/max(0.1, hand.Sub(elbow).Len()))
	add(UpperArm, shoulder, elbow, 0.062, 0.05)
	add(Forearm, elbow, wrist, 0.046, 0.032)
	add(Hand, wrist, hand, 0.032, 0.040)
	fingers(add, wrist, hand)
}

// fingers are bent around what the hand holds.
func fingers(add func(part Part, a, b Vec, ra, rb float64), wrist, hand Vec) {
	ahead := hand.Sub(wrist).Unit()
	side := ahead.Cross(Vec{0, 0, 1})
	if side.Len() < 0.1 { // a hand that hangs down
		side = Vec{0, 1, 0}
	}
	side = side.Unit()
	for i, long := range []float64{0.055, 0.066, 0.07, 0.06} {
		root := hand.Add(side.Times(0.027 - 0.018*float64(i))).Add(ahead.Times(0.015))
		add(Hand, root, root.Add(ahead.Times(long)).Add(Vec{0, 0, -0.02}), 0.0125, 0.0095)
	}
	thumb := hand.Add(side.Times(-0.036))
	add(Hand, thumb, thumb.Add(ahead.Times(0.04)).Add(side.Times(-0.018)), 0.014, 0.0105)
}
