//go:build opencv

package persons_test

import (
	"image"
	"os"
	"testing"
	"time"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/persons"
	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/track"
	"github.com/vouchledger/vouch/vision/truth"
)

// marked returns the boxes that a person drew around persons in some frames
// of a given clip.
func marked(t testing.TB, clip string) map[int][]truth.Box {
	t.Helper()
	f, err := os.Open("testdata/" + clip + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := truth.ReadLines[truth.Box](f)
	if err != nil {
		t.Fatal(err)
	}
	at := map[int][]truth.Box{}
	for _, b := range lines {
		at[b.Frame] = append(at[b.Frame], b)
	}
	return at
}

// counted is what a detector found on a clip, by overlap.
type counted struct {
	third, half score.Boxes
	each        time.Duration
}

// look runs a detector over a clip and counts the frames that are marked; one
// that remembers nothing is shown no others unless somebody else wants them.
func look(t testing.TB, clip string, c persons.Config, then func(n int, boxes []track.Box)) counted {
	t.Helper()
	src, err := cv.Open(given.File(t, "video/"+clip+".mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	c.Width, c.Height = src.Size()
	c.Rate = src.Rate().Float()
	d, err := persons.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var r counted
	looked := 0
	want := marked(t, clip)
	for n := range src.Frames() {
		f, err := src.Next()
		if err != nil {
			t.Fatal(err)
		}
		if then == nil && c.Still && want[n] == nil {
			f.Close()
			continue
		}
		begun := time.Now()
		boxes, err := d.People(f)
		r.each += time.Since(begun)
		looked++
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if then != nil {
			then(n, boxes)
		}
		if want[n] == nil {
			continue
		}
		var rects []image.Rectangle
		for _, b := range boxes {
			rects = append(rects, b.Rect)
		}
		r.third = r.third.Add(score.Persons(want[n], rects, 0.3))
		r.half = r.half.Add(score.Persons(want[n], rects, 0.5))
	}
	r.each /= time.Duration(looked)
	return r
}

func network(t testing.TB, m cv.Model) persons.Shaped {
	t.Helper()
	m.Names = given.File(t, "models/coco.names")
	d, err := cv.NewDetector(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return persons.Network{Detector: d}
}

// TestPersonsOnTheGivenClips is a part of the table of
// docs/vision-who-and-fusion.md. The boxes it is held against were drawn by hand.
func TestPersonsOnTheGivenClips(t *testing.T) {
	hog, err := cv.NewPeople()
	if err != nil {
		t.Fatal(err)
	}
	defer hog.Close()
	onnx := network(t, cv.Model{ONNX: given.File(t, "models/FastestDet.onnx")})
	for _, tt := range []struct {
		clip, name        string
		config            persons.Config
		precision, recall float64 // at a third of overlap
	}{
		{"person-a", "FastestDet", persons.Config{Shaped: onnx, Still: true}, 0.95, 0.95},
		{"aisle-demo", "what moves, HOG", persons.Config{Shaped: hog}, 0.5, 0.3}, // nobody saw the aisle empty
		{"aisle-demo", "HOG alone", persons.Config{Shaped: hog, Still: true}, 0.95, 0.2},
		{"aisle-demo", "FastestDet", persons.Config{Shaped: onnx, Still: true}, 0.8, 0.9},
	} {
		r := look(t, tt.clip, tt.config, nil)
		t.Logf("| %s, %s | %.2f / %.2f | %.2f / %.2f | %.0f |", tt.clip, tt.name, r.third.Precision(), r.third.Recall(),
			r.half.Precision(), r.half.Recall(), float64(r.each.Microseconds())/1000)
		if r.third.Precision() < tt.precision || r.third.Recall() < tt.recall {
			t.Errorf("%s, %s: want precision %v, recall %v", tt.clip, tt.name, tt.precision, tt.recall)
		}
	}
}
