package recognise

import (
	"math"
	"math/rand/v2"
)

const (
	// kindCount is how many kinds of patches there are of each description.
	kindCount  = 64
	shapeAxes  = 64 // what a shape is shortened to
	tintAxes   = 48 // what a tint is shortened to
	places     = 2  // numbers for where a patch lies
	rounds     = 12 // of refinement of axes and kinds
	faint      = 1e-3
	leastShare = 1e-9
)

// kinds are the kinds of patches that a catalogue shows, as a mixture of normal
// distributions of what a patch is shortened to and of where it lies (Sánchez,
// Perronnin, de Campos, Pattern Recognition Letters 33(16), 2012).
type kinds struct {
	size, axes int       // of a description, and after shortening
	mean       []float32 // size
	axis       []float32 // axes x size
	place      []float32 // one: how much where it lies counts
	share      []float32 // kindCount
	middle     []float32 // kindCount x wide
	spread     []float32 // kindCount x wide: variances

	pairs             [][2]int  // numbers of a description that a mirror exchanges
	even, odd         []float32 // the axes along sums and along differences of pairs
	shift             []float32 // what the mean gives along each axis
	bias, pull, curve []float32 // the likelihood of a kind as a function of x and its squares
}

func newKinds(size, axes int) kinds { return kinds{size: size, axes: axes} }

// wide is how many numbers of a patch the kinds know.
func (k *kinds) wide() int { return k.axes + places }

// parts are the stored numbers, in their order.
func (k *kinds) parts() []*[]float32 {
	return []*[]float32{&k.mean, &k.axis, &k.place, &k.share, &k.middle, &k.spread}
}

// lengths are how many each part has.
func (k *kinds) lengths() []int {
	return []int{k.size, k.axes * k.size, 1, kindCount, kindCount * k.wide(), kindCount * k.wide()}
}

// prepare works out what is wanted for each patch. Mirror says where each number
// of a description comes from in a mirror, always another.
func (k *kinds) prepare(mirror []int) {
	k.pairs = nil
	for i, j := range mirror {
		if i < j {
			k.pairs = append(k.pairs, [2]int{i, j})
		}
	}
	k.even, k.odd, k.shift = nil, nil, make([]float32, k.axes)
	for a := range k.axes {
		row := k.axis[a*k.size : (a+1)*k.size]
		for _, p := range k.pairs {
			k.even, k.odd = append(k.even, (row[p[0]]+row[p[1]])/2), append(k.odd, (row[p[0]]-row[p[1]])/2)
		}
		k.shift[a] = dot(row, k.mean)
	}
	k.likelihood()
}

// likelihood works out how likely each kind makes what a patch is shortened to.
func (k *kinds) likelihood() {
	d := k.wide()
	k.bias, k.pull, k.curve = make([]float32, kindCount), make([]float32, kindCount*d), make([]float32, kindCount*d)
	for c := range kindCount {
		sum := math.Log(max(float64(k.share[c]), leastShare))
		for j := c * d; j < (c+1)*d; j++ {
			m, v := float64(k.middle[j]), float64(k.spread[j])
			sum -= (math.Log(v) + m*m/v) / 2
			k.pull[j], k.curve[j] = float32(m/v), float32(-1/(2*v))
		}
		k.bias[c] = float32(sum)
	}
}

// A view is a patch as it is and as a mirror shows it, shortened.
type view struct {
	ways      [2][]float32 // wide numbers, and their squares
	even, odd []float32    // sums and differences of pairs
	q         []float32    // how likely each kind is
}

func (k *kinds) newView() *view {
	return &view{
		ways: [2][]float32{make([]float32, 2*k.wide()), make([]float32, 2*k.wide())},
		even: make([]float32, len(k.pairs)), odd: make([]float32, len(k.pairs)), q: make([]float32, kindCount),
	}
}

// shorten fills v from a description and where its patch lies. What a mirror does
// to a description changes the signs of differences of pairs and nothing else, so
// that both ways cost no more than one.
func (k *kinds) shorten(v *view, d []float32, px, py float32) {
	for i, p := range k.pairs {
		v.even[i], v.odd[i] = d[p[0]]+d[p[1]], d[p[0]]-d[p[1]]
	}
	n, straight, turned := len(k.pairs), v.ways[0], v.ways[1]
	for a := range k.axes {
		e, o := dot(v.even, k.even[a*n:(a+1)*n]), dot(v.odd, k.odd[a*n:(a+1)*n])
		straight[a], turned[a] = e+o-k.shift[a], e-o-k.shift[a]
	}
	straight[k.axes], turned[k.axes] = k.place[0]*px, -k.place[0]*px
	straight[k.axes+1], turned[k.axes+1] = k.place[0]*py, k.place[0]*py
	for _, x := range v.ways {
		for j, u := range x[:k.wide()] {
			x[k.wide()+j] = u * u
		}
	}
}

// resemble fills q with how likely each kind is.
func (k *kinds) resemble(q, x []float32) {
	d, most := k.wide(), float32(math.Inf(-1))
	for c := range q {
		q[c] = k.bias[c] + dot(x[:d], k.pull[c*d:(c+1)*d]) + dot(x[d:], k.curve[c*d:(c+1)*d])
		most = max(most, q[c])
	}
	sum := float32(0)
	for c, v := range q {
		q[c] = 0
		if v > most-16 {
			q[c] = float32(math.Exp(float64(v - most)))
			sum += q[c]
		}
	}
	scale(q, 1/sum)
}

// A tally gathers how a picture's patches differ from their kinds, each counted
// by its weight.
type tally struct {
	weight float64
	count  []float32 // kindCount
	sum    []float32 // kindCount x wide, and as many of squares
}

