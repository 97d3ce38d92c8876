package billing

import (
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// external counts a movement at the provider that the stream has no order for:
// somebody used the provider's own pages, or the order was lost with the end
// of a log that was restored. In both cases it is done and not done again, and
// the key of a lost order is used up.
//
// What was given back so lowers what a correction gives back, and makes no
// debt.
func (p *Payment) external(e ledger.Event, f ledger.ExternalObserved) {
	name := string(f.What) + " " + f.Object
	if slices.Contains(p.externals, name) {
		p.odd(e, "%s twice", name)
		return
	}
	p.externals = append(p.externals, name)
	if op, label, n, ok := ParseKey(f.Key); ok {
		if p.tried == nil {
			p.tried = map[string]int{}
		}
		c := counter(op, label)
		p.tried[c] = max(p.tried[c], n)
	}
	if p.Captured.Currency == "" { // before any hold that is known
		zero := money.Zero(f.Amount.Currency)
		p.Held, p.Captured, p.Refunded, p.Given, p.Elsewhere = zero, zero, zero, zero, zero
	}
	switch f.What {
	case ledger.ExternalHold:
		if p.HoldIntended.IsZero() {
			p.HoldIntended = e.Occurred
		}
		p.Hold, p.HoldObject, p.Held, p.CaptureBefore = HoldStands, f.Object, f.Amount, f.CaptureBefore
	case ledger.ExternalCapture:
		if p.HoldObject == f.Object || p.HoldObject == "" {
			p.Hold, p.CaptureAsked, p.CaptureObject, p.CaptureCode = HoldCaptured, true, f.Object, ""
		}
		p.add(e, &p.Captured, f.Amount)
	case ledger.ExternalRefund:
		if p.add(e, &p.Refunded, f.Amount) {
			p.Elsewhere.Minor += f.Amount.Minor
		}
	case ledger.ExternalRelease:
		if p.HoldObject == f.Object {
			p.Hold = HoldReleased
		}
	}
}

// Paid returns what the shopper has paid as far as the receipt is concerned:
// what was given although the receipt is right, or without an order of ours,
// makes no debt.
func (p *Payment) Paid() money.Money {
	kept := p.Kept()
	kept.Minor += p.Given.Minor + p.Elsewhere.Minor
	return kept
}

// Returnable returns what must be given back when the receipts ask for gross
// in all: never what the shopper has already from a card network, from the
// provider's own pages, or as a gift, and never what we do not have.
func (p *Payment) Returnable(gross money.Money) money.Money {
	have := p.Kept().Minor - p.ChargedBack().Minor
	over := min(have+p.Given.Minor-gross.Minor, have)
	return money.Money{Minor: max(0, over), Currency: gross.Currency}
}
