package persons_test

import (
	"errors"
	"image"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/persons"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/render/view"
	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/track"
)

// afternoon is a drawn shop: two come in together, a third later, a lamp goes
// on, the camera is knocked.
func afternoon(width, height, fps int) (*shop.Stage, error) {
	sc, err := shop.Convenience(1, 3)
	if err != nil {
		return nil, err
	}
	err = sc.Parse(`anna enters 1s: take a2, touch a3 after 1s, return a2
ben with anna enters 2s: take a1, take b4
carl enters 6s: take c2
lights 9s
shake 12s for 1s
seconds 15`)
	if err != nil {
		return nil, err
	}
	sc.FPS = fps
	sc.Resize(width, height)
	return shop.New(sc)
}

// day is that afternoon in small pictures, drawn once.
var day = sync.OnceValues(func() (*shop.Stage, error) { return afternoon(320, 180, 8) })

// cameras are those that look for persons, with what each sees of the day and
// whom it finds.
func cameras(t testing.TB) (s *shop.Stage, all []watched) {
	t.Helper()
	s, err := day()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"entrance", "overhead", "aisle"} {
		if _, ok := filmed[name]; !ok {
			w := watch(t, s, name)
			w.found = w.people(t, w.mount)
			filmed[name] = w
		}
		all = append(all, filmed[name])
	}
	return s, all
}

// filmed keeps what cameras saw: drawing is the slow part.
var filmed = map[string]watched{}

// watched is what a camera of a stage shows, and its floor file.
type watched struct {
	shop.Camera
	stage  *shop.Stage
	frames [][]byte
	mount  *mount.Mount
	found  [][]track.Box
}

func watch(t testing.TB, s *shop.Stage, camera string) watched {
	t.Helper()
	v, err := view.New(s, camera)
	if err != nil {
		t.Fatal(err)
	}
	w := watched{Camera: v.Camera(), stage: s}
	for n := range v.Frames() {
		w.frames = append(w.frames, make([]byte, 3*w.Width*w.Height))
		v.Frame(n, w.frames[n])
	}
	b, err := s.FloorFile(w.Camera)
	if err != nil {
		t.Fatal(err)
	}
	if w.mount, err = mount.Parse(b); err != nil {
		t.Fatal(err)
	}
	return w
}

// people returns the boxes of every frame.
func (w watched) people(t testing.TB, m *mount.Mount) (all [][]track.Box) {
	t.Helper()
	d, err := persons.NewMoving(w.Width, w.Height, float64(w.stage.FPS), m)
	if err != nil {
		t.Fatal(err)
	}
	for _, bgr := range w.frames {
		boxes, err := d.People(persons.Picture{BGR: bgr, Width: w.Width, Height: w.Height})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, boxes)
	}
	return all
}

func (w watched) count(found [][]track.Box, overlap float64) (sum score.Boxes) {
	for n, boxes := range found {
		var rects []image.Rectangle
		for _, b := range boxes {
			rects = append(rects, b.Rect)
		}
		sum = sum.Add(score.Persons(w.stage.Boxes(w.Camera, n), rects, overlap))
	}
	return sum
}

