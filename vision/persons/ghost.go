package persons

const (
	// restful is for how many seconds most of a box must not have changed
	// before it may be a ghost, and most how much of it.
	restful, mostly = 1.0, 0.8
	// fainter is below which share of the empty picture's edges along the
	// outline the picture's are those of a ghost.
	fainter = 0.6
)

// exorcise makes part of the empty picture what only looks like somebody
// because somebody stood there when it was taken: the outline then has its
// edges in the empty picture and not in this one. It reports whether it was so.
func (g *ground) exorcise(pixels []int) bool {
	n, rested, now, before := 0, 0, 0.0, 0.0
	for _, i := range pixels {
		if g.mask[i] != solid {
			continue
		}
		n++
		if g.stable[i] >= g.frames(restful) {
			rested++
		}
		x, y := i%g.w, i/g.w
		for _, d := range [4][2]int{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
			nx, ny := x+d[0], y+d[1]
			if nx < 0 || ny < 0 || nx >= g.w || ny >= g.h || g.mask[ny*g.w+nx] != empty {
				continue
			}
			j := ny*g.w + nx
			for c := range 3 {
				now += float64(abs(int(g.now[3*i+c]) - int(g.now[3*j+c])))
				before += float64(abs(int(g.mean[3*i+c]) - int(g.mean[3*j+c])))
			}
		}
	}
	if float64(rested) < mostly*float64(n) || now >= fainter*before {
		return false
	}
	for _, i := range pixels {
		if g.mask[i] != empty {
			g.take(i)
		}
	}
	return true
}
