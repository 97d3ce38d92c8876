package receipt

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the times on a receipt must not hang on the machine

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Sheet is a paper in words: what each form that people read shows, in this
// order.
type Sheet struct {
	Title   string
	Seller  []string // name, address line by line, tax number
	Facts   []Fact
	Stands  string // what a reader must know before the lines: that it is provisional, or corrects
	Lines   []Line
	Pending []Line
	Changes []Line // against the paper it corrects
	Totals  []Fact
	Taxes   []Tax
	Money   []Fact
	Notes   []string
	Signed  []Fact
	QR      string // content of the code that the law wants; empty for none
}

// A Fact is a name and what it is.
type Fact struct{ Name, Value string }

// A Line is one line of a sheet. Details stand under it.
type Line struct {
	No      int
	Text    string
	Details []Detail
	Amount  string
	Mark    string // letter of its tax
}

// A Detail explains a line; Amount is empty unless it is part of the sum.
type Detail struct{ Text, Amount string }

// A Tax is a row of the table of taxes.
type Tax struct {
	Mark, Name, Rate, Net, Tax, Gross string
}

var titles = map[Kind]string{
	Provisional: "Provisional receipt", Issued: "Receipt", Corrected: "Corrected receipt", Nothing: "Nothing to pay",
}

// Sheet returns the paper in words. Times are the seller's.
func (p Paper) Sheet() (Sheet, error) {
	d := p.Document
	s := Sheet{Title: titles[p.Kind], Seller: seller(d.Seller), Facts: p.facts()}
	marks := p.marks()
	for _, l := range d.Lines {
		if l.Quantity > 0 || l.Gross.Minor != 0 {
			s.Lines = append(s.Lines, line(l, marks[l.TaxRule]))
		}
	}
	for _, it := range d.Pending {
		s.Pending = append(s.Pending, p.pending(it))
	}
	if err := p.stands(&s); err != nil {
		return Sheet{}, fmt.Errorf("receipt %s: %w", d.Number, err)
	}
	s.Totals = []Fact{{"Net", d.Net.String()}, {"Tax", d.Tax.String()}, {"Total", d.Gross.String()}}
	for _, t := range d.Taxes {
		row, err := tax(t, marks[t.Rule])
		if err != nil {
			return Sheet{}, fmt.Errorf("receipt %s: %w", d.Number, err)
		}
		s.Taxes = append(s.Taxes, row)
	}
	s.Money = p.money()
	if slices.ContainsFunc(d.Lines, func(l ledger.ReceiptLine) bool {
		return l.LineKind == ledger.LineItem && l.PriceRule == ledger.PriceMinPickExit
	}) {
		s.Notes = append(s.Notes, "Each price is the lower of those at the pick and at the exit, unless its line says otherwise.")
	}
	p.sign(&s)
	return s, nil
}

