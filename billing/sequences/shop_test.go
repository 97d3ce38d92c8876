package sequences_test

import (
	"context"
	"time"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

const (
	corner = ledger.StoreID("corner")
	main   = ledger.CatalogueID("main")
	cola   = ledger.SKU("cola") // 5.00, no tax
	gum    = ledger.SKU("gum")  // 0.33 and 10.25 % of tax on it
)

func usd(minor int64) money.Money { return money.Money{Minor: minor, Currency: "USD"} }

// house is a shop that holds 50.00, asks people for an hour, and waits five
// seconds for late sensors.
var house = ledger.Policy{
	Hold: usd(5000), ItemMin: 800, ActionMin: 800, PersonMin: 800, ReviewSeconds: 3600, OnDeadline: ledger.ForShopper,
	GraceMillis: 5000, GateSeconds: 10, DisputeDays: 14,
}

// id returns the id that a name has in the whole test, restarts or not.
func (w *world) id(name string) ledger.ID { return ledger.DeriveID(ledger.ID{}, "sequences", name) }

func (w *world) meta(name string) ledger.Meta {
	return ledger.Meta{ID: w.id(name), Occurred: w.now(), Actor: "operator:finn"}
}

// do gives a command, again after a kill, and lets everything settle.
func (w *world) do(what string, f func(context.Context) error) {
	w.t.Helper()
	w.survive(func() {
		if err := f(w.ctx); err != nil {
			w.t.Fatalf("%s: %v", what, err)
		}
	})
	w.settle()
}

// seed opens the shop with its prices.
func (w *world) seed() {
	w.t.Helper()
	from := opening.Add(-time.Hour)
	for _, f := range []func(context.Context) (engine.Recorded, error){
		func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.OpenStore(ctx, w.meta("store"), ledger.StoreOpened{Store: corner, Catalogue: main, Seller: ledger.Seller{
				Name: "Corner Inc", Address: "1 Pike St", TaxID: "US1", Currency: w.policy.Hold.Currency, Timezone: "America/Los_Angeles",
			}})
		},
		func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.SetPolicy(ctx, w.meta("policy"), ledger.PolicySet{Store: corner, Policy: w.policy})
		},
	} {
		w.do("seed", func(ctx context.Context) error { _, err := f(ctx); return err })
	}
	for _, p := range []struct {
		sku       ledger.SKU
		minor     int64
		tax, rate string
	}{{cola, 500, "none", "0"}, {gum, 33, "sweets", "0.1025"}} {
		w.do("price", func(ctx context.Context) error {
			_, err := w.desk.ListProduct(ctx, w.meta("list "+string(p.sku)), main, ledger.ProductListed{
				SKU: p.sku, Name: string(p.sku), Category: "snacks", TaxCategory: p.tax,
			})
			if err == nil {
				_, err = w.desk.SetPrice(ctx, w.meta("price "+string(p.sku)), main, ledger.PriceSet{
					SKU: p.sku, Price: money.Money{Minor: p.minor, Currency: w.policy.Hold.Currency}, From: from,
				})
			}
			if err == nil {
				_, err = w.desk.SetTax(ctx, w.meta("tax "+p.tax), main, ledger.TaxSet{
					Category: p.tax, Jurisdiction: "US-WA", Rate: p.rate, Rounding: money.HalfUp, From: from,
				})
			}
			return err
		})
	}
}

// settle does everything that is due now.
func (w *world) settle() {
	w.t.Helper()
	w.survive(func() {
		if _, err := w.live.Drain(w.ctx, mortalGateway{w}, w.now()); err != nil {
			w.tell()
			w.t.Fatalf("at %s: %v", w.now(), err)
		}
	})
}

// pass lets time go by, stopping wherever something is due.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	until := w.time.Now().Add(d)
	for {
		w.settle()
		wake := w.live.Wake()
		if !wake.IsZero() {
			wake = wake.Add(-w.skew)
		}
		if wake.IsZero() || wake.After(until) {
			break
		}
		w.moveTo(wake)
	}
	w.moveTo(until)
	w.settle()
}

