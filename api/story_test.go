package api

import (
	"strings"
	"testing"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
)

// TestAShopperDisputesOneLineAndSeesWhy is the whole way: in, two bottles, one
// put back, out, charged; one line disputed, upheld, refunded.
func TestAShopperDisputesOneLineAndSeesWhy(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	before, after := s.keep("before", "image/png", []byte("\x89PNG\r\n\x1a\nbefore")), s.keep("after",
		"image/png", []byte("\x89PNG\r\n\x1a\nafter"))
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 934, before, after, s.copyOf(before, ledger.RoleBlurred, []byte("\x89PNG\r\n\x1a\nblurred")))).want(201)
	s.send("gate", "POST", "/v1/detections", s.see("take", "water", "A2", 981)).want(201)
	s.send("gate", "POST", "/v1/detections", s.see("return", "water", "A2", 977)).want(201)
	s.exit(visit)
	v := s.settled(visit)
	if len(v.Receipts) != 1 || v.Receipts[0].Document.Gross.Minor != 189 || v.Payment.Captured.Minor != 189 {
		t.Fatalf("settled visit = %+v, want one receipt of 1.89 and as much charged", v)
	}
	number := v.Receipts[0].Document.Number

	var d disputeView
	body := map[string]any{"line": 1, "claim": "not_taken", "quantity": 1, "message": "I only looked at it."}
	s.send("lea", "POST", "/v1/receipts/"+number+"/disputes", body, "Idempotency-Key", "tap").want(201, &d)
	var replay replayView
	s.send("lea", "GET", "/v1/visits/"+visit+"/replay", nil).want(200, &replay)
	var why *replayStep
	for i, st := range replay.Steps {
		if st.Event.Kind == ledger.KindDetectionRecorded && len(st.Evidence) == 3 {
			why = &replay.Steps[i]
		}
	}
	if why == nil || len(why.Cart.Lines) != 0 {
		t.Fatalf("replay = %+v, want the take with its two frames, before its price was known", replay)
	}
	got := s.send("lea", "GET", "/v1/evidence/"+string(why.Evidence[2].Digest)+"?visit="+visit, nil).want(200)
	if got.Body.String() != "\x89PNG\r\n\x1a\nblurred" || got.Header().Get("Content-Type") != "image/png" {
		t.Errorf("evidence = %q as %s, want the frame before without faces", got.Body, got.Header().Get("Content-Type"))
	}
	s.send("anna", "POST", "/v1/disputes/"+d.Dispute.String()+"/decision",
		map[string]any{"outcome": "upheld", "reason": "The hand never closed."}).want(200, &d)
	v = s.until(visit, "refunded", func(v visitView) bool {
		return v.Payment.Refunded != nil &&
			v.Payment.Refunded.Minor == 189
	})
	if len(v.Receipts) != 2 || v.Receipts[1].Document.Corrects != number ||
		v.Receipts[0].CorrectedBy != v.Receipts[1].Document.Number {
		t.Errorf("receipts = %+v, want a correction of %s", v.Receipts, number)
	}
	var mine list[disputeView]
	s.send("lea", "GET", "/v1/disputes", nil).want(200, &mine)
	if len(mine.Items) != 1 || mine.Items[0].State != "upheld" || mine.Items[0].Decision.Reviewer != "" {
		t.Errorf("her disputes = %+v, want one, upheld, without the reviewer's name", mine.Items)
	}
	s.checkBooks()
}

// checkBooks fails the test unless the journal sums to zero.
func (s *shop) checkBooks() {
	s.t.Helper()
	var b balancesView
	s.send("finn", "GET", "/v1/journal/balances", nil).want(200, &b)
	sum := int64(0)
	for _, it := range b.Items {
		sum += it.Balance.Minor
	}
	if sum != 0 || len(b.Items) == 0 {
		s.t.Errorf("balances = %+v, want accounts that sum to zero", b.Items)
	}
	var j list[journalEntry]
	s.send("finn", "GET", "/v1/journal?limit=1", nil).want(200, &j)
	if len(j.Items) != 1 || j.Next == "" {
		s.t.Errorf("journal page = %+v, want one entry and a next page", j)
	}
}

