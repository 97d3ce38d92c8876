//go:build opencv

package cv

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"sort"
	"strings"

	"gocv.io/x/gocv"
)

const (
	// minScore throws away what no reading of a shelf would use.
	minScore = 0.15
	// overlapLimit is the usual limit above which two boxes of one class
	// are the same thing.
	overlapLimit = 0.45
)

// Detector finds things of known classes in a frame.
type Detector struct {
	loaded
	net   gocv.Net
	outs  []string
	names []string
	label string
}

// NewDetector loads a Darknet, ONNX or Caffe network and tries it once.
func NewDetector(m Model) (*Detector, error) {
	l, err := m.load()
	if err != nil {
		return nil, err
	}
	d := &Detector{loaded: l, label: m.Label}
	if d.label == "" {
		d.label = base(l.network)
	}
	if d.names, err = readNames(m.Names); err != nil {
		return nil, err
	}
	if d.outs, err = outputNames(l.network, l.config); err != nil {
		return nil, err
	}
	d.net = gocv.ReadNet(l.network, l.config)
	return d, d.checkClasses()
}

func base(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}

// cfgSide reads the input width a Darknet cfg asks for.
func cfgSide(path string, otherwise int) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return otherwise
	}
	for line := range strings.Lines(string(b)) {
		var side int
		if n, _ := fmt.Sscanf(strings.ReplaceAll(line, " ", ""), "width=%d", &side); n == 1 && side > 0 {
			return side
		}
	}
	return otherwise
}

func readNames(path string) ([]string, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: no list of its classes is named", ErrModel)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	defer f.Close()
	var names []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if t := strings.TrimSpace(s.Text()); t != "" {
			names = append(names, t)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%w: %s lists no class", ErrModel, path)
	}
	return names, nil
}

// Label names the model, to be recorded with what was detected: as the model
// says it is called, or else by the file name of the weights.
func (d *Detector) Label() string { return d.label }

// Names returns the classes the detector knows.
func (d *Detector) Names() []string { return d.names }

// checkClasses compares the network's outputs with the list of names: a list
// of another network would call every bottle a bird.
func (d *Detector) checkClasses() error {
	black := gocv.NewMatWithSize(d.side, d.side, gocv.MatTypeCV8UC3)
	defer black.Close()
	var err error
	for _, out := range d.forward(black) {
		if err == nil {
			err = d.checkOutput(out.Size())
		}
		_ = out.Close()
	}
	if err != nil {
		_ = d.net.Close()
	}
	return err
}

func (d *Detector) checkOutput(size []int) error {
	got := size[len(size)-1] - 5
	switch {
	case d.form == ssdForm && (len(size) != 4 || size[3] != ssdRow):
		return fmt.Errorf("%w: Caffe output of shape %v; SSD's 1 x 1 x boxes x %d is understood", ErrModel, size, ssdRow)
	case d.form == ssdForm:
		return nil // the classes are seen in each box
	case d.form == gridForm && len(size) != 4:
		return fmt.Errorf("%w: ONNX output of shape %v; FastestDet's 1 x (5+classes) x rows x columns is understood",
			ErrModel, size)
	case d.form == gridForm:
		got = size[1] - 5
	}
	if got != len(d.names) {
		return fmt.Errorf("%w: the network has %d classes, the list of names %d", ErrModel, got, len(d.names))
	}
	return nil
}

func (d *Detector) forward(m gocv.Mat) []gocv.Mat {
	blob := d.blob(m)
	defer blob.Close()
	d.net.SetInput(blob, "")
	return d.net.ForwardLayers(d.outs)
}

// Detect returns the boxes seen in the whole frame, the surest first.
func (d *Detector) Detect(f *Frame) ([]Box, error) {
	return d.DetectIn(f, image.Rect(0, 0, f.Width(), f.Height()))
}

// DetectIn looks at one part of the frame only. The part is grown to a
// square where the frame allows, because the networks were trained on
// pictures that keep their shape and are blind to squeezed bottles; what the
// frame lacks is filled with grey.
func (d *Detector) DetectIn(f *Frame, part image.Rectangle) ([]Box, error) {
	whole := image.Rect(0, 0, f.Width(), f.Height())
	part = square(part.Intersect(whole), whole)
	if part.Empty() {
		return nil, fmt.Errorf("%w: part outside the frame", ErrShape)
	}
	side := max(part.Dx(), part.Dy())
	crop := f.mat.Region(part)
	defer crop.Close()
	pad := gocv.NewMat()
	defer pad.Close()
	gocv.CopyMakeBorder(crop, &pad, 0, side-part.Dy(), 0, side-part.Dx(), gocv.BorderConstant,
		color.RGBA{R: 128, G: 128, B: 128})
	var found []Box
	var err error
	for _, out := range d.forward(pad) {
		if err == nil {
			found, err = d.read(found, out, side)
		}
		_ = out.Close()
	}
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Rect = found[i].Rect.Add(part.Min)
	}
	return suppress(found), nil
}

