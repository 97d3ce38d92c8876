package watch_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/ledger"
)

// claim begins a claim about a payment, and lets the watcher find it.
func (w *world) claim(pi string, d stripesim.Dispute) string {
	w.Helper()
	id, err := w.sim.Dispute(pi, d)
	w.must(err)
	w.poll()
	w.tend()
	return id
}

// at is the claim at the provider.
func (w *world) at(id string) provider.Chargeback {
	w.Helper()
	c, err := w.gateway.Chargeback(w.Context(), id)
	w.must(err)
	return c
}

// reply writes what a person decided.
func (w *world) reply(visit, id string, r ledger.ChargebackReply) {
	w.Helper()
	d, err := ledger.NewDraft(ledger.Meta{
		ID: w.id("reply " + id), Occurred: w.now(), Actor: "operator:finn",
	}, ledger.ChargebackAnswered{Chargeback: id, Reply: r, By: "operator:finn", Reason: "as the cameras show"})
	w.must(err)
	_, err = w.log.Append(w.Context(), ledger.PaymentStream(ledger.VisitID(visit)), ledger.Exists(), d)
	w.must(err)
}

func (w *world) kinds(visit string, k ledger.Kind) int {
	w.Helper()
	n := 0
	q := ledger.Query{Stream: ledger.PaymentStream(ledger.VisitID(visit)), Kinds: []ledger.Kind{k}}
	for _, err := range w.log.Read(w.Context(), q) {
		w.must(err)
		n++
	}
	return n
}

// TestClaimIsAnsweredByItself: nobody looks at the claim. Its pack is made and
// staged at once, and submitted before the deadline, once, whatever restarts
// come between. The bank decides for us, and the money is seen coming back.
func TestClaimIsAnsweredByItself(t *testing.T) {
	w := newWorld(t, house)
	pi := w.shops("anna", 2)
	id := w.claim(pi, stripesim.Dispute{Reason: "product_not_received", Amount: 400, DueDays: 10})
	c := w.at(id)
	built := events[ledger.EvidencePackBuilt](w, "anna")
	if len(built) != 1 || c.Pack != string(built[0].Digest) || c.File == "" || c.Submissions != 0 {
		t.Fatalf("staged %+v, packs %+v, want the pack staged and nothing submitted", c, built)
	}
	_, file, err := w.sim.File(c.File)
	w.must(err)
	if kept, err := w.store.Read(w.Context(), built[0].Digest); err != nil || !bytes.Equal(file, kept) || !bytes.HasPrefix(file, []byte("%PDF")) {
		t.Errorf("the file at the provider is not the one that is kept (%d and %d bytes, %v)", len(file), len(kept), err)
	}
	for w.now().Before(c.DueBy.Add(-chargeback.Ahead)) {
		if w.at(id).Submissions != 0 {
			t.Fatalf("submitted at %s, before it was time", w.now())
		}
		w.pass(12 * time.Hour)
		w.start()
		w.tend()
	}
	for range 3 {
		w.tend()
		w.start()
	}
	if c := w.at(id); c.Submissions != 1 {
		t.Fatalf("%d submissions, want 1", c.Submissions)
	}
	w.must(w.sim.Decide(id, true))
	w.poll()
	w.tend()
	w.poll()
	moves := events[ledger.ChargebackFundsMoved](w, "anna")
	if len(moves) != 2 || !moves[0].Withdrawn || moves[0].Amount != usd(400) || moves[0].Fee != usd(1500) || moves[1].Withdrawn ||
		moves[1].Amount != usd(400) {
		t.Errorf("moves %+v, want 4.00 taken with its fee and given back", moves)
	}
	for kind, want := range map[ledger.Kind]int{
		ledger.KindChargebackOpened: 1, ledger.KindSubmissionIntended: 1, ledger.KindEvidenceSubmitted: 1,
		ledger.KindChargebackClosed: 1, ledger.KindPaymentEscalated: 0,
	} {
		if n := w.kinds("anna", kind); n != want {
			t.Errorf("%d %s, want %d", n, kind, want)
		}
	}
	if end := events[ledger.ChargebackClosed](w, "anna"); end[0].Outcome != ledger.ChargebackWon || end[0].Amount != usd(400) {
		t.Errorf("closed %+v, want 4.00 won", end)
	}
}

