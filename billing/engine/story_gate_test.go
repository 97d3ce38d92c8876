package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
)

// late brings the entry of somebody whom a cut-off gate let in. The name makes
// its id.
func (w *world) late(name, shopper, ticket string, at time.Time, tried ledger.ID) engine.GateAnswer {
	w.t.Helper()
	return do(w, "late "+name, func(ctx context.Context) (engine.GateAnswer, error) {
		return w.desk.Present(ctx, engine.PresentCommand{
			ID: w.id("late " + name), Occurred: at, Actor: "device:gate-2", Store: corner, Gate: "gate-2",
			Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: ticket, Shopper: ledger.ShopperID(shopper),
			Customer: "cus_" + shopper, PaymentMethod: "pm_" + shopper, Offline: true, Tried: tried,
		})
	})
}

// doubted returns the questions about the entry of a visit.
func (w *world) doubted(visit string) (out []ledger.ID) {
	w.t.Helper()
	for _, q := range w.visit(visit).Cart.OpenQuestions() {
		if q.Gate != nil {
			out = append(out, q.Detection)
		}
	}
	return out
}

// answerEntry answers the question about the entry of a visit.
func (w *world) answerEntry(visit string, v ledger.Verdict) {
	w.t.Helper()
	for _, id := range w.doubted(visit) {
		do(w, "answer "+visit, func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.DecideReview(ctx, engine.ReviewCommand{
				ID: w.id("answer " + id.String()), Occurred: w.now, Detection: id, Verdict: v, Reviewer: "reviewer:rita",
			})
		})
	}
}

// TestWhomACutOffGateLetInIsBilled: the entry arrives with the exit, long
// after both.
func TestWhomACutOffGateLetInIsBilled(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	before := w.now
	w.pass(20 * time.Minute)
	a := w.late("anna", "anna", "anna", before, ledger.ID{})
	if a.Decision != engine.GateEntered || a.Visit != "anna" {
		t.Fatalf("Present(late) = %+v, want anna entered", a)
	}
	w.sees("a", sight{sku: cola, persons: []ledger.PersonHypothesis{{Visit: "anna", Confidence: 990}}})
	w.exit("anna")
	w.pass(time.Hour)
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
	w.audit()
}

// TestADeclinedCardBehindACutOffGateIsADebt: nobody can be refused who is
// inside.
func TestADeclinedCardBehindACutOffGateIsADebt(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	w.refuses("insufficient_funds", func(billing.Order) bool { return true })
	w.late("anna", "anna", "anna", w.now, ledger.ID{})
	if c := w.visit("anna").Cart; c.EnteredAt.IsZero() || c.Hold.Minor != 0 {
		t.Fatalf("visit is %s with %s held, want inside without a hold", c.Status, c.Hold)
	}
	w.sees("a", sight{sku: cola, persons: []ledger.PersonHypothesis{{Visit: "anna", Confidence: 990}}})
	w.exit("anna")
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledOwed, 0, 0, 150)
	w.audit()
}