// read appends what one output says.
func (d *Detector) read(found []Box, out gocv.Mat, side int) ([]Box, error) {
	v, err := out.DataPtrFloat32()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	switch size := out.Size(); d.form {
	case gridForm:
		return d.readGrid(found, v, size[2], size[3], side), nil
	case ssdForm:
		return d.readSSD(found, v, side)
	case rowForm:
	}
	return d.readRows(found, v, side), nil
}

// ssdRow is what SSD says of a box: the picture, the class, the score, and
// the corners as shares of the picture.
const ssdRow = 7

func (d *Detector) readSSD(found []Box, v []float32, side int) ([]Box, error) {
	for ; len(v) >= ssdRow; v = v[ssdRow:] {
		class, score := int(v[1]), float64(v[2])
		if v[0] < 0 || score < minScore {
			continue
		}
		if class < 0 || class >= len(d.names) {
			return nil, fmt.Errorf("%w: the network sees class %d, the list of names has %d", ErrModel, class, len(d.names))
		}
		at := func(i int) int { return int(float64(v[i]) * float64(side)) }
		found = append(found, Box{Class: d.names[class], Score: score, Rect: image.Rect(at(3), at(4), at(5), at(6))})
	}
	return found, nil
}

// square grows part to a square as far as whole has room, keeping it in the
// middle.
func square(part, whole image.Rectangle) image.Rectangle {
	side := max(part.Dx(), part.Dy())
	grow := func(lo, hi, from, to int) (int, int) {
		lo -= (side - (hi - lo)) / 2
		lo = max(from, min(lo, to-side))
		return lo, min(lo+side, to)
	}
	part.Min.X, part.Max.X = grow(part.Min.X, part.Max.X, whole.Min.X, whole.Max.X)
	part.Min.Y, part.Max.Y = grow(part.Min.Y, part.Max.Y, whole.Min.Y, whole.Max.Y)
	return part
}

// readRows reads Darknet rows: centre, size, objectness, one score a class,
// all as shares of the picture.
func (d *Detector) readRows(found []Box, v []float32, side int) []Box {
	n := 5 + len(d.names)
	for ; len(v) >= n; v = v[n:] {
		class, score := best(v[5:n])
		if score < minScore {
			continue
		}
		found = append(found, d.box(class, score, [4]float64{
			float64(v[0]), float64(v[1]), float64(v[2]), float64(v[3]),
		}, side))
	}
	return found
}

// readGrid reads FastestDet's planes: objectness, centre offset, size, one
// score a class, for each cell of a grid.
func (d *Detector) readGrid(found []Box, v []float32, rows, cols, side int) []Box {
	plane := rows * cols
	scores := make([]float32, len(d.names))
	for i := range plane {
		for c := range scores {
			scores[c] = v[(5+c)*plane+i]
		}
		class, score := best(scores)
		score = math.Pow(float64(v[i]), 0.6) * math.Pow(score, 0.4)
		if score < minScore {
			continue
		}
		at := func(p int) float64 { return float64(v[p*plane+i]) }
		found = append(found, d.box(class, score, [4]float64{
			(float64(i%cols) + math.Tanh(at(1))) / float64(cols),
			(float64(i/cols) + math.Tanh(at(2))) / float64(rows),
			1 / (1 + math.Exp(-at(3))), 1 / (1 + math.Exp(-at(4))),
		}, side))
	}
	return found
}

func best(scores []float32) (class int, score float64) {
	for i, s := range scores {
		if float64(s) > score {
			class, score = i, float64(s)
		}
	}
	return class, score
}

func (d *Detector) box(class int, score float64, c [4]float64, side int) Box {
	w, h := float64(side), float64(side)
	return Box{Class: d.names[class], Score: score, Rect: image.Rect(
		int((c[0]-c[2]/2)*w), int((c[1]-c[3]/2)*h), int((c[0]+c[2]/2)*w), int((c[1]+c[3]/2)*h))}
}

// suppress keeps the surest of boxes that cover each other.
func suppress(boxes []Box) []Box {
	sort.SliceStable(boxes, func(i, j int) bool { return boxes[i].Score > boxes[j].Score })
	var kept []Box
next:
	for _, b := range boxes {
		for _, k := range kept {
			if k.Class == b.Class && overlap(k.Rect, b.Rect) > overlapLimit {
				continue next
			}
		}
		kept = append(kept, b)
	}
	return kept
}

func overlap(a, b image.Rectangle) float64 {
	in := a.Intersect(b)
	if in.Empty() {
		return 0
	}
	area := func(r image.Rectangle) float64 { return float64(r.Dx()) * float64(r.Dy()) }
	return area(in) / (area(a) + area(b) - area(in))
}

// Close gives the network's memory back.
func (d *Detector) Close() error { return d.net.Close() }
