package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/ledger"
)

var (
	// ErrUnknownClaim means that no claim of the visit has this name.
	ErrUnknownClaim = errors.New("unknown chargeback")

	// ErrAnswered means that the claim was answered, submitted or decided
	// before. Look at it; an answer is not changed.
	ErrAnswered = errors.New("chargeback is answered")

	// ErrTooLate means that the claim's deadline is over.
	ErrTooLate = errors.New("deadline of the chargeback is over")

	// ErrInquiry means that a bank which only asks cannot be told that it is
	// right. Give the money back: that ends it.
	ErrInquiry = errors.New("an inquiry cannot be accepted")
)

// Answer writes down what shall be done about a claim. The same answer again,
// by its id, is the first one's result.
func Answer(ctx context.Context, log ledger.Log, m ledger.Meta, visit ledger.VisitID, p ledger.ChargebackAnswered) (ledger.Record, error) {
	d, err := ledger.NewDraft(m, p)
	if err != nil {
		return ledger.Record{}, err
	}
	for {
		k, err := readKnown(ctx, log, visit)
		if err != nil {
			return ledger.Record{}, err
		}
		c := cmp.Or(k.cases[p.Chargeback], &chargeback.Case{})
		if old, err := log.Find(ctx, d.ID); err == nil && old.Stream == ledger.PaymentStream(visit) {
			return old, nil
		}
		switch {
		case c.Chargeback == "":
			err = ErrUnknownClaim
		case !c.Open(), c.Answer != nil, c.Intended != nil:
			err = ErrAnswered
		case !c.DueBy.IsZero() && !m.Occurred.Before(c.DueBy):
			err = ErrTooLate
		case c.Inquiry && p.Reply == ledger.ReplyAccept:
			err = ErrInquiry
		}
		if err != nil {
			return ledger.Record{}, fmt.Errorf("%s of chargeback %s: %w", p.Reply, p.Chargeback, err)
		}
		rs, err := log.Append(ctx, ledger.PaymentStream(visit), ledger.After(k.events), d)
		if errors.Is(err, ledger.ErrConflict) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return ledger.Record{}, err
		}
		return rs[0], nil
	}
}
