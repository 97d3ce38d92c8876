package projections

import (
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

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
	if c.Presented.Party > 1 {
		d.Party = c.Presented.Party
	}
	d.AgeProven = c.AgeProven()
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
	return a.No == b.No && a.Quantity == b.Quantity && a.SKU == b.SKU && a.LineKind == b.LineKind && a.Unit == b.Unit &&
		a.TaxRule == b.TaxRule && a.Net == b.Net && a.Tax == b.Tax && a.Grams == b.Grams &&
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
