package sequences_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/stripesim/fault"
	"github.com/vouchledger/vouch/ledger"
)

// charged is what the provider says of a visit that had one hold and was
// charged n colas.
func charged(n int64) stripesim.VisitAudit {
	return stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: 500 * n}
}

// refunded is charged, and given back of it.
func refunded(n, refunds, minor int64) stripesim.VisitAudit {
	v := charged(n)
	v.Refunds, v.Refunded = int(refunds), minor
	return v
}

// The answer to the hold is lost, and the process dies of it. The next one
// sends the same key and gets the same hold.
func TestSequence01LostResponseOnHold(t *testing.T) {
	w := newWorld(t)
	w.fault(fault.Fault{Op: "payment_intents.create", Kind: fault.DropAfter, Times: 1})
	w.killAt = "before payment.unclear.v1"
	w.presents("anna", "pm_card_visa")
	w.pass(5 * time.Second)
	w.takes("anna", 2)
	w.leaves("anna")
	w.wantSettled("anna", ledger.SettledCharged, 0)
	w.wantMoney("anna", charged(2))
	w.wantOrders("anna", "create drop_after, create replayed, capture")
	w.end()
}

// The order is written down, and the process dies before it leaves. The next
// one sends it, once.
func TestSequence02CrashBeforeSend(t *testing.T) {
	for _, op := range []string{"hold", "capture", "refund"} {
		t.Run(op, func(t *testing.T) {
			w := newWorld(t)
			w.killAt = "send " + op
			w.shops("anna", 2)
			w.correct("one", "anna", 1, 1)
			w.wantMoney("anna", refunded(2, 1, 500))
			w.wantOrders("anna", "create, capture, refund")
			w.end()
		})
	}
}

// The order was carried out, and the process dies before that is written down.
// The next one sends the same key and is told the same.
func TestSequence03CrashAfterSend(t *testing.T) {
	for op, want := range map[string]string{
		"hold": "create, create replayed, capture, refund", "capture": "create, capture, capture replayed, refund",
		"refund": "create, capture, refund, refund replayed",
	} {
		t.Run(op, func(t *testing.T) {
			w := newWorld(t)
			w.killAt = "sent " + op
			w.shops("anna", 2)
			w.correct("one", "anna", 1, 1)
			w.wantMoney("anna", refunded(2, 1, 500))
			w.wantOrders("anna", want)
			w.end()
		})
	}
}

// The process comes back after 25 hours, when the provider has forgotten the
// key: the order is looked up. What is there is adopted; what is not is
// ordered again, under the next key.
func TestSequence04RetryAfterKeyPruned(t *testing.T) {
	for _, tt := range []struct {
		killAt  string
		intents int
	}{{"sent refund", 1}, {"send refund", 2}} {
		t.Run(tt.killAt, func(t *testing.T) {
			w := newWorld(t)
			w.shops("anna", 2)
			w.killAt, w.down = tt.killAt, 25*time.Hour
			w.correct("one", "anna", 1, 1)
			w.wantMoney("anna", refunded(2, 1, 500))
			w.wantOrders("anna", "create, capture, refund")
			wantEvents[ledger.RefundIntended](w, paymentOf("anna"), tt.intents)
			wantEvents[ledger.Refunded](w, paymentOf("anna"), 1)
			w.end()
		})
	}
	for _, killAt := range []string{"sent capture", "send capture"} {
		t.Run(killAt, func(t *testing.T) {
			w := newWorld(t)
			w.killAt, w.down = killAt, 25*time.Hour
			w.shops("anna", 2)
			w.wantMoney("anna", charged(2))
			w.wantOrders("anna", "create, capture")
			w.end()
		})
	}
}

// The price changes between an order and its repetition: the order is what was
// written down. And a key that somebody used for other parameters is a fault
// of ours: it is an open question to a person, and no other key is tried while
// the provider remembers this one.
func TestSequence05ParamsChangedBetweenRetries(t *testing.T) {
	t.Run("price", func(t *testing.T) {
		w := newWorld(t)
		w.fault(fault.Fault{Op: "payment_intents.capture", Kind: fault.DropBefore, Times: 2})
		w.killAt = "sent capture"
		w.enters("anna")
		w.takes("anna", 2)
		w.exits("anna", "exit anna")
		w.pass(5 * time.Second)
		w.do("price", func(ctx context.Context) error {
			_, err := w.desk.SetPrice(ctx, w.meta("new price"), main, ledger.PriceSet{SKU: cola, Price: usd(100), From: w.now()})
			return err
		})
		w.pass(time.Minute)
		w.wantMoney("anna", charged(2))
		w.wantOrders("anna", "create, capture drop_before, capture drop_before, capture")
		w.end()
	})
	t.Run("key", func(t *testing.T) {
		w := newWorld(t)
		w.enters("anna")
		w.takes("anna", 2)
		key := billing.CaptureKey(corner, "anna", 1)
		w.dashboardAs(key, "/v1/customers", map[string]string{"name": "nobody"})
		w.leaves("anna")
		w.pass(22 * time.Hour)
		for _, in := range events[ledger.CaptureIntended](w, paymentOf("anna")) {
			if in.Key != key {
				t.Errorf("the capture was tried under %s", in.Key)
			}
		}
		for _, u := range events[ledger.PaymentUnclear](w, paymentOf("anna")) {
			if !strings.Contains(u.Detail, "key") {
				t.Errorf("unclear because %q, want the key named", u.Detail)
			}
		}
		w.wantMoney("anna", stripesim.VisitAudit{Holds: 1, Held: 5000})
		w.pass(3 * day) // looked up, found not done, and done
		w.wantMoney("anna", charged(2))
		w.end()
	})
}

