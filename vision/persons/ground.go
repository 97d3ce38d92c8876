package persons

import (
	"math"
	"slices"
)

// What a pixel of the small picture is.
const (
	empty = iota // as without anybody
	shade        // the same in another light, or something grey
	solid        // something else
)

const (
	// smallWidth is about how wide the small picture is that is compared: a
	// person is some 15 pixels wide in it, and noise is averaged away.
	smallWidth = 170
	// slack is how far in grey levels a pixel may be off what it and its
	// neighbours are without anybody, besides what it usually trembles by and a
	// share of what light and exposure moved: a white shirt before a white floor
	// is not more, and how a lamp moves each colour is known about.
	slack    = 4
	trembles = 2.5
	misled   = 0.15
	// darkest to brightest is how much light a shadow leaves, tinged by how much
	// the colours may be darkened unequally.
	darkest, brightest, tinged = 0.5, 0.97, 0.07
	// uneven is by how much a shadow may darken two pixels beside each other
	// unequally: checks and folds of cloth do it more.
	uneven = 0.1
	// learns is the share of a new picture in the empty one.
	learns = 0.03
	// rangesEvery is how many pictures apart the ranges of neighbours are
	// taken anew.
	rangesEvery = 6
	// flooded is the share of the picture above which something happened to
	// the camera and not in the shop, and relearn for how many seconds.
	flooded = 0.7
	relearn = 1.0
)

// ground is the picture without anybody, and what differs from it now.
type ground struct {
	w, h, k int // of the small picture, and how many pixels one of it is wide
	rate    float64

	now     []uint8           // blue, green, red
	mean    []float32         // without anybody
	dev     []float32         // how much a pixel trembles
	lo, hi  []float32         // of a pixel's neighbourhood
	moved   [3][tones]float32 // by light and exposure, for each tone of each channel
	undone  [3][256]float32   // what is seen, without that
	left    []float32         // how much light a shade leaves
	covered []bool            // by a person, a moment ago
	mask    []uint8
	clean   []uint8

	kept   []uint8 // what differs, as it was first seen
	stable []int32 // and for how many pictures it has been so
	seen   int
	flood  int
}

func newGround(w, h int, rate float64) *ground {
	k := max(1, int(math.Round(float64(w)/smallWidth)))
	g := &ground{w: w / k, h: h / k, k: k, rate: rate}
	n := g.w * g.h
	g.now, g.kept = make([]uint8, 3*n), make([]uint8, 3*n)
	g.mean, g.lo, g.hi = make([]float32, 3*n), make([]float32, 3*n), make([]float32, 3*n)
	g.covered, g.left = make([]bool, n), make([]float32, n)
	g.dev, g.mask, g.clean, g.stable = make([]float32, n), make([]uint8, n), make([]uint8, n), make([]int32, n)
	return g
}

// frames returns how many pictures so many seconds are.
func (g *ground) frames(seconds float64) int32 { return int32(max(1, seconds*g.rate)) }

// shrink averages k x k pixels into one.
func (g *ground) shrink(bgr []byte, width int) {
	k, area := g.k, g.k*g.k
	row := make([]int, 3*g.w)
	for y := range g.h {
		clear(row)
		for dy := range k {
			src := bgr[3*width*(y*k+dy):]
			for x := range g.w {
				b, gr, r := 0, 0, 0
				for p := src[3*k*x : 3*k*(x+1)]; len(p) >= 3; p = p[3:] {
					b, gr, r = b+int(p[0]), gr+int(p[1]), r+int(p[2])
				}
				row[3*x], row[3*x+1], row[3*x+2] = row[3*x]+b, row[3*x+1]+gr, row[3*x+2]+r
			}
		}
		for i, v := range row {
			g.now[3*y*g.w+i] = uint8(v / area) //nolint:gosec // a mean of bytes
		}
	}
}

// look compares a picture with the empty one.
func (g *ground) look(bgr []byte, width int) {
	g.shrink(bgr, width)
	if g.seen == 0 {
		g.begin()
	}
	if g.seen%rangesEvery == 0 {
		g.ranges()
	}
	g.seen++
	g.expose()
	g.undo()
	for i := range g.mask {
		g.mask[i] = g.judge(i)
	}
	g.tidy()
}

// begin takes the picture for the empty one.
func (g *ground) begin() {
	for i, v := range g.now {
		g.mean[i] = float32(v)
	}
	clear(g.dev)
	clear(g.stable)
	clear(g.mask)
	clear(g.covered)
	g.moved = [3][tones]float32{}
}

