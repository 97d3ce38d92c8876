package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/render/film"
	"github.com/vouchledger/vouch/vision/render/random"
	"github.com/vouchledger/vouch/vision/render/shop"
)

// A View draws the frames of one camera. It is not for several goroutines;
// several views may draw one stage.
type View struct {
	stage  *shop.Stage
	camera shop.Camera
	lens   shop.Lens // into the picture with its margin
	margin int       // pixels around the picture, for a shake

	bare    picture // the room with nothing in it to buy
	still   picture // and what stands on the shelves
	stillAt []*shop.Stand
	patches map[*shop.Stand]*patch
	now     picture // and who moves
	film    film.Film
	stream  uint64 // of the noise
	scale   float64
}

// A picture is packed blue, green, red, and how far away each pixel is.
type picture struct {
	w, h  int
	pix   []uint8
	depth []float32
}

func newPicture(w, h int) picture {
	return picture{w, h, make([]uint8, 3*w*h), make([]float32, w*h)}
}

func (p picture) copy(o picture) { copy(p.pix, o.pix); copy(p.depth, o.depth) }

// New prepares what a camera of a stage sees.
func New(stage *shop.Stage, camera string) (*View, error) {
	i := slices.IndexFunc(stage.Cameras, func(c shop.Camera) bool { return c.Name == camera })
	if i < 0 {
		return nil, fmt.Errorf("%w: there is no camera %q", shop.ErrScenario, camera)
	}
	c := stage.Cameras[i]
	v := &View{stage: stage, camera: c, stream: uint64(10 + i), scale: float64(c.Width) / 640} //nolint:gosec // few
	if slices.ContainsFunc(stage.Troubles, func(t shop.Trouble) bool { return t.What == shop.Shake }) {
		v.margin = int(math.Ceil(6 * v.scale))
	}
	v.lens = c.Lens()
	v.lens.MiddleX += float64(v.margin)
	v.lens.Middle += float64(v.margin)
	w, h := c.Width+2*v.margin, c.Height+2*v.margin
	v.bare, v.still, v.now = newPicture(w, h), newPicture(w, h), newPicture(w, h)
	v.patches = map[*shop.Stand]*patch{}
	v.room()
	v.film = film.New(stage.Seed+v.stream, stage.Noise)
	return v, nil
}

// Camera returns what is drawn.
func (v *View) Camera() shop.Camera { return v.camera }

// Frames returns how many frames there are.
func (v *View) Frames() int { return v.stage.Frames() }

// Frame draws frame n into dst as packed blue-green-red bytes; dst has room
// for width x height x 3.
func (v *View) Frame(n int, dst []byte) {
	if len(dst) != 3*v.camera.Width*v.camera.Height {
		panic(fmt.Sprintf("view: %d bytes for a frame of %d x %d", len(dst), v.camera.Width, v.camera.Height))
	}
	v.settle(n)
	v.now.copy(v.still)
	v.people(n)
	v.develop(n, dst)
}

// settle draws the shelves as they are in frame n, if they are not drawn
// already.
func (v *View) settle(n int) {
	var all []*shop.Stand
	for i, sh := range v.stage.Shelves {
		if v.camera.Kind == shop.OnShelf && v.camera.Shelf != sh.Name && v.hides(sh) {
			continue
		}
		all = append(all, v.stage.Standing(i, n)...)
	}
	if v.stillAt != nil && slices.Equal(all, v.stillAt) {
		return
	}
	v.still.copy(v.bare)
	for _, st := range all {
		v.shade(v.still, st.Foot, 0.75*st.Piece.Product.Width, 0.55)
	}
	far := func(s *shop.Stand) float64 { return s.Foot.Sub(v.lens.At).Dot(v.lens.Forward) }
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b *shop.Stand) int { return cmp.Compare(far(b), far(a)) })
	kept := make(map[*shop.Stand]*patch, len(sorted))
	for _, st := range sorted {
		p := v.patches[st]
		if p == nil {
			p = v.patch(st)
		}
		kept[st] = p
		v.still.lay(p)
	}
	v.patches = kept
	v.stillAt = all
	if all == nil {
		v.stillAt = []*shop.Stand{}
	}
}

// hides reports whether nothing of a shelf can be in the picture.
func (v *View) hides(sh shop.Shelf) bool {
	for _, along := range []float64{-sh.Width / 2, 0, sh.Width / 2} {
		for _, in := range []float64{0, shop.BoardDepth} {
			x, y, _, ok := v.lens.Project(sh.Point(along, in, shop.BoardHeight))
			if ok && x > -40 && y > -80 && x < float64(v.bare.w)+40 && y < float64(v.bare.h)+80 {
				return false
			}
		}
	}
	return true
}

// develop cuts the picture out, moved by what shakes the camera, and puts
// light and noise on it.
func (v *View) develop(n int, dst []byte) {
	w, h := v.camera.Width, v.camera.Height
	dx, dy := v.stage.Shift(n)
	if dx == 0 && dy == 0 {
		for y := range h {
			from := 3 * ((y+v.margin)*v.now.w + v.margin)
			copy(dst[3*y*w:3*(y+1)*w], v.now.pix[from:])
		}
	} else {
		v.shifted(dst, float64(v.margin)-dx*v.scale, float64(v.margin)-dy*v.scale)
	}
	r, g, b := v.stage.Light(n)
	v.film.Develop(dst, w, film.Soft(film.Gains{b, g, r}), random.New(v.stage.Seed+uint64(n), v.stream)) //nolint:gosec // n counts from 0
}

// shifted samples the picture between its pixels.
func (v *View) shifted(dst []byte, x0, y0 float64) {
	w, h, row := v.camera.Width, v.camera.Height, 3*v.now.w
	ix, iy := int(math.Floor(x0)), int(math.Floor(y0))
	fx, fy := int(256*(x0-float64(ix))), int(256*(y0-float64(iy)))
	k00, k10, k01, k11 := (256-fx)*(256-fy), fx*(256-fy), (256-fx)*fy, fx*fy
	for y := range h {
		src := v.now.pix[3*((y+iy)*v.now.w+ix):]
		out := dst[3*y*w : 3*(y+1)*w]
		for i := range out {
			sum := k00*int(src[i]) + k10*int(src[i+3]) + k01*int(src[i+row]) + k11*int(src[i+row+3])
			out[i] = uint8(sum >> 16) //nolint:gosec // a mean of bytes
		}
	}
}
