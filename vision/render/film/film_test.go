package film

import (
	"bytes"
	"math"
	"testing"

	"github.com/vouchledger/vouch/vision/render/random"
)

func TestFilmAddsLightAndNoiseOfTheGivenSpread(t *testing.T) {
	const w, h = 320, 100
	picture := func(spread float64, c *Curve, stream uint64) []byte {
		pix := bytes.Repeat([]byte{100}, 3*w*h)
		New(7, spread).Develop(pix, w, c, random.New(7, stream))
		return pix
	}
	bright := Gains{1.2, 1.2, 1.2}
	for _, spread := range []float64{0, 2, 4} {
		sum, squares := 0.0, 0.0
		pix := picture(spread, Soft(bright), 5)
		for i := 1; i < len(pix); i += 3 { // green
			sum += float64(pix[i])
			squares += float64(pix[i]) * float64(pix[i])
		}
		mean := sum / (w * h)
		if sd := math.Sqrt(squares/(w*h) - mean*mean); math.Abs(mean-120) > 0.6 || math.Abs(sd-spread) > 0.35 {
			t.Errorf("noise %v: mean %.2f, spread %.2f, want 120 and %v", spread, mean, sd, spread)
		}
	}
	if bytes.Equal(picture(2, Soft(bright), 5), picture(2, Soft(bright), 6)) {
		t.Error("two frames have the same noise")
	}
	if !bytes.Equal(picture(2, Soft(bright), 5), picture(2, Soft(bright), 5)) {
		t.Error("one frame has two noises")
	}
}

func TestBrightPartsRollOffOrClip(t *testing.T) {
	double := Gains{2, 2, 2}
	soft, hard := Soft(double), Hard(double)
	if hard[0][200] != 255*unit {
		t.Errorf("hard: level 200 at double light is %d, want white", hard[0][200]/unit)
	}
	if a, b := soft[0][120]/unit, soft[0][125]/unit; a < 225 || b <= a || b > 255 {
		t.Errorf("soft: levels 120 and 125 become %d and %d, want both between 225 and 255 and different", a, b)
	}
}