// ranges takes what is darkest and brightest around each pixel: a camera that
// trembles by a pixel shows nothing new.
func (g *ground) ranges() {
	for y := range g.h {
		for x := range g.w {
			for c := range 3 {
				lo, hi := float32(255), float32(0)
				for ny := max(0, y-1); ny <= min(g.h-1, y+1); ny++ {
					for nx := max(0, x-1); nx <= min(g.w-1, x+1); nx++ {
						v := g.mean[3*(ny*g.w+nx)+c]
						lo, hi = min(lo, v), max(hi, v)
					}
				}
				g.lo[3*(y*g.w+x)+c], g.hi[3*(y*g.w+x)+c] = lo, hi
			}
		}
	}
}

// tones is how many steps of brightness light and exposure are found for: a
// camera that opens its iris moves dark and bright parts by different amounts.
const tones = 8

// expose finds by how much light and exposure moved each brightness of the
// picture: the median of what no person covered a moment ago.
func (g *ground) expose() {
	for c := range 3 {
		var moved [tones][256]int
		var n [tones]int
		for i := c; i < len(g.now); i += 3 * 3 {
			if g.covered[i/3] {
				continue
			}
			d := int(g.now[i]) - int(g.mean[i]+0.5)
			if d < -100 || d > 100 {
				continue
			}
			t := int(g.mean[i]) * tones / 256
			moved[t][d+128]++
			n[t]++
		}
		// A tone that hardly occurs moves as the nearest that does.
		last, enough := -1, len(g.mask)/3/50
		for t := range tones {
			if n[t] < enough {
				continue
			}
			g.moved[c][t] = float32(median(&moved[t], n[t]))
			for u := last + 1; u < t; u++ {
				from := t
				if last >= 0 && u-last < t-u {
					from = last
				}
				g.moved[c][u] = g.moved[c][from]
			}
			last = t
		}
		for u := last + 1; u < tones && last >= 0; u++ {
			g.moved[c][u] = g.moved[c][last]
		}
	}
}

func median(counts *[256]int, n int) int {
	sum := 0
	for d, k := range counts {
		if sum += k; 2*sum >= n {
			return d - 128
		}
	}
	return 0
}

// undo makes the table that takes what is seen back to the light at which the
// empty picture was taken.
func (g *ground) undo() {
	for c := range g.undone {
		for now := range g.undone[c] {
			at := float32(now)*tones/256 - 0.5
			t := int(max(0, min(tones-2, at)))
			f := max(0, min(1, at-float32(t)))
			// What the dark is moved by is known from the bright only, if hardly
			// anything is dark: it may come out below black.
			g.undone[c][now] = max(0, min(255, float32(now)-(g.moved[c][t]*(1-f)+g.moved[c][t+1]*f)))
		}
	}
}

// usual returns channel c of pixel i as it would be in the light at which the
// empty picture was taken.
func (g *ground) usual(i, c int) float32 { return g.undone[c][g.now[3*i+c]] }

// judge says what pixel i is.
func (g *ground) judge(i int) uint8 {
	tol, out := float32(slack+trembles*g.dev[i]), float32(0)
	for c := range 3 {
		v := g.usual(i, c)
		moved := misled * max(v-float32(g.now[3*i+c]), float32(g.now[3*i+c])-v)
		out = max(out, g.lo[3*i+c]-v-moved, v-g.hi[3*i+c]-moved)
	}
	if out <= tol {
		return empty
	}
	sum, least, most := 0.0, math.Inf(1), 0.0
	for c := range 3 {
		r := (float64(g.usual(i, c)) + 4) / (float64(g.mean[3*i+c]) + 4)
		sum, least, most = sum+r/3, min(least, r), max(most, r)
	}
	if sum >= darkest && sum <= brightest && most-least <= tinged {
		g.left[i] = float32(sum)
		return shade
	}
	return solid
}

// patterned reports whether a shade is too uneven for a shadow.
func (g *ground) patterned(i int) bool {
	for _, j := range [4]int{i - g.w, i + g.w, i - 1, i + 1} {
		if d := g.left[i] - g.left[j]; g.mask[j] == shade && (d > uneven || d < -uneven) {
			return true
		}
	}
	return false
}

