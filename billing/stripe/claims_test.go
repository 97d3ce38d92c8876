package stripe

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/ledger"
)

// taken is a visit that paid 12.90, and its payment.
func (s *shop) taken(visit string) string {
	s.Helper()
	pi := s.held(visit)
	s.want(s.order(visit, billing.OpCapture, usd(1290), pi), billing.Done, "")
	return pi
}

func (s *shop) claim(id string) provider.Chargeback {
	s.Helper()
	c, err := s.gateway.Chargeback(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

const pdf = "%PDF-1.7\n%%EOF\n"

// A bank claims 4.00 of 12.90. The part and its fee are what is seen moving,
// the pack is staged as often as it is made, and submitted once; what is won
// comes back.
func TestChargebackOfAPart(t *testing.T) {
	s := open(t)
	pi := s.taken("v1")
	id, err := s.sim.Dispute(pi, stripesim.Dispute{Reason: "product_not_received", Amount: 400, DueDays: 7})
	if err != nil {
		t.Fatal(err)
	}
	c := s.claim(id)
	if len(c.Moves) != 1 {
		t.Fatalf("moves = %+v, want one", c.Moves)
	}
	want := provider.Chargeback{
		ID: id, Payment: pi, Created: noon, Amount: usd(400), Reason: "product_not_received", NetworkCode: "13.1",
		DueBy: c.DueBy, NeedsAnswer: true,
		Moves: []provider.Move{{Transaction: c.Moves[0].Transaction, Withdrawn: true, Amount: usd(400), Fee: usd(1500)}},
	}
	if diff := cmp.Diff(want, c); diff != "" || c.DueBy.Before(noon.Add(7*24*time.Hour)) {
		t.Errorf("Chargeback (-want +got):\n%s", diff)
	}

	file, err := s.gateway.Upload(t.Context(), "v1/dispute/x/file/1", "evidence.pdf", []byte(pdf))
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.gateway.Upload(t.Context(), "v1/dispute/x/file/1", "evidence.pdf", []byte(pdf))
	if err != nil || again != file {
		t.Errorf("Upload with the same key = %s, %v, want %s", again, err, file)
	}
	for range 3 {
		if err := s.gateway.Stage(t.Context(), id, "v1", "sha256:x", provider.Evidence{File: file, Summary: "as seen"}); err != nil {
			t.Fatal(err)
		}
	}
	if c := s.claim(id); c.Submissions != 0 || c.File != file || c.Pack != "sha256:x" || !c.NeedsAnswer {
		t.Errorf("staged: %+v, want nothing submitted", c)
	}
	if err := s.gateway.Submit(t.Context(), id, "v1/dispute/x/submit/1", "op", provider.Evidence{Summary: "as seen"}); err != nil {
		t.Fatal(err)
	}
	if c := s.claim(id); c.Submissions != 1 || c.NeedsAnswer || c.File != file {
		t.Errorf("submitted: %+v, want once, with the staged file", c)
	}
	err = s.gateway.Submit(t.Context(), id, "v1/dispute/x/submit/2", "op", provider.Evidence{Summary: "and another thing"})
	if !errors.Is(err, ErrSubmitted) {
		t.Errorf("Submit a second time = %v, want %v", err, ErrSubmitted)
	}
	if c := s.claim(id); c.Submissions != 1 {
		t.Errorf("%d submissions, want 1", c.Submissions)
	}
	if err := s.sim.Decide(id, true); err != nil {
		t.Fatal(err)
	}
	c = s.claim(id)
	if c.Outcome != ledger.ChargebackWon || len(c.Moves) != 2 || c.Moves[1].Withdrawn || c.Moves[1].Amount != usd(400) {
		t.Errorf("won: %+v, want 4.00 back", c)
	}
}

// An inquiry takes no money, and can become a claim.
func TestInquiryBecomesAClaim(t *testing.T) {
	s := open(t)
	id, err := s.sim.Dispute(s.taken("v1"), stripesim.Dispute{Inquiry: true})
	if err != nil {
		t.Fatal(err)
	}
	if c := s.claim(id); !c.Inquiry || len(c.Moves) != 0 || !c.NeedsAnswer {
		t.Errorf("inquiry = %+v, want no money moved", c)
	}
	if err := s.sim.Escalate(id); err != nil {
		t.Fatal(err)
	}
	if c := s.claim(id); c.Inquiry || len(c.Moves) != 1 || c.Amount != usd(1290) {
		t.Errorf("claim = %+v, want 12.90 taken", c)
	}
	if err := s.gateway.Accept(t.Context(), id, "v1/dispute/x/accept/1"); err != nil {
		t.Fatal(err)
	}
	if c := s.claim(id); c.Outcome != ledger.ChargebackLost {
		t.Errorf("accepted: %+v, want it lost", c)
	}
	if err := s.gateway.Accept(t.Context(), id, "v1/dispute/x/accept/2"); !errors.Is(err, ErrRefused) {
		t.Errorf("Accept again = %v, want %v", err, ErrRefused)
	}
	if _, err := s.gateway.Chargeback(t.Context(), "dp_none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Chargeback(dp_none) = %v, want %v", err, ErrNotFound)
	}
}

// What a bank would not read is not sent.
func TestEvidenceHasLimits(t *testing.T) {
	s := open(t)
	id, err := s.sim.Dispute(s.taken("v1"), stripesim.Dispute{})
	if err != nil {
		t.Fatal(err)
	}
	sent := s.sim.Audit().Requests
	long := strings.Repeat("ß", MaxEvidenceText+1)
	if err := s.gateway.Stage(t.Context(), id, "v1", "", provider.Evidence{Summary: long}); !errors.Is(err, ErrOrder) {
		t.Errorf("Stage of %d characters = %v, want %v", MaxEvidenceText+1, err, ErrOrder)
	}
	for name, f := range map[string]struct {
		key  string
		file []byte
	}{
		"no key": {"", []byte(pdf)}, "nothing": {"k", nil}, "above 4 MB": {"k", make([]byte, MaxEvidenceFile+1)},
	} {
		if _, err := s.gateway.Upload(t.Context(), f.key, "x.pdf", f.file); !errors.Is(err, ErrOrder) {
			t.Errorf("Upload of %s = %v, want %v", name, err, ErrOrder)
		}
	}
	if err := s.gateway.Submit(t.Context(), id, "", "op", provider.Evidence{}); !errors.Is(err, ErrOrder) {
		t.Errorf("Submit without a key = %v, want %v", err, ErrOrder)
	}
	if got := s.sim.Audit().Requests; got != sent {
		t.Errorf("%d requests were sent, want none", got-sent)
	}
	if err := s.gateway.Stage(t.Context(), id, "v1", "", provider.Evidence{Summary: long[:2*MaxEvidenceText]}); err != nil {
		t.Errorf("Stage of %d characters = %v, want none", MaxEvidenceText, err)
	}
}

// hosts is a transport that goes nowhere and remembers where to.
type hosts map[string]string

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h[r.URL.Path] = r.URL.Host
	return &http.Response{
		StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"id":"file_1"}`)), Request: r,
	}, nil
}

// Files go to the host for files, and everything else does not.
func TestFilesGoToTheirOwnHost(t *testing.T) {
	seen := hosts{}
	g, err := New(Config{SecretKey: "sk_test_x", Transport: seen})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Upload(t.Context(), "k", "x.pdf", []byte(pdf)); err != nil {
		t.Fatal(err)
	}
	if err := g.Accept(t.Context(), "dp_1", "k"); err != nil {
		t.Fatal(err)
	}
	want := hosts{"/v1/files": "files.stripe.com", "/v1/disputes/dp_1/close": "api.stripe.com"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

// The event list has what a lost webhook said; warnings and payments are
// listed from an instant on.
func TestListsFromAnInstant(t *testing.T) {
	s := open(t)
	s.taken("early")
	if err := s.sim.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	pi := s.taken("late")
	warning, err := s.sim.Warn(pi, "made_with_stolen_card")
	if err != nil {
		t.Fatal(err)
	}
	since := noon.Add(time.Minute)
	types := map[string]int{}
	for c, err := range s.gateway.Changes(t.Context(), since) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Payment != pi || c.Event == "" || c.Created.Before(since) {
			t.Errorf("change %+v, want one of %s", c, pi)
		}
		types[c.Type]++
	}
	if types["payment_intent.succeeded"] != 1 || types["radar.early_fraud_warning.created"] != 1 {
		t.Errorf("changes = %v, want the capture and the warning", types)
	}
	for w, err := range s.gateway.Warnings(t.Context(), since) {
		if err != nil || w.ID != warning || w.Payment != pi || !w.Actionable || w.Type != "made_with_stolen_card" {
			t.Errorf("warning %+v, %v, want %s", w, err, warning)
		}
	}
	visits := map[string]int{}
	for p, err := range s.gateway.Payments(t.Context(), since) {
		if err != nil {
			t.Fatal(err)
		}
		visits[p.Visit]++
	}
	if visits["late"] != 1 || visits["early"] != 0 {
		t.Errorf("payments of %v, want late once", visits)
	}
	// A refund of today brings back a payment of yesterday.
	early, err := s.gateway.Fetch(t.Context(), pi)
	if err != nil {
		t.Fatal(err)
	}
	s.want(s.order("late", billing.OpRefund, usd(100), early.Object), billing.Done, "")
	n := 0
	for p, err := range s.gateway.Payments(t.Context(), s.sim.Now()) {
		if err != nil {
			t.Fatal(err)
		}
		if p.Visit == "late" && p.Refunded == usd(100) {
			n++
		}
	}
	if n == 0 {
		t.Error("the refunded payment is not listed")
	}
}

// A test key at an account of real money stops at the start.
func TestAccountIsOfTheKeysMode(t *testing.T) {
	s := open(t)
	if a, err := s.gateway.Account(t.Context()); err != nil || a.ID == "" || a.Live {
		t.Errorf("Account = %+v, %v, want one of test money", a, err)
	}
	sim, err := stripesim.Open(stripesim.Config{Now: func() time.Time { return noon }, Livemode: true})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	g, err := New(Config{SecretKey: "sk_test_x", Transport: sim.Transport(), URL: "http://stripe.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Account(t.Context()); !errors.Is(err, ErrLivemode) {
		t.Errorf("Account = %v, want %v", err, ErrLivemode)
	}
}
