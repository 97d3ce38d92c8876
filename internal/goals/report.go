package goals

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A Report is the outcome of a run.
type Report struct {
	Bench   string    `json:"bench"` // what was measured: ledger, billing, vision
	At      time.Time `json:"at"`
	Took    float64   `json:"took_s"`
	Machine Machine   `json:"machine"`
	Rounds  int       `json:"rounds"`
	Rows    []Row     `json:"rows"`
	Figures []Figure  `json:"figures"`

	// Program and Extent are what the page says beside the tables: the program
	// that measured, for the marks, and how much.
	Program string `json:"-"`
	Extent  string `json:"-"`
	// Tables are printed between the goals and the figures.
	Tables []Table `json:"-"`
}

// A Table is one of the things measured that have no goal each.
type Table struct {
	Head []string
	Left []bool // columns of words; the others are of numbers
	Rows [][]string
}

// A Row is one line of the table of goals.
type Row struct {
	Work     string  `json:"work"`
	Measured float64 `json:"measured"`
	Goal     float64 `json:"goal"`
	Unit     string  `json:"unit"`    // of both
	AtMost   bool    `json:"at_most"` // the goal is not to be exceeded, otherwise to be reached
	Met      bool    `json:"met"`
	Missing  string  `json:"missing,omitempty"` // why it was not measured
}

// A Figure is what was measured beside the goals.
type Figure struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// AtLeast adds a row whose goal is to be reached.
func (r *Report) AtLeast(work string, measured, goal float64, unit string) {
	r.Rows = append(r.Rows, Row{Work: work, Measured: measured, Goal: goal, Unit: unit, Met: measured >= goal})
}

// AtMost adds a row whose goal is not to be exceeded.
func (r *Report) AtMost(work string, measured, goal float64, unit string) {
	r.Rows = append(r.Rows, Row{Work: work, Measured: measured, Goal: goal, Unit: unit, AtMost: true, Met: measured <= goal})
}

// Missing adds a row that could not be measured.
func (r *Report) Missing(work string, goal float64, unit string, atMost bool, why string) {
	r.Rows = append(r.Rows, Row{Work: work, Goal: goal, Unit: unit, AtMost: atMost, Missing: why})
}

// Figure adds a figure without a goal.
func (r *Report) Figure(what string, value float64, unit string) {
	r.Figures = append(r.Figures, Figure{what, value, unit})
}

// Met reports whether every goal was measured and met.
func (r *Report) Met() bool {
	for _, row := range r.Rows {
		if !row.Met {
			return false
		}
	}
	return true
}

// WriteJSON writes the report as indented JSON.
func (r *Report) WriteJSON(w io.Writer) error { return WriteJSON(w, r) }

// WriteJSON writes a report, or what one is part of, as indented JSON.
func WriteJSON(w io.Writer, report any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(report)
}

// WriteText writes the tables for people.
func (r *Report) WriteText(w io.Writer) error {
	rows := "work\tmeasured\tgoal\t\n"
	for _, row := range r.Rows {
		work, measured, goal, verdict := row.cells()
		rows += fmt.Sprintf("%s\t%s\t%s\t%s\n", work, measured, goal, verdict)
	}
	if err := table(w, 0, rows); err != nil {
		return err
	}
	for _, t := range r.Tables {
		if err := table(w, t.align(), t.text()); err != nil {
			return err
		}
	}
	rows = "\n"
	for _, f := range r.Figures {
		rows += fmt.Sprintf("%s\t%s %s\n", f.What, Number(f.Value), f.Unit)
	}
	if err := table(w, 0, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n%s, %s\n", r.Machine, r.Extent, r.At.Format("2006-01-02"))
	return err
}

// align returns how a terminal sets the table.
func (t Table) align() uint {
	if slices.Contains(t.Left, true) {
		return 0
	}
	return tabwriter.AlignRight
}

// text returns the table for a terminal, below an empty line.
func (t Table) text() string {
	rows := "\n" + strings.Join(t.Head, "\t") + "\t\n"
	for _, row := range t.Rows {
		rows += strings.Join(row, "\t") + "\t\n"
	}
	return rows
}

// notMet is the verdict on a row that was measured and falls short.
const notMet = "NOT MET"

// cells returns what a row says, for the table.
func (row Row) cells() (work, measured, goal, verdict string) {
	sign := "≥"
	if row.AtMost {
		sign = "≤"
	}
	goal = sign + " " + amount(row.Goal, row.Unit)
	switch {
	case row.Missing != "":
		return row.Work, "not measured", goal, row.Missing
	case row.Met:
		return row.Work, amount(row.Measured, row.Unit), goal, "met"
	default:
		return row.Work, strings.TrimSpace(apart(row.Measured, row.Goal) + " " + row.Unit), goal, notMet
	}
}

// apart writes v with so many digits that it is not read as the goal it misses.
func apart(v, goal float64) string {
	s := Number(v)
	for digits := 3; digits < 9 && s == Number(goal); digits++ {
		if more := fmt.Sprintf("%.*f", digits, v); more != fmt.Sprintf("%.*f", digits, goal) {
			return more
		}
	}
	return s
}

func amount(v float64, unit string) string { return strings.TrimSpace(Number(v) + " " + unit) }

// Number writes v with as many digits as say something.
func Number(v float64) string {
	switch {
	case v >= 1000:
		s := fmt.Sprintf("%.0f", v)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case v >= 100 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func table(w io.Writer, flags uint, rows string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', flags)
	if _, err := io.WriteString(tw, rows); err != nil {
		return err
	}
	return tw.Flush()
}

// Median returns the middle of xs, or 0 of none.
func Median(xs []float64) float64 { return Quantile(xs, 0.5) }

// Quantile returns the value below which a share of xs lies, or 0 of none.
func Quantile(xs []float64, share float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	xs = slices.Sorted(slices.Values(xs))
	return xs[min(len(xs)-1, int(share*float64(len(xs))))]
}
