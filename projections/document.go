package projections

import (
	"fmt"
	"slices"
	"time"

	"github.com/govalues/decimal"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A lineKey is what the picks of one line have in common.
type lineKey struct {
	sku  ledger.SKU
	unit money.Money
	tax  ledger.TaxRule
}

func keyOf(l ledger.ReceiptLine) lineKey { return lineKey{l.SKU, l.Unit, l.TaxRule} }

// key is the line of a priced pick.
func (p Pick) key() lineKey { return lineKey{p.SKU, p.Price.Unit, p.Price.Tax} }

// billed reports whether p counts towards a line.
func (p Pick) billed() bool { return p.State == PickSure && p.Price != nil }

// Lines returns what the visit is charged for, by number: the sure picks that
// have a price, one line for each product, unit price and tax rule, in the
// order of their first picks. Lines without pieces are left out, except those
// that a final receipt has billed: they keep their number for ever.
//
// An error means that the amounts leave the bounds of package money.
func (c *Cart) Lines() ([]ledger.ReceiptLine, error) {
	lines := make([]ledger.ReceiptLine, 0, len(c.Base)+len(c.Picks))
	for _, b := range c.Base {
		b.Quantity, b.Check, b.Causes, b.Evidence = 0, ledger.CheckMachine, []ledger.ID{}, []ledger.Digest{}
		lines = append(lines, b)
	}
	billed := len(lines)
	for _, p := range c.Picks {
		if !p.billed() {
			continue
		}
		i := slices.IndexFunc(lines, func(l ledger.ReceiptLine) bool { return keyOf(l) == p.key() })
		if i < 0 {
			i = len(lines)
			lines = append(lines, ledger.ReceiptLine{
				SKU: p.SKU, Name: p.Price.Name, Category: p.Price.Category, Unit: p.Price.Unit, TaxRule: p.Price.Tax,
				Check: ledger.CheckMachine, Causes: []ledger.ID{}, Evidence: []ledger.Digest{},
			})
		}
		join(&lines[i], p)
	}
	return c.finish(lines, billed)
}

// finish numbers the lines behind the first billed ones and fills in amounts.
func (c *Cart) finish(lines []ledger.ReceiptLine, billed int) ([]ledger.ReceiptLine, error) {
	out := lines[:0]
	for i, l := range lines {
		var base *ledger.ReceiptLine
		if i < billed {
			base = &c.Base[i]
		} else if l.Quantity == 0 {
			continue
		} else {
			l.No = 1
			if len(out) > 0 {
				l.No = out[len(out)-1].No + 1
			}
		}
		var err error
		if l.Net, l.Tax, err = amounts(l, base); err == nil {
			l.Gross, err = l.Net.Add(l.Tax)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d (%s): %w", l.No, l.SKU, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// amounts returns net and tax of l. What was billed before is never computed
// again: pieces that are gone take their share of the stored amounts with
// them, and pieces that came later are computed on their own.
func amounts(l ledger.ReceiptLine, base *ledger.ReceiptLine) (net, tax money.Money, err error) {
	if base == nil || base.Quantity == 0 {
		return fresh(l.Unit, l.Quantity, l.TaxRule)
	}
	if l.Quantity <= base.Quantity {
		kept, gone := int64(l.Quantity), int64(base.Quantity-l.Quantity)
		nets, err := base.Net.Allocate(kept, gone)
		if err != nil {
			return net, tax, err
		}
		taxes, err := base.Tax.Allocate(kept, gone)
		if err != nil {
			return net, tax, err
		}
		return nets[0], taxes[0], nil
	}
	if net, tax, err = fresh(l.Unit, l.Quantity-base.Quantity, l.TaxRule); err != nil {
		return net, tax, err
	}
	if net, err = net.Add(base.Net); err != nil {
		return net, tax, err
	}
	tax, err = tax.Add(base.Tax)
	return net, tax, err
}

// fresh returns net and tax of n pieces under the rule.
func fresh(unit money.Money, n int, rule ledger.TaxRule) (net, tax money.Money, err error) {
	rate, err := decimal.Parse(rule.Rate)
	if err != nil {
		return net, tax, fmt.Errorf("tax rate %q: %w", rule.Rate, err)
	}
	price, err := unit.Mul(int64(n))
	if err != nil {
		return net, tax, err
	}
	if !rule.Inclusive {
		tax, err = price.MulRate(rate, rule.Rounding)
		return price, tax, err
	}
	if tax, err = price.TaxWithin(rate, rule.Rounding); err != nil {
		return net, tax, err
	}
	net, err = price.Sub(tax)
	return net, tax, err
}

// join adds a pick to its line. A pick that went back whole adds its causes:
// the line's quantity is what they say together.
func join(l *ledger.ReceiptLine, p Pick) {
	l.Quantity += p.Left
	l.Check = weaker(l.Check, p.Check)
	for _, id := range p.Causes {
		if !slices.Contains(l.Causes, id) {
			l.Causes = append(l.Causes, id)
		}
	}
	for _, ref := range p.Evidence {
		if !slices.Contains(l.Evidence, ref.Digest) {
			l.Evidence = append(l.Evidence, ref.Digest)
		}
	}
}

// Totals returns the sums of the lines.
func (c *Cart) Totals() (net, tax, gross money.Money, err error) {
	lines, err := c.Lines()
	if err != nil {
		return net, tax, gross, err
	}
	return sums(c.Currency(), lines)
}

func sums(cur money.Currency, lines []ledger.ReceiptLine) (net, tax, gross money.Money, err error) {
	net, tax = money.Zero(cur), money.Zero(cur)
	for _, l := range lines {
		if net, err = net.Add(l.Net); err != nil {
			return net, tax, gross, err
		}
		if tax, err = tax.Add(l.Tax); err != nil {
			return net, tax, gross, err
		}
	}
	gross, err = net.Add(tax)
	return net, tax, gross, err
}

// taxTotals sums the lines of each tax rule, in the order of the lines.
func taxTotals(lines []ledger.ReceiptLine) ([]ledger.TaxTotal, error) {
	totals := []ledger.TaxTotal{}
	for _, l := range lines {
		i := slices.IndexFunc(totals, func(t ledger.TaxTotal) bool { return t.Rule == l.TaxRule })
		if i < 0 {
			totals = append(totals, ledger.TaxTotal{Rule: l.TaxRule, Net: l.Net, Tax: l.Tax})
			continue
		}
		var err error
		if totals[i].Net, err = totals[i].Net.Add(l.Net); err != nil {
			return nil, err
		}
		if totals[i].Tax, err = totals[i].Tax.Add(l.Tax); err != nil {
			return nil, err
		}
	}
	return totals, nil
}

// Pending returns what keeps the visit from a final receipt: open questions,
// then sure picks without a price. Before a review is requested the money at
// risk is not known and zero. The deadline is the latest of the questions'.
func (c *Cart) Pending() (items []ledger.PendingItem, deadline time.Time) {
	items = []ledger.PendingItem{}
	for _, q := range c.Questions {
		if !q.Open() {
			continue
		}
		item := ledger.PendingItem{Detection: q.Detection, Doubts: slices.Clone(q.Doubts), AtRisk: q.AtRisk}
		if q.Claim != nil {
			item.SKU, item.Quantity = q.Claim.Items[0].SKU, q.Claim.Quantity
		}
		if !q.Requested {
			item.AtRisk = money.Zero(c.Currency())
		}
		if q.Deadline.After(deadline) {
			deadline = q.Deadline
		}
		items = append(items, item)
	}
	for _, p := range c.Picks {
		if p.waits() {
			items = append(items, ledger.PendingItem{
				Detection: p.Detection, SKU: p.SKU, Quantity: p.Left, Doubts: []ledger.Doubt{}, AtRisk: money.Zero(c.Currency()),
			})
		}
	}
	return items, deadline
}

// BuildDocument returns the receipt of a visit as of the events c has folded.
// Provisional, issued and corrected receipts all come from it: a provisional
// one has no number, a corrected one names the number it corrects.
//
// issued must be the occurred time of the event that will carry the document,
// in stored form ([ledger.Instant]); [VerifyReceipts] holds it to that. A
// first final receipt of a blocked visit is [ErrBlocked]; a correction goes
// ahead, because later questions must not delay money that is due.
func BuildDocument(c *Cart, number, corrects string, issued time.Time) (ledger.ReceiptDocument, error) {
	if c.Presented.Visit == "" {
		return ledger.ReceiptDocument{}, fmt.Errorf("receipt of %s: %w", c.Stream, ErrNoVisit)
	}
	if number != "" && corrects == "" && c.Blocked() {
		return ledger.ReceiptDocument{}, fmt.Errorf("receipt %s of %s: %w", number, c.Stream, ErrBlocked)
	}
	d := ledger.ReceiptDocument{
		Number: number, Corrects: corrects, Visit: c.Visit, Store: c.Presented.Store, Seller: c.Presented.Seller,
		Entered: c.EnteredAt, Exited: c.ExitedAt, Issued: issued, Pending: []ledger.PendingItem{}, Events: c.Events,
	}
	if number == "" {
		d.Pending, d.Deadline = c.Pending()
	}
	var err error
	if d.Lines, err = c.Lines(); err != nil {
		return ledger.ReceiptDocument{}, fmt.Errorf("receipt of %s: %w", c.Stream, err)
	}
	if d.Taxes, err = taxTotals(d.Lines); err != nil {
		return ledger.ReceiptDocument{}, fmt.Errorf("receipt of %s: %w", c.Stream, err)
	}
	if d.Net, d.Tax, d.Gross, err = sums(c.Currency(), d.Lines); err != nil {
		return ledger.ReceiptDocument{}, fmt.Errorf("receipt of %s: %w", c.Stream, err)
	}
	return d, nil
}

// CorrectionDue reports whether the lines differ from the last final receipt,
// and which decision (review.decided or dispute.decided) changed them last.
// Without a final receipt nothing is due.
func (c *Cart) CorrectionDue() (because ledger.ID, ok bool) {
	if c.Latest == nil || c.Changed.IsZero() {
		return ledger.ID{}, false
	}
	lines, err := c.Lines()
	if err != nil || slices.EqualFunc(lines, c.Latest.Lines, sameLine) {
		return ledger.ID{}, false
	}
	return c.Changed, true
}

func sameLine(a, b ledger.ReceiptLine) bool {
	return a.No == b.No && a.Quantity == b.Quantity && keyOf(a) == keyOf(b) && a.Net == b.Net && a.Tax == b.Tax &&
		a.Check == b.Check && slices.Equal(a.Causes, b.Causes) && slices.Equal(a.Evidence, b.Evidence)
}

// BuildCorrection returns the correction that is due, as a payload: the
// document, the change of the gross, and its reason. ok is false if none is.
func BuildCorrection(c *Cart, number string, issued time.Time) (p ledger.ReceiptCorrected, ok bool, err error) {
	because, ok := c.CorrectionDue()
	if !ok {
		return p, false, nil
	}
	d, err := BuildDocument(c, number, c.Latest.Number, issued)
	if err != nil {
		return p, false, err
	}
	changed, err := d.Gross.Sub(c.Latest.Gross)
	if err != nil {
		return p, false, fmt.Errorf("receipt of %s: %w", c.Stream, err)
	}
	return ledger.ReceiptCorrected{Document: d, Change: changed, Because: because}, true, nil
}
