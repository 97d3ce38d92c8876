package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

// lookAgain is what a model says about a detection's evidence.
func (s *shop) lookAgain(detection ledger.ID, sku string, refs ...ledger.EvidenceRef) map[string]any {
	items := []any{}
	if sku != "" {
		items = append(items, map[string]any{"sku": sku, "confidence": 941})
	}
	return map[string]any{
		"id": s.id(), "occurred_at": s.now(), "detection": detection, "model": "fridge@2",
		"model_digest": ledger.DigestOf([]byte("fridge")), "items": items, "evidence": refs,
	}
}

// TestASecondLookStandsBesideTheClaim: a newer model sees mate where the camera
// sold cola. The reviewer and the shopper see both; the receipt is as it was.
func TestASecondLookStandsBesideTheClaim(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	frame, foreign := s.keep("before", "image/png", []byte("\x89PNG\r\n\x1a\nshelf")), s.keep("before", "image/png",
		[]byte("\x89PNG\r\n\x1a\nanother"))
	var took recordedView
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990, frame)).want(201, &took)
	s.exit(visit)
	was := s.settled(visit)
	number := was.Receipts[0].Document.Number
	s.send("lea", "POST", "/v1/receipts/"+number+"/disputes", map[string]any{
		"line": 1, "claim": "not_taken", "quantity": 1,
	}).want(201)

	path := "/v1/visits/" + visit + "/reverifications"
	var said reverifiedView
	look := s.lookAgain(took.ID, "mate", frame)
	s.send("anna", "POST", path, look).want(201, &said)
	if said.Agreement != ledger.AgreementDiffers || said.Duplicate {
		t.Errorf("second look = %+v, want that it differs", said)
	}
	var again reverifiedView
	s.send("anna", "POST", path, look).want(200, &again)
	if again.Event != said.Event || !again.Duplicate {
		t.Errorf("the same look again = %+v, want the first answer %+v", again, said)
	}
	look["items"] = []any{map[string]any{"sku": "cola", "confidence": 941}}
	s.send("anna", "POST", path, look).want(422)
	s.send("gate", "POST", path, s.lookAgain(took.ID, "cola", frame)).want(201, &said)
	if said.Agreement != ledger.AgreementAgrees {
		t.Errorf("a look that sees the same = %+v, want that it agrees", said)
	}
	s.send("gate", "POST", path, s.lookAgain(took.ID, "", frame)).want(201, &said)
	if said.Agreement != ledger.AgreementUnsure {
		t.Errorf("a look that sees nothing it knows = %+v, want that it is not sure", said)
	}

	s.wouldBe(visit, took.ID, was.Receipts[0].Document)
	var list list[detectionView]
	s.send("gate", "GET", "/v1/visits/"+visit+"/detections", nil).want(200, &list)
	if len(list.Items) != 1 || len(list.Items[0].Reverified) != 3 || list.Items[0].Claim.Items[0].SKU != "cola" ||
		list.Items[0].Reverified[0].Found.Items[0].SKU != "mate" {
		t.Errorf("detections = %+v, want the claim with three looks", list)
	}
	now := s.settled(visit)
	if diff := cmp.Diff(was.Receipts, now.Receipts); diff != "" {
		t.Errorf("receipts after the looks (-before +after):\n%s", diff)
	}
	page := s.send("anna", "GET", "/visits/"+visit, nil, "Accept", "text/html").want(200).Body.String()
	for _, want := range []string{"Looked at again: it differs", "Looked at again: not sure", "fridge@2 sees"} {
		if !strings.Contains(page, want) {
			t.Errorf("the visit's page does not say %q", want)
		}
	}
	if desk, _, _ := strings.Cut(page[strings.Index(page, `id="disputes"`):], "</section>"); !strings.Contains(desk, "Differs") {
		t.Error("the dispute's card does not show the second look beside the claim")
	}

	// What is not a look at this detection is refused, and nothing is written.
	s.send("anna", "POST", path, s.lookAgain(took.ID, "cola", foreign)).want(422)
	s.send("anna", "POST", path, s.lookAgain(s.id(), "cola", frame)).want(404)
	other := s.enter("tom")
	s.send("anna", "POST", "/v1/visits/"+other+"/reverifications", s.lookAgain(took.ID, "cola", frame)).want(404)
	s.send("anna", "POST", path, s.lookAgain(took.ID, "cola")).want(400)
	s.send("gate", "GET", "/v1/visits/"+visit+"/detections", nil).want(200, &list)
	if len(list.Items[0].Reverified) != 3 {
		t.Errorf("looks after refusals = %d, want 3", len(list.Items[0].Reverified))
	}
}

// TestAReviewerSeesTheSecondLookAtAQuestion: the queue shows it beside the
// confidences, and the question stays open.
func TestAReviewerSeesTheSecondLookAtAQuestion(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	frame := s.keep("before", "image/png", []byte("\x89PNG\r\n\x1a\nshelf"))
	var q recordedView
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 500, frame)).want(201, &q)
	s.until(visit, "asked about", func(v visitView) bool { return len(v.Cart.Open) == 1 })
	s.send("gate", "POST", "/v1/visits/"+visit+"/reverifications", s.lookAgain(q.ID, "cola", frame)).want(201)
	page := s.send("anna", "GET", "/reviews", nil, "Accept", "text/html").want(200).Body.String()
	if !strings.Contains(page, "Looked at again") || !strings.Contains(page, "Agrees") {
		t.Error("the review desk does not show the second look")
	}
	s.until(visit, "still asked about", func(v visitView) bool { return len(v.Cart.Open) == 1 })
}

// wouldBe asks what a visit would have come to by its second looks, the last of
// which saw nothing, and by others.
func (s *shop) wouldBe(visit string, detection ledger.ID, was ledger.ReceiptDocument) {
	s.t.Helper()
	before, err := s.log.Head(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	path := "/v1/visits/" + visit + "/what-if"
	var got vision.WhatIfAnswer
	s.send("anna", "POST", path, map[string]any{}).want(200, &got)
	if got.Claims != 1 || got.Would != was.Gross || got.Change.Minor != 0 || len(got.Lines) != 0 {
		s.t.Errorf("by a look that saw nothing the visit is %+v, want as it was", got)
	}
	claim := map[string]any{"detection": detection, "items": []any{map[string]any{"sku": "mate", "confidence": 941}}}
	s.send("anna", "POST", path, map[string]any{"claims": []any{claim}}).want(200, &got)
	if got.Would == was.Gross || got.Change.Minor != got.Would.Minor-was.Gross.Minor || got.First == nil || *got.First != was.Gross ||
		len(got.Lines) != 2 || got.Lines[0].SKU != "cola" || got.Lines[0].Would != 0 || got.Lines[1].SKU != "mate" || got.Lines[1].Would != 1 {
		s.t.Errorf("with mate for cola the visit is %+v, want another sum and both products", got)
	}
	claim["detection"] = s.id()
	s.send("anna", "POST", path, map[string]any{"claims": []any{claim}}).want(404)
	s.send("anna", "POST", path, map[string]any{"claims": []any{map[string]any{"items": []any{}}}}).want(400)
	s.send("lea", "POST", path, map[string]any{}).want(404)
	if after, err := s.log.Head(s.t.Context()); err != nil || after != before {
		s.t.Errorf("asking what if moved the log from %d to %d, %v", before, after, err)
	}
}
