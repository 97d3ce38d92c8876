package story

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Widths of the columns, in characters.
const (
	textWidth  = 66
	cartWidth  = 30
	moneyWidth = 16
)

// A Printer writes lines as a table for a terminal of 132 columns.
type Printer struct {
	w        io.Writer
	lastCart string
}

// NewPrinter returns a printer to w.
func NewPrinter(w io.Writer) *Printer { return &Printer{w: w} }

// Head writes the names of the columns.
func (p *Printer) Head() {
	fmt.Fprintf(p.w, "  %-12s  %s  %s  %s\n", "time", pad("event", textWidth), pad("cart", cartWidth), "money")
	fmt.Fprintf(p.w, "  %s\n", strings.Repeat("─", 12+2+textWidth+2+cartWidth+2+moneyWidth))
}

// Line writes one line; the cart only when it changed.
func (p *Printer) Line(l Line) {
	cart := l.Cart
	if cart == p.lastCart {
		cart = ""
	} else {
		p.lastCart = l.Cart
	}
	text, carts := wrap(l.Text, textWidth), wrap(cart, cartWidth)
	clock, amount := l.At.Local().Format("15:04:05.000"), l.Money
	for i := range max(len(text), len(carts)) {
		fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf("  %12s  %s  %s  %*s", clock,
			pad(nth(text, i), textWidth), pad(nth(carts, i), cartWidth), moneyWidth, amount), " "))
		clock, amount = "", ""
	}
}

// nth returns the line i, or nothing after the last.
func nth(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// pad fills s to n characters; fmt counts bytes.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// wrap breaks s at spaces into lines of at most n characters.
func wrap(s string, n int) []string {
	lines, cur := []string{}, ""
	for _, w := range strings.Fields(s) {
		switch {
		case cur == "":
			cur = w
		case utf8.RuneCountInString(cur)+1+utf8.RuneCountInString(w) <= n:
			cur += " " + w
		default:
			lines, cur = append(lines, cur), w
		}
	}
	return append(lines, cur)
}
