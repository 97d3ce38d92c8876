package api

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// claimed is a card network's claim about a visit, with its pack in the store.
func (s *shop) claimed(visit, dp string, set ...func(*ledger.ChargebackOpened)) string {
	s.t.Helper()
	amount := money.Money{Minor: 219, Currency: "EUR"}
	opened := ledger.ChargebackOpened{
		Chargeback: dp, Object: "pi_1", Amount: amount, Reason: "product_not_received", NetworkCode: "13.1",
		DueBy: ledger.Instant(s.now().Add(10 * 24 * time.Hour)),
	}
	for _, f := range set {
		f(&opened)
	}
	info := must(s.store.PutBytes(s.t.Context(), []byte("%PDF-1.7 "+dp)))(s.t)
	for _, p := range []ledger.Payload{
		opened,
		ledger.ChargebackFundsMoved{
			Chargeback: dp, Transaction: "txn_" + dp, Withdrawn: true, Amount: amount, Fee: money.Money{Minor: 1500, Currency: "EUR"},
		},
		ledger.EvidencePackBuilt{Chargeback: dp, Digest: info.Digest, Pages: 3, Position: 7},
	} {
		d := must(ledger.NewDraft(ledger.Meta{ID: s.id(), Occurred: ledger.Instant(s.now()), Actor: "watch"}, p))(s.t)
		must(s.log.Append(s.t.Context(), ledger.PaymentStream(ledger.VisitID(visit)), ledger.Any(), d))(s.t)
	}
	return dp
}

// TestOperatorAnswersAChargeback: olga sees the claim with its deadline, reads
// the evidence and contests it. Her answer stands: a repeat of the request is
// the same answer, and another one is refused.
func TestOperatorAnswersAChargeback(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990)).want(201)
	s.exit(visit)
	s.settled(visit)
	first, second := s.claimed(visit, "dp_first"), s.claimed(visit, "dp_second")

	var page list[chargebackView]
	s.send("finn", "GET", "/v1/chargebacks?limit=1", nil).want(200, &page)
	if len(page.Items) != 1 || page.Items[0].Chargeback != second || page.Next == "" {
		t.Fatalf("page = %+v, want the newest and a next one", page)
	}
	var rest list[chargebackView]
	s.send("finn", "GET", "/v1/chargebacks?limit=1&cursor="+page.Next, nil).want(200, &rest)
	if len(rest.Items) != 1 || rest.Items[0].Chargeback != first || rest.Next != "" {
		t.Fatalf("next page = %+v, want the other", rest)
	}
	v := rest.Items[0]
	if v.State != "open" || v.DueBy == nil || v.ContestedAt == nil || !v.ContestedAt.Before(*v.DueBy) || len(v.Moves) != 1 ||
		v.Evidence == nil || v.Evidence.Pages != 3 || string(v.Visit) != visit {
		t.Errorf("chargeback = %+v, want it open with deadline, evidence and money", v)
	}
	pdf := s.send("olga", "GET", "/v1/chargebacks/"+first+"/evidence", nil).want(200)
	if pdf.Header().Get("Content-Type") != "application/pdf" || !strings.HasPrefix(pdf.Body.String(), "%PDF") {
		t.Errorf("evidence = %s %q", pdf.Header().Get("Content-Type"), pdf.Body.String())
	}

	answer := "/v1/chargebacks/" + first + "/answer"
	yes := map[string]any{"reply": "contest", "reason": "seen on two cameras"}
	var done, again chargebackView
	s.send("olga", "POST", answer, yes, "Idempotency-Key", "one").want(200, &done)
	s.send("olga", "POST", answer, yes, "Idempotency-Key", "one").want(200, &again)
	if done.Answer == nil || done.Answer.Reply != ledger.ReplyContest || !strings.HasPrefix(done.Answer.By, "operator:") ||
		done.ContestedAt != nil || again.Answer == nil || again.Answer.At != done.Answer.At {
		t.Errorf("answered %+v, again %+v, want one answer by the operator", done.Answer, again.Answer)
	}
	s.send("olga", "POST", answer, map[string]any{"reply": "accept", "reason": "no"}).want(409)
	s.send("olga", "POST", answer, map[string]any{"reply": "perhaps", "reason": "no"}).want(400)
	s.send("olga", "POST", answer, map[string]any{"reply": "contest"}).want(400)

	asked := s.claimed(visit, "dp_asked", func(o *ledger.ChargebackOpened) { o.Inquiry = true })
	s.send("olga", "POST", "/v1/chargebacks/"+asked+"/answer", map[string]any{"reply": "accept", "reason": "no"}).want(409)
	late := s.claimed(visit, "dp_late", func(o *ledger.ChargebackOpened) { o.DueBy = ledger.Instant(s.now().Add(-time.Hour)) })
	s.send("olga", "POST", "/v1/chargebacks/"+late+"/answer", yes).want(409)

	var open list[chargebackView]
	s.send("olga", "GET", "/v1/chargebacks?state=won", nil).want(200, &open)
	if len(open.Items) != 0 {
		t.Errorf("won: %+v, want none", open.Items)
	}
}

