package engine_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// TestAnyAfternoon draws shoppers with cards, without and staff, picks, doubts,
// reviews, disputes, supplements, goodwill, payments of debts, faults and
// declines of the bank, holds that lapse and kills of the process, in any
// order. However it goes: every visit ends once, nothing is charged twice, the
// books balance, receipts equal their replay, and an engine started afresh
// agrees with the one that lived.
func TestAnyAfternoon(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		policy := house
		policy.OnDeadline = rapid.SampledFrom([]ledger.DeadlinePolicy{
			ledger.ForShopper,
			ledger.AsSensed,
		}).Draw(rt, "policy")
		policy.Hold = eur(rapid.SampledFrom([]int64{200, 5000}).Draw(rt, "hold"))
		policy.AdjustHold, policy.Unknown = rapid.Bool().Draw(rt, "adjust"), true
		policy.DebtLimit = eur(rapid.SampledFrom([]int64{0, 1000}).Draw(rt, "debt limit"))
		policy.ReviewSeconds = rapid.SampledFrom([]int{3600, 8 * 24 * 3600}).Draw(rt, "review")
		w.bank.Window = rapid.SampledFrom([]time.Duration{0, 48 * time.Hour}).Draw(rt, "window")
		w.open(policy)
		w.bank.Script = faults(rt)
		w.killAt = w.boundary + rapid.IntRange(0, 60).Draw(rt, "kill")
		w.again = func() { w.killAt = w.boundary + rapid.IntRange(20, 200).Draw(rt, "kill again") }
		a := &afternoon{world: w, rt: rt}
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			a.step()
		}
		w.pass(time.Minute) // whoever waits at the gate is let in or gone
		for _, v := range a.inside() {
			w.exit(v)
		}
		w.pass(60 * day) // deadlines, back-offs, debts that are asked for again
		for range 3 {    // whatever a person was asked about is answered
			for _, x := range w.asked() {
				w.resolve(string(x.Visit), false)
			}
			w.pass(60 * day)
		}
		w.audit()
		a.agree()
	})
}

// faults draws what goes wrong with the first calls of each order.
func faults(rt *rapid.T) func(billing.Order, int) simulate.Fault {
	plan := rapid.SliceOfN(rapid.SampledFrom([]simulate.Fault{
		simulate.NoFault, simulate.NoFault, simulate.NoFault,
		simulate.Lost, simulate.Unreached, simulate.Unready, simulate.Refused,
		simulate.DeclinedAs("lost_card"), simulate.DeclinedAs("authentication_required"),
	}), 12, 12).Draw(rt, "faults")
	calls := 0
	return func(o billing.Order, n int) simulate.Fault {
		calls++
		if n > 6 {
			return simulate.NoFault // at some point it works
		}
		f := plan[calls%len(plan)]
		no := f != simulate.NoFault && f != simulate.Unreached && f != simulate.Unready
		if no && (o.Op == billing.OpRelease || o.Op == billing.OpRefund) {
			return simulate.Lost // a bank does not refuse to give back
		}
		return f
	}
}

type afternoon struct {
	*world
	rt     *rapid.T
	n      int
	visits []string
}

// inside returns the visits that are in the shop.
func (a *afternoon) inside() []string { return a.those(projections.StatusInside) }

func (a *afternoon) those(s projections.Status) []string {
	var in []string
	for _, v := range a.visits {
		if a.visit(v).Cart.Status == s {
			in = append(in, v)
		}
	}
	return in
}

func (a *afternoon) step() {
	a.n++
	name := fmt.Sprintf("%d", a.n)
	switch rapid.SampledFrom([]string{
		"enter", "see", "see", "see", "leave", "wait", "answer",
		"dispute", "money", "money",
	}).Draw(a.rt, "what") {
	case "enter":
		a.enters(name)
	case "money":
		a.money(name)
	case "see":
		a.see(name)
	case "leave":
		if in := a.inside(); len(in) > 0 {
			a.exit(rapid.SampledFrom(in).Draw(a.rt, "who"))
		}
	case "wait":
		a.pass(rapid.SampledFrom([]time.Duration{
			time.Millisecond, 3 * time.Second, time.Minute,
			2 * time.Hour, 3 * day,
		}).Draw(a.rt, "time"))
	case "answer":
		a.answer(name)
	case "dispute":
		a.claim(name)
	}
}

