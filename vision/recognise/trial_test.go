package recognise

import (
	"math"
	"math/rand/v2"
	"testing"
)

// afternoons makes rows of products that were photographed on a few afternoons
// each: those of one afternoon are nearly the same.
func afternoons(products, each, pictures int) (lesson, [][]int) {
	const width = 60
	rng := rand.New(rand.NewPCG(6, 6))
	var rows [][]float32
	l := lesson{}
	var taken [][]int
	for c := range products {
		l.groups = append(l.groups, c/2)
		for range each {
			var of []int
			light := make([]float32, width)
			for k := range light {
				light[k] = float32(rng.NormFloat64())
			}
			for range pictures {
				x := make([]float32, width)
				for k := range x {
					x[k] = light[k] + 0.05*float32(rng.NormFloat64())
				}
				x[c] += 2
				unit(x)
				of = append(of, len(rows))
				rows, l.class = append(rows, x), append(l.class, c)
			}
			taken = append(taken, of)
		}
	}
	l.table = alike(rows)
	return l, taken
}

// TestPicturesOfOneAfternoonAreHeldOutTogether: a trial that learned some would
// know the others by heart.
func TestPicturesOfOneAfternoonAreHeldOutTogether(t *testing.T) {
	l, taken := afternoons(9, folds, 5)
	part := l.parted(folds)
	for _, of := range taken {
		for _, i := range of[1:] {
			if part[i] != part[of[0]] {
				t.Fatalf("pictures %d and %d of one afternoon are in parts %d and %d", of[0], i, part[of[0]], part[i])
			}
		}
	}
	held := map[int]int{}
	for _, p := range part {
		held[p]++
	}
	for fold := range folds {
		if held[fold] != len(part)/folds {
			t.Errorf("trial %d holds out %d pictures, want a %dth of %d", fold, held[fold], folds, len(part))
		}
	}
}

// TestProductsWhosePicturesAreAllAlikeAreStillLearned: one picture is held out.
func TestProductsWhosePicturesAreAllAlikeAreStillLearned(t *testing.T) {
	row := []float32{1, 0}
	l := lesson{table: alike([][]float32{row, row, row}), class: []int{0, 0, 0}, groups: []int{0}}
	if part := l.parted(folds); part[0] != part[1] || part[1] == part[2] {
		t.Errorf("parts = %v, want the last apart", part)
	}
}

// TestStrangersCountAsWhatTheyAre: however many of the trials' pictures are of
// products that were left out.
func TestStrangersCountAsWhatTheyAre(t *testing.T) {
	l, _ := afternoons(16, folds, 3)
	part := l.parted(folds)
	var trials []trial
	for fold := range folds {
		trials = append(trials, l.try(part, fold)...)
	}
	trials = append(trials, trials[0], trials[0]) // a product with more pictures
	balance(trials)
	known, unknown, of := 0.0, 0.0, map[int]float64{}
	for _, tr := range trials {
		if tr.stranger {
			unknown += tr.weight
			if tr.right {
				t.Fatal("an answer about a stranger is right")
			}
		} else {
			known += tr.weight
			of[tr.class] += tr.weight
		}
	}
	if got := unknown / (known + unknown); math.Abs(got-strange) > 1e-9 {
		t.Errorf("strangers count %v of all, want %v", got, strange)
	}
	for c, weight := range of {
		if math.Abs(weight-of[0]) > 1e-9 {
			t.Errorf("product %d counts %v, want %v as any other", c, weight, of[0])
		}
	}
}
