package ledger

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger/money"
)

// FraudWarningReceived records that the card network thinks a charge is fraud,
// before anybody has claimed money back.
type FraudWarningReceived struct {
	Warning    string `json:"warning"` // at the provider
	Object     string `json:"object"`  // the charged payment at the provider
	Type       string `json:"type"`
	Actionable bool   `json:"actionable"`
}

// ChargebackOpened records that the card network claims money back, or with
// Inquiry only asks. The chargeback is named as the provider names it. The
// last one of a chargeback counts: an inquiry may become a claim, and a
// deadline or an amount may change.
type ChargebackOpened struct {
	Chargeback  string      `json:"chargeback"`
	Object      string      `json:"object"` // the charged payment at the provider
	Amount      money.Money `json:"amount"` // in dispute; may be a part
	Reason      string      `json:"reason"`
	NetworkCode string      `json:"network_code"`
	Inquiry     bool        `json:"inquiry"`
	DueBy       time.Time   `json:"due_by"` // for evidence
}

// ChargebackFundsMoved records that the provider took the disputed amount from
// our balance, or gave it back. A fee is positive when we pay it.
type ChargebackFundsMoved struct {
	Chargeback  string      `json:"chargeback"`
	Transaction string      `json:"transaction"` // balance transaction at the provider
	Withdrawn   bool        `json:"withdrawn"`   // else reinstated
	Amount      money.Money `json:"amount"`      // above zero
	Fee         money.Money `json:"fee"`         // may be zero; below zero when given back
}

// EvidencePackBuilt records which file answers a chargeback, and from which
// events it was made.
type EvidencePackBuilt struct {
	Chargeback string `json:"chargeback"`
	Digest     Digest `json:"digest"`
	Pages      int    `json:"pages"`
	Position   uint64 `json:"position"` // of the last event that it shows
}

// A ChargebackReply is what a person decided to do about a chargeback.
type ChargebackReply string

// What can be done about a chargeback.
const (
	ReplyContest ChargebackReply = "contest" // the evidence is submitted
	ReplyAccept  ChargebackReply = "accept"  // the claim is right, or not worth it
)

// ChargebackAnswered records what shall be done about a chargeback. Without
// one it is contested before its deadline.
type ChargebackAnswered struct {
	Chargeback string          `json:"chargeback"`
	Reply      ChargebackReply `json:"reply"`
	By         string          `json:"by"`
	Reason     string          `json:"reason"` // goes to the bank with the evidence
}

// SubmissionIntended records that evidence shall be submitted. A provider
// takes it once.
type SubmissionIntended struct {
	Visit      VisitID `json:"visit"`
	Chargeback string  `json:"chargeback"`
	Digest     Digest  `json:"digest"` // of the pack; empty for text alone
	Key        string  `json:"key"`
}

// EvidenceSubmitted records that the provider has the evidence.
type EvidenceSubmitted struct {
	Intent     ID     `json:"intent"`
	Chargeback string `json:"chargeback"`
	File       string `json:"file"` // at the provider; empty for text alone
}

// A ChargebackOutcome is how a chargeback ended.
type ChargebackOutcome string

// How a chargeback ends.
const (
	ChargebackWon      ChargebackOutcome = "won"
	ChargebackLost     ChargebackOutcome = "lost"
	ChargebackAccepted ChargebackOutcome = "accepted"       // we did not contest it
	ChargebackInquiry  ChargebackOutcome = "inquiry_closed" // the inquiry became no chargeback
)

// ChargebackClosed records how a chargeback ended.
type ChargebackClosed struct {
	Chargeback string            `json:"chargeback"`
	Outcome    ChargebackOutcome `json:"outcome"`
	Amount     money.Money       `json:"amount"` // that the outcome is about
}

// EvidenceViewed records that a person looked at a piece of evidence. It is in
// the evidence's own stream, once for each person and day.
type EvidenceViewed struct {
	Digest Digest `json:"digest"`
	By     string `json:"by"` // "reviewer:anna"
}

// Kind returns the stored name.
func (EvidenceViewed) Kind() Kind { return KindEvidenceViewed }

// Kind returns the stored name.
func (FraudWarningReceived) Kind() Kind { return KindFraudWarningReceived }

