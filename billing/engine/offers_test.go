package engine_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/coupon"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

const (
	apples = ledger.SKU("apples") // 4.99 a kilogram
	beer   = ledger.SKU("beer")   // 1.29 and a deposit
)

var (
	leaflet       = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))
	leafletKey, _ = leaflet.Public().(ed25519.PublicKey)
)

// openMarket opens the corner shop with fruit, beer and a few promotions.
func (w *world) openMarket() *world {
	w.t.Helper()
	w.open(house)
	from := opening.Add(-time.Hour)
	list := func(p ledger.ProductListed, price ledger.PriceSet) {
		w.seed("list "+string(p.SKU), func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
			return w.desk.ListProduct(ctx, m, main, p)
		})
		price.SKU, price.From = p.SKU, from
		w.seed("price of "+string(p.SKU), func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
			return w.desk.SetPrice(ctx, m, main, price)
		})
	}
	list(ledger.ProductListed{SKU: apples, Name: "Apples", Category: "Fruit", TaxCategory: "food", TareGrams: 12},
		ledger.PriceSet{Price: eur(499), Per: ledger.PerKilogram})
	list(ledger.ProductListed{
		SKU: beer, Name: "Beer", Category: "Drinks", TaxCategory: "food", MinAge: 16,
		Deposit: ledger.Deposit{Name: "Pfand", Amount: eur(8), TaxCategory: "food"},
	}, ledger.PriceSet{Price: eur(129)})
	w.promote(ledger.Promotion{Promotion: "3for2", Kind: ledger.PromotionNForM, Take: 3, Pay: 2, SKUs: []ledger.SKU{cola}})
	w.promote(ledger.Promotion{Promotion: "club", Kind: ledger.PromotionMember, Members: true, Amount: eur(399), SKUs: []ledger.SKU{apples}})
	w.promote(ledger.Promotion{
		Promotion: "leaflet", Kind: ledger.PromotionAmount, Amount: eur(50), Limit: 1, Stacks: true, Coupon: true,
		CouponKey: hex.EncodeToString(leafletKey), Categories: []string{"Drinks"},
	})
	return w
}

func (w *world) promote(p ledger.Promotion) {
	w.t.Helper()
	p.Name, p.From, p.Until = p.Promotion, opening.Add(-time.Hour), opening.Add(12*time.Hour)
	w.seed("promotion "+p.Promotion, func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
		return w.desk.SetPromotion(ctx, m, main, ledger.PromotionSet{Promotion: p})
	})
}

func (w *world) setPrice(name string, p ledger.PriceSet) {
	w.t.Helper()
	w.seed(name, func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
		return w.desk.SetPrice(ctx, m, main, p)
	})
}

// enterAsMember lets a member in.
func (w *world) enterAsMember(visit string) {
	w.t.Helper()
	do(w, "present "+visit, func(ctx context.Context) (engine.GateAnswer, error) {
		return w.desk.Present(ctx, engine.PresentCommand{
			ID: w.id("present " + visit), Occurred: w.now, Actor: "device:gate", Store: corner, Gate: "gate",
			Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: visit, Shopper: ledger.ShopperID("shopper-" + visit),
			Customer: "cus_" + visit, PaymentMethod: "pm_" + visit, Member: true,
		})
	})
}

// weighs records what a scale saw being taken off it.
func (w *world) weighs(name, visit string, sku ledger.SKU, grams int) {
	w.t.Helper()
	do(w, "detection "+name, func(ctx context.Context) (engine.Recorded, error) {
		return w.desk.Record(ctx, engine.RecordCommand{
			ID: w.id("detection " + name), Occurred: w.now,
			Detection: ledger.DetectionRecorded{
				Store: corner, Sensor: "scale-1", Source: ledger.SensorScale, Slot: "B1",
				Items:   []ledger.ItemHypothesis{{SKU: sku, Confidence: 990}},
				Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 990}},
				Persons: who(visit, 990), Quantity: 1, Grams: -grams, Model: "scale 1",
			},
		})
	})
}

// presentCoupon shows a coupon of the leaflet.
func (w *world) presentCoupon(visit, serial string) (engine.Recorded, error) {
	w.t.Helper()
	text, err := coupon.New(leaflet, "leaflet", serial)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.showCoupon(visit, text)
}

