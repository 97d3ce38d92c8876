// Package network lets a recogniser look through a network's inner layers. It
// joins model files with OpenCV; the recogniser itself needs none.
package network

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/models"
	"github.com/vouchledger/vouch/vision/recognise"
)

// Files returns a declared model's files as OpenCV is given them.
func Files(m models.Manifest) cv.Model {
	return cv.Model{
		Config: m.Path("config"), Weights: m.Path("weights"), ONNX: m.Path("onnx"), Prototxt: m.Path("prototxt"),
		Caffe: m.Path("caffe"), Names: m.Path("names"), Label: m.Label(),
		Side: m.Input.Side, Scale: m.Input.Scale, Mean: m.Input.Mean, Std: m.Input.Std, Order: m.Input.Order,
	}
}

// eye is a loaded network.
type eye struct{ embedder *cv.Embedder }

// Numbers implements recognise.Network.
func (e eye) Numbers(p recognise.Picture) ([]float32, error) {
	f, err := cv.NewFrame(p.W, p.H, p.BGR())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return e.embedder.Embed(f)
}

// Add loads the network of a manifest for training: its files go into the
// model that is trained. The answer gives its memory back.
func Add(set *recognise.Settings, path string) (func(), error) {
	m, err := models.Load(path)
	if err != nil {
		return nil, err
	}
	h := recognise.NetworkHeader{
		Name: m.Name, Version: m.Version, Licence: m.Licence, Format: string(m.Format),
		Side: m.Input.Side, Scale: m.Input.Scale, Mean: m.Input.Mean, Std: m.Input.Std, Order: m.Input.Order,
	}
	e, err := cv.NewEmbedder(Files(m), m.Layers)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	h.Layers, h.Numbers = e.Layers(), e.Size()
	for _, name := range m.Names() {
		b, err := os.ReadFile(m.Path(name))
		if err != nil {
			_ = e.Close()
			return nil, err
		}
		h.Files = append(h.Files, recognise.File{Name: name, SHA256: m.Files[name].SHA256, Bytes: len(b)})
		set.Files = append(set.Files, b)
	}
	set.Described, set.Networks = append(set.Described, h), append(set.Networks, eye{e})
	return func() { _ = e.Close() }, nil
}

// Recogniser is a recogniser with its networks; Close it.
type Recogniser struct {
	*recognise.Recogniser
	embedders []*cv.Embedder
}

// Open reads a recogniser's model file and loads the networks in it.
func Open(path string) (*Recogniser, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	m, err := recognise.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r := &Recogniser{}
	var networks []recognise.Network
	for i := range m.Networks {
		e, err := load(m, i)
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r.embedders, networks = append(r.embedders, e), append(networks, eye{e})
	}
	if r.Recogniser, err = recognise.New(m, networks...); err != nil {
		r.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// load writes a network's files for OpenCV, which reads files only as well as
// it reads bytes and says more about what is wrong with them.
func load(m *recognise.Model, n int) (*cv.Embedder, error) {
	h := m.Networks[n]
	dir, err := os.MkdirTemp("", "vouch-network")
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", h.Name, err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	// OpenCV tells the kinds of files by their endings.
	endings := map[string]string{
		"config": ".cfg", "weights": ".weights", "onnx": ".onnx", "prototxt": ".prototxt", "caffe": ".caffemodel",
	}
	files := map[string]string{}
	for i, f := range h.Files {
		ending, ok := endings[f.Name]
		if !ok {
			return nil, fmt.Errorf("%w: network %s has a file %q", recognise.ErrModel, h.Name, f.Name)
		}
		files[f.Name] = filepath.Join(dir, "network"+ending)
		if err := os.WriteFile(files[f.Name], m.NetworkFile(n, i), 0o600); err != nil {
			return nil, fmt.Errorf("network %s: %w", h.Name, err)
		}
	}
	e, err := cv.NewEmbedder(cv.Model{
		Config: files["config"], Weights: files["weights"], ONNX: files["onnx"], Prototxt: files["prototxt"],
		Caffe: files["caffe"], Side: h.Side, Scale: h.Scale, Mean: h.Mean, Std: h.Std, Order: h.Order,
	}, h.Layers)
	if err != nil {
		return nil, fmt.Errorf("network %s: %w", h.Name, err)
	}
	if e.Size() != h.Numbers {
		_ = e.Close()
		return nil, fmt.Errorf("network %s: %w: %d numbers where %d are due", h.Name, recognise.ErrShape, e.Size(), h.Numbers)
	}
	return e, nil
}

// Close gives the networks' memory back.
func (r *Recogniser) Close() {
	for _, e := range r.embedders {
		_ = e.Close()
	}
}
