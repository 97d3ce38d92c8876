package recognise

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// afternoons makes rows of products that were photographed on a few afternoons
// each: those of one afternoon are nearly the same.
func afternoons(products, each, pictures int) (lesson, [][]float32, [][]int) {
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
	return l, rows, taken
}

// examined learns a lesson and is ready to ask about it.
func examined(l lesson, than float64) examination {
	e := examination{lesson: l, near: l.near(than)}
	e.counts = e.learn()
	e.inverse = inverse(e.table)
	return e
}

// TestAskingAsIfItWereNotLearnedIsLearningWithoutIt: what a trial says of a picture
// is what a classifier says that was made without it and without all of its occasion,
// and for a stranger without the product.
func TestAskingAsIfItWereNotLearnedIsLearningWithoutIt(t *testing.T) {
	const classes = 5
	l, rows, _ := afternoons(classes, 3, 4)
	e := examined(l, 1.5)
	members := e.members()
	anew := func(at []int, i, stranger int) (standing, int) {
		var few [][]float32
		rest := lesson{groups: l.groups}
		for j, x := range rows {
			if !slices.Contains(at, j) {
				few, rest.class = append(few, x), append(rest.class, l.class[j])
			}
		}
		rest.table = alike(few)
		s := scores(weigh(few, rest.learn()), rows[i])
		best, second, sum, is, known := math.Inf(-1), math.Inf(-1), 0.0, -1, 0.0
		for c, v := range s {
			if c == stranger {
				continue
			}
			sum, known = sum+float64(v), known+1
			if float64(v) > best {
				best, second, is = float64(v), best, c
			} else {
				second = max(second, float64(v))
			}
		}
		return stand(best, second, sum/known), is
	}
	off := func(a, b standing) float64 {
		return max(math.Abs(a.best-b.best), math.Abs(a.margin-b.margin), math.Abs(a.lead-b.lead))
	}
	for i := 0; i < len(rows); i += 3 {
		c := l.class[i]
		got, is := e.without(e.near[i], e.part(e.near[i], nil), i, -1)
		want, was := anew(e.near[i], i, -1)
		if off(got, want) > 1e-3 || is != was {
			t.Errorf("picture %d: %+v for %d, want %+v for %d", i, got, is, want, was)
		}
		got, is = e.without(members[c], e.part(members[c], nil), i, c)
		if want, was = anew(members[c], i, c); off(got, want) > 1e-3 || is != was {
			t.Errorf("picture %d of a stranger: %+v for %d, want %+v for %d", i, got, is, want, was)
		}
		if learned, _ := anew(nil, i, -1); off(got, learned) < 0.1 {
			t.Errorf("picture %d stands as %+v whether it is learned or not", i, got)
		}
	}
}

// TestAnOccasionIsLeftOutWhole: of every product that was photographed with the
// same light, and only of what is more alike than that.
func TestAnOccasionIsLeftOutWhole(t *testing.T) {
	l, _, taken := afternoons(9, 5, 5)
	near := l.near(1.8)
	for _, of := range taken {
		for _, i := range of {
			if !slices.Equal(near[i], of) {
				t.Fatalf("with picture %d are left out %v, want its afternoon %v", i, near[i], of)
			}
		}
	}
	lit := lesson{table: alike([][]float32{{1, 0}, {0.99, 0.1}, {0, 1}, {1, 0.01}, {0, 1}}), class: []int{0, 0, 0, 1, 1}, groups: []int{0, 1}}
	if near := lit.near(1.9); !slices.Equal(near[0], []int{0, 1, 3}) {
		t.Errorf("with picture 0 are left out %v, want that of the other product too", near[0])
	}
}

