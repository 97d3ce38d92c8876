package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var (
	// ErrManifest is returned for a manifest that is not whole: it needs a
	// name, a version, a licence, a format and the digest of each file.
	ErrManifest = errors.New("not a model manifest")
	// ErrDigest is returned for a file that is not the one declared; get it
	// from the manifest's source again, or declare the new one.
	ErrDigest = errors.New("not the file that the manifest declares")
)

// Format says by whose rules a network is written.
type Format string

// The formats that OpenCV loads here.
const (
	Darknet Format = "darknet"
	ONNX    Format = "onnx"
	Caffe   Format = "caffe"
)

// File is a file beside the manifest.
type File struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// Input is what the network wants to be given: a square picture, each value
// less its channel's Mean, times Scale, by its channel's Std. Zero is what is
// usual for its format.
type Input struct {
	Side  int        `json:"side"`
	Scale float64    `json:"scale"`
	Mean  [3]float64 `json:"mean"`
	Std   [3]float64 `json:"std,omitzero"`
	Order string     `json:"order,omitempty"` // of the channels: rgb or bgr
}

// validate refuses an input that no network has.
func (in Input) validate() error {
	bad := in.Side < 0 || in.Side > 4096 || in.Scale < 0 || (in.Order != "" && in.Order != "rgb" && in.Order != "bgr")
	for _, v := range in.Std {
		bad = bad || v < 0 || (v == 0) != (in.Std == [3]float64{})
	}
	if bad {
		return fmt.Errorf("%w: input %+v: side 0 to 4096, scale and std not below 0, order rgb or bgr", ErrManifest, in)
	}
	return nil
}

// Manifest is what is said of a network.
type Manifest struct {
	Name    string          `json:"name"`
	Version string          `json:"version"`
	Licence string          `json:"licence"`
	Source  string          `json:"source"` // where the files are from
	Format  Format          `json:"format"`
	Files   map[string]File `json:"files"` // config and weights; or onnx; or prototxt and caffe; and names
	Input   Input           `json:"input"`
	// Layers are the inner layers that a recogniser looks at. Without any it
	// takes what the network answers.
	Layers []string `json:"layers"`

	dir string
}

// filesOf names the file that a model is told by, and the others it needs.
var filesOf = map[Format]struct {
	weights string
	others  []string
}{
	Darknet: {"weights", []string{"config"}},
	ONNX:    {"onnx", nil},
	Caffe:   {"caffe", []string{"prototxt"}},
}

// maxManifest bounds a manifest's size.
const maxManifest = 1 << 20

// Load reads a manifest and checks that each file is the one it declares.
func Load(path string) (Manifest, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Manifest{}, fmt.Errorf("model: %w", err)
	}
	m, err := Parse(b)
	if err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	m.dir = filepath.Dir(path)
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		if err := m.check(name); err != nil {
			return m, fmt.Errorf("%s: %w", path, err)
		}
	}
	return m, nil
}

// Parse reads a manifest's bytes without looking at the files.
func Parse(b []byte) (Manifest, error) {
	var m Manifest
	if len(b) > maxManifest {
		return m, fmt.Errorf("%w: %d bytes", ErrManifest, len(b))
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Manifest{}, fmt.Errorf("%w: something follows it", ErrManifest)
	}
	if err := m.validate(); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

func (m Manifest) validate() error {
	for what, text := range map[string]string{"name": m.Name, "version": m.Version} {
		if text == "" || len(text) > 200 || strings.ContainsAny(text, " @\n\r\t") {
			return fmt.Errorf("%w: %s is %q, want a word without space and @", ErrManifest, what, text)
		}
	}
	if strings.TrimSpace(m.Licence) == "" {
		return fmt.Errorf("%w: no licence is declared; a model without one is not used", ErrManifest)
	}
	need, ok := filesOf[m.Format]
	if !ok {
		return fmt.Errorf("%w: format %q: use darknet, onnx or caffe", ErrManifest, m.Format)
	}
	allowed := append([]string{need.weights, "names"}, need.others...)
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		f := m.Files[name]
		if !slices.Contains(allowed, name) {
			return fmt.Errorf("%w: a %s model has no file %q", ErrManifest, m.Format, name)
		}
		if !filepath.IsLocal(f.Path) {
			return fmt.Errorf("%w: %s: %q does not lie beside the manifest", ErrManifest, name, f.Path)
		}
		if b, err := hex.DecodeString(f.SHA256); err != nil || len(b) != sha256.Size || strings.ToLower(f.SHA256) != f.SHA256 {
			return fmt.Errorf("%w: %s: %q is no SHA-256", ErrManifest, name, f.SHA256)
		}
	}
	for _, name := range append([]string{need.weights}, need.others...) {
		if _, ok := m.Files[name]; !ok {
			return fmt.Errorf("%w: a %s model needs a file %q", ErrManifest, m.Format, name)
		}
	}
	return m.Input.validate()
}

func (m Manifest) check(name string) error {
	got, err := DigestOf(m.Path(name))
	if err != nil {
		return err
	}
	if want := m.Files[name].SHA256; got != want {
		return fmt.Errorf("%w: %s is %s, declared is %s", ErrDigest, m.Files[name].Path, got, want)
	}
	return nil
}

// Path returns where a file lies, or nothing if the model has no such file.
func (m Manifest) Path(name string) string {
	f, ok := m.Files[name]
	if !ok {
		return ""
	}
	return filepath.Join(m.dir, f.Path)
}

// Digest is the SHA-256 of the file that holds what was learned.
func (m Manifest) Digest() string { return m.Files[filesOf[m.Format].weights].SHA256 }

// Names lists the network's own files, that it is told by first, without the
// list of classes.
func (m Manifest) Names() []string {
	need := filesOf[m.Format]
	return append([]string{need.weights}, need.others...)
}

// Label is how detections name the model.
func (m Manifest) Label() string { return Label(m.Name+"@"+m.Version, m.Digest()) }

// Label joins what a model is called with the digest of its file.
func Label(name, digest string) string { return name + " sha256:" + digest }

// DigestOf returns the SHA-256 of a file in hexadecimal, as sha256sum prints
// it.
func DigestOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("model: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("model: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
