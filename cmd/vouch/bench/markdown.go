package bench

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// marks returns the lines of a page of documentation between which the report
// goes.
func (r *Report) marks() (begin, end string) {
	return "<!-- vouch bench " + r.Bench + ": begin -->\n", "<!-- vouch bench " + r.Bench + ": end -->\n"
}

// Update puts the report as Markdown between the marks of a page.
func (r *Report) Update(page string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	markBegin, markEnd := r.marks()
	before, rest, ok := bytes.Cut(old, []byte(markBegin))
	_, after, found := bytes.Cut(rest, []byte(markEnd))
	if !ok || !found {
		return fmt.Errorf("%w: %s has no lines %q and %q", ledger.ErrInvalid, page, strings.TrimSpace(markBegin), strings.TrimSpace(markEnd))
	}
	text := string(before) + markBegin + r.Markdown() + markEnd + string(after)
	return os.WriteFile(page, []byte(text), 0o644) //nolint:gosec // documentation is for all to read
}

// Markdown returns the report's tables with machine and versions.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s. %s.\n\n", r.At.Format("2006-01-02"), r.Machine, r.extent())
	b.WriteString("| work | measured | goal | |\n|---|---:|---:|---|\n")
	for _, row := range r.Rows {
		work, measured, goal, verdict := row.cells()
		if verdict == notMet {
			verdict = "**not met**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", work, measured, goal, verdict)
	}
	if len(r.Appends) > 0 {
		b.WriteString("\n| writers | store | appends/s | p50 | p99 | the log is |\n|---:|---|---:|---:|---:|---:|\n")
	}
	for _, c := range r.Appends {
		fmt.Fprintf(&b, "| %d | %s | %s | %.0f µs | %.0f µs | %.2f × |\n", c.Writers, c.Target, number(c.PerSecond), c.P50, c.P99, c.Ratio)
	}
	b.WriteString("\n| beside the goals | |\n|---|---:|\n")
	for _, f := range r.Figures {
		fmt.Fprintf(&b, "| %s | %s |\n", f.What, amount(f.Value, f.Unit))
	}
	return b.String()
}