// Kind returns the stored name.
func (ChargebackOpened) Kind() Kind { return KindChargebackOpened }

// Kind returns the stored name.
func (ChargebackFundsMoved) Kind() Kind { return KindChargebackFundsMoved }

// Kind returns the stored name.
func (EvidencePackBuilt) Kind() Kind { return KindEvidencePackBuilt }

// Kind returns the stored name.
func (ChargebackAnswered) Kind() Kind { return KindChargebackAnswered }

// Kind returns the stored name.
func (SubmissionIntended) Kind() Kind { return KindSubmissionIntended }

// Kind returns the stored name.
func (EvidenceSubmitted) Kind() Kind { return KindEvidenceSubmitted }

// Kind returns the stored name.
func (ChargebackClosed) Kind() Kind { return KindChargebackClosed }

// Validate implements Payload.
func (p FraudWarningReceived) Validate() error {
	return need("warning", p.Warning, "object", p.Object, "type", p.Type)
}

// Validate implements Payload.
func (p ChargebackOpened) Validate() error {
	if err := positive("chargeback", p.Amount); err != nil {
		return err
	}
	return need("chargeback", p.Chargeback, "object", p.Object, "reason", p.Reason)
}

// Validate implements Payload.
func (p ChargebackFundsMoved) Validate() error {
	if err := positive("disputed amount", p.Amount); err != nil {
		return err
	}
	if p.Fee.Currency != p.Amount.Currency {
		return fmt.Errorf("%w: a fee in %s of an amount in %s", ErrInvalid, p.Fee.Currency, p.Amount.Currency)
	}
	if err := p.Fee.Validate(); err != nil {
		return err
	}
	return need("chargeback", p.Chargeback, "transaction", p.Transaction)
}

// Validate implements Payload.
func (p EvidencePackBuilt) Validate() error {
	if p.Pages < 1 {
		return fmt.Errorf("%w: an evidence pack of %d pages", ErrInvalid, p.Pages)
	}
	if err := p.Digest.Validate(); err != nil {
		return err
	}
	return need("chargeback", p.Chargeback)
}

// Validate implements Payload.
func (p ChargebackAnswered) Validate() error {
	if p.Reply != ReplyContest && p.Reply != ReplyAccept {
		return fmt.Errorf("%w: reply %q: use contest or accept", ErrInvalid, p.Reply)
	}
	if err := short("reason", p.Reason); err != nil {
		return err
	}
	return need("chargeback", p.Chargeback, "by", p.By, "reason", p.Reason)
}

// Validate implements Payload.
func (p SubmissionIntended) Validate() error {
	if p.Digest != "" {
		if err := p.Digest.Validate(); err != nil {
			return err
		}
	}
	if len(p.Key) > MaxKeyBytes {
		return fmt.Errorf("%w: idempotency key of %d bytes, at most %d", ErrInvalid, len(p.Key), MaxKeyBytes)
	}
	return need("visit", string(p.Visit), "chargeback", p.Chargeback, "key", p.Key)
}

// Validate implements Payload.
func (p EvidenceSubmitted) Validate() error {
	if p.Intent.IsZero() {
		return fmt.Errorf("%w: intent is missing", ErrInvalid)
	}
	return need("chargeback", p.Chargeback)
}

// Validate implements Payload.
func (p ChargebackClosed) Validate() error {
	switch p.Outcome {
	case ChargebackWon, ChargebackLost, ChargebackAccepted, ChargebackInquiry:
	default:
		return fmt.Errorf("%w: outcome %q of a chargeback", ErrInvalid, p.Outcome)
	}
	if err := positive("chargeback", p.Amount); err != nil {
		return err
	}
	return need("chargeback", p.Chargeback)
}

// Validate implements Payload.
func (p EvidenceViewed) Validate() error {
	if err := p.Digest.Validate(); err != nil {
		return err
	}
	return need("by", p.By)
}

func (EvidenceViewed) payload()       {}
func (FraudWarningReceived) payload() {}
func (ChargebackOpened) payload()     {}
func (ChargebackFundsMoved) payload() {}
func (EvidencePackBuilt) payload()    {}
func (ChargebackAnswered) payload()   {}
func (SubmissionIntended) payload()   {}
func (EvidenceSubmitted) payload()    {}
func (ChargebackClosed) payload()     {}
