package receipt

import (
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// A Kind says what a paper is.
type Kind string

// The kinds of papers.
const (
	Provisional Kind = "provisional" // the sure lines, and what waits for an answer
	Issued      Kind = "issued"
	Corrected   Kind = "corrected" // replaces the one before
	Nothing     Kind = "nothing"   // nothing was taken, nothing is owed
)

// A Paper is a document and what stands beside it on paper.
type Paper struct {
	Kind      Kind
	Document  ledger.ReceiptDocument
	Before    *ledger.ReceiptDocument // that it corrects
	First     string                  // number of the visit's first document, with a correction
	Signature *ledger.FiscalSigned
	Unsigned  *ledger.FiscalFailed // why there is no signature; nil once there is one
	Names     map[ledger.SKU]string
	Money     Payment
}

// A Payment is what moved for a visit, as far as a receipt says it.
type Payment struct {
	Held, Captured, Refunded money.Money
	Released                 bool // what was held is free
}

// Collect returns the papers of a visit, in the order they were handed out:
// the last provisional one while there is no receipt, else the receipt and its
// corrections; for a visit that ended with nothing owed, the paper that says
// so. visit and payment are the events of its two streams, each from the first.
func Collect(visit, payment []ledger.Event) ([]Paper, error) {
	var cart projections.Cart
	var receipts projections.Receipts
	var pay billing.Payment
	var settled *ledger.Event
	signed, failed := map[string]*ledger.FiscalSigned{}, map[string]*ledger.FiscalFailed{}
	for i := range visit {
		e := visit[i]
		if err := cart.Apply(e); err != nil {
			return nil, fmt.Errorf("receipts: %w", err)
		}
		if err := receipts.Apply(e); err != nil {
			return nil, err
		}
		switch p := e.Payload.(type) { // the folds take all others
		case ledger.FiscalSigned:
			signed[p.Receipt] = &p
		case ledger.FiscalFailed:
			failed[p.Receipt] = &p
		case ledger.VisitSettled:
			settled = &visit[i]
		}
	}
	for _, e := range payment {
		if err := pay.Apply(e); err != nil {
			return nil, fmt.Errorf("receipts: %w", err)
		}
	}
	papers, err := collect(&cart, &receipts, settled)
	if err != nil {
		return nil, err
	}
	for i := range papers {
		p := &papers[i]
		p.Names, p.Money = names(&cart), paid(&pay)
		if p.Signature = signed[p.Document.Number]; p.Signature == nil {
			p.Unsigned = failed[p.Document.Number]
		}
	}
	return papers, nil
}

func collect(cart *projections.Cart, receipts *projections.Receipts, settled *ledger.Event) ([]Paper, error) {
	if receipts.Issued == nil {
		switch n := len(receipts.Provisional); {
		case settled != nil:
			d, err := projections.BuildDocument(cart, "", "", settled.Occurred)
			if err != nil {
				return nil, err
			}
			return []Paper{{Kind: Nothing, Document: d}}, nil
		case n > 0:
			return []Paper{{Kind: Provisional, Document: receipts.Provisional[n-1]}}, nil
		}
		return nil, nil
	}
	papers := []Paper{{Kind: Issued, Document: *receipts.Issued}}
	for _, c := range receipts.Corrections {
		before := papers[len(papers)-1].Document
		papers = append(papers, Paper{Kind: Corrected, Document: c.Document, Before: &before, First: receipts.Issued.Number})
	}
	return papers, nil
}

// kept returns what was captured and not given back, in minor units.
func (p Payment) kept() int64 { return p.Captured.Minor - p.Refunded.Minor }

// Find returns the paper with this number.
func Find(papers []Paper, number string) (Paper, bool) {
	i := slices.IndexFunc(papers, func(p Paper) bool { return p.Document.Number == number })
	if i < 0 {
		return Paper{}, false
	}
	return papers[i], true
}

// names returns what the visit's products are called, for lines that have no
// document's name yet.
func names(cart *projections.Cart) map[ledger.SKU]string {
	all := map[ledger.SKU]string{}
	for _, p := range cart.Picks {
		if p.Price != nil {
			all[p.SKU] = p.Price.Name
		}
	}
	return all
}

func paid(p *billing.Payment) Payment {
	return Payment{
		Held: p.Held, Captured: p.Captured, Refunded: p.Refunded,
		Released: p.Hold == billing.HoldReleased || p.Hold == billing.HoldCaptured,
	}
}

// Change returns what the paper's gross is above that of the one it corrects,
// or its gross if it corrects none.
func (p Paper) Change() (money.Money, error) {
	if p.Before == nil {
		return p.Document.Gross, nil
	}
	return p.Document.Gross.Sub(p.Before.Gross)
}

// name returns what a product is called.
func (p Paper) name(sku ledger.SKU) string {
	if n := p.Names[sku]; n != "" {
		return n
	}
	return string(sku)
}
