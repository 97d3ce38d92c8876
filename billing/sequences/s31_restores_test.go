package sequences_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/stripesim/fault"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/money"
)

// restore makes the log what it was at a position, as a backup has it, and
// starts a process on it that sends nothing yet.
func (w *world) restore(position uint64) {
	w.t.Helper()
	old := w.memory
	w.memory = memlog.New(w.time.Now)
	for r, err := range old.Read(w.ctx, ledger.Query{}) {
		w.must(err)
		if r.Position > position {
			break
		}
		_, err := w.memory.Append(w.ctx, r.Stream, ledger.Any(), ledger.Draft{
			ID: r.ID, Kind: r.Kind, Occurred: r.Occurred, Actor: r.Actor, Cause: r.Cause, Trace: r.Trace, Body: r.Body,
		})
		w.must(err)
	}
	w.books = ledgerBooks{}
	w.books.fold(w)
	w.start()
	w.live.Withhold()
}

// A disaster: the log is restored to yesterday, and the provider is a day
// ahead. Nothing is sent before the provider was looked through; then nobody
// is charged, refunded or held a second time, whatever is replayed.
func TestSequence31RestoreToYesterday(t *testing.T) {
	w := newWorld(t)
	w.enters("anna")
	w.takes("anna", 1)
	w.enters("ben")
	w.takes("ben", 2)
	w.shops("emil", 3)
	cut, until := w.head(), w.now()
	w.pass(2 * time.Hour)
	w.leaves("anna")
	w.leaves("ben")
	w.correct("ben's", "ben", 1, 1)
	w.correct("emil's", "emil", 1, 1)
	w.pass(26 * time.Hour) // keys are forgotten meanwhile
	before := w.sim.Audit()

	w.restore(cut)
	sent := len(w.sim.Requests())
	w.settle()
	w.pass(time.Hour)
	if n := len(w.sim.Requests()); n != sent {
		t.Errorf("%d requests were sent before the provider was looked through", n-sent)
	}
	_, err := w.watcher.Restored(t.Context(), until)
	w.must(err)
	w.live.Resume()
	w.settle()
	w.leaves("anna") // the gate repeats what nobody knows any more
	w.leaves("ben")
	w.pass(2 * day)
	w.start()
	w.pass(2 * day)
	w.poll()
	w.early = 3 // adopted before the receipts were issued again: noted, as it happened
	after := w.sim.Audit()
	for _, visit := range []string{"anna", "ben", "emil"} {
		if was, is := fmt.Sprint(before.Visits[visit]), fmt.Sprint(after.Visits[visit]); was != is {
			t.Errorf("visit %s: %s\nbefore the restore %s", visit, is, was)
		}
		if v := w.visit(visit); v.Cart.Settled == nil || v.Owed.Minor != 0 {
			t.Errorf("visit %s owes %s, settled %v; want nothing and settled", visit, v.Owed, v.Cart.Settled)
		}
	}
	w.end()
}

// Two servers in two regions are at the same visits, each deciding and
// sending, one always a step behind. The log takes one of two appends by the
// revision it expects, and a key is the same wherever it is sent from.
func TestSequence32TwoRegions(t *testing.T) {
	w := newWorld(t)
	other := w.begin()
	turn := 0
	w.beside = func(string) {
		if turn++; turn%3 == 0 {
			_, err := other.live.Drain(w.ctx, mortalGateway{w}, w.now())
			w.must(err)
		}
	}
	for _, visit := range []string{"anna", "ben"} {
		w.presents(visit, "pm_card_visa")
		w.pass(5 * time.Second)
		w.takes(visit, 2)
		w.leaves(visit)
		w.correct("one of "+visit, visit, 1, 1)
	}
	w.shops("nobody", 0)
	w.wantMoney("anna", refunded(2, 1, 500))
	w.wantMoney("ben", refunded(2, 1, 500))
	w.wantMoney("nobody", stripesim.VisitAudit{Holds: 1, Releases: 1})
	w.end()
}