func TestPersonsAreFoundInADrawnShop(t *testing.T) {
	_, all := cameras(t)
	for i, tt := range []struct {
		camera            string
		precision, recall float64 // with the floor measured, at a third of overlap
		bareRecall        float64
	}{{"entrance", 0.97, 0.9, 0.8}, {"overhead", 0.97, 0.85, 0.4}, {"aisle", 0.97, 0.8, 0.7}} {
		w := all[i]
		found := w.found
		with, half := w.count(found, 1.0/3), w.count(found, 0.5)
		without := w.count(w.people(t, nil), 1.0/3)
		t.Logf("%s: precision %.3f, recall %.3f; at a half %.3f, %.3f; without floor %.3f, %.3f", tt.camera,
			with.Precision(), with.Recall(), half.Precision(), half.Recall(), without.Precision(), without.Recall())
		if with.Precision() < tt.precision || with.Recall() < tt.recall || without.Recall() < tt.bareRecall {
			t.Errorf("%s: want precision %v, recall %v, %v without floor", tt.camera, tt.precision, tt.recall, tt.bareRecall)
		}
		for _, boxes := range found {
			for _, b := range boxes {
				if len(b.Look) == 0 || b.Score <= 0 || b.Score >= 1 || !b.Rect.In(image.Rect(0, 0, w.Width, w.Height)) {
					t.Fatalf("%s: %+v is no box with a look and a score", tt.camera, b)
				}
			}
		}
		if tt.camera == "entrance" {
			if again := w.people(t, w.mount); !cmp.Equal(again, found) {
				t.Error("the same pictures give other boxes")
			}
		}
	}
}

// A room paints a picture: a wall with a floor, noise, and what is put there.
type room struct {
	dice  *rand.Rand
	light float64
	put   map[image.Rectangle][3]uint8
}

const roomWide, roomHigh, rate = 160, 120, 2

func newRoom() *room {
	return &room{rand.New(rand.NewPCG(3, 3)), 1, map[image.Rectangle][3]uint8{}}
}

func (r *room) picture() persons.Picture {
	p := persons.Picture{BGR: make([]byte, 3*roomWide*roomHigh), Width: roomWide, Height: roomHigh}
	paint := func(at image.Rectangle, colour func(x, y int) [3]uint8) {
		for y := at.Min.Y; y < at.Max.Y; y++ {
			for x := at.Min.X; x < at.Max.X; x++ {
				for i, v := range colour(x, y) {
					p.BGR[3*(y*roomWide+x)+i] = uint8(max(0, min(255, r.light*float64(v)+float64(r.dice.IntN(7))-3)))
				}
			}
		}
	}
	paint(image.Rect(0, 0, roomWide, roomHigh), func(x, y int) [3]uint8 {
		if (x/20+y/20)%2 == 0 {
			return [3]uint8{uint8(150 + x/8), 148, uint8(170 - y/4)}
		}
		return [3]uint8{uint8(150 + x/8), 160, uint8(170 - y/4)}
	})
	// What stands lower is before what is higher.
	for _, at := range slices.SortedFunc(maps.Keys(r.put), func(a, b image.Rectangle) int { return a.Min.Y - b.Min.Y }) {
		paint(at, func(int, int) [3]uint8 { return r.put[at] })
	}
	return p
}

// somebody is where a person stands in the painted room.
func somebody(x int) image.Rectangle { return image.Rect(x, 30, x+22, 110) }