// TestAPersonAnswers: who contests does so at once, who accepts has lost at
// once, and neither is done twice.
func TestAPersonAnswers(t *testing.T) {
	for reply, want := range map[ledger.ChargebackReply]struct {
		submissions int
		outcome     ledger.ChargebackOutcome
	}{
		ledger.ReplyContest: {1, ""}, ledger.ReplyAccept: {0, ledger.ChargebackAccepted},
	} {
		t.Run(string(reply), func(t *testing.T) {
			w := newWorld(t, house)
			id := w.claim(w.shops("anna", 2), stripesim.Dispute{})
			w.reply("anna", id, reply)
			w.tend()
			w.start()
			w.tend()
			w.poll()
			if n := w.kinds("anna", ledger.KindEvidencePackBuilt); reply == ledger.ReplyContest && n != 2 {
				t.Errorf("%d packs, want another that says why", n)
			}
			if c := w.at(id); c.Submissions != want.submissions {
				t.Errorf("%d submissions, want %d", c.Submissions, want.submissions)
			}
			var outcome ledger.ChargebackOutcome
			for _, p := range events[ledger.ChargebackClosed](w, "anna") {
				outcome = p.Outcome
			}
			if outcome != want.outcome || w.kinds("anna", ledger.KindChargebackClosed) > 1 {
				t.Errorf("ended %q, want %q once", outcome, want.outcome)
			}
		})
	}
}

