package chargeback

import (
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Case is the fold of one claim's events.
type Case struct {
	Chargeback  string
	Visit       ledger.VisitID
	Position    uint64 // of the event that began it
	Object      string // payment at the provider
	Opened      time.Time
	Inquiry     bool
	Amount      money.Money
	Reason      string
	NetworkCode string
	DueBy       time.Time

	Moves []provider.Move // balance transactions, in the order they were told

	Pack     *ledger.EvidencePackBuilt // the last one; nil before the first
	Answer   *ledger.ChargebackAnswered
	Answered time.Time
	Intended *Intention // to submit; nil before
	Sent     bool       // the evidence is submitted
	File     string     // that was submitted; empty for text alone

	Outcome ledger.ChargebackOutcome // empty while it is open
	Closed  time.Time

	Round int // 1, and one more for an inquiry that became a claim
}

// An Intention is a submission that was written down.
type Intention struct {
	ID     ledger.ID
	Digest ledger.Digest // of the pack; empty for text alone
	Key    string
	At     time.Time
}

// Of returns the claim that a payload is about, or "" for none.
func Of(p ledger.Payload) string {
	switch p := p.(type) { // all others are about none
	case ledger.ChargebackOpened:
		return p.Chargeback
	case ledger.ChargebackFundsMoved:
		return p.Chargeback
	case ledger.EvidencePackBuilt:
		return p.Chargeback
	case ledger.ChargebackAnswered:
		return p.Chargeback
	case ledger.SubmissionIntended:
		return p.Chargeback
	case ledger.EvidenceSubmitted:
		return p.Chargeback
	case ledger.ChargebackClosed:
		return p.Chargeback
	}
	return ""
}

// Apply moves c past an event about it. Events are facts: none is refused.
func (c *Case) Apply(e ledger.Event) {
	if c.Chargeback == "" {
		c.Chargeback = Of(e.Payload)
		_, visit := e.Stream.Split()
		c.Visit = ledger.VisitID(visit)
		c.Opened, c.Round, c.Position = e.Occurred, 1, e.Position
	}
	switch p := e.Payload.(type) { // all others are about no claim
	case ledger.ChargebackOpened:
		if c.Inquiry && !p.Inquiry { // the bank was not satisfied, and can be answered anew
			c.Round++
			c.Pack, c.Answer, c.Intended, c.Sent, c.File = nil, nil, nil, false, ""
		}
		c.Object, c.Inquiry, c.Amount, c.DueBy = p.Object, p.Inquiry, p.Amount, p.DueBy
		c.Reason, c.NetworkCode = p.Reason, p.NetworkCode
	case ledger.ChargebackFundsMoved:
		if !c.Moved(p.Transaction) {
			c.Moves = append(slices.Clip(c.Moves), provider.Move{
				Transaction: p.Transaction, Withdrawn: p.Withdrawn, Amount: p.Amount, Fee: p.Fee,
			})
		}
	case ledger.EvidencePackBuilt:
		c.Pack = &p
	case ledger.ChargebackAnswered:
		if c.Answer == nil {
			c.Answer, c.Answered = &p, e.Occurred
		}
	case ledger.SubmissionIntended:
		c.Intended = &Intention{ID: e.ID, Digest: p.Digest, Key: p.Key, At: e.Occurred}
	case ledger.EvidenceSubmitted:
		c.Sent, c.File = true, p.File
	case ledger.ChargebackClosed:
		c.Outcome, c.Closed = p.Outcome, e.Occurred
	}
}

// Moved reports whether a balance transaction was told already.
func (c *Case) Moved(transaction string) bool {
	return slices.ContainsFunc(c.Moves, func(m provider.Move) bool { return m.Transaction == transaction })
}

// Open reports whether the claim is not decided.
func (c *Case) Open() bool { return c.Outcome == "" }

// SubmitKey returns the idempotency key of the claim's submission.
func (c *Case) SubmitKey() string {
	return fmt.Sprintf("v1/dispute/%s/submit/%d", c.Chargeback, c.Round)
}

// AcceptKey returns the idempotency key of giving the claim up.
func (c *Case) AcceptKey() string {
	return fmt.Sprintf("v1/dispute/%s/accept/%d", c.Chargeback, c.Round)
}

// FileKey returns the idempotency key of uploading a pack.
func (c *Case) FileKey(pack ledger.Digest) string {
	return fmt.Sprintf("v1/dispute/%s/file/%.24s", c.Chargeback, string(pack))
}

// Observe returns what the ledger lacks of the claim as the provider has it
// now, in the order in which it happened. A closed case lacks nothing but
// money that moves afterwards.
func (c *Case) Observe(now provider.Chargeback) []ledger.Payload {
	var ps []ledger.Payload
	opened := ledger.ChargebackOpened{
		Chargeback: now.ID, Object: now.Payment, Amount: now.Amount, Reason: now.Reason, NetworkCode: now.NetworkCode,
		Inquiry: now.Inquiry, DueBy: now.DueBy,
	}
	if now.Outcome == "" || c.Chargeback == "" {
		known := ledger.ChargebackOpened{
			Chargeback: c.Chargeback, Object: c.Object, Amount: c.Amount, Reason: c.Reason, NetworkCode: c.NetworkCode,
			Inquiry: c.Inquiry, DueBy: c.DueBy,
		}
		if opened != known && c.Open() {
			ps = append(ps, opened)
		}
	}
	for _, m := range now.Moves {
		if !c.Moved(m.Transaction) {
			ps = append(ps, ledger.ChargebackFundsMoved{
				Chargeback: now.ID, Transaction: m.Transaction, Withdrawn: m.Withdrawn, Amount: m.Amount, Fee: m.Fee,
			})
		}
	}
	if in := c.Intended; in != nil && !c.Sent && now.Submissions > 0 {
		file := ""
		if in.Digest != "" {
			file = now.File
		}
		ps = append(ps, ledger.EvidenceSubmitted{Intent: in.ID, Chargeback: now.ID, File: file})
	}
	if now.Outcome != "" && c.Open() {
		outcome := now.Outcome
		if outcome == ledger.ChargebackLost && c.Answer != nil && c.Answer.Reply == ledger.ReplyAccept {
			outcome = ledger.ChargebackAccepted
		}
		ps = append(ps, ledger.ChargebackClosed{Chargeback: now.ID, Outcome: outcome, Amount: now.Amount})
	}
	return ps
}
