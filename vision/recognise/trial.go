package recognise

import (
	"math"
	"slices"
)

const (
	// askedAbout is how many pictures of a product are asked about as a stranger's:
	// enough to know, and no more than the time of a large product allows.
	askedAbout = 50
	// strange is how much of what is asked about is taken to be no product of the
	// catalogue, however many strangers the trials had: one item in twenty is not
	// what is planned, see [PlanTrust], and of those one in five is nothing that the
	// shop sells. What keeps strangers from being believed is [Doubt.Least].
	strange = 0.01
)

// trial is what became of one picture that was not learned.
type trial struct {
	standing
	class    int
	right    bool
	stranger bool
	// occasion is how many pictures of the product count as taken on one occasion
	// with this one, itself included.
	occasion int
	weight   float64
}

// oneOccasion is how alike two pictures are from which on they count as taken on
// one occasion: what a quarter of the pairs of one product are, in the middle of
// all products. It was not chosen by how well it does; see docs/vision-what.md for
// how little hangs on it.
func (l lesson) oneOccasion() float64 {
	var quarters []float64
	for _, of := range l.members() {
		var pairs []float64
		for a, i := range of {
			for _, j := range of[:a] {
				pairs = append(pairs, l.like(i, j))
			}
		}
		if len(pairs) > 0 {
			slices.Sort(pairs)
			quarters = append(quarters, pairs[len(pairs)*3/4])
		}
	}
	slices.Sort(quarters)
	return quarters[len(quarters)/2]
}

// members returns the rows of each class.
func (l lesson) members() [][]int {
	out := make([][]int, len(l.groups))
	for i, c := range l.class {
		out[c] = append(out[c], i)
	}
	return out
}

// near returns for each row itself and those that are more alike to it.
func (l lesson) near(than float64) [][]int {
	out := make([][]int, len(l.class))
	each(len(out), func(i int) {
		for j := range l.class {
			if i == j || l.like(i, j) > than {
				out[i] = append(out[i], j)
			}
		}
	})
	return out
}

// An examination asks a classifier about what it learned, each time as if it had
// not learned it. Least squares need not be solved again for that: what the
// function would be of rows R without them is what it should be, less the inverse
// of the R by R part of the table's inverse times what they count (An, Liu,
// Venkatesh, Pattern Recognition 40(8), 2007).
type examination struct {
	lesson             // its table is factored
	counts [][]float64 // class by class, of each row
	// inverse is of the factored table, see [inverse].
	inverse [][]float64
	near    [][]int
}

// trials asks about each picture in two ways. Both times all is left out that was
// taken on one occasion with it, of any product: the shelf, the light and the hand
// are the same there, and draw the answer to the right product as well as to wrong
// ones. In the shop neither is so. And once the whole product is left out, and the
// picture is a stranger's.
func (e examination) trials() []trial {
	members := e.members()
	out := make([][]trial, len(members))
	each(len(members), func(c int) {
		of := members[c]
		for _, i := range of {
			near, occasion := e.near[i], e.occasion(i)
			if occasion == len(of) {
				continue // its product was not seen on another occasion
			}
			st, best := e.without(near, e.part(near, nil), i, -1)
			out[c] = append(out[c], trial{standing: st, class: c, right: best == c, occasion: occasion})
		}
		if len(members) <= 3 {
			return // all are known: two are needed to learn
		}
		whole, asked := e.part(of, nil), min(askedAbout, len(of))
		for k := range asked {
			i := of[k*len(of)/asked]
			at := slices.Clone(of)
			for _, j := range e.near[i] {
				if e.class[j] != c {
					at = append(at, j)
				}
			}
			st, _ := e.without(at, e.part(at, whole), i, c)
			out[c] = append(out[c], trial{standing: st, class: c, stranger: true, occasion: e.occasion(i)})
		}
	})
	return slices.Concat(out...)
}

// occasion is how many pictures of its product count as taken with picture i.
func (e examination) occasion(i int) (n int) {
	for _, j := range e.near[i] {
		if e.class[j] == e.class[i] {
			n++
		}
	}
	return n
}

// part returns the factor of the inverse's part at some rows, of which the first
// are begun.
func (e examination) part(at []int, begun [][]float64) [][]float64 {
	out := slices.Clone(begun)
	for a := len(begun); a < len(at); a++ {
		next := make([]float64, a+1)
		for b := range next {
			r, s := max(at[a], at[b]), min(at[a], at[b])
			next[b] = dot(e.inverse[r], e.inverse[s][r-s:])
		}
		out = append(out, next)
		row(out, a, 0, a+1, tiny)
	}
	return out
}

// tiny is less than any square of a factor of a part of the inverse can be.
const tiny = 1e-12

// without returns how row i, one of those at, stands and whose it is taken for if
// none of them is learned, nor the class of a stranger, which is -1 if there is none.
func (e examination) without(at []int, part [][]float64, i, stranger int) (standing, int) {
	x := make([]float64, len(at))
	x[slices.Index(at, i)] = 1
	solveLower(part, x)
	best, second, sum, is := math.Inf(-1), math.Inf(-1), 0.0, -1
	for c, counts := range e.counts {
		if c == stranger {
			continue
		}
		v := e.goal(c, e.class[i])
		for a, j := range at {
			v -= x[a] * counts[j]
		}
		sum += v
		if v > best {
			best, second, is = v, best, c
		} else if v > second {
			second = v
		}
	}
	known := len(e.counts)
	if stranger >= 0 {
		known--
	}
	return stand(best, second, sum/float64(known)), is
}

// balance makes each product count as much as any, however many pictures it has,
// and of a product each occasion, however many were taken on it: ten pictures of one
// minute say as much as one, and without them less of the product is known than will
// be in the shop. Strangers together count as what they are of all that is asked about.
func balance(trials []trial) {
	shares := [2]map[int]float64{{}, {}} // of each product, known and as a stranger
	of := func(t trial) map[int]float64 {
		if t.stranger {
			return shares[1]
		}
		return shares[0]
	}
	known := 0.0
	for _, t := range trials {
		of(t)[t.class] += 1 / float64(t.occasion)
		if !t.stranger {
			known++
		}
	}
	for i, t := range trials {
		all := known
		if t.stranger {
			all *= strange / (1 - strange)
		}
		trials[i].weight = all / float64(len(of(t))) / of(t)[t.class] / float64(t.occasion)
	}
}

// held is what the trials say of a doubt.
func held(d Doubt, trials []trial) (s Score) {
	var b bins
	for _, t := range trials {
		sure := d.confidence(t.standing)
		switch {
		case t.stranger:
			s.Strangers++
			if sure < d.Least {
				s.Refused++
			}
			continue
		case t.right:
			s.Right++
		}
		s.Pictures++
		b.add(sure, t.right)
		if sure >= d.Least {
			s.Given++
			if t.right {
				s.GivenOK++
			}
		}
	}
	s.Calibration = b.off()
	return s
}
