package sequences_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/stripesim/fault"
	"github.com/vouchledger/vouch/billing/stripesim/testcard"
	"github.com/vouchledger/vouch/ledger"
)

// small is a shop that holds 5.00.
func small(p *ledger.Policy) { p.Hold = usd(500) }

// pays has a shopper pay what a visit owes, in the app.
func (w *world) pays(name, visit, method string) {
	w.t.Helper()
	c := engine.PayCommand{Meta: w.meta("pay " + name), Visit: ledger.VisitID(visit), Shopper: ledger.ShopperID("shopper-" + visit), OnSession: true}
	if method != "" {
		card := w.card("shopper-"+visit, method)
		c.Customer, c.PaymentMethod = card.Customer, card.PaymentMethod
	}
	w.do("payment of "+visit, func(ctx context.Context) error { _, err := w.desk.PayDebt(ctx, c); return err })
}

// The bank wants to see the shopper, who has left. Nobody asks the bank again
// without them; it is a debt, and they pay in the app, where the bank asks.
func TestSequence27AuthenticationRequired(t *testing.T) {
	w := newWorld(t, small)
	w.listen()
	w.fault(fault.Fault{Op: "payment_intents.create", Kind: fault.Decline, Code: "authentication_required", Nth: 2})
	w.enters("anna")
	w.takes("anna", 2)
	w.leaves("anna")
	w.wantSettled("anna", ledger.SettledOwed, 500)
	w.pass(60 * day)
	w.wantOrders("anna", "create, capture, create decline") // nobody asked again
	w.opens(w.arrived()...)
	w.pays("in the app", "anna", "pm_card_threeDSecure2Required")
	v := w.visit("anna")
	if v.Payment.Open == nil || !v.Payment.Open.Pending || v.Owed.Minor != 500 {
		t.Fatalf("the payment is %+v, want it waiting for the shopper", v.Payment.Open)
	}
	w.opens(w.arrived()...)
	w.must(w.sim.Authenticate(w.newest("anna"), true))
	w.opens(w.arrived()...)
	w.wantMoney("anna", stripesim.VisitAudit{Holds: 2, Captures: 2, Captured: 1000, Declines: 1})
	if owed := w.visit("anna").Owed.Minor; owed != 0 {
		t.Errorf("anna owes %d, want nothing", owed)
	}
	w.end()
}

// newest returns the provider's newest payment of a visit.
func (w *world) newest(visit string) string {
	w.t.Helper()
	for _, p := range w.sim.Look("payment_intents", 1000) {
		if m, ok := p["metadata"].(map[string]string); ok && m["visit"] == visit {
			id, _ := p["id"].(string)
			return id
		}
	}
	w.t.Fatalf("the provider has no payment of %s", visit)
	return ""
}

// hardCodes may never be tried again with the same card.
var hardCodes = []string{
	"lost_card", "stolen_card", "pickup_card", "do_not_try_again", "revocation_of_authorization",
	"revocation_of_all_authorizations", "invalid_account", "fraudulent",
}

