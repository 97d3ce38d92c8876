package recognise

import (
	"math"
	"slices"
)

const (
	// folds is how many trials are made before a model is believed, and into how
	// many groups each product's pictures are parted for them.
	folds = 5
	// In each trial other products, one of every so many, are strangers: none of
	// theirs is learned.
	strangers = 8
	// strange is how much of what is asked about is taken to be no product of the
	// catalogue, however many strangers the trials had. It goes with PlanTrust.
	strange = 0.05
)

// trial is what became of one picture that was not learned.
type trial struct {
	standing
	class    int
	right    bool
	stranger bool
	weight   float64
}

// try learns without one part of each product's pictures, and without the
// trial's strangers, and returns what it says about both.
func (l lesson) try(part []int, fold int) []trial {
	// With three products or fewer all are known: two are needed to learn.
	stranger := func(c int) bool { return len(l.groups) > 3 && c%strangers == fold }
	few, at := l.without(func(i int) bool { return part[i] == fold || stranger(l.class[i]) })
	counts := few.learn()
	known := 0
	for c := range counts {
		if !stranger(c) {
			known++
		}
	}
	var told []int
	for i, c := range l.class {
		if part[i] == fold || stranger(c) {
			told = append(told, i)
		}
	}
	trials := make([]trial, len(told))
	each(len(told), func(t int) {
		near := make([]float64, len(at))
		for k, j := range at {
			near[k] = l.like(told[t], j)
		}
		best, second, mean, is := math.Inf(-1), math.Inf(-1), 0.0, -1
		for c := range counts {
			if stranger(c) {
				continue
			}
			v := dot(near, counts[c])
			mean += v / float64(known)
			if v > best {
				best, second, is = v, best, c
			} else if v > second {
				second = v
			}
		}
		c := l.class[told[t]]
		trials[t] = trial{standing: stand(best, second, mean), class: c, right: is == c, stranger: stranger(c)}
	})
	return trials
}

// balance makes each product count as much as any, however many pictures it has,
// and strangers together as what they are of all that is asked about.
func balance(trials []trial) {
	pictures := [2]map[int]float64{{}, {}} // of each product, known and as a stranger
	of := func(t trial) int {
		if t.stranger {
			return 1
		}
		return 0
	}
	known := 0.0
	for _, t := range trials {
		pictures[of(t)][t.class]++
		if !t.stranger {
			known++
		}
	}
	for i, t := range trials {
		all := known
		if t.stranger {
			all *= strange / (1 - strange)
		}
		trials[i].weight = all / float64(len(pictures[of(t)])) / pictures[of(t)][t.class]
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

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// parted parts each product's pictures into groups and returns the group of each
// picture. Pictures of one afternoon are nearly the same, and a trial that
// learned some of them knows the others by heart; so the groups are those that
// differ most: found by Lloyd's rounds from pictures that are least alike. The
// largest group of one product is held out with the second of the next, so that
// trials are of a size.
func (l lesson) parted(groups int) []int {
	of := make([][]int, len(l.groups))
	for i, c := range l.class {
		of[c] = append(of[c], i)
	}
	out := make([]int, len(l.class))
	for c, at := range of {
		group := l.part(at, min(groups, len(at)))
		size, rank := make([]int, groups), upTo(groups)
		for _, g := range group {
			size[g]++
		}
		slices.SortStableFunc(rank, func(a, b int) int { return size[b] - size[a] })
		for k, i := range at {
			out[i] = (slices.Index(rank, group[k]) + c) % groups
		}
	}
	return out
}

// part returns the group of each of some rows.
func (l lesson) part(at []int, groups int) []int {
	apart := func(i, j int) float64 { return l.like(i, i) + l.like(j, j) - 2*l.like(i, j) }
	farthest := func(far []float64) (k int) {
		for i, v := range far {
			if v > far[k] {
				k = i
			}
		}
		return k
	}
	far := make([]float64, len(at))
	for k, i := range at {
		far[k] = apart(at[0], i)
	}
	begin := []int{farthest(far)}
	for k, i := range at {
		far[k] = apart(at[begin[0]], i)
	}
	for len(begin) < groups {
		next := farthest(far)
		begin = append(begin, next)
		for k, i := range at {
			far[k] = min(far[k], apart(at[next], i))
		}
	}
	// How far a row is from the middle of a group needs no middle.
	group := make([]int, len(at))
	from := make([][]float64, groups)
	for g, b := range begin {
		from[g] = make([]float64, len(at))
		for k, i := range at {
			from[g][k] = apart(at[b], i)
		}
	}
	for range 8 {
		members := make([][]int, groups)
		for k := range at {
			for g := range from {
				if from[g][k] < from[group[k]][k] {
					group[k] = g
				}
			}
			members[group[k]] = append(members[group[k]], k)
		}
		for g, in := range members {
			l.middle(from[g], at, in)
		}
	}
	if !slices.ContainsFunc(group, func(g int) bool { return g != group[0] }) {
		group[len(group)-1] = 1 - min(1, group[0]) // all alike: the last
	}
	return group
}

// middle fills how far rows are from the middle of some of them, up to what each
// is long: from no row, all are infinitely far.
func (l lesson) middle(from []float64, at, in []int) {
	within := 0.0
	for _, a := range in {
		for _, b := range in {
			within += l.like(at[a], at[b])
		}
	}
	n := float64(len(in))
	for k, i := range at {
		if from[k] = math.Inf(1); len(in) > 0 {
			sum := 0.0
			for _, a := range in {
				sum += l.like(i, at[a])
			}
			from[k] = l.like(i, i) - 2*sum/n + within/(n*n)
		}
	}
}
