package stripe

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
)

// metaPack names the pack of evidence that is staged on a chargeback.
const metaPack = "pack"

// Chargeback returns a claim as it is now.
func (g *Gateway) Chargeback(ctx context.Context, id string) (provider.Chargeback, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	d, err := g.disputes.Get(id, &stripego.DisputeParams{Params: stripego.Params{Context: ctx}})
	if err != nil {
		return provider.Chargeback{}, fmt.Errorf("chargeback %s: %w", id, lookupError(err))
	}
	return g.chargeback(d)
}

// Chargebacks returns the claims that began since an instant, latest first.
func (g *Gateway) Chargebacks(ctx context.Context, since time.Time) iter.Seq2[provider.Chargeback, error] {
	p := &stripego.DisputeListParams{ListParams: listing(ctx), CreatedRange: from(since)}
	return func(yield func(provider.Chargeback, error) bool) {
		list := g.disputes.List(p)
		for list.Next() {
			if !yield(g.chargeback(list.Dispute())) {
				return
			}
		}
		if err := list.Err(); err != nil {
			yield(provider.Chargeback{}, fmt.Errorf("list chargebacks: %w", lookupError(err)))
		}
	}
}

// chargeback reads a dispute. What was moved is read from its balance
// transactions and not from its amount: a part may be in dispute, and a fee
// comes with it.
func (g *Gateway) chargeback(d *stripego.Dispute) (provider.Chargeback, error) {
	c := provider.Chargeback{
		ID: d.ID, Created: time.Unix(d.Created, 0).UTC(), Reason: string(d.Reason), NetworkCode: d.NetworkReasonCode,
		Inquiry: strings.HasPrefix(string(d.Status), "warning_"), Pack: d.Metadata[metaPack],
	}
	if err := g.mode(d.Livemode, d.ID); err != nil {
		return c, err
	}
	if d.PaymentIntent != nil {
		c.Payment = d.PaymentIntent.ID
	}
	if e := d.EvidenceDetails; e != nil {
		c.PastDue, c.Submissions = e.PastDue, int(e.SubmissionCount)
		if e.DueBy > 0 {
			c.DueBy = time.Unix(e.DueBy, 0).UTC()
		}
	}
	if d.Evidence != nil && d.Evidence.UncategorizedFile != nil {
		c.File = d.Evidence.UncategorizedFile.ID
	}
	switch d.Status { //nolint:exhaustive // the others are open and wait for the bank
	case stripego.DisputeStatusNeedsResponse, stripego.DisputeStatusWarningNeedsResponse:
		c.NeedsAnswer = true
	case stripego.DisputeStatusWon:
		c.Outcome = ledger.ChargebackWon
	case stripego.DisputeStatusLost:
		c.Outcome = ledger.ChargebackLost
	case stripego.DisputeStatusWarningClosed:
		c.Outcome = ledger.ChargebackInquiry
	}
	var err error
	if c.Amount, err = fromWire(d.Amount, string(d.Currency)); err != nil {
		return c, fmt.Errorf("chargeback %s: %w", d.ID, err)
	}
	for _, b := range d.BalanceTransactions {
		if b.Amount == 0 {
			continue
		}
		m := provider.Move{Transaction: b.ID, Withdrawn: b.Amount < 0}
		if m.Amount, err = fromWire(max(b.Amount, -b.Amount), string(b.Currency)); err == nil {
			m.Fee, err = fromWire(b.Fee, string(b.Currency))
		}
		if err != nil {
			return c, fmt.Errorf("chargeback %s: %w", d.ID, err)
		}
		c.Moves = append(c.Moves, m)
	}
	return c, nil
}

// Warning returns an early fraud warning as it is now.
func (g *Gateway) Warning(ctx context.Context, id string) (provider.Warning, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	w, err := g.warnings.Get(id, &stripego.RadarEarlyFraudWarningParams{Params: stripego.Params{Context: ctx}})
	if err != nil {
		return provider.Warning{}, fmt.Errorf("fraud warning %s: %w", id, lookupError(err))
	}
	return g.warning(w)
}

// Warnings returns the fraud warnings since an instant, latest first.
func (g *Gateway) Warnings(ctx context.Context, since time.Time) iter.Seq2[provider.Warning, error] {
	p := &stripego.RadarEarlyFraudWarningListParams{ListParams: listing(ctx), CreatedRange: from(since)}
	return func(yield func(provider.Warning, error) bool) {
		list := g.warnings.List(p)
		for list.Next() {
			if !yield(g.warning(list.RadarEarlyFraudWarning())) {
				return
			}
		}
		if err := list.Err(); err != nil {
			yield(provider.Warning{}, fmt.Errorf("list fraud warnings: %w", lookupError(err)))
		}
	}
}

func (g *Gateway) warning(w *stripego.RadarEarlyFraudWarning) (provider.Warning, error) {
	out := provider.Warning{
		ID: w.ID, Type: string(w.FraudType), Actionable: w.Actionable, Created: time.Unix(w.Created, 0).UTC(),
	}
	if w.PaymentIntent != nil {
		out.Payment = w.PaymentIntent.ID
	}
	return out, g.mode(w.Livemode, w.ID)
}
