package stripe

import (
	"context"
	"fmt"
	"iter"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
)

// Balance returns the movements on our balance since an instant, latest first.
func (g *Gateway) Balance(ctx context.Context, since time.Time) iter.Seq2[ledger.BalanceTransaction, error] {
	p := &stripego.BalanceTransactionListParams{ListParams: listing(ctx), CreatedRange: from(since)}
	p.AddExpand("data.source")
	return func(yield func(ledger.BalanceTransaction, error) bool) {
		list := g.balances.List(p)
		for list.Next() {
			if !yield(transaction(list.BalanceTransaction())) {
				return
			}
		}
		if err := list.Err(); err != nil {
			yield(ledger.BalanceTransaction{}, fmt.Errorf("list balance transactions: %w", lookupError(err)))
		}
	}
}

// transaction is a movement with what it moved for. Amounts are of the
// balance's currency, which is not the charge's where Stripe converts.
func transaction(b *stripego.BalanceTransaction) (ledger.BalanceTransaction, error) {
	out := ledger.BalanceTransaction{
		Transaction: b.ID, Category: string(b.ReportingCategory),
		Created: time.Unix(b.Created, 0).UTC(), Available: time.Unix(b.AvailableOn, 0).UTC(),
	}
	var err error
	if out.Amount, err = fromWire(b.Amount, string(b.Currency)); err == nil {
		if out.Fee, err = fromWire(b.Fee, string(b.Currency)); err == nil {
			out.Net, err = fromWire(b.Net, string(b.Currency))
		}
	}
	if err != nil {
		return out, fmt.Errorf("balance transaction %s: %w", b.ID, err)
	}
	s := b.Source
	if s == nil {
		return out, nil
	}
	out.Source = s.ID
	switch { // what else there is has nothing to do with a visit
	case s.Charge != nil:
		out.Visit = ledger.VisitID(s.Charge.Metadata[metaVisit])
		out.Payment = intentID(s.Charge.PaymentIntent)
	case s.Refund != nil:
		out.Visit = ledger.VisitID(s.Refund.Metadata[metaVisit])
		out.Payment = intentID(s.Refund.PaymentIntent)
	case s.Dispute != nil:
		out.Payment = intentID(s.Dispute.PaymentIntent)
	}
	return out, nil
}

func intentID(pi *stripego.PaymentIntent) string {
	if pi == nil {
		return ""
	}
	return pi.ID
}

// Payouts returns the payouts that were made since an instant, latest first,
// each with the movements that it consists of.
func (g *Gateway) Payouts(ctx context.Context, since time.Time) iter.Seq2[provider.Payout, error] {
	p := &stripego.PayoutListParams{ListParams: listing(ctx), CreatedRange: from(since)}
	return func(yield func(provider.Payout, error) bool) {
		list := g.payouts.List(p)
		for list.Next() {
			if !yield(g.payout(ctx, list.Payout())) {
				return
			}
		}
		if err := list.Err(); err != nil {
			yield(provider.Payout{}, fmt.Errorf("list payouts: %w", lookupError(err)))
		}
	}
}

func (g *Gateway) payout(ctx context.Context, p *stripego.Payout) (provider.Payout, error) {
	out := provider.Payout{
		ID: p.ID, Created: time.Unix(p.Created, 0).UTC(), Reference: p.StatementDescriptor,
		Arrival: ledger.Date(time.Unix(p.ArrivalDate, 0).UTC().Format(time.DateOnly)),
		Failed:  p.Status == stripego.PayoutStatusFailed || p.Status == stripego.PayoutStatusCanceled,
		Code:    string(p.FailureCode),
	}
	if out.Reference == "" {
		out.Reference = p.ID
	}
	if out.Failed && out.Code == "" {
		out.Code = string(p.Status)
	}
	var err error
	if out.Amount, err = fromWire(p.Amount, string(p.Currency)); err != nil {
		return out, fmt.Errorf("payout %s: %w", p.ID, err)
	}
	if err := g.mode(p.Livemode, p.ID); err != nil {
		return out, err
	}
	if !p.Automatic { // Stripe does not say what such a one consists of
		return out, nil
	}
	out.Complete = p.ReconciliationStatus == stripego.PayoutReconciliationStatusCompleted
	members := g.balances.List(&stripego.BalanceTransactionListParams{ListParams: listing(ctx), Payout: stripego.String(p.ID)})
	for members.Next() {
		if b := members.BalanceTransaction(); b.Source == nil || b.Source.ID != p.ID { // the payout itself is one too
			out.Transactions = append(out.Transactions, b.ID)
		}
	}
	if err := members.Err(); err != nil {
		return out, fmt.Errorf("payout %s: %w", p.ID, lookupError(err))
	}
	return out, nil
}