// card enrols a shopper with one of the provider's test cards.
func (w *world) card(shopper, method string) stripe.Card {
	w.t.Helper()
	if c, ok := w.cards[shopper+method]; ok {
		return c
	}
	c, code, err := w.gateway.Enrol(w.ctx, stripe.Enrolment{Key: "enrol/" + shopper + method, Shopper: shopper, PaymentMethod: method})
	if err != nil || code != "" {
		w.t.Fatalf("enrol %s with %s: %q, %v", shopper, method, code, err)
	}
	w.cards[shopper+method] = c
	return c
}

// presents shows the credential of a shopper, named like the visit, who pays
// with a card.
func (w *world) presents(visit, method string) engine.GateAnswer {
	w.t.Helper()
	c := w.card("shopper-"+visit, method)
	return w.present(engine.PresentCommand{
		Credential: ledger.CredentialQR, Ticket: visit, Shopper: ledger.ShopperID("shopper-" + visit),
		Customer: c.Customer, PaymentMethod: c.PaymentMethod,
	})
}

func (w *world) present(c engine.PresentCommand) engine.GateAnswer {
	w.t.Helper()
	c.ID, c.Occurred, c.Actor, c.Store, c.Gate = w.id("present "+c.Ticket), w.now(), "device:gate", corner, "gate"
	if c.Place == "" {
		c.Place = ledger.PlaceGate
	}
	var a engine.GateAnswer
	w.do("present "+c.Ticket, func(ctx context.Context) (err error) {
		a, err = w.desk.Present(ctx, c)
		return err
	})
	if a.Visit != "" {
		w.must(w.live.CatchUp(w.ctx))
		a, _ = w.desk.Entry(a.Visit)
	}
	return a
}

// enters lets a shopper in who pays with a good card.
func (w *world) enters(visit string) { w.t.Helper(); w.entersWith(visit, "pm_card_visa") }

func (w *world) entersWith(visit, method string) {
	w.t.Helper()
	if a := w.presents(visit, method); a.Decision != engine.GateEntered {
		w.t.Fatalf("the gate said %+v to %s, want entered", a, visit)
	}
}

// A sight is what a camera sees; what is left out is sure.
type sight struct {
	sku      ledger.SKU
	n        int
	item     ledger.PerMille
	action   ledger.Action
	occurred time.Time
	persons  []ledger.PersonHypothesis // who it may have been; the visit alone if empty
}

// sees records a detection under a name.
func (w *world) sees(name, visit string, s sight) {
	w.t.Helper()
	if s.sku == "" {
		s.sku = cola
	}
	if s.item == 0 {
		s.item = 970
	}
	if s.action == "" {
		s.action = ledger.ActionTake
	}
	if s.occurred.IsZero() {
		s.occurred = w.now()
	}
	if s.persons == nil {
		s.persons = []ledger.PersonHypothesis{{Visit: ledger.VisitID(visit), Confidence: 990}}
	}
	w.do("detection "+name, func(ctx context.Context) error {
		_, err := w.desk.Record(ctx, engine.RecordCommand{
			ID: w.id("detection " + name), Occurred: s.occurred, Detection: ledger.DetectionRecorded{
				Store: corner, Sensor: "cam", Source: ledger.SensorCamera, Slot: "A1",
				Items:    []ledger.ItemHypothesis{{SKU: s.sku, Confidence: s.item}},
				Actions:  []ledger.ActionHypothesis{{Action: s.action, Confidence: 970}},
				Persons:  s.persons,
				Quantity: max(1, s.n), Model: "test 1",
			},
		})
		return err
	})
}

// takes lets a visit take n colas, surely.
func (w *world) takes(visit string, n int) { w.t.Helper(); w.sees("take "+visit, visit, sight{n: n}) }

// doubts lets a visit take n colas, perhaps.
func (w *world) doubts(visit string, n int) {
	w.t.Helper()
	w.sees("doubt "+visit, visit, sight{n: n, item: 500})
}

// leaves lets a visit leave, and the grace for late sensors pass.
func (w *world) leaves(visit string) {
	w.t.Helper()
	w.exits(visit, "exit "+visit)
	w.pass(10 * time.Second)
}

func (w *world) exits(visit, name string) {
	w.t.Helper()
	w.do("exit "+visit, func(ctx context.Context) error {
		_, err := w.desk.Exit(ctx, engine.ExitCommand{
			ID: w.id(name), Occurred: w.now(), Actor: "device:gate", Visit: ledger.VisitID(visit), Gate: "gate",
		})
		return err
	})
}

