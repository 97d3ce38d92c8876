package stripesim_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing/stripesim"
)

// disputeOf is the newest dispute about a payment.
func (b *bank) disputeOf(pi *stripego.PaymentIntent) *stripego.Dispute {
	b.Helper()
	list := b.disputes.List(&stripego.DisputeListParams{PaymentIntent: &pi.ID})
	if !list.Next() {
		b.Fatalf("no dispute about %s: %v", pi.ID, list.Err())
	}
	return list.Dispute()
}

func (b *bank) now(d *stripego.Dispute) *stripego.Dispute {
	b.Helper()
	return must[*stripego.Dispute](b)(b.disputes.Get(d.ID, nil))
}

// answer sends evidence, at once or to be kept.
func (b *bank) answer(d *stripego.Dispute, text string, submit bool) (*stripego.Dispute, error) {
	return b.disputes.Update(d.ID, &stripego.DisputeParams{
		Submit: &submit, Evidence: &stripego.DisputeEvidenceParams{UncategorizedText: &text},
	})
}

// A dispute is won: the money goes and comes back, the fee does not.
func TestDisputeIsWon(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	pi := b.bought("pm_card_createDispute")
	d := b.disputeOf(pi)
	if d.Status != "needs_response" || d.Amount != 5000 || d.Reason != "fraudulent" || d.IsChargeRefundable ||
		d.EvidenceDetails.HasEvidence || d.EvidenceDetails.DueBy != time.Date(2026, 12, 7, 23, 59, 59, 0, time.UTC).Unix() {
		t.Errorf("dispute = %+v %+v", d, d.EvidenceDetails)
	}
	_, err := b.refunds.New(&stripego.RefundParams{PaymentIntent: &pi.ID})
	b.refuses(err, "charge_disputed")

	f := must[*stripego.File](b)(b.upload("packet.pdf", evidenceFile()))
	no := false
	staged := must[*stripego.Dispute](b)(b.disputes.Update(d.ID, &stripego.DisputeParams{
		Submit: &no, Evidence: &stripego.DisputeEvidenceParams{Receipt: &f.ID, ServiceDate: stripego.String("2026-11-23")},
	}))
	if staged.Status != "needs_response" || staged.EvidenceDetails.SubmissionCount != 0 ||
		!staged.EvidenceDetails.HasEvidence || staged.Evidence.Receipt.ID != f.ID {
		t.Errorf("staged = %s %+v", staged.Status, staged.EvidenceDetails)
	}
	sent := must[*stripego.Dispute](b)(b.answer(d, "See the receipt.", true))
	if sent.Status != "under_review" || sent.EvidenceDetails.SubmissionCount != 1 || sent.Evidence.ServiceDate == "" {
		t.Errorf("submitted = %s %+v, want under_review with what was staged", sent.Status, sent.EvidenceDetails)
	}
	for _, submit := range []bool{true, false} { // once is all there is
		_, err := b.answer(d, "And another thing.", submit)
		b.refuses(err, "invalid_request_error")
	}
	_, err = b.disputes.Close(d.ID, nil)
	b.refuses(err, "invalid_request_error")
	b.advance(60 * 24 * time.Hour) // the bank takes its time, and the deadline is met
	b.ok(b.sim.Decide(d.ID, true))
	if got := b.now(d); got.Status != "won" || len(got.BalanceTransactions) != 2 {
		t.Errorf("decided = %s, %d movements, want won and 2", got.Status, len(got.BalanceTransactions))
	}
	want := []string{"adjustment/dispute -5000 fee 1500", "adjustment/dispute_reversal 5000 fee 0"}
	if got := b.statement(d.ID); !slices.Equal(got, want) {
		t.Errorf("statement = %v, want %v", got, want)
	}
	events := []string{
		"charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated", "charge.dispute.updated",
		"charge.dispute.funds_reinstated", "charge.dispute.closed",
	}
	b.since(d.ID, 60, events)
	if v := b.sim.Audit().Visits["v1"]; v.Disputes != 1 || v.Withdrawn != 0 {
		t.Errorf("Audit = %+v, want one dispute and nothing taken", v)
	}
	if err := b.sim.Decide(d.ID, false); !errors.Is(err, stripesim.ErrState) {
		t.Errorf("deciding it twice = %v, want %v", err, stripesim.ErrState)
	}
}

// since compares the events about an object, which Stripe lists for 30 days.
func (b *bank) since(about string, days int, want []string) {
	b.Helper()
	if got := b.saw(about); days <= 30 && !slices.Equal(got, want) {
		b.Errorf("events %v, want %v", got, want)
	} else if days > 30 && !slices.Equal(got, want[len(want)-len(got):]) {
		b.Errorf("events %v, want the last of %v", got, want)
	}
}