// TestAProductThatWasSeenOnceIsNotAskedAbout: nothing says how it looks on another
// day. Where all pictures are equally alike none is left out.
func TestAProductThatWasSeenOnceIsNotAskedAbout(t *testing.T) {
	row := []float32{1, 0}
	l := lesson{table: alike([][]float32{row, row, row}), class: []int{0, 0, 0}, groups: []int{0}}
	if near := l.near(l.oneOccasion()); len(near[1]) != 1 {
		t.Errorf("with picture 1 are left out %v, want itself", near[1])
	}
	l, _, _ = afternoons(6, 5, 4)
	once := len(l.class)
	l.groups = append(l.groups, 9)
	rows := [][]float32{}
	for i := range once + 3 {
		x := make([]float32, 80)
		x[i%70] = 1
		if i >= once {
			x = make([]float32, 80)
			x[79], x[78] = 1, float32(i-once)/100
			l.class = append(l.class, 6)
		}
		rows = append(rows, x)
	}
	l.table = alike(rows)
	known, strangers := map[int]int{}, map[int]int{}
	for _, tr := range examined(l, 1.5).trials() {
		if tr.stranger {
			strangers[tr.class]++
		} else {
			known[tr.class]++
		}
	}
	if known[6] != 0 || strangers[6] != 3 || known[5] == 0 {
		t.Errorf("asked about the product that was seen once %d times as known and %d as a stranger, and %d about another; want 0, 3 and some",
			known[6], strangers[6], known[5])
	}
}

// TestStrangersCountAsWhatTheyAre: however many of the trials' pictures are of
// products that were left out.
func TestStrangersCountAsWhatTheyAre(t *testing.T) {
	l, _, _ := afternoons(16, 5, 3)
	trials := examined(l, l.oneOccasion()).trials()
	once := trials[0]
	for range once.occasion { // a product with one more occasion, of as many pictures
		trials = append(trials, once)
	}
	seldom := trials[1]
	seldom.occasion = 1 // and one more, of a single picture
	trials = append(trials, seldom)
	balance(trials)
	if many, few := trials[0].weight*float64(once.occasion), trials[len(trials)-1].weight; math.Abs(many-few) > 1e-9 {
		t.Errorf("an occasion of %d pictures counts %v, one of a single picture %v, want the same", once.occasion, many, few)
	}
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

// TestABetterStandingIsNeverALowerConfidence: whatever the trials were, a confidence
// lies in 0..1, and rises with the best score, with the margin and with the lead; and
// of the trials' strangers no more are believed than is bearable.
func TestABetterStandingIsNeverALowerConfidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Float64Range(-3, 3)
		draw := func(name string) standing {
			best := number.Draw(t, name)
			return stand(best, best-rapid.Float64Range(0, 3).Draw(t, "margin"), best-3)
		}
		var trials []trial
		for range rapid.IntRange(0, 40).Draw(t, "trials") {
			tr := trial{standing: draw("best"), class: rapid.IntRange(0, 5).Draw(t, "product"), occasion: rapid.IntRange(1, 4).Draw(t, "occasion")}
			if tr.stranger = rapid.Bool().Draw(t, "stranger"); !tr.stranger {
				tr.right = rapid.Bool().Draw(t, "right")
			}
			trials = append(trials, tr)
		}
		balance(trials)
		d := fit(trials)
		if err := d.validate(); err != nil {
			t.Fatal(err)
		}
		worse := draw("best")
		better := worse
		better.best += rapid.Float64Range(0, 2).Draw(t, "more")
		better.margin += rapid.Float64Range(0, 2).Draw(t, "more")
		better.lead += rapid.Float64Range(0, 1).Draw(t, "more")
		low, high := d.confidence(worse), d.confidence(better)
		if low < 0 || high > 1 || low > high {
			t.Fatalf("%+v gives %v and %+v gives %v, want confidences that rise", worse, low, better, high)
		}
		believed, all := 0.0, 0.0
		for _, tr := range trials {
			if tr.stranger {
				all += tr.weight
				if d.confidence(tr.standing) >= d.Least+0.001 {
					believed += tr.weight
				}
			}
		}
		if believed > 0.05*all+1e-9 {
			t.Fatalf("of strangers %v are believed from %v on, want at most a twentieth", believed/all, d.Least)
		}
	})
}
