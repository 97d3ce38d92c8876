package recognise

// Texture by local binary patterns (Ojala, Pietikäinen, Mäenpää, IEEE TPAMI
// 24(7), 2002): each pixel is the pattern of which of its eight neighbours
// are brighter; patterns with at most two changes around the circle have a
// bin each, all others share one.
const lbpBins = 59

var uniform = func() (bin [256]int) {
	next := 0
	for p := range 256 {
		changes := 0
		for k := range 8 {
			if p>>k&1 != p>>((k+1)%8)&1 {
				changes++
			}
		}
		bin[p] = lbpBins - 1
		if changes <= 2 {
			bin[p], next = next, next+1
		}
	}
	return bin
}()

// textureSides are the shorter sides at which texture is looked at: the
// finer shows peel, the coarser shows print.
var textureSides = [2]int{128, 56}

// textureGrid is how many parts each side is cut into.
const textureGrid = 3

// textures returns for each scale a histogram of the whole and of each part.
func textures(p Picture) []float32 {
	const parts = 1 + textureGrid*textureGrid
	out := make([]float32, 0, len(textureSides)*parts*lbpBins)
	for _, side := range textureSides {
		g, w, h := grey(p.scaled(side))
		hist := make([]float32, parts*lbpBins)
		for y := 1; y < h-1; y++ {
			for x := 1; x < w-1; x++ {
				bin := uniform[pattern(g, y*w+x, w)]
				part := 1 + textureGrid*(y*textureGrid/h) + x*textureGrid/w
				hist[bin]++
				hist[part*lbpBins+bin]++
			}
		}
		for k := range parts {
			part := hist[k*lbpBins : (k+1)*lbpBins]
			root(part)
			if k > 0 {
				scale(part, 1.0/textureGrid)
			}
		}
		out = append(out, hist...)
	}
	return out
}

// pattern sets a bit for each neighbour, in order around the pixel, that is
// brighter by more than the camera's noise.
func pattern(g []float32, i, w int) int {
	const noise = 2
	c, p := g[i]+noise, 0
	for k, at := range [8]int{i - w - 1, i - w, i - w + 1, i + 1, i + w + 1, i + w, i + w - 1, i - 1} {
		if g[at] >= c {
			p |= 1 << k
		}
	}
	return p
}

func grey(p Picture) (g []float32, w, h int) {
	g = make([]float32, p.W*p.H)
	for i := range g {
		g[i] = 0.299*float32(p.RGB[3*i]) + 0.587*float32(p.RGB[3*i+1]) + 0.114*float32(p.RGB[3*i+2])
	}
	return g, p.W, p.H
}