func seller(s ledger.Seller) []string {
	out := []string{s.Name}
	for part := range strings.SplitSeq(s.Address, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	if s.TaxID != "" {
		out = append(out, "Tax number "+s.TaxID)
	}
	return out
}

// zone returns where the seller's clock is.
func zone(s ledger.Seller) *time.Location {
	z, err := time.LoadLocation(s.Timezone)
	if err != nil { // a shop cannot be opened with one; an imported log may hold it
		return time.UTC
	}
	return z
}

func (p Paper) moment(t time.Time) string {
	return t.In(zone(p.Document.Seller)).Format("2 Jan 2006 15:04:05 MST")
}

func (p Paper) facts() []Fact {
	d := p.Document
	fs := []Fact{{"Number", d.Number}, {"Issued", p.moment(d.Issued)}}
	if !d.Entered.IsZero() {
		fs = append(fs, Fact{"Visit began", p.moment(d.Entered)})
	}
	if !d.Exited.IsZero() {
		fs = append(fs, Fact{"Visit ended", p.moment(d.Exited)})
	}
	fs = append(fs, Fact{"Shop", string(d.Store)}, Fact{"Visit", string(d.Visit)})
	if d.Party > 1 {
		fs = append(fs, Fact{"Persons", fmt.Sprint(d.Party)})
	}
	if d.AgeProven > 0 {
		fs = append(fs, Fact{"Age shown", fmt.Sprintf("%d or older", d.AgeProven)})
	}
	if d.Number == "" {
		return fs[1:]
	}
	return fs
}

// stands says what the paper is to the one before, and what changed.
func (p Paper) stands(s *Sheet) error {
	d := p.Document
	switch p.Kind {
	case Provisional:
		s.Stands = "This is not the receipt yet. What is sure stands first; what waits for an answer is charged only once it is sure."
		if !d.Deadline.IsZero() {
			s.Stands += " The answer comes by " + p.moment(d.Deadline) + "."
		}
	case Corrected:
		s.Stands = fmt.Sprintf("Corrects receipt %s.", d.Corrects)
		if p.First != "" && p.First != d.Corrects {
			s.Stands = fmt.Sprintf("Corrects receipt %s, which corrected receipt %s.", d.Corrects, p.First)
		}
		return p.changes(s)
	case Nothing:
		s.Stands = "Nothing was taken on this visit, and nothing is charged for it."
	case Issued:
	}
	return nil
}

// changes lists the lines that differ from the paper before.
func (p Paper) changes(s *Sheet) error {
	if p.Before == nil {
		return nil
	}
	before := map[int]ledger.ReceiptLine{}
	for _, l := range p.Before.Lines {
		before[l.No] = l
	}
	for _, l := range p.Document.Lines {
		was := before[l.No]
		delete(before, l.No)
		if was.Quantity == l.Quantity && was.Gross == l.Gross {
			continue
		}
		if was.Gross.Currency == "" {
			was.Gross = money.Zero(l.Gross.Currency)
		}
		diff, err := l.Gross.Sub(was.Gross)
		if err != nil {
			return err
		}
		s.Changes = append(s.Changes, Line{
			No: l.No, Text: l.Name, Amount: signed(diff),
			Details: []Detail{{Text: fmt.Sprintf("%d instead of %d, %s instead of %s",
				l.Quantity, was.Quantity, l.Gross.Decimal(), was.Gross.Decimal())}},
		})
	}
	diff, err := p.Change()
	if err != nil {
		return err
	}
	s.Changes = append(s.Changes, Line{Text: "Change of the total", Amount: signed(diff)})
	return nil
}

// signed writes an amount with its sign, which a change needs.
func signed(m money.Money) string {
	if m.Minor > 0 {
		return "+" + m.Decimal()
	}
	return m.Decimal()
}

func (p Paper) pending(it ledger.PendingItem) Line {
	l := Line{Text: fmt.Sprintf("%d × %s", it.Quantity, p.name(it.SKU))}
	if it.SKU == "" {
		l.Text = "Something that was seen"
		switch {
		case slices.Contains(it.Doubts, ledger.DoubtWeight):
			l.Text = "The cart as a whole"
		case slices.Contains(it.Doubts, ledger.DoubtTailgated), slices.Contains(it.Doubts, ledger.DoubtConflict):
			l.Text = "The visit as a whole"
		}
	}
	if it.AtRisk.Minor != 0 {
		l.Amount = "up to " + it.AtRisk.Decimal()
	}
	var doubts []string
	for _, d := range it.Doubts {
		doubts = append(doubts, doubtWords[d])
	}
	if len(doubts) > 0 {
		l.Details = []Detail{{Text: "not sure: " + strings.Join(doubts, ", ")}}
	} else {
		l.Details = []Detail{{Text: "waits for its price"}}
	}
	return l
}

var doubtWords = map[ledger.Doubt]string{
	ledger.DoubtItem: "which product", ledger.DoubtAction: "taken or put back", ledger.DoubtPerson: "by whom",
	ledger.DoubtUnmatched: "put back without being taken", ledger.DoubtLate: "came late", ledger.DoubtUnknown: "whose it is",
	ledger.DoubtWeight: "what the cart weighs", ledger.DoubtTailgated: "how many came in", ledger.DoubtConflict: "whose it is",
}
