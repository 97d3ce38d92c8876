package mount_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/track"
)

// drawn is the floor file of a camera of a drawn shop, with the camera.
func drawn(t testing.TB, name string) ([]byte, shop.Camera) {
	t.Helper()
	sc, err := shop.Convenience(1, 3)
	if err != nil {
		t.Fatal(err)
	}
	sc.Seconds = 1
	s, err := shop.New(sc)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Cameras {
		if c.Name != name {
			continue
		}
		b, err := s.FloorFile(c)
		if err != nil {
			t.Fatal(err)
		}
		return b, c
	}
	t.Fatalf("no camera %s", name)
	return nil, shop.Camera{}
}

func TestAPersonIsWhereTheCameraShowsThem(t *testing.T) {
	for _, name := range []string{"entrance", "overhead", "aisle"} {
		b, c := drawn(t, name)
		m, err := mount.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		lens := c.Lens()
		for _, p := range []shop.Vec{{1, 1, 0}, {1.2, 1.5, 1.75}, {2, 2.5, 0.9}, {3.5, 3, 1.4}} {
			x, y, _, ok := lens.Project(p)
			if !ok || !c.Inside(lens, p) {
				continue
			}
			got, seen := m.Project(p[0], p[1], p[2])
			if want := (track.Point{X: x, Y: y}); !seen || got.Distance(want) > 6 {
				t.Errorf("%s shows %v at %v, %v; want %v", name, p, got, seen, want)
			}
		}
		if _, seen := m.Project(c.At[0]-(c.Towards[0]-c.At[0]), c.At[1]-(c.Towards[1]-c.At[1]), c.At[2]+2); seen {
			t.Errorf("%s sees what is behind it", name)
		}
		again, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := mount.Parse(again); err != nil || !cmp.Equal(m.Points, n.Points) || n.Hangs != m.Hangs {
			t.Errorf("%s written and read again differs: %v", name, err)
		}
	}
}

// TestTheTrackerGetsTheFloor checks that a foot at a mark is at the mark, and
// that who is seen from straight above is where their waist is.
func TestTheTrackerGetsTheFloor(t *testing.T) {
	for _, name := range []string{"aisle", "overhead"} {
		b, c := drawn(t, name)
		m, err := mount.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		height := 0.0
		if name == "overhead" {
			height = 0.9
		}
		x, y, _, _ := c.Lens().Project(shop.Vec{2, 3, height})
		cam := m.Camera(name)
		if at := cam.Floor.Floor(track.Point{X: x, Y: y}); at.Distance(track.Point{X: 2, Y: 3}) > 0.05 {
			t.Errorf("%s: somebody at 2, 3 is at %v", name, at)
		}
		if cam.Middle != (name == "overhead") {
			t.Errorf("%s: middle of the box counts: %v", name, cam.Middle)
		}
	}
}

func TestFloorsThatDoNotFitAreRefused(t *testing.T) {
	whole, _ := drawn(t, "aisle")
	altered := func(change func(f map[string]any)) string {
		var file map[string]any
		if err := json.Unmarshal(whole, &file); err != nil {
			t.Fatal(err)
		}
		change(file)
		b, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	points := func(f map[string]any) []any { return f["points"].([]any) }
	mark := func(f map[string]any, i int) map[string]any { return points(f)[i].(map[string]any) }
	for _, tt := range []struct {
		story, file string
		want        error
		says        string
	}{
		{"no file", "", mount.ErrFormat, ""},
		{"another word", altered(func(f map[string]any) { f["hang"] = 1 }), mount.ErrFormat, "hang"},
		{"something behind it", string(whole) + "{}", mount.ErrFormat, "follows"},
		{"no size", altered(func(f map[string]any) { delete(f, "size") }), mount.ErrFormat, "size"},
		{"from above, not measured from where", altered(func(f map[string]any) { f["above"] = true; delete(f, "hangs") }), mount.ErrFormat, "hangs"},
		{"three points", altered(func(f map[string]any) { f["points"] = points(f)[:3] }), mount.ErrPoints, "3 of them"},
		{"a point outside the picture", altered(func(f map[string]any) { mark(f, 2)["picture"] = []int{700, 10} }), mount.ErrPoints, "point 3"},
		{"centimetres", altered(func(f map[string]any) { mark(f, 1)["floor"] = []int{25, 2500} }), mount.ErrPoints, "metres"},
		{"the same point twice", altered(func(f map[string]any) { f["points"] = append(points(f), mark(f, 4)) }), mount.ErrPoints, "one place"},
		{"all on a line", `{"size":[640,360],"points":[
			{"picture":[10,100],"floor":[0,0]},{"picture":[110,100],"floor":[1,0]},
			{"picture":[210,100],"floor":[2,0]},{"picture":[310,100],"floor":[3,0]}]}`, mount.ErrPoints, "line"},
		{"one measured wrongly", altered(func(f map[string]any) { mark(f, 5)["floor"] = []float64{4.9, 1.1} }), mount.ErrStray, "point 6"},
		{"the camera below the floor", altered(func(f map[string]any) { f["hangs"] = []float64{1, 1, -2} }), mount.ErrHangs, "high"},
		{"the camera at the other wall", altered(func(f map[string]any) { f["hangs"] = []float64{0.2, 4.4, 2.7} }), mount.ErrHangs, "from"},
	} {
		_, err := mount.Parse([]byte(tt.file))
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: Parse = %v, want %v that says %q", tt.story, err, tt.want, tt.says)
		}
	}
}