// A card declines and declines. Codes that will never go through are tried no
// second time. Soft ones are tried by a schedule that ends, and never more than
// fifteen times in thirty days, over all the visits of the card.
func TestSequence28DeclineStorm(t *testing.T) {
	for _, code := range hardCodes {
		t.Run(code, func(t *testing.T) {
			w := newWorld(t, small)
			w.fault(fault.Fault{Op: "payment_intents.create", Kind: fault.Decline, Code: code, Nth: 2})
			w.enters("anna")
			w.takes("anna", 2)
			w.leaves("anna")
			w.pass(90 * day)
			w.wantOrders("anna", "create, capture, create decline")
			w.wantMoney("anna", stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: 500, Declines: 1})
			w.end()
		})
	}
	t.Run("insufficient_funds", func(t *testing.T) {
		w := newWorld(t, func(p *ledger.Policy) { p.Retries, p.DebtLimit, p.Hold = 100, usd(1_000_000), usd(500) })
		c := w.card("shopper-anna", "pm_card_visa")
		var declines []time.Time
		for i := range 6 { // six visits at once owe on one card
			visit := "anna-" + string(rune('a'+i))
			if a := w.present(engine.PresentCommand{
				Credential: ledger.CredentialQR, Ticket: visit, Shopper: "shopper-anna", Customer: c.Customer, PaymentMethod: c.PaymentMethod,
			}); a.Decision != engine.GateEntered {
				t.Fatalf("the gate said %+v", a)
			}
			w.takes(visit, 2)
			if i == 0 {
				w.fault(fault.Fault{Op: "payment_intents.create", Kind: fault.Decline, Code: "insufficient_funds", Visit: visit})
			} else {
				w.sim.ClearFaults()
				for j := range i + 1 {
					w.fault(fault.Fault{Op: "payment_intents.create", Kind: fault.Decline, Code: "insufficient_funds", Visit: "anna-" + string(rune('a'+j))})
				}
			}
			w.leaves(visit)
		}
		w.pass(90 * day)
		for _, r := range w.sim.Requests() {
			if r.Fault == fault.Decline {
				declines = append(declines, r.At)
			}
		}
		for i := billing.CardTries; i < len(declines); i++ {
			if d := declines[i].Sub(declines[i-billing.CardTries]); d < billing.CardWindow {
				t.Errorf("declines %d to %d came within %s", i-billing.CardTries+1, i+1, d)
			}
		}
		if len(declines) <= billing.CardTries {
			t.Errorf("%d declines, want the limit reached", len(declines))
		}
		w.end()
	})
}

// The card is replaced between the hold and what comes after. The capture is
// of the hold, whatever became of its card; a new card is used only by an order
// of its own.
func TestSequence29CardReplaced(t *testing.T) {
	w := newWorld(t, small)
	w.enters("anna")
	w.takes("anna", 2)
	old := w.card("shopper-anna", "pm_card_visa")
	w.dashboard("/v1/payment_methods/"+old.PaymentMethod+"/detach", nil)
	w.leaves("anna")
	w.wantSettled("anna", ledger.SettledOwed, 500)
	w.pays("with the new card", "anna", "pm_card_mastercard")
	w.wantMoney("anna", stripesim.VisitAudit{Holds: 2, Captures: 2, Captured: 1000})
	for i, c := range events[ledger.ChargeIntended](w, paymentOf("anna")) {
		if want := w.cards[map[int]string{0: "shopper-annapm_card_visa", 1: "shopper-annapm_card_mastercard"}[i]]; c.PaymentMethod != want.PaymentMethod {
			t.Errorf("charge %d is on %s, want %s", i+1, c.PaymentMethod, want.PaymentMethod)
		}
	}
	w.end()
}

// Our clock is five days ahead of everybody else's, and thinks that the hold
// has lapsed. No second hold is made: the provider is asked, and the hold that
// stands is captured.
func TestSequence30ClockAhead(t *testing.T) {
	w := newWorld(t, patient)
	w.enters("anna")
	w.takes("anna", 2)
	w.doubts("anna", 1)
	w.skew = 5 * day
	w.start()
	w.exits("anna", "exit anna")
	w.pass(time.Minute)
	w.wantMoney("anna", charged(2))
	w.reviews("anna", ledger.VerdictDismissed)
	w.pass(time.Hour)
	w.wantSettled("anna", ledger.SettledCharged, 0)
	w.wantMoney("anna", charged(2))
	w.wantOrders("anna", "create, capture")
	w.end()
}

// A card that may be held and never captured: the visit owes, and its hold is
// let go.
func TestACardThatDeclinesTheCapture(t *testing.T) {
	w := newWorld(t, func(p *ledger.Policy) { p.Retries = -1 })
	w.entersWith("anna", testcard.DeclineAtCapture)
	w.takes("anna", 2)
	w.leaves("anna")
	w.pass(day)
	v := w.visit("anna")
	if v.Cart.Settled == nil || v.Payment.Captured.Minor+v.Owed.Minor != 1000 {
		t.Errorf("captured %s, owed %s, want 10.00 in one of them", v.Payment.Captured, v.Owed)
	}
	if _, err := w.desk.PayDebt(t.Context(), engine.PayCommand{
		Meta: w.meta("somebody else"), Visit: "anna", Shopper: "eve", OnSession: true,
	}); !errors.Is(err, engine.ErrUnknownVisit) {
		t.Errorf("somebody else pays: %v, want %v", err, engine.ErrUnknownVisit)
	}
	w.end()
}
