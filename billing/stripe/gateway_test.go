package stripe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/ledger/money"
)

// A shopper is held for 50, takes bottles for 12.90, and gets 3.10 back.
func TestHoldCaptureRefund(t *testing.T) {
	s := open(t)
	hold := s.want(s.order("v1", billing.OpHold, usd(5000), ""), billing.Done, "")
	if hold.Amount != usd(5000) {
		t.Errorf("Hold = %s, want 50.00 USD", hold.Amount)
	}
	// A merchant-initiated Visa hold lapses after 4 days and 18 hours.
	if want := noon.Add(114 * time.Hour); !hold.CaptureBefore.Equal(want) {
		t.Errorf("Hold: CaptureBefore = %s, want %s", hold.CaptureBefore, want)
	}
	s.want(s.order("v1", billing.OpCapture, usd(1290), hold.Object), billing.Done, "")
	refund := s.want(s.order("v1", billing.OpRefund, usd(310), hold.Object), billing.Done, "")
	if !strings.HasPrefix(refund.Object, "re_") || refund.Amount != usd(310) {
		t.Errorf("Refund = %+v, want 3.10 USD and an re_ object", refund)
	}
	s.audit("v1", stripesim.VisitAudit{Holds: 1, Captures: 1, Refunds: 1, Captured: 1290, Refunded: 310})

	p, err := s.gateway.Fetch(t.Context(), refund.Object)
	if err != nil {
		t.Fatal(err)
	}
	if p.Object != hold.Object || p.Visit != "v1" || p.Store != "store-1" || p.OpID != "v1-hold-1" ||
		p.CaptureOp != "v1-capture-1" || p.Customer != s.card.Customer {
		t.Errorf("Fetch = %+v, want the names of the orders", p)
	}
	if p.Held != usd(0) || p.Captured != usd(1290) || p.Refunded != usd(310) || p.Refunding != usd(0) || p.Canceled {
		t.Errorf("Fetch: held %s captured %s refunded %s, want 0, 12.90, 3.10", p.Held, p.Captured, p.Refunded)
	}
	if len(p.Refunds) != 1 || p.Refunds[0].OpID != "v1-refund-1" {
		t.Errorf("Fetch: refunds = %+v, want v1-refund-1", p.Refunds)
	}
}

// An empty visit is released; releasing again is no second effect.
func TestReleaseOfAnEmptyVisit(t *testing.T) {
	s := open(t)
	pi := s.held("v1")
	s.want(s.order("v1", billing.OpRelease, money.Money{}, pi), billing.Done, "")
	again := s.order("v1", billing.OpRelease, money.Money{}, pi)
	again.Key += "-other"
	s.want(again, billing.Done, "")
	s.want(s.order("v1", billing.OpCapture, usd(1), pi), billing.Declined, CodeCanceled)
	s.audit("v1", stripesim.VisitAudit{Holds: 1, Releases: 1})

	taken := s.held("v2")
	s.want(s.order("v2", billing.OpCapture, usd(100), taken), billing.Done, "")
	s.want(s.order("v2", billing.OpRelease, money.Money{}, taken), billing.Declined, CodeCaptured)
	s.audit("v2", stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: 100})
}

// What the bank says no to is an outcome with its reason, and no money moves.
func TestDeclines(t *testing.T) {
	s := open(t)
	for method, code := range map[string]string{
		"pm_card_chargeDeclined":                       "generic_decline",
		"pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
		"pm_card_chargeDeclinedExpiredCard":            "expired_card",
		"pm_card_authenticationRequired":               CodeAuthentication,
		"pm_unheard_of":                                "resource_missing",
	} {
		o := s.order("gate-"+method, billing.OpHold, usd(5000), "")
		o.PaymentMethod = method
		out := s.want(o, billing.Declined, code)
		if out.Amount.Minor != 0 {
			t.Errorf("Hold on %s = %s, want nothing", method, out.Amount)
		}
		if method == "pm_unheard_of" {
			continue
		}
		s.audit(o.Visit, stripesim.VisitAudit{Declines: 1})
		found, err := s.gateway.Find(t.Context(), o)
		if err != nil || found.Status != billing.Declined || found.Code != code {
			t.Errorf("Find(%s) = %+v, %v, want declined %q", o.ID, found, err, code)
		}
	}

	o := s.order("exit", billing.OpHold, usd(5000), "")
	o.PaymentMethod = stripesim.DeclineAtCapture
	pi := s.want(o, billing.Done, "").Object
	s.want(s.order("exit", billing.OpCapture, usd(1290), pi), billing.Declined, "insufficient_funds")
	s.audit("exit", stripesim.VisitAudit{Holds: 1, Declines: 1, Held: 5000})

	bob := Enrolment{Key: "k", Shopper: "bob", PaymentMethod: "pm_card_chargeDeclined"}
	_, code, err := s.gateway.Enrol(t.Context(), bob)
	if err != nil || code != "generic_decline" {
		t.Errorf("Enrol of a declined card = %q, %v, want generic_decline", code, err)
	}
}

