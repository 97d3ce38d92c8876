package sequences_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/stripesim/fault"
	"github.com/vouchledger/vouch/billing/watch"
	"github.com/vouchledger/vouch/ledger"
)

// Two reviewers take the same item off at the same moment. One of them
// decides; the other is told so, and it is given back once.
func TestSequence20ItemRemovedTwice(t *testing.T) {
	w := newWorld(t)
	w.shops("anna", 2)
	w.disputes("one", "anna", 1, 1)
	w.must(w.upholds("one", "reviewer:anna", ""))
	if err := w.upholds("one", "reviewer:ben", ""); !errors.Is(err, engine.ErrDecided) {
		t.Errorf("the second reviewer is told %v, want %v", err, engine.ErrDecided)
	}
	w.must(w.upholds("one", "reviewer:anna", "")) // a device repeats itself
	w.pass(2 * day)
	wantEvents[ledger.DisputeDecided](w, visitOf("anna"), 1)
	wantEvents[ledger.RefundIntended](w, paymentOf("anna"), 1)
	w.wantMoney("anna", refunded(2, 1, 500))
	w.end()
}

// Seven pieces, taxed together and given back one by one: the tax of each is
// what its line said, so that all refunds come to exactly what was captured.
// More than that is refused.
func TestSequence21RefundsNeverExceedTheCapture(t *testing.T) {
	w := newWorld(t)
	w.enters("anna")
	w.sees("gum", "anna", sight{sku: gum, n: 7})
	w.leaves("anna")
	captured := w.visit("anna").Payment.Captured.Minor
	if captured != 255 { // 2.31 and 10.25 % on it
		t.Fatalf("captured %d, want 255", captured)
	}
	for i := range 7 {
		w.correct(string(rune('a'+i)), "anna", 1, 1)
	}
	w.wantMoney("anna", stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: captured, Refunds: 7, Refunded: captured})
	number, before := w.visit("anna").Cart.Latest.Number, w.head()
	_, err := w.desk.GrantGoodwill(t.Context(), engine.GoodwillCommand{
		Meta: w.meta("one cent more"), Receipt: number, Amount: usd(1), By: "operator:finn", Reason: "a kind word",
	})
	if !errors.Is(err, engine.ErrAboveCapture) || w.head() != before {
		t.Errorf("one cent more = %v and %d events, want %v and none", err, w.head()-before, engine.ErrAboveCapture)
	}
	w.end()
}

// A refund is accepted, and weeks later the shopper's bank sends it back. We
// owe it again: a person is asked, pays it another way, and says so.
func TestSequence22RefundFailsLater(t *testing.T) {
	w := newWorld(t)
	w.shops("anna", 2)
	w.correct("one", "anna", 1, 1)
	w.wantMoney("anna", refunded(2, 1, 500))
	w.pass(20 * day)
	w.must(w.sim.FailRefund(events[ledger.Refunded](w, paymentOf("anna"))[0].Object, "lost_or_stolen_card"))
	for range 3 {
		w.poll()
		w.start()
	}
	wantEvents[ledger.RefundFailed](w, paymentOf("anna"), 1)
	w.wantMoney("anna", charged(2))
	asked := w.asked()
	if len(asked) != 1 || asked[0].Visit != "anna" {
		t.Fatalf("people are asked %+v, want about anna", asked)
	}
	w.do("resolve", func(ctx context.Context) error {
		_, err := w.desk.Resolve(ctx, engine.ResolveCommand{
			Meta: w.meta("resolve"), Visit: "anna", Intent: asked[0].Intent, Done: true, Object: "bank transfer 17", By: "operator:finn",
			Reason: "paid to her account",
		})
		return err
	})
	w.pass(30 * day)
	w.wantMoney("anna", charged(2)) // nothing more by card
	w.end()
}

