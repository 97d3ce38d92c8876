package goals

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrNoMarks means that a page has no place for a report. Put both lines that
// the error names where it belongs.
var ErrNoMarks = errors.New("the page has no place for the report")

// marks returns the lines of a page of documentation between which the report
// goes.
func (r *Report) marks() (begin, end string) {
	return "<!-- " + r.Program + " bench " + r.Bench + ": begin -->\n", "<!-- " + r.Program + " bench " + r.Bench + ": end -->\n"
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
		return fmt.Errorf("%w: %s lacks the lines %q and %q", ErrNoMarks, page, strings.TrimSpace(markBegin), strings.TrimSpace(markEnd))
	}
	text := string(before) + markBegin + r.Markdown() + markEnd + string(after)
	return os.WriteFile(page, []byte(text), 0o644) //nolint:gosec // documentation is for all to read
}

// Markdown returns the report's tables with machine and versions.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s. %s.\n\n", r.At.Format("2006-01-02"), r.Machine, r.Extent)
	b.WriteString("| work | measured | goal | |\n|---|---:|---:|---|\n")
	for _, row := range r.Rows {
		work, measured, goal, verdict := row.cells()
		if verdict == notMet {
			verdict = "**not met**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", work, measured, goal, verdict)
	}
	for _, t := range r.Tables {
		b.WriteString(t.markdown())
	}
	b.WriteString("\n| beside the goals | |\n|---|---:|\n")
	for _, f := range r.Figures {
		fmt.Fprintf(&b, "| %s | %s |\n", f.What, amount(f.Value, f.Unit))
	}
	return b.String()
}

// markdown returns the table below an empty line.
func (t Table) markdown() string {
	text := "\n| " + strings.Join(t.Head, " | ") + " |\n|"
	for i := range t.Head {
		if i < len(t.Left) && t.Left[i] {
			text += "---|"
		} else {
			text += "---:|"
		}
	}
	text += "\n"
	for _, row := range t.Rows {
		text += "| " + strings.Join(row, " | ") + " |\n"
	}
	return text
}

// A Published is a report, or what one is part of.
type Published interface {
	WriteJSON(w io.Writer) error
	WriteText(w io.Writer) error
	Update(page string) error
}

// Publish writes a report to out, as JSON to a file if one is named, and into a
// page if one is named. The file "-" is out, instead of the tables.
func Publish(out io.Writer, report Published, file, page string) error {
	if page != "" {
		if err := report.Update(page); err != nil {
			return err
		}
	}
	if file == "-" {
		return report.WriteJSON(out)
	}
	if file != "" {
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		if err := errors.Join(report.WriteJSON(f), f.Close()); err != nil {
			return err
		}
	}
	return report.WriteText(out)
}
