//go:build opencv

package cv

import (
	"fmt"
	"math"
	"slices"
	"strings"

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

// NewEmbedder loads a network and looks at the named layers once; without any
// it takes what the network answers. Each layer must give numbers, or planes,
// one a channel. A node of an ONNX file goes by its own name too.
func NewEmbedder(m Model, layers []string) (*Embedder, error) {
	l, err := m.load()
	if err != nil {
		return nil, err
	}
	e := &Embedder{loaded: l}
	if len(layers) == 0 {
		e.layers, err = outputNames(l.network, l.config)
	} else {
		e.layers, err = l.resolve(layers)
	}
	if err != nil {
		return nil, err
	}
	if err := tryLayers(l.network, l.config, l.side, e.layers); err != nil {
		return nil, err
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

// resolve returns the names that OpenCV has for layers.
func (l loaded) resolve(layers []string) ([]string, error) {
	known, err := layerNames(l.network, l.config)
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(layers))
	for _, name := range layers {
		at := slices.IndexFunc([]string{"", "onnx_node!", "onnx_node_output_0!"}, func(prefix string) bool {
			return slices.Contains(known, prefix+name)
		})
		if at < 0 {
			return nil, fmt.Errorf("%w: no layer %q in %s; its last are %s", ErrModel, name, base(l.network),
				strings.Join(known[max(0, len(known)-5):], ", "))
		}
		out = append(out, []string{"", "onnx_node!", "onnx_node_output_0!"}[at]+name)
	}
	return out, nil
}

// Size returns how many numbers a picture gives.
func (e *Embedder) Size() int { return e.size }

// Layers returns the names of the layers that are looked at.
func (e *Embedder) Layers() []string { return e.layers }

// Embed returns, for each layer, its numbers, or the mean, the largest value and
// the spread of each of its planes.
func (e *Embedder) Embed(f *Frame) ([]float32, error) { return e.embed(f.mat) }

func (e *Embedder) embed(m gocv.Mat) ([]float32, error) {
	blob := e.blob(m)
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
		switch {
		case err == nil && len(size) == 2 && size[0] == 1 && size[1] > 0, err == nil && len(size) == 4 && size[0] == 1 && size[1] > 0 && size[2]*size[3] == 1:
			v = append(v, data...)
		case err == nil && len(size) == 4 && size[0] == 1 && size[2]*size[3] > 1:
			v = planes(v, data, size[2]*size[3])
		default:
			return nil, fmt.Errorf("%w: layer %s gives %v, want 1 x numbers or 1 x planes x rows x columns", ErrModel, e.layers[i], size)
		}
	}
	return v, nil
}

// planes appends the means of planes, then their largest values, then how far
// their values spread. How much a plane varies tells as much as how strong it
// is: it is what the picture's texture does there.
func planes(v, data []float32, each int) []float32 {
	var most, spread []float32
	for ; len(data) >= each; data = data[each:] {
		sum, square, top := 0.0, 0.0, float32(math.Inf(-1))
		for _, x := range data[:each] {
			sum += float64(x)
			square += float64(x) * float64(x)
			top = max(top, x)
		}
		mean := sum / float64(each)
		v, most = append(v, float32(mean)), append(most, top)
		spread = append(spread, float32(math.Sqrt(max(0, square/float64(each)-mean*mean))))
	}
	return append(append(v, most...), spread...)
}

// Close gives the network's memory back.
func (e *Embedder) Close() error { return e.net.Close() }
