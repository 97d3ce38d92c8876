package audit

import (
	"maps"
	"slices"

	"github.com/vouchledger/vouch/billing/receipt"
	"github.com/vouchledger/vouch/ledger"
)

// law holds every document against the rules of its seller's country. A
// signature comes after its document, so what it misses is found at the end.
type law struct {
	before   map[ledger.VisitID]string // number of the visit's last document
	unsigned map[string]receipt.Miss   // by number
}

// document checks a document as it is issued.
func (l *law) document(r *Report, d ledger.ReceiptDocument) {
	if d.Seller.Country == "" {
		return
	}
	if l.before == nil {
		l.before, l.unsigned = map[ledger.VisitID]string{}, map[string]receipt.Miss{}
	}
	p := receipt.Paper{Kind: receipt.Issued, Document: d}
	if d.Corrects != "" {
		p.Kind, p.Before = receipt.Corrected, &ledger.ReceiptDocument{Number: l.before[d.Visit]}
	}
	l.before[d.Visit] = d.Number
	for _, m := range p.Missing() {
		if m.Rule == receipt.RuleSigned {
			l.unsigned[d.Number] = m
			continue
		}
		r.Find("law", d.Number, "lacks %s", m)
	}
}

// signed notes that a document was signed, or says that it could not be.
func (l *law) signed(number string) { delete(l.unsigned, number) }

// end reports the documents that nobody signed.
func (l *law) end(r *Report) {
	for _, number := range slices.Sorted(maps.Keys(l.unsigned)) {
		r.Find("law", number, "lacks %s", l.unsigned[number])
	}
}
