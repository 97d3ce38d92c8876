package watch_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// post asks the simulator as the provider's own pages would.
func post(w *world, path string, form map[string]string) error {
	values := url.Values{}
	for k, v := range form {
		values.Set(k, v)
	}
	r, err := http.NewRequestWithContext(w.Context(), http.MethodPost, "http://stripe.invalid"+path, strings.NewReader(values.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer sk_test_x")
	answer, err := w.sim.Transport().RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d", path, answer.StatusCode)
	}
	return nil
}

// A day on which everything goes as ordered leaves nothing to write down, in
// whatever order and however often it is looked at.
func TestNothingIsLackingAfterAnOrdinaryDay(t *testing.T) {
	w := newWorld(t, house)
	pi := w.shops("anna", 2)
	w.shops("ben", 0)
	w.enter("cleo") // is still inside
	w.poll()        // the first says that it has begun
	head, err := w.log.Head(t.Context())
	w.must(err)
	for range 3 {
		w.poll()
		w.must(w.watcher.Look(t.Context(), pi))
		w.must(w.watcher.Look(t.Context(), "cus_nobody"))
		w.must(w.watcher.Look(t.Context(), "pi_nobody"))
	}
	if now, _ := w.log.Head(t.Context()); now != head {
		t.Errorf("%d events were written about nothing", now-head)
	}
	if _, err := w.watcher.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, _ := w.log.Head(t.Context()); now != head+1 { // provider.swept
		t.Errorf("the sweep wrote %d events, want one", now-head)
	}
}

// TestDashboardActionsAreAdoptedOnce: somebody refunds, captures and cancels
// on the provider's own pages. Each is booked once, and nothing is done again.
func TestDashboardActionsAreAdoptedOnce(t *testing.T) {
	w := newWorld(t, house)
	refunded, captured, canceled := w.shops("anna", 2), "", ""
	w.enter("ben")
	captured = w.visit("ben").Payment.HoldObject
	w.enter("cleo")
	canceled = w.visit("cleo").Payment.HoldObject
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": refunded, "amount": "300"})
	w.dashboard("/v1/payment_intents/"+captured+"/capture", map[string]string{"amount_to_capture": "700"})
	w.dashboard("/v1/payment_intents/"+canceled+"/cancel", nil)
	for range 3 {
		w.poll()
		w.start()
	}
	for visit, want := range map[string]ledger.ExternalWhat{
		"anna": ledger.ExternalRefund, "ben": ledger.ExternalCapture, "cleo": ledger.ExternalRelease,
	} {
		got := events[ledger.ExternalObserved](w, visit)
		if len(got) != 1 || got[0].What != want || !got[0].Intent.IsZero() || got[0].Key != "" {
			t.Errorf("visit %s: observed %+v, want one %s without an order", visit, got, want)
		}
	}
	if v := w.visit("anna"); v.Payment.Refunded != usd(300) || v.Owed.Minor != 0 {
		t.Errorf("anna: refunded %s, owed %s, want 3.00 and nothing", v.Payment.Refunded, v.Owed)
	}
	w.takes("ben", 1)
	w.leaves("ben") // he took 5.00 and paid 7.00 at the dashboard
	w.pass(time.Hour)
	if v := w.visit("ben"); v.Payment.Captured != usd(700) || v.Payment.Refunded != usd(200) {
		t.Errorf("ben: captured %s, refunded %s, want 7.00 once and 2.00 back", v.Payment.Captured, v.Payment.Refunded)
	}
	if d := w.sim.Audit().Doubled; len(d) > 0 {
		t.Errorf("orders carried out twice: %v", d)
	}
}

// TestHoldLapsesAtTheProvider: nobody captured in time; what the provider let
// go is written down as lapsed, not as somebody's doing.
func TestHoldLapsesAtTheProvider(t *testing.T) {
	w := newWorld(t, house)
	w.enter("anna")
	w.set(w.now().Add(8 * 24 * time.Hour))
	w.must(w.sim.Settle())
	w.poll()
	w.poll()
	got := events[ledger.HoldLapsed](w, "anna")
	if len(got) != 1 || got[0].Amount != usd(5000) || len(events[ledger.ExternalObserved](w, "anna")) != 0 {
		t.Errorf("lapsed: %+v, want one of 50.00", got)
	}
}

// TestRefundComesBackWeeksLater: a refund that had succeeded fails at the
// shopper's bank. It is known from the event list, once.
func TestRefundComesBackWeeksLater(t *testing.T) {
	w := newWorld(t, house)
	pi := w.shops("anna", 2)
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": pi, "amount": "300"})
	w.poll()
	re := events[ledger.ExternalObserved](w, "anna")[0].Object
	w.pass(20 * 24 * time.Hour)
	w.must(w.sim.FailRefund(re, "lost_or_stolen_card"))
	for range 2 {
		w.poll()
		w.start()
	}
	got := events[ledger.RefundFailed](w, "anna")
	if len(got) != 1 || got[0] != (ledger.RefundFailed{Refund: re, Amount: usd(300), Code: "lost_or_stolen_card"}) {
		t.Errorf("failed: %+v, want %s once", got, re)
	}
}

// TestAnOpenOrderIsLeftToTheEngine: the answer to a capture was lost, and the
// event list has it. It is our order, so nothing external is written; the
// engine asks and books it as its own.
func TestAnOpenOrderIsLeftToTheEngine(t *testing.T) {
	w := newWorld(t, house)
	w.enter("anna")
	w.takes("anna", 1)
	if _, err := w.sim.Fault(stripesim.Fault{Op: "payment_intents.capture", Kind: stripesim.DropAfter, Times: 1}); err != nil {
		t.Fatal(err)
	}
	w.leaves("anna")
	w.poll()
	if got := events[ledger.ExternalObserved](w, "anna"); len(got) != 0 {
		t.Errorf("observed %+v, want nothing: it is our own order", got)
	}
	w.pass(10 * time.Minute)
	v := w.visit("anna")
	if v.Payment.Captured != usd(500) || len(events[ledger.Captured](w, "anna")) != 1 {
		t.Errorf("captured %s, want 5.00 by our own order", v.Payment.Captured)
	}
}

// TestPollTriesAgain: what could not be looked at is looked at the next time,
// though the list is read from a later place by then.
func TestPollTriesAgain(t *testing.T) {
	w := newWorld(t, house)
	pi := w.shops("anna", 2)
	w.poll()
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": pi, "amount": "300"})
	if _, err := w.sim.Fault(stripesim.Fault{Op: "payment_intents.retrieve", Kind: stripesim.Error503}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.watcher.Poll(t.Context()); err == nil {
		t.Fatal("Poll = nil although the provider was away")
	}
	w.sim.ClearFaults()
	w.set(w.now().Add(time.Hour))
	w.poll()
	if got := events[ledger.ExternalObserved](w, "anna"); len(got) != 1 {
		t.Errorf("observed %+v, want the refund", got)
	}
	if c := w.watcher.Counts(); c.Failed != 1 || c.External != 1 {
		t.Errorf("Counts = %+v, want one failure and one movement", c)
	}
}

// TestRestoreToYesterdayChargesNobodyTwice is the classic mass double charge,
// and that it does not happen. The log is restored to yesterday: anna's and
// ben's captures are lost, frida's hold is, and dora's visit is not in it at
// all. The provider is compared before anything is sent; then the shop goes
// on, and the gate sends again what the log had lost.
func TestRestoreToYesterdayChargesNobodyTwice(t *testing.T) {
	w, before := restored(t, true)
	after := w.sim.Audit()
	if len(after.Doubled) > 0 {
		t.Errorf("orders carried out twice: %v", after.Doubled)
	}
	for _, visit := range []string{"anna", "ben", "dora", "emil", "frida"} {
		was, is := before.Visits[visit], after.Visits[visit]
		if is.Captured != was.Captured || is.Captures != was.Captures || is.Holds != 1 || is.Refunded != was.Refunded {
			t.Errorf("visit %s: %+v, before the restore %+v", visit, is, was)
		}
	}
	for visit, amount := range map[string]int64{"anna": 500, "ben": 1000} {
		v := w.visit(visit)
		if v.Cart.Settled == nil || v.Payment.Captured != usd(amount) || v.Owed.Minor != 0 {
			t.Errorf("visit %s: captured %s, owed %s, settled %v; want %s, nothing, settled", visit, v.Payment.Captured, v.Owed,
				v.Cart.Settled, usd(amount))
		}
	}
	lost := events[ledger.ExternalObserved](w, "anna")
	if len(lost) != 1 || lost[0].Key != "v1/corner/anna/capture/1" || lost[0].Intent.IsZero() {
		t.Errorf("anna: %+v, want her capture with its key", lost)
	}
	anna := w.visit("anna").Payment
	if n := anna.Tries(billing.OpCapture, ""); n != 1 {
		t.Errorf("anna's next capture would be number %d, want 2", n+1)
	}
	if asked := events[ledger.PaymentEscalated](w, "dora"); len(asked) != 1 || !strings.Contains(asked[0].Reason, "5.00 USD captured") {
		t.Errorf("dora: a person was asked %+v, want once about 5.00", asked)
	}
	again, err := w.watcher.Restored(t.Context(), w.now().Add(-120*time.Hour))
	if err != nil || again.Adopted != 0 {
		t.Errorf("Restored again = %+v, %v, want nothing to adopt", again, err)
	}
}

// TestWithoutTheSweepSomebodyIsHeldTwice shows that the test before can fail:
// the same story, sent on at once.
func TestWithoutTheSweepSomebodyIsHeldTwice(t *testing.T) {
	w, _ := restored(t, false)
	if n := w.sim.Audit().Visits["frida"].Holds; n != 2 {
		t.Errorf("frida has %d holds, want the second one that the sweep prevents", n)
	}
}

// restored tells the story of a log that was restored to yesterday, with or
// without the sweep, and returns what had moved before.
func restored(t *testing.T, sweep bool) (*world, stripesim.Audit) {
	t.Helper()
	w := newWorld(t, house)
	w.enter("anna")
	w.takes("anna", 1)
	w.enter("ben")
	w.takes("ben", 2)
	w.shops("emil", 3) // over and done, in the log
	w.present("frida") // the gate's word is in the log, the order not
	cut, err := w.log.Head(t.Context())
	w.must(err)
	until := w.now()

	w.settle()
	w.pass(2 * time.Hour)
	w.leaves("anna") // charged 5.00
	w.leaves("ben")  // charged 10.00
	w.enter("dora")
	w.takes("dora", 1)
	w.leaves("dora")
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": w.visit("ben").Payment.CaptureObject, "amount": "100"})
	w.pass(26 * time.Hour) // keys are forgotten meanwhile
	before := w.sim.Audit()

	w.log = w.cutAt(cut)
	w.start()
	if sweep {
		s, err := w.watcher.Restored(t.Context(), until)
		if err != nil || s.Adopted != 4 {
			t.Fatalf("Restored = %+v, %v, want the payments of anna, ben, dora and frida adopted", s, err)
		}
	}
	w.settle()
	w.leaves("anna")
	w.leaves("ben")
	w.pass(48 * time.Hour)
	w.start() // and a restart
	w.pass(48 * time.Hour)
	w.poll()
	return w, before
}

// cutAt is the log up to a position, as a restore makes it.
func (w *world) cutAt(position uint64) *memlog.Log {
	w.Helper()
	out := memlog.New(w.now)
	for r, err := range w.log.Read(w.Context(), ledger.Query{}) {
		w.must(err)
		if r.Position > position {
			break
		}
		_, err := out.Append(w.Context(), r.Stream, ledger.Any(), ledger.Draft{
			ID: r.ID, Kind: r.Kind, Occurred: r.Occurred, Actor: r.Actor, Cause: r.Cause, Trace: r.Trace, Body: r.Body,
		})
		w.must(err)
	}
	return out
}

// TestOutcomesOfOpenOrdersAreAdopted: the log ends between an intention and
// its outcome. The sweep writes the outcome, so that nothing is sent at all.
func TestOutcomesOfOpenOrdersAreAdopted(t *testing.T) {
	w := newWorld(t, house)
	w.enter("anna")
	w.takes("anna", 1)
	w.leaves("anna")
	var cut uint64
	for r, err := range w.log.Read(t.Context(), ledger.Query{Stream: "payment-anna", Kinds: []ledger.Kind{ledger.KindCaptureIntended}}) {
		w.must(err)
		cut = r.Position
	}
	restored := w.now()
	w.pass(30 * time.Hour)
	w.log = w.cutAt(cut)
	w.start()
	if _, err := w.watcher.Restored(t.Context(), restored); err != nil {
		t.Fatal(err)
	}
	if n := len(events[ledger.Captured](w, "anna")); n != 1 {
		t.Fatalf("%d outcomes, want one", n)
	}
	sent := w.sim.Audit().Requests
	w.pass(time.Hour)
	if now := w.sim.Audit().Requests; now != sent {
		t.Errorf("%d requests were sent, want none", now-sent)
	}
	if v := w.visit("anna"); v.Payment.Captured != usd(500) || v.Payment.Open != nil || len(v.Payment.Odd) > 0 {
		t.Errorf("anna: %+v, want 5.00 captured and nothing open", v.Payment)
	}
}