// A test key, and live money: each is refused where it meets the other, at the
// start and with every webhook, and a live key is never sent to an address of
// somebody's choice.
func TestSequence33TestKeyAgainstLiveData(t *testing.T) {
	w := newWorld(t)
	live, err := stripesim.Open(stripesim.Config{Now: w.time.Now, Livemode: true})
	w.must(err)
	defer func() { w.must(live.Close()) }()
	g, err := stripe.New(stripe.Config{SecretKey: secretKey, URL: "http://stripe.invalid", Transport: live.Transport()})
	w.must(err)
	if _, err := g.Account(t.Context()); !errors.Is(err, stripe.ErrLivemode) {
		t.Errorf("a test key on a live account: %v, want %v", err, stripe.ErrLivemode)
	}
	if _, err := stripe.New(stripe.Config{SecretKey: "sk_live_x", URL: "http://stripe.invalid"}); !errors.Is(err, stripe.ErrConfig) {
		t.Errorf("a live key sent elsewhere: %v, want %v", err, stripe.ErrConfig)
	}
	hooks, err := stripe.NewWebhooks(true, w.time.Now, webhookSecret)
	w.must(err)
	w.listen()
	w.shops("anna", 2)
	for _, l := range w.arrived() {
		if _, err := hooks.ParseWebhook(l.body, l.header); !errors.Is(err, stripe.ErrLivemode) {
			t.Errorf("a test webhook at a live server: %v, want %v", err, stripe.ErrLivemode)
		}
	}
	if _, err := stripe.NewWebhooks(false, w.time.Now, ""); !errors.Is(err, stripe.ErrConfig) {
		t.Errorf("an empty webhook secret: %v, want %v", err, stripe.ErrConfig)
	}
	if _, err := stripe.New(stripe.Config{}); !errors.Is(err, stripe.ErrConfig) {
		t.Errorf("an empty key: %v, want %v", err, stripe.ErrConfig)
	}
	w.end()
}

// Five hundred yen are 500, and 1.230 dinars are 1230, at the provider as
// here: held, captured and given back.
func TestSequence34CurrencyExponents(t *testing.T) {
	for _, tt := range []struct {
		currency money.Currency
		hold     int64
		written  string // the price of a cola
	}{{"JPY", 5000, "500"}, {"KWD", 50_000, "0.500"}, {"EUR", 5000, "5.00"}} {
		t.Run(string(tt.currency), func(t *testing.T) {
			w := newWorld(t, func(p *ledger.Policy) { p.Hold = money.Money{Minor: tt.hold, Currency: tt.currency} })
			w.shops("anna", 2)
			w.correct("one", "anna", 1, 1)
			price := w.visit("anna").Cart.Issued.Lines[0].Unit
			if price.Decimal() != tt.written || price.Minor != 500 {
				t.Errorf("a cola costs %s (%d), want %s", price.Decimal(), price.Minor, tt.written)
			}
			w.wantMoney("anna", refunded(2, 1, 500))
			if r := w.visit("anna").Payment.Refunded; r.Minor != 500 || r.Currency != tt.currency {
				t.Errorf("refunded %s, want 500 minor units", r)
			}
			w.end()
		})
	}
}

