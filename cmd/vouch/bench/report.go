package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vouchledger/vouch/ledger/ledgerbench"
)

// What is measured, as reports and pages name it.
const (
	benchLedger  = "ledger"
	benchBilling = "billing"
)

// A Report is the outcome of a run.
type Report struct {
	Bench   string             `json:"bench"` // what was measured: ledger, billing
	At      time.Time          `json:"at"`
	Took    float64            `json:"took_s"`
	Machine Machine            `json:"machine"`
	Events  uint64             `json:"events"` // of the large log
	Visits  int                `json:"visits"` // settled, in billing's
	TurnMS  int64              `json:"turn_ms"`
	Rounds  int                `json:"rounds"`
	Rows    []Row              `json:"rows"`
	Appends []ledgerbench.Cell `json:"appends"`
	Figures []Figure           `json:"figures"`
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

// atLeast adds a row whose goal is to be reached.
func (r *Report) atLeast(work string, measured, goal float64, unit string) {
	r.Rows = append(r.Rows, Row{Work: work, Measured: measured, Goal: goal, Unit: unit, Met: measured >= goal})
}

// atMost adds a row whose goal is not to be exceeded.
func (r *Report) atMost(work string, measured, goal float64, unit string) {
	r.Rows = append(r.Rows, Row{Work: work, Measured: measured, Goal: goal, Unit: unit, AtMost: true, Met: measured <= goal})
}

// missing adds a row that could not be measured.
func (r *Report) missing(work string, goal float64, unit string, atMost bool, why string) {
	r.Rows = append(r.Rows, Row{Work: work, Goal: goal, Unit: unit, AtMost: atMost, Missing: why})
}

// figure adds a figure without a goal.
func (r *Report) figure(what string, value float64, unit string) {
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
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
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
	if err := r.writeAppends(w); err != nil {
		return err
	}
	rows = "\n"
	for _, f := range r.Figures {
		rows += fmt.Sprintf("%s\t%s %s\n", f.What, number(f.Value), f.Unit)
	}
	if err := table(w, 0, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n%s, %s\n", r.Machine, r.extent(), r.At.Format("2006-01-02"))
	return err
}

// writeAppends writes the table of stores, if there is one.
func (r *Report) writeAppends(w io.Writer) error {
	if len(r.Appends) == 0 {
		return nil
	}
	rows := "\nwriters\tstore\tappends/s\tp50\tp99\tthe log is\t\n"
	for _, c := range r.Appends {
		rows += fmt.Sprintf("%d\t%s\t%s\t%.0f µs\t%.0f µs\t%.2f ×\t\n", c.Writers, c.Target, number(c.PerSecond), c.P50, c.P99, c.Ratio)
	}
	return table(w, tabwriter.AlignRight, rows)
}

// extent says how much was measured.
func (r *Report) extent() string {
	if r.Bench == benchBilling {
		return fmt.Sprintf("%d rounds of %s visits, %.0f s in all", r.Rounds, number(float64(r.Visits)), r.Took)
	}
	return fmt.Sprintf("%d rounds, turns of %d ms, %s events; %.0f s in all", r.Rounds, r.TurnMS, number(float64(r.Events)), r.Took)
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
		return row.Work, amount(row.Measured, row.Unit), goal, notMet
	}
}

func amount(v float64, unit string) string { return strings.TrimSpace(number(v) + " " + unit) }

// number writes v with as many digits as say something.
func number(v float64) string {
	switch {
	case v >= 1000:
		s := fmt.Sprintf("%.0f", v)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case v >= 100:
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
