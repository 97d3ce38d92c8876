package recognise

import (
	"fmt"
	"math"
)

// What a kind of numbers counts beside the others, as shares of what makes two
// pictures alike. They, the bend of colours, the layers of networks and the ridge
// of the classifier were chosen on the Grocery Store Dataset's train list alone:
// of each product the pictures least like the rest were held out. They are not
// chosen anew for each shop.
const (
	colourShare  = 1.5
	textureShare = 0.25
	patchShare   = 0.6
	networkShare = 0.7 // each
)

const (
	colourWidth  = 3*(hsvBins+labBins) + 4*hsvBins
	textureWidth = 2 * (1 + textureGrid*textureGrid) * lbpBins
	plainWidth   = bentWidth + textureWidth + wordCount*axes
)

// describe returns all numbers of a picture, those of networks last and as
// the networks give them.
func (m *Model) describe(p Picture, networks []Network) ([]float32, error) {
	x := make([]float32, 0, m.width())
	colour, texture := colours(p), textures(p)
	unit(colour)
	unit(texture)
	for _, block := range []struct {
		v     []float32
		share float64
	}{{bent(colour), colourShare}, {texture, textureShare}, {m.words.aggregate(p), patchShare}} {
		scale(block.v, m.weight(block.share))
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

// weight is what a part that is one long is multiplied with, so that all parts
// together are one long.
func (h *Header) weight(share float64) float32 {
	return float32(math.Sqrt(share / (colourShare + textureShare + patchShare + networkShare*float64(len(h.Networks)))))
}

// level gives each number of a network the same weight: less its mean, by its
// spread, and each network one long before its share.
func (m *Model) level(x []float32) {
	at := plainWidth
	for i := range m.centre {
		x[at+i] = (x[at+i] - m.centre[i]) * m.spread[i]
	}
	for _, net := range m.Networks {
		part := x[at : at+net.Numbers]
		unit(part)
		scale(part, m.weight(networkShare))
		at += net.Numbers
	}
}
