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
	// lookedAt is how many pictures the kinds are learned from, and eachGives
	// how many patches of one: together about a hundred for each number of a
	// description.
	lookedAt  = 600
	eachGives = 60
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
	if err := m.learnKinds(ctx, samples); err != nil {
		return nil, err
	}
	rows, err := m.look(ctx, samples, set)
	if err != nil {
		return nil, err
	}
	if err := m.learn(ctx, rows, class); err != nil {
		return nil, err
	}
	return m, m.validate()
}

// learn finds the classifier and its doubt from what was seen of the pictures.
func (m *Model) learn(ctx context.Context, rows [][]float32, class []int) error {
	m.learnSpread(rows)
	for _, x := range rows {
		m.level(x)
	}
	whole := lesson{table: alike(rows), class: class, groups: m.kin()}
	near := whole.near(whole.oneOccasion())
	counts := whole.learn()
	if err := ctx.Err(); err != nil {
		return err
	}
	trials := examination{lesson: whole, counts: counts, inverse: inverse(whole.table), near: near}.trials()
	balance(trials)
	m.Doubt = fit(trials)
	m.Held = held(m.Doubt, trials)
	m.weights = weigh(rows, counts)
	return ctx.Err()
}

// kin returns the number of each label's group.
func (m *Model) kin() []int {
	out, number := make([]int, len(m.Groups)), map[string]int{}
	for c, g := range m.Groups {
		if _, ok := number[g]; !ok {
			number[g] = len(number)
		}
		out[c] = number[g]
	}
	return out
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

// learnKinds learns the kinds of patches from pictures spread over the catalogue.
func (m *Model) learnKinds(ctx context.Context, samples []Sample) error {
	m.shapes, m.tints = newKinds(shapeSize, shapeAxes), newKinds(tintSize, tintAxes)
	order := rand.New(rand.NewPCG(1, 1)).Perm(len(samples)) //nolint:gosec // which pictures, no secret
	order = order[:min(len(order), lookedAt)]
	taken, errs := make([][]patch, len(order)), make([]error, len(order))
	each(len(order), func(k int) {
		if errs[k] = ctx.Err(); errs[k] != nil {
			return
		}
		p, err := samples[order[k]].Read()
		if err != nil {
			errs[k] = fmt.Errorf("%s: %w", samples[order[k]].Path, err)
			return
		}
		taken[k] = some(p, rand.New(rand.NewPCG(2, uint64(k)))) //nolint:gosec // which patches, no secret
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	var shape, shapeAt, tint, tintAt []float32
	for _, patches := range taken {
		for _, t := range patches {
			tint, tintAt = append(tint, t.tint...), append(tintAt, t.x, t.y)
			if !t.flat {
				shape, shapeAt = append(shape, t.shape...), append(shapeAt, t.x, t.y)
			}
		}
	}
	if len(shape) == 0 {
		return fmt.Errorf("%w: its pictures are all plain", ErrCatalogue)
	}
	m.shapes.learn(shape, shapeAt, rand.New(rand.NewPCG(3, 1))) //nolint:gosec // where to begin, no secret
	m.tints.learn(tint, tintAt, rand.New(rand.NewPCG(3, 2)))    //nolint:gosec // where to begin, no secret
	m.prepare()
	return nil
}

// some returns a few of a picture's patches, each as likely as any.
func some(p Picture, rng *rand.Rand) []patch {
	var out []patch
	n := 0
	patches(p, func(t patch) {
		at := n
		if n++; at >= eachGives {
			if at = rng.IntN(n); at >= eachGives {
				return
			}
		}
		t.shape, t.tint = slices.Clone(t.shape), slices.Clone(t.tint)
		if at == len(out) {
			out = append(out, t)
		} else {
			out[at] = t
		}
	})
	return out
}

// look describes all pictures, on all processors.
func (m *Model) look(ctx context.Context, samples []Sample, set Settings) ([][]float32, error) {
	networks := make([]Network, len(set.Networks))
	for i, n := range set.Networks {
		networks[i] = &oneAtATime{network: n}
	}
	rows, errs := make([][]float32, len(samples)), make([]error, len(samples))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				p, err := samples[i].Read()
				if err == nil {
					rows[i], err = m.describe(p, networks)
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