// enters presents a credential: of a shopper who may be back, of nobody, or of
// staff.
func (a *afternoon) enters(name string) {
	c := engine.PresentCommand{Gate: "gate", Place: ledger.PlaceGate, Ticket: "v" + name}
	switch rapid.SampledFrom([]string{"new", "new", "new", "again", "nobody", "staff"}).Draw(a.rt, "who comes") {
	case "new":
		c.Credential, c.Shopper = ledger.CredentialQR, ledger.ShopperID("shopper-v"+name)
	case "again":
		c.Credential, c.Shopper = ledger.CredentialQR, "shopper-regular"
	case "nobody":
		c.Credential = ledger.CredentialNone
	case "staff":
		c.Credential, c.Shopper = ledger.CredentialStaff, "staff-cleo"
	}
	if c.Credential == ledger.CredentialQR {
		c.Customer, c.PaymentMethod = "cus_"+string(c.Shopper), "pm_"+string(c.Shopper)
	}
	if r := a.present(c); r.Visit != "" {
		a.visits = append(a.visits, "v"+name)
	}
}

// money lets somebody do something about a visit's money. What may not be is
// refused, and that is fine.
func (a *afternoon) money(name string) {
	if len(a.visits) == 0 {
		return
	}
	v := ledger.VisitID(rapid.SampledFrom(a.visits).Draw(a.rt, "about"))
	view := a.visit(string(v))
	what := rapid.SampledFrom([]string{"pay", "answer", "goodwill", "cash", "match", "write off"}).Draw(a.rt, "does")
	answer := rapid.SampledFrom([]ledger.SupplementAnswer{
		ledger.SupplementConsented, ledger.SupplementConsented, ledger.SupplementRefused,
	}).Draw(a.rt, "says")
	amount := eur(rapid.Int64Range(0, 200).Draw(a.rt, "amount"))
	m, number := a.meta("money "+name), ""
	if view.Cart.Latest != nil {
		number = view.Cart.Latest.Number
	}
	a.survive(func() {
		ctx := a.t.Context()
		switch what {
		case "pay":
			_, _ = a.desk.PayDebt(ctx, engine.PayCommand{
				Meta: m, Visit: v, Shopper: view.Cart.Presented.Shopper, Customer: "cus_other", PaymentMethod: "pm_other",
				OnSession: true,
			})
		case "answer":
			for _, s := range a.proposals() {
				_, _ = a.desk.AnswerSupplement(ctx, engine.AnswerCommand{Meta: m, Proposal: s, Answer: answer})
			}
		case "goodwill":
			_, _ = a.desk.GrantGoodwill(ctx, engine.GoodwillCommand{
				Meta: m, Receipt: number, Amount: amount, By: "operator:finn", Reason: "slow",
			})
		case "cash":
			_, _ = a.desk.TakeCash(ctx, engine.CashCommand{
				Meta: m, Receipt: number, Amount: amount, Till: "till", By: "staff:cleo",
			})
		case "match":
			_, _ = a.desk.MatchVisit(ctx, engine.MatchCommand{
				Meta: m, Visit: v, Shopper: "shopper-regular", Customer: "cus_shopper-regular",
				PaymentMethod: "pm_shopper-regular", By: "operator:finn", Reason: "seen",
			})
		case "write off":
			_, _ = a.desk.WriteOff(ctx, engine.WriteOffCommand{Meta: m, Visit: v, By: "operator:finn", Reason: "small"})
		}
	})
	a.settle()
}

// proposals returns the supplements that wait for an answer.
func (a *afternoon) proposals() []ledger.ID {
	var open []ledger.ID
	for _, v := range a.visits {
		payer := a.visit(v).Cart.Presented.Shopper
		a.live.View(func(e *engine.Engine) {
			for _, s := range e.Supplements(payer) {
				open = append(open, s.Proposal)
			}
		})
	}
	return open
}

