package whatif

import (
	"cmp"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// A Difference is a product of which one receipt bills another number of pieces
// than the other does.
type Difference struct {
	SKU   ledger.SKU `json:"sku"`
	Name  string     `json:"name"`
	Was   int        `json:"was"`
	Would int        `json:"would"`
}

// Compare returns the products that two receipts differ in, by SKU. A receipt
// that is nil bills nothing.
func Compare(was, would *ledger.ReceiptDocument) []Difference {
	var out []Difference
	count := func(d *ledger.ReceiptDocument, add func(*Difference, int)) {
		if d == nil {
			return
		}
		for _, l := range d.Lines {
			if l.LineKind != ledger.LineItem {
				continue // a deposit follows its product
			}
			i := slices.IndexFunc(out, func(o Difference) bool { return o.SKU == l.SKU })
			if i < 0 {
				i, out = len(out), append(out, Difference{SKU: l.SKU, Name: l.Name})
			}
			add(&out[i], l.Quantity)
		}
	}
	count(was, func(d *Difference, n int) { d.Was += n })
	count(would, func(d *Difference, n int) { d.Would += n })
	out = slices.DeleteFunc(out, func(d Difference) bool { return d.Was == d.Would })
	slices.SortFunc(out, func(a, b Difference) int { return cmp.Compare(a.SKU, b.SKU) })
	return out
}
