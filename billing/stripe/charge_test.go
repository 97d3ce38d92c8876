package stripe

import (
	"errors"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/ledger"
)

// A hold of 50 is raised to 80 for a fuller cart, and 72 are captured of it.
// Asked again after a lost answer it is raised once.
func TestHoldIsRaised(t *testing.T) {
	s := open(t)
	pi := s.held("v1")
	o := s.order("v1", billing.OpIncrement, usd(8000), pi)
	s.fault(stripesim.Fault{Op: "payment_intents.increment_authorization", Kind: stripesim.DropAfter, Times: 1})
	if out, err := s.send(t.Context(), o); err == nil {
		t.Fatalf("Increment with a lost answer = %+v, want an error", out)
	}
	out := s.want(o, billing.Done, "")
	if out.Amount != usd(8000) || out.CaptureBefore.IsZero() {
		t.Errorf("Increment = %+v, want 80.00 and when it lapses", out)
	}
	found, err := s.gateway.Find(t.Context(), o)
	if err != nil || found.Status != billing.Done || found.Amount != usd(8000) {
		t.Errorf("Find = %+v, %v, want 80.00 held", found, err)
	}
	s.want(s.order("v1", billing.OpCapture, usd(7200), pi), billing.Done, "")
	s.audit("v1", stripesim.VisitAudit{Holds: 1, Increments: 1, Captures: 1, Captured: 7200})
}

// A hold that was not asked for as one to be raised is not raised: the request
// says only what the shop's policy wants.
func TestHoldThatMayNotBeRaised(t *testing.T) {
	s := open(t)
	o := s.order("v1", billing.OpHold, usd(5000), "")
	o.Adjustable = false
	held := s.want(o, billing.Done, "")
	s.want(s.order("v1", billing.OpIncrement, usd(8000), held.Object), billing.Declined, "invalid_request_error")
	s.want(s.order("v1", billing.OpCapture, usd(5000), held.Object), billing.Done, "")
}

// A bank that will not raise a hold leaves it as it was, and it is captured.
func TestHoldThatIsNotRaisedStands(t *testing.T) {
	s := open(t)
	pi := s.held("v1")
	s.fault(stripesim.Fault{
		Op: "payment_intents.increment_authorization", Kind: stripesim.Decline, Code: "insufficient_funds", Times: 1,
	})
	o := s.order("v1", billing.OpIncrement, usd(8000), pi)
	s.want(o, billing.Declined, "insufficient_funds")
	if found, err := s.gateway.Find(t.Context(), o); err != nil || found.Status != billing.NotFound {
		t.Errorf("Find = %+v, %v, want not found: the hold is as it was", found, err)
	}
	s.want(s.order("v1", billing.OpCapture, usd(5000), pi), billing.Done, "")
}

// What no hold covers is charged at once, off session, and once: a lost answer
// is found again by key and by name, and it is given back like any other.
func TestChargeWithoutAHold(t *testing.T) {
	s := open(t)
	o := s.order("v1", billing.OpCharge, usd(1250), "")
	o.Purpose = ledger.ChargeRemainder
	s.fault(stripesim.Fault{Op: "payment_intents.create", Kind: stripesim.DropAfter, Times: 1})
	if out, err := s.send(t.Context(), o); err == nil {
		t.Fatalf("Charge with a lost answer = %+v, want an error", out)
	}
	found, err := s.gateway.Find(t.Context(), o)
	if err != nil || found.Status != billing.Done || found.Amount != usd(1250) {
		t.Errorf("Find = %+v, %v, want 12.50 charged", found, err)
	}
	out := s.want(o, billing.Done, "")
	s.want(s.order("v1", billing.OpRefund, usd(250), out.Object), billing.Done, "")
	s.audit("v1", stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: 1250, Refunds: 1, Refunded: 250})
}

// A card that wants its owner there is declined off session. On session the
// charge waits, the app is given what it needs to ask them, and it goes
// through when they have answered; an answer that never comes is a decline.
func TestChargeThatTheBankAsksAbout(t *testing.T) {
	s := open(t)
	card := s.enrol("pm_card_authenticationRequired")
	order := func(visit string, there bool) billing.Order {
		o := s.order(visit, billing.OpCharge, usd(1250), "")
		o.Customer, o.PaymentMethod, o.OnSession, o.Purpose = card.Customer, card.PaymentMethod, there, ledger.ChargeDebt
		return o
	}
	s.want(order("alone", false), billing.Declined, CodeAuthentication)
	if class := billing.DeclineOf(CodeAuthentication).Class; class != billing.ActionRequired {
		t.Errorf("class of %s = %s, want action_required", CodeAuthentication, class)
	}
	for visit, answer := range map[string]func(string) error{
		"right": func(pi string) error { return s.sim.Authenticate(pi, true) },
		"wrong": func(pi string) error { return s.sim.Authenticate(pi, false) },
		"never": func(string) error { return s.sim.Advance(25 * time.Hour) },
	} {
		o := order(visit, true)
		waits := s.want(o, billing.Pending, "")
		if secret, err := s.gateway.Confirmation(t.Context(), o); err != nil || secret == "" {
			t.Errorf("%s: Confirmation = %q, %v, want a secret", visit, secret, err)
		}
		if err := answer(waits.Object); err != nil {
			t.Fatal(err)
		}
		found, err := s.gateway.Find(t.Context(), o)
		want := map[string]billing.Status{"right": billing.Done, "wrong": billing.Declined, "never": billing.Declined}[visit]
		if err != nil || found.Status != want {
			t.Errorf("%s: Find = %+v, %v, want %s", visit, found, err, want)
		}
		if _, err := s.gateway.Confirmation(t.Context(), o); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: Confirmation afterwards: %v, want %v", visit, err, ErrNotFound)
		}
	}
}

// A hold that lapsed is said to be gone, and with a code that lets the card be
// charged in its place.
func TestHoldThatLapsedIsGone(t *testing.T) {
	s := open(t)
	pi := s.held("v1")
	if err := s.sim.Advance(115 * time.Hour); err != nil {
		t.Fatal(err)
	}
	out := s.want(s.order("v1", billing.OpCapture, usd(1290), pi), billing.Declined, CodeExpired)
	if class := billing.DeclineOf(out.Code).Class; class != billing.Gone {
		t.Errorf("class of %s = %s, want gone", out.Code, class)
	}
}
