package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestAReceiptInEveryForm: the shopper takes the receipt as paper, her mail
// program as schema.org, the tax adviser in the terms of the standard. All say
// the same total.
func TestAReceiptInEveryForm(t *testing.T) {
	s := openShop(t)
	s.samples() // a visit with a receipt
	var list struct{ Items []receiptRow }
	body := s.send("lea", "GET", "/v1/receipts", nil).want(200).Body.Bytes()
	if err := json.Unmarshal(body, &list); err != nil || len(list.Items) == 0 {
		t.Fatalf("receipts of lea: %s (%v)", body, err)
	}
	row := list.Items[0]
	for form, want := range map[string]struct{ media, says string }{
		"html":    {"text/html; charset=utf-8", row.Gross.String()},
		"pdf":     {"application/pdf", "%PDF-"},
		"en16931": {"application/json", `"BT-112": ` + row.Gross.Decimal()},
		"schema":  {"application/ld+json", `"price": ` + row.Gross.Decimal()},
	} {
		for _, path := range []string{"/v1/receipts/" + row.Number + "/forms/", "/v1/visits/" + string(row.Visit) + "/paper/"} {
			got := s.send("lea", "GET", path+form, nil).want(200)
			if media := got.Header().Get("Content-Type"); media != want.media || !strings.Contains(got.Body.String(), want.says) {
				t.Errorf("%s%s is %s without %q:\n%.300s", path, form, media, want.says, got.Body)
			}
			again := s.send("lea", "GET", path+form, nil).want(200)
			if !bytes.Equal(got.Body.Bytes(), again.Body.Bytes()) {
				t.Errorf("%s%s is not the same twice", path, form)
			}
		}
	}
	s.send("lea", "GET", "/v1/receipts/"+row.Number+"/forms/docx", nil).want(400)
}

// TestWhoTakesNothingHasItInWriting: the visit ended, nothing is owed, and the
// hold is free.
func TestWhoTakesNothingHasItInWriting(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	s.exit(visit)
	s.settled(visit)
	page := s.send("lea", "GET", "/v1/visits/"+visit+"/paper/html", nil).want(200).Body.String()
	for _, say := range []string{"Nothing to pay", "Nothing was taken on this visit", "0.00 EUR"} {
		if !strings.Contains(page, say) {
			t.Errorf("the paper does not say %q:\n%s", say, page)
		}
	}
	s.send("tom", "GET", "/v1/visits/"+visit+"/paper/html", nil).want(404)
}