// TestOneCodeAtTwoGatesChargesNobodyByItself: a stolen code opened a gate that
// was cut off, and its owner came in by the other.
func TestOneCodeAtTwoGatesChargesNobodyByItself(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	w.presentAs("anna", "anna")
	w.sees("a", sight{sku: cola, persons: []ledger.PersonHypothesis{{Visit: "anna", Confidence: 990}}})
	a := w.late("thief", "anna", "anna", w.now, ledger.ID{})
	if a.Visit == "anna" || a.Decision != engine.GateEntered {
		t.Fatalf("Present(late, used code) = %+v, want a visit of its own", a)
	}
	thief := string(a.Visit)
	if again := w.late("thief", "anna", "anna", w.now, ledger.ID{}); again.Visit != a.Visit {
		t.Errorf("the gate's retry = %+v, want %+v", again, a)
	}
	for _, v := range []string{"anna", thief} {
		if n := len(w.doubted(v)); n != 1 {
			t.Fatalf("visit %s has %d questions about its entry, want 1", v, n)
		}
	}
	w.sees("t", sight{sku: water, persons: []ledger.PersonHypothesis{{Visit: a.Visit, Confidence: 990}}})
	w.exit("anna")
	do(w, "the same code leaves again", func(ctx context.Context) (engine.Recorded, error) {
		return w.desk.Exit(ctx, engine.ExitCommand{ID: w.id("exit again"), Occurred: w.now, Visit: "anna", Gate: "gate"})
	})
	if c := w.visit(thief).Cart; c.ExitedAt.IsZero() {
		t.Error("the second exit of the code left the second visit open")
	}
	w.pass(30 * time.Minute)
	if s := w.bank.Statement("anna"); s.Captures != 0 {
		t.Errorf("the bank captured %d times while nobody had looked, want never", s.Captures)
	}
	w.answerEntry("anna", ledger.VerdictDismissed)
	w.pass(2 * time.Hour) // the other question runs out
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
	w.wantEnd(thief, ledger.SettledNothing, 0, 0, 0)
	w.audit()
}

// TestAShopperInsideTwiceIsAQuestion: another code of the same shopper, while
// the first visit goes on.
func TestAShopperInsideTwiceIsAQuestion(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	w.presentAs("anna", "one")
	w.late("two", "anna", "two", w.now, ledger.ID{})
	if len(w.doubted("one")) != 1 || len(w.doubted("two")) != 1 {
		t.Errorf("questions = %v and %v, want one in each visit", w.doubted("one"), w.doubted("two"))
	}
	w.exit("one")
	w.exit("two")
	w.pass(time.Minute)
	w.late("three", "anna", "three", w.now, ledger.ID{})
	if n := len(w.doubted("three")); n != 0 {
		t.Errorf("a visit after both has %d questions, want none", n)
	}
}

// TestAnAnswerThatGotLostBeginsNoSecondVisit: the server had let her in, the
// line broke, and the gate let her in by itself.
func TestAnAnswerThatGotLostBeginsNoSecondVisit(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	w.presentAs("anna", "anna")
	a := w.late("anna", "anna", "anna", w.now, w.id("present anna"))
	if a.Visit != "anna" || a.Decision != engine.GateEntered || len(w.doubted("anna")) != 0 {
		t.Errorf("Present(late, tried) = %+v with questions %v, want the visit that stands", a, w.doubted("anna"))
	}
}

// TestTailgatingIsAskedAboutAndBilledIfNobodyLooks checks that a count above
// the party waits for a person, and that one within it is refused.
func TestTailgatingIsAskedAboutAndBilledIfNobodyLooks(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	count := func(name, visit string, persons int) error {
		_, err := w.desk.Tailgated(t.Context(), engine.TailgateCommand{
			ID: w.id("count " + name), Occurred: w.now, Visit: ledger.VisitID(visit), Gate: "gate", Persons: persons,
		})
		w.settle()
		return err
	}
	for _, visit := range []string{"anna", "ben"} {
		w.presentAs(visit, visit)
		if err := count(visit, visit, 1); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("Tailgated with one person = %v, want ErrInvalid", err)
		}
		for range 2 { // the gate sends it again
			if err := count(visit+" two", visit, 2); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(w.doubted(visit)); n != 1 {
			t.Fatalf("%d questions, want 1", n)
		}
		w.sees("cola of "+visit, sight{sku: cola, persons: []ledger.PersonHypothesis{{Visit: ledger.VisitID(visit), Confidence: 990}}})
		w.exit(visit)
	}
	w.pass(30 * time.Minute)
	if s := w.bank.Statement("anna"); s.Captures != 0 {
		t.Errorf("captured %d times before anybody looked, want never", s.Captures)
	}
	w.answerEntry("ben", ledger.VerdictDisowned)
	w.pass(2 * time.Hour)
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
	w.wantEnd("ben", ledger.SettledNothing, 0, 0, 0)
	if err := count("nobody", "nobody", 2); !errors.Is(err, engine.ErrUnknownVisit) {
		t.Errorf("Tailgated of nobody = %v, want ErrUnknownVisit", err)
	}
	w.audit()
}