// shops is a whole visit that takes n colas.
func (w *world) shops(visit string, n int) string {
	w.t.Helper()
	w.enters(visit)
	if n > 0 {
		w.takes(visit, n)
	}
	w.leaves(visit)
	return w.visit(visit).Payment.HoldObject
}

// reviews answers the doubt about a visit.
func (w *world) reviews(visit string, v ledger.Verdict) {
	w.t.Helper()
	w.do("review of "+visit, func(ctx context.Context) error {
		_, err := w.desk.DecideReview(ctx, engine.ReviewCommand{
			ID: w.id("review " + visit), Detection: w.id("detection doubt " + visit), Verdict: v, Reviewer: "reviewer:anna",
		})
		return err
	})
	w.pass(time.Minute)
}

// disputes has the shopper say that n pieces of a line were not taken.
func (w *world) disputes(name, visit string, line, n int) {
	w.t.Helper()
	number := w.visit(visit).Cart.Latest.Number
	w.do("dispute "+name, func(ctx context.Context) error {
		_, err := w.desk.OpenDispute(ctx, engine.DisputeCommand{
			ID: w.id("dispute " + name), Occurred: w.now(), Actor: "shopper", Receipt: number, Line: line, Quantity: n,
			Claim: ledger.ClaimNotTaken, Message: "not mine",
		})
		return err
	})
}

// upholds decides a dispute for the shopper; the pieces may be another visit's.
func (w *world) upholds(name, reviewer, moveTo string) error {
	_, err := w.desk.DecideDispute(w.ctx, engine.DisputeDecision{
		ID: w.id("uphold " + name + reviewer), Occurred: w.now(), Dispute: w.id("dispute " + name), Outcome: ledger.DisputeUpheld,
		MoveTo: ledger.VisitID(moveTo), Reviewer: reviewer, Reason: "seen on the clip",
	})
	return err
}

// correct takes n pieces off a line of a visit's receipt.
func (w *world) correct(name, visit string, line, n int) {
	w.t.Helper()
	w.disputes(name, visit, line, n)
	w.do("decision on "+name, func(context.Context) error { return w.upholds(name, "reviewer:anna", "") })
	w.pass(time.Minute)
}

// visit returns what the engine knows of a visit.
func (w *world) visit(id string) engine.VisitView {
	w.t.Helper()
	w.must(w.live.CatchUp(w.ctx))
	var v engine.VisitView
	var ok bool
	w.live.View(func(e *engine.Engine) { v, ok = e.Visit(ledger.VisitID(id)) })
	if !ok {
		w.t.Fatalf("visit %s is unknown", id)
	}
	return v
}

// wantSettled checks how a visit ended and what it owes.
func (w *world) wantSettled(visit string, as ledger.SettledAs, owed int64) {
	w.t.Helper()
	v := w.visit(visit)
	if v.Cart.Settled == nil {
		w.t.Errorf("visit %s is %s, want it settled", visit, v.Cart.Status)
		return
	}
	if v.Cart.Settled.Outcome != as || v.Owed.Minor != owed {
		w.t.Errorf("visit %s ended %s and owes %s, want %s and %d", visit, v.Cart.Settled.Outcome, v.Owed, as, owed)
	}
}

// events returns the payloads of a kind in a visit's or a payment's stream.
func events[P ledger.Payload](w *world, s ledger.StreamID) []P {
	w.t.Helper()
	var out []P
	for e, err := range projections.Decoded(w.memory.Read(w.ctx, ledger.Query{Stream: s})) {
		w.must(err)
		if p, ok := e.Payload.(P); ok {
			out = append(out, p)
		}
	}
	return out
}

func paymentOf(visit string) ledger.StreamID { return ledger.PaymentStream(ledger.VisitID(visit)) }

func visitOf(visit string) ledger.StreamID { return ledger.VisitStream(ledger.VisitID(visit)) }

// wantEvents checks how many payloads of a kind a stream has.
func wantEvents[P ledger.Payload](w *world, s ledger.StreamID, n int) {
	w.t.Helper()
	if got := events[P](w, s); len(got) != n {
		var p P
		w.t.Errorf("%s has %d %s, want %d: %+v", s, len(got), p.Kind(), n, got)
	}
}
