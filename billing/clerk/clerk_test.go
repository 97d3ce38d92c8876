package clerk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/clerk"
	"github.com/vouchledger/vouch/billing/report"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
)

var noon = time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

// open returns a log with a shop that sells water for 1.19.
func open(t *testing.T) ledger.Log {
	t.Helper()
	log := memlog.New(func() time.Time { return noon })
	for i, e := range []struct {
		stream  ledger.StreamID
		payload ledger.Payload
	}{
		{"catalogue-c1", ledger.ProductListed{SKU: "water", Name: "Water", Category: "drinks", TaxCategory: "standard"}},
		{"catalogue-c1", ledger.PriceSet{SKU: "water", Price: eur(119), From: noon.AddDate(0, 0, -1)}},
		{"catalogue-c1", ledger.ProductListed{SKU: "air", Name: "Air", Category: "drinks", TaxCategory: "standard"}},
		{"catalogue-c1", ledger.TaxSet{
			Category: "standard", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfUp, From: noon.AddDate(0, 0, -1),
		}},
		{"store-s1", ledger.StoreOpened{Store: "s1", Catalogue: "c1", Seller: ledger.Seller{
			Name: "Corner", Address: "1 Main St", TaxID: "DE1", Currency: "EUR", Timezone: "Europe/Berlin",
		}}},
	} {
		d, err := ledger.NewDraft(ledger.Meta{ID: ledger.ID{1, byte(i)}, Occurred: noon.AddDate(0, 0, -1), Actor: "test"}, e.payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(t.Context(), e.stream, ledger.Any(), d); err != nil {
			t.Fatal(err)
		}
	}
	return log
}

func journal(t *testing.T, log ledger.Log) *books.Journal {
	t.Helper()
	var j books.Journal
	for e, err := range projections.Decoded(log.Read(t.Context(), ledger.Query{})) {
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return &j
}

// TestTwoClerksCloseOneDay: both were allowed to; one closes it, the other
// finds that it is closed, and the same one again changes nothing.
func TestTwoClerksCloseOneDay(t *testing.T) {
	log := open(t)
	j := journal(t, log)
	now := noon.AddDate(0, 0, 1)
	p, err := j.Close("s1", "2026-03-02", now, "finance:finn", time.LoadLocation)
	if err != nil {
		t.Fatal(err)
	}
	first, err := clerk.CloseDay(t.Context(), log, ledger.Meta{Occurred: now}, p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := clerk.CloseDay(t.Context(), log, ledger.Meta{Occurred: now}, p)
	if err != nil || again.Position != first.Position {
		t.Errorf("CloseDay() again = position %d, %v, want %d", again.Position, err, first.Position)
	}
	p.By = "finance:fay"
	if _, err := clerk.CloseDay(t.Context(), log, ledger.Meta{Occurred: now}, p); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("CloseDay() by another clerk = %v, want ErrConflict", err)
	}
	if _, err := journal(t, log).Close("s1", "2026-03-02", now, "finance:fay", time.LoadLocation); !errors.Is(err, books.ErrDayOver) {
		t.Errorf("Close() of a closed day = %v, want ErrDayOver", err)
	}
}

// TestPricesAreCheckedFromAFile: with what was charged, or against the
// catalogue; twice is once.
func TestPricesAreCheckedFromAFile(t *testing.T) {
	log := open(t)
	shop, err := clerk.OpenShop(t.Context(), log, "s1")
	if err != nil {
		t.Fatal(err)
	}
	checks, err := shop.ParseChecks(strings.NewReader("sku,shelf,charged\nwater,1.09,\nwater,1.19,1.19\n"), "anna", noon)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := clerk.RecordChecks(t.Context(), log, ledger.Meta{Occurred: noon, Actor: "operator:anna"}, "file-1", checks); err != nil {
			t.Fatal(err)
		}
		checks[0].Charged = eur(129) // the price is another one meanwhile: the file was recorded all the same
	}
	got, err := shop.ReadChecks(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Shelf != eur(109) || got[0].Charged != eur(119) || got[0].Day != "2026-03-02" || got[0].By != "anna" {
		t.Errorf("ReadChecks() = %+v, want two of 2 March, the first of 1.09 and 1.19", got)
	}
	p, err := report.NewPrices(got[:1], report.Scope{Store: "s1"})
	if err != nil || p.Overcharges != 1 {
		t.Errorf("NewPrices() = %+v, %v, want an overcharge", p, err)
	}
}

// TestABadFileOfChecksIsRefused whole: nothing is written.
func TestABadFileOfChecksIsRefused(t *testing.T) {
	log := open(t)
	shop, err := clerk.OpenShop(t.Context(), log, "s1")
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"nothing":             "",
		"no rows":             "sku,shelf\n",
		"other columns":       "sku,price\nwater,1.19\n",
		"too many columns":    "sku,shelf,charged,why\nwater,1.19,1.19,x\n",
		"no amount":           "sku,shelf\nwater,cheap\n",
		"a fraction of cents": "sku,shelf\nwater,1.195\n",
		"a negative price":    "sku,shelf\nwater,-1.19\n",
		"a negative charge":   "sku,shelf,charged\nwater,1.19,-1\n",
		"an unknown product":  "sku,shelf\nwater,1.19\nwine,1.19\n",
		"no price to compare": "sku,shelf\nair,1.19\n",
		"a broken line":       "sku,shelf\nwater,\"1.19\n",
	} {
		if _, err := shop.ParseChecks(strings.NewReader(file), "anna", noon); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("ParseChecks(%s) = %v, want ErrInvalid", name, err)
		}
	}
	if _, err := clerk.OpenShop(t.Context(), log, "s9"); !errors.Is(err, books.ErrUnknownStore) {
		t.Errorf("OpenShop(nowhere) = %v, want ErrUnknownStore", err)
	}
	usd := money.Money{Minor: 119, Currency: "USD"}
	if _, err := shop.Check("water", usd, nil, "anna", noon); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("Check(dollars at a seller in euros) = %v, want ErrInvalid", err)
	}
}
