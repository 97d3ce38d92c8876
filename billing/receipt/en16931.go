package receipt

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/govalues/decimal"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// Terms is a receipt in the business terms of EN 16931-1:2017, which the
// semantic model of e-receipts (EN 16931-8) is made of: each key is the number
// of a term (BT) or of a group of terms (BG). What the standard has no term for
// stands under "vouch". Amounts are decimals with the currency's places.
type Terms struct {
	Number     string       `json:"BT-1"`
	Date       string       `json:"BT-2"`
	Type       string       `json:"BT-3"` // UNTDID 1001: 380 invoice, 384 corrected invoice
	Currency   string       `json:"BT-5"`
	Preceding  *Preceding   `json:"BG-3,omitempty"`
	Seller     TermSeller   `json:"BG-4"`
	Period     TermPeriod   `json:"BG-14"`
	Payment    TermPayment  `json:"BG-16"`
	Totals     TermTotals   `json:"BG-22"`
	Breakdown  []TermTax    `json:"BG-23"`
	Lines      []TermLine   `json:"BG-25"`
	Extensions TermExtended `json:"vouch"`
}

// Preceding is group BG-3: the document that this one corrects.
type Preceding struct {
	Number string `json:"BT-25"`
	Date   string `json:"BT-26"`
}

// TermSeller is group BG-4.
type TermSeller struct {
	Name    string      `json:"BT-27"`
	TaxID   string      `json:"BT-31,omitempty"`
	Address TermAddress `json:"BG-5"`
}

// TermAddress is group BG-5.
type TermAddress struct {
	Line    string `json:"BT-35"`
	Country string `json:"BT-40,omitempty"`
}

// TermPeriod is group BG-14: from the entrance to the exit.
type TermPeriod struct {
	Start string `json:"BT-73"`
	End   string `json:"BT-74"`
}

// TermPayment is group BG-16. Code 48 is a bank card (UNTDID 4461).
type TermPayment struct {
	Code string `json:"BT-81"`
}

// TermTotals is group BG-22.
type TermTotals struct {
	Lines json.Number `json:"BT-106"` // sum of the lines' net amounts
	Net   json.Number `json:"BT-109"`
	Tax   json.Number `json:"BT-110"`
	Gross json.Number `json:"BT-112"`
	Paid  json.Number `json:"BT-113"`
	Due   json.Number `json:"BT-115"`
}

// TermTax is group BG-23. Taxes that are rounded for each line sum as they
// stand there, so BT-117 may differ from BT-116 times BT-119 by some minor
// units (the standard's BR-CO-17 allows for it per line).
type TermTax struct {
	Net      json.Number `json:"BT-116"`
	Tax      json.Number `json:"BT-117"`
	Category string      `json:"BT-118"` // UNTDID 5305: S standard, Z zero, O outside
	Rate     json.Number `json:"BT-119"` // per cent
}

// TermLine is group BG-25.
type TermLine struct {
	No        string          `json:"BT-126"`
	Quantity  json.Number     `json:"BT-129"`
	Unit      string          `json:"BT-130"` // UN/ECE 20: C62 piece, KGM kilogram
	Net       json.Number     `json:"BT-131"`
	Allowance []TermAllowance `json:"BG-27,omitempty"`
	Price     TermPrice       `json:"BG-29"`
	Tax       TermLineTax     `json:"BG-30"`
	Item      TermItem        `json:"BG-31"`
}

// TermAllowance is group BG-27: what a promotion takes off. It is in BT-131
// already; amounts are as priced, with tax where prices hold it.
type TermAllowance struct {
	Amount json.Number `json:"BT-136"`
	Reason string      `json:"BT-139"`
}

// TermPrice is group BG-29: the net price of one unit, to six places.
type TermPrice struct {
	Net json.Number `json:"BT-146"`
}

// TermLineTax is group BG-30.
type TermLineTax struct {
	Category string      `json:"BT-151"`
	Rate     json.Number `json:"BT-152"`
}

// TermItem is group BG-31.
type TermItem struct {
	Name string `json:"BT-153"`
	SKU  string `json:"BT-155"`
}

// TermExtended holds what the standard has no term for.
type TermExtended struct {
	Visit     ledger.VisitID       `json:"visit"`
	Store     ledger.StoreID       `json:"store"`
	Kind      Kind                 `json:"kind"`
	Inclusive bool                 `json:"prices_include_tax"`
	Scheme    string               `json:"tax_scheme"` // VAT or SALES_TAX
	Causes    map[string][]string  `json:"causes"`     // events that made each line, by its number
	Evidence  map[string][]string  `json:"evidence"`   // and what they show
	Signature *ledger.FiscalSigned `json:"signature,omitempty"`
}

// EN16931 returns the receipt in the business terms of EN 16931, as JSON.
func EN16931(p Paper) ([]byte, error) {
	t, err := p.Terms()
	if err != nil {
		return nil, fmt.Errorf("receipt %s in terms of EN 16931: %w", p.Document.Number, err)
	}
	return json.MarshalIndent(t, "", "  ")
}

func number(m money.Money) json.Number { return json.Number(m.Decimal()) }

