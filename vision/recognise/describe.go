package recognise

import "fmt"

// What a block counts beside the others; found once, on the Grocery Store
// Dataset with its val list in sight, and not touched for each shop.
const (
	colourWeight  = 1
	textureWeight = 0.7
	patchWeight   = 4.5
	networkWeight = 3
)

const (
	colourWidth  = 3*(hsvBins+labBins) + 4*hsvBins
	textureWidth = 2 * (1 + textureGrid*textureGrid) * lbpBins
	plainWidth   = colourWidth + textureWidth + wordCount*axes
)

// describe returns all numbers of a picture, those of networks last and as
// the networks give them.
func (m *Model) describe(p Picture, networks []Network) ([]float32, error) {
	x := make([]float32, 0, plainWidth)
	for _, block := range []struct {
		v      []float32
		weight float32
	}{{colours(p), colourWeight}, {textures(p), textureWeight}, {m.words.aggregate(p), patchWeight}} {
		scale(block.v, block.weight)
		x = append(x, block.v...)
	}
	for i, n := range networks {
		v, err := n.Numbers(p)
		if err != nil {
			return nil, fmt.Errorf("network %d: %w", i+1, err)
		}
		x = append(x, v...)
	}
	if len(x) != m.width() {
		return nil, fmt.Errorf("%w: %d numbers where %d are due", ErrShape, len(x), m.width())
	}
	return x, nil
}

// level gives each number of a network the same weight: less its mean, by its
// spread, and each network one long in all.
func (m *Model) level(x []float32) {
	at := plainWidth
	for i := range m.centre {
		x[at+i] = (x[at+i] - m.centre[i]) * m.spread[i]
	}
	for _, net := range m.Networks {
		part := x[at : at+net.Numbers]
		unit(part)
		scale(part, networkWeight)
		at += net.Numbers
	}
}
