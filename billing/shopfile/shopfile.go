// Package shopfile reads a shop's set-up from one JSON file (who sells, by
// which rules, which products at which prices and taxes, what lies in which
// slot) and appends it to the ledger.
//
// The one idea: a file is a set of facts with the instant from which they
// hold. Every fact's event id is derived from that instant, its stream and its
// bytes, so applying a file twice changes nothing, and applying a file to which
// a product was added appends that product. A file with a new valid_from says
// everything again.
//
// The package does not remove anything: a price ends when another begins.
package shopfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A File is a shop's set-up. Amounts are decimal text in the currency of the
// seller, "1.99".
type File struct {
	Store      ledger.StoreID     `json:"store"`
	Catalogue  ledger.CatalogueID `json:"catalogue"`
	Seller     ledger.Seller      `json:"seller"`
	ValidFrom  time.Time          `json:"valid_from"` // of prices and taxes
	Policy     Policy             `json:"policy"`
	Taxes      []Tax              `json:"taxes"`
	Products   []Product          `json:"products"`
	Planograms []Planogram        `json:"planograms"`
}

// A Policy is [ledger.Policy] with its hold as text.
type Policy struct {
	Hold          string                `json:"hold"`
	ItemMin       ledger.PerMille       `json:"item_min"`
	ActionMin     ledger.PerMille       `json:"action_min"`
	PersonMin     ledger.PerMille       `json:"person_min"`
	ReviewSeconds int                   `json:"review_seconds"`
	OnDeadline    ledger.DeadlinePolicy `json:"on_deadline"`
	GraceMillis   int                   `json:"grace_ms"`
	GateSeconds   int                   `json:"gate_seconds"`
	DisputeDays   int                   `json:"dispute_days"`
}

// A Tax is one rate.
type Tax struct {
	Category     string         `json:"category"`
	Jurisdiction string         `json:"jurisdiction"`
	Rate         string         `json:"rate"`
	Inclusive    bool           `json:"inclusive"`
	Rounding     money.Rounding `json:"rounding"`
}

// A Product is a product and, unless Price is empty, its price.
type Product struct {
	SKU         ledger.SKU `json:"sku"`
	GTIN        string     `json:"gtin"`
	Name        string     `json:"name"`
	Category    string     `json:"category"`
	TaxCategory string     `json:"tax_category"`
	Price       string     `json:"price"`
}

// A Planogram is what lies before one sensor.
type Planogram struct {
	Sensor ledger.DeviceID   `json:"sensor"`
	Digest ledger.Digest     `json:"digest"`
	Slots  []ledger.SlotPlan `json:"slots"`
}

// A fact is a payload and where it belongs.
type fact struct {
	stream  ledger.StreamID
	payload ledger.Payload
}

// Parse reads a file and refuses unknown fields, amounts that are not
// amounts, facts that cannot be, and a planogram that names a product the
// file does not list.
func Parse(b []byte) (File, error) {
	var f File
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return File{}, fmt.Errorf("shop file: %w: %w", ledger.ErrInvalid, err)
	}
	facts, err := f.facts()
	if err != nil {
		return File{}, fmt.Errorf("shop file of %q: %w: %w", string(f.Store), ledger.ErrInvalid, err)
	}
	for _, fc := range facts {
		if err := fc.payload.Validate(); err != nil {
			return File{}, fmt.Errorf("shop file of %q: %s: %w: %w", string(f.Store), fc.payload.Kind(), ledger.ErrInvalid, err)
		}
	}
	return f, f.checkSlots()
}

func (f File) checkSlots() error {
	listed := map[ledger.SKU]bool{}
	for _, p := range f.Products {
		if listed[p.SKU] {
			return fmt.Errorf("shop file of %q: %w: product %s is listed twice", string(f.Store), ledger.ErrInvalid, p.SKU)
		}
		listed[p.SKU] = true
	}
	for _, p := range f.Planograms {
		for _, s := range p.Slots {
			if !listed[s.SKU] {
				return fmt.Errorf("shop file of %q: %w: slot %s of %s holds %s, which is no listed product",
					string(f.Store), ledger.ErrInvalid, s.Slot, p.Sensor, s.SKU)
			}
		}
	}
	return nil
}

