package cv

import "testing"

func TestRateOfFindsTheFraction(t *testing.T) {
	for _, tt := range []struct {
		fps  float64
		want Rate
	}{
		{30, Rate{30, 1}},
		{179.0 / 6, Rate{179, 6}},
		{30000.0 / 1001, Rate{30000, 1001}},
		{12.5, Rate{25, 2}},
		{0, Rate{}},
		{-1, Rate{}},
		{90000, Rate{}},
	} {
		if got := RateOf(tt.fps); got != tt.want {
			t.Errorf("RateOf(%v) = %v, want %v", tt.fps, got, tt.want)
		}
	}
}

func TestEvenSizeFitsH264(t *testing.T) {
	for _, tt := range []struct{ w, h, max, wantW, wantH int }{
		{640, 360, 640, 640, 360},
		{1920, 1080, 640, 640, 360},
		{641, 361, 1000, 640, 360},
		{1, 1, 640, 2, 2},
	} {
		if w, h := EvenSize(tt.w, tt.h, tt.max); w != tt.wantW || h != tt.wantH {
			t.Errorf("EvenSize(%d, %d, %d) = %d, %d, want %d, %d", tt.w, tt.h, tt.max, w, h, tt.wantW, tt.wantH)
		}
	}
}
