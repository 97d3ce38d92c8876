package blur

import "image"

const (
	// cell is the side of the squares in which pictures are compared.
	cell = 16
	// apart is from which mean difference of a value on a square has changed:
	// above the noise of a camera and below the cloth of any sleeve.
	apart = 10
	// least is how many squares a moving thing has.
	least = 3
)

// Moving returns the upper parts of what differs between a picture and the same
// view at rest. It stands in where nothing looks for faces: whoever moves has a
// head, and it is up.
func Moving(bgr, rest []byte, w, h int) []image.Rectangle {
	cols, rows := (w+cell-1)/cell, (h+cell-1)/cell
	changed := make([]bool, cols*rows)
	for i := range changed {
		r := image.Rect(i%cols*cell, i/cols*cell, i%cols*cell+cell, i/cols*cell+cell).Intersect(image.Rect(0, 0, w, h))
		changed[i] = differs(bgr, rest, w, r)
	}
	var all []image.Rectangle
	for i := range changed {
		if !changed[i] {
			continue
		}
		if r, n := flood(changed, cols, rows, i); n >= least {
			r = image.Rect(r.Min.X*cell, r.Min.Y*cell, r.Max.X*cell, r.Max.Y*cell)
			all = append(all, upper(r).Intersect(image.Rect(0, 0, w, h)))
		}
	}
	return all
}

func differs(a, b []byte, w int, r image.Rectangle) bool {
	sum := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for i := (y*w + r.Min.X) * 3; i < (y*w+r.Max.X)*3; i++ {
			d := int(a[i]) - int(b[i])
			sum += max(d, -d)
		}
	}
	return sum > apart*3*r.Dx()*r.Dy()
}

// flood takes a connected part out of the map and returns its place in it and
// how many squares it had.
func flood(changed []bool, cols, rows, from int) (r image.Rectangle, n int) {
	for todo := []int{from}; len(todo) > 0; {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !changed[i] {
			continue
		}
		changed[i] = false
		n++
		x, y := i%cols, i/cols
		r = r.Union(image.Rect(x, y, x+1, y+1))
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				if nx, ny := x+dx, y+dy; nx >= 0 && ny >= 0 && nx < cols && ny < rows && changed[ny*cols+nx] {
					todo = append(todo, ny*cols+nx)
				}
			}
		}
	}
	return r, n
}
