package recognise

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

const (
	// fewest is how many pictures of a product are needed.
	fewest = 3
	// lookedAt is how many pictures the words are learned from, and eachGives
	// how many patches of one.
	lookedAt  = 600
	eachGives = sampled / lookedAt
	// In each of the folds other products, one of every so many, are strangers
	// to the trial: none of theirs is learned.
	folds     = 4
	strangers = 8
)

// Settings are what a model is called, and with which networks it looks.
type Settings struct {
	Name, Version, Licence string
	// Described are the headers of the networks, Files their files, and
	// Networks the loaded networks, all in one order.
	Described []NetworkHeader
	Files     [][]byte
	Networks  []Network
	// Progress, if set, is told how much of the pictures is looked at.
	Progress func(done, all int)
}

// Train learns a model from a catalogue's samples, sorted as [ReadCatalogue]
// gives them.
func Train(ctx context.Context, samples []Sample, set Settings) (*Model, error) {
	m := &Model{Header: Header{
		Name: set.Name, Version: set.Version, Licence: set.Licence, Pictures: len(samples), Features: features,
		Networks: set.Described,
	}, files: set.Files}
	class, err := m.label(samples)
	if err != nil {
		return nil, err
	}
	if err := m.validateHeader(); err != nil {
		return nil, err
	}
	if m.words, err = wordsOf(ctx, samples); err != nil {
		return nil, err
	}
	rows, err := m.look(ctx, samples, set)
	if err != nil {
		return nil, err
	}
	m.learnSpread(rows)
	for _, x := range rows {
		m.level(x)
	}
	rows = folded(rows)
	var trials []trial
	for fold := range folds {
		trials = append(trials, m.try(rows, class, fold)...)
	}
	m.Doubt = fit(trials)
	m.weights = separate(rows, class, len(m.Labels))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return m, m.validate()
}

// label finds the labels and the number of each sample's.
func (m *Model) label(samples []Sample) ([]int, error) {
	class := make([]int, len(samples))
	count := map[string]int{}
	for i, s := range samples {
		if count[s.Label] == 0 {
			m.Labels, m.Groups = append(m.Labels, s.Label), append(m.Groups, s.Group)
		}
		count[s.Label]++
		class[i] = len(m.Labels) - 1
	}
	if len(samples) > mostPictures {
		return nil, fmt.Errorf("%w: %d pictures, at most %d are learned; take fewer of each product", ErrCatalogue, len(samples), mostPictures)
	}
	if len(m.Labels) < 2 {
		return nil, fmt.Errorf("%w: %d products, want at least 2", ErrCatalogue, len(m.Labels))
	}
	for _, l := range m.Labels {
		if count[l] < fewest {
			return nil, fmt.Errorf("%w: %d pictures of %q, want at least %d", ErrCatalogue, count[l], l, fewest)
		}
	}
	if !slices.IsSorted(m.Labels) {
		return nil, fmt.Errorf("%w: samples are not sorted", ErrCatalogue)
	}
	return class, nil
}

// wordsOf learns the kinds of patches from pictures spread over the catalogue.
func wordsOf(ctx context.Context, samples []Sample) (words, error) {
	rng := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // which pictures, no secret
	var sample []float32
	order := rng.Perm(len(samples))
	for _, i := range order[:min(len(order), lookedAt)] {
		if err := ctx.Err(); err != nil {
			return words{}, err
		}
		p, err := samples[i].Read()
		if err != nil {
			return words{}, fmt.Errorf("%s: %w", samples[i].Path, err)
		}
		var all []float32
		patches(p, func(d []float32, _, _ float64) { all = append(all, d...) })
		n := len(all) / patchSize
		for k := 0; k < eachGives && n > 0; k++ {
			at := rng.IntN(n)
			sample = append(sample, all[at*patchSize:(at+1)*patchSize]...)
		}
	}
	if len(sample) == 0 {
		return words{}, fmt.Errorf("%w: its pictures are all plain", ErrCatalogue)
	}
	return *learnWords(sample, rng), nil
}

// folded returns the middle of each picture's numbers and those of its mirror
// image, which is what an answer goes by: a thing may stand either way round.
func folded(rows [][]float32) [][]float32 {
	n := len(rows) / 2
	for i, x := range rows[:n] {
		for k, v := range rows[n+i] {
			x[k] = (x[k] + v) / 2
		}
	}
	return rows[:n]
}