func (f File) facts() ([]fact, error) {
	store, catalogue := ledger.StoreStream(f.Store), ledger.CatalogueStream(f.Catalogue)
	hold, err := money.Parse(f.Policy.Hold, f.Seller.Currency)
	if err != nil {
		return nil, fmt.Errorf("policy.hold: %w", err)
	}
	from := ledger.Instant(f.ValidFrom)
	facts := []fact{
		{store, ledger.StoreOpened{Store: f.Store, Seller: f.Seller, Catalogue: f.Catalogue}},
		{store, ledger.PolicySet{Store: f.Store, Policy: ledger.Policy{
			Hold: hold, ItemMin: f.Policy.ItemMin, ActionMin: f.Policy.ActionMin, PersonMin: f.Policy.PersonMin,
			ReviewSeconds: f.Policy.ReviewSeconds, OnDeadline: f.Policy.OnDeadline, GraceMillis: f.Policy.GraceMillis,
			GateSeconds: f.Policy.GateSeconds, DisputeDays: f.Policy.DisputeDays,
		}}},
	}
	for _, t := range f.Taxes {
		facts = append(facts, fact{catalogue, ledger.TaxSet{
			Category: t.Category, Jurisdiction: t.Jurisdiction, Rate: t.Rate, Inclusive: t.Inclusive, Rounding: t.Rounding, From: from,
		}})
	}
	for _, p := range f.Products {
		facts = append(facts, fact{catalogue, ledger.ProductListed{
			SKU: p.SKU, GTIN: p.GTIN, Name: p.Name, Category: p.Category, TaxCategory: p.TaxCategory,
		}})
		if p.Price == "" {
			continue
		}
		price, err := money.Parse(p.Price, f.Seller.Currency)
		if err != nil {
			return nil, fmt.Errorf("product %s: %w", p.SKU, err)
		}
		facts = append(facts, fact{catalogue, ledger.PriceSet{SKU: p.SKU, Price: price, From: from}})
	}
	for _, p := range f.Planograms {
		facts = append(facts, fact{store, ledger.PlanogramSet{Store: f.Store, Sensor: p.Sensor, Digest: p.Digest, Slots: p.Slots}})
	}
	return facts, nil
}

// Apply appends what log does not hold yet and returns how many events that
// were. Interrupted, it is called again with the same file.
func Apply(ctx context.Context, log ledger.Log, f File, now time.Time, actor string) (int, error) {
	facts, err := f.facts()
	if err != nil {
		return 0, fmt.Errorf("shop file of %q: %w", string(f.Store), err)
	}
	appended := 0
	for _, fc := range facts {
		body, err := ledger.Marshal(fc.payload)
		if err != nil {
			return appended, err
		}
		id := ledger.DeriveID(ledger.ID{}, "shopfile", string(fc.stream), string(fc.payload.Kind()),
			f.ValidFrom.UTC().Format(time.RFC3339Nano), string(body))
		if _, err := log.Find(ctx, id); err == nil {
			continue
		} else if !errors.Is(err, ledger.ErrNotFound) {
			return appended, fmt.Errorf("shop file of %q: %w", string(f.Store), err)
		}
		d, err := ledger.NewDraft(ledger.Meta{ID: id, Occurred: now, Actor: actor}, fc.payload)
		if err != nil {
			return appended, err
		}
		if _, err := log.Append(ctx, fc.stream, ledger.Any(), d); err != nil {
			return appended, fmt.Errorf("shop file of %q: %w", string(f.Store), err)
		}
		appended++
	}
	return appended, nil
}