// More comes back than was taken, and a price that would overflow: nobody is
// charged less than nothing, and no sum wraps around.
func TestSequence35NegativeAndHugeTotals(t *testing.T) {
	w := newWorld(t)
	w.enters("anna")
	w.sees("back", "anna", sight{n: 3, action: ledger.ActionReturn})
	w.leaves("anna")
	w.pass(2 * time.Hour)
	w.wantSettled("anna", ledger.SettledNothing, 0)
	w.wantMoney("anna", stripesim.VisitAudit{Holds: 1, Releases: 1})
	before := w.head()
	for _, minor := range []int64{-5, 1 << 62} {
		_, err := w.desk.SetPrice(t.Context(), w.meta(fmt.Sprint("price ", minor)), main, ledger.PriceSet{SKU: cola, Price: usd(minor), From: opening})
		if err == nil || w.head() != before {
			t.Errorf("a price of %d: %v and %d events, want it refused", minor, err, w.head()-before)
		}
	}
	_, err := w.desk.SetPrice(t.Context(), w.meta("dear"), main, ledger.PriceSet{SKU: cola, Price: usd(1_000_000_000), From: w.now()})
	w.must(err)
	w.enters("ben")
	for i := range 3 {
		w.sees(fmt.Sprint("pallet ", i), "ben", sight{n: ledger.MaxQuantity})
	}
	w.leaves("ben")
	w.pass(2 * time.Hour)
	if v := w.sim.Audit().Visits["ben"]; v.Captured > v.Held+w.policy.Hold.Minor || v.Captured < 0 {
		t.Errorf("the provider says %+v", v)
	}
	w.end()
}

// Nothing was taken: the hold is let go at once and nothing is captured. The
// release is lost, refused, or its process dies: it is let go all the same.
func TestSequence36EmptyCart(t *testing.T) {
	for _, kind := range []fault.Kind{"", fault.DropBefore, fault.DropAfter, fault.Error500, fault.Error503} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			if kind != "" {
				w.fault(fault.Fault{Op: "payment_intents.cancel", Kind: kind, Times: 1})
			}
			w.shops("anna", 0)
			w.start()
			w.pass(2 * day)
			w.wantSettled("anna", ledger.SettledNothing, 0)
			w.wantMoney("anna", stripesim.VisitAudit{Holds: 1, Releases: 1})
			if strings.Contains(w.orders("anna"), "capture") {
				t.Errorf("orders %s: nothing is captured of an empty cart", w.orders("anna"))
			}
			w.end()
		})
	}
}

// The provider is away for six hours while ten shoppers leave. They are let
// out; each is charged once when it is back.
func TestSequence37ProviderAway(t *testing.T) {
	w := newWorld(t)
	visits := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	for _, v := range visits {
		w.enters(v)
		w.takes(v, 1)
	}
	w.fault(fault.Fault{Op: "*", Kind: fault.Error503})
	w.fault(fault.Fault{Op: "*", Kind: fault.DropBefore})
	for _, v := range visits {
		w.exits(v, "exit "+v)
	}
	if a := w.comesLate(); a.Decision != engine.GateRefused {
		t.Errorf("the gate said %+v to somebody whose card cannot be held", a)
	}
	w.pass(6 * time.Hour)
	w.away = true
	w.start()
	w.away = false
	w.sim.ClearFaults()
	w.pass(day)
	for _, v := range visits {
		w.wantSettled(v, ledger.SettledCharged, 0)
		w.wantMoney(v, charged(1))
	}
	w.end()
}

// The provider takes orders and never answers: our own patience ends the wait,
// and the orders are asked about like any other.
func TestAProviderThatHangs(t *testing.T) {
	w := newWorld(t)
	w.enters("anna")
	w.takes("anna", 2)
	w.gateway = w.adapter(50 * time.Millisecond)
	w.fault(fault.Fault{Op: "payment_intents.capture", Kind: fault.Hang, Times: 1})
	w.exits("anna", "exit anna")
	w.pass(5 * time.Second)
	w.gateway = w.adapter(patience)
	w.pass(time.Minute)
	w.wantSettled("anna", ledger.SettledCharged, 0)
	w.wantMoney("anna", charged(2))
	w.wantOrders("anna", "create, capture hang, capture")
	w.end()
}

// comesLate shows a credential while the provider is away, of a shopper who was
// enrolled before, and waits for as long as a gate does.
func (w *world) comesLate() engine.GateAnswer {
	w.t.Helper()
	c := w.card("shopper-a", "pm_card_visa")
	w.present(engine.PresentCommand{
		Credential: ledger.CredentialQR, Ticket: "late", Shopper: "shopper-late", Customer: c.Customer, PaymentMethod: c.PaymentMethod,
	})
	w.pass(time.Minute)
	a, err := w.desk.Entry("late")
	w.must(err)
	return a
}

