package sequences_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/stripesim/fault"
	"github.com/vouchledger/vouch/ledger"
)

// head is how many events the log has.
func (w *world) head() uint64 {
	w.t.Helper()
	n, err := w.memory.Head(w.ctx)
	w.must(err)
	return n
}

// Every webhook comes five times. Each of the provider's events has one effect.
func TestSequence10WebhookDuplicated(t *testing.T) {
	w := newWorld(t)
	w.listen()
	w.fault(fault.Fault{Op: "*", Kind: fault.Duplicate, Count: 4})
	pi := w.shops("anna", 2)
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": pi, "amount": "300"})
	all := w.arrived()
	distinct := map[string]bool{}
	for _, l := range all {
		n, err := w.hooks.ParseWebhook(l.body, l.header)
		w.must(err)
		distinct[n.EventID] = true
	}
	if len(all) != 5*len(distinct) || len(distinct) < 3 {
		t.Fatalf("%d webhooks of %d events arrived, want each five times", len(all), len(distinct))
	}
	w.opens(all...)
	after := w.head()
	w.opens(all...)
	if now := w.head(); now != after {
		t.Errorf("the same webhooks wrote %d events more", now-after)
	}
	notified := events[ledger.PaymentNotified](w, paymentOf("anna"))
	for _, n := range notified {
		delete(distinct, n.Event)
	}
	for _, n := range notified {
		if slices.IndexFunc(notified, func(o ledger.PaymentNotified) bool { return o.Event == n.Event }) < 0 || distinct[n.Event] {
			t.Errorf("event %s was noted twice", n.Event)
		}
	}
	wantEvents[ledger.ExternalObserved](w, paymentOf("anna"), 1)
	w.wantMoney("anna", refunded(2, 1, 300))
	w.end()
}

// Webhooks come in the wrong order, and say what was true before: a refund
// before its capture, a cancellation after it. Nothing they say is believed.
func TestSequence11WebhooksReordered(t *testing.T) {
	w := newWorld(t)
	w.listen()
	w.fault(fault.Fault{Op: "charge.*", Kind: fault.Stale})
	w.shops("anna", 2)
	w.correct("one", "anna", 1, 1)
	w.shops("ben", 0) // released: payment_intent.canceled
	before := []int{len(events[ledger.Captured](w, paymentOf("anna"))), len(events[ledger.Refunded](w, paymentOf("anna")))}
	all := w.arrived()
	slices.Reverse(all)
	if refused := w.opens(all...); len(refused) > 0 {
		t.Errorf("refused %v", refused)
	}
	w.pass(time.Hour)
	after := []int{len(events[ledger.Captured](w, paymentOf("anna"))), len(events[ledger.Refunded](w, paymentOf("anna")))}
	if !slices.Equal(before, after) || !slices.Equal(before, []int{1, 1}) {
		t.Errorf("captures and refunds: %v before the webhooks and %v after, want one each", before, after)
	}
	wantEvents[ledger.ExternalObserved](w, paymentOf("anna"), 0)
	wantEvents[ledger.ExternalObserved](w, paymentOf("ben"), 0)
	w.wantMoney("anna", refunded(2, 1, 500))
	w.wantMoney("ben", stripesim.VisitAudit{Holds: 1, Releases: 1})
	w.end()
}

// For three days no webhook arrives. What they would have told is found in the
// provider's list: a refund at the dashboard, a claim.
func TestSequence12WebhookLostForDays(t *testing.T) {
	w := newWorld(t)
	w.listen()
	w.fault(fault.Fault{Op: "*", Kind: fault.Lose})
	a, b := w.shops("anna", 2), w.shops("ben", 1)
	w.poll()
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": a, "amount": "300"})
	_, err := w.sim.Dispute(b, stripesim.Dispute{})
	w.must(err)
	w.pass(3*day - time.Hour)
	if n := len(w.arrived()); n > 0 {
		t.Fatalf("%d webhooks arrived", n)
	}
	w.poll()
	w.poll()
	wantEvents[ledger.ExternalObserved](w, paymentOf("anna"), 1)
	wantEvents[ledger.ChargebackOpened](w, paymentOf("ben"), 1)
	w.wantMoney("anna", refunded(2, 1, 300))
	want := charged(1)
	want.Disputes, want.Withdrawn = 1, 500
	w.wantMoney("ben", want)
	w.end()
}

// A webhook of another version of the provider's interface, and one that was
// signed with another secret. The first is put aside, and its object looked at
// all the same; the second is refused, and nothing is written.
func TestSequence13WrongVersionWebhook(t *testing.T) {
	w := newWorld(t)
	w.listen()
	pi := w.shops("anna", 2)
	w.opens(w.arrived()...)
	w.fault(fault.Fault{Op: "charge.refunded", Kind: fault.WrongVersion, Times: 1})
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": pi, "amount": "300"})
	w.opens(w.arrived()...)
	wantEvents[ledger.NoticeQuarantined](w, ledger.ProviderStream(stripesim.Account), 1)
	wantEvents[ledger.ExternalObserved](w, paymentOf("anna"), 1)

	w.fault(fault.Fault{Op: "*", Kind: fault.WrongSignature})
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": pi, "amount": "100"})
	before := w.head()
	refused := w.opens(w.arrived()...)
	if len(refused) == 0 || w.head() != before {
		t.Errorf("%d forged webhooks were refused, and %d events written; want all and none", len(refused), w.head()-before)
	}
	for _, err := range refused {
		if !errors.Is(err, stripe.ErrSignature) {
			t.Errorf("refused with %v, want %v", err, stripe.ErrSignature)
		}
	}
	w.poll() // it is true all the same
	w.wantMoney("anna", refunded(2, 2, 400))
	w.end()
}
