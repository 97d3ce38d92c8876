package engine_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
)

// TestDebtIsAskedForBySchedule: what is declined softly is asked for again
// after 1, 3, 5 and 7 days, and then no more; once it is paid it is not asked
// for again. (Sequence 28.)
func TestDebtIsAskedForBySchedule(t *testing.T) {
	for _, tt := range []struct {
		name    string
		code    string
		retries int // policy
		pays    int // the charge that goes through; 0 none
		days    []int
		owed    int64
	}{
		{"no money on the card", "insufficient_funds", 0, 0, []int{0, 1, 4, 9, 16}, 100},
		{"pay day is on the fourth", "insufficient_funds", 0, 3, []int{0, 1, 4}, 0},
		{"the shop asks twice", "do_not_honor", 2, 0, []int{0, 1, 4}, 100},
		{"the shop never asks again", "do_not_honor", -1, 0, []int{0}, 100},
		{"the card is stolen", "stolen_card", 0, 0, []int{0}, 100},
		{"the bank says never again", "do_not_try_again", 0, 0, []int{0}, 100},
		{"the bank wants to see the shopper", "authentication_required", 0, 0, []int{0}, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newShop(t, func(p *ledger.Policy) { small(p); p.Retries = tt.retries })
			charged := 0
			w.bank.Script = func(o billing.Order, n int) simulate.Fault {
				if o.Op != billing.OpCharge {
					return simulate.NoFault
				}
				if charged++; charged == tt.pays {
					return simulate.NoFault
				}
				return simulate.DeclinedAs(tt.code)
			}
			w.buys("anna", 2)
			w.pass(90 * day)
			w.wantEnd("anna", ledger.SettledOwed, 300-tt.owed, 0, tt.owed)
			var days []int
			for e := range w.events("payment-anna") {
				if e.Kind == ledger.KindChargeIntended {
					days = append(days, int(e.Occurred.Sub(opening)/day))
				}
			}
			if diff := cmp.Diff(tt.days, days); diff != "" {
				t.Errorf("asked for on days (-want +got):\n%s", diff)
			}
			w.audit()
		})
	}
}

// TestCardIsNotAskedFifteenTimes: a shopper's debts of many visits are on one
// card. After fifteen declines within thirty days it is left alone, whatever
// each debt's schedule says. (Sequence 28.)
func TestCardIsNotAskedFifteenTimes(t *testing.T) {
	w := newShop(t, func(p *ledger.Policy) { small(p); p.DebtLimit = eur(100000); p.Retries = 30 })
	w.refuses("insufficient_funds", charges)
	for i := range 6 {
		visit := "v" + string(rune('0'+i))
		if a := w.presentAs("anna", visit); a.Decision != engine.GateEntered {
			t.Fatalf("Present(%s) = %+v, want entered", visit, a)
		}
		w.sees(visit, sight{sku: cola, n: 2, persons: who(visit, 990)})
		w.exit(visit)
		w.pass(time.Minute)
	}
	w.pass(28 * day)
	if n := len(declines(w)); n != billing.CardTries {
		t.Errorf("the card was declined %d times in four weeks, want %d", n, billing.CardTries)
	}
	w.pass(60 * day)
	at := declines(w)
	for i := range len(at) - billing.CardTries {
		if at[i+billing.CardTries].Sub(at[i]) < billing.CardWindow {
			t.Errorf("declines %d to %d are within %s", i, i+billing.CardTries, at[i+billing.CardTries].Sub(at[i]))
		}
	}
	wantRefused(w, "PayDebt with a card that rests", engine.ErrCardRests, func() (engine.Recorded, error) {
		for { // until the card rests again
			c := engine.PayCommand{Meta: ledger.Meta{Occurred: w.now}, Visit: "v0", Shopper: "anna"}
			if r, err := w.desk.PayDebt(t.Context(), c); err != nil {
				return r, err
			}
			t.Fatal("a card that rests was charged")
		}
	})
}