// A 500 is stored under the key and comes back for ever: the order is looked
// up. Absent, it is given under the next key; present, it is adopted.
func TestSequence06StoredServerError(t *testing.T) {
	for _, tt := range []struct {
		kind    fault.Kind
		intents int
	}{{fault.Error500, 2}, {fault.Error500After, 1}} {
		t.Run(string(tt.kind), func(t *testing.T) {
			w := newWorld(t)
			w.fault(fault.Fault{Op: "payment_intents.capture", Kind: tt.kind, Times: 1})
			w.shops("anna", 2)
			w.pass(2 * day)
			w.wantSettled("anna", ledger.SettledCharged, 0)
			w.wantMoney("anna", charged(2))
			wantEvents[ledger.CaptureIntended](w, paymentOf("anna"), tt.intents)
			w.end()
		})
	}
}

// Two workers are at the same visit, and at each step the other is quicker.
// The log takes one of two appends; the provider says 409 to a key in use, and
// answers both in the end. Nothing is done twice.
func TestSequence07KeyInUse(t *testing.T) {
	w := newWorld(t)
	w.fault(fault.Fault{Op: "payment_intents.capture", Kind: fault.Error409, Times: 1})
	w.fault(fault.Fault{Op: "payment_intents.create", Kind: fault.LockTimeout, Times: 1})
	other := w.begin()
	w.beside = func(string) {
		_, err := other.live.Drain(w.ctx, mortalGateway{w}, w.now())
		w.must(err)
	}
	w.presents("anna", "pm_card_visa")
	w.pass(5 * time.Second)
	w.takes("anna", 2)
	w.leaves("anna")
	w.wantSettled("anna", ledger.SettledCharged, 0)
	w.wantMoney("anna", charged(2))
	for _, n := range []int{
		len(events[ledger.HoldIntended](w, paymentOf("anna"))), len(events[ledger.Held](w, paymentOf("anna"))),
		len(events[ledger.CaptureIntended](w, paymentOf("anna"))), len(events[ledger.Captured](w, paymentOf("anna"))),
	} {
		if n != 1 {
			t.Errorf("two workers wrote %d orders or outcomes where one is due", n)
		}
	}
	w.end()
}

// The answer to the capture is lost: asked again with its key it is the same
// capture. Asked under a new key the provider refuses, for the hold is
// captured; that is found out and is success, not failure.
func TestSequence08CaptureLostResponse(t *testing.T) {
	w := newWorld(t)
	w.fault(fault.Fault{Op: "payment_intents.capture", Kind: fault.DropAfter, Times: 1})
	pi := w.shops("anna", 2)
	w.wantSettled("anna", ledger.SettledCharged, 0)
	w.wantOrders("anna", "create, capture drop_after, capture replayed")
	out, err := w.gateway.Capture(t.Context(), billing.Order{
		Op: billing.OpCapture, ID: "new", Key: billing.CaptureKey(corner, "anna", 2), Visit: "anna", Store: string(corner),
		Amount: usd(1000), Object: pi, First: w.now(),
	})
	if err != nil || out.Status != billing.Done || out.Amount != usd(1000) {
		t.Errorf("a capture under a new key = %+v, %v, want done: it was", out, err)
	}
	w.wantMoney("anna", charged(2))
	w.end()
}

// The webhook about a capture is there before the capture's own answer. It
// makes nobody capture again, and the answer is booked once.
func TestSequence09WebhookBeforeResponse(t *testing.T) {
	w := newWorld(t)
	w.listen()
	w.enters("anna")
	w.takes("anna", 2)
	w.opens(w.arrived()...)
	early := 0
	w.beside = func(place string) {
		if place == "sent capture" {
			for _, l := range w.arrived() {
				early++
				w.must(w.receive(l))
			}
		}
	}
	w.leaves("anna")
	w.beside = nil
	if early == 0 {
		t.Fatal("no webhook came before the answer")
	}
	w.opens(w.arrived()...)
	w.wantSettled("anna", ledger.SettledCharged, 0)
	w.wantMoney("anna", charged(2))
	wantEvents[ledger.Captured](w, paymentOf("anna"), 1)
	wantEvents[ledger.ExternalObserved](w, paymentOf("anna"), 0)
	w.end()
}