// tidy fills holes and takes lone pixels away.
func (g *ground) tidy() {
	copy(g.clean, g.mask)
	for y := 1; y < g.h-1; y++ {
		for i := y*g.w + 1; i < (y+1)*g.w-1; i++ {
			if g.mask[i] == shade && g.patterned(i) {
				g.clean[i] = solid
			}
		}
	}
	copy(g.mask, g.clean)
	for y := 1; y < g.h-1; y++ {
		for x := 1; x < g.w-1; x++ {
			i := y*g.w + x
			n := 0
			for dy := -g.w; dy <= g.w; dy += g.w {
				for dx := -1; dx <= 1; dx++ {
					if g.mask[i+dy+dx] == solid {
						n++
					}
				}
			}
			switch {
			case g.mask[i] == solid && n <= 3:
				g.clean[i] = empty
			case g.mask[i] != solid && n >= 6:
				g.clean[i] = solid
			}
		}
	}
	g.mask, g.clean = g.clean, g.mask
}

const (
	// stillThing and stillPerson are how many seconds something that does not
	// change becomes part of the empty shop after.
	stillThing, stillPerson = 5.0, 90.0
	// still is how far in grey levels it may change meanwhile.
	still = 10
)

// spread marks what hangs together with a person as theirs: an outline is
// usual, and arms, bags and legs that look like a shadow are not.
func (g *ground) spread(person []bool) {
	var stack []int
	for i, p := range person {
		if p && g.mask[i] != empty {
			stack = append(stack, i)
		}
	}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		x := i % g.w
		for _, j := range [4]int{i - g.w, i + g.w, i - 1, i + 1} {
			if j < 0 || j >= len(g.mask) || (j == i-1 && x == 0) || (j == i+1 && x == g.w-1) {
				continue
			}
			if !person[j] && g.mask[j] != empty {
				person[j] = true
				stack = append(stack, j)
			}
		}
	}
}

// learn moves the empty picture on. person says which pixels are persons'.
func (g *ground) learn(person []bool) {
	copy(g.covered, person)
	g.settle()
	n, somebody := 0, slices.Contains(person, true)
	for i, m := range g.mask {
		if m == solid {
			n++
		}
		if m == empty {
			g.stable[i] = 0
			if !somebody || !g.beside(person, i) {
				g.follow(i)
			}
			continue
		}
		far := 0
		for c := range 3 {
			far = max(far, abs(int(g.now[3*i+c])-int(g.kept[3*i+c])))
		}
		if g.stable[i] == 0 || far > still {
			copy(g.kept[3*i:3*i+3], g.now[3*i:3*i+3])
			g.stable[i] = 0
		}
		g.stable[i]++
		limit := stillThing
		if person[i] {
			limit = stillPerson
		}
		if g.stable[i] > g.frames(limit) {
			g.take(i)
		}
	}
	if float64(n) > flooded*float64(len(g.mask)) {
		g.flood++
	} else {
		g.flood = 0
	}
	if int32(g.flood) > g.frames(relearn) { //nolint:gosec // seconds
		g.begin()
		g.flood = 0
	}
}

// beside reports whether a pixel is a person's or within two of one. What there
// seems empty is not learned: dark trousers before a dark table leg would
// become part of it, and then what is beside them, and so on.
func (g *ground) beside(person []bool, i int) bool {
	x, y := i%g.w, i/g.w
	for ny := max(0, y-2); ny <= min(g.h-1, y+2); ny++ {
		for nx := max(0, x-2); nx <= min(g.w-1, x+2); nx++ {
			if person[ny*g.w+nx] {
				return true
			}
		}
	}
	return false
}

// settles is the share of the light's move that becomes the empty picture's own
// in each picture.
const settles = 0.004

// settle lets light that stays become that of the empty picture. Only the two
// together are seen: without it one creeps away from the other for as long as
// the camera runs.
func (g *ground) settle() {
	for i, v := range g.mean {
		c := i % 3
		t := int(v) * tones / 256
		g.mean[i] = max(0, min(255, v+settles*g.moved[c][t]))
	}
}

// follow learns a pixel that is empty. At first it learns as fast as a mean.
func (g *ground) follow(i int) {
	share := float32(max(learns, 1/float64(g.seen+1)))
	far := float32(0)
	for c := range 3 {
		d := g.usual(i, c) - g.mean[3*i+c]
		g.mean[3*i+c] += share * d
		far = max(far, d, -d)
	}
	g.dev[i] += learns * (min(far, 8) - g.dev[i])
}

// take makes what is seen now part of the empty picture.
func (g *ground) take(i int) {
	for c := range 3 {
		g.mean[3*i+c] = g.usual(i, c)
	}
	g.stable[i], g.mask[i] = 0, empty
}

func abs(v int) int {
	if v < 0 {
		return -v
	}
	return v
}
