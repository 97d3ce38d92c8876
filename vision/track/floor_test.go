package track

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// room is a camera in a corner of a room: far corners are small in its picture.
func room(t testing.TB) Homography {
	t.Helper()
	h, err := FitHomography(
		[]Point{{60, 470}, {580, 470}, {420, 150}, {220, 150}},
		[]Point{{0, 0}, {4, 0}, {4, 8}, {0, 8}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAPictureLiesOnTheFloorWhereItWasMeasured(t *testing.T) {
	h := room(t)
	rapid.Check(t, func(t *rapid.T) {
		p := Point{rapid.Float64Range(0, 4).Draw(t, "x"), rapid.Float64Range(0, 8).Draw(t, "y")}
		if back := h.Floor(h.Picture(p)); back.Distance(p) > 1e-6 {
			t.Fatalf("there and back of %v = %v", p, back)
		}
	})
	far, near := h.spreadAt(h.Picture(Point{2, 7.5}), 3, 3), h.spreadAt(h.Picture(Point{2, 0.5}), 3, 3)
	if far.yy < 4*near.yy {
		t.Errorf("spread of 3 pixels far away = %v, close by %v, want far more", far, near)
	}
}

func TestFloorsAreFittedThroughMeasuringErrors(t *testing.T) {
	h := room(t)
	var picture, floor []Point
	for i := range 12 {
		f := Point{float64(i%4) * 4 / 3, float64(i/4) * 4}
		p := h.Picture(f)
		picture = append(picture, Point{p.X + float64(i%3-1), p.Y + float64((i*7)%3-1)})
		floor = append(floor, f)
	}
	fit, err := FitHomography(picture, floor)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Point{{1, 1}, {3, 2}, {2, 6}} {
		if got := fit.Floor(h.Picture(p)); got.Distance(p) > 0.15 {
			t.Errorf("Floor of %v = %v with errors of a pixel, want within 15 cm", p, got)
		}
	}
}

func TestPointsOnALineFixNoFloor(t *testing.T) {
	line := []Point{{0, 0}, {1, 1}, {2, 2}, {5, 1}}
	if _, err := FitHomography(line, line); !errors.Is(err, ErrHomography) {
		t.Errorf("FitHomography of three points on a line = %v, want ErrHomography", err)
	}
	if _, err := FitHomography(line[:3], line[:3]); !errors.Is(err, ErrHomography) {
		t.Errorf("FitHomography of three points = %v, want ErrHomography", err)
	}
}