func (k *kinds) newTally() *tally {
	return &tally{count: make([]float32, kindCount), sum: make([]float32, kindCount*2*k.wide())}
}

func (t *tally) add(q, x []float32, weight float32) {
	t.weight += float64(weight)
	for c, v := range q {
		if v < faint {
			continue
		}
		v *= weight
		t.count[c] += v
		part := t.sum[c*len(x) : (c+1)*len(x)]
		for j, u := range x {
			part[j] += v * u
		}
	}
}

// fisher is the gradient of the patches' likelihood in the middles and spreads
// of the kinds (Perronnin, Sánchez, Mensink, ECCV 2010): of each number the
// root, and the whole one long.
func (k *kinds) fisher(t *tally) []float32 {
	d := k.wide()
	out := make([]float32, kindCount*2*d)
	for c := range kindCount {
		by := 1 / (max(t.weight, leastShare) * math.Sqrt(max(float64(k.share[c]), leastShare)))
		n := float64(t.count[c])
		for j := range d {
			m, v := float64(k.middle[c*d+j]), float64(k.spread[c*d+j])
			s, ss := float64(t.sum[c*2*d+j]), float64(t.sum[c*2*d+d+j])
			out[c*2*d+j] = signedRoot((s - m*n) / math.Sqrt(v) * by)
			out[c*2*d+d+j] = signedRoot((ss - 2*m*s + (m*m-v)*n) / v * by / math.Sqrt2)
		}
	}
	unit(out)
	return out
}

func signedRoot(v float64) float32 { return float32(math.Copysign(math.Sqrt(math.Abs(v)), v)) }

// learn finds axes and kinds from descriptions, laid end to end, and where their
// patches lie.
func (k *kinds) learn(sample, at []float32, rng *rand.Rand) {
	n, d := len(sample)/k.size, k.wide()
	k.mean = make([]float32, k.size)
	for i := range n {
		for j, v := range sample[i*k.size : (i+1)*k.size] {
			k.mean[j] += v / float32(n)
		}
	}
	for i := range n {
		for j := range k.size {
			sample[i*k.size+j] -= k.mean[j]
		}
	}
	k.axis = mainAxes(covariance(sample, n, k.size), k.size, k.axes, rng)
	x := make([]float32, n*d)
	square := 0.0
	for i := range n {
		for a := range k.axes {
			v := dot(sample[i*k.size:(i+1)*k.size], k.axis[a*k.size:(a+1)*k.size])
			x[i*d+a] = v
			if a < mainOnes {
				square += float64(v) * float64(v)
			}
		}
	}
	// Where a patch lies spreads as far as one of the first axes.
	k.place = []float32{float32(math.Sqrt(square / float64(n*mainOnes) / evenly))}
	for i := range n {
		x[i*d+k.axes], x[i*d+k.axes+1] = k.place[0]*at[2*i], k.place[0]*at[2*i+1]
	}
	k.mix(x, n, rng)
}

const (
	mainOnes = 12
	evenly   = 1.0 / 12 // the variance of a number anywhere from -1/2 to 1/2
)

// mix fits the mixture: begun as k-means++ does, then by expectation and
// maximisation (Dempster, Laird, Rubin 1977).
func (k *kinds) mix(x []float32, n int, rng *rand.Rand) {
	d := k.wide()
	row := func(i int) []float32 { return x[i*d : (i+1)*d] }
	all := make([]float64, d) // the variance of everything
	mean := make([]float64, d)
	for i := range n {
		for j, v := range row(i) {
			mean[j] += float64(v) / float64(n)
			all[j] += float64(v) * float64(v) / float64(n)
		}
	}
	for j := range all {
		all[j] = max(all[j]-mean[j]*mean[j], 1e-6)
	}
	k.middle = append(make([]float32, 0, kindCount*d), row(rng.IntN(n))...)
	far := make([]float64, n)
	for i := range far {
		far[i] = math.Inf(1)
	}
	for len(k.middle) < kindCount*d {
		last, sum := k.middle[len(k.middle)-d:], 0.0
		for i := range far {
			far[i] = min(far[i], float64(apart(row(i), last)))
			sum += far[i]
		}
		pick, i := rng.Float64()*sum, 0
		for ; i < n-1 && pick > far[i]; i++ {
			pick -= far[i]
		}
		k.middle = append(k.middle, row(i)...)
	}
	k.share, k.spread = make([]float32, kindCount), make([]float32, kindCount*d)
	for c := range kindCount {
		k.share[c] = 1.0 / kindCount
		for j := range d {
			k.spread[c*d+j] = float32(all[j] / 4)
		}
	}
	for range rounds {
		k.refine(x, n, all)
	}
}

// refine is one round of expectation and maximisation.
func (k *kinds) refine(x []float32, n int, all []float64) {
	const narrowest = 0.01 // of the variance of everything
	d := k.wide()
	k.likelihood()
	q, xx := make([]float32, kindCount), make([]float32, 2*d)
	count, sum := make([]float64, kindCount), make([]float64, kindCount*2*d)
	for i := range n {
		copy(xx, x[i*d:(i+1)*d])
		for j, v := range xx[:d] {
			xx[d+j] = v * v
		}
		k.resemble(q, xx)
		for c, v := range q {
			if v < faint {
				continue
			}
			count[c] += float64(v)
			for j, u := range xx {
				sum[c*2*d+j] += float64(v * u)
			}
		}
	}
	for c, m := range count {
		k.share[c] = float32(m / float64(n))
		for j := 0; m > 1 && j < d; j++ {
			mean := sum[c*2*d+j] / m
			k.middle[c*d+j] = float32(mean)
			k.spread[c*d+j] = float32(max(sum[c*2*d+d+j]/m-mean*mean, narrowest*all[j]))
		}
	}
}
