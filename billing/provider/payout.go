package provider

import (
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Payout is money on its way to the bank as the provider has it now.
type Payout struct {
	ID           string // "po_…"
	Created      time.Time
	Amount       money.Money // below zero when we pay the provider
	Arrival      ledger.Date
	Reference    string   // as the bank's statement says it
	Failed       bool     // it came back
	Code         string   // why
	Transactions []string // balance transactions in it; none for a payout that somebody made by hand
	Complete     bool     // the provider has named all of them
}