// TestAnEntryIsAnsweredAsAnEntry: verdicts about items are refused, and an item
// is not disowned.
func TestAnEntryIsAnsweredAsAnEntry(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	w.presentAs("anna", "one")
	w.late("two", "anna", "two", w.now, ledger.ID{})
	w.sees("doubtful", sight{sku: cola, item: 300, persons: []ledger.PersonHypothesis{{Visit: "one", Confidence: 990}}})
	for _, c := range []engine.ReviewCommand{
		{Detection: w.doubted("one")[0], Verdict: ledger.VerdictConfirmed},
		{Detection: w.doubted("one")[0], Verdict: ledger.VerdictCorrected, SKU: cola, Action: ledger.ActionTake, Quantity: 1},
		{Detection: w.id("detection doubtful"), Verdict: ledger.VerdictDisowned},
	} {
		c.ID, c.Occurred, c.Reviewer = w.id("wrong "+string(c.Verdict)), w.now, "reviewer:rita"
		if _, err := w.desk.DecideReview(t.Context(), c); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("DecideReview(%s) = %v, want ErrInvalid", c.Verdict, err)
		}
	}
}

// TestAStillCodeIsRefusedWhereCodesMustChange: by the shop's policy.
func TestAStillCodeIsRefusedWhereCodesMustChange(t *testing.T) {
	w := newShop(t, func(p *ledger.Policy) { p.Rotating = true })
	if a := w.presentAs("anna", "still"); a.Decision != engine.GateRefused || a.Reason != ledger.RefusedCopied {
		t.Errorf("Present(still) = %+v, want refused as copied", a)
	}
	a := w.present(engine.PresentCommand{
		Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: "changing", Shopper: "anna",
		Customer: "cus_anna", PaymentMethod: "pm_anna", Rotating: true,
	})
	if a.Decision != engine.GateEntered {
		t.Errorf("Present(changing) = %+v, want entered", a)
	}
}

// palmed is a shop in which palms are on for a jurisdiction.
func palmed(t *testing.T, in string) *world {
	return newShop(t, func(p *ledger.Policy) { p.Palm = in })
}

func (w *world) agree() (engine.Recorded, error) {
	m := ledger.Meta{ID: w.id("consent"), Occurred: w.now, Actor: "shopper:anna"}
	return w.desk.ConsentPalm(w.t.Context(), m, ledger.PalmConsented{
		Shopper: "anna", Store: corner, Text: ledger.DigestOf([]byte("text")), Version: "2026-11", Agreed: "on the shopper's page",
	})
}

func (w *world) enrolPalm(name string, consent ledger.ID) error {
	m := ledger.Meta{ID: w.id(name), Occurred: w.now, Actor: "device:terminal-1"}
	_, err := w.desk.EnrolPalm(w.t.Context(), m, consent, ledger.PalmEnrolled{
		Shopper: "anna", Store: corner, Template: ledger.DigestOf([]byte("sealed")), Method: "ordinal/1", Captures: 3,
	})
	return err
}

func (w *world) palm(ticket string) engine.GateAnswer {
	return w.present(engine.PresentCommand{
		Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialPalm, Ticket: ticket, Shopper: "anna",
		Customer: "cus_anna", PaymentMethod: "pm_anna",
	})
}