// TestACodeThatMustNotOpenTheGate: each refusal is an answer with its reason
// and an event that an auditor can read.
func TestACodeThatMustNotOpenTheGate(t *testing.T) {
	s := openShop(t)
	var good, old, far ticketAnswer
	s.send("lea", "POST", "/v1/tickets", map[string]any{"store": berlin}).want(201, &good)
	s.send("lea", "POST", "/v1/tickets", map[string]any{"store": berlin, "life_seconds": 10}).want(201, &old)
	s.send("lea", "POST", "/v1/tickets", map[string]any{"store": munich}).want(201, &far)
	s.send("gate", "POST", "/v1/gate/entries", s.entry(good.Code)).want(200)
	s.jump(minute)
	forged := far.Code[:len(far.Code)-4] + "AAAA"
	for _, c := range []struct {
		name, code string
		want       ledger.RefusalReason
	}{
		{"a code used before", good.Code, ledger.RefusedReplayed},
		{"a forged code", forged, ledger.RefusedForged},
		{"an expired code", old.Code, ledger.RefusedExpired},
		{"another shop's code", far.Code, ledger.RefusedStore},
		{"a bottle's code", "4006381333931", ledger.RefusedUnread},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := s.entry(c.code)
			var ans, again entryAnswer
			s.send("gate", "POST", "/v1/gate/entries", req).want(200, &ans)
			if ans.Decision != engine.GateRefused || ans.Reason != c.want {
				t.Fatalf("gate answered %+v, want refused as %s", ans, c.want)
			}
			s.send("gate", "POST", "/v1/gate/entries", req).want(200, &again)
			if again != ans {
				t.Errorf("a retry answered %+v, want %+v", again, ans)
			}
			if n := strings.Count(s.stream("store-berlin-1"), `"reason":"`+string(c.want)+`"`); n != 1 {
				t.Errorf("the shop's stream holds %d refusals as %s, want 1", n, c.want)
			}
		})
	}
}

const minute = 60_000_000_000

func (s *shop) stream(name string) string {
	s.t.Helper()
	return s.send("otto", "GET", "/v1/streams/"+name+"?limit=200", nil).want(200).Body.String()
}

// TestADeclinedCardKeepsTheGateShut: the shopper is told, nobody is inside.
func TestADeclinedCardKeepsTheGateShut(t *testing.T) {
	s := openShop(t)
	s.bank.declines = true
	var tk ticketAnswer
	s.send("lea", "POST", "/v1/tickets", map[string]any{}).want(201, &tk)
	var ans, later entryAnswer
	s.send("gate", "POST", "/v1/gate/entries", s.entry(tk.Code)).want(200, &ans)
	if ans.Decision != engine.GateRefused || ans.Reason != ledger.RefusedDeclined {
		t.Errorf("gate answered %+v, want refused as declined", ans)
	}
	s.send("gate", "GET", "/v1/gate/entries/"+string(ans.Visit), nil).want(200, &later)
	if later.Decision != ans.Decision || later.Reason != ans.Reason {
		t.Errorf("asked later it answers %+v, want %+v", later, ans)
	}
	s.send("olga", "POST", "/v1/tickets", map[string]any{"shopper": "stranger"}).want(201, &tk)
	s.send("gate", "POST", "/v1/gate/entries", s.entry(tk.Code)).want(200, &ans)
	if ans.Decision != engine.GateRefused || ans.Reason != ledger.RefusedDeclined {
		t.Errorf("a shopper who cannot pay: gate answered %+v, want refused as declined", ans)
	}
}