// A capture above the hold and refunds above the capture are refused.
func TestLimits(t *testing.T) {
	s := open(t)
	pi := s.held("v1")
	s.want(s.order("v1", billing.OpRefund, usd(100), pi), billing.Declined, "payment_intent_unexpected_state")
	s.want(s.order("v1", billing.OpCapture, usd(5001), pi), billing.Declined, "amount_too_large")
	o := s.order("v1", billing.OpCapture, usd(1290), pi)
	o.Key += "-2"
	s.want(o, billing.Done, "")
	over := s.order("v1", billing.OpRefund, usd(1291), pi)
	over.ID, over.Key = "over", "over"
	s.want(over, billing.Declined, "amount_too_large")
	full := s.order("v1", billing.OpRefund, usd(1290), pi)
	full.ID, full.Key = "full", "full"
	first := s.want(full, billing.Done, "")
	more := s.order("v1", billing.OpRefund, usd(1), pi)
	more.ID, more.Key = "more", "more"
	s.want(more, billing.Declined, "charge_already_refunded")
	full.Key = "full-with-another-key" // our own refund is recognised
	if again := s.want(full, billing.Done, ""); again.Object != first.Object {
		t.Errorf("Refund again = %s, want %s", again.Object, first.Object)
	}
	s.audit("v1", stripesim.VisitAudit{Holds: 1, Captures: 1, Refunds: 1, Captured: 1290, Refunded: 1290})
}

// Whatever happens to the answer, the same order sent again until it has an
// answer moves money once.
func TestSameOrderAgain(t *testing.T) {
	kinds := []stripesim.FaultKind{
		stripesim.DropBefore, stripesim.DropAfter, stripesim.Half, stripesim.Error503, stripesim.Error429,
		stripesim.Error409, stripesim.Slow, stripesim.Late, stripesim.Hang,
	}
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel() // they mostly wait
			s := open(t)
			if slices.Contains([]stripesim.FaultKind{stripesim.Slow, stripesim.Late, stripesim.Hang}, kind) {
				s.gateway.timeout = 150 * time.Millisecond // only once the shop is open
			}
			for _, op := range []string{"create", "capture", "cancel"} {
				s.fault(stripesim.Fault{Op: "payment_intents." + op, Kind: kind, Times: 1, DelayMS: 600})
			}
			s.fault(stripesim.Fault{Op: "refunds.create", Kind: kind, Times: 1, DelayMS: 600})
			pi := s.untilAnswered(s.order("v1", billing.OpHold, usd(5000), ""), 1).Object
			s.untilAnswered(s.order("v1", billing.OpCapture, usd(1290), pi), 1)
			s.untilAnswered(s.order("v1", billing.OpRefund, usd(310), pi), 1)
			s.audit("v1", stripesim.VisitAudit{Holds: 1, Captures: 1, Refunds: 1, Captured: 1290, Refunded: 310})
			pi = s.untilAnswered(s.order("v2", billing.OpHold, usd(5000), ""), 0).Object
			s.untilAnswered(s.order("v2", billing.OpRelease, money.Money{}, pi), 1)
			s.audit("v2", stripesim.VisitAudit{Holds: 1, Releases: 1})
		})
	}
}

// untilAnswered sends an order until its outcome is known, which must take at
// least so many tries more than one.
func (s *shop) untilAnswered(o billing.Order, more int) billing.Outcome {
	s.Helper()
	for try := range 100 {
		out, err := s.send(s.Context(), o)
		if err == nil {
			if out.Status != billing.Done || try < more {
				s.Fatalf("%s after %d tries = %+v, want done after a fault", o.ID, try, out)
			}
			return out
		}
		if !errors.Is(err, ErrUnknownOutcome) {
			s.Fatalf("%s = %v, want %v", o.ID, err, ErrUnknownOutcome)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-s.Context().Done():
		}
	}
	s.Fatalf("%s was never answered", o.ID)
	return billing.Outcome{}
}