// A refund and a card network's claim cross. Whoever is first is paid, and the
// other is not: while a claim is open nothing is given back, and when only an
// inquiry is, it may be.
func TestSequence23RefundAndClaimCross(t *testing.T) {
	t.Run("refund first", func(t *testing.T) {
		w := newWorld(t)
		pi := w.shops("anna", 2)
		w.correct("all", "anna", 1, 2)
		_, err := w.sim.Dispute(pi, stripesim.Dispute{Amount: 1000})
		w.must(err)
		w.poll()
		w.tend()
		want := refunded(2, 1, 1000)
		want.Disputes, want.Withdrawn = 1, 1000
		w.wantMoney("anna", want)
		wantEvents[ledger.EvidencePackBuilt](w, paymentOf("anna"), 1)
		id := events[ledger.ChargebackOpened](w, paymentOf("anna"))[0].Chargeback
		w.must(w.sim.Decide(id, true)) // the refund is the evidence
		w.poll()
		w.wantMoney("anna", stripesim.VisitAudit{Holds: 1, Captures: 1, Captured: 1000, Refunds: 1, Refunded: 1000, Disputes: 1})
		w.end()
	})
	t.Run("claim first", func(t *testing.T) {
		w := newWorld(t)
		pi := w.shops("anna", 2)
		id, err := w.sim.Dispute(pi, stripesim.Dispute{})
		w.must(err)
		w.correct("all", "anna", 1, 2) // crosses it: the provider refuses
		w.poll()
		w.pass(3 * day)
		wantEvents[ledger.RefundIntended](w, paymentOf("anna"), 1)
		w.must(w.sim.Decide(id, false))
		w.poll()
		w.pass(3 * day)
		want := charged(2)
		want.Disputes, want.Withdrawn = 1, 1000
		w.wantMoney("anna", want)
		w.end()
	})
	t.Run("inquiry", func(t *testing.T) {
		w := newWorld(t)
		pi := w.shops("anna", 2)
		_, err := w.sim.Dispute(pi, stripesim.Dispute{Inquiry: true})
		w.must(err)
		w.poll()
		w.correct("all", "anna", 1, 2)
		want := refunded(2, 1, 1000)
		want.Disputes = 1
		w.wantMoney("anna", want)
		w.end()
	})
}

// generous is a shop that answers fraud warnings up to 20.00 by itself.
func generous(p *ledger.Policy) { p.FraudRefundLimit = usd(2000) }

// The network warns of fraud, the money is given back by rule, and the bank
// claims it all the same. It is answered with the refund: one loss, not two.
func TestSequence24WarningRefundAndClaim(t *testing.T) {
	w := newWorld(t, generous)
	pi := w.shops("anna", 2)
	_, err := w.sim.Warn(pi, "made_with_stolen_card")
	w.must(err)
	w.poll()
	w.poll()
	want := refunded(2, 1, 1000)
	want.Warnings = 1
	w.wantMoney("anna", want)
	id, err := w.sim.Dispute(pi, stripesim.Dispute{Amount: 1000})
	w.must(err)
	w.poll()
	w.replies("anna", id, ledger.ReplyContest)
	w.tend()
	w.must(w.sim.Decide(id, true))
	w.poll()
	want.Disputes = 1
	w.wantMoney("anna", want)
	var losses int64
	for _, b := range w.books.journal.Balances() {
		if b.Account == "Expenses:FraudRefunds" || b.Account == "Expenses:Chargebacks" {
			losses += b.Amount.Minor
		}
	}
	if losses != 1000 {
		t.Errorf("the books have a loss of %d, want one of 10.00", losses)
	}
	w.end()
}

// replies answers a claim as a person does.
func (w *world) replies(visit, id string, r ledger.ChargebackReply) {
	w.t.Helper()
	w.do("reply", func(ctx context.Context) error {
		_, err := watch.Answer(ctx, mortalLog{w.memory, w}, w.meta("reply "+id), ledger.VisitID(visit), ledger.ChargebackAnswered{
			Chargeback: id, Reply: r, By: "operator:finn", Reason: "as the cameras show",
		})
		return err
	})
}

// A claim is lost and its item turns out never to have been taken; or it is
// won after the shopper got the money another way. What the shopper has twice,
// or what came back to us, is seen by a person, and no machine pays again.
func TestSequence25WonAfterRefundOutside(t *testing.T) {
	w := newWorld(t)
	pi := w.shops("anna", 2)
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": pi, "amount": "400"})
	id, err := w.sim.Dispute(pi, stripesim.Dispute{Amount: 1000})
	w.must(err)
	w.poll()
	w.replies("anna", id, ledger.ReplyContest)
	w.tend()
	w.must(w.sim.Decide(id, true))
	w.poll()
	w.tend()
	w.start()
	w.tend()
	wantEvents[ledger.PaymentEscalated](w, paymentOf("anna"), 1)
	w.pass(30 * day)
	want := refunded(2, 1, 400)
	want.Disputes = 1
	w.wantMoney("anna", want)
	w.end()
}

