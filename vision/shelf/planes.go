package shelf

// planes is one small picture as the monitor looks at it: brightness, fine
// structure (brightness less its surroundings) and two colour differences.
// Fine structure and colour survive a change of exposure and the soft shadow
// of an arm, which plain brightness does not.
type planes struct {
	luma, fine, blue, red []uint8
}

func newPlanes(n int) planes {
	b := make([]uint8, 4*n)
	return planes{luma: b[:n:n], fine: b[n : 2*n : 2*n], blue: b[2*n : 3*n : 3*n], red: b[3*n:]}
}

// spreading returns the planes of which a reference keeps the neighbourhoods.
func (p planes) spreading() [3][]uint8 { return [3][]uint8{p.fine, p.blue, p.red} }

// middle is the value of a plane where there is no structure or colour.
const middle = 128

// clamp8 keeps a value inside a byte.
func clamp8(v int) uint8 {
	if uint(v) > 255 {
		if v < 0 {
			return 0
		}
		return 255
	}
	return uint8(v) //nolint:gosec // just checked
}

// light is how the exposure and white balance of a frame differ from the
// reference: gain in 1/1024, colour shifts in steps of a plane.
type light struct {
	gain, blue, red int
}

// unit is the gain that changes nothing.
const unit = 1024

// builder turns packed blue-green-red bytes into planes, reusing its memory.
type builder struct {
	w, h   int
	column []int32 // running sums of the rows in the window, one a column
	prefix []int32
}

// blurRadius is half the window that counts as "surroundings". At 320 pixels
// a bottle is about 35 wide: the window sees its edges and label, not the
// whole body against the wall.
const blurRadius = 7

func newBuilder(w, h int) *builder {
	return &builder{w: w, h: h, column: make([]int32, w), prefix: make([]int32, w+1)}
}

// colours fills luma, blue and red from the packed bytes.
func (b *builder) colours(p planes, bgr []byte) {
	luma := p.luma
	blue, red := p.blue[:len(luma)], p.red[:len(luma)]
	for i := range luma {
		if len(bgr) < 3 {
			return
		}
		bl, gr, re := int(bgr[0]), int(bgr[1]), int(bgr[2])
		bgr = bgr[3:]
		luma[i] = uint8((bl + 2*gr + re) >> 2) //nolint:gosec // a mean of bytes is a byte
		blue[i] = uint8((bl - gr + 256) >> 1)  //nolint:gosec // half of 1..511
		red[i] = uint8((re - gr + 256) >> 1)   //nolint:gosec // half of 1..511
	}
}

// correct takes the light out of the colour planes and computes the fine
// structure at the reference's exposure.
func (b *builder) correct(p planes, l light) {
	b.structure(p, l.gain)
	if l == (light{gain: unit}) {
		return // there is nothing to take out
	}
	var luma, blue, red [256]uint8
	for v := range blue {
		luma[v] = clamp8(v * unit / l.gain)
		blue[v] = clamp8(middle + (v-middle-l.blue)*unit/l.gain)
		red[v] = clamp8(middle + (v-middle-l.red)*unit/l.gain)
	}
	n := len(p.luma)
	ls, bs, rs := p.luma[:n], p.blue[:n], p.red[:n]
	for i := range n {
		ls[i], bs[i], rs[i] = luma[ls[i]], blue[bs[i]], red[rs[i]]
	}
}

// structure subtracts the mean of the surroundings by running sums.
func (b *builder) structure(p planes, gain int) {
	w, h := b.w, b.h
	clear(b.column)
	for y := range min(blurRadius, h) {
		for x, v := range p.luma[y*w : y*w+w] {
			b.column[x] += int32(v)
		}
	}
	scale := unit * unit / gain
	for y := range h {
		b.slide(p, y)
		rows := min(h, y+blurRadius+1) - max(0, y-blurRadius)
		b.row(p, y, rows, scale)
	}
}

// slide moves the window of the columns to row y.
func (b *builder) slide(p planes, y int) {
	w, in, out := b.w, y+blurRadius, y-blurRadius-1
	column := b.column[:w]
	switch {
	case in < b.h && out >= 0:
		come, gone := p.luma[in*w:][:w], p.luma[out*w:][:w]
		for x := range column {
			column[x] += int32(come[x]) - int32(gone[x])
		}
	case in < b.h:
		for x, v := range p.luma[in*w:][:w] {
			column[x] += int32(v)
		}
	case out >= 0:
		for x, v := range p.luma[out*w:][:w] {
			column[x] -= int32(v)
		}
	}
}

func (b *builder) row(p planes, y, rows, scale int) {
	w := b.w
	sum := int32(0)
	for x, v := range b.column {
		sum += v
		b.prefix[x+1] = sum
	}
	luma, fine := p.luma[y*w:y*w+w], p.fine[y*w:y*w+w]
	edge := func(x int) {
		lo, hi := max(0, x-blurRadius), min(w, x+blurRadius+1)
		mean := int(b.prefix[hi]-b.prefix[lo]) * scale / (rows * (hi - lo))
		fine[x] = clamp8(middle + (int(luma[x])*scale-mean)>>10)
	}
	inner := max(0, w-2*blurRadius)
	for x := range min(w, blurRadius) {
		edge(x)
	}
	for x := blurRadius + inner; x < w; x++ {
		edge(x)
	}
	if inner == 0 {
		return
	}
	// The inner columns all have the same window, so one reciprocal does.
	recip := scale * unit / (rows * (2*blurRadius + 1))
	from, to := b.prefix[:inner], b.prefix[2*blurRadius+1:][:inner]
	in, out := luma[blurRadius:][:inner], fine[blurRadius:][:inner]
	for x := range out {
		mean := int(to[x]-from[x]) * recip >> 10
		out[x] = clamp8(middle + (int(in[x])*scale-mean)>>10)
	}
}