// On a connection kept alive, Go's transport itself sends again what was lost,
// under the order's key: that too moves money once.
func TestLostOnAConnectionKeptAlive(t *testing.T) {
	s := open(t)
	s.server.Config.SetKeepAlivesEnabled(true)
	pi := s.held("v1")
	s.fault(stripesim.Fault{Op: "payment_intents.capture", Kind: stripesim.DropAfter, Times: 1})
	o := s.order("v1", billing.OpCapture, usd(1290), pi)
	if _, err := s.gateway.Capture(t.Context(), o); err != nil && !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("Capture = %v, want done or %v", err, ErrUnknownOutcome)
	}
	s.want(o, billing.Done, "")
	s.audit("v1", stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: 1290})
}

// These proofs can fail: a client that makes a new key for each try holds
// twice, and the audit says so.
func TestANewKeyForEachTryHoldsTwice(t *testing.T) {
	s := open(t)
	s.fault(stripesim.Fault{Op: "payment_intents.create", Kind: stripesim.DropAfter, Times: 1})
	o := s.order("v1", billing.OpHold, usd(5000), "")
	if _, err := s.gateway.Hold(t.Context(), o); !errors.Is(err, ErrUnknownOutcome) {
		t.Fatalf("Hold = %v, want %v", err, ErrUnknownOutcome)
	}
	o.Key += "-new"
	s.want(o, billing.Done, "")
	a := s.sim.Audit()
	if a.Visits["v1"].Holds != 2 || len(a.Doubled) != 1 {
		t.Errorf("Audit = %+v, want two holds and one doubled order", a)
	}
	if _, err := s.gateway.Find(t.Context(), o); !errors.Is(err, ErrMismatch) {
		t.Errorf("Find of a doubled order = %v, want %v", err, ErrMismatch)
	}
}

// A stored 500 answers for ever under its key; looking the order up tells
// whether the money moved.
func TestStored500(t *testing.T) {
	for kind, want := range map[stripesim.FaultKind]billing.Status{
		stripesim.Error500: billing.NotFound, stripesim.Error500After: billing.Done,
	} {
		t.Run(string(kind), func(t *testing.T) {
			s := open(t)
			s.fault(stripesim.Fault{Op: "payment_intents.create", Kind: kind, Times: 1})
			o := s.order("v1", billing.OpHold, usd(5000), "")
			for range 3 {
				if _, err := s.gateway.Hold(t.Context(), o); !errors.Is(err, ErrUnknownOutcome) {
					t.Fatalf("Hold = %v, want %v", err, ErrUnknownOutcome)
				}
			}
			if out, err := s.gateway.Find(t.Context(), o); err != nil || out.Status != want {
				t.Errorf("Find = %+v, %v, want %s", out, err, want)
			}
		})
	}
}

// A key older than 24 hours is forgotten: the order is found by its id, and
// each kind of order is.
func TestFindAdoptsAfterTheKeyIsForgotten(t *testing.T) {
	s := open(t)
	hold := s.order("v1", billing.OpHold, usd(5000), "")
	if out, err := s.gateway.Find(t.Context(), hold); err != nil || out.Status != billing.NotFound {
		t.Fatalf("Find before sending = %+v, %v, want not found", out, err)
	}
	first := s.want(hold, billing.Done, "")
	s.find(hold, first)
	for i := range 120 { // more than a page of other visits of the same shopper
		s.want(s.order(fmt.Sprintf("other-%d", i), billing.OpHold, usd(5000), ""), billing.Done, "")
	}
	if err := s.sim.Advance(25 * time.Hour); err != nil {
		t.Fatal(err)
	}
	s.find(hold, first)

	capture := s.order("v1", billing.OpCapture, usd(1290), first.Object)
	if out, err := s.gateway.Find(t.Context(), capture); err != nil || out.Status != billing.NotFound {
		t.Errorf("Find of a capture not sent = %+v, %v, want not found", out, err)
	}
	s.find(capture, s.want(capture, billing.Done, ""))
	refund := s.order("v1", billing.OpRefund, usd(310), first.Object)
	if out, err := s.gateway.Find(t.Context(), refund); err != nil || out.Status != billing.NotFound {
		t.Errorf("Find of a refund not sent = %+v, %v, want not found", out, err)
	}
	s.find(refund, s.want(refund, billing.Done, ""))
	s.audit("v1", stripesim.VisitAudit{Holds: 1, Captures: 1, Refunds: 1, Captured: 1290, Refunded: 310})

	// Without looking, the forgotten key holds a second time.
	again := s.want(hold, billing.Done, "")
	if again.Object == first.Object || len(s.sim.Audit().Doubled) != 1 {
		t.Errorf("Hold after the key was forgotten = %s, want a second hold", again.Object)
	}
}

