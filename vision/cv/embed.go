//go:build opencv

package cv

import (
	"fmt"
	"image"
	"math"
	"slices"

	"gocv.io/x/gocv"
)

// Embedder returns what inner layers of a network see in a picture: a
// classifier for other classes than the network's own can be trained on it.
type Embedder struct {
	loaded
	net    gocv.Net
	layers []string
	size   int
}

// NewEmbedder loads a network and looks at the named layers once. Each must
// give planes, one a channel.
func NewEmbedder(m Model, layers []string) (*Embedder, error) {
	l, err := m.load()
	if err != nil {
		return nil, err
	}
	e := &Embedder{loaded: l, layers: layers}
	known, err := layerNames(l.network, l.config)
	if err != nil {
		return nil, err
	}
	if len(layers) == 0 {
		return nil, fmt.Errorf("%w: no layer to look at is named", ErrModel)
	}
	for _, name := range layers {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("%w: no layer %q in %s", ErrModel, name, l.network)
		}
	}
	e.net = gocv.ReadNet(l.network, l.config)
	black := gocv.NewMatWithSize(e.side, e.side, gocv.MatTypeCV8UC3)
	defer black.Close()
	v, err := e.embed(black)
	if err != nil {
		_ = e.net.Close()
		return nil, err
	}
	e.size = len(v)
	return e, nil
}

// Size returns how many numbers a picture gives.
func (e *Embedder) Size() int { return e.size }

// Embed returns, for each layer, the mean and the largest value of each of
// its planes.
func (e *Embedder) Embed(f *Frame) ([]float32, error) { return e.embed(f.mat) }

func (e *Embedder) embed(m gocv.Mat) ([]float32, error) {
	blob := gocv.BlobFromImage(m, e.scale, image.Pt(e.side, e.side), e.scalar(), e.swap, false)
	defer blob.Close()
	e.net.SetInput(blob, "")
	outs := e.net.ForwardLayers(e.layers)
	defer func() {
		for _, o := range outs {
			_ = o.Close()
		}
	}()
	var v []float32
	for i, o := range outs {
		size := o.Size()
		data, err := o.DataPtrFloat32()
		if err != nil || len(size) != 4 || size[0] != 1 || size[2]*size[3] == 0 {
			return nil, fmt.Errorf("%w: layer %s gives %v, want 1 x planes x rows x columns", ErrModel, e.layers[i], size)
		}
		v = planes(v, data, size[2]*size[3])
	}
	return v, nil
}

// planes appends the means and then the largest values of planes.
func planes(v, data []float32, each int) []float32 {
	var most []float32
	for ; len(data) >= each; data = data[each:] {
		sum, top := float32(0), float32(math.Inf(-1))
		for _, x := range data[:each] {
			sum += x
			top = max(top, x)
		}
		v = append(v, sum/float32(each))
		most = append(most, top)
	}
	return append(v, most...)
}

// Close gives the network's memory back.
func (e *Embedder) Close() error { return e.net.Close() }
