package recognise

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// The stored form of a model, all numbers little-endian:
//
//	"vouch-model 1\n"            14 bytes
//	length of the header         4 bytes
//	header                       JSON, see [Header]
//	kinds of shapes, of tints    float32s, as many as the header's features say:
//	                             mean, axes, place, shares, middles, spreads
//	centre, spread               float32s, one of each a network's number
//	weights                      float32s, a row and a bias for each label
//	files of the networks        as long as the header says, in its order
//	SHA-256 of all before        32 bytes
//
// The last line finds a damaged copy; what a detection names is the SHA-256
// of the whole file, as sha256sum prints it.
const magic = "vouch-model 1\n"

const (
	// maxLabels and maxModel bound what a damaged header can ask for.
	maxLabels = 20_000
	maxModel  = 1 << 30
	// maxNumbers bounds the numbers that a network gives of a picture.
	maxNumbers = 1 << 16
	maxName    = 200
)

// Header is what a model says of itself.
type Header struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Licence  string   `json:"licence"`  // of the model and of the pictures it was trained with
	Labels   []string `json:"labels"`   // SKUs, sorted
	Groups   []string `json:"groups"`   // of each label: what it is a kind of
	Pictures int      `json:"pictures"` // that it was trained with
	Features string   `json:"features"` // how a picture becomes numbers
	// Doubt is how scores become confidences, and when the answer is unknown.
	Doubt    Doubt           `json:"doubt"`
	Networks []NetworkHeader `json:"networks"`
}

// NetworkHeader describes a network whose inner layers are looked at. Its
// files are in the model.
type NetworkHeader struct {
	Name    string     `json:"name"`
	Version string     `json:"version"`
	Licence string     `json:"licence"`
	Format  string     `json:"format"` // darknet, onnx or caffe
	Layers  []string   `json:"layers"`
	Numbers int        `json:"numbers"` // that it gives of a picture
	Side    int        `json:"side"`    // of its input; 0 is what it says itself
	Scale   float64    `json:"scale"`
	Mean    [3]float64 `json:"mean"`
	Std     [3]float64 `json:"std,omitzero"`    // what each channel is divided by
	Order   string     `json:"order,omitempty"` // of the channels, rgb or bgr
	Files   []File     `json:"files"`
}

// File is one file of a network.
type File struct {
	Name   string `json:"name"` // config, weights, onnx, prototxt, caffe
	SHA256 string `json:"sha256"`
	Bytes  int    `json:"bytes"`
}

// features names the way from picture to numbers. Another way is another
// name: a model is never read with features that it was not trained with.
const features = "shapes+tints/3"

// Model recognises products.
type Model struct {
	Header
	shapes  kinds
	tints   kinds
	centre  []float32 // of what networks give
	spread  []float32
	weights []float32
	files   [][]byte // of the networks
	digest  string

	// Held is what the trials of [Train] say, on pictures that each did not
	// learn. A model that was read from a file does not know it.
	Held Score
}

// Digest is the SHA-256 of the model's file, in hexadecimal.
func (m *Model) Digest() string { return m.digest }

// Label is how detections name the model.
func (m *Model) Label() string { return m.Name + "@" + m.Version + " sha256:" + m.digest }

// NetworkFile returns a file of the n-th network.
func (m *Model) NetworkFile(n, file int) []byte {
	i := file
	for _, h := range m.Networks[:n] {
		i += len(h.Files)
	}
	return m.files[i]
}

// width is how many numbers describe a picture.
func (h *Header) width() int { return plainWidth + h.numbers() }

func (h *Header) numbers() int {
	n := 0
	for _, net := range h.Networks {
		n += net.Numbers
	}
	return n
}

func (h *Header) floats() int {
	n := 2*h.numbers() + len(h.Labels)*(h.width()+1)
	shapes, tints := newKinds(shapeSize, shapeAxes), newKinds(tintSize, tintAxes)
	for _, k := range []kinds{shapes, tints} {
		for _, l := range k.lengths() {
			n += l
		}
	}
	return n
}

// parts are all numbers in the order of the file.
func (m *Model) parts() [][]float32 {
	var out [][]float32
	for _, k := range []*kinds{&m.shapes, &m.tints} {
		for _, part := range k.parts() {
			out = append(out, *part)
		}
	}
	return append(out, m.centre, m.spread, m.weights)
}

// prepare works out what is wanted for each picture.
func (m *Model) prepare() {
	shape, tint := inMirror()
	m.shapes.prepare(shape[:])
	m.tints.prepare(tint[:])
}

