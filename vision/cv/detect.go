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
	// darknetSide and onnxSide are the input sides the small detectors were
	// trained with; Darknet's own cfg may say otherwise and is asked.
	darknetSide = 320
	onnxSide    = 352
	// minScore throws away what no reading of a shelf would use.
	minScore = 0.15
	// overlapLimit is the usual limit above which two boxes of one class
	// are the same thing.
	overlapLimit = 0.45
)

// Detector finds things of known classes in a frame.
type Detector struct {
	net   gocv.Net
	outs  []string
	names []string
	side  int
	grid  bool
	label string
}

// NewDetector loads a Darknet or ONNX network and tries it once.
func NewDetector(m Model) (*Detector, error) {
	d := &Detector{side: darknetSide, label: base(m.Weights)}
	model, config := m.Weights, m.Config
	if m.ONNX != "" {
		if m.Config != "" || m.Weights != "" {
			return nil, fmt.Errorf("%w: give either a Darknet pair or an ONNX file", ErrModel)
		}
		d.side, d.grid, d.label = onnxSide, true, base(m.ONNX)
		model, config = m.ONNX, ""
	}
	files := []string{model, m.Names}
	if !d.grid {
		files = append(files, config)
	}
	for _, f := range files {
		if _, err := os.Stat(f); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrModel, err)
		}
	}
	if !d.grid {
		d.side = cfgSide(config, darknetSide)
	}
	var err error
	if d.names, err = readNames(m.Names); err != nil {
		return nil, err
	}
	if err := tryNet(model, config, d.side); err != nil {
		return nil, err
	}
	d.net = gocv.ReadNet(model, config)
	layers := d.net.GetLayerNames()
	for _, id := range d.net.GetUnconnectedOutLayers() {
		d.outs = append(d.outs, layers[id-1])
	}
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

// Label returns the file name of the weights, to be recorded with what was
// detected.
func (d *Detector) Label() string { return d.label }

// Names returns the classes the detector knows.
func (d *Detector) Names() []string { return d.names }

// checkClasses compares the network's outputs with the list of names: a list
// of another network would call every bottle a bird.
func (d *Detector) checkClasses() error {
	black := gocv.NewMatWithSize(d.side, d.side, gocv.MatTypeCV8UC3)
	defer black.Close()
	for _, out := range d.forward(black) {
		size := out.Size()
		got := size[len(size)-1] - 5
		if d.grid {
			if len(size) != 4 {
				_ = out.Close()
				return fmt.Errorf("%w: ONNX output of shape %v; FastestDet's 1 x (5+classes) x rows x columns is understood",
					ErrModel, size)
			}
			got = size[1] - 5
		}
		_ = out.Close()
		if got != len(d.names) {
			_ = d.net.Close()
			return fmt.Errorf("%w: the network has %d classes, the list of names %d", ErrModel, got, len(d.names))
		}
	}
	return nil
}

func (d *Detector) forward(m gocv.Mat) []gocv.Mat {
	scale, swap := 1/255.0, true
	if d.grid {
		swap = false
	}
	blob := gocv.BlobFromImage(m, scale, image.Pt(d.side, d.side), gocv.NewScalar(0, 0, 0, 0), swap, false)
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
	for _, out := range d.forward(pad) {
		v, err := out.DataPtrFloat32()
		if err != nil {
			_ = out.Close()
			return nil, fmt.Errorf("%w: %w", ErrModel, err)
		}
		if d.grid {
			size := out.Size()
			found = d.readGrid(found, v, size[2], size[3], side)
		} else {
			found = d.readRows(found, v, side)
		}
		_ = out.Close()
	}
	for i := range found {
		found[i].Rect = found[i].Rect.Add(part.Min)
	}
	return suppress(found), nil
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
