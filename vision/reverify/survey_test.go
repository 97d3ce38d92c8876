package reverify

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/vision"
)

// street is a server of one shop whose visits all have the detections of v1,
// and whose what-if answers are made up.
type street struct {
	*shop
	visits  []Visit
	asked   []string
	answers map[string]vision.WhatIfAnswer
}

func (s *street) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == "/v1/visits":
		s.asked = append(s.asked, r.URL.Query().Get("store")+r.URL.Query().Get("cursor"))
		page, next := s.visits, ""
		if len(page) > 2 { // two pages
			page, next = page[:2], "more"
		}
		if r.URL.Query().Get("cursor") != "" {
			page, next = s.visits[2:], ""
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": page, "next": next})
	case strings.HasSuffix(path, "/what-if"):
		b, _ := io.ReadAll(r.Body)
		var q vision.WhatIf
		if err := json.Unmarshal(b, &q); err != nil || len(q.Claims) != 1 || q.Claims[0].Items[0].SKU != "cola" {
			s.t.Errorf("what if = %s, %v, want the one claim that was found", b, err)
		}
		_ = json.NewEncoder(w).Encode(s.answers[strings.Split(path, "/")[3]])
	case strings.HasSuffix(path, "/detections"):
		r.URL.Path = "/v1/visits/v1/detections"
		s.shop.ServeHTTP(w, r)
	default:
		s.shop.ServeHTTP(w, r)
	}
}

// TestANewModelIsComparedOverManyVisits: of the visits of a span it says how
// often the model agrees, and what would have been asked for; the server is told
// nothing by a dry run.
func TestANewModelIsComparedOverManyVisits(t *testing.T) {
	s, cfg := openShop(t)
	s.claim("mate", ledger.ActionTake, s.keep("before", "image/png", shelf(t, red)))
	s.claim("cola", ledger.ActionTake, s.keep("before", "image/png", shelf(t, gray)))
	s.claim("cola", ledger.ActionTake)
	eur := func(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }
	answer := func(change int64, open string) vision.WhatIfAnswer {
		return vision.WhatIfAnswer{Claims: 1, Would: eur(500 + change), Change: eur(change), Open: open, Asked: 1, AskedThen: 3}
	}
	st := &street{shop: s, answers: map[string]vision.WhatIfAnswer{
		"v1": answer(150, ""), "v2": answer(-40, ""), "v3": answer(0, ""), "v5": answer(70, "exited"),
	}}
	for i, hour := range []int{9, 8, 7, 6, 5, 4} { // newest first; v4 began after the end of the span, v6 before it
		at := noon.Add(time.Duration(hour) * time.Hour)
		switch i {
		case 3:
			at = noon.Add(20 * time.Hour)
		case 5:
			at = noon.Add(-time.Hour)
		}
		st.visits = append(st.visits, Visit{ID: ledger.VisitID(fmt.Sprint("v", i+1)), Store: "s1", Presented: at, Status: "settled"})
	}
	server := httptest.NewServer(st)
	defer server.Close()
	c, err := NewClient(server.URL, "k1")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Server, cfg.DryRun = c, true
	var changed []ledger.VisitID
	got, err := All(t.Context(), cfg, c, Span{Store: "s1", Since: noon, Until: noon.Add(10 * time.Hour)}, func(r Report) error {
		if r.Changed() {
			changed = append(changed, r.Visit.ID)
		}
		if len(r.Differs) != 1 || r.Differs[0].Items[0].SKU != "cola" {
			t.Errorf("visit %s differs in %+v, want the one", r.Visit.ID, r.Differs)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Survey{
		Visits: 4, Count: Count{Detections: 12, Differ: 4, Unsure: 4, Skipped: 4}, Changed: 2, Stuck: 1,
		More: map[money.Currency]int64{"EUR": 150}, Less: map[money.Currency]int64{"EUR": 40}, Asked: 4, AskedThen: 12,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("survey (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]ledger.VisitID{"v1", "v2"}, changed); diff != "" || len(s.sent) != 0 {
		t.Errorf("changed (-want +got), %d looks were told:\n%s", len(s.sent), diff)
	}
	if diff := cmp.Diff([]string{"s1", "s1more"}, st.asked); diff != "" {
		t.Errorf("pages asked for (-want +got):\n%s", diff)
	}
}
