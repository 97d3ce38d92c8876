package view

import (
	"cmp"
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/render/random"
	"github.com/vouchledger/vouch/vision/render/shop"
)

// A look is what somebody wears and how they look.
type look struct {
	skin, hair, top, trousers, shoes, bag rgb
	pattern                               int     // of the top
	sleeve                                float64 // how far sleeves reach, 0 to 1 along the forearm
	seed                                  int
}

var (
	skins  = []rgb{hex(0xe8b896), hex(0xd69f7e), hex(0xb97f5c), hex(0x8d5a3c), hex(0x5f3b28), hex(0xf0c8ac)}
	hairs  = []rgb{hex(0x2a1d14), hex(0x5b3a1e), hex(0x1a1a1c), hex(0x8a6a3a), hex(0x9a9a98), hex(0xb5562a)}
	tops   = []rgb{hex(0xb3312c), hex(0x2f5f9e), hex(0x3f7d45), hex(0xd9b23a), hex(0xe8e6e0), hex(0x2c2c31), hex(0x7a4a86), hex(0xd67a34), hex(0x58a6a6), hex(0xc98a9a), hex(0x6b5a45), hex(0x8896a5)}
	cloths = []rgb{hex(0x2d3a55), hex(0x26262a), hex(0x6e6250), hex(0x4a4f55), hex(0x8a8f94), hex(0x3f4a38)}
)

// lookOf returns a look by its number.
func lookOf(number int) look {
	if number == shop.StaffLook {
		return look{
			skin: skins[1], hair: hairs[0], top: hex(0x2f6f6a), trousers: cloths[1], shoes: hex(0x202022), bag: hex(0x2f6f6a),
			pattern: 3, sleeve: 0.1, seed: 1,
		}
	}
	r := random.New(uint64(number), 31) //nolint:gosec // any number will do
	return look{
		skin: skins[r.Intn(len(skins))], hair: hairs[r.Intn(len(hairs))],
		top: tops[(5*number+r.Intn(2))%len(tops)], trousers: cloths[r.Intn(len(cloths))],
		shoes:   []rgb{hex(0x202022), hex(0xe0ddd6), hex(0x6b4a30)}[r.Intn(3)],
		bag:     []rgb{hex(0xd8c7a0), hex(0x3d5a80), hex(0x9c3d3d), hex(0x4b5a3f)}[r.Intn(4)],
		pattern: r.Intn(3), sleeve: []float64{0, 0.9, 1}[r.Intn(3)], seed: number,
	}
}

// people draws who is to be seen in frame n, and what they carry.
func (v *View) people(n int) {
	poses := v.stage.Poses(n)
	for _, p := range poses {
		v.shade(v.now, shop.Vec{p.Floor[0], p.Floor[1], 0}, 0.5, 0.4)
		if p.Reach > 0.3 {
			over := p.Hand
			over[2] = shop.BoardHeight
			v.shade(v.now, over, 0.16, 0.45*p.Reach)
		}
	}
	for _, p := range poses {
		v.person(p)
	}
}

// A rod is a limb in the picture.
type rod struct {
	ax, ay, ar, az float64
	bx, by, br, bz float64
	limb           shop.Limb
}

func (v *View) person(p shop.Pose) {
	var rods []rod
	for _, l := range p.Limbs() {
		ax, ay, az, ok := v.lens.Project(l.A)
		bx, by, bz, okToo := v.lens.Project(l.B)
		if !ok || !okToo || az < 0.12 || bz < 0.12 {
			continue
		}
		r := rod{ax, ay, l.RA * v.lens.Focal / az, az, bx, by, l.RB * v.lens.Focal / bz, bz, l}
		wide := max(r.ar, r.br)
		if max(ax, bx)+wide < 0 || max(ay, by)+wide < 0 ||
			min(ax, bx)-wide > float64(v.now.w) || min(ay, by)-wide > float64(v.now.h) {
			continue
		}
		rods = append(rods, r)
	}
	slices.SortStableFunc(rods, func(a, b rod) int { return cmp.Compare(b.az+b.bz, a.az+a.bz) })
	look := lookOf(p.Look)
	held := false
	for _, r := range rods {
		if r.limb.Part == shop.Hand && !held && len(p.Held) > 0 && r.limb.B.Sub(p.Hand).Len() < 0.02 {
			for i := range p.Held {
				v.now.lay(v.patch(&p.Held[i]))
			}
			held = true
		}
		v.rod(r, look, p)
	}
	if !held {
		for i := range p.Held {
			v.now.lay(v.patch(&p.Held[i]))
		}
	}
}