// declines returns when charges were declined, in order.
func declines(w *world) []time.Time {
	var at []time.Time
	for r, err := range w.log.Read(w.t.Context(), ledger.Query{Kinds: []ledger.Kind{ledger.KindPaymentDeclined}}) {
		if err != nil {
			w.t.Fatal(err)
		}
		at = append(at, r.Occurred)
	}
	return at
}

// TestBankWantsToSeeTheShopper: they have left already, so the visit owes and
// the gate stays shut. In the app the charge waits until they answered their
// bank; meanwhile it is not asked for a second time. (Sequence 27.)
func TestBankWantsToSeeTheShopper(t *testing.T) {
	w := newShop(t, small)
	w.bank.Script = func(o billing.Order, n int) simulate.Fault {
		switch {
		case o.Op == billing.OpCharge && !o.OnSession:
			return simulate.DeclinedAs("authentication_required")
		case o.Op == billing.OpCharge && n < 3:
			return simulate.Unready
		}
		return simulate.NoFault
	}
	w.buys("anna", 2)
	w.pass(30 * day)
	w.wantEnd("anna", ledger.SettledOwed, 200, 0, 100)
	if a := w.presentAs("shopper-anna", "next"); a.Reason != ledger.RefusedDebt {
		t.Errorf("with a debt anna is %+v, want refused: debt", a)
	}
	w.pays("anna", "")
	var debts []engine.Debt
	w.live.View(func(e *engine.Engine) { debts = e.Debts("shopper-anna") })
	if len(debts) != 1 || !debts[0].Confirm || debts[0].Owed != eur(100) {
		t.Errorf("while her bank asks her anna's debts are %+v, want one to confirm", debts)
	}
	wantRefused(w, "PayDebt twice", engine.ErrMoneyOpen, func() (engine.Recorded, error) {
		return w.desk.PayDebt(t.Context(), engine.PayCommand{Visit: "anna", Shopper: "shopper-anna"})
	})
	w.pass(time.Hour)
	w.wantEnd("anna", ledger.SettledOwed, 300, 0, 0)
	if a := w.presentAs("shopper-anna", "again"); a.Decision != engine.GateEntered {
		t.Errorf("after paying anna is %+v, want entered", a)
	}
	w.exit("again")
	w.pass(time.Minute)
	w.audit()
}

