package stripe

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing/provider"
)

// listing asks for whole pages. The context has no deadline of ours: a list
// takes as many calls as it has pages, and the client bounds each.
func listing(ctx context.Context) stripego.ListParams {
	return stripego.ListParams{Context: ctx, Limit: stripego.Int64(pageSize)}
}

func from(since time.Time) *stripego.RangeQueryParams {
	return &stripego.RangeQueryParams{GreaterThanOrEqual: since.Unix()}
}

// Account says whose key this is, and asks Stripe whether its money is real.
// A key that is used for the other sort than its form says is ErrLivemode.
func (g *Gateway) Account(ctx context.Context) (provider.Account, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	// The SDK's own call of an account takes no context.
	account, balance := &stripego.Account{}, &stripego.Balance{}
	err := g.backends.API.Call(http.MethodGet, "/v1/account", g.key,
		&stripego.AccountParams{Params: stripego.Params{Context: ctx}}, account)
	if err == nil {
		err = g.backends.API.Call(http.MethodGet, "/v1/balance", g.key,
			&stripego.BalanceParams{Params: stripego.Params{Context: ctx}}, balance)
	}
	if err != nil {
		return provider.Account{}, fmt.Errorf("account: %w", lookupError(err))
	}
	if err := g.mode(balance.Livemode, account.ID); err != nil {
		return provider.Account{}, fmt.Errorf("account: %w", err)
	}
	return provider.Account{ID: account.ID, Live: balance.Livemode}, nil
}

// Changes returns Stripe's event list since an instant, latest first. It is
// what webhooks are made of, so what they lost is found in it.
func (g *Gateway) Changes(ctx context.Context, since time.Time) iter.Seq2[provider.Change, error] {
	p := &stripego.EventListParams{ListParams: listing(ctx), CreatedRange: from(since)}
	return func(yield func(provider.Change, error) bool) {
		list := g.events.List(p)
		for list.Next() {
			e := list.Event()
			c := provider.Change{Event: e.ID, Type: string(e.Type), Created: time.Unix(e.Created, 0).UTC()}
			if e.Data != nil {
				c.Object, c.Payment = subject(e.Data.Raw)
			}
			if !yield(c, g.mode(e.Livemode, e.ID)) {
				return
			}
		}
		if err := list.Err(); err != nil {
			yield(provider.Change{}, fmt.Errorf("list changes: %w", lookupError(err)))
		}
	}
}

// Payments returns the payments that began, or were refunded, since an
// instant, each once or twice.
func (g *Gateway) Payments(ctx context.Context, since time.Time) iter.Seq2[provider.Payment, error] {
	return func(yield func(provider.Payment, error) bool) {
		intents := &stripego.PaymentIntentListParams{ListParams: listing(ctx), CreatedRange: from(since)}
		list := g.intents.List(intents)
		for list.Next() {
			if !yield(g.Fetch(ctx, list.PaymentIntent().ID)) {
				return
			}
		}
		err := list.Err()
		if err == nil {
			refunds := g.refunds.List(&stripego.RefundListParams{ListParams: listing(ctx), CreatedRange: from(since)})
			for refunds.Next() {
				pi := refunds.Refund().PaymentIntent
				if pi != nil && !yield(g.Fetch(ctx, pi.ID)) {
					return
				}
			}
			err = refunds.Err()
		}
		if err != nil {
			yield(provider.Payment{}, fmt.Errorf("list payments: %w", lookupError(err)))
		}
	}
}