// TestTheGridLiesOnTheMarks draws the grid as an installer sees it.
func TestTheGridLiesOnTheMarks(t *testing.T) {
	b, c := drawn(t, "aisle")
	m, err := mount.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewRGBA(image.Rect(0, 0, c.Width, c.Height))
	if err := m.Grid(img); err != nil {
		t.Fatal(err)
	}
	// A crossing of metre lines is drawn where the real camera has it.
	x, y, _, _ := c.Lens().Project(shop.Vec{2, 3, 0})
	found := false
	for dy := -2; dy <= 2; dy++ {
		for dx := -2; dx <= 2; dx++ {
			found = found || img.RGBAAt(int(x)+dx, int(y)+dy) == color.RGBA{0, 220, 255, 255}
		}
	}
	if !found {
		t.Errorf("no line of the grid at 2 m, 3 m, which is pixel %.0f, %.0f", x, y)
	}
	if err := m.Grid(image.NewRGBA(image.Rect(0, 0, 320, 180))); !errors.Is(err, mount.ErrSize) {
		t.Errorf("Grid on a picture of another size = %v, want %v", err, mount.ErrSize)
	}
}

// TestAnyCameraIsUnderstood hangs cameras anywhere: from marks alone and where
// it hangs follows what is above the floor.
func TestAnyCameraIsUnderstood(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string, lo, hi float64) float64 { return rapid.Float64Range(lo, hi).Draw(t, name) }
		c := shop.Camera{
			Width: 640, Height: 360, FOV: at("fov", 50, 95), At: shop.Vec{at("x", -1, 6), at("y", -1, 5), at("z", 2, 4)},
			Towards: shop.Vec{at("tx", 2, 4), at("ty", 2, 3), 0},
		}
		lens := c.Lens()
		var marks []mount.Mark
		for x := 0.0; x <= 6; x += 0.75 {
			for y := 0.0; y <= 5; y += 0.75 {
				if px, py, _, ok := lens.Project(shop.Vec{x, y, 0}); ok && c.Inside(lens, shop.Vec{x, y, 0}) {
					marks = append(marks, mount.Mark{Picture: [2]float64{px, py}, Floor: [2]float64{x, y}})
				}
			}
		}
		if len(marks) < 12 {
			t.Skip("it sees hardly any floor")
		}
		b, err := json.Marshal(map[string]any{"size": []int{640, 360}, "points": marks, "hangs": c.At})
		if err != nil {
			t.Fatal(err)
		}
		m, err := mount.Parse(b)
		if err != nil {
			t.Fatalf("Parse of a camera at %v = %v", c.At, err)
		}
		p := shop.Vec{at("px", 1, 5), at("py", 1, 4), at("pz", 0, 1.8)}
		x, y, _, ok := lens.Project(p)
		if !ok || !c.Inside(lens, p) {
			return
		}
		got, seen := m.Project(p[0], p[1], p[2])
		if !seen || math.Hypot(got.X-x, got.Y-y) > 0.5 {
			t.Fatalf("%v is at %v, want %.1f, %.1f", p, got, x, y)
		}
	})
}

func FuzzParse(f *testing.F) {
	b, _ := drawn(f, "aisle")
	f.Add(b)
	f.Add([]byte(`{"size":[640,360],"points":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := mount.Parse(b)
		if err != nil {
			return
		}
		again, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		n, err := mount.Parse(again)
		if err != nil {
			t.Fatalf("what was taken is refused when written: %v", err)
		}
		if third, err := n.Marshal(); err != nil || !bytes.Equal(again, third) {
			t.Fatalf("written twice it differs: %v", err)
		}
	})
}