// Evidence is staged as often as one likes and submitted once, a day before
// the deadline, whatever answers are lost and processes killed. When the file
// store is down to the last, the text goes alone.
func TestSequence26EvidenceOnceAndInTime(t *testing.T) {
	t.Run("once", func(t *testing.T) {
		w := newWorld(t)
		pi := w.shops("anna", 2)
		id, err := w.sim.Dispute(pi, stripesim.Dispute{DueDays: 10})
		w.must(err)
		w.poll()
		for range 3 {
			w.tend()
			w.start()
		}
		c, err := w.gateway.Chargeback(t.Context(), id)
		w.must(err)
		if c.Submissions != 0 || c.Pack == "" {
			t.Fatalf("%d submissions and the pack %q, want none and a pack that is staged", c.Submissions, c.Pack)
		}
		w.pass(c.DueBy.Add(-chargeback.Ahead).Sub(w.now()))
		w.killAt = "before " + string(ledger.KindEvidenceSubmitted)
		for range 3 {
			w.tend()
			w.start()
		}
		if c, err = w.gateway.Chargeback(t.Context(), id); err != nil || c.Submissions != 1 {
			t.Errorf("%d submissions, %v, want one", c.Submissions, err)
		}
		wantEvents[ledger.SubmissionIntended](w, paymentOf("anna"), 1)
		wantEvents[ledger.EvidenceSubmitted](w, paymentOf("anna"), 1)
		w.end()
	})
	t.Run("text alone", func(t *testing.T) {
		w := newWorld(t)
		pi := w.shops("anna", 2)
		w.fault(fault.Fault{Op: "files.create", Kind: fault.Error503})
		id, err := w.sim.Dispute(pi, stripesim.Dispute{DueDays: 3})
		w.must(err)
		w.poll()
		c, err := w.gateway.Chargeback(t.Context(), id)
		w.must(err)
		for w.now().Before(c.DueBy) && c.Submissions == 0 {
			next, _ := w.watcher.Tend(t.Context()) // fails as long as the store does
			w.pass(max(time.Minute, next.Sub(w.now())))
			c, err = w.gateway.Chargeback(t.Context(), id)
			w.must(err)
		}
		got := events[ledger.EvidenceSubmitted](w, paymentOf("anna"))
		if c.Submissions != 1 || len(got) != 1 || got[0].File != "" {
			t.Errorf("%d submissions, %+v, want one of text alone before the deadline", c.Submissions, got)
		}
		w.end()
	})
}

// A warning comes while the receipt is being lowered: what is given back for
// the correction and what is given back for the warning are two orders, and
// both are carried out. (The property test found that they shared an id.)
func TestAWarningBetweenCaptureAndCorrection(t *testing.T) {
	w := newWorld(t, generous, patient, func(p *ledger.Policy) { p.CaptureMarginSeconds = int((5 * day).Seconds()) })
	w.enters("anna")
	w.takes("anna", 2)
	w.doubts("anna", 1)
	w.leaves("anna") // in review, and the sure lines are captured at once
	w.wantMoney("anna", charged(2))
	w.sees("back", "anna", sight{action: ledger.ActionReturn, occurred: opening.Add(time.Second)})
	pi := events[ledger.Captured](w, paymentOf("anna"))[0].Object
	_, err := w.sim.Warn(pi, "made_with_stolen_card")
	w.must(err)
	w.must(w.watcher.Look(t.Context(), w.newestOf("warnings"))) // and nobody decides meanwhile
	w.reviews("anna", ledger.VerdictDismissed)
	w.pass(9 * day)
	v := w.sim.Audit().Visits["anna"]
	if v.Refunded != 1000 || v.Captured != 1000 {
		t.Errorf("the provider says %+v, want all given back", v)
	}
	w.end()
}

// newestOf returns the id of the newest object of a kind at the provider.
func (w *world) newestOf(kind string) string {
	w.t.Helper()
	for _, o := range w.sim.Look(kind, 1) {
		id, _ := o["id"].(string)
		return id
	}
	w.t.Fatalf("the provider has no %s", kind)
	return ""
}

// All of it is given back as goodwill, and then a piece turns out not to have
// been taken. The shopper has the money already, and the books know why.
func TestGoodwillAndThenACorrection(t *testing.T) {
	w := newWorld(t)
	w.shops("anna", 2)
	number := w.visit("anna").Cart.Latest.Number
	w.do("goodwill", func(ctx context.Context) error {
		_, err := w.desk.GrantGoodwill(ctx, engine.GoodwillCommand{Meta: w.meta("all"), Receipt: number, By: "operator:finn", Reason: "slow"})
		return err
	})
	w.correct("one", "anna", 1, 1)
	w.pass(2 * day)
	w.wantMoney("anna", refunded(2, 1, 1000))
	if owed, given := w.balance("Assets:Receivable:Visits"), w.balance("Expenses:Goodwill"); owed != 0 || given != 500 {
		t.Errorf("the books have %d owed and %d of goodwill, want nothing and 5.00", owed, given)
	}
	w.end()
}
