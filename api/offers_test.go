package api

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/coupon"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// TestABeerWithACoupon is an evening in the shop: a bottle with a deposit that
// is not for everybody, a promotion, a coupon that works once, and what the
// cart, the receipt and the page say about it.
func TestABeerWithACoupon(t *testing.T) {
	s := openShop(t)
	leaflet := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, ed25519.SeedSize))
	public, _ := leaflet.Public().(ed25519.PublicKey)
	m := func() ledger.Meta { return ledger.Meta{ID: s.id(), Occurred: s.base} }
	from, until := ledger.Instant(s.base.Add(-48*time.Hour)), ledger.Instant(s.base.Add(48*time.Hour))
	eur := func(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }
	must(s.desk.ListProduct(t.Context(), m(), menu, ledger.ProductListed{
		SKU: "beer", Name: "Beer 0.5 l", Category: "Drinks", TaxCategory: "standard", MinAge: 16,
		Deposit: ledger.Deposit{Name: "Pfand", Amount: eur(8), TaxCategory: "standard"},
	}))(t)
	must(s.desk.SetPrice(t.Context(), m(), menu, ledger.PriceSet{SKU: "beer", Price: eur(129), From: from}))(t)
	must(s.desk.SetPromotion(t.Context(), m(), menu, ledger.PromotionSet{Promotion: ledger.Promotion{
		Promotion: "evening", Name: "Evening", Kind: ledger.PromotionPercent, PerMille: 100, SKUs: []ledger.SKU{"beer"}, From: from, Until: until,
	}}))(t)
	must(s.desk.SetPromotion(t.Context(), m(), menu, ledger.PromotionSet{Promotion: ledger.Promotion{
		Promotion: "leaflet", Name: "Leaflet", Kind: ledger.PromotionAmount, Amount: eur(50), Limit: 1, Stacks: true, Coupon: true,
		CouponKey: hex.EncodeToString(public), From: from, Until: until,
	}}))(t)
	text := must(coupon.New(leaflet, "leaflet", "0042"))(t)

	// Of another one the time is over; a cart that was cut off was shown it before.
	must(s.desk.SetPromotion(t.Context(), m(), menu, ledger.PromotionSet{Promotion: ledger.Promotion{
		Promotion: "morning", Name: "Morning", Kind: ledger.PromotionAmount, Amount: eur(10), Limit: 1, Stacks: true, Coupon: true,
		CouponKey: hex.EncodeToString(public), From: from, Until: ledger.Instant(s.base.Add(-2 * time.Minute)),
	}}))(t)
	lapsed := must(coupon.New(leaflet, "morning", "0007"))(t)

	lea, tom := s.enter("lea"), s.enter("tom")
	see := s.see("take", "beer", "A1", 990)
	see["detection"].(map[string]any)["persons"] = []map[string]any{{"visit": lea, "confidence": 990}}
	s.send("gate", "POST", "/v1/detections", see).want(201)

	var answer couponAnswer
	s.send("lea", "POST", "/v1/visits/"+lea+"/coupons", map[string]any{"coupon": text}, "Idempotency-Key", "c1").want(201, &answer)
	if answer.Coupon != "0042" || answer.Promotion != "leaflet" {
		t.Errorf("the coupon is %+v, want number 0042 of leaflet", answer)
	}
	s.send("lea", "POST", "/v1/visits/"+lea+"/coupons", map[string]any{"coupon": text}, "Idempotency-Key", "c1").want(201)
	if c := s.send("tom", "POST", "/v1/visits/"+tom+"/coupons", map[string]any{"coupon": text}).want(409); c.code() != "refused" || !strings.Contains(c.Body.String(), "used up") {
		t.Errorf("the second use answers %s, want a refusal that says why", c.Body.String())
	}
	if c := s.send("tom", "POST", "/v1/visits/"+tom+"/coupons", map[string]any{"coupon": text[:len(text)-1]}).want(422); c.code() != "invalid" {
		t.Errorf("a cut coupon answers %s, want invalid", c.Body.String())
	}
	s.send("tom", "POST", "/v1/visits/"+lea+"/coupons", map[string]any{"coupon": text}).want(404)

	shown := map[string]any{"coupon": lapsed, "occurred_at": s.base.Add(-7 * time.Minute), "clock_offset_ms": 6 * 60_000}
	if c := s.send("tom", "POST", "/v1/visits/"+tom+"/coupons", shown).want(422); !strings.Contains(c.Body.String(), "only a device") {
		t.Errorf("a shopper who says when is answered %s, want a refusal", c.Body.String())
	}
	if c := s.send("gate", "POST", "/v1/visits/"+tom+"/coupons", shown).want(409); !strings.Contains(c.Body.String(), "until") {
		t.Errorf("a coupon that was shown a minute ago, when it had lapsed, answers %s, want a refusal", c.Body.String())
	}
	shown["clock_offset_ms"] = 4 * 60_000
	s.send("gate", "POST", "/v1/visits/"+tom+"/coupons", shown).want(201, &answer)
	if answer.Coupon != "0007" {
		t.Errorf("a coupon that was shown in time and came late is %+v, want it taken", answer)
	}

	v := s.until(lea, "priced", func(v visitView) bool { return len(v.Cart.Lines) == 2 && len(v.Cart.Lines[0].Discounts) == 2 })
	if v.Cart.AgeDue != 16 {
		t.Errorf("age_due = %d, want 16", v.Cart.AgeDue)
	}
	var age ageAnswer
	s.send("anna", "POST", "/v1/visits/"+lea+"/age", map[string]any{"min_age": 18, "method": "document", "verified": true}).want(200, &age)
	if age.Due != 0 || age.Proven != 18 {
		t.Errorf("the age is %+v, want 18 proven and none due", age)
	}
	s.send("lea", "POST", "/v1/visits/"+lea+"/age", map[string]any{"min_age": 18, "method": "document", "verified": true}).want(404)

	s.exit(lea)
	v = s.settled(lea)
	d := v.Receipts[0].Document
	if d.Gross.Minor != 129-13-50+8 || d.AgeProven != 18 || d.Lines[1].Of != 1 {
		t.Errorf("the receipt is %+v, want 0.74 with the deposit behind its bottle", d)
	}
	if c := s.send("lea", "POST", "/v1/receipts/"+d.Number+"/disputes",
		map[string]any{"line": 2, "claim": "not_taken", "quantity": 1}).want(422); !strings.Contains(c.Body.String(), "deposit goes with") {
		t.Errorf("a claim about the deposit alone answers %s, want why not", c.Body.String())
	}
	page := s.send("lea", http.MethodGet, "/visits/"+lea, nil, "Accept", "text/html").want(200).Body.String()
	for _, words := range []string{
		"Evening: 10 % off", "Leaflet: 0.50 off each, with a coupon", "from 16 years", "Pfand", "Coupon: Leaflet", "Old enough for 18",
	} {
		if !strings.Contains(page, words) {
			t.Errorf("the page does not say %q", words)
		}
	}
}