func detector(t testing.TB) *persons.Moving {
	t.Helper()
	d, err := persons.NewMoving(roomWide, roomHigh, rate, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// after shows the room for some seconds and returns the boxes at the end.
func (r *room) after(t testing.TB, d *persons.Moving, seconds int) []track.Box {
	t.Helper()
	var boxes []track.Box
	for range rate * seconds {
		var err error
		if boxes, err = d.People(r.picture()); err != nil {
			t.Fatal(err)
		}
	}
	return boxes
}

func TestWhoStandsStillIsSeenForAMinuteAndMore(t *testing.T) {
	r, d := newRoom(), detector(t)
	r.after(t, d, 2)
	r.put[somebody(60)] = [3]uint8{40, 30, 160}
	if boxes := r.after(t, d, 60); len(boxes) != 1 || boxes[0].Rect.Intersect(somebody(60)).Empty() {
		t.Errorf("after a minute the boxes are %v, want one at %v", boxes, somebody(60))
	}
	if boxes := r.after(t, d, 60); len(boxes) != 0 {
		t.Errorf("after two minutes the boxes are %v: what never moves is a thing", boxes)
	}
}

func TestALampIsNobody(t *testing.T) {
	r, d := newRoom(), detector(t)
	r.after(t, d, 2)
	for _, light := range []float64{1.2, 0.7, 1.0} {
		r.light = light
		if boxes := r.after(t, d, 1); len(boxes) != 0 {
			t.Errorf("in light of %v there are %v, want nobody", light, boxes)
		}
	}
	r.put[somebody(90)] = [3]uint8{40, 30, 160}
	if boxes := r.after(t, d, 1); len(boxes) != 1 {
		t.Errorf("after the lamps there are %v, want the one who came in", boxes)
	}
}

func TestWhoWasThereAtTheStartLeavesNoGhost(t *testing.T) {
	r, d := newRoom(), detector(t)
	r.put[somebody(60)] = [3]uint8{40, 30, 160}
	r.after(t, d, 2)
	delete(r.put, somebody(60))
	if boxes := r.after(t, d, 3); len(boxes) != 0 {
		t.Errorf("where somebody stood at the start there are %v, want nobody", boxes)
	}
}

func TestABasketThatIsPutDownIsForgotten(t *testing.T) {
	r, d := newRoom(), detector(t)
	r.after(t, d, 2)
	r.put[image.Rect(20, 96, 40, 110)] = [3]uint8{30, 60, 30}
	r.after(t, d, 8)
	// Somebody stands before it and goes: only they were seen.
	r.put[somebody(18)] = [3]uint8{40, 30, 160}
	if boxes := r.after(t, d, 2); len(boxes) != 1 {
		t.Errorf("before the basket there are %v, want one", boxes)
	}
	delete(r.put, somebody(18))
	if boxes := r.after(t, d, 2); len(boxes) != 0 {
		t.Errorf("after they went there are %v, want nobody", boxes)
	}
}

func TestPicturesThatDoNotFitAreRefused(t *testing.T) {
	d := detector(t)
	for _, p := range []persons.Picture{
		{},
		{BGR: make([]byte, 3*roomWide*roomHigh-1), Width: roomWide, Height: roomHigh},
		{BGR: make([]byte, 3*80*60), Width: 80, Height: 60},
	} {
		if _, err := d.People(p); !errors.Is(err, persons.ErrPicture) {
			t.Errorf("People(%d bytes, %d x %d) = %v, want %v", len(p.BGR), p.Width, p.Height, err, persons.ErrPicture)
		}
	}
	_, all := cameras(t)
	if _, err := persons.NewMoving(640, 360, 8, all[0].mount); !errors.Is(err, mount.ErrSize) {
		t.Errorf("NewMoving with another camera's floor = %v, want %v", err, mount.ErrSize)
	}
	if _, err := persons.NewMoving(640, 360, 0, nil); !errors.Is(err, persons.ErrConfig) {
		t.Errorf("NewMoving without a rate = %v, want %v", err, persons.ErrConfig)
	}
	if _, err := persons.New(persons.Config{Still: true}); !errors.Is(err, persons.ErrConfig) {
		t.Errorf("New that looks with nothing = %v, want %v", err, persons.ErrConfig)
	}
}

func TestABlackThingThatIsPutDownInBrighterLightIsForgottenToo(t *testing.T) {
	d, err := persons.NewMoving(64, 36, 5, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 7))
	picture := persons.Picture{BGR: make([]byte, 3*64*36), Width: 64, Height: 36}
	for n := range 200 {
		for i := range picture.BGR {
			picture.BGR[i] = byte(180 + 2*r.IntN(3) + min(50, n/2))
		}
		for y := 24; y < 27 && n >= 120; y++ {
			for x := 10; x < 40; x++ {
				copy(picture.BGR[3*(64*y+x):], []byte{0, 0, 0})
			}
		}
		boxes, err := d.People(picture)
		if err != nil || n > 190 && len(boxes) > 0 {
			t.Fatalf("picture %d: %v, %v, want no error, and nobody in the end", n, boxes, err)
		}
	}
}
