package stripesim

import "github.com/vouchledger/vouch/billing/stripesim/testcard"

// Magic payment methods of the simulator's own; package testcard says what
// they do and has those of Stripe's.
const (
	DeclineAtCapture   = testcard.DeclineAtCapture
	DeclineAtIncrement = testcard.DeclineAtIncrement
	DeclineOnUse       = testcard.DeclineOnUse
	DeclineWith        = testcard.DeclineWith
	Present            = testcard.Present
	PendingRefundFails = testcard.PendingRefundFails
)
