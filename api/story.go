package api

import (
	"context"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// A story is what is known of one visit, folded from its streams just now.
type story struct {
	visit    ledger.VisitID
	events   []ledger.Event // the visit's stream
	cart     *projections.Cart
	disputes projections.Disputes // with the receipts
	payment  billing.Payment
	money    []ledger.Event // the payment's stream
}

// storyFor reads a visit for whoever asks. A visit that is not theirs is not
// there.
func (a *API) storyFor(c echo.Context, visit ledger.VisitID) (*story, error) {
	if visit == "" || ledger.VisitStream(visit).Validate() != nil {
		return nil, errNotFound
	}
	s, err := a.story(c.Request().Context(), visit)
	if err != nil {
		return nil, err
	}
	if len(s.events) == 0 || !concerns(caller(c), s.cart) && !s.pays(caller(c)) {
		return nil, errNotFound
	}
	return s, nil
}

// pays reports whether k is the shopper who was found to pay for the visit.
func (s *story) pays(k keys.Key) bool {
	for _, e := range s.events {
		if p, ok := e.Payload.(ledger.VisitMatched); ok {
			return k.Role == keys.Shopper && k.Shopper != "" && string(p.Shopper) == k.Shopper
		}
	}
	return false
}

// concerns reports whether a visit is k's to see, its role being right.
func concerns(k keys.Key, c *projections.Cart) bool {
	switch k.Role {
	case keys.Shopper:
		return k.Shopper != "" && string(c.Presented.Shopper) == k.Shopper
	case keys.Device:
		return k.Store != "" && string(c.Presented.Store) == k.Store
	case keys.Reviewer, keys.Finance, keys.Auditor, keys.Operator:
		return true
	case keys.Program: // has the EventStoreDB protocol alone
	}
	return false
}

// story folds a visit's two streams as they were at one position, so that no
// refund is seen without the correction that it follows from.
func (a *API) story(ctx context.Context, visit ledger.VisitID) (*story, error) {
	s := &story{visit: visit, cart: &projections.Cart{}}
	if visit == "" {
		return s, nil // what no visit owns
	}
	head, err := a.s.Log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("visit %s: %w", visit, err)
	}
	for e, err := range a.until(ctx, ledger.VisitStream(visit), head) {
		if err == nil {
			err = s.cart.Apply(e)
		}
		if err == nil {
			err = s.disputes.Apply(e)
		}
		if err != nil {
			return nil, fmt.Errorf("visit %s: %w", visit, err)
		}
		s.events = append(s.events, e)
	}
	for e, err := range a.until(ctx, ledger.PaymentStream(visit), head) {
		if err == nil {
			err = s.payment.Apply(e)
		}
		if err != nil {
			return nil, fmt.Errorf("payment of %s: %w", visit, err)
		}
		s.money = append(s.money, e)
	}
	return s, nil
}

// steps returns each event with the cart after it. It copies the cart for
// each, so it is for those who show the whole story.
func (s *story) steps() ([]projections.Step, error) {
	steps := make([]projections.Step, 0, len(s.events))
	all := func(yield func(ledger.Event, error) bool) {
		for _, e := range s.events {
			if !yield(e, nil) {
				return
			}
		}
	}
	for st, err := range projections.Replay(all) {
		if err != nil {
			return nil, fmt.Errorf("visit %s: %w", s.visit, err)
		}
		steps = append(steps, st)
	}
	return steps, nil
}

func (a *API) events(ctx context.Context, stream ledger.StreamID) eventSeq {
	return eventSeq(projections.Decoded(a.s.Log.Read(ctx, ledger.Query{Stream: stream})))
}

// until is events up to a position.
func (a *API) until(ctx context.Context, stream ledger.StreamID, head uint64) eventSeq {
	return func(yield func(ledger.Event, error) bool) {
		for e, err := range a.events(ctx, stream) {
			if err == nil && e.Position > head || !yield(e, err) {
				return
			}
		}
	}
}

// eventSeq is a stream of decoded events.
type eventSeq = func(yield func(ledger.Event, error) bool)

// fresh makes a list see what this caller has just done: it waits until the
// read model has folded what the log holds now, but not for long. A read model
// that lags is shown as it is rather than not at all.
func (a *API) fresh(c echo.Context, wait func(context.Context, uint64) error) error {
	head, err := a.s.Log.Head(c.Request().Context())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), a.s.ReadModelWait)
	defer cancel()
	_ = wait(ctx, head) // late is not wrong
	return c.Request().Context().Err()
}
