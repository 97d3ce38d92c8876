package billing

import (
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Claim is what a card network asks back of a payment.
type Claim struct {
	Chargeback string // at the provider
	Object     string // the payment it is about
	Inquiry    bool   // it only asks
	Amount     money.Money
	Taken      int64                    // minor units withdrawn and not given back
	Outcome    ledger.ChargebackOutcome // empty while it is open

	moves []string // balance transactions counted
}

// A FraudWarning is a card network's warning that a payment may be fraud.
type FraudWarning struct {
	Event      ledger.ID // that recorded it
	Object     string    // the payment it is about
	Actionable bool
	Answered   bool // money was given back for it, or a person was asked
}

// RefundsBlocked reports whether money must not be given back now: a card
// network claims it, and would take it a second time. An inquiry blocks
// nothing, for giving back may end it.
func (p *Payment) RefundsBlocked() bool {
	return slices.ContainsFunc(p.Claims, func(c Claim) bool { return c.Outcome == "" && !c.Inquiry })
}

// ChargedBack returns what card networks took for good, or hold until a claim
// is decided: the shopper has it, and is not given it again.
func (p *Payment) ChargedBack() money.Money {
	sum := money.Zero(p.Captured.Currency)
	for _, c := range p.Claims {
		taken := c.Taken
		switch c.Outcome {
		case ledger.ChargebackLost, ledger.ChargebackAccepted:
			taken = max(taken, c.Amount.Minor) // the withdrawal may be told later
		case ledger.ChargebackWon, ledger.ChargebackInquiry:
			taken = 0 // and so may what is given back
		}
		sum.Minor += taken
	}
	return sum
}

// claimed moves p past an event about a claim or a warning of a card network.
// None of them is refused: they are what the provider says.
func (p *Payment) claimed(e ledger.Event) {
	switch f := e.Payload.(type) { // the caller passes no others
	case ledger.FraudWarningReceived:
		p.Warnings = append(p.Warnings, FraudWarning{Event: e.ID, Object: f.Object, Actionable: f.Actionable})
	case ledger.ChargebackOpened:
		c := p.claim(f.Chargeback)
		c.Object, c.Inquiry, c.Amount = f.Object, f.Inquiry, f.Amount
	case ledger.ChargebackFundsMoved:
		c := p.claim(f.Chargeback)
		if slices.Contains(c.moves, f.Transaction) {
			p.odd(e, "%s of %s twice", e.Kind, f.Transaction)
			return
		}
		c.moves = append(c.moves, f.Transaction)
		if f.Withdrawn {
			c.Taken += f.Amount.Minor
		} else {
			c.Taken -= f.Amount.Minor
		}
	case ledger.ChargebackClosed:
		c := p.claim(f.Chargeback)
		c.Outcome = f.Outcome
	}
}

// claim returns the claim of that name, a new one if there is none.
func (p *Payment) claim(name string) *Claim {
	p.Claims = slices.Clone(p.Claims) // a copy of p may be read elsewhere
	i := slices.IndexFunc(p.Claims, func(c Claim) bool { return c.Chargeback == name })
	if i < 0 {
		p.Claims = append(p.Claims, Claim{Chargeback: name})
		i = len(p.Claims) - 1
	}
	return &p.Claims[i]
}

// warned notes that a fraud warning was answered.
func (p *Payment) warned(event ledger.ID) {
	if i := slices.IndexFunc(p.Warnings, func(w FraudWarning) bool { return w.Event == event }); i >= 0 {
		p.Warnings = slices.Clone(p.Warnings) // a copy of p may be read elsewhere
		p.Warnings[i].Answered = true
	}
}