// TestDebtKeepsTheGateShut: above the shop's limit, over all visits of a
// shopper, until it is paid, taken in cash or given up. Nobody else may pay
// with a shopper's card, and nothing is taken that is not owed.
func TestDebtKeepsTheGateShut(t *testing.T) {
	w := newShop(t, func(p *ledger.Policy) { small(p); p.DebtLimit = eur(150) })
	w.refuses("do_not_try_again", charges)
	in := func(ticket string) bool {
		t.Helper()
		a := w.presentAs("shopper-anna", ticket)
		if a.Decision == engine.GateRefused && a.Reason != ledger.RefusedDebt {
			t.Errorf("anna is refused for %s, want debt", a.Reason)
		}
		return a.Decision == engine.GateEntered
	}
	w.buys("anna", 2)
	if !in("second") {
		t.Fatal("anna owes 1.00 of 1.50 and stays outside")
	}
	w.sees("colas", sight{sku: cola, n: 2, persons: who("second", 990)})
	w.exit("second")
	w.pass(time.Minute)
	if in("third") {
		t.Fatal("anna owes 2.00 of 1.50 and is let in")
	}
	number := w.visit("second").Cart.Latest.Number
	wantRefused(w, "PayDebt by another", engine.ErrUnknownVisit, func() (engine.Recorded, error) {
		return w.desk.PayDebt(t.Context(), engine.PayCommand{Visit: "anna", Shopper: "eve"})
	})
	wantRefused(w, "TakeCash above the debt", engine.ErrAboveOwed, func() (engine.Recorded, error) {
		return w.desk.TakeCash(t.Context(), engine.CashCommand{Receipt: number, Amount: eur(101), Till: "till", By: "staff:cleo"})
	})
	if _, err := w.desk.TakeCash(t.Context(), engine.CashCommand{
		Meta: w.meta("cash"), Receipt: number, Amount: eur(60), Till: "till", By: "staff:cleo",
	}); err != nil {
		t.Fatal(err)
	}
	if !in("fourth") {
		t.Error("anna owes 1.40 of 1.50 and stays outside")
	}
	w.exit("fourth")
	w.pass(time.Minute)
	for _, visit := range []ledger.VisitID{"anna", "second"} {
		c := engine.WriteOffCommand{Meta: w.meta("write off " + string(visit)), Visit: visit, By: "operator:finn", Reason: "small"}
		if _, err := w.desk.WriteOff(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		c.Meta = w.meta("again " + string(visit))
		wantRefused(w, "WriteOff twice", engine.ErrNothingOwed, func() (engine.Recorded, error) {
			return w.desk.WriteOff(t.Context(), c)
		})
	}
	wantRefused(w, "PayDebt without a debt", engine.ErrNothingOwed, func() (engine.Recorded, error) {
		return w.desk.PayDebt(t.Context(), engine.PayCommand{Visit: "anna", Shopper: "shopper-anna"})
	})
	w.pass(60 * day)
	w.wantEnd("anna", ledger.SettledOwed, 200, 0, 0)
	w.wantEnd("second", ledger.SettledOwed, 200, 0, 0)
	w.audit()
}

// TestUnknownOutcomeIsAskedForAWhile: an order whose outcome is not known is
// looked for on a schedule, then a person is asked, and machines stop. Nothing
// else is asked for meanwhile. What the person finds out counts as the answer.
func TestUnknownOutcomeIsAskedForAWhile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault simulate.Fault
		done  bool
	}{
		{"it was carried out", simulate.Lost, true},
		{"it never arrived", simulate.Unreached, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newShop(t, func(*ledger.Policy) {})
			away := true
			w.bank.Script = func(o billing.Order, n int) simulate.Fault {
				switch {
				case !away || o.Op != billing.OpCapture:
					return simulate.NoFault
				case n > 1:
					return simulate.Unreached
				}
				return tt.fault
			}
			w.buys("anna", 1)
			w.pass(30 * day)
			unclear := count(w.kinds("payment-anna"), ledger.KindPaymentUnclear)
			asked := w.asked()
			if unclear != len(billing.AskAgain)+1 || len(asked) != 1 || asked[0].Op != billing.OpCapture || asked[0].Amount != eur(150) {
				t.Fatalf("asked the provider %d times and then a person about %+v, want %d and the capture", unclear, asked,
					len(billing.AskAgain)+1)
			}
			if v := w.visit("anna"); v.Cart.Settled != nil || len(w.charged("anna")) > 0 {
				t.Errorf("meanwhile the visit is settled as %+v with charges %v, want neither", v.Cart.Settled, w.charged("anna"))
			}
			wantRefused(w, "Resolve of another order", engine.ErrNotAsked, func() (engine.Recorded, error) {
				return w.desk.Resolve(t.Context(), engine.ResolveCommand{Visit: "anna", Intent: w.id("x"), By: "finn", Reason: "?"})
			})
			away = false
			w.resolve("anna", tt.done)
			w.pass(time.Minute)
			w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
			if len(w.asked()) != 0 {
				t.Errorf("after the answer %+v is still asked", w.asked())
			}
			w.audit()
		})
	}
}

// TestNoticeWakesAnEscalatedOrder: the provider tells us weeks later what
// became of it, and nobody has to look.
func TestNoticeWakesAnEscalatedOrder(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	away := true
	w.bank.Script = func(o billing.Order, n int) simulate.Fault {
		if away && o.Op == billing.OpCapture {
			return map[bool]simulate.Fault{true: simulate.Lost, false: simulate.Unreached}[n == 1]
		}
		return simulate.NoFault
	}
	w.buys("anna", 1)
	w.pass(30 * day)
	away = false
	w.pass(10 * day)
	if v := w.visit("anna"); v.Cart.Settled != nil {
		t.Fatalf("an order that a person is asked about was asked for again")
	}
	w.provider("anna", ledger.PaymentNotified{Event: "evt_1", Type: "payment_intent.succeeded", Object: "pi"})
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
	w.audit()
}
