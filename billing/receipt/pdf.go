package receipt

import (
	"fmt"
	"strings"

	"rsc.io/qr"

	"github.com/vouchledger/vouch/billing/internal/pdf"
)

// PDF returns the paper as A4 pages. It is set twice: the first time to learn
// how many pages there are.
func PDF(p Paper) ([]byte, error) {
	s, err := p.Sheet()
	if err != nil {
		return nil, err
	}
	first, err := set(p, s, 0)
	if err != nil {
		return nil, err
	}
	d, err := set(p, s, first.Pages())
	if err != nil {
		return nil, err
	}
	return d.Bytes()
}

func set(p Paper, s Sheet, pages int) (*pdf.Doc, error) {
	name := strings.TrimSpace(s.Title + " " + p.Document.Number)
	d := pdf.New(name, s.Seller[0]+" · "+name, p.Document.Issued, pages)
	d.Title(s.Title)
	d.Para(strings.Join(s.Seller, "\n"))
	if s.Stands != "" {
		d.Para(s.Stands)
	}
	facts(d, s.Facts)
	if len(s.Changes) > 0 {
		d.Heading("What changed")
		rows(d, s.Changes, "Change")
	}
	if len(s.Lines) > 0 {
		d.Heading("Lines")
		rows(d, s.Lines, "Amount "+string(p.Document.Seller.Currency))
	}
	if len(s.Pending) > 0 {
		d.Heading("Not sure yet, not charged")
		rows(d, s.Pending, "At most")
	}
	d.Heading("Sum")
	t := d.Table(pdf.Column{Head: "", Width: 0.7}, pdf.Column{Head: "", Width: 0.3, Right: true})
	for _, f := range s.Totals {
		t.Row(f.Name == "Total", f.Name, f.Value)
	}
	if len(s.Taxes) > 0 {
		d.Heading("Taxes")
		taxes(d, s.Taxes)
	}
	if len(s.Money) > 0 {
		d.Heading("Payment")
		facts(d, s.Money)
	}
	if len(s.Signed) > 0 {
		d.Heading("Signature")
		facts(d, s.Signed)
	}
	if s.QR != "" {
		c, err := qr.Encode(s.QR, qr.M)
		if err != nil {
			return nil, fmt.Errorf("code of %s: %w", name, err)
		}
		d.Code(c.Size, c.Black)
	}
	for _, n := range s.Notes {
		d.Note(n)
	}
	return d, nil
}

func facts(d *pdf.Doc, fs []Fact) {
	pairs := make([][2]string, len(fs))
	for i, f := range fs {
		pairs[i] = [2]string{f.Name, f.Value}
	}
	d.Facts(pairs...)
}

// rows sets lines with their details under them.
func rows(d *pdf.Doc, lines []Line, amount string) {
	t := d.Table(
		pdf.Column{Head: "", Width: 0.06}, pdf.Column{Head: "", Width: 0.6},
		pdf.Column{Head: amount, Width: 0.28, Right: true}, pdf.Column{Head: "", Width: 0.06, Right: true},
	)
	for _, l := range lines {
		no := ""
		if l.No > 0 {
			no = fmt.Sprint(l.No)
		}
		if len(l.Details) == 0 {
			t.Row(true, no, l.Text, l.Amount, l.Mark)
			continue
		}
		t.Lead(no, l.Text, l.Amount, l.Mark)
		for i, x := range l.Details {
			t.Detail(i == len(l.Details)-1, "", x.Text, x.Amount, "")
		}
	}
}

func taxes(d *pdf.Doc, rows []Tax) {
	t := d.Table(
		pdf.Column{Head: "", Width: 0.06}, pdf.Column{Head: "Rate", Width: 0.49},
		pdf.Column{Head: "Net", Width: 0.15, Right: true}, pdf.Column{Head: "Tax", Width: 0.15, Right: true},
		pdf.Column{Head: "Gross", Width: 0.15, Right: true},
	)
	for _, r := range rows {
		t.Row(false, r.Mark, r.Rate+" "+r.Name, r.Net, r.Tax, r.Gross)
	}
}
