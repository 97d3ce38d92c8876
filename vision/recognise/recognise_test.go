package recognise

import (
	"bytes"
	"errors"
	"image"
	"math"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

func train(t testing.TB, samples []Sample) *Model {
	t.Helper()
	m, err := Train(t.Context(), samples, Settings{Name: "corner", Version: "1", Licence: "ours"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestProductsAreToldApartAndStrangersAreUnknown: nine products are learned, a
// tenth is not; it is never said to be one of the nine.
func TestProductsAreToldApartAndStrangersAreUnknown(t *testing.T) {
	m := train(t, photograph(t, all(9), 0, 6))
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(read)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Measure(t.Context(), r, photograph(t, all(10), 100, 103))
	if err != nil {
		t.Fatal(err)
	}
	if s.Pictures != 27 || s.Right != 27 || s.Given < 20 || s.GivenOK != s.Given {
		t.Errorf("score = %+v, want 27 pictures, all right and most of them answered", s)
	}
	if s.Strangers != 3 || s.Refused != 3 {
		t.Errorf("score = %+v, want 3 pictures of a stranger, answered by unknown", s)
	}
}

// TestTheSamePicturesGiveTheSameModel: to the byte, whichever processor was first.
func TestTheSamePicturesGiveTheSameModel(t *testing.T) {
	samples := photograph(t, all(2), 0, 3)
	one, err := train(t, samples).Encode()
	if err != nil {
		t.Fatal(err)
	}
	two, err := train(t, samples).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Error("the same pictures gave another model")
	}
}

// TestANetworkWidensWhatIsSeen: a model trained with a network needs it again,
// and one that gives other numbers is refused.
func TestANetworkWidensWhatIsSeen(t *testing.T) {
	file := []byte("weights of a network")
	set := Settings{
		Name: "corner", Version: "2", Licence: "ours", Files: [][]byte{file}, Networks: []Network{mirror{8}},
		Described: []NetworkHeader{{
			Name: "eye", Version: "1", Licence: "MIT", Format: "onnx", Layers: []string{"a"}, Numbers: 8,
			Files: []File{{Name: "onnx", SHA256: sum(file), Bytes: len(file)}},
		}},
	}
	samples := photograph(t, all(3), 0, 5)
	m, err := Train(t.Context(), samples, set)
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if m, err = Parse(b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.NetworkFile(0, 0), file) {
		t.Error("the model does not hold its network's file")
	}
	r, err := New(m, mirror{8})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Measure(t.Context(), r, samples); err != nil || s.Right != s.Pictures {
		t.Errorf("Measure() = %+v, %v, want all right", s, err)
	}
	if _, err := New(m); !errors.Is(err, ErrShape) {
		t.Errorf("New() without the network = %v, want %v", err, ErrShape)
	}
	r, err = New(m, mirror{9})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Measure(t.Context(), r, samples); !errors.Is(err, ErrShape) {
		t.Errorf("Measure() with another network = %v, want %v", err, ErrShape)
	}
	set.Networks = []Network{mirror{7}}
	if _, err := Train(t.Context(), samples, set); !errors.Is(err, ErrShape) {
		t.Errorf("Train() with another network = %v, want %v", err, ErrShape)
	}
}

func TestACatalogueThatTeachesNothingIsRefused(t *testing.T) {
	good := photograph(t, all(2), 0, 3)
	empty, loose, twice := t.TempDir(), t.TempDir(), t.TempDir()
	picture, err := os.ReadFile(good[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		filepath.Join(loose, "a.png"), filepath.Join(twice, "x", "cola", "1.png"), filepath.Join(twice, "y", "cola", "1.png"),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, picture, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for story, dir := range map[string]string{"no pictures": empty, "a picture of nothing": loose, "one name twice": twice} {
		if _, err := ReadCatalogue(dir); !errors.Is(err, ErrCatalogue) {
			t.Errorf("%s: ReadCatalogue() = %v, want %v", story, err, ErrCatalogue)
		}
	}
	broken := good[1]
	broken.Path = filepath.Join(t.TempDir(), "broken.png")
	if err := os.WriteFile(broken.Path, picture[:len(picture)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	set := Settings{Name: "corner", Version: "1", Licence: "ours"}
	for story, c := range map[string]struct {
		samples []Sample
		spoil   func(*Settings)
		want    error
	}{
		"one product":         {good[:3], nil, ErrCatalogue},
		"two pictures of one": {good[:5], nil, ErrCatalogue},
		"a broken picture":    {[]Sample{good[0], broken, good[2], good[3], good[4], good[5]}, nil, ErrPicture},
		"no licence":          {good, func(s *Settings) { s.Licence = "" }, ErrModel},
		"a name with a space": {good, func(s *Settings) { s.Name = "my shop" }, ErrModel},
	} {
		set := set
		if c.spoil != nil {
			c.spoil(&set)
		}
		if _, err := Train(t.Context(), c.samples, set); !errors.Is(err, c.want) {
			t.Errorf("%s: Train() = %v, want %v", story, err, c.want)
		}
	}
}

// TestThePlanogramAndTheAppearanceAreWeighed: what is planned is believed
// unless the picture says otherwise clearly.
func TestThePlanogramAndTheAppearanceAreWeighed(t *testing.T) {
	looks := func(known bool, rs ...Reading) Answer { return Answer{Known: known, Readings: rs} }
	for story, c := range map[string]struct {
		looks Answer
		want  string
		least float64
		most  float64
	}{
		"it looks like it":         {looks(true, Reading{"cola", 0.9}, Reading{"mate", 0.05}), "cola", 0.99, 1},
		"it looks a little so":     {looks(false, Reading{"cola", 0.4}, Reading{"mate", 0.3}), "cola", 0.9, 1},
		"it may be something else": {looks(false, Reading{"mate", 0.5}, Reading{"cola", 0.3}), "cola", 0.8, 0.99},
		"it is clearly another":    {looks(true, Reading{"mate", 0.995}, Reading{"cola", 0.0005}), "mate", 0.5, 0.995},
		"it resembles nothing":     {looks(false, Reading{"mate", 0.2}, Reading{"water", 0.1}), "cola", 0.4, 0.99},
	} {
		got := c.looks.Given("cola", 0.95)
		if best := got.Readings[0]; best.SKU != c.want || best.Confidence < c.least || best.Confidence > c.most {
			t.Errorf("%s: Given() = %+v, want %s at %v to %v", story, got, c.want, c.least, c.most)
		}
	}
}

// TestWhatIsUnknownIsNeverSureToBeSomethingElse: where the picture resembles another
// product and the answer is that it is unknown, nobody is charged for the other one
// without being asked, however little the monitor trusted its own reading.
func TestWhatIsUnknownIsNeverSureToBeSomethingElse(t *testing.T) {
	looks := Answer{Readings: []Reading{{"mate", 0.93}, {"cola", 0.01}}}
	if best := looks.Given("cola", 0.3).Readings[0]; best.SKU != "mate" || best.Confidence > 0.75 {
		t.Errorf("unknown: Given() = %+v, want mate at no more than 0.75", best)
	}
	looks.Known = true
	if best := looks.Given("cola", 0.3).Readings[0]; best.SKU != "mate" || best.Confidence < 0.8 {
		t.Errorf("known: Given() = %+v, want mate for sure", best)
	}
}

// TestConfidencesAreShares checks that the readings of any scores are ordered,
// lie in 0..1 and come to at most one, with a planogram and without.
func TestConfidencesAreShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "labels")
		m := &Model{Header: Header{Doubt: Doubt{
			Bias: rapid.Float64Range(-3, 3).Draw(t, "bias"), Top: rapid.Float64Range(0, 5).Draw(t, "top"),
			Margin: rapid.Float64Range(0, 5).Draw(t, "margin"), Lead: rapid.Float64Range(-3, 5).Draw(t, "lead"), Least: 0.5, Sharing: 4,
		}}}
		s := make([]float32, n)
		for i := range s {
			m.Labels = append(m.Labels, string(rune('a'+i)))
			s[i] = float32(rapid.Float64Range(-3, 3).Draw(t, "score"))
		}
		a := m.answer(s)
		trust := rapid.Float64Range(0, 1).Draw(t, "trust")
		for _, a := range []Answer{a, a.Given("a", trust), a.Given("zz", trust), a.Given("", trust)} {
			sum, last := 0.0, 1.0
			for _, r := range a.Readings {
				if r.Confidence < 0 || r.Confidence > last || math.IsNaN(r.Confidence) {
					t.Fatalf("answer = %+v, want confidences of 0..1, best first", a)
				}
				sum, last = sum+r.Confidence, r.Confidence
			}
			if sum > 1+1e-9 {
				t.Fatalf("answer = %+v, comes to %v, want at most 1", a, sum)
			}
		}
	})
}

func TestPicturesThatShowNothingAreRefused(t *testing.T) {
	for story, b := range map[string][]byte{
		"nothing": nil, "a text": []byte("not a picture"), "a tiny one": smallPNG(t),
	} {
		if _, err := Decode(b); !errors.Is(err, ErrPicture) {
			t.Errorf("%s: Decode() = %v, want %v", story, err, ErrPicture)
		}
	}
	bgr := make([]byte, 3*20*20)
	bgr[3*(5*20+5)+2] = 255 // one red pixel
	p, err := FromBGR(20, 20, bgr, image.Rect(5, 5, 15, 15))
	if err != nil || p.W != 10 || p.H != 10 || p.RGB[0] != 255 || p.Mirror().RGB[3*9] != 255 {
		t.Errorf("FromBGR() of a part = %dx%d %v, %v, want its ten pixels with the red one first", p.W, p.H, p.RGB[:3], err)
	}
	if _, err := FromBGR(20, 20, bgr, image.Rect(18, 18, 40, 40)); !errors.Is(err, ErrPicture) {
		t.Errorf("FromBGR() of a corner = %v, want %v", err, ErrPicture)
	}
	if _, err := FromBGR(10, 10, make([]byte, 12), image.Rectangle{}); !errors.Is(err, ErrPicture) {
		t.Errorf("FromBGR() of too few bytes = %v, want %v", err, ErrPicture)
	}
}
