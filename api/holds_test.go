package api

import (
	"strings"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

// hold has the operator keep the evidence of a visit.
func (s *shop) hold(visit string) string {
	s.t.Helper()
	var v commandView
	s.send("olga", "POST", "/v1/visits/"+visit+"/evidence-holds", map[string]any{"reason": "a letter of the court"}).want(201, &v)
	return v.Event.String()
}

func TestAnOperatorHoldsEvidenceAndReleasesIt(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	hold := s.hold(visit)
	at := "/v1/visits/" + visit + "/evidence-holds"
	for range 2 { // the first release counts
		s.send("olga", "POST", at+"/"+hold+"/release", map[string]any{"reason": "the case is closed"}).want(200)
	}
	second := s.hold(visit)
	var list holdList
	s.send("otto", "GET", at, nil).want(200, &list)
	if len(list.Holds) != 2 || list.Holds[0].Released == nil || list.Holds[1].Released != nil ||
		list.Holds[1].Hold.String() != second || !strings.HasSuffix(list.Holds[0].By, "olga") {
		t.Errorf("holds = %+v, want the first released and the second not", list.Holds)
	}
	s.send("olga", "POST", at, map[string]any{"reason": ""}).want(400)
}

// TestExpiredEvidenceIsGoneAndNotJustMissing asks for what was deleted after its
// time, and for what never was.
func TestExpiredEvidenceIsGoneAndNotJustMissing(t *testing.T) {
	s := openShop(t)
	frame := s.keep("before", "image/png", []byte("\x89PNG\r\n\x1a\nshelf"))
	at := "/v1/evidence/" + string(frame.Digest)
	s.send("otto", "GET", at, nil).want(200)
	draft, err := ledger.NewDraft(ledger.Meta{ID: ledger.ID{9}, Occurred: s.now()},
		ledger.EvidenceExpired{Digest: frame.Digest, Class: ledger.RetentionRoutine, Days: 135})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.log.Append(t.Context(), ledger.EvidenceStream(frame.Digest), ledger.Any(), draft); err != nil {
		t.Fatal(err)
	}
	s.send("otto", "GET", at, nil).want(200) // until it is deleted
	if err := s.store.Remove(t.Context(), frame.Digest); err != nil {
		t.Fatal(err)
	}
	s.send("otto", "GET", at, nil).refused(410, "expired")
	s.send("gate", "HEAD", at, nil).want(410)
	s.send("otto", "GET", "/v1/evidence/"+string(ledger.DigestOf([]byte("never"))), nil).refused(404, "not_found")
}

// TestLateEvidenceOfAnExpiredVisitIsRefused has a device come back after months.
func TestLateEvidenceOfAnExpiredVisitIsRefused(t *testing.T) {
	keys, err := evidence.OpenKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	s := openShop(t)
	sealed := must(evidence.Open(t.TempDir(), evidence.Config{Keys: keys}))(t)
	defer sealed.Close()
	s.api.s.Evidence = sealed
	frame := []byte("\x89PNG\r\n\x1a\nlate")
	at := "/v1/evidence/" + string(ledger.DigestOf(frame))
	visit := s.enter("lea")
	if err := keys.Destroy(ledger.VisitID(visit)); err != nil {
		t.Fatal(err)
	}
	s.send("gate", "PUT", at+"?visit="+visit, frame).refused(410, "expired")
	other := s.enter("tom")
	s.send("gate", "PUT", at+"?visit="+other, frame).want(201)
	s.send("gate", "PUT", at+"?visit=..%2Fx", frame).refused(422, "invalid")
	s.send("otto", "GET", at, nil).want(200)
	if err := keys.Destroy(ledger.VisitID(other)); err != nil {
		t.Fatal(err)
	}
	s.send("otto", "GET", at, nil).refused(410, "expired")
}

// refused requires an answer with a problem of this code.
func (c call) refused(status int, code string) {
	c.t.Helper()
	if got := c.want(status).code(); got != code {
		c.t.Errorf("the problem is %s, want %s", got, code)
	}
}
