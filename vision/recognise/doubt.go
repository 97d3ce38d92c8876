package recognise

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Doubt turns scores into confidences. The confidence of the best answer is
// 1 / (1 + exp(-(Bias + Top*best + Margin*(best - second) + Lead*lead))), where
// lead is the margin as a share of how far the best is above the mean of all,
// fitted by Platt's method (Platt 1999; targets and Newton's steps of Lin, Lin,
// Weng, Machine Learning 68, 2007) on pictures that were held out. Among them were
// those of whole products that the trial knew nothing of: they are what makes the
// top score, and not only the margin, count.
type Doubt struct {
	Bias   float64 `json:"bias"`
	Top    float64 `json:"top"`
	Margin float64 `json:"margin"`
	Lead   float64 `json:"lead"`
	// Least is the confidence below which the answer is unknown.
	Least float64 `json:"least"`
	// Sharing divides what is left between the other labels.
	Sharing float64 `json:"sharing"`
}

func (d Doubt) validate() error {
	for _, v := range []float64{d.Bias, d.Top, d.Margin, d.Lead, d.Least, d.Sharing} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: its doubt is no number", ErrModel)
		}
	}
	if d.Least < 0 || d.Least > 1 || d.Sharing < 0 {
		return fmt.Errorf("%w: unknown below a confidence of %v", ErrModel, d.Least)
	}
	return nil
}

// A standing is how the best score of a picture stands to the others.
type standing struct{ best, margin, lead float64 }

func stand(best, second, mean float64) standing {
	st := standing{best: best, margin: best - second}
	if above := best - mean; above > 0 {
		st.lead = st.margin / above
	}
	return st
}

// terms are what the weights of a doubt are of.
func (st standing) terms() [terms]float64 { return [terms]float64{1, st.best, st.margin, st.lead} }

const terms = 4

func (d Doubt) confidence(st standing) float64 {
	return 1 / (1 + math.Exp(-linearOf([terms]float64{d.Bias, d.Top, d.Margin, d.Lead}, st)))
}

const (
	// target is how often the answers that are given must be right, all
	// together; alone is how sure each of them must be. The first is for
	// catalogues whose products look alike, the second for those whose
	// products do not: there a stranger would hide among the many right ones.
	target = 0.95
	alone  = 0.8
	// believed is how many pictures of strangers, each product as many as any, may be
	// answered with a product of the catalogue.
	believed = 0.05
)

// fit finds a doubt from trials. It always answers: without trials, or with
// nothing but right ones, it stays careful.
func fit(trials []trial) Doubt {
	d := Doubt{Sharing: 4, Least: 0.5}
	good, bad := 0.0, 0.0
	for _, t := range trials {
		if t.right {
			good += t.weight
		} else {
			bad += t.weight
		}
	}
	high, low := (good+1)/(good+2), 1/(bad+2)
	begin := [terms]float64{math.Log((good + 1) / (bad + 1))}
	want := func(t trial) float64 {
		if t.right {
			return high
		}
		return low
	}
	// A better standing is never a lower confidence: a term that would say so has
	// no say, the worst first.
	free := [terms]bool{true, true, true, true}
	w := settle(begin, free, trials, want)
	for worst := 1; ; {
		for i := range w {
			if w[i] < w[worst] && i > 0 {
				worst = i
			}
		}
		if w[worst] >= 0 {
			break
		}
		free[worst] = false
		w = settle(begin, free, trials, want)
	}
	d.Bias, d.Top, d.Margin, d.Lead = w[0], w[1], w[2], w[3]
	d.Least = least(d, trials)
	return d
}

// settle takes Newton's steps from where it begins; what is not free stays nothing.
func settle(w [terms]float64, free [terms]bool, trials []trial, want func(trial) float64) [terms]float64 {
	for range 100 {
		step, slope := newton(w, free, trials, want)
		before, share := loss(w, trials, want), 1.0
		next := w
		for ; share > 1e-6; share /= 2 { // until it is a step down
			for i := range w {
				next[i] = w[i] - share*step[i]
			}
			if loss(next, trials, want) <= before-1e-4*share*slope {
				break
			}
		}
		w = next
		if slope < 1e-9 || share <= 1e-6 {
			break
		}
	}
	return w
}

// finite keeps weights finite where trials are told apart without a fault.
const finite = 1e-2

func linearOf(w [terms]float64, st standing) (z float64) {
	for i, x := range st.terms() {
		z += w[i] * x
	}
	return z
}

// loss is what the fit makes small: the cross entropy of all trials.
func loss(w [terms]float64, trials []trial, want func(trial) float64) float64 {
	sum := finite / 2 * (w[1]*w[1] + w[2]*w[2] + w[3]*w[3])
	for _, t := range trials {
		// log(1+exp(z)) - want*z, without an overflow.
		z := linearOf(w, t.standing)
		sum += t.weight * (max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) - want(t)*z)
	}
	return sum
}

// newton returns Newton's step and how steep it is.
func newton(w [terms]float64, free [terms]bool, trials []trial, want func(trial) float64) (step [terms]float64, slope float64) {
	g := [terms]float64{0, finite * w[1], finite * w[2], finite * w[3]}
	h := [terms][terms]float64{{1e-9}, {0, finite}, {0, 0, finite}, {0, 0, 0, finite}}
	for _, t := range trials {
		x := t.terms()
		p := 1 / (1 + math.Exp(-linearOf(w, t.standing)))
		for i := range terms {
			g[i] += t.weight * (p - want(t)) * x[i]
			for j := range terms {
				h[i][j] += t.weight * p * (1 - p) * x[i] * x[j]
			}
		}
	}
	for i := range terms {
		if free[i] {
			continue
		}
		for j := range terms {
			h[i][j], h[j][i] = 0, 0
		}
		h[i][i], g[i] = 1, 0
	}
	step = solve(h, g)
	for i := range step {
		slope += step[i] * g[i]
	}
	return step, slope
}

// least is the lowest confidence from which on the answers that would be given are
// right as often as the target asks, and strangers are believed no more than is
// bearable: a threshold that held out examples of what is to be refused set
// (Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, 2005).
func least(d Doubt, trials []trial) float64 {
	sorted := slices.Clone(trials)
	at := func(t trial) float64 { return d.confidence(t.standing) }
	slices.SortStableFunc(sorted, func(a, b trial) int { return cmp.Compare(at(b), at(a)) })
	all := 0.0
	for _, t := range trials {
		if t.stranger {
			all += t.weight
		}
	}
	out, right, given, strange := 1.0, 0.0, 0.0, 0.0
	for _, t := range sorted {
		given += t.weight
		switch {
		case t.right:
			right += t.weight
		case t.stranger:
			strange += t.weight
		}
		// Only a right answer is worth a lower threshold.
		if t.right && right >= target*given && strange <= believed*all {
			out = at(t)
		}
	}
	// Down, so that the trial that sets it is answered.
	return math.Floor(1000*max(out, alone)) / 1000
}

// solve returns x with h x = g, for a symmetric h with a heavy diagonal.
func solve(h [terms][terms]float64, g [terms]float64) (x [terms]float64) {
	for i := range terms {
		for k := i + 1; k < terms; k++ {
			f := h[k][i] / h[i][i]
			for j := i; j < terms; j++ {
				h[k][j] -= f * h[i][j]
			}
			g[k] -= f * g[i]
		}
	}
	for i := terms - 1; i >= 0; i-- {
		x[i] = g[i]
		for j := i + 1; j < terms; j++ {
			x[i] -= h[i][j] * x[j]
		}
		x[i] /= h[i][i]
	}
	return x
}