// rod paints a limb as if it were round, where nothing nearer is.
func (v *View) rod(r rod, l look, p shop.Pose) {
	wide := max(r.ar, r.br) + 1
	dx, dy := r.bx-r.ax, r.by-r.ay
	long := max(1e-6, dx*dx+dy*dy)
	length := math.Sqrt(long)
	up := shop.Vec{v.lens.Right[2], v.lens.Down[2], -v.lens.Forward[2]} // where above is, as the camera sees it
	x0, x1 := max(0, int(min(r.ax, r.bx)-wide)), min(v.now.w, int(max(r.ax, r.bx)+wide)+1)
	y0, y1 := max(0, int(min(r.ay, r.by)-wide)), min(v.now.h, int(max(r.ay, r.by)+wide)+1)
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			px, py := float64(x)+0.5, float64(y)+0.5
			t := max(0, min(1, ((px-r.ax)*dx+(py-r.ay)*dy)/long))
			rad := r.ar + (r.br-r.ar)*t
			ox, oy := px-r.ax-t*dx, py-r.ay-t*dy
			d := ox*ox + oy*oy
			if d > (rad+0.5)*(rad+0.5) {
				continue
			}
			cover := min(1, rad-math.Sqrt(d)+0.5)
			if cover <= 0 {
				continue
			}
			nx, ny := ox/rad, oy/rad
			nz := math.Sqrt(max(0, 1-nx*nx-ny*ny))
			depth := r.az + (r.bz-r.az)*t - (r.limb.RA+(r.limb.RB-r.limb.RA)*t)*nz
			i := y*v.now.w + x
			if float32(depth) >= v.now.depth[i] {
				continue
			}
			light := 0.50 + 0.34*max(0, nx*up[0]+ny*up[1]+nz*up[2]) + 0.22*nz
			c := l.at(r.limb.Part, t, (dx*oy-dy*ox)/length/rad, p).times(light * (1 - 0.18*smooth(0.75, 1, 1-nz)))
			v.now.blend(i, c, cover)
			if cover >= 0.5 {
				v.now.depth[i] = float32(depth)
			}
		}
	}
}

// at is the colour of a limb at a place along it and across it.
func (l look) at(part shop.Part, along, across float64, p shop.Pose) rgb {
	fold := 1 + 0.05*math.Sin(along*19+3*across) + 0.04*math.Sin(along*41-2*across)
	switch part {
	case shop.Shoe:
		return l.shoes
	case shop.Shin, shop.Thigh:
		return l.trousers.times(fold)
	case shop.Torso:
		return l.cloth(along, across).times(fold)
	case shop.UpperArm:
		return l.cloth(along*0.5+0.2, across).times(fold)
	case shop.Forearm:
		if along < l.sleeve {
			return l.cloth(along*0.5, across).times(fold * (1 - 0.2*bump(along, l.sleeve, 0.05)))
		}
		return l.skin
	case shop.Hand:
		finger := 0.0
		if p.Reach > 0 {
			finger = 0.18 * smooth(0.4, 0.7, along) * (0.5 + 0.5*math.Cos(across*9))
		}
		return l.skin.to(l.skin.times(0.75), finger)
	case shop.Neck, shop.Head:
		return l.skin
	case shop.Hair:
		return l.hair.times(0.85 + 0.4*random.SmoothGrain(across*9+20, along*3, l.seed))
	case shop.Bag:
		return l.bag.times(fold)
	}
	panic("view: a part without a colour")
}

// cloth is the top's pattern.
func (l look) cloth(along, across float64) rgb {
	switch l.pattern {
	case 1:
		return l.top.to(white, 0.75*smooth(0.2, 0.4, math.Sin(along*38)))
	case 2:
		return l.top.to(black, 0.35*smooth(0, 0.3, math.Sin(along*30))+0.2*smooth(0, 0.3, math.Sin(across*9)))
	case 3: // the shop's own
		return l.top.to(hex(0xf0b429), band(along, 0.55, 0.68, 0.02))
	}
	return l.top
}
