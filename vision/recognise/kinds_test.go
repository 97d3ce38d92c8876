package recognise

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"
)

// taught is a model that knows kinds of patches, of a few drawn pictures.
func taught(t testing.TB, samples []Sample) *Model {
	t.Helper()
	m := &Model{}
	if err := m.learnKinds(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestAThingAndItsMirrorImageAreTheSame: what is seen of a picture is seen of its
// mirror image, and not of another product or of the picture upside down.
func TestAThingAndItsMirrorImageAreTheSame(t *testing.T) {
	samples := photograph(t, []int{1, 4, 6}, 0, 3)
	m := taught(t, samples)
	lopsided := image.NewRGBA(image.Rect(0, 0, 80, 80)) // cells and pixels meet
	for y := range 80 {
		for x := range 80 {
			lopsided.SetRGBA(x, y, wares[(x*x+80*y)/5000%9].ground)
		}
	}
	p := shrink(lopsided, lopsided.Bounds(), longest)
	upside := Picture{W: p.W, H: p.H}
	for y := range p.H {
		upside.RGB = append(upside.RGB, p.RGB[3*p.W*(p.H-1-y):3*p.W*(p.H-y)]...)
	}
	x := m.plain(p)
	agree := func(q Picture) float64 { return float64(dot(x, m.plain(q))) }
	if whole := agree(p); math.Abs(whole-1) > 1e-4 {
		t.Fatalf("a picture agrees with itself by %v, want 1", whole)
	}
	if got := agree(p.Mirror()); got < 0.999 {
		t.Errorf("a picture agrees with its mirror image by %v, want 1", got)
	}
	if got := agree(upside); got > 0.95 {
		t.Errorf("a picture agrees with itself upside down by %v, want less", got)
	}
}

// TestKindsExplainPatchesBetterEachRound: that is the law of expectation and
// maximisation.
func TestKindsExplainPatchesBetterEachRound(t *testing.T) {
	const n = 3000
	rng := rand.New(rand.NewPCG(5, 5))
	k := newKinds(6, 4)
	d := k.wide()
	x := make([]float32, n*d)
	for i := range n {
		for j := range d {
			x[i*d+j] = float32(rng.NormFloat64()*(1+float64(i%3)) + 7*float64((i%5)*(j%2)))
		}
	}
	likely := func() (sum float64) {
		for i := range n {
			most := math.Inf(-1)
			all := make([]float64, kindCount)
			for c := range all {
				all[c] = math.Log(float64(k.share[c]) + 1e-30)
				for j := range d {
					m, v := float64(k.middle[c*d+j]), float64(k.spread[c*d+j])
					off := float64(x[i*d+j]) - m
					all[c] -= (math.Log(v) + off*off/v) / 2
				}
				most = max(most, all[c])
			}
			total := 0.0
			for _, v := range all {
				total += math.Exp(v - most)
			}
			sum += most + math.Log(total)
		}
		return sum / n
	}
	k.axis, k.mean = make([]float32, k.axes*k.size), make([]float32, k.size)
	k.mix(x, n, rng)
	before := likely()
	all := make([]float64, d)
	for range 3 {
		k.refine(x, n, all)
		if now := likely(); now < before-1e-3 {
			t.Fatalf("after another round the patches are as likely as %v, want at least %v", now, before)
		} else {
			before = now
		}
	}
	k.middle[0] += 100
	if broken := likely(); broken >= before {
		t.Errorf("with a kind where no patch is they are as likely as %v, want less than %v", broken, before)
	}
}