// A dispute is lost: by silence, by acceptance, or by the bank.
func TestDisputeIsLost(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	silent := b.disputeOf(b.bought("pm_card_createDisputeProductNotReceived"))
	if silent.Reason != "product_not_received" {
		t.Errorf("reason = %s", silent.Reason)
	}
	accepted := b.disputeOf(b.bought("pm_card_createDispute"))
	if got := must[*stripego.Dispute](b)(b.disputes.Close(accepted.ID, nil)); got.Status != "lost" {
		t.Errorf("accepted = %s, want lost", got.Status)
	}
	losing := b.disputeOf(b.bought("pm_card_createDispute"))
	if got := must[*stripego.Dispute](b)(b.answer(losing, "losing_evidence", true)); got.Status != "lost" {
		t.Errorf("losing evidence = %s, want lost", got.Status)
	}
	winning := b.disputeOf(b.bought("pm_card_createDispute"))
	if got := must[*stripego.Dispute](b)(b.answer(winning, "winning_evidence", true)); got.Status != "won" {
		t.Errorf("winning evidence = %s, want won", got.Status)
	}
	b.advance(time.Unix(silent.EvidenceDetails.DueBy, 0).Sub(noon))
	if got := b.now(silent); got.Status != "needs_response" {
		t.Errorf("in the last second = %s, want needs_response", got.Status)
	}
	b.advance(time.Second)
	if got := b.now(silent); got.Status != "lost" || !got.EvidenceDetails.PastDue {
		t.Errorf("past due = %s %+v, want lost", got.Status, got.EvidenceDetails)
	}
	_, err := b.answer(silent, "too late", true)
	b.refuses(err, "invalid_request_error")
	if v := b.sim.Audit().Visits["v1"]; v.Disputes != 4 || v.Withdrawn != 3*5000 {
		t.Errorf("Audit = %+v, want three of four taken", v)
	}
}

// An inquiry takes no money. It ends with a refund, with time, or as a dispute.
func TestInquiry(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	refunded := b.bought("pm_card_createDisputeInquiry")
	d := b.disputeOf(refunded)
	if d.Status != "warning_needs_response" || !d.IsChargeRefundable || len(b.statement(d.ID)) != 0 {
		t.Errorf("inquiry = %s, refundable %t, want no money taken", d.Status, d.IsChargeRefundable)
	}
	must[*stripego.Refund](b)(b.refunds.New(&stripego.RefundParams{PaymentIntent: &refunded.ID}))
	if got := b.now(d); got.Status != "warning_closed" || got.IsChargeRefundable {
		t.Errorf("after a full refund = %s, want warning_closed", got.Status)
	}
	answered := b.disputeOf(b.bought("pm_card_createDisputeInquiry"))
	got := must[*stripego.Dispute](b)(b.answer(answered, "They were here.", true))
	if got.Status != "warning_under_review" {
		t.Errorf("answered = %s, want warning_under_review", got.Status)
	}
	b.ok(b.sim.Escalate(answered.ID))
	if got := b.now(answered); got.Status != "needs_response" || got.EvidenceDetails.SubmissionCount != 0 {
		t.Errorf("escalated = %s %+v, want to answer once more", got.Status, got.EvidenceDetails)
	}
	if got := b.statement(answered.ID); !slices.Equal(got, []string{"adjustment/dispute -5000 fee 1500"}) {
		t.Errorf("statement = %v, want the withdrawal", got)
	}
	escalated := b.disputeOf(b.bought("pm_card_createDisputeInquiry"))
	got = must[*stripego.Dispute](b)(b.answer(escalated, "escalate_inquiry_evidence", true))
	if got.Status != "needs_response" {
		t.Errorf("escalated by evidence = %s, want needs_response", got.Status)
	}
	quiet := b.disputeOf(b.bought("pm_card_createDisputeInquiry"))
	b.advance(15 * 24 * time.Hour)
	if got := b.now(quiet); got.Status != "warning_needs_response" || !got.EvidenceDetails.PastDue {
		t.Errorf("unanswered = %s %+v, want past due and open", got.Status, got.EvidenceDetails)
	}
	b.advance(106 * 24 * time.Hour)
	if got := b.now(quiet); got.Status != "warning_closed" {
		t.Errorf("after 121 days = %s, want warning_closed", got.Status)
	}
}

