package sequences_test

import (
	"context"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/stripesim/fault"
	"github.com/vouchledger/vouch/billing/stripesim/testcard"
	"github.com/vouchledger/vouch/ledger"
)

// window is how long a Visa hold stands that the shopper was not asked for.
const window = 4*day + 18*time.Hour

// patient is a shop whose reviewers may take eight days.
func patient(p *ledger.Policy) { p.ReviewSeconds = int((8 * day).Seconds()) }

// A hold lapses while people review. Twelve hours before, what is sure is
// captured, and the rest charged when it is decided. Where nothing is sure the
// hold goes, a charge takes its place, and a card that declines it leaves a
// debt, which is asked for again.
func TestSequence14HoldExpiresDuringReview(t *testing.T) {
	t.Run("sure lines", func(t *testing.T) {
		w := newWorld(t, patient)
		w.enters("anna")
		w.takes("anna", 2)
		w.doubts("anna", 1)
		w.leaves("anna")
		w.pass(window - 13*time.Hour)
		w.wantMoney("anna", stripesim.VisitAudit{Holds: 1, Held: 5000})
		w.pass(2 * time.Hour)
		w.wantMoney("anna", charged(2))
		w.reviews("anna", ledger.VerdictConfirmed)
		w.wantSettled("anna", ledger.SettledCharged, 0)
		w.wantMoney("anna", stripesim.VisitAudit{Holds: 2, Captures: 2, Captured: 1500})
		w.end()
	})
	t.Run("nothing sure", func(t *testing.T) {
		w := newWorld(t, patient)
		w.entersWith("anna", testcard.DeclineOnUse+"2")
		w.doubts("anna", 1)
		w.leaves("anna")
		w.pass(6 * day)
		w.wantMoney("anna", stripesim.VisitAudit{Holds: 1, Lapses: 1})
		w.reviews("anna", ledger.VerdictConfirmed)
		w.wantSettled("anna", ledger.SettledOwed, 500)
		w.wantMoney("anna", stripesim.VisitAudit{Holds: 1, Lapses: 1, Declines: 1})
		w.pass(2 * day)
		w.wantMoney("anna", stripesim.VisitAudit{Holds: 2, Lapses: 1, Captures: 1, Captured: 500, Declines: 1})
		if owed := w.visit("anna").Owed.Minor; owed != 0 {
			t.Errorf("anna owes %d, want nothing", owed)
		}
		w.end()
	})
}

// The capture is on its way when the hold lapses. Either it arrived in time or
// a charge takes its place; never both.
func TestSequence15CaptureRacesExpiry(t *testing.T) {
	for kind, want := range map[fault.Kind]stripesim.VisitAudit{
		fault.DropAfter:  charged(1),
		fault.DropBefore: {Holds: 2, Captures: 1, Captured: 500, Lapses: 1},
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			w.enters("anna")
			w.takes("anna", 1)
			w.fault(fault.Fault{Op: "payment_intents.capture", Kind: kind, Times: 1})
			w.pass(window - 5*time.Second - 500*time.Millisecond)
			w.leaves("anna")
			w.pass(time.Hour)
			w.wantSettled("anna", ledger.SettledCharged, 0)
			w.wantMoney("anna", want)
			w.end()
		})
	}
}

// adjusting is a shop that holds 10.00 and raises the hold to what is taken.
func adjusting(p *ledger.Policy) { p.Hold, p.AdjustHold = usd(1000), true }

// More is taken than is held. The hold is raised; a card that does not allow
// it is captured in full, and the remainder charged, or owed.
func TestSequence16CartAboveHold(t *testing.T) {
	for _, tt := range []struct {
		name, method string
		owed         int64
		fault        *fault.Fault
		want         stripesim.VisitAudit
	}{
		{"raised", "pm_card_visa", 0, nil, stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: 1500, Increments: 1}},
		{
			"remainder charged", testcard.DeclineAtIncrement, 0, nil,
			stripesim.VisitAudit{Holds: 2, Captures: 2, Captured: 1500, Declines: 1},
		},
		{
			"remainder owed", testcard.DeclineAtIncrement, 500,
			&fault.Fault{Op: "payment_intents.create", Kind: fault.Decline, Code: "lost_card", Nth: 2},
			stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: 1000, Declines: 2},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, adjusting)
			if tt.fault != nil {
				w.fault(*tt.fault)
			}
			w.entersWith("anna", tt.method)
			w.takes("anna", 3)
			w.leaves("anna")
			w.pass(time.Hour)
			as := ledger.SettledCharged
			if tt.owed > 0 {
				as = ledger.SettledOwed
			}
			w.wantSettled("anna", as, tt.owed)
			w.wantMoney("anna", tt.want)
			w.end()
		})
	}
}

// The gate's sensor reports an exit twice, and once more an hour later. One of
// them ends the visit; it is captured once.
func TestSequence17TwoExits(t *testing.T) {
	w := newWorld(t)
	w.enters("anna")
	w.takes("anna", 2)
	w.exits("anna", "first exit")
	w.exits("anna", "second exit")
	w.pass(time.Hour)
	w.exits("anna", "third exit")
	w.pass(time.Hour)
	wantEvents[ledger.GateExited](w, visitOf("anna"), 1)
	w.wantMoney("anna", charged(2))
	w.wantOrders("anna", "create, capture")
	w.end()
}