// TestLostAnswersSubmitOnce: the bank took the evidence, and its answer was
// lost, again and again. It is submitted once, and we know.
func TestLostAnswersSubmitOnce(t *testing.T) {
	w := newWorld(t, house)
	id := w.claim(w.shops("anna", 2), stripesim.Dispute{})
	w.reply("anna", id, ledger.ReplyContest)
	if _, err := w.sim.Fault(stripesim.Fault{Op: "disputes.update", Kind: stripesim.DropAfter, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.watcher.Tend(t.Context()); err == nil {
		t.Fatal("Tend = nil although the answer was lost")
	}
	w.start()
	w.tend()
	if c := w.at(id); c.Submissions != 1 || w.kinds("anna", ledger.KindEvidenceSubmitted) != 1 {
		t.Errorf("%d submissions and %d events, want one", c.Submissions, w.kinds("anna", ledger.KindEvidenceSubmitted))
	}
}

// TestTextAloneAtTheLastCall: the file store is down until the end. Rather
// than nothing, the bank is given the text six hours before the deadline.
func TestTextAloneAtTheLastCall(t *testing.T) {
	w := newWorld(t, house)
	pi := w.shops("anna", 2)
	if _, err := w.sim.Fault(stripesim.Fault{Op: "files.create", Kind: stripesim.Error503}); err != nil {
		t.Fatal(err)
	}
	id, err := w.sim.Dispute(pi, stripesim.Dispute{DueDays: 3})
	w.must(err)
	w.poll()
	due := w.at(id).DueBy
	var submitted time.Time
	for w.now().Before(due) && submitted.IsZero() {
		next, _ := w.watcher.Tend(t.Context()) // fails as long as the store does
		if w.at(id).Submissions > 0 {
			submitted = w.now()
		}
		w.set(next)
		w.must(w.sim.Settle())
	}
	if submitted.IsZero() || submitted.Before(due.Add(-chargeback.LastCall)) {
		t.Errorf("submitted at %s, want in the last %s before %s", submitted, chargeback.LastCall, due)
	}
	got := events[ledger.EvidenceSubmitted](w, "anna")
	if len(got) != 1 || got[0].File != "" {
		t.Errorf("submitted %+v, want text alone", got)
	}
}

// TestARefundMakesAnotherPack: while a bank only asks, money may be given
// back; the pack that is then submitted says so.
func TestARefundMakesAnotherPack(t *testing.T) {
	w := newWorld(t, house)
	pi := w.shops("anna", 2)
	id := w.claim(pi, stripesim.Dispute{Inquiry: true})
	if v := w.visit("anna"); v.Payment.RefundsBlocked() {
		t.Error("an inquiry blocks refunds")
	}
	w.disputes("anna", 1)
	w.pass(time.Minute)
	w.tend()
	if n := w.kinds("anna", ledger.KindEvidencePackBuilt); n != 2 {
		t.Errorf("%d packs, want another after the refund", n)
	}
	if v := w.visit("anna"); v.Payment.Refunded != usd(500) {
		t.Errorf("%s refunded, want 5.00", v.Payment.Refunded)
	}
	// The bank is not satisfied: the inquiry becomes a claim of its own round.
	w.reply("anna", id, ledger.ReplyContest)
	w.tend()
	w.must(w.sim.Escalate(id))
	w.poll()
	w.tend()
	if v := w.visit("anna"); !v.Payment.RefundsBlocked() {
		t.Error("a claim does not block refunds")
	}
	w.set(w.at(id).DueBy.Add(-chargeback.Ahead))
	w.must(w.sim.Settle())
	w.tend()
	in := events[ledger.SubmissionIntended](w, "anna")
	if len(in) != 2 || in[0].Key == in[1].Key || w.at(id).Submissions != 1 {
		t.Errorf("intended %+v, want two rounds with keys of their own", in)
	}
}

// disputes is a shopper's own complaint about so many pieces, which is upheld.
func (w *world) disputes(visit string, n int) {
	w.Helper()
	number := w.visit(visit).Cart.Latest.Number
	_, err := w.desk.OpenDispute(w.Context(), engine.DisputeCommand{
		ID: w.id("dispute " + visit), Occurred: w.now(), Actor: "shopper", Receipt: number, Line: 1, Quantity: n,
		Claim: ledger.ClaimNotTaken, Message: "not mine",
	})
	w.must(err)
	_, err = w.desk.DecideDispute(w.Context(), engine.DisputeDecision{
		ID: w.id("uphold " + visit), Occurred: w.now(), Dispute: w.id("dispute " + visit), Outcome: ledger.DisputeUpheld,
		Reviewer: "reviewer:omar", Reason: "seen on the clip",
	})
	w.must(err)
	w.settle()
}

// TestRefundAndClaimCross: the shopper's complaint is upheld in the same
// second in which the bank claims the money. Whoever is first, it is paid once.
func TestRefundAndClaimCross(t *testing.T) {
	t.Run("the refund is first", func(t *testing.T) {
		w := newWorld(t, house)
		pi := w.shops("anna", 2)
		w.disputes("anna", 2)
		id := w.claim(pi, stripesim.Dispute{Amount: 1000})
		w.reply("anna", id, ledger.ReplyContest)
		w.tend()
		if w.at(id).Submissions != 1 || w.visit("anna").Payment.Refunded != usd(1000) {
			t.Error("the evidence that it was refunded is not submitted")
		}
	})
	t.Run("the claim is first", func(t *testing.T) {
		w := newWorld(t, house)
		pi := w.shops("anna", 2)
		id, err := w.sim.Dispute(pi, stripesim.Dispute{})
		w.must(err)
		w.disputes("anna", 2) // we do not know of the claim yet: the provider refuses
		w.poll()
		w.tend()
		w.pass(72 * time.Hour)
		if n := w.kinds("anna", ledger.KindRefundIntended); n != 1 {
			t.Errorf("%d refunds were tried while the claim is open, want the one that crossed it", n)
		}
		w.must(w.sim.Decide(id, false))
		w.poll()
		w.pass(72 * time.Hour)
		if a := w.sim.Audit().Visits["anna"]; a.Refunded != 0 || a.Withdrawn != 1000 {
			t.Errorf("%+v, want the money gone once, to the bank", a)
		}
	})
}

// TestFraudWarningRefundsAndTheBankClaimsAllTheSame: the refund by rule does
// not always prevent the claim. It is answered with the refund, and what we
// win overlaps with what we gave: a person is told.
func TestFraudWarningRefundsAndTheBankClaimsAllTheSame(t *testing.T) {
	rules := house
	rules.FraudRefundLimit = usd(2000)
	w := newWorld(t, rules)
	pi := w.shops("anna", 2)
	if _, err := w.sim.Warn(pi, "made_with_stolen_card"); err != nil {
		t.Fatal(err)
	}
	w.poll()
	w.poll()
	if v := w.visit("anna"); v.Payment.Refunded != usd(1000) || w.kinds("anna", ledger.KindFraudWarningReceived) != 1 {
		t.Fatalf("refunded %s after the warning, want 10.00", v.Payment.Refunded)
	}
	id := w.claim(pi, stripesim.Dispute{Amount: 1000})
	w.reply("anna", id, ledger.ReplyContest)
	w.tend()
	w.must(w.sim.Decide(id, true))
	w.poll()
	w.start()
	w.tend()
	if n := w.kinds("anna", ledger.KindPaymentEscalated); n != 1 {
		t.Errorf("a person was told %d times that won money overlaps, want once", n)
	}
	if a := w.sim.Audit().Visits["anna"]; a.Refunded != 1000 || a.Withdrawn != 0 {
		t.Errorf("%+v, want the refund alone", a)
	}
}