// A payout comes back from our bank. The money is at the provider again, in
// the books as there.
func TestSequence38PayoutFailed(t *testing.T) {
	w := newWorld(t)
	w.shops("anna", 2)
	w.pass(8 * day) // available
	w.reconcile()
	po, err := w.sim.PayOut("usd")
	w.must(err)
	w.pass(day)
	w.reconcile()
	transit := w.balance("Assets:Bank:InTransit")
	if transit <= 0 {
		t.Fatalf("%d are on their way to the bank, want what was paid out", transit)
	}
	w.must(w.sim.FailPayout(po, "account_closed"))
	w.pass(time.Hour)
	w.reconcile()
	w.reconcile()
	if n := w.balance("Assets:Bank:InTransit"); n != 0 {
		t.Errorf("%d are on their way to the bank, want nothing", n)
	}
	wantEvents[ledger.PayoutFailed](w, ledger.PayoutStream(po), 1)
	w.wantMoney("anna", charged(2))
	w.end()
}

// The process dies before and after the event that takes a receipt's number.
// Numbers have no gap and no double, over visits and corrections.
func TestSequence39ReceiptNumberGap(t *testing.T) {
	for _, place := range []string{"before", "after"} {
		for _, kind := range []ledger.Kind{ledger.KindReceiptIssued, ledger.KindReceiptCorrected} {
			t.Run(place+" "+string(kind), func(t *testing.T) {
				w := newWorld(t)
				w.shops("anna", 2)
				w.killAt = place + " " + string(kind)
				w.shops("ben", 1)
				w.correct("one", "anna", 1, 1)
				w.shops("cleo", 1)
				var numbers []string
				for _, v := range []string{"anna", "ben", "cleo"} {
					numbers = append(numbers, w.visit(v).Cart.Issued.Number)
				}
				numbers = append(numbers, w.visit("anna").Cart.Latest.Number)
				if got, want := strings.Join(numbers, " "),
					"corner-2026-000001 corner-2026-000002 corner-2026-000004 corner-2026-000003"; got != want {
					t.Errorf("numbers %s, want %s", got, want)
				}
				w.end()
			})
		}
	}
}

// Somebody refunds, captures and cancels on the provider's own pages. Each is
// booked once, asked about, and not done again.
func TestSequence40DashboardAction(t *testing.T) {
	w := newWorld(t)
	w.listen()
	refunded := w.shops("anna", 2)
	w.enters("ben")
	captured := w.visit("ben").Payment.HoldObject
	w.enters("cleo")
	canceled := w.visit("cleo").Payment.HoldObject
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": refunded, "amount": "300"})
	w.dashboard("/v1/payment_intents/"+captured+"/capture", map[string]string{"amount_to_capture": "700"})
	w.dashboard("/v1/payment_intents/"+canceled+"/cancel", nil)
	all := w.arrived()
	w.opens(all...)
	w.start()
	w.opens(all...)
	w.poll()
	w.takes("ben", 1) // 5.00, and 7.00 were taken
	w.leaves("ben")
	w.takes("cleo", 1) // and her hold is gone
	w.leaves("cleo")
	w.pass(day)
	for visit, want := range map[string]ledger.ExternalWhat{
		"anna": ledger.ExternalRefund, "ben": ledger.ExternalCapture, "cleo": ledger.ExternalRelease,
	} {
		if got := events[ledger.ExternalObserved](w, paymentOf(visit)); len(got) != 1 || got[0].What != want {
			t.Errorf("visit %s: observed %+v, want one %s", visit, got, want)
		}
	}
	w.wantMoney("anna", stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: 1000, Refunds: 1, Refunded: 300})
	w.wantMoney("ben", stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: 700, Refunds: 1, Refunded: 200})
	w.wantMoney("cleo", stripesim.VisitAudit{Holds: 2, Captures: 1, Captured: 500, Releases: 1})
	w.early = 1 // ben's, taken while he was inside
	w.end()
}