// Three people go in on one payer, and one of them brings somebody who did not
// pay. The party has one hold and one receipt; what the stranger takes is
// asked about, and charged to nobody unless a person says so. A receipt is
// never split here, so nothing can exceed the hold that it was taken from.
func TestSequence18TwoVisitsShareOneHold(t *testing.T) {
	w := newWorld(t)
	c := w.card("shopper-anna", "pm_card_visa")
	if a := w.present(engine.PresentCommand{
		Credential: ledger.CredentialQR, Ticket: "anna", Shopper: "shopper-anna", Customer: c.Customer, PaymentMethod: c.PaymentMethod,
		Party: 3,
	}); a.Decision != engine.GateEntered {
		t.Fatalf("the gate said %+v", a)
	}
	w.takes("anna", 2)
	w.sees("child", "anna", sight{})
	w.sees("stranger", "nobody-known", sight{})
	w.leaves("anna")
	w.pass(2 * time.Hour)
	w.wantSettled("anna", ledger.SettledCharged, 0)
	w.wantMoney("anna", charged(3))
	if n := len(w.sim.Audit().Visits); n != 1 {
		t.Errorf("the provider was asked about %d visits, want one", n)
	}
	w.end()
}

// An item is found after the receipt was paid. Nobody is charged silently: the
// shopper is asked, and it is charged, or written off.
func TestSequence19LateDetectionAfterCapture(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer ledger.SupplementAnswer
		want   stripesim.VisitAudit
	}{
		{"consented", ledger.SupplementConsented, stripesim.VisitAudit{Holds: 2, Captures: 2, Captured: 1000}},
		{"refused", ledger.SupplementRefused, charged(1)},
		{"no answer", "", charged(1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.enters("anna")
			w.takes("anna", 1)
			w.leaves("anna")
			w.enters("ben")
			w.sees("doubt ben", "ben", sight{persons: []ledger.PersonHypothesis{
				{Visit: "ben", Confidence: 600}, {Visit: "anna", Confidence: 400},
			}})
			w.do("review", func(ctx context.Context) error {
				_, err := w.desk.DecideReview(ctx, engine.ReviewCommand{
					ID: w.id("it was anna's"), Detection: w.id("detection doubt ben"), Verdict: ledger.VerdictConfirmed, Visit: "anna",
					Reviewer: "reviewer:anna",
				})
				return err
			})
			w.leaves("ben")
			w.wantMoney("anna", charged(1))
			wantEvents[ledger.SupplementProposed](w, visitOf("anna"), 1)
			if tt.answer != "" {
				w.answers("anna", tt.answer)
			}
			w.pass(8 * day)
			w.wantMoney("anna", tt.want)
			if owed := w.visit("anna").Owed.Minor; owed != 0 {
				t.Errorf("anna owes %d, want nothing", owed)
			}
			w.end()
		})
	}
}

// answers gives the shopper's answer to the supplement of a visit.
func (w *world) answers(visit string, a ledger.SupplementAnswer) {
	w.t.Helper()
	var proposal ledger.ID
	for r, err := range w.memory.Read(w.ctx, ledger.Query{Stream: visitOf(visit), Kinds: []ledger.Kind{ledger.KindSupplementProposed}}) {
		w.must(err)
		proposal = r.ID
	}
	w.do("answer of "+visit, func(ctx context.Context) error {
		_, err := w.desk.AnswerSupplement(ctx, engine.AnswerCommand{
			Meta: w.meta("answer " + visit), Proposal: proposal, Shopper: ledger.ShopperID("shopper-" + visit), Answer: a,
		})
		return err
	})
}

// Two visitors come in without a known payer, and both are recognised later.
// Each is charged: what is written of one does not stand in for the other.
// (The property test found that they shared an event id.)
func TestTwoStrangersAreRecognised(t *testing.T) {
	w := newWorld(t, func(p *ledger.Policy) { p.Unknown = true })
	for _, visit := range []string{"anna", "ben"} {
		if a := w.present(engine.PresentCommand{Credential: ledger.CredentialNone, Ticket: visit}); a.Decision != engine.GateEntered {
			t.Fatalf("the gate said %+v", a)
		}
		w.takes(visit, 1)
		w.leaves(visit)
	}
	for _, visit := range []string{"anna", "ben"} {
		c := w.card("shopper-"+visit, "pm_card_visa")
		w.do("match "+visit, func(ctx context.Context) error {
			_, err := w.desk.MatchVisit(ctx, engine.MatchCommand{
				Meta: w.meta("match " + visit), Visit: ledger.VisitID(visit), Shopper: ledger.ShopperID("shopper-" + visit),
				Customer: c.Customer, PaymentMethod: c.PaymentMethod, By: "operator:finn", Reason: "seen on the clip",
			})
			return err
		})
		w.wantMoney(visit, charged(1))
	}
	w.end()
}
