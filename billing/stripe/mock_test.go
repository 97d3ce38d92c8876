package stripe

import (
	"strings"
	"testing"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/internal/peer"
)

// Every request the gateway makes is of a form that Stripe's specification
// allows: the mock refuses unknown and missing parameters.
func TestRequestsAgainstStripeMock(t *testing.T) {
	url := peer.StripeMock(t)
	g, err := New(Config{SecretKey: "sk_test_123", URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	s := &shop{T: t, gateway: g}
	card, code, err := g.Enrol(t.Context(), Enrolment{Key: "k", Shopper: "ada", PaymentMethod: "pm_card_visa"})
	if err != nil || code != "" || card.Customer == "" || card.Last4 == "" {
		t.Errorf("Enrol = %+v, %q, %v, want a card", card, code, err)
	}
	for _, op := range []billing.Op{billing.OpHold, billing.OpCapture, billing.OpRelease} {
		o := billing.Order{
			Op: op, ID: "1", Key: "k" + string(op), Visit: "v", Store: "s", Amount: usd(5000), Customer: "cus_1",
			PaymentMethod: "pm_card_visa", Object: "pi_1", First: noon,
		}
		out, err := s.send(t.Context(), o)
		found, findErr := g.Find(t.Context(), o)
		// The mock's intent never gets beyond requires_payment_method.
		unfinished := (err == nil && out.Status == billing.Declined && strings.HasPrefix(out.Object, "pi_")) ||
			(op == billing.OpRelease && err != nil)
		if !unfinished || findErr != nil {
			t.Errorf("%s = %+v, %v; Find = %+v, %v, want an unfinished intent", op, out, err, found, findErr)
		}
	}
	out, err := g.Refund(t.Context(), billing.Order{
		Op: billing.OpRefund, ID: "1", Key: "r", Visit: "v", Store: "s", Amount: usd(100), Object: "pi_1",
	})
	if err != nil || out.Status != billing.Done {
		t.Errorf("Refund = %+v, %v, want done", out, err)
	}
	s.claimsAgainstTheMock(g)
	// The mock can refuse: this gateway call names a parameter of another kind.
	amount := int64(1)
	_, err = g.refunds.New(&stripego.RefundParams{Amount: &amount, Reason: stripego.String("no_such_reason")})
	if err == nil {
		t.Error("the mock took a refund for no_such_reason")
	}
	if p, err := g.Fetch(t.Context(), "pi_1"); err != nil || p.Object != "pi_1" {
		t.Errorf("Fetch = %+v, %v, want pi_1", p, err)
	}
}

// claimsAgainstTheMock makes every request about claims, lists and accounts.
func (s *shop) claimsAgainstTheMock(g *Gateway) {
	s.Helper()
	ctx := s.Context()
	e := provider.Evidence{
		Product: "p", Access: "a", ServiceDate: "2026-11-23", RefundRefusal: "r", Duplicate: "d", Summary: "s", File: "file_1",
		Receipt: "file_2",
	}
	if c, err := g.Chargeback(ctx, "dp_1"); err != nil || c.ID != "dp_1" {
		s.Errorf("Chargeback = %+v, %v", c, err)
	}
	if w, err := g.Warning(ctx, "issfr_1"); err != nil || w.ID != "issfr_1" {
		s.Errorf("Warning = %+v, %v", w, err)
	}
	if id, err := g.Upload(ctx, "k", "evidence.pdf", []byte(pdf)); err != nil || id == "" {
		s.Errorf("Upload = %q, %v", id, err)
	}
	for name, err := range map[string]error{
		"Stage": g.Stage(ctx, "dp_1", "v", "sha256:x", e), "Submit": g.Submit(ctx, "dp_1", "k2", "op", e),
		"Accept": g.Accept(ctx, "dp_1", "k3"),
	} {
		if err != nil {
			s.Errorf("%s = %v", name, err)
		}
	}
	if a, err := g.Account(ctx); err != nil || a.ID == "" {
		s.Errorf("Account = %+v, %v", a, err)
	}
	for _, err := range g.Chargebacks(ctx, noon) {
		s.listed("Chargebacks", err)
	}
	for _, err := range g.Warnings(ctx, noon) {
		s.listed("Warnings", err)
	}
	for _, err := range g.Changes(ctx, noon) {
		s.listed("Changes", err)
	}
	for _, err := range g.Payments(ctx, noon) {
		s.listed("Payments", err)
	}
}

func (s *shop) listed(what string, err error) {
	s.Helper()
	if err != nil {
		s.Errorf("%s = %v", what, err)
	}
}
