package bench

import (
	"fmt"
	"io"

	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/ledger/ledgerbench"
)

// program measures, as the marks of a page name it.
const program = "vouch"

// A Report is the outcome of a run.
type Report struct {
	goals.Report
	Events  uint64             `json:"events"` // of the large log
	Visits  int                `json:"visits"` // settled, in billing's
	TurnMS  int64              `json:"turn_ms"`
	Appends []ledgerbench.Cell `json:"appends"`
}

// WriteJSON writes the report as indented JSON.
func (r *Report) WriteJSON(w io.Writer) error { return goals.WriteJSON(w, r) }

// stores is the table of appends, if there were any.
func (r *Report) stores() []goals.Table {
	if len(r.Appends) == 0 {
		return nil
	}
	t := goals.Table{
		Head: []string{"writers", "store", "appends/s", "p50", "p99", "the log is"}, Left: []bool{false, true},
	}
	for _, c := range r.Appends {
		t.Rows = append(t.Rows, []string{
			fmt.Sprint(c.Writers), c.Target, goals.Number(c.PerSecond), fmt.Sprintf("%.0f µs", c.P50),
			fmt.Sprintf("%.0f µs", c.P99), fmt.Sprintf("%.2f ×", c.Ratio),
		})
	}
	return []goals.Table{t}
}