// TestChargebacksPage shows claims by deadline; an operator answers on it and
// finance only reads.
func TestChargebacksPage(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	s.exit(visit)
	empty := s.send("olga", "GET", "/chargebacks", nil, "Accept", "text/html").want(200).Body.String()
	if !strings.Contains(empty, "No bank claims anything back.") {
		t.Errorf("the empty page says %s", empty)
	}
	dp := s.claimed(visit, "dp_first")
	s.claimed(visit, "dp_asked", func(o *ledger.ChargebackOpened) { o.Inquiry = true })
	page := s.send("olga", "GET", "/chargebacks", nil, "Accept", "text/html").want(200).Body.String()
	for _, want := range []string{
		"Product not received", "13.1", "days left", "2.19", "/v1/chargebacks/dp_first/evidence", "3 pages", "Contest it now",
		"The bank only asks", "If nobody answers, it is contested on", `aria-current="page">Chargebacks`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(page, `value="accept"`); n != 1 {
		t.Errorf("%d claims can be accepted, want 1: an inquiry cannot", n)
	}
	if read := s.send("finn", "GET", "/chargebacks", nil, "Accept", "text/html").want(200).Body.String(); strings.Contains(read, "<form class=\"stack\"") {
		t.Error("finance can answer")
	}
	form := "reply=contest&reason=seen&nonce=n1"
	s.send("olga", "POST", "/chargebacks/"+dp+"/answer", form, "Content-Type", "application/x-www-form-urlencoded").want(303)
	s.send("olga", "POST", "/chargebacks/"+dp+"/answer", form, "Content-Type", "application/x-www-form-urlencoded").want(303)
	page = s.send("olga", "GET", "/chargebacks", nil, "Accept", "text/html").want(200).Body.String()
	if !strings.Contains(page, "wants to contest it: seen") {
		t.Error("the page does not show the answer")
	}
}

// TestWhoLookedAtEvidenceIsKept: staff who open a picture are written down once
// a day; the shopper whose picture it is is not.
func TestWhoLookedAtEvidenceIsKept(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	frame := s.keep("before", "image/png", []byte("\x89PNG\r\n\x1a\nshelf"))
	blurred := s.copyOf(frame, ledger.RoleBlurred, []byte("\x89PNG\r\n\x1a\nshelf")) // nobody was in it
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990, frame, blurred)).want(201)
	path := "/v1/evidence/" + string(frame.Digest) + "?visit=" + visit
	for _, who := range []string{"lea", "anna", "anna", "otto", "lea"} {
		s.send(who, "GET", path, nil).want(200)
	}
	var by []string
	for r, err := range s.log.Read(t.Context(), ledger.Query{Stream: ledger.EvidenceStream(frame.Digest)}) {
		if err != nil {
			t.Fatal(err)
		}
		e := must(ledger.Decode(r))(t)
		by = append(by, e.Payload.(ledger.EvidenceViewed).By)
	}
	if len(by) != 2 || !strings.HasPrefix(by[0], "reviewer:") || !strings.HasPrefix(by[1], "auditor:") {
		t.Errorf("viewed by %v, want a reviewer and an auditor, once each", by)
	}
}

// TestChargebacksInABrowser: olga contests a claim with two clicks, and the
// page has nothing to complain about.
func TestChargebacksInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	s := openShop(t)
	b := openBrowser(t, s)
	visit := s.enter("lea")
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990)).want(201)
	s.exit(visit)
	s.claimed(visit, "dp_first")
	s.claimed(visit, "dp_asked", func(o *ledger.ChargebackOpened) { o.Inquiry, o.Reason = true, "unrecognized" })
	b.signIn(s, "olga")
	b.do(chromedp.Navigate(b.url + "/chargebacks"))
	b.wide(390, 844)
	b.shot("chargebacks-phone")
	b.wide(1280, 900)
	b.shot("chargebacks")
	b.do(chromedp.SendKeys(chromedp.CSS("#dp_first input[name=reason]"), "Two cameras saw her take it."),
		chromedp.Click(chromedp.CSS("#dp_first button[value=contest]")))
	b.wait(`document.querySelector("#dp_first form") === null && document.body.textContent.includes("wants to contest it: Two cameras")`)
	b.do(chromedp.Navigate(b.url + "/visits/nobody"))
	b.wantNoise("404")
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.errors) > 0 {
		t.Errorf("the console complains: %v", b.errors)
	}
}