// A bank may dispute a part, after a part was given back, and not twice at
// once.
func TestDisputeOfAPart(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	pi := b.bought("pm_card_visa")
	id, err := b.sim.Dispute(pi.ID, stripesim.Dispute{Reason: "duplicate", Amount: 700, DueDays: 7})
	b.ok(err)
	d := must[*stripego.Dispute](b)(b.disputes.Get(id, nil))
	if d.Amount != 700 || d.Reason != "duplicate" || d.NetworkReasonCode == "" {
		t.Errorf("dispute = %+v, want 7.00 as duplicate", d)
	}
	if due := time.Unix(d.EvidenceDetails.DueBy, 0).Sub(noon); due < 7*24*time.Hour || due > 8*24*time.Hour {
		t.Errorf("due in %s, want a week", due)
	}
	for name, bad := range map[string]func() error{
		"a second while one is open": func() error { _, err := b.sim.Dispute(pi.ID, stripesim.Dispute{}); return err },
		"more than was captured": func() error {
			_, err := b.sim.Dispute(b.bought("pm_card_visa").ID, stripesim.Dispute{Amount: 5001})
			return err
		},
		"for no reason known": func() error {
			_, err := b.sim.Dispute(b.bought("pm_card_visa").ID, stripesim.Dispute{Reason: "weather"})
			return err
		},
		"about a hold": func() error {
			held := must[*stripego.PaymentIntent](b)(b.hold("pm_card_visa"))
			_, err := b.sim.Dispute(held.ID, stripesim.Dispute{})
			return err
		},
	} {
		if err := bad(); !errors.Is(err, stripesim.ErrState) {
			t.Errorf("a dispute %s = %v, want %v", name, err, stripesim.ErrState)
		}
	}
	if _, err := b.sim.Dispute("ch_none", stripesim.Dispute{}); !errors.Is(err, stripesim.ErrNotFound) {
		t.Errorf("a dispute about nothing = %v, want %v", err, stripesim.ErrNotFound)
	}
	part := b.bought("pm_card_visa")
	must[*stripego.Refund](b)(b.refunds.New(&stripego.RefundParams{PaymentIntent: &part.ID, Amount: stripego.Int64(2000)}))
	id, err = b.sim.Dispute(part.LatestCharge.ID, stripesim.Dispute{})
	b.ok(err)
	if d := must[*stripego.Dispute](b)(b.disputes.Get(id, nil)); d.Amount != 3000 {
		t.Errorf("dispute after a refund = %d, want what is left", d.Amount)
	}
}

// Evidence has limits: Stripe's, of characters, and of files that are there.
func TestEvidenceLimits(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	d := b.disputeOf(b.bought("pm_card_createDispute"))
	_, err := b.answer(d, strings.Repeat("ä", 20_001), false)
	b.refuses(err, "invalid_request_error")
	must[*stripego.Dispute](b)(b.answer(d, strings.Repeat("ä", 20_000), false)) // characters, not bytes
	long := strings.Repeat("x", 20_000)
	no := false
	_, err = b.disputes.Update(d.ID, &stripego.DisputeParams{Submit: &no, Evidence: &stripego.DisputeEvidenceParams{
		AccessActivityLog: &long, CancellationRebuttal: &long, RefundPolicyDisclosure: &long, ProductDescription: &long,
		RefundRefusalExplanation: &long, DuplicateChargeExplanation: &long, CancellationPolicyDisclosure: &long,
	}})
	b.refuses(err, "invalid_request_error")
	_, err = b.disputes.Update(d.ID, &stripego.DisputeParams{Evidence: &stripego.DisputeEvidenceParams{
		Receipt: stripego.String("file_none"),
	}})
	b.refuses(err, "resource_missing")
	if got := b.now(d); got.Status != "needs_response" || got.Evidence.AccessActivityLog != "" {
		t.Errorf("after refusals = %s, want nothing of them kept", got.Status)
	}
}

// An early fraud warning asks for action until a full refund or a dispute.
func TestEarlyFraudWarning(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	pi := b.bought("pm_card_createIssuerFraudRecord")
	warned := func(pi *stripego.PaymentIntent) *stripego.RadarEarlyFraudWarning {
		list := b.warnings.List(&stripego.RadarEarlyFraudWarningListParams{PaymentIntent: &pi.ID})
		if !list.Next() {
			t.Fatalf("no warning about %s: %v", pi.ID, list.Err())
		}
		return must[*stripego.RadarEarlyFraudWarning](b)(b.warnings.Get(list.RadarEarlyFraudWarning().ID, nil))
	}
	if w := warned(pi); !w.Actionable || w.FraudType != "misc" || w.Charge.ID != pi.LatestCharge.ID {
		t.Errorf("warning = %+v", w)
	}
	must[*stripego.Refund](b)(b.refunds.New(&stripego.RefundParams{PaymentIntent: &pi.ID}))
	w := warned(pi)
	want := []string{"radar.early_fraud_warning.created", "radar.early_fraud_warning.updated"}
	if got := b.saw(w.ID); w.Actionable || !slices.Equal(got, want) {
		t.Errorf("after a full refund: actionable %t, events %v", w.Actionable, got)
	}
	other := b.bought("pm_card_visa")
	_, err := b.sim.Warn(other.ID, "made_with_stolen_card")
	b.ok(err)
	if w := warned(other); !w.Actionable || w.FraudType != "made_with_stolen_card" {
		t.Errorf("warning = %+v", w)
	}
	_, err = b.sim.Dispute(other.ID, stripesim.Dispute{})
	b.ok(err)
	if w := warned(other); w.Actionable {
		t.Error("a warning with a dispute asks for action")
	}
	if _, err := b.sim.Warn(other.ID, "bad_mood"); !errors.Is(err, stripesim.ErrState) {
		t.Errorf("a warning of no known kind = %v, want %v", err, stripesim.ErrState)
	}
}