// TestADetectionComesTwiceLateAndOutOfOrder: one pick is one pick.
func TestADetectionComesTwiceLateAndOutOfOrder(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	first, second := s.see("take", "cola", "A1", 950), s.see("take", "mate", "A3", 950)
	var r recordedView
	s.send("gate", "POST", "/v1/detections", second).want(201, &r)
	s.send("gate", "POST", "/v1/detections", first).want(201, &r)
	var again recordedView
	s.send("gate", "POST", "/v1/detections", first).want(200, &again)
	if !again.Duplicate || again.Position != r.Position || again.Revision != r.Revision {
		t.Errorf("a retry answered %+v, want %+v as a duplicate", again, r)
	}
	first["detection"].(map[string]any)["slot"] = "A9"
	if c := s.send("gate", "POST", "/v1/detections", first).want(422); c.code() != "id_reused" {
		t.Errorf("other content under the same id answers %s, want id_reused", c.code())
	}
	seen := s.now()
	s.exit(visit)
	s.settled(visit)
	late := s.see("take", "juice", "A5", 990)
	late["occurred_at"] = seen
	s.send("gate", "POST", "/v1/detections", late).want(201, &r)
	v := s.until(visit, "in doubt", func(v visitView) bool { return len(v.Cart.Open) == 1 })
	if got := v.Cart.Open[0].Doubts; len(got) != 1 || got[0] != ledger.DoubtLate {
		t.Errorf("doubts = %v, want late", got)
	}
	if v.Receipts[0].Document.Gross.Minor != 189+219 || v.Payment.Captured.Minor != 189+219 {
		t.Errorf("receipt = %+v, want cola and mate, charged, and no juice", v.Receipts[0].Document.Gross)
	}
}

// TestADoubtWaitsForAReviewer: the queue shows it, the answer ends it, and a
// second answer is refused.
func TestADoubtWaitsForAReviewer(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	var r recordedView
	s.send("gate", "POST", "/v1/detections", s.see("take", "mate", "A3", 610)).want(201, &r)
	s.exit(visit)
	s.until(visit, "provisional", func(v visitView) bool {
		return v.Provisional != nil &&
			len(v.Provisional.Document.Pending) == 1
	})
	var q list[reviewItem]
	s.send("anna", "GET", "/v1/reviews", nil).want(200, &q)
	if len(q.Items) != 1 || q.Items[0].Detection != r.ID || q.Items[0].AtRisk.Minor != 219 ||
		q.Items[0].Planned != "mate" {
		t.Fatalf("queue = %+v, want the mate of slot A3 with 2.19 at risk", q.Items)
	}
	answer := map[string]any{"verdict": "confirmed"}
	path := "/v1/reviews/" + r.ID.String() + "/decision"
	one := s.send("anna", "POST", path, answer, "Idempotency-Key", "k1").want(200)
	two := s.send("anna", "POST", path, answer, "Idempotency-Key", "k1").want(200)
	if one.Body.String() != two.Body.String() || two.Header().Get("Idempotent-Replayed") != "true" {
		t.Errorf("a repeat answers %s, want the first answer %s", two.Body, one.Body)
	}
	s.api.answers = newAnswers() // a restart forgets answers; the ledger does not
	three := s.send("anna", "POST", path, answer, "Idempotency-Key", "k1").want(200)
	if one.Body.String() != three.Body.String() {
		t.Errorf("a repeat after a restart answers %s, want the first answer %s", three.Body, one.Body)
	}
	if c := s.send("anna", "POST", path, map[string]any{"verdict": "dismissed"}, "Idempotency-Key",
		"k1").want(422); c.code() != "id_reused" {
		t.Errorf("another body under the same key answers %s, want id_reused", c.code())
	}
	s.send("anna", "POST", path, map[string]any{"verdict": "dismissed"}, "Idempotency-Key", "k2").want(409)
	v := s.settled(visit)
	if v.Receipts[0].Document.Lines[0].Check != ledger.CheckReviewed {
		t.Errorf("line = %+v, want it checked by a person", v.Receipts[0].Document.Lines[0])
	}
}