// TestPalmsAreOffUnlessAJurisdictionIsNamed: at the gate, for a consent and for an
// enrolment.
func TestPalmsAreOffUnlessAJurisdictionIsNamed(t *testing.T) {
	w := palmed(t, "")
	if _, err := w.agree(); !errors.Is(err, engine.ErrPalmOff) {
		t.Errorf("ConsentPalm = %v, want ErrPalmOff", err)
	}
	if err := w.enrolPalm("enrol", w.id("consent")); !errors.Is(err, engine.ErrPalmOff) {
		t.Errorf("EnrolPalm = %v, want ErrPalmOff", err)
	}
	if a := w.palm("off"); a.Reason != ledger.RefusedStranger {
		t.Errorf("the gate says %+v, want refused", a)
	}
	if shops := w.desk.PalmShops(); len(shops) > 0 {
		t.Errorf("PalmShops = %v, want none", shops)
	}
}

// TestAPalmLivesFromItsConsentToItsWithdrawal: nothing is made before the one, and
// nothing works after the other, whatever comes late.
func TestAPalmLivesFromItsConsentToItsWithdrawal(t *testing.T) {
	w := palmed(t, "DE")
	if err := w.enrolPalm("too early", w.id("consent")); !errors.Is(err, engine.ErrNoConsent) {
		t.Errorf("EnrolPalm before a consent = %v, want ErrNoConsent", err)
	}
	if a := w.palm("early"); a.Reason != ledger.RefusedStranger {
		t.Errorf("the gate says %+v before a consent, want refused", a)
	}
	given, err := w.agree()
	if err != nil || given.Stream != ledger.ShopperStream("anna") {
		t.Fatalf("ConsentPalm = %+v, %v, want it recorded for anna", given.Stream, err)
	}
	if again, err := w.agree(); err != nil || !again.Duplicate {
		t.Errorf("the consent sent twice = %+v, %v, want the first", again, err)
	}
	if err := w.enrolPalm("enrol", given.ID); err != nil {
		t.Fatal(err)
	}
	if a := w.palm("palm"); a.Decision != engine.GateEntered {
		t.Fatalf("the gate says %+v, want entered", a)
	}
	w.exit("palm")
	m := ledger.Meta{ID: w.id("withdraw"), Occurred: w.now, Actor: "shopper:anna"}
	if _, err := w.desk.WithdrawPalm(t.Context(), m, ledger.PalmWithdrawn{Shopper: "anna", By: "shopper:anna", Reason: "asked"}); err != nil {
		t.Fatal(err)
	}
	if a := w.palm("after"); a.Reason != ledger.RefusedStranger {
		t.Errorf("the gate says %+v after the withdrawal, want refused", a)
	}
	if err := w.enrolPalm("late", given.ID); !errors.Is(err, engine.ErrNoConsent) {
		t.Errorf("EnrolPalm that comes late = %v, want ErrNoConsent", err)
	}
	m.ID = w.id("consent again")
	if _, err := w.desk.ConsentPalm(t.Context(), m, given2()); !errors.Is(err, engine.ErrPalmStands) {
		t.Errorf("ConsentPalm while the template is there = %v, want ErrPalmStands", err)
	}
	for range 2 { // whoever finds it to do, twice
		if _, err := w.desk.RevokePalm(t.Context(), m, given.ID, ledger.PalmRevoked{Shopper: "anna", By: "server", Reason: "withdrawn"}); err != nil {
			t.Fatal(err)
		}
	}
	p, err := w.desk.Palm(t.Context(), "anna")
	if err != nil || p.Live() || p.Unfinished() || p.Revoked.Sealed != ledger.DigestOf([]byte("sealed")) || p.Enrolled.Jurisdiction != "DE" {
		t.Errorf("Palm = %+v, %v, want it destroyed", p, err)
	}
	if _, err := w.desk.ConsentPalm(t.Context(), m, given2()); err != nil {
		t.Errorf("ConsentPalm anew = %v, want it taken", err)
	}
	w.pass(time.Minute)
	w.audit()
}

func given2() ledger.PalmConsented {
	return ledger.PalmConsented{
		Shopper: "anna", Store: corner, Text: ledger.DigestOf([]byte("newer text")), Version: "2026-12", Agreed: "on paper, no. 4",
	}
}
