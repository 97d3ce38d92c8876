package trial

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/render/shop"
)

// A Plan says which shops are staged. Calibration is learnt on shops of other
// seeds than those that count.
type Plan struct {
	Seed         uint64 // of the first shop that counts; the others' follow it
	Shops        int    // that count; 0 for 1
	Interactions int    // that shoppers make in each
	Shelves      int
	AtOnce       int // shoppers inside
	Hostile      bool
	Training     int  // shops to calibrate on, with half as many interactions each
	Pixels       bool // cameras look at drawn pictures
	Workers      int  // cameras looked at side by side; 0 for 1
	// Record is a folder into which goes what cameras made of the pictures of
	// each shop, and Film one from which it is taken instead of drawing again.
	Record, Film string
	Setting      Setting
}

// A Report is what a plan found.
type Report struct {
	Plan        Plan
	Calibration fuse.Calibration
	Shops       []Result // of each seed
	Result      Result   // of all
}

// far is how far the seeds of training lie from those that count.
const far = 1_000_003

// Hold calibrates on the plan's training shops and counts on the others.
func Hold(p Plan) (Report, error) {
	p.Shops = max(1, p.Shops)
	r := Report{Plan: p, Calibration: p.Setting.Calibration}
	if p.Training > 0 {
		var all Result
		for i := range p.Training {
			raw := p.Setting
			raw.Calibration = fuse.Calibration{}
			t, err := p.stage(p.Seed+far+uint64(i), max(1, p.Interactions/2), raw) //nolint:gosec // not negative
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
	for i := range p.Shops {
		one, err := p.stage(p.Seed+uint64(i), p.Interactions, p.Setting) //nolint:gosec // not negative
		if err != nil {
			return r, err
		}
		r.Shops, r.Result = append(r.Shops, one), r.Result.Add(one)
	}
	return r, nil
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
	if !p.Pixels && p.Record == "" && p.Film == "" {
		return Run(sc, s)
	}
	film, err := p.film(sc, filmName(p, seed, interactions))
	if err != nil {
		return Result{}, err
	}
	s.Film = &film
	r, err := Run(sc, s)
	if err == nil {
		r.Sights, err = film.Sights(sc)
	}
	return r, err
}

// film is what cameras make of the pictures: now, or as they did once.
func (p Plan) film(sc shop.Scenario, name string) (Film, error) {
	if p.Film != "" {
		return Replay(filepath.Join(p.Film, name), sc)
	}
	film, err := Shoot(sc, p.Workers)
	if err == nil && p.Record != "" {
		err = film.Record(filepath.Join(p.Record, name), sc)
	}
	return film, err
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

// confidences names what a detection is sure of.
var confidences = [3]string{"item", "action", "person"}

// Met reports whether every goal of the table is reached.
func (r Report) Met() bool {
	s := r.Result
	met := s.ItemF1() >= goalF1 && s.RightShopper() >= goalWho && s.WrongChargeShare() <= goalWrong
	for _, odds := range s.Odds {
		met = met && fuse.CalibrationError(odds) <= goalCalibr
	}
	return met
}

// A row is one line of the table.
type row struct {
	what, value, goal string
	met               bool
}

func (r Report) rows() []row {
	s := r.Result
	rows := []row{
		{"item F1", fmt.Sprintf("%.3f", s.ItemF1()), "≥ 0.97", s.ItemF1() >= goalF1},
		{"right shopper", fmt.Sprintf("%.3f", s.RightShopper()), "≥ 0.97", s.RightShopper() >= goalWho},
		{"wrong confident charge", fmt.Sprintf("%.2f %%", 100*s.WrongChargeShare()), "≤ 0.5 %", s.WrongChargeShare() <= goalWrong},
	}
	for i, name := range confidences {
		e := fuse.CalibrationError(s.Odds[i])
		rows = append(rows, row{
			"calibration error, " + name, fmt.Sprintf("%.3f (raw %.3f)", e, fuse.CalibrationError(s.Raw[i])), "≤ 0.05",
			e <= goalCalibr,
		})
	}
	return rows
}

// Write writes the table, the shops one by one, and the reliability diagrams in
// numbers.
func (r Report) Write(w io.Writer) error {
	s := r.Result
	fmt.Fprintf(w, "%d pieces taken and put (staff's among them), %d detected, %d right; %d detections, %d asked, %d charged without asking, %d of these wrong\n\n",
		s.Happened, s.Detected, s.Right, s.Detections, s.Asked(), s.Confident, s.WrongCharge)
	fmt.Fprintln(w, "| work | measured | goal | |\n|---|---:|---:|---|")
	for _, row := range r.rows() {
		met := "met"
		if !row.met {
			met = "**not met**"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", row.what, row.value, row.goal, met)
	}
	fmt.Fprintf(w, "| right shopper, somebody else at the shelf | %d of %d | | |\n\n", s.BesideWho, s.Beside)
	fmt.Fprintln(w, "| seed | item F1 | right shopper | detections | asked | wrong confident |\n|---|---:|---:|---:|---:|---:|")
	for i, one := range r.Shops {
		fmt.Fprintf(w, "| %d | %.3f | %.3f (%d of %d) | %d | %d | %d |\n", r.Plan.Seed+uint64(i), one.ItemF1(), one.RightShopper(), //nolint:gosec // not negative
			one.Shopper, one.Attributed, one.Detections, one.Asked(), one.WrongCharge)
	}
	fmt.Fprintln(w, "\n| confidence of | from | detections | mean | right |\n|---|---:|---:|---:|---:|")
	var err error
	for i, name := range confidences {
		for _, b := range fuse.Reliability(s.Odds[i]) {
			_, err = fmt.Fprintf(w, "| %s | %.1f | %d | %.3f | %.3f |\n", name, b.From, b.Count, b.Mean, b.Right)
		}
	}
	if err == nil && s.Sights != nil {
		err = s.Sights.Write(w)
	}
	return err
}
