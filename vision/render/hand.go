package render

import (
	"math"

	"github.com/vouchledger/vouch/vision/render/random"
)

// A grip is what a hand does.
type grip int

const (
	open   grip = iota // reaching out, fingers spread
	closed             // around a thing
)

// An armLook is how one person's arm looks.
type armLook struct {
	skin, sleeve rgb
	stripes      float64 // how visible the cloth's stripes are
	cuff         float64 // where the sleeve ends, along the forearm from the wrist
}

var skins = []rgb{hex(0xe8b896), hex(0xd69f7e), hex(0xb97f5c), hex(0x8d5a3c), hex(0x5f3b28), hex(0xf0c8ac)}

var cloths = []rgb{hex(0x2f4a6d), hex(0x6d2f36), hex(0x3b3b40), hex(0x4f6b4a), hex(0x8b7a5e), hex(0xc9c4b8)}

func randomArm(r *random.PCG) armLook {
	return armLook{
		skin: skins[r.Intn(len(skins))], sleeve: cloths[r.Intn(len(cloths))],
		stripes: r.Between(0, 0.25), cuff: r.Between(18, 74),
	}
}

// arm paints an arm whose hand is at the anchor. The arm comes from the
// direction angle (0: from the right, Pi/2: from below) and is long enough to
// leave the picture.
func (l armLook) arm(g grip, angle, scale float64) *sprite {
	const reach = 400.0
	side := int(2*(reach+60)*scale) + 2
	c := newCanvas(side, side)
	mid := float64(side) / 2
	cos, sin := math.Cos(angle), math.Sin(angle)
	mirror := 1.0
	if cos < 0 { // a left hand comes from the left
		mirror = -1
	}
	// at turns the hand's own coordinates (out along the arm, across it) into
	// those of the canvas.
	at := func(out, across float64) (x, y float64) {
		across *= mirror
		return mid + scale*(out*cos-across*sin), mid + scale*(out*sin+across*cos)
	}
	rod := func(o1, a1, r1, o2, a2, r2 float64, col func(along, across float64) rgb) {
		x1, y1 := at(o1, a1)
		x2, y2 := at(o2, a2)
		c.limb(limb{x1, y1, r1 * scale, x2, y2, r2 * scale}, col)
	}
	l.forearm(rod, reach)
	l.hand(rod, g)
	return c.sprite(int(mid), int(mid))
}

type rodPainter func(o1, a1, r1, o2, a2, r2 float64, col func(along, across float64) rgb)

// forearm paints skin from the wrist on and a sleeve over most of it.
func (l armLook) forearm(rod rodPainter, reach float64) {
	rod(62, 3, 17, 230, 18, 27, func(along, across float64) rgb {
		vein := 0.04 * math.Sin(across*7+along*9)
		return l.skin.times(1+vein).to(hex(0xc0705a), 0.10*along)
	})
	rod(62+l.cuff, 4, 27, reach, 42, 52, func(along, across float64) rgb {
		fold := 0.10*math.Sin(along*34+2*across) + 0.06*math.Sin(along*90-3*across)
		weave := l.stripes * math.Sin(across*16)
		cuff := 1 - 0.25*bump(along, 0.028, 0.006)
		return l.sleeve.times((1 + fold + weave) * cuff)
	})
}

// hand paints the back of a hand, the fingers one after the other so that
// each throws a dark line on the one before.
func (l armLook) hand(rod rodPainter, g grip) {
	skin := func(red float64) func(along, across float64) rgb {
		return func(along, across float64) rgb {
			col := l.skin.to(l.skin.times(0.86).to(hex(0xc25f4c), 0.35), red*along)
			return col.times(1 - 0.05*bump(along, 0.45, 0.07))
		}
	}
	tip := func(along, across float64) rgb {
		col := l.skin.to(l.skin.times(0.9).to(hex(0xd0705c), 0.4), 0.5*along)
		nail := bump(along, 0.82, 0.16) * bump(across, 0, 0.55)
		return col.to(hex(0xf5d9cc), 0.55*smooth(0.3, 0.8, nail))
	}
	// Thumb, on the near side.
	if g == closed {
		rod(44, -15, 12, 20, -29, 10, skin(0.3))
		rod(20, -29, 10, -4, -29, 8, tip)
	} else {
		rod(44, -15, 12, 24, -34, 9.5, skin(0.3))
		rod(24, -34, 9.5, 3, -43, 7.5, tip)
	}
	// The back of the hand.
	rod(92, 5, 16.5, 34, 0, 23, skin(0.2))
	rod(38, -7, 16, 17, -8, 14, skin(0.3))
	rod(38, 9, 16, 17, 10, 13, skin(0.3))
	rod(46, 2, 20, 20, 1, 18, skin(0.3))
	// Fingers from the little one to the first.
	for i := 3; i >= 0; i-- {
		a := -15.5 + 10.5*float64(i)
		long := []float64{0.95, 1.05, 1, 0.8}[i]
		if g == closed { // bent around the thing
			rod(16, a, 8.2, -6*long, a+2, 7.6, skin(0.4))
			rod(-6*long, a+2, 7.6, -15*long, a+8, 6.6, tip)
			continue
		}
		spread := 1 + 0.35*float64(i)/3
		rod(16, a, 8, -14*long, a*spread*1.05, 7, skin(0.35))
		rod(-14*long, a*spread*1.05, 7, -38*long, a*spread*1.15+3, 5.6, tip)
	}
}

// person paints a shopper from behind who walks past close to the camera, out
// of focus. The anchor is between the shoulders.
func (l armLook) person(scale float64, seed int) *sprite {
	w, h := int(330*scale), int(480*scale)
	c := newCanvas(w, h)
	k, mx, top := scale, float64(w)/2, 120*scale
	hair := []rgb{hex(0x2a1d14), hex(0x5b3a1e), hex(0x1a1a1c), hex(0x8a6a3a)}[seed&3]
	for _, side := range []float64{-1, 1} { // shoulders and upper arms
		upper := limb{mx + side*74*k, top + 62*k, 46 * k, mx + side*92*k, top + 330*k, 36 * k}
		c.limb(upper, func(along, across float64) rgb {
			return l.sleeve.times(0.95 + 0.05*math.Sin(along*21+across))
		})
		c.limb(limb{mx + side*18*k, top + 34*k, 32 * k, mx + side*78*k, top + 60*k, 42 * k}, func(_, _ float64) rgb {
			return l.sleeve
		})
	}
	c.panel(box{mx - 86*k, top + 44*k, mx + 86*k, float64(h)}, 44*k, func(x, y float64) rgb {
		t := (x - mx) / (86 * k)
		fold := 0.06*math.Sin(t*9+y/k/40) + 0.05*math.Sin(y/k/19+3*t)
		seam := 0.18 * bump(t, 0, 0.02)
		return l.sleeve.times((1 - 0.2*t*t) * (1 + fold - seam))
	})
	c.limb(limb{mx, top + 20*k, 27 * k, mx, top - 30*k, 25 * k}, func(_, _ float64) rgb { return l.skin.times(0.8) })
	c.limb(limb{mx, top - 44*k, 42 * k, mx, top - 64*k, 44 * k}, func(along, across float64) rgb {
		return hair.times(0.9 + 0.4*random.SmoothGrain(across*14, along*3, seed))
	})
	c.soften(max(1, int(3*k)))
	return c.sprite(int(mx), int(top))
}
