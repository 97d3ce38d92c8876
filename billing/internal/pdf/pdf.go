// Package pdf sets documents in the house's type: one font family, one scale
// of sizes, tables that break over pages.
//
// The one idea: the bytes are a function of what is drawn. There is no clock
// in them and no map order, so a document that is made again from the same
// events is the same file, and its digest can stand in the ledger.
package pdf

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
)

// Sizes of type, in points.
const (
	Title   = 17
	Heading = 11.5
	Text    = 9
	Small   = 7.5
)

// The page, in millimetres.
const (
	Margin = 18
	Width  = 210 - 2*Margin
	Height = 297
)

// Families of type.
const (
	sans = "go"
	mono = "gomono"
)

// A Doc is a document of A4 pages that is being written from top to bottom.
type Doc struct {
	f      *fpdf.Fpdf
	images int
}

// New begins a document. Foot stands at the left of every page's foot, and the
// page's number of pages at the right; pages is 0 while it is not known.
func New(title, foot string, made time.Time, pages int) *Doc {
	f := fpdf.New("P", "mm", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(made.UTC())
	f.SetModificationDate(made.UTC())
	f.SetProducer("Vouch", true)
	f.SetTitle(title, true)
	f.SetLang("en")
	f.SetMargins(Margin, Margin, Margin)
	f.SetAutoPageBreak(true, Margin+4)
	// Fonts are copied: fpdf writes into them, and the next document would differ.
	f.AddUTF8FontFromBytes(sans, "", bytes.Clone(goregular.TTF))
	f.AddUTF8FontFromBytes(sans, "B", bytes.Clone(gobold.TTF))
	f.AddUTF8FontFromBytes(mono, "", bytes.Clone(gomono.TTF))
	d := &Doc{f: f}
	f.SetFooterFunc(func() {
		f.SetY(-Margin + 2)
		d.face(sans, "", Small, 110)
		f.CellFormat(Width*0.8, 5, foot, "", 0, "L", false, 0, "")
		f.CellFormat(Width*0.2, 5, fmt.Sprintf("%d of %d", f.PageNo(), pages), "", 0, "R", false, 0, "")
	})
	f.AddPage()
	return d
}

func (d *Doc) face(family, style string, size float64, grey int) {
	d.f.SetFont(family, style, size)
	d.f.SetTextColor(grey, grey, grey)
}

// Bytes ends the document.
func (d *Doc) Bytes() ([]byte, error) {
	var b bytes.Buffer
	if err := d.f.Output(&b); err != nil {
		return nil, fmt.Errorf("pdf: %w", err)
	}
	return b.Bytes(), nil
}

// Pages returns how many pages were begun.
func (d *Doc) Pages() int { return d.f.PageCount() }

// Room begins a new page unless so many millimetres are left on this one.
func (d *Doc) Room(mm float64) {
	if d.f.GetY()+mm > Height-Margin-4 {
		d.f.AddPage()
	}
}

// Title sets the document's title.
func (d *Doc) Title(s string) {
	d.face(sans, "B", Title, 0)
	d.f.MultiCell(Width, 8, s, "", "L", false)
	d.f.Ln(1)
}

// Heading sets a heading over what follows, and keeps it with it.
func (d *Doc) Heading(s string) {
	d.Room(26)
	d.f.Ln(5)
	d.face(sans, "B", Heading, 0)
	d.f.MultiCell(Width, 6, s, "", "L", false)
	y := d.f.GetY() + 0.5
	d.f.SetDrawColor(160, 160, 160)
	d.f.SetLineWidth(0.25)
	d.f.Line(Margin, y, Margin+Width, y)
	d.f.Ln(2)
}

// Para sets a paragraph.
func (d *Doc) Para(s string) {
	d.face(sans, "", Text, 30)
	d.f.MultiCell(Width, 4.6, s, "", "L", false)
	d.f.Ln(1)
}

// Note sets a paragraph of less weight.
func (d *Doc) Note(s string) {
	d.face(sans, "", Small, 90)
	d.f.MultiCell(Width, 3.9, s, "", "L", false)
	d.f.Ln(1)
}

// Facts sets pairs of a name and what it is, each on a line of its own.
func (d *Doc) Facts(pairs ...[2]string) {
	const label = 46
	for _, p := range pairs {
		if p[1] == "" {
			continue
		}
		d.Room(6)
		y := d.f.GetY()
		d.face(sans, "", Text, 100)
		d.f.CellFormat(label, 4.8, p[0], "", 0, "L", false, 0, "")
		d.face(sans, "", Text, 0)
		d.f.SetXY(Margin+label, y)
		d.f.MultiCell(Width-label, 4.8, p[1], "", "L", false)
	}
}

// A Column is one of a table.
type Column struct {
	Head  string
	Width float64 // share of the page's width; all together 1
	Right bool    // figures stand at the right
	Mono  bool    // hashes
}

// A Table is a table that is being written, row by row.
type Table struct {
	d       *Doc
	columns []Column
}

// Table begins a table. Its head is set again on every page.
func (d *Doc) Table(columns ...Column) *Table {
	t := &Table{d, columns}
	t.head()
	return t
}

func (t *Table) head() {
	d := t.d
	if !slices.ContainsFunc(t.columns, func(c Column) bool { return c.Head != "" }) {
		return
	}
	d.face(sans, "B", Small, 60)
	d.f.SetFillColor(238, 238, 238)
	for _, c := range t.columns {
		d.f.CellFormat(c.Width*Width, 5.2, c.Head, "", 0, align(c), true, 0, "")
	}
	d.f.Ln(5.8)
}

func align(c Column) string {
	if c.Right {
		return "R"
	}
	return "L"
}

// lineHeight is that of a table's rows.
const lineHeight = 3.9

// Row sets a row. With bold it is a sum.
func (t *Table) Row(bold bool, cells ...string) { t.row(look{bold: bold, rule: true}, cells) }

// Lead sets a row that details follow: nothing separates them.
func (t *Table) Lead(cells ...string) { t.row(look{}, cells) }

// Detail sets a row that explains the one before it, in less weight. The last
// one ends what it explains.
func (t *Table) Detail(last bool, cells ...string) { t.row(look{rule: last, pale: true}, cells) }

// look is how a row is set.
type look struct{ bold, pale, rule bool }

func (t *Table) row(as look, cells []string) {
	d := t.d
	lines, tallest := make([][]string, len(t.columns)), 1
	for i, c := range t.columns {
		t.style(c, as)
		lines[i] = d.f.SplitText(cells[i], c.Width*Width-1)
		tallest = max(tallest, len(lines[i]))
	}
	height := float64(tallest)*lineHeight + 1
	if d.f.GetY()+height > Height-Margin-5 {
		d.f.AddPage()
		t.head()
	}
	x, y := float64(Margin), d.f.GetY()
	for i, c := range t.columns {
		t.style(c, as)
		for n, line := range lines[i] {
			d.f.SetXY(x, y+float64(n)*lineHeight)
			d.f.CellFormat(c.Width*Width, lineHeight, line, "", 0, align(c), false, 0, "")
		}
		x += c.Width * Width
	}
	d.f.SetXY(Margin, y+height)
	if !as.rule {
		return
	}
	d.f.SetDrawColor(225, 225, 225)
	d.f.SetLineWidth(0.15)
	d.f.Line(Margin, y+height-0.5, Margin+Width, y+height-0.5)
}

func (t *Table) style(c Column, as look) {
	switch {
	case c.Mono:
		t.d.face(mono, "", Small-1, 60)
	case as.pale:
		t.d.face(sans, "", Small, 110)
	case as.bold:
		t.d.face(sans, "B", Small+0.5, 0)
	default:
		t.d.face(sans, "", Small+0.5, 20)
	}
}

// Code sets a code of size by size black and white cells, as a QR code is one.
func (d *Doc) Code(size int, black func(x, y int) bool) {
	const width = 34.0
	cell := width / float64(size)
	d.Room(width + 8)
	top := d.f.GetY() + 4
	d.f.SetFillColor(0, 0, 0)
	for y := range size {
		for x := 0; x < size; x++ {
			n := 0
			for x+n < size && black(x+n, y) {
				n++
			}
			if n > 0 {
				d.f.Rect(Margin+float64(x)*cell, top+float64(y)*cell, float64(n)*cell, cell, "F")
				x += n
			}
		}
	}
	d.f.SetXY(Margin, top+width+4)
}
