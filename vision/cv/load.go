//go:build opencv

package cv

import (
	"fmt"
	"image"
	"os"

	"gocv.io/x/gocv"
)

const (
	// darknetSide, onnxSide and caffeSide are the input sides that the small
	// detectors of each kind were trained with; Darknet's own cfg may say
	// otherwise and is asked.
	darknetSide = 320
	onnxSide    = 352
	caffeSide   = 300
)

// form is how a detector writes down what it saw.
type form int

const (
	rowForm  form = iota // Darknet: a row a box
	gridForm             // FastestDet: planes over a grid
	ssdForm              // Caffe's SSD: seven numbers a box
)

// loaded is a network whose files were tried once.
type loaded struct {
	network, config string
	form            form
	side            int
	scale           float64
	mean, std       [3]float64
	swap            bool // red, green, blue
}

// load checks which files are named, that they are there, and that OpenCV
// takes them.
func (m Model) load() (loaded, error) {
	l, err := m.files()
	if err != nil {
		return l, err
	}
	for _, f := range []string{l.network, l.config} {
		if _, err := os.Stat(f); err != nil && (f != "" || l.form != gridForm) {
			return l, fmt.Errorf("%w: %w", ErrModel, err)
		}
	}
	if l.form == rowForm {
		l.side = cfgSide(l.config, darknetSide)
	}
	if m.Side > 0 {
		l.side = m.Side
	}
	if m.Scale > 0 {
		l.scale = m.Scale
	}
	l.mean, l.std = m.Mean, m.Std
	if m.Order != "" {
		l.swap = m.Order == "rgb"
	}
	return l, tryNet(l.network, l.config, l.side)
}

func (m Model) files() (loaded, error) {
	pairs := 0
	for _, named := range []bool{m.Config != "" || m.Weights != "", m.ONNX != "", m.Prototxt != "" || m.Caffe != ""} {
		if named {
			pairs++
		}
	}
	switch {
	case pairs != 1:
		return loaded{}, fmt.Errorf("%w: give either a Darknet pair, an ONNX file or a Caffe pair", ErrModel)
	case m.ONNX != "":
		return loaded{network: m.ONNX, form: gridForm, side: onnxSide, scale: 1 / 255.0}, nil
	case m.Prototxt != "" || m.Caffe != "":
		return loaded{network: m.Caffe, config: m.Prototxt, form: ssdForm, side: caffeSide, scale: 1}, nil
	}
	return loaded{network: m.Weights, config: m.Config, form: rowForm, side: darknetSide, scale: 1 / 255.0, swap: true}, nil
}

// blob returns a picture as the network wants it. OpenCV takes the mean in the
// network's own order of channels.
func (l loaded) blob(m gocv.Mat) gocv.Mat {
	b := gocv.BlobFromImage(m, l.scale, image.Pt(l.side, l.side), gocv.NewScalar(l.mean[0], l.mean[1], l.mean[2], 0), l.swap, false)
	if l.std == ([3]float64{}) {
		return b
	}
	v, err := b.DataPtrFloat32()
	if err != nil {
		panic("cv: a blob is not of floats: " + err.Error()) // BlobFromImage makes no other
	}
	plane := len(v) / len(l.std)
	for c, by := range l.std {
		for i := range v[c*plane : (c+1)*plane] {
			v[c*plane+i] /= float32(by)
		}
	}
	return b
}