func (w *world) showCoupon(visit, text string) (rec engine.Recorded, err error) {
	w.t.Helper()
	w.survive(func() {
		rec, err = w.desk.PresentCoupon(w.t.Context(), engine.CouponCommand{
			ID: w.id("coupon " + visit + text), Occurred: w.now, Actor: "shopper", Visit: ledger.VisitID(visit), Coupon: text,
		})
	})
	w.settle()
	return rec, err
}

// paper prints the lines of a visit's last receipt.
func (w *world) paper(visit string) string {
	w.t.Helper()
	var b strings.Builder
	d := w.visit(visit).Cart.Latest
	if d == nil {
		return "no receipt\n"
	}
	for _, l := range d.Lines {
		fmt.Fprintf(&b, "%d %d %s %s", l.No, l.Quantity, l.Name, l.Gross.Decimal())
		if l.Per == ledger.PerKilogram {
			fmt.Fprintf(&b, " %d g on %s", l.Grams, l.Scale)
		}
		if l.Picked.Currency != "" {
			fmt.Fprintf(&b, " (%s at the pick)", l.Picked.Decimal())
		}
		for _, o := range l.Discounts {
			fmt.Fprintf(&b, "; -%s %s", o.Amount.Decimal(), o.Reason)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func wantPaper(w *world, visit, want string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.paper(visit)); diff != "" {
		w.t.Errorf("receipt of %s (-want +got)\n%s", visit, diff)
	}
}

// saturday is a member with fruit, three colas, two beers and a coupon, and a
// cola that gets cheaper while she shops; a piece is taken back afterwards.
func saturday(w *world) {
	w.openMarket()
	w.enterAsMember("anna")
	w.enter("ben")
	w.sees("colas", sight{sku: cola, n: 3, persons: who("anna", 990)})
	w.weighs("fruit", "anna", apples, 747)
	w.sees("beers", sight{sku: beer, n: 2, persons: who("anna", 990)})
	w.sees("ben's", sight{sku: water, persons: who("ben", 990)})
	if _, err := w.presentCoupon("anna", "0001"); err != nil {
		w.t.Fatalf("PresentCoupon(anna) = %v, want nil", err)
	}
	if _, err := w.presentCoupon("ben", "0001"); !errors.Is(err, engine.ErrCouponUsed) {
		w.t.Errorf("PresentCoupon(the same, ben) = %v, want ErrCouponUsed", err)
	}
	w.now = w.now.Add(time.Minute)
	w.setPrice("cheaper cola", ledger.PriceSet{SKU: cola, Price: eur(140), From: w.now})
	w.setPrice("dearer beer", ledger.PriceSet{SKU: beer, Price: eur(199), From: w.now})
	w.pass(time.Minute)
	w.exit("anna")
	w.exit("ben")
	w.pass(time.Minute)
}

func wantSaturday(w *world) {
	w.t.Helper()
	wantPaper(w, "anna", "1 3 cola 2.30 (1.50 at the pick); -1.40 3 for 2: 1 of 3 free; -0.50 0.50 off each, with a coupon\n"+
		"2 1 Apples 2.93 735 g on scale-1; -0.74 members pay 3.99 per kg\n"+
		"3 2 Beer 2.58\n4 2 Pfand 0.16\n")
	wantPaper(w, "ben", "1 1 water 1.00\n")
	w.wantEnd("anna", ledger.SettledCharged, 797, 0, 0)
	w.wantEnd("ben", ledger.SettledCharged, 100, 0, 0)
	if n := count(w.kinds("visit-anna"), ledger.KindPromotionPinned); n != 2 {
		w.t.Errorf("%d promotions are pinned, want 2: each once", n)
	}
	w.audit()
}

// TestSaturday kills the process at every boundary of a Saturday. Each time
// the receipts are the same, and the coupon works once.
func TestSaturday(t *testing.T) {
	whole := newWorld(t)
	saturday(whole)
	wantSaturday(whole)
	if t.Failed() {
		return
	}
	want := streams(whole)
	for at := 1; at <= whole.boundary; at++ {
		w := newWorld(t)
		w.killAt = at
		saturday(w)
		wantSaturday(w)
		if diff := cmp.Diff(want, streams(w)); diff != "" {
			t.Errorf("streams differ from those of a process that lived (-want +got):\n%s", diff)
		}
		if t.Failed() {
			t.Fatalf("killed at boundary %d", at)
		}
	}
}

// TestWeighedFruitIsMovedWithItsWeight checks that a dispute gives fruit and
// its weight to the other shopper, and that a broken 3 for 2 gives back what
// each piece cost.
func TestWeighedFruitIsMovedWithItsWeight(t *testing.T) {
	w := newWorld(t)
	saturday(w)
	w.dispute("fruit", "anna", 2, 1)
	w.uphold("fruit", "ben")
	w.dispute("cola", "anna", 1, 1)
	w.uphold("cola", "")
	w.pass(time.Minute)
	wantPaper(w, "anna", "1 2 cola 1.54 (1.50 at the pick); -0.93 3 for 2: 1 of 3 free; -0.33 0.50 off each, with a coupon\n"+
		"2 0 Apples 0.00 0 g on scale-1\n3 2 Beer 2.58\n4 2 Pfand 0.16\n")
	wantPaper(w, "ben", "1 1 water 1.00\n2 1 Apples 3.67 735 g on scale-1\n")
	w.wantEnd("anna", ledger.SettledCharged, 797, 293+76, 0)
	w.audit()
}

// TestCouponsThatAreNotTaken checks each refusal, and that none uses the
// coupon up or writes anything.
func TestCouponsThatAreNotTaken(t *testing.T) {
	w := newWorld(t).openMarket()
	w.promote(ledger.Promotion{
		Promotion: "vip", Kind: ledger.PromotionPercent, PerMille: 500, Members: true, Coupon: true,
		CouponKey: hex.EncodeToString(leafletKey),
	})
	w.enter("anna")
	good, err := coupon.New(leaflet, "leaflet", "0002")
	if err != nil {
		t.Fatal(err)
	}
	signed := func(key ed25519.PrivateKey, promotion string) string {
		text, err := coupon.New(key, promotion, "0002")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	forger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{4}, ed25519.SeedSize))
	before := w.live.Position()
	for _, tt := range []struct {
		name, visit, text string
		want              error
	}{
		{"cut", "anna", good[:len(good)-2], coupon.ErrRefused},
		{"invented", "anna", signed(forger, "leaflet"), coupon.ErrRefused},
		{"of no promotion", "anna", signed(leaflet, "winter"), coupon.ErrRefused},
		{"of a promotion without coupons", "anna", signed(leaflet, "3for2"), coupon.ErrRefused},
		{"for members", "anna", signed(leaflet, "vip"), engine.ErrMembersOnly},
		{"of nobody", "zoe", good, engine.ErrUnknownVisit},
	} {
		if _, err := w.showCoupon(tt.visit, tt.text); !errors.Is(err, tt.want) {
			t.Errorf("PresentCoupon(%s) = %v, want %v", tt.name, err, tt.want)
		}
	}
	if after := w.live.Position(); after != before {
		t.Errorf("refusals wrote %d events, want none", after-before)
	}
	w.sees("beer", sight{sku: beer})
	w.exit("anna")
	if _, err := w.showCoupon("anna", good); !errors.Is(err, engine.ErrNotInside) {
		t.Errorf("PresentCoupon(after the exit) = %v, want ErrNotInside", err)
	}
	w.pass(13 * time.Hour)
	w.enter("ben")
	if _, err := w.showCoupon("ben", good); !errors.Is(err, engine.ErrCouponNotNow) {
		t.Errorf("PresentCoupon(when it is over) = %v, want ErrCouponNotNow", err)
	}
}

// TestTheSameCouponTwiceAtOnce lets two carts present one coupon at the same
// moment: the other writer is first between the decision and the append.
func TestTheSameCouponTwiceAtOnce(t *testing.T) {
	w := newWorld(t).openMarket()
	w.enter("anna")
	w.enter("ben")
	other := engine.NewDesk(engine.NewLive(w.log), func() time.Time { return w.now }, w.ids)
	text, err := coupon.New(leaflet, "leaflet", "0003")
	if err != nil {
		t.Fatal(err)
	}
	w.beside = func() {
		w.beside = nil
		if _, err := other.PresentCoupon(t.Context(), engine.CouponCommand{ID: w.id("other"), Visit: "ben", Coupon: text}); err != nil {
			t.Errorf("PresentCoupon(ben) = %v, want nil", err)
		}
	}
	if _, err := w.showCoupon("anna", text); !errors.Is(err, engine.ErrCouponUsed) {
		t.Errorf("PresentCoupon(anna) = %v, want ErrCouponUsed", err)
	}
	if a, b := len(w.visit("anna").Cart.Coupons), len(w.visit("ben").Cart.Coupons); a != 0 || b != 1 {
		t.Errorf("the coupon counts %d times for anna and %d times for ben, want 0 and 1", a, b)
	}
}

// TestWhoIsOldEnough checks that a bottle asks for an age until somebody has
// seen it, blocks nothing, and stands on the receipt.
func TestWhoIsOldEnough(t *testing.T) {
	w := newWorld(t).openMarket()
	w.enter("anna")
	w.sees("beer", sight{sku: beer})
	look := func(name string, ok bool) {
		do(w, name, func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.VerifyAge(ctx, engine.AgeCommand{
				ID: w.id(name), Occurred: w.now, Visit: "anna", MinAge: 18, Method: "document", Verified: ok, By: "staff:cleo",
			})
		})
	}
	look("too dark to read", false)
	if due := w.visit("anna").Cart.AgeDue(); due != 16 {
		t.Errorf("AgeDue() = %d before anybody has seen it, want 16", due)
	}
	look("at the door", true)
	if due := w.visit("anna").Cart.AgeDue(); due != 0 {
		t.Errorf("AgeDue() = %d when 18 was seen, want 0", due)
	}
	w.exit("anna")
	w.pass(time.Minute)
	if d := w.visit("anna").Cart.Issued; d == nil || d.AgeProven != 18 || d.Lines[0].MinAge != 16 {
		t.Errorf("the receipt is %+v, want a line from 16 and an age of 18", d)
	}
	if _, err := w.desk.VerifyAge(t.Context(), engine.AgeCommand{Visit: "zoe", MinAge: 18, Method: "document", By: "staff:cleo"}); !errors.Is(err, engine.ErrUnknownVisit) {
		t.Errorf("VerifyAge(nobody) = %v, want ErrUnknownVisit", err)
	}
}

