package recognise

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/png"
	"strings"
	"testing"
)

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func smallPNG(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 3, 3))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// known is a model whose numbers are made up, to pin the stored form.
func known(networks bool) *Model {
	m := &Model{Header: Header{
		Name: "corner", Version: "1", Licence: "ours", Labels: []string{"cola", "mate"}, Groups: []string{"drinks", "drinks"},
		Pictures: 6, Features: features, Doubt: Doubt{Bias: 1, Top: 0.5, Margin: 2, Lead: 3, Least: 0.6, Sharing: 4},
		Networks: []NetworkHeader{},
	}}
	if networks {
		file := []byte("weights of a network")
		m.files = [][]byte{file}
		m.Networks = []NetworkHeader{{
			Name: "eye", Version: "1", Licence: "MIT", Format: "onnx", Layers: []string{"a"}, Numbers: 2,
			Files: []File{{Name: "onnx", SHA256: sum(file), Bytes: len(file)}},
		}}
	}
	fill := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(i%17-8) / 16
		}
		return v
	}
	m.shapes, m.tints = newKinds(shapeSize, shapeAxes), newKinds(tintSize, tintAxes)
	for _, k := range []*kinds{&m.shapes, &m.tints} {
		for i, part := range k.parts() {
			*part = fill(k.lengths()[i])
		}
		for i, v := range k.spread {
			k.spread[i] = 1 + v
		}
	}
	m.centre, m.spread = fill(m.numbers()), fill(m.numbers())
	m.weights = fill(2 * (m.width() + 1))
	return m
}

// TestStoredFormOfAModel pins the bytes: a model that a shop keeps is read for
// ever.
func TestStoredFormOfAModel(t *testing.T) {
	const (
		head = "vouch-model 1\n\xe6\x00\x00\x00" + `{"name":"corner","version":"1","licence":"ours",` +
			`"labels":["cola","mate"],"groups":["drinks","drinks"],"pictures":6,"features":"shapes+tints/3",` +
			`"doubt":{"bias":1,"top":0.5,"margin":2,"lead":3,"least":0.6,"sharing":4},"networks":[]}` + "\x00\x00\x00\xbf"
		whole = "a68f33a808c9841b31d6fece01ebcae5b57181d4eb53f4811f4d62f1e08c600d"
		two   = "f0c2ec00f655411a5ea589dcf1254174dcd7ffb3062d2d8f52bb81d1ac5043ba"
	)
	b, err := known(false).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), head) {
		t.Errorf("model begins %q, want %q", b[:min(len(b), len(head))], head)
	}
	if sum(b) != whole {
		t.Errorf("model's digest = %s, want %s", sum(b), whole)
	}
	b, err = known(true).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if sum(b) != two {
		t.Errorf("digest with a network = %s, want %s", sum(b), two)
	}
	m, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if m.Label() != "corner@1 sha256:"+two {
		t.Errorf("Label() = %q, want the name, the version and the file's digest", m.Label())
	}
}

// seal gives altered bytes a checksum that fits, as somebody would who wants
// them read.
func seal(b []byte) []byte {
	body := b[:len(b)-sha256.Size]
	s := sha256.Sum256(body)
	return append(bytes.Clone(body), s[:]...)
}

func TestAModelThatIsNotWholeIsRefused(t *testing.T) {
	good, err := known(true).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(good); i += 997 { // anywhere in the file
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		if _, err := Parse(bad); !errors.Is(err, ErrModel) {
			t.Errorf("byte %d altered: Parse() = %v, want %v", i, err, ErrModel)
		}
	}
	swap := func(old, with string) []byte { // of the same length
		return seal(bytes.Replace(good, []byte(old), []byte(with), 1))
	}
	narrow := known(true)
	narrow.tints.spread[7] = 0
	if _, err := narrow.Encode(); !errors.Is(err, ErrModel) {
		t.Errorf("kinds without a spread: Encode() = %v, want %v", err, ErrModel)
	}
	for story, bad := range map[string][]byte{
		"nothing":                  nil,
		"cut short":                good[:len(good)-9],
		"of another program":       seal(append([]byte("other-model 1\n"), good[len(magic):]...)),
		"of a newer form":          swap("vouch-model 1", "vouch-model 2"),
		"of other features":        swap("tints/3", "tints/2"),
		"a field it does not know": swap(`"pictures"`, `"picturez"`),
		"labels out of order":      swap(`["cola","mate"]`, `["mate","cola"]`),
		"no licence":               swap(`"licence":"ours"`, `"licence":"    "`),
		"another network":          swap("weights of a network", "weights of a natwork"),
		"fewer numbers":            seal(append(bytes.Clone(good[:len(good)-100]), good[len(good)-96:]...)),
		"a number that is none":    seal(bytes.Replace(good, []byte("\x00\x00\x00\xbf"), []byte("\x00\x00\xc0\x7f"), 1)),
	} {
		if _, err := Parse(bad); !errors.Is(err, ErrModel) {
			t.Errorf("%s: Parse() = %v, want %v", story, err, ErrModel)
		}
	}
}

// FuzzParse: what is accepted is the stored form of what it says. The checksum
// is mended, so that the fuzzer gets behind it.
func FuzzParse(f *testing.F) {
	for _, networks := range []bool{false, true} {
		b, err := known(networks).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:200])
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > sha256.Size {
			b = seal(b)
		}
		m, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrModel) {
				t.Fatalf("Parse() = %v, want %v", err, ErrModel)
			}
			return
		}
		again, err := m.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("Encode() of a model that was read = %d bytes, %v, want the %d that were read", len(again), err, len(b))
		}
	})
}