// Encode returns the model's file.
func (m *Model) Encode() ([]byte, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	head, err := json.Marshal(m.Header)
	if err != nil {
		return nil, fmt.Errorf("model header: %w", err)
	}
	b := append([]byte(magic), binary.LittleEndian.AppendUint32(nil, uint32(len(head)))...) //nolint:gosec // bounded by maxModel
	b = append(b, head...)
	for _, part := range m.parts() {
		for _, v := range part {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	for _, f := range m.files {
		b = append(b, f...)
	}
	sum := sha256.Sum256(b)
	b = append(b, sum[:]...)
	whole := sha256.Sum256(b)
	m.digest = hex.EncodeToString(whole[:])
	return b, nil
}

// Parse reads a model's file.
func Parse(b []byte) (*Model, error) {
	if len(b) > maxModel || len(b) < len(magic)+4+sha256.Size || string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: it does not begin with %q, or ends at once", ErrModel, strings.TrimSpace(magic))
	}
	body := b[:len(b)-sha256.Size]
	if sum := sha256.Sum256(body); string(sum[:]) != string(b[len(body):]) {
		return nil, fmt.Errorf("%w: it was altered or cut short", ErrModel)
	}
	rest := body[len(magic):]
	n := int(binary.LittleEndian.Uint32(rest))
	if rest = rest[4:]; n > len(rest) {
		return nil, fmt.Errorf("%w: its header is longer than it is", ErrModel)
	}
	m := &Model{}
	if err := m.readHeader(rest[:n]); err != nil {
		return nil, err
	}
	rest = rest[n:]
	files := 0
	for _, net := range m.Networks {
		for _, f := range net.Files {
			files += f.Bytes
		}
	}
	if want := 4*m.floats() + files; want != len(rest) {
		return nil, fmt.Errorf("%w: %d bytes of numbers and networks where %d are due", ErrModel, len(rest), want)
	}
	take := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(rest[4*i:]))
		}
		rest = rest[4*n:]
		return v
	}
	m.shapes, m.tints = newKinds(shapeSize, shapeAxes), newKinds(tintSize, tintAxes)
	for _, k := range []*kinds{&m.shapes, &m.tints} {
		for i, part := range k.parts() {
			*part = take(k.lengths()[i])
		}
	}
	m.centre, m.spread = take(m.numbers()), take(m.numbers())
	m.weights = take(len(m.Labels) * (m.width() + 1))
	for _, net := range m.Networks {
		for _, f := range net.Files {
			m.files, rest = append(m.files, rest[:f.Bytes:f.Bytes]), rest[f.Bytes:]
		}
	}
	whole := sha256.Sum256(b)
	m.digest = hex.EncodeToString(whole[:])
	if err := m.validate(); err != nil {
		return nil, err
	}
	m.prepare()
	return m, nil
}

// readHeader takes a header in the one form that Encode writes: two texts of
// one model would be two digests of one thing.
func (m *Model) readHeader(b []byte) error {
	if err := json.Unmarshal(b, &m.Header); err != nil {
		return fmt.Errorf("%w: header: %w", ErrModel, err)
	}
	again, err := json.Marshal(m.Header)
	if err != nil || string(again) != string(b) {
		return fmt.Errorf("%w: its header is not in stored form, or of a newer program", ErrModel)
	}
	return m.validateHeader()
}

func (m *Model) validateHeader() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrModel}, args...)...)
	}
	for _, text := range []string{m.Name, m.Version, m.Licence} {
		if strings.TrimSpace(text) == "" || len(text) > maxName || strings.ContainsAny(text, "\n\r") {
			return bad("name, version and licence are one line each of 1 to %d bytes, got %q", maxName, text)
		}
	}
	if strings.ContainsAny(m.Name+m.Version, " @") {
		return bad("name %q or version %q has a space or an @", m.Name, m.Version)
	}
	if m.Features != features {
		return bad("it was trained with features %q; this program knows %q", m.Features, features)
	}
	if len(m.Labels) < 2 || len(m.Labels) > maxLabels {
		return bad("%d labels, want 2 to %d", len(m.Labels), maxLabels)
	}
	for i, l := range m.Labels {
		if l == "" || len(l) > maxName || i > 0 && m.Labels[i-1] >= l {
			return bad("labels are not sorted, each once: %q", l)
		}
	}
	if len(m.Groups) != len(m.Labels) {
		return bad("%d groups of %d labels", len(m.Groups), len(m.Labels))
	}
	for _, net := range m.Networks {
		if err := net.validate(); err != nil {
			return err
		}
	}
	if m.numbers() > maxNumbers {
		return bad("networks give %d numbers, want at most %d", m.numbers(), maxNumbers)
	}
	return m.Doubt.validate()
}

func (n NetworkHeader) validate() error {
	if n.Name == "" || n.Licence == "" || n.Numbers < 1 || n.Numbers > maxNumbers || len(n.Layers) == 0 ||
		n.Side < 0 || n.Side > 4096 || len(n.Files) == 0 || len(n.Files) > 2 || (n.Order != "" && n.Order != "rgb" && n.Order != "bgr") {
		return fmt.Errorf("%w: network %q is not described whole, or without a licence", ErrModel, n.Name)
	}
	for _, f := range n.Files {
		if f.Bytes < 1 || f.Bytes > maxModel || len(f.SHA256) != 2*sha256.Size {
			return fmt.Errorf("%w: file %s of network %q", ErrModel, f.Name, n.Name)
		}
	}
	return nil
}

// validate checks what a checksum cannot: that the numbers are numbers, and
// that each network's file is the one whose digest is named.
func (m *Model) validate() error {
	if err := m.validateHeader(); err != nil {
		return err
	}
	count := 0
	for _, part := range m.parts() {
		count += len(part)
		for _, v := range part {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("%w: it holds a number that is none", ErrModel)
			}
		}
	}
	for _, k := range []*kinds{&m.shapes, &m.tints} {
		for _, v := range k.spread {
			if v <= 0 {
				return fmt.Errorf("%w: its kinds of patches have no spread", ErrModel)
			}
		}
	}
	if count != m.floats() {
		return fmt.Errorf("%w: %d numbers where %d are due", ErrModel, count, m.floats())
	}
	i := 0
	for _, net := range m.Networks {
		for _, f := range net.Files {
			if i >= len(m.files) || len(m.files[i]) != f.Bytes {
				return fmt.Errorf("%w: file %s of network %s is missing", ErrModel, f.Name, net.Name)
			}
			if sum := sha256.Sum256(m.files[i]); hex.EncodeToString(sum[:]) != f.SHA256 {
				return fmt.Errorf("%w: file %s of network %s is not the one it names", ErrModel, f.Name, net.Name)
			}
			i++
		}
	}
	return nil
}
