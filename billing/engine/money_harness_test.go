package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

const day = 24 * time.Hour

// with returns the house's policy, changed.
func with(change func(*ledger.Policy)) ledger.Policy {
	p := house
	change(&p)
	return p
}

// small is a shop that holds 2.00.
func small(p *ledger.Policy) { p.Hold = eur(200) }

// buys lets a visit take n colas and leave.
func (w *world) buys(visit string, n int) {
	w.t.Helper()
	w.enter(visit)
	w.sees("cola of "+visit, sight{sku: cola, n: n, persons: who(visit, 990)})
	w.exit(visit)
	w.pass(time.Minute)
}

// refuses makes the bank decline the orders for which when is true.
func (w *world) refuses(code string, when func(billing.Order) bool) {
	w.bank.Script = func(o billing.Order, _ int) simulate.Fault {
		if when(o) {
			return simulate.DeclinedAs(code)
		}
		return simulate.NoFault
	}
}

func charges(o billing.Order) bool { return o.Op == billing.OpCharge }

// answer gives a shopper's answer to the first supplement of a visit.
func (w *world) answer(visit string, a ledger.SupplementAnswer) {
	w.t.Helper()
	s := w.supplement(visit)
	do(w, "answer of "+visit, func(ctx context.Context) (engine.Recorded, error) {
		return w.desk.AnswerSupplement(ctx, engine.AnswerCommand{
			Meta:     ledger.Meta{ID: w.id("answer " + visit), Occurred: w.now, Actor: "shopper:shopper-" + visit},
			Proposal: s, Shopper: ledger.ShopperID("shopper-" + visit), Answer: a,
		})
	})
}

// supplement returns the last supplement that was proposed to a visit.
func (w *world) supplement(visit string) ledger.ID {
	w.t.Helper()
	var last ledger.ID
	for e := range w.events(ledger.VisitStream(ledger.VisitID(visit))) {
		if e.Kind == ledger.KindSupplementProposed {
			last = e.ID
		}
	}
	if last.IsZero() {
		w.t.Fatalf("nothing was proposed to %s", visit)
	}
	return last
}

// events yields a stream's events.
func (w *world) events(s ledger.StreamID) func(yield func(ledger.Event) bool) {
	return func(yield func(ledger.Event) bool) {
		for e, err := range projections.Decoded(w.log.Read(w.t.Context(), ledger.Query{Stream: s})) {
			if err != nil {
				w.t.Fatal(err)
			}
			if !yield(e) {
				return
			}
		}
	}
}

// charged returns the charges that were ordered for a visit.
func (w *world) charged(visit string) []ledger.ChargeIntended {
	var all []ledger.ChargeIntended
	for e := range w.events(ledger.PaymentStream(ledger.VisitID(visit))) {
		if p, ok := e.Payload.(ledger.ChargeIntended); ok {
			all = append(all, p)
		}
	}
	return all
}

// pays lets a shopper pay what a visit owes.
func (w *world) pays(visit, method string) {
	w.t.Helper()
	do(w, "payment of "+visit, func(ctx context.Context) (engine.Recorded, error) {
		c := engine.PayCommand{
			Meta:  ledger.Meta{ID: w.id("pay " + visit + method), Occurred: w.now, Actor: "shopper"},
			Visit: ledger.VisitID(visit), Shopper: ledger.ShopperID("shopper-" + visit), OnSession: true,
		}
		if method != "" {
			c.Customer, c.PaymentMethod = "cus_shopper-"+visit, method
		}
		return w.desk.PayDebt(ctx, c)
	})
}

// wantRefused checks that a command is refused with want, and writes nothing.
func wantRefused[T any](w *world, what string, want error, f func() (T, error)) {
	w.t.Helper()
	before, err := w.log.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := f(); !errors.Is(err, want) {
		w.t.Errorf("%s = %v, want %v", what, err, want)
	}
	if after, err := w.log.Head(w.t.Context()); err != nil || after != before {
		w.t.Errorf("%s was refused and wrote %d events, %v", what, after-before, err)
	}
}

// asked returns the questions about money that wait for a person.
func (w *world) asked() []engine.AskedView {
	var all []engine.AskedView
	w.live.View(func(e *engine.Engine) { all = e.Asked() })
	return all
}

// resolve answers the question about a visit's money.
func (w *world) resolve(visit string, done bool) {
	w.t.Helper()
	for _, a := range w.asked() {
		if a.Visit != ledger.VisitID(visit) {
			continue
		}
		do(w, "answer about "+visit, func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.Resolve(ctx, engine.ResolveCommand{
				Meta:  ledger.Meta{ID: w.id("resolve " + visit + a.Event.String()), Occurred: w.now, Actor: "operator:finn"},
				Visit: a.Visit, Intent: a.Intent, Done: done, Object: "found_" + visit, By: "operator:finn",
				Reason: "looked it up",
			})
		})
		return
	}
	w.t.Fatalf("nobody was asked about %s", visit)
}

// meta is a command's, with an id by name.
func (w *world) meta(name string) ledger.Meta {
	return ledger.Meta{ID: w.id(name), Occurred: w.now, Actor: "operator:finn"}
}

// correct takes one piece off the first line of a visit's receipt.
func (w *world) correct(visit string) {
	w.t.Helper()
	w.dispute("correct "+visit, visit, 1, 1)
	w.uphold("correct "+visit, "")
	w.pass(time.Minute)
}

func newShop(t *testing.T, change func(*ledger.Policy)) *world {
	t.Helper()
	return newWorld(t).open(with(change))
}
