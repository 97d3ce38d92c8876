package engine

import (
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A PayCommand is a shopper who pays what a visit owes, with the card on file
// or another of theirs.
type PayCommand struct {
	ledger.Meta
	Visit         ledger.VisitID
	Shopper       ledger.ShopperID
	Customer      string // at the payment provider
	PaymentMethod string // at the payment provider; empty is the visit's own
	OnSession     bool   // the shopper is there, and can be asked by the bank
}

// An AnswerCommand is the answer to a proposed supplement.
type AnswerCommand struct {
	ledger.Meta
	Proposal ledger.ID
	Shopper  ledger.ShopperID // whose it must be; empty for an operator, who may waive
	Answer   ledger.SupplementAnswer
}

// A GoodwillCommand gives money back although the receipt is right.
type GoodwillCommand struct {
	ledger.Meta
	Receipt string
	Amount  money.Money // zero is all that was paid
	By      string
	Reason  string
}

// A CashCommand is money taken at a till for a visit.
type CashCommand struct {
	ledger.Meta
	Receipt string
	Amount  money.Money // zero is all that is owed
	Till    ledger.DeviceID
	By      string
}

// A WriteOffCommand gives up what a visit owes.
type WriteOffCommand struct {
	ledger.Meta
	Visit  ledger.VisitID
	By     string
	Reason string
}

// A MatchCommand says who pays for a visit that began without a known payer.
type MatchCommand struct {
	ledger.Meta
	Visit         ledger.VisitID
	Shopper       ledger.ShopperID
	Customer      string
	PaymentMethod string
	By            string
	Reason        string
}

// A ResolveCommand is what a person found out about an order.
type ResolveCommand struct {
	ledger.Meta
	Visit  ledger.VisitID
	Intent ledger.ID
	Done   bool        // it was carried out, or paid another way; else it never was
	Object string      // at the provider, or of the bank that paid
	Amount money.Money // zero is what the order was for
	By     string
	Reason string
}
