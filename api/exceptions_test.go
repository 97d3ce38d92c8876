package api

import (
	"strings"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// differ opens an exception, as the matcher does.
func (s *shop) differ(name string) string {
	s.t.Helper()
	eur := func(n int64) money.Money { return money.Money{Minor: n, Currency: "EUR"} }
	d, err := ledger.NewDraft(ledger.Meta{ID: s.id(), Occurred: ledger.Instant(s.now()), Actor: "reconciler"}, ledger.ExceptionOpened{
		Exception: name, Class: ledger.ExceptionAmount, Store: berlin, Day: "2026-11-23", Subject: "pi_sample",
		Expected: eur(440), Found: eur(430), Owner: "finance", Detail: "captured is not what the provider's balance shows",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.log.Append(s.t.Context(), ledger.ExceptionStream(name), ledger.Any(), d); err != nil {
		s.t.Fatal(err)
	}
	return name
}

// TestFinanceExplainsADifference: finn sees what differs, hands it to gwen and
// explains it; explained, it is not asked about again.
func TestFinanceExplainsADifference(t *testing.T) {
	s := openShop(t)
	name := s.differ("amount_diff-pi_1")
	var list struct{ Items []exceptionView }
	s.send("finn", "GET", "/v1/exceptions", nil).want(200, &list)
	if len(list.Items) != 1 || list.Items[0].Owner != "finance" || list.Items[0].Found.Minor != 430 {
		t.Fatalf("exceptions = %+v, want one of 4.30", list.Items)
	}
	var x exceptionView
	s.send("finn", "POST", "/v1/exceptions/"+name+"/owner", map[string]any{"owner": "gwen"}).want(200, &x)
	if x.Owner != "gwen" {
		t.Errorf("owner = %q, want gwen", x.Owner)
	}
	page := s.send("finn", "GET", "/exceptions", nil, "Accept", "text/html").want(200).Body.String()
	for _, say := range []string{"Another amount", "4.30", "gwen", "2026-11-23"} {
		if !strings.Contains(page, say) {
			t.Errorf("the page does not say %q", say)
		}
	}
	s.send("finn", "POST", "/exceptions/"+name, "owner=ada",
		"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html").want(303)
	s.send("finn", "POST", "/v1/exceptions/"+name+"/explanation", map[string]any{"reason": "refunded by hand"}).want(200, &x)
	if x.Owner != "ada" {
		t.Errorf("owner = %q after the page's form, want ada", x.Owner)
	}
	if x.Closed == nil || x.Reason != "refunded by hand" {
		t.Errorf("explained = %+v", x)
	}
	s.send("finn", "POST", "/v1/exceptions/"+name+"/explanation", map[string]any{"reason": "again"}).want(409)
	s.send("finn", "POST", "/v1/exceptions/nothing/explanation", map[string]any{"reason": "x"}).want(404)
	s.send("finn", "POST", "/v1/exceptions/"+name+"/owner", map[string]any{"owner": ""}).want(400)
	s.send("finn", "GET", "/v1/exceptions", nil).want(200, &list)
	if len(list.Items) != 0 {
		t.Errorf("exceptions = %+v after it was explained, want none", list.Items)
	}
	s.send("finn", "GET", "/v1/exceptions?state=all", nil).want(200, &list)
	if len(list.Items) != 1 {
		t.Errorf("%d exceptions in all, want 1", len(list.Items))
	}
}

// TestABankFileIsTaken: camt.053 and CSV; again nothing is new; what is not
// understood changes nothing.
func TestABankFileIsTaken(t *testing.T) {
	s := openShop(t)
	const camt = `<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>1</Id>` +
		`<Ntry><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-23</Dt></BookgDt>` +
		`<AcctSvcrRef>A1</AcctSvcrRef></Ntry></Stmt></BkToCstmrStmt></Document>`
	var got struct{ Lines, Added int }
	body := map[string]any{"format": "camt.053", "account": "main", "text": camt}
	for _, added := range []int{1, 0} {
		if s.send("finn", "POST", "/v1/bank-statements", body).want(200, &got); got.Lines != 1 || got.Added != added {
			t.Errorf("statement = %+v, want 1 line and %d new", got, added)
		}
	}
	for name, bad := range map[string]map[string]any{
		"cut off":            {"format": "camt.053", "account": "main", "text": camt[:200]},
		"without an account": {"format": "camt.053", "text": camt},
		"without a mapping":  {"format": "csv", "text": "a,b"},
		"a wrong mapping":    {"format": "csv", "text": "a,b", "mapping": map[string]any{"account": "main"}},
	} {
		if c := s.send("finn", "POST", "/v1/bank-statements", bad); c.Code != 422 {
			t.Errorf("%s: answer %d %s, want 422", name, c.Code, c.Body)
		}
	}
}