func (a *afternoon) see(name string) {
	conf := rapid.SampledFrom([]ledger.PerMille{500, 970, 970, 970})
	s := sight{
		sku: rapid.SampledFrom([]ledger.SKU{cola, water, gift}).Draw(a.rt, "sku"),
		action: rapid.SampledFrom([]ledger.Action{
			ledger.ActionTake, ledger.ActionTake,
			ledger.ActionReturn,
		}).Draw(a.rt, "action"),
		n:        rapid.IntRange(1, 3).Draw(a.rt, "n"),
		item:     conf.Draw(a.rt, "item"),
		act:      conf.Draw(a.rt, "act"),
		occurred: a.now.Add(-rapid.SampledFrom([]time.Duration{0, 0, time.Second, time.Minute}).Draw(a.rt, "late")),
	}
	if len(a.visits) > 0 && rapid.Bool().Draw(a.rt, "tracked") {
		s.persons = who(rapid.SampledFrom(a.visits).Draw(a.rt, "who"), rapid.SampledFrom([]int{
			600,
			970,
		}).Draw(a.rt, "person"))
		if s.persons[0].Confidence == 600 {
			s.persons = append(s.persons, who(rapid.SampledFrom(a.visits).Draw(a.rt, "or"), 400)...)
		}
	}
	a.sees(name, s)
}

// answer lets a reviewer answer one of the questions seen so far.
func (a *afternoon) answer(name string) {
	var open []engine.ReviewCommand
	for n := 1; n < a.n; n++ {
		id, ok := a.named[fmt.Sprintf("detection %d", n)]
		if !ok {
			continue
		}
		a.live.View(func(e *engine.Engine) {
			if q, ok := e.Question(id); ok && q.Decided == nil {
				open = append(open, engine.ReviewCommand{Detection: id})
			}
		})
	}
	if len(open) == 0 {
		return
	}
	c := rapid.SampledFrom(open).Draw(a.rt, "question")
	c.ID, c.Reviewer = a.id("review "+name), "reviewer:anna"
	c.Verdict = rapid.SampledFrom([]ledger.Verdict{
		ledger.VerdictConfirmed, ledger.VerdictCorrected, ledger.VerdictDismissed,
	}).Draw(a.rt, "verdict")
	if c.Verdict == ledger.VerdictCorrected {
		c.SKU = rapid.SampledFrom([]ledger.SKU{cola, water}).Draw(a.rt, "really")
		if in := a.those(projections.StatusSettled); len(in) > 0 {
			c.Visit = ledger.VisitID(rapid.SampledFrom(in).Draw(a.rt, "whose"))
		}
	}
	a.survive(func() { _, _ = a.desk.DecideReview(a.t.Context(), c) }) // a refusal is fine
	a.settle()
}

// claim disputes a line of somebody's receipt, and wins.
func (a *afternoon) claim(name string) {
	var with []string
	for _, v := range a.visits {
		if c := a.visit(v).Cart; c.Latest != nil && len(c.Latest.Lines) > 0 && c.Latest.Lines[0].Quantity > 0 &&
			len(c.Disputes) == 0 {
			with = append(with, v)
		}
	}
	if len(with) == 0 {
		return
	}
	v := rapid.SampledFrom(with).Draw(a.rt, "disputes")
	to := ""
	for _, other := range a.those(projections.StatusSettled) {
		if other != v && rapid.Bool().Draw(a.rt, "moves") {
			to = other
		}
	}
	a.dispute(name, v, a.visit(v).Cart.Latest.Lines[0].No, 1)
	a.uphold(name, to)
}

// agree compares the engine that lived through it with one that reads the log
// now: both must know the same, and neither has anything left to do.
func (a *afternoon) agree() {
	fresh := engine.NewLive(a.log)
	if n, err := fresh.Drain(a.t.Context(), a.bank, a.now); n != 0 || err != nil {
		a.t.Errorf("an engine started afresh does %d things, %v; want nothing left to do", n, err)
	}
	for _, id := range a.visits {
		var old, now engine.VisitView
		a.live.View(func(e *engine.Engine) { old, _ = e.Visit(ledger.VisitID(id)) })
		fresh.View(func(e *engine.Engine) { now, _ = e.Visit(ledger.VisitID(id)) })
		x, errX := old.Cart.MarshalBinary()
		y, errY := now.Cart.MarshalBinary()
		if errX != nil || errY != nil || string(x) != string(y) || old.Owed != now.Owed {
			a.t.Errorf("visit %s is known differently after a restart: %v %v", id, errX, errY)
		}
		if old.Stuck != "" {
			a.t.Errorf("visit %s is stuck: %s", id, old.Stuck)
		}
	}
}
