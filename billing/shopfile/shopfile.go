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

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

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
	a := &amounts{currency: f.Seller.Currency}
	facts := []fact{
		{store, ledger.StoreOpened{Store: f.Store, Seller: f.Seller, Catalogue: f.Catalogue}},
		{store, ledger.PolicySet{Store: f.Store, Policy: f.Policy.rules(a)}},
	}
	for _, t := range f.Taxes {
		facts = append(facts, fact{catalogue, t.set(f.ValidFrom)})
	}
	for _, p := range f.Products {
		facts = append(facts, fact{catalogue, p.listed(a)})
		if p.Price != "" {
			facts = append(facts, fact{catalogue, ledger.PriceSet{
				SKU: p.SKU, Price: a.parse("product "+string(p.SKU), p.Price), From: ledger.Instant(f.ValidFrom), Per: p.Per,
			}})
		}
	}
	for _, p := range f.Promotions {
		facts = append(facts, fact{catalogue, p.set(a)})
	}
	for _, p := range f.Planograms {
		facts = append(facts, fact{store, ledger.PlanogramSet{Store: f.Store, Sensor: p.Sensor, Digest: p.Digest, Slots: p.Slots}})
	}
	return facts, a.err
}

// amounts reads amounts of a currency, and keeps the first error.
type amounts struct {
	currency money.Currency
	err      error
}

func (a *amounts) parse(what, text string) money.Money {
	m, err := money.Parse(text, a.currency)
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("%s: %w", what, err)
	}
	return m
}

// optional reads an amount that may be left out: then it is none at all.
func (a *amounts) optional(what, text string) money.Money {
	if text == "" {
		return money.Money{}
	}
	return a.parse(what, text)
}

func (p Policy) rules(a *amounts) ledger.Policy {
	return ledger.Policy{
		Hold: a.parse("policy.hold", p.Hold), ItemMin: p.ItemMin, ActionMin: p.ActionMin, PersonMin: p.PersonMin,
		ReviewSeconds: p.ReviewSeconds, OnDeadline: p.OnDeadline, GraceMillis: p.GraceMillis,
		GateSeconds: p.GateSeconds, DisputeDays: p.DisputeDays, PriceRule: p.PriceRule,
		DebtLimit: a.optional("policy.debt_limit", p.DebtLimit), AdjustHold: p.AdjustHold,
		CaptureMarginSeconds: p.CaptureMarginSeconds, Retries: p.Retries, SupplementSeconds: p.SupplementSeconds,
		FraudRefundLimit: a.optional("policy.fraud_refund_limit", p.FraudRefundLimit), Unknown: p.Unknown,
		WeighGrams: p.WeighGrams, WeighPerMille: p.WeighPerMille, Rotating: p.Rotating, Palm: p.Palm,
	}
}

func (t Tax) set(validFrom time.Time) ledger.TaxSet {
	if t.From.IsZero() {
		t.From = validFrom
	}
	s := ledger.TaxSet{
		Category: t.Category, Jurisdiction: t.Jurisdiction, Rate: t.Rate, Inclusive: t.Inclusive, Rounding: t.Rounding,
		From: ledger.Instant(t.From), Basis: t.Basis, Parts: t.Parts,
	}
	if !t.Until.IsZero() {
		s.Until = ledger.Instant(t.Until)
	}
	return s
}

func (p Product) listed(a *amounts) ledger.ProductListed {
	l := ledger.ProductListed{
		SKU: p.SKU, GTIN: p.GTIN, Name: p.Name, Category: p.Category, TaxCategory: p.TaxCategory,
		TareGrams: p.TareGrams, MinAge: p.MinAge, Grams: p.Grams,
	}
	if d := p.Deposit; d != nil {
		l.Deposit = ledger.Deposit{
			Name: d.Name, Amount: a.parse("deposit of "+string(p.SKU), d.Amount), TaxCategory: d.TaxCategory,
		}
	}
	return l
}

func (p Promotion) set(a *amounts) ledger.PromotionSet {
	return ledger.PromotionSet{Promotion: ledger.Promotion{
		Promotion: p.Promotion, Name: p.Name, Kind: p.Kind, SKUs: p.SKUs, Categories: p.Categories, PerMille: p.PerMille,
		Amount: a.optional("promotion "+p.Promotion, p.Amount), Take: p.Take, Pay: p.Pay, Members: p.Members,
		Coupon: p.CouponKey != "", CouponKey: p.CouponKey, Stacks: p.Stacks, Priority: p.Priority, Limit: p.Limit,
		From: ledger.Instant(p.From), Until: ledger.Instant(p.Until),
	}}
}

// admit refuses what could not be priced, seen with what the catalogue holds.
func (f File) admit(ctx context.Context, log ledger.Log, facts []fact) error {
	var c billing.Catalogue
	stream := ledger.CatalogueStream(f.Catalogue)
	for r, err := range log.Read(ctx, ledger.Query{Stream: stream}) {
		if err != nil {
			return err
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return err
		}
		if err := c.Apply(e); err != nil {
			return err
		}
	}
	var news []ledger.Payload
	for _, fc := range facts {
		if fc.stream == stream {
			news = append(news, fc.payload)
		}
	}
	if err := c.Admit(f.Seller.Currency, news...); err != nil {
		return err
	}
	return c.Untaxed(news...)
}

// Apply appends what log does not hold yet and returns how many events that
// were. A file that could not be priced with what the catalogue holds (a tax
// table with a gap, a product without a rate) is refused, and nothing of it is
// written. Interrupted, Apply is called again with the same file.
func Apply(ctx context.Context, log ledger.Log, f File, now time.Time, actor string) (int, error) {
	facts, err := f.facts()
	if err != nil {
		return 0, fmt.Errorf("shop file of %q: %w", string(f.Store), err)
	}
	if err := f.admit(ctx, log, facts); err != nil {
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
