package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A Column is a heading; numbers stand on the right.
type Column struct {
	Name   string
	Number bool
}

// A Table is a report as people read it.
type Table struct {
	Title   string
	Columns []Column
	Rows    [][]string
	Sums    [][]string // below a line; not in CSV, whose readers add up themselves
	Notes   []string   // below all; not in CSV
}

// CSV writes the rows under their names.
func (t Table) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	head := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = c.Name
	}
	if err := out.WriteAll(append([][]string{head}, t.Rows...)); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// Text writes the table for a terminal.
func (t Table) Text(w io.Writer) error {
	width := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		width[i] = utf8.RuneCountInString(c.Name)
	}
	for _, rows := range [][][]string{t.Rows, t.Sums} {
		for _, r := range rows {
			for i, cell := range r {
				width[i] = max(width[i], utf8.RuneCountInString(cell))
			}
		}
	}
	var b strings.Builder
	line := func(cell func(i int) string) {
		var l strings.Builder
		for i, c := range t.Columns {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell(i)))
			if c.Number {
				l.WriteString(pad + cell(i) + "  ")
			} else {
				l.WriteString(cell(i) + pad + "  ")
			}
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	rule := func() { line(func(i int) string { return strings.Repeat("-", width[i]) }) }
	b.WriteString(t.Title + "\n\n")
	line(func(i int) string { return t.Columns[i].Name })
	rule()
	for _, r := range t.Rows {
		line(func(i int) string { return r[i] })
	}
	if len(t.Sums) > 0 {
		rule()
	}
	for _, r := range t.Sums {
		line(func(i int) string { return r[i] })
	}
	if len(t.Notes) > 0 {
		b.WriteString("\n" + strings.Join(t.Notes, "\n") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