// Terms returns the receipt in the business terms of EN 16931.
func (p Paper) Terms() (Terms, error) {
	d := p.Document
	local := zone(d.Seller)
	t := Terms{
		Number: d.Number, Date: d.Issued.In(local).Format("2006-01-02"), Type: "380", Currency: string(d.Seller.Currency),
		Seller: TermSeller{
			Name: d.Seller.Name, TaxID: d.Seller.TaxID, Address: TermAddress{Line: d.Seller.Address, Country: d.Seller.Country},
		},
		Period:  TermPeriod{d.Entered.In(local).Format("2006-01-02"), d.Exited.In(local).Format("2006-01-02")},
		Payment: TermPayment{Code: "48"},
		Lines:   []TermLine{}, Breakdown: []TermTax{},
		Extensions: TermExtended{
			Visit: d.Visit, Store: d.Store, Kind: p.Kind, Scheme: "SALES_TAX", Causes: map[string][]string{},
			Evidence: map[string][]string{}, Signature: p.Signature,
		},
	}
	if p.Before != nil {
		t.Type, t.Preceding = "384", &Preceding{p.Before.Number, p.Before.Issued.In(local).Format("2006-01-02")}
	}
	var err error
	if t.Totals, err = p.totals(); err != nil {
		return Terms{}, err
	}
	for _, x := range d.Taxes {
		if x.Rule.Inclusive {
			t.Extensions.Inclusive, t.Extensions.Scheme = true, "VAT"
		}
		rate, err := perCent(x.Rule.Rate)
		if err != nil {
			return Terms{}, err
		}
		t.Breakdown = append(t.Breakdown, TermTax{number(x.Net), number(x.Tax), category(x.Rule), rate})
	}
	for _, l := range d.Lines {
		if l.Quantity == 0 {
			continue
		}
		line, err := termLine(l)
		if err != nil {
			return Terms{}, fmt.Errorf("line %d: %w", l.No, err)
		}
		t.Lines = append(t.Lines, line)
		for _, id := range l.Causes {
			t.Extensions.Causes[line.No] = append(t.Extensions.Causes[line.No], id.String())
		}
		for _, e := range l.Evidence {
			t.Extensions.Evidence[line.No] = append(t.Extensions.Evidence[line.No], string(e))
		}
	}
	return t, nil
}

// totals is group BG-22: paid is what was captured and not given back, at most
// the receipt.
func (p Paper) totals() (TermTotals, error) {
	d := p.Document
	paid := money.Money{Minor: p.Money.kept(), Currency: d.Gross.Currency}
	due, err := d.Gross.Sub(paid)
	return TermTotals{
		Lines: number(d.Net), Net: number(d.Net), Tax: number(d.Tax), Gross: number(d.Gross), Paid: number(paid), Due: number(due),
	}, err
}

func termLine(l ledger.ReceiptLine) (TermLine, error) {
	t := TermLine{
		No: strconv.Itoa(l.No), Quantity: json.Number(strconv.Itoa(l.Quantity)), Unit: "C62", Net: number(l.Net),
		Tax:  TermLineTax{Category: category(l.TaxRule)},
		Item: TermItem{Name: l.Name, SKU: string(l.SKU)},
	}
	if l.Per == ledger.PerKilogram {
		t.Quantity, t.Unit = json.Number(kilograms(l.Grams)), "KGM"
	}
	var err error
	if t.Tax.Rate, err = perCent(l.TaxRule.Rate); err != nil {
		return t, err
	}
	if t.Price.Net, err = each(l.Net, string(t.Quantity)); err != nil {
		return t, err
	}
	for _, d := range l.Discounts {
		t.Allowance = append(t.Allowance, TermAllowance{number(d.Amount), d.Name + ": " + d.Reason})
	}
	return t, nil
}

// each returns the net price of one unit.
func each(net money.Money, quantity string) (json.Number, error) {
	sum, err := decimal.Parse(net.Decimal())
	if err != nil {
		return "", err
	}
	n, err := decimal.Parse(quantity)
	if err != nil || n.IsZero() {
		return "", fmt.Errorf("quantity %q: %w", quantity, ledger.ErrInvalid)
	}
	price, err := sum.Quo(n)
	if err != nil {
		return "", err
	}
	return json.Number(price.Round(6).Trim(0).String()), nil
}

// perCent returns a rate as the standard writes it: 19, 10.35.
func perCent(rate string) (json.Number, error) {
	d, err := decimal.Parse(rate)
	if err != nil {
		return "", fmt.Errorf("rate %q: %w", rate, err)
	}
	if d, err = d.Mul(decimal.Hundred); err != nil {
		return "", fmt.Errorf("rate %q: %w", rate, err)
	}
	return json.Number(d.Trim(0).String()), nil
}

// category is the code of UNTDID 5305. Sales tax outside the union is no VAT:
// the standard's word for it is O.
func category(r ledger.TaxRule) string {
	zero := true
	for _, c := range r.Rate {
		zero = zero && (c == '0' || c == '.')
	}
	switch {
	case zero:
		return "Z"
	case !r.Inclusive:
		return "O"
	}
	return "S"
}
