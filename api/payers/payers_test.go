package payers_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/vouchledger/vouch/api/payers"
	"github.com/vouchledger/vouch/ledger"
)

// TestAShopperIsForgotten enrols a shopper, changes the card, forgets them,
// and looks for what is left.
func TestAShopperIsForgotten(t *testing.T) {
	data := t.TempDir()
	d, err := payers.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, pm := range []string{"pm_old", "pm_new"} {
		want := payers.Payer{Shopper: "anna/../x", Customer: "cus_1", PaymentMethod: pm}
		if err := d.Put(want); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Get("anna/../x"); err != nil || got != want {
			t.Errorf("Get(anna) = %v, %v, want %v", got, err, want)
		}
	}
	for range 2 {
		if err := d.Forget("anna/../x"); err != nil {
			t.Errorf("Forget(anna) = %v, want nil", err)
		}
	}
	if _, err := d.Get("anna/../x"); !errors.Is(err, payers.ErrUnknown) {
		t.Errorf("Get(anna) after Forget = %v, want ErrUnknown", err)
	}
	left, err := filepath.Glob(filepath.Join(data, payers.DirName, "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("files left = %v, %v, want none", left, err)
	}
}

// TestEntriesThatCannotBe checks refusals, and that a file under another
// shopper's name is corruption.
func TestEntriesThatCannotBe(t *testing.T) {
	data := t.TempDir()
	d, err := payers.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []payers.Payer{
		{PaymentMethod: "pm_1"},
		{Shopper: "anna", PaymentMethod: "4242424242424242"},
		{Shopper: "anna", PaymentMethod: "pm_1", Customer: "anna@example.com"},
		{Shopper: "cleo", PaymentMethod: "pm_1", Staff: true},
	} {
		if err := d.Put(p); !errors.Is(err, payers.ErrInvalid) {
			t.Errorf("Put(%v) = %v, want ErrInvalid", p, err)
		}
	}
	if err := d.Put(payers.Payer{Shopper: "anna", PaymentMethod: "pm_1"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(payers.Payer{Shopper: "ben", PaymentMethod: "pm_2"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(payers.Payer{Shopper: "cleo", Staff: true}); err != nil {
		t.Errorf("Put of staff without a card = %v, want nil", err)
	}
	if err := d.Forget("cleo"); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(data, payers.DirName, "*.json"))
	if err != nil || len(files) != 2 {
		t.Fatalf("files = %v, %v, want two", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[1], b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, annaErr := d.Get("anna")
	_, benErr := d.Get("ben")
	if err := errors.Join(annaErr, benErr); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Get over swapped files = %v, want ErrCorrupt", err)
	}
}
