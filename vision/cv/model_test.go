//go:build opencv

package cv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/internal/tinynet"
)

// field writes one field of a protocol buffer with a length.
func field(number int, body []byte) []byte {
	b := binary.AppendUvarint(nil, uint64(number)<<3|2)
	return append(binary.AppendUvarint(b, uint64(len(body))), body...)
}

// blob is a Caffe blob: its shape and its numbers.
func blob(numbers []float32, shape ...int) []byte {
	var dims, data []byte
	for _, d := range shape {
		dims = binary.AppendUvarint(dims, uint64(d))
	}
	for _, v := range numbers {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return append(field(5, data), field(7, field(1, dims))...)
}

// caffe writes a network that sees the same boxes in every picture, whatever
// is in it: they are the bias of its last layer.
func caffe(t *testing.T, perBox int, boxes ...float32) (prototxt, model string) {
	t.Helper()
	dir, n := t.TempDir(), len(boxes)
	text := fmt.Sprintf(`name: "boxes"
input: "data"
input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layer { name: "small" type: "Pooling" bottom: "data" top: "small" pooling_param { pool: AVE kernel_size: 8 stride: 8 } }
layer { name: "say" type: "InnerProduct" bottom: "small" top: "say" inner_product_param { num_output: %d } }
layer { name: "rows" type: "Reshape" bottom: "say" top: "rows" reshape_param { shape { dim: 1 dim: 1 dim: %d dim: %d } } }
`, n, n/perBox, perBox)
	say := append(field(1, []byte("say")), field(2, []byte("InnerProduct"))...)
	say = append(say, field(7, blob(make([]float32, 3*n), n, 3))...)
	say = append(say, field(7, blob(boxes, n))...)
	prototxt, model = filepath.Join(dir, "boxes.prototxt"), filepath.Join(dir, "boxes.caffemodel")
	for path, b := range map[string][]byte{prototxt: []byte(text), model: append(field(1, []byte("boxes")), field(100, say)...)} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return prototxt, model
}

func names(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "classes.names")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func grey(t *testing.T, w, h int) *Frame {
	t.Helper()
	f, err := NewFrame(w, h, make([]byte, 3*w*h))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// TestACaffeDetectorSaysWhatItSees: the numbers come from the model's file, in
// SSD's form; a class that the list does not have is no guess.
func TestACaffeDetectorSaysWhatItSees(t *testing.T) {
	prototxt, model := caffe(t, 7, 0, 2, 0.9, 0.25, 0.5, 0.75, 1, 0, 1, 0.01, 0, 0, 1, 1)
	d, err := NewDetector(Model{
		Prototxt: prototxt, Caffe: model, Names: names(t, "background\nbottle\ncan\n"), Side: 8, Label: "boxes@1 sha256:00",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	found, err := d.Detect(grey(t, 80, 80))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(found), "[{can 0.8999999761581421 (20,40)-(60,80)}]"; got != want {
		t.Errorf("Detect() = %s, want %s", got, want)
	}
	if d.Label() != "boxes@1 sha256:00" {
		t.Errorf("Label() = %q, want what the model is called", d.Label())
	}
	few, err := NewDetector(Model{Prototxt: prototxt, Caffe: model, Names: names(t, "background\nbottle\n"), Side: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer few.Close()
	if found, err := few.Detect(grey(t, 80, 80)); !errors.Is(err, ErrModel) {
		t.Errorf("Detect() of a class without a name = %v, %v, want %v", found, err, ErrModel)
	}
}

func TestModelsOfTheWrongShapeAreRefusedClearly(t *testing.T) {
	list := names(t, "background\nbottle\n")
	six, sixModel := caffe(t, 6, 0, 1, 0.9, 0, 0, 1)
	good, goodModel := caffe(t, 7, 0, 1, 0.9, 0, 0, 1, 1)
	torn := filepath.Join(t.TempDir(), "torn.caffemodel")
	if err := os.WriteFile(torn, []byte("not a model"), 0o600); err != nil {
		t.Fatal(err)
	}
	for story, c := range map[string]struct {
		model Model
		says  string
	}{
		"six numbers a box":   {Model{Prototxt: six, Caffe: sixModel, Names: list, Side: 8}, "is understood"},
		"half a pair":         {Model{Prototxt: good, Names: list, Side: 8}, ""},
		"a torn file":         {Model{Prototxt: good, Caffe: torn, Names: list, Side: 8}, "torn.caffemodel"},
		"two kinds at once":   {Model{Prototxt: good, Caffe: goodModel, ONNX: torn, Names: list}, "either"},
		"a face detector":     {Model{ONNX: given.File(t, "models/version-RFB-320.onnx"), Names: list}, ""},
		"another input":       {Model{ONNX: given.File(t, "models/FastestDet.onnx"), Names: given.File(t, "models/coco.names"), Side: 33}, ""},
		"nothing at all":      {Model{Names: list}, "give either"},
		"a Caffe file as net": {Model{ONNX: goodModel, Names: list}, ""},
	} {
		d, err := NewDetector(c.model)
		if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: NewDetector() = %v, %v, want %v that says %q", story, d, err, ErrModel, c.says)
		}
	}
}

// TestInnerLayersOfANetworkAreSeen: the same picture gives the same numbers,
// another one others, and a layer that is not there is refused.
func TestInnerLayersOfANetworkAreSeen(t *testing.T) {
	for _, c := range []struct {
		model  Model
		layers []string
		size   int
	}{
		{Model{ONNX: given.File(t, "models/FastestDet.onnx")}, []string{"onnx_node!Concat_224"}, 576},
		{Model{
			Config: given.File(t, "models/yolo-fastest-1.1.cfg"), Weights: given.File(t, "models/yolo-fastest-1.1.weights"),
		}, []string{"leaky_82", "leaky_83", "bn_89"}, 1488},
	} {
		e, err := NewEmbedder(c.model, c.layers)
		if err != nil {
			t.Fatal(err)
		}
		plain, again := must(e.Embed(grey(t, 64, 48)))(t), must(e.Embed(grey(t, 64, 48)))(t)
		striped := make([]byte, 3*64*48)
		for i := range striped {
			striped[i] = byte(i / 3 % 8 * 30)
		}
		f := must(NewFrame(64, 48, striped))(t)
		if other := must(e.Embed(f))(t); fmt.Sprint(other) == fmt.Sprint(plain) {
			t.Error("stripes look like nothing at all")
		}
		f.Close()
		if len(plain) != c.size || e.Size() != c.size || fmt.Sprint(plain) != fmt.Sprint(again) {
			t.Errorf("Embed() = %d numbers, want the same %d twice", len(plain), c.size)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if _, err := NewEmbedder(c.model, []string{"no such layer"}); !errors.Is(err, ErrModel) {
			t.Errorf("NewEmbedder() of a layer that is not there = %v, want %v", err, ErrModel)
		}
	}
	// Some layers work in the room of others: OpenCV would end the process.
	_, err := NewEmbedder(Model{
		Config: given.File(t, "models/yolo-fastest-1.1.cfg"), Weights: given.File(t, "models/yolo-fastest-1.1.weights"),
	}, []string{"bn_59"})
	if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "cannot be looked at") {
		t.Errorf("NewEmbedder() of a layer without room of its own = %v, want %v", err, ErrModel)
	}
}

// onnx writes an ONNX file.
func onnx(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own.onnx")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAnOperatorsOwnNetworkIsGivenWhatItWants: the order of channels, mean,
// scale and std are the manifest's; what it answers is taken as it is, under its
// node's own name or without any name.
func TestAnOperatorsOwnNetworkIsGivenWhatItWants(t *testing.T) {
	own := onnx(t, tinynet.Embedding(8, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1)) // each channel, and all of them
	bgr := make([]byte, 3*32*32)
	for i := range bgr {
		bgr[i] = [3]byte{30, 60, 90}[i%3]
	}
	f := must(NewFrame(32, 32, bgr))(t)
	defer f.Close()
	for story, c := range map[string]struct {
		model  Model
		layers []string
		want   string
	}{
		"as it is":          {Model{Side: 8, Scale: 1}, []string{"say"}, "[30 60 90 180]"},
		"red first":         {Model{Side: 8, Scale: 1, Order: "rgb"}, nil, "[90 60 30 180]"},
		"mean and scale":    {Model{Side: 8, Scale: 0.5, Mean: [3]float64{80, 60, 20}, Order: "rgb"}, nil, "[5 0 5 10]"},
		"mean, scale, std":  {Model{Side: 8, Scale: 0.5, Mean: [3]float64{80, 50, 20}, Std: [3]float64{5, 1, 0.5}, Order: "rgb"}, nil, "[1 5 10 16]"},
		"two layers":        {Model{Side: 8, Scale: 1}, []string{"flat", "say"}, "[30 60 90 30 60 90 180]"},
		"OpenCV's own name": {Model{Side: 8, Scale: 1}, []string{"onnx_node!flat"}, "[30 60 90]"},
	} {
		c.model.ONNX = own
		e, err := NewEmbedder(c.model, c.layers)
		if err != nil {
			t.Errorf("%s: %v", story, err)
			continue
		}
		if got := fmt.Sprint(must(e.Embed(f))(t)); got != c.want {
			t.Errorf("%s: Embed() = %s, want %s", story, got, c.want)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	for story, c := range map[string]struct {
		file   []byte
		side   int
		layers []string
		says   string
	}{
		"another node":    {tinynet.Embedding(8, 1, 1, 1), 8, []string{"speak"}, `no layer "speak" in own.onnx; its last are`},
		"no numbers":      {tinynet.Grey(8), 8, nil, "want 1 x numbers"},
		"half a file":     {tinynet.Embedding(8, 1, 1, 1)[:90], 8, nil, "own.onnx"},
		"another picture": {tinynet.Grey(8), 9, nil, "own.onnx"},
	} {
		e, err := NewEmbedder(Model{ONNX: onnx(t, c.file), Side: c.side}, c.layers)
		if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: NewEmbedder() = %v, %v, want %v that says %q", story, e, err, ErrModel, c.says)
		}
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
