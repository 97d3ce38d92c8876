package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/books"
)

type trialBalance struct {
	Position uint64 `json:"position"`
	Sums     []struct {
		Debit  int64 `json:"debit_minor"`
		Credit int64 `json:"credit_minor"`
	} `json:"sums"`
}

// sold lets lea buy a cola, and returns when the journal has it.
func (s *shop) sold() {
	s.t.Helper()
	visit := s.enter("lea")
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990)).want(201)
	s.exit(visit)
	s.settled(visit)
}

// TestFinanceAsksTheBooks at any moment: now, as known before the sale, as of
// a day, by tax, as CSV; and is told what cannot be asked.
func TestFinanceAsksTheBooks(t *testing.T) {
	s := openShop(t)
	before := s.now()
	s.sold()
	var b trialBalance
	s.send("finn", "GET", "/v1/reports/trial-balance", nil).want(200, &b)
	if len(b.Sums) != 1 || b.Sums[0].Debit == 0 || b.Sums[0].Debit != b.Sums[0].Credit {
		t.Errorf("trial balance = %+v, want one currency whose sides are equal", b)
	}
	for _, q := range []string{
		"as_known=" + before.UTC().Format(time.RFC3339Nano), "as_known=1", "as_known=0", "as_known=2026-01-01T00:00:00Z",
		"as_of=2026-11-22", "store=munich-1", "to=2026-11-22",
	} {
		var none trialBalance
		s.send("finn", "GET", "/v1/reports/trial-balance?"+q, nil).want(200, &none)
		if len(none.Sums) != 0 {
			t.Errorf("trial balance with %s = %+v, want nothing", q, none)
		}
	}
	var now trialBalance
	s.send("otto", "GET", "/v1/reports/trial-balance?as_known="+s.now().UTC().Add(time.Hour).Format(time.RFC3339), nil).want(200, &now)
	if len(now.Sums) != 1 || now.Sums[0].Debit < b.Sums[0].Debit {
		t.Errorf("as known in an hour = %+v, want what is known now", now)
	}
	sales := s.send("finn", "GET", "/v1/reports/sales?by=day,tax&format=csv", nil).want(200)
	if got := sales.Body.String(); !strings.Contains(got, "2026-11-23,DE 19 %,1,1,1.59,0.30,1.89,0.00,EUR") {
		t.Errorf("sales = %s, want the cola of 1.89 on 23 November", got)
	}
	s.send("finn", "GET", "/v1/reports/tax?by=shop", nil).want(200)
	s.enter("tom")
	held := s.send("finn", "GET", "/v1/reports/exposure?shopper=tom", nil).want(200).Body.String()
	if !strings.Contains(held, `"total":[{"amount_minor":5000,"currency":"EUR"}]`) {
		t.Errorf("exposure of tom, who is inside = %s, want his hold of 50.00", held)
	}
	s.send("finn", "GET", "/v1/reports/exposure", nil).want(400)
	for _, q := range []string{
		"/v1/reports/sales?by=week", "/v1/reports/tax?by=category", "/v1/reports/sales?from=2026-11-02&to=2026-11-01",
		"/v1/reports/trial-balance?as_of=soon", "/v1/reports/trial-balance?as_known=soon",
	} {
		s.send("finn", "GET", q, nil).want(http.StatusUnprocessableEntity)
	}
}

// TestFinanceClosesADay over the API and on the page: after midnight, once.
func TestFinanceClosesADay(t *testing.T) {
	s := openShop(t)
	s.sold()
	inside := s.enter("tom")
	const day = "/v1/shops/berlin-1/days/2026-11-23/close"
	s.send("finn", "POST", day, nil).want(409)
	s.jump(24 * time.Hour)
	s.sees("finn", "/books", "Corner Shop Torstraße", "Nothing is closed yet.", "Open: 2026-11-23", "Close 2026-11-23", "Trial balance")
	if got := s.look("otto", "/books"); strings.Contains(got, "Close 2026-11-23") {
		t.Error("an auditor is shown how to close a day")
	}
	var answer struct {
		Closing books.Closing           `json:"closing"`
		Carried []books.UnfinishedVisit `json:"carried"`
	}
	s.send("finn", "POST", day, nil).want(201, &answer)
	if k := answer.Closing; k.Number != 1 || k.Receipts != 1 || k.By != "finance:finn" || k.At == 0 {
		t.Errorf("closing = %+v, want the first, of one receipt, by finn", k)
	}
	if len(answer.Carried) != 1 || string(answer.Carried[0].Visit) != inside {
		t.Errorf("carried over = %v, want tom's visit %s", answer.Carried, inside)
	}
	s.send("finn", "POST", day, nil).want(409)
	s.sees("finn", "/books", "Closed: 2026-11-23, number 1.")
	var days struct {
		Closings []ledger.DayClosed `json:"closings"`
		Altered  []string           `json:"altered"`
	}
	s.send("otto", "GET", "/v1/shops/berlin-1/days", nil).want(200, &days)
	if len(days.Closings) != 1 || len(days.Altered) != 0 {
		t.Errorf("days = %+v, want one that is as it was closed", days)
	}
}

// TestPricesAreCheckedOverTheAPI: against the catalogue or what was charged;
// another currency or product is refused and nothing is recorded.
func TestPricesAreCheckedOverTheAPI(t *testing.T) {
	s := openShop(t)
	const path = "/v1/shops/berlin-1/price-checks"
	eur := func(minor int) map[string]any { return map[string]any{"amount_minor": minor, "currency": "EUR"} }
	items := func(its ...map[string]any) map[string]any { return map[string]any{"items": its} }
	cola := map[string]any{"sku": "cola", "shelf": eur(179)}
	bad := map[string]any{"sku": "wine", "shelf": eur(179)}
	s.send("olga", "POST", path, items(cola, bad)).want(422)
	s.send("olga", "POST", path, items(map[string]any{"sku": "cola", "shelf": eur(-1)})).want(422)
	s.send("olga", "POST", path, items(map[string]any{"sku": "cola", "shelf": map[string]any{"amount_minor": 1, "currency": "USD"}})).want(422)
	for range 2 {
		s.send("olga", "POST", path, items(cola, map[string]any{"sku": "water", "shelf": eur(119), "charged": eur(119)}), "Idempotency-Key", "round-1").want(201)
	}
	var p struct {
		Sample      int `json:"sample"`
		Overcharges int `json:"overcharges"`
		Accuracy    int `json:"accuracy_permille"`
	}
	s.send("otto", "GET", "/v1/shops/berlin-1/price-accuracy", nil).want(200, &p)
	if p.Sample != 2 || p.Overcharges != 1 || p.Accuracy != 500 {
		t.Errorf("price accuracy = %+v, want one overcharge of two", p)
	}
	if got := s.send("otto", "GET", "/v1/shops/berlin-1/price-accuracy?format=csv", nil).want(200).Body.String(); !strings.Contains(got, "cola,1.79,1.89,0.10,overcharge") {
		t.Errorf("the form as CSV = %s", got)
	}
}
