package cv

import (
	"fmt"
	"image"
	"math"
)

// JPEGQuality is the quality of every stored key frame. 85 keeps a label
// readable at about 16 kB for 640x360; 95 doubles the size and shows nothing
// more.
const JPEGQuality = 85

// ClipCodec is the fourcc of every stored clip: H.264 in mp4, which browsers
// play and seek.
const ClipCodec = "avc1"

// PeopleLabel names OpenCV's own detector of persons in what it found.
const PeopleLabel = "opencv-hog"

// Rate is a frame rate as a fraction, because 179/6 and 30000/1001 frames a
// second drift apart from any rounded number within an hour.
type Rate struct {
	Num, Den int
}

// Float returns the rate as frames per second.
func (r Rate) Float() float64 {
	if r.Den == 0 {
		return 0
	}
	return float64(r.Num) / float64(r.Den)
}

// Seconds returns the time of frame n, counted from 0.
func (r Rate) Seconds(n int) float64 {
	if r.Num == 0 {
		return 0
	}
	return float64(n) * float64(r.Den) / float64(r.Num)
}

// String returns the fraction as it is written in planograms.
func (r Rate) String() string {
	return fmt.Sprintf("%d/%d", r.Num, r.Den)
}

// maxDen is the largest denominator a guessed rate may have; 1001 is the
// largest one broadcast rates use.
const maxDen = 1001

// RateOf returns the simplest fraction equal to fps within what a double
// carries of it. A rate that is no number gives the zero Rate.
func RateOf(fps float64) Rate {
	if !(fps > 0) || math.IsInf(fps, 0) || fps > 1000 {
		return Rate{}
	}
	for den := 1; den <= maxDen; den++ {
		num := math.Round(fps * float64(den))
		if math.Abs(num/float64(den)-fps) < 1e-6 {
			return Rate{int(num), den}
		}
	}
	return Rate{int(math.Round(fps * maxDen)), maxDen}
}

// Box is one thing a detector saw, in pixels of the frame it was given.
type Box struct {
	Class string
	Score float64
	Rect  image.Rectangle
}

// Model names a network's files: a Darknet pair (Config and Weights), an ONNX
// file, or a Caffe pair (Prototxt and Caffe).
type Model struct {
	Config   string
	Weights  string
	ONNX     string
	Prototxt string
	Caffe    string
	Names    string // of a detector: the list of classes, one a line
	// Label is what detections call it, "name@version sha256:…"; the file name
	// of the weights if empty.
	Label string
	// Side is the input's width and height, Scale what pixels are multiplied
	// with after Mean is taken off, Std what each channel is divided by then.
	// Order is rgb or bgr; Mean and Std are in that order. Zero and empty mean
	// what is usual for its kind.
	Side  int
	Scale float64
	Mean  [3]float64
	Std   [3]float64
	Order string
}

// EvenSize returns the largest even size of the same shape as w x h that is
// no wider than maxWidth.
func EvenSize(w, h, maxWidth int) (int, int) {
	if w > maxWidth && maxWidth > 1 {
		h = h * maxWidth / w
		w = maxWidth
	}
	return max(2, w&^1), max(2, h&^1)
}
