package receipt

import (
	"encoding/json"
	"fmt"
	"time"
)

// An Order is a receipt in the words of schema.org, for mail programs and
// assistants that read JSON-LD. schema.org has no word for a receipt; Order is
// the nearest (schema.org/Order).
type Order struct {
	Context  string       `json:"@context"`
	Type     string       `json:"@type"`
	Number   string       `json:"orderNumber"`
	Date     string       `json:"orderDate"`
	Status   string       `json:"orderStatus"`
	Seller   Organization `json:"seller"`
	Price    json.Number  `json:"price"`
	Currency string       `json:"priceCurrency"`
	Offers   []Offer      `json:"acceptedOffer"`
	Invoice  Invoice      `json:"partOfInvoice"`
}

// An Organization is who sells.
type Organization struct {
	Type    string `json:"@type"`
	Name    string `json:"name"`
	Address string `json:"address,omitempty"`
	TaxID   string `json:"vatID,omitempty"`
}

// An Offer is a line.
type Offer struct {
	Type     string      `json:"@type"`
	Item     Product     `json:"itemOffered"`
	Quantity Quantity    `json:"eligibleQuantity"`
	Price    json.Number `json:"price"` // of the line, with tax
	Currency string      `json:"priceCurrency"`
}

// A Product is what a line is of.
type Product struct {
	Type string `json:"@type"`
	Name string `json:"name"`
	SKU  string `json:"sku"`
}

// A Quantity is pieces (C62) or kilograms (KGM).
type Quantity struct {
	Type  string      `json:"@type"`
	Value json.Number `json:"value"`
	Unit  string      `json:"unitCode"`
}

// An Invoice says what is paid and what is due.
type Invoice struct {
	Type      string      `json:"@type"`
	Status    string      `json:"paymentStatus"`
	Due       json.Number `json:"totalPaymentDue"`
	Reference string      `json:"referencesOrder,omitempty"` // the receipt that it corrects
}

// Schema returns the receipt as a schema.org Order, in JSON-LD.
func Schema(p Paper) ([]byte, error) {
	t, err := p.Terms()
	if err != nil {
		return nil, fmt.Errorf("receipt %s for schema.org: %w", p.Document.Number, err)
	}
	d := p.Document
	o := Order{
		Context: "https://schema.org", Type: "Order", Number: d.Number, Date: d.Issued.UTC().Format(time.RFC3339),
		Status:   "https://schema.org/OrderDelivered",
		Seller:   Organization{"Organization", d.Seller.Name, d.Seller.Address, d.Seller.TaxID},
		Price:    number(d.Gross),
		Currency: string(d.Seller.Currency), Offers: []Offer{},
		Invoice: Invoice{Type: "Invoice", Status: "https://schema.org/PaymentComplete", Due: t.Totals.Due, Reference: d.Corrects},
	}
	if owed := d.Gross.Minor - p.Money.kept(); owed > 0 {
		o.Invoice.Status = "https://schema.org/PaymentDue"
	}
	for i, n := 0, 0; i < len(d.Lines); i++ {
		l := d.Lines[i]
		if l.Quantity == 0 {
			continue
		}
		term := t.Lines[n]
		n++
		o.Offers = append(o.Offers, Offer{
			Type: "Offer", Item: Product{"Product", l.Name, string(l.SKU)},
			Quantity: Quantity{"QuantitativeValue", term.Quantity, term.Unit},
			Price:    number(l.Gross), Currency: string(d.Seller.Currency),
		})
	}
	return json.MarshalIndent(o, "", "  ")
}