// TestFactsThatAreNotPriced checks that a price below nothing, a currency that
// is none or not the shop's and a tax table with a gap are refused at the
// desk, with nothing written.
func TestFactsThatAreNotPriced(t *testing.T) {
	w := newWorld(t).openMarket()
	before := w.live.Position()
	price := func(m money.Money) error {
		_, err := w.desk.SetPrice(t.Context(), ledger.Meta{}, main, ledger.PriceSet{SKU: cola, Price: m, From: opening})
		return err
	}
	vat := func(from, until time.Time) error {
		_, err := w.desk.SetTax(t.Context(), ledger.Meta{}, main, ledger.TaxSet{
			Category: "luxury", Jurisdiction: "DE", Rate: "0.3", Rounding: money.HalfUp, From: from, Until: until,
		})
		return err
	}
	if err := price(eur(-1)); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("SetPrice(-0.01) = %v, want ErrInvalid", err)
	}
	for _, c := range []money.Currency{"USD", "ZZZ", ""} {
		if err := price(money.Money{Minor: 1, Currency: c}); !errors.Is(err, money.ErrCurrency) {
			t.Errorf("SetPrice(0.01 %q) = %v, want ErrCurrency", c, err)
		}
	}
	if after := w.live.Position(); after != before {
		t.Errorf("refusals wrote %d events, want none", after-before)
	}
	if err := vat(opening, opening.Add(time.Hour)); err != nil {
		t.Fatalf("SetTax(an hour) = %v, want nil", err)
	}
	if err := vat(opening.Add(2*time.Hour), time.Time{}); !errors.Is(err, billing.ErrTaxGap) {
		t.Errorf("SetTax(an hour later) = %v, want ErrTaxGap", err)
	}
}
