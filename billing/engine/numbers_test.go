package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// sells opens the corner shop, or changes who sells there.
func (w *world) sells(name string, id ledger.StoreID, entity string) error {
	_, err := w.desk.OpenStore(w.t.Context(), ledger.Meta{ID: w.id(name), Occurred: w.now, Actor: "operator"},
		ledger.StoreOpened{Store: id, Catalogue: main, Seller: ledger.Seller{
			Name: "Corner GmbH", Address: "Weg 1", TaxID: "DE1", Currency: "EUR", Timezone: "Europe/Berlin", Entity: entity,
		}})
	w.pass(time.Second)
	return err
}

// TestEachEntityNumbersByItself: the shop is sold at noon. Whoever entered
// before it gets a receipt of the old owner, in the old owner's series.
func TestEachEntityNumbersByItself(t *testing.T) {
	w := newWorld(t)
	w.open(house)
	for _, v := range []string{"a", "b", "c"} {
		if v == "c" {
			if err := w.sells("sold", corner, "corner-inc"); err != nil {
				t.Fatalf("OpenStore by a new owner = %v, want nil", err)
			}
		}
		w.enter(v)
		w.sees(v, sight{sku: water, persons: who(v, 990)})
	}
	for _, v := range []string{"c", "b", "a"} {
		w.exit(v)
		w.pass(time.Minute)
	}
	w.dispute("x", "c", 1, 1)
	w.uphold("x", "")
	w.pass(time.Minute)
	for v, number := range map[string]string{
		"a": "corner-2026-000002", "b": "corner-2026-000001", "c": "corner-inc-corner-2026-000002",
	} {
		if got := w.visit(v).Cart.Latest.Number; got != number {
			t.Errorf("last document of %s = %s, want %s", v, got, number)
		}
	}
	w.audit()
}

// TestTwoShopsNeverShareASeries checks that a shop whose numbers would be those
// of another is refused, and nothing is written.
func TestTwoShopsNeverShareASeries(t *testing.T) {
	w := newWorld(t)
	w.open(house)
	if err := w.sells("first", "south-1", ""); err != nil {
		t.Fatal(err)
	}
	before, err := w.log.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]struct {
		store  ledger.StoreID
		entity string
	}{
		"an entity and a shop that read like a shop": {"1", "south"},
		"an entity with a space":                     {"2", "south ltd"},
		"an entity as long as a letter":              {"3", strings.Repeat("e", 41)},
	} {
		if err := w.sells(name, bad.store, bad.entity); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%s: OpenStore = %v, want ErrInvalid", name, err)
		}
	}
	if after, err := w.log.Head(context.Background()); err != nil || after != before {
		t.Errorf("the log's head moved from %d to %d (%v), want nothing written", before, after, err)
	}
}
