package engine

import (
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
)

// An Action is one thing that must happen: an [Append] or a [Send]. Whoever
// carries it out tells the engine how it went: see [Engine.Appended],
// [Engine.Conflicted] and [Engine.Answered].
type Action interface{ action() }

// An Append is a decision to write down. It is all or none, and only if the
// stream is as it was when it was decided.
type Append struct {
	Subject  ledger.StreamID // visit or shop that decided; one append at a time
	Stream   ledger.StreamID
	Expected ledger.Expected
	Drafts   []ledger.Draft
}

// A Send is an order whose intention stands in the log.
type Send struct {
	Order billing.Order
	Find  bool // ask what became of it; do not send it
	// Before is when the hold that it is about lapses, zero if none does. What
	// lapses first goes first where many wait.
	Before time.Time
}

func (Append) action() {}
func (Send) action()   {}
