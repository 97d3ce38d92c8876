package story

import (
	"fmt"
	"io"

	"github.com/vouchledger/vouch/ledger"
)

// PrintReceipt writes a receipt as it would be printed.
func PrintReceipt(w io.Writer, d ledger.ReceiptDocument) {
	title := "RECEIPT " + d.Number
	switch {
	case d.Number == "":
		title = "PROVISIONAL RECEIPT"
	case d.Corrects != "":
		title += ", corrects " + d.Corrects
	}
	fmt.Fprintf(w, "  %s\n  %s, %s\n", title, d.Seller.Name, d.Seller.Address)
	for _, l := range d.Lines {
		fmt.Fprintf(w, "  %3d  %s %3d × %12s %14s   %s\n", l.No, pad(clip(l.Name, 28), 28), l.Quantity, l.Unit, l.Gross, checkWords(l))
	}
	for _, p := range d.Pending {
		fmt.Fprintf(w, "    ?  %s %3d   pending: which %s? up to %s\n", pad(clip(string(p.SKU), 28), 28), p.Quantity, doubtWords(p.Doubts), p.AtRisk)
	}
	for _, t := range d.Taxes {
		fmt.Fprintf(w, "       %s %s tax %s of %s\n", t.Rule.Jurisdiction, t.Rule.Rate, t.Tax, t.Net)
	}
	fmt.Fprintf(w, "       %s\n", pad("total", 28)+fmt.Sprintf("%37s", d.Gross))
}

func checkWords(l ledger.ReceiptLine) string {
	switch l.Check {
	case ledger.CheckReviewed:
		return "confirmed by a person"
	case ledger.CheckPolicy:
		return "decided by the deadline"
	case ledger.CheckMachine:
	}
	return "seen by sensors alone"
}