// find looks an order up and compares.
func (s *shop) find(o billing.Order, want billing.Outcome) {
	s.Helper()
	got, err := s.gateway.Find(s.Context(), o)
	if err != nil || got.Status != want.Status || got.Object != want.Object || got.Amount != want.Amount {
		s.Errorf("Find(%s) = %+v, %v, want %+v", o.ID, got, err, want)
	}
}

// A capture whose answer was lost, sent again with another key, is recognised
// by its amount; another amount is for a person to look at.
func TestCaptureAlreadyDone(t *testing.T) {
	s := open(t)
	pi := s.held("v1")
	o := s.order("v1", billing.OpCapture, usd(1290), pi)
	s.want(o, billing.Done, "")
	o.Key += "-other"
	s.want(o, billing.Done, "")
	o.Key, o.Amount = o.Key+"-more", usd(1300)
	if _, err := s.gateway.Capture(t.Context(), o); !errors.Is(err, ErrMismatch) {
		t.Errorf("Capture of another amount = %v, want %v", err, ErrMismatch)
	}
	s.audit("v1", stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: 1290})
}

// A changed order under its old key is a bug and is called one.
func TestKeyReused(t *testing.T) {
	s := open(t)
	s.held("v1")
	o := s.order("v1", billing.OpHold, usd(6000), "")
	_, err := s.gateway.Hold(t.Context(), o)
	if !errors.Is(err, ErrKeyReused) || errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("Hold with a changed amount = %v, want %v only", err, ErrKeyReused)
	}
}

// A hold that lapsed in review cannot be captured, and says so.
func TestHoldLapses(t *testing.T) {
	s := open(t)
	pi := s.held("v1")
	if err := s.sim.Advance(114*time.Hour - time.Second); err != nil {
		t.Fatal(err)
	}
	if p, err := s.gateway.Fetch(t.Context(), pi); err != nil || p.Held != usd(5000) || p.CaptureBefore.IsZero() {
		t.Fatalf("Fetch a second before = %+v, %v, want 50.00 USD held", p, err)
	}
	if err := s.sim.Advance(time.Second); err != nil {
		t.Fatal(err)
	}
	s.want(s.order("v1", billing.OpCapture, usd(1290), pi), billing.Declined, CodeExpired)
	p, err := s.gateway.Fetch(t.Context(), pi)
	if err != nil || !p.Canceled || p.Code != CodeExpired || p.Held != usd(0) || p.Refunded != usd(0) {
		t.Errorf("Fetch = %+v, %v, want canceled, expired, nothing refunded", p, err)
	}
	s.audit("v1", stripesim.VisitAudit{Holds: 1, Lapses: 1})
}

// A call ends at its deadline, and its order is not lost by it.
func TestDeadlineHolds(t *testing.T) {
	s := open(t)
	s.gateway.timeout = 500 * time.Millisecond
	s.fault(stripesim.Fault{Kind: stripesim.Hang})
	for name, call := range map[string]func(context.Context) error{
		"Hold": func(ctx context.Context) error {
			_, err := s.gateway.Hold(ctx, s.order("v1", billing.OpHold, usd(5000), ""))
			return err
		},
		"Find": func(ctx context.Context) error {
			_, err := s.gateway.Find(ctx, s.order("v1", billing.OpHold, usd(5000), ""))
			return err
		},
		"Fetch": func(ctx context.Context) error {
			_, err := s.gateway.Fetch(ctx, "pi_1")
			return err
		},
	} {
		backstop, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		err := call(backstop)
		if !errors.Is(err, ErrUnknownOutcome) || backstop.Err() != nil {
			t.Errorf("%s = %v, backstop %v, want %v by its own deadline", name, err, backstop.Err(), ErrUnknownOutcome)
		}
		cancel()
	}
	// Nobody tries again behind the runner's back.
	holds := 0
	for _, r := range s.sim.Requests() {
		if r.Op == "payment_intents.create" {
			holds++
		}
	}
	if holds != 1 {
		t.Errorf("the hold was sent %d times, want once", holds)
	}
}

// Fetch leads from a charge to its payment, and says so if there is none.
func TestFetch(t *testing.T) {
	s := open(t)
	pi := s.held("v1")
	s.want(s.order("v1", billing.OpCapture, usd(1290), pi), billing.Done, "")
	if p, err := s.gateway.Fetch(t.Context(), pi); err != nil || p.Object != pi || p.Captured != usd(1290) {
		t.Errorf("Fetch(%s) = %+v, %v", pi, p, err)
	}
	for _, id := range []string{"pi_none", "ch_none", "re_none", "cus_1", ""} {
		if _, err := s.gateway.Fetch(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("Fetch(%q) = %v, want %v", id, err, ErrNotFound)
		}
	}
}
