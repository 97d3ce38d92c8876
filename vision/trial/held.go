package trial

import (
	"fmt"
	"io"

	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/render/shop"
)

// A Plan says which shops are staged. Calibration is learnt on shops of other
// seeds than those that count.
type Plan struct {
	Seed         uint64 // of the shop that counts
	Interactions int    // that shoppers make in it
	Shelves      int
	AtOnce       int // shoppers inside
	Hostile      bool
	Training     int // shops to calibrate on, with half as many interactions each
	Setting      Setting
}

// A Report is what a plan found.
type Report struct {
	Plan        Plan
	Calibration fuse.Calibration
	Result      Result
}

// far is how far the seeds of training lie from those that count.
const far = 1_000_003

// Hold calibrates on the plan's training shops and counts on the other one.
func Hold(p Plan) (Report, error) {
	r := Report{Plan: p, Calibration: p.Setting.Calibration}
	if p.Training > 0 {
		var all Result
		for i := range p.Training {
			raw := p.Setting
			raw.Calibration = fuse.Calibration{}
			t, err := p.stage(p.Seed+far+uint64(i), p.Interactions/2, raw) //nolint:gosec // not negative
			if err != nil {
				return r, err
			}
			all = all.Add(t)
		}
		var err error
		if r.Calibration, err = Calibrate(all); err != nil {
			return r, err
		}
	}
	p.Setting.Calibration = r.Calibration
	var err error
	r.Result, err = p.stage(p.Seed, p.Interactions, p.Setting)
	return r, err
}

func (p Plan) stage(seed uint64, interactions int, s Setting) (Result, error) {
	habits := shop.Normal
	if p.Hostile {
		habits = shop.Hostile
	}
	sc, err := shop.Crowd(seed, p.Shelves, interactions, p.AtOnce, habits)
	if err != nil {
		return Result{}, err
	}
	return Run(sc, s)
}

// Calibrate learns from what raw confidences proved right.
func Calibrate(r Result) (c fuse.Calibration, err error) {
	if c.Item, err = fuse.FitPlatt(r.Raw[0]); err != nil {
		return c, fmt.Errorf("item: %w", err)
	}
	if c.Action, err = fuse.FitPlatt(r.Raw[1]); err != nil {
		return c, fmt.Errorf("action: %w", err)
	}
	if c.Person, err = fuse.FitPlatt(r.Raw[2]); err != nil {
		return c, fmt.Errorf("person: %w", err)
	}
	return c, nil
}

// Goals of the table of benchmarks.
const (
	goalF1     = 0.97
	goalWho    = 0.97
	goalWrong  = 0.005
	goalCalibr = 0.05
)

// Met reports whether every goal of the table is reached.
func (r Report) Met() bool {
	s := r.Result
	return s.ItemF1() >= goalF1 && s.RightShopper() >= goalWho && s.WrongChargeShare() <= goalWrong &&
		max(fuse.CalibrationError(s.Odds[0]), fuse.CalibrationError(s.Odds[1]), fuse.CalibrationError(s.Odds[2])) <= goalCalibr
}

// Write writes the table, and the reliability diagrams in numbers.
func (r Report) Write(w io.Writer) error {
	s := r.Result
	met := func(ok bool) string {
		if ok {
			return "met"
		}
		return "**not met**"
	}
	_, err := fmt.Fprintf(w, "%d pieces taken and put (staff's among them), %d detected, %d right; %d detections, %d asked, %d charged without asking, %d of these wrong\n\n",
		s.Happened, s.Detected, s.Right, s.Detections, s.Asked(), s.Confident, s.WrongCharge)
	if err != nil {
		return err
	}
	rows := []struct {
		what  string
		value string
		goal  string
		ok    bool
	}{
		{"item F1", fmt.Sprintf("%.3f", s.ItemF1()), "≥ 0.97", s.ItemF1() >= goalF1},
		{"right shopper", fmt.Sprintf("%.3f", s.RightShopper()), "≥ 0.97", s.RightShopper() >= goalWho},
		{"wrong confident charge", fmt.Sprintf("%.2f %%", 100*s.WrongChargeShare()), "≤ 0.5 %", s.WrongChargeShare() <= goalWrong},
	}
	kinds := []struct {
		name string
		odds []fuse.Outcome
		raw  []fuse.Outcome
	}{{"item", s.Odds[0], s.Raw[0]}, {"action", s.Odds[1], s.Raw[1]}, {"person", s.Odds[2], s.Raw[2]}}
	for _, k := range kinds {
		e := fuse.CalibrationError(k.odds)
		rows = append(rows, struct {
			what  string
			value string
			goal  string
			ok    bool
		}{"calibration error, " + k.name, fmt.Sprintf("%.3f (raw %.3f)", e, fuse.CalibrationError(k.raw)), "≤ 0.05", e <= goalCalibr})
	}
	fmt.Fprintln(w, "| work | measured | goal | |\n|---|---:|---:|---|")
	for _, row := range rows {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", row.what, row.value, row.goal, met(row.ok))
	}
	fmt.Fprintf(w, "| right shopper, somebody else at the shelf | %d of %d | | |\n\n", s.BesideWho, s.Beside)
	fmt.Fprintln(w, "| confidence of | from | detections | mean | right |\n|---|---:|---:|---:|---:|")
	for _, k := range kinds {
		for _, b := range fuse.Reliability(k.odds) {
			if _, err = fmt.Fprintf(w, "| %s | %.1f | %d | %.3f | %.3f |\n", k.name, b.From, b.Count, b.Mean, b.Right); err != nil {
				return err
			}
		}
	}
	return err
}