// look describes all pictures, and then all of them in a mirror, on all
// processors.
func (m *Model) look(ctx context.Context, samples []Sample, set Settings) ([][]float32, error) {
	networks := make([]Network, len(set.Networks))
	for i, n := range set.Networks {
		networks[i] = &oneAtATime{network: n}
	}
	rows, errs := make([][]float32, 2*len(samples)), make([]error, len(samples))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				p, err := samples[i].Read()
				if err == nil {
					rows[i], err = m.describe(p, networks)
				}
				if err == nil {
					rows[len(samples)+i], err = m.describe(p.Mirror(), networks)
				}
				if errs[i] = err; err != nil {
					errs[i] = fmt.Errorf("%s: %w", samples[i].Path, err)
				}
			}
		})
	}
	for i := range samples {
		if ctx.Err() != nil {
			break
		}
		if set.Progress != nil {
			set.Progress(i, len(samples))
		}
		next <- i
	}
	close(next)
	wg.Wait()
	for _, err := range append(errs, ctx.Err()) {
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// oneAtATime lets one goroutine in: a network has room for one picture.
type oneAtATime struct {
	mu      sync.Mutex
	network Network
}

func (o *oneAtATime) Numbers(p Picture) ([]float32, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.network.Numbers(p)
}

// learnSpread finds the mean and the spread of each number of the networks.
func (m *Model) learnSpread(rows [][]float32) {
	n := m.numbers()
	m.centre, m.spread = make([]float32, n), make([]float32, n)
	for i := range n {
		sum, square := 0.0, 0.0
		for _, x := range rows {
			v := float64(x[plainWidth+i])
			sum += v
			square += v * v
		}
		mean := sum / float64(len(rows))
		m.centre[i] = float32(mean)
		if sd := math.Sqrt(max(0, square/float64(len(rows))-mean*mean)); sd > 1e-6 {
			m.spread[i] = float32(1 / sd)
		}
	}
}

// try learns without the held-out pictures and without the fold's strangers,
// and returns what that trial says about them.
func (m *Model) try(rows [][]float32, class []int, fold int) []trial {
	out := heldOut(rows, class, len(m.Labels))
	// With three products or fewer all are known: two are needed to learn.
	stranger := func(c int) bool { return len(m.Labels) > 3 && c%strangers == 2*fold+1 }
	renamed, known := make([]int, len(m.Labels)), 0
	for c := range renamed {
		if renamed[c] = -1; !stranger(c) {
			renamed[c], known = known, known+1
		}
	}
	var learn, tell [][]float32
	var learned, told []int
	for i, c := range class {
		switch {
		case out[i]:
			tell, told = append(tell, rows[i]), append(told, renamed[c])
		case !stranger(c):
			learn, learned = append(learn, rows[i]), append(learned, renamed[c])
		}
	}
	weights := separate(learn, learned, known)
	trials := make([]trial, len(tell))
	for i, x := range tell {
		best, second, at := float32(math.Inf(-1)), float32(math.Inf(-1)), -1
		for k, v := range scores(weights, x) {
			if v > best {
				best, second, at = v, best, k
			} else if v > second {
				second = v
			}
		}
		trials[i] = trial{float64(best), float64(second), at == told[i]}
	}
	return trials
}

// heldOut marks of each product the pictures that the trial does not learn
// from. Pictures of one afternoon are nearly the same, and a trial that learned
// some of them knows the others by heart; so each product's pictures are parted
// into the two groups that differ most, and the smaller one is held out.
func heldOut(rows [][]float32, class []int, labels int) []bool {
	out := make([]bool, len(rows))
	of := make([][]int, labels)
	for i, c := range class {
		of[c] = append(of[c], i)
	}
	for _, at := range of {
		far := part(rows, at)
		for _, i := range far {
			out[i] = true
		}
	}
	return out
}

// part returns the smaller of two groups of rows, found by Lloyd's rounds from
// the row that is least like the first, and that which is least like it.
func part(rows [][]float32, at []int) []int {
	least := func(from int) int {
		worst, best := at[0], float32(math.Inf(1))
		for _, i := range at {
			if d := dot(rows[i], rows[from]); i != from && d < best {
				worst, best = i, d
			}
		}
		return worst
	}
	a := least(at[0])
	b := least(a)
	ca, cb := slices.Clone(rows[a]), slices.Clone(rows[b])
	var one, two []int
	for range 5 {
		one, two = one[:0], two[:0]
		for _, i := range at {
			if apart(rows[i], ca) <= apart(rows[i], cb) {
				one = append(one, i)
			} else {
				two = append(two, i)
			}
		}
		if len(one) == 0 || len(two) == 0 {
			return at[len(at)-1:] // all alike: the last
		}
		mean(ca, rows, one)
		mean(cb, rows, two)
	}
	if len(two) <= len(one) {
		return two
	}
	return one
}

func mean(into []float32, rows [][]float32, of []int) {
	clear(into)
	for _, i := range of {
		for k, v := range rows[i] {
			into[k] += v / float32(len(of))
		}
	}
}
