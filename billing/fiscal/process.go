package fiscal

import (
	"fmt"
	"strings"

	"github.com/govalues/decimal"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// The type of what is signed (DSFinV-K 2.3, annex I).
const (
	ProcessReceipt = "Kassenbeleg-V1"

	// abandoned is the data of a visit that ended without a receipt.
	abandoned = "AVBelegabbruch^0.00_0.00_0.00_0.00_0.00^"
)

// slots are the tax rates of a Kassenbeleg, in the order in which their gross
// sums stand (DSFinV-K 2.3, annex I, "processData").
var slots = []decimal.Decimal{
	decimal.MustParse("0.19"), decimal.MustParse("0.07"), decimal.MustParse("0.107"), decimal.MustParse("0.055"), decimal.Zero,
}

// Data returns what is signed for a document: the gross sums by rate, and how
// it is paid. For a correction they are the differences to the document before,
// because the transaction before has signed the rest.
func Data(d ledger.ReceiptDocument, before *ledger.ReceiptDocument) (string, error) {
	sums := make([]money.Money, len(slots))
	for i := range sums {
		sums[i] = money.Zero(d.Seller.Currency)
	}
	if err := add(sums, d.Taxes, 1); err != nil {
		return "", fmt.Errorf("receipt %s: %w", d.Number, err)
	}
	if before != nil {
		if err := add(sums, before.Taxes, -1); err != nil {
			return "", fmt.Errorf("receipt %s: %w", d.Number, err)
		}
	}
	total, err := money.Sum(d.Seller.Currency, sums...)
	if err != nil {
		return "", fmt.Errorf("receipt %s: %w", d.Number, err)
	}
	words := make([]string, len(sums))
	for i, m := range sums {
		words[i] = m.Decimal()
	}
	paid := total.Decimal() + ":Unbar"
	if d.Seller.Currency != "EUR" {
		paid += ":" + string(d.Seller.Currency)
	}
	return "Beleg^" + strings.Join(words, "_") + "^" + paid, nil
}

func add(sums []money.Money, taxes []ledger.TaxTotal, sign int64) error {
	for _, t := range taxes {
		i, err := slot(t.Rule.Rate)
		if err != nil {
			return err
		}
		gross, err := t.Net.Add(t.Tax)
		if err != nil {
			return err
		}
		gross.Minor *= sign
		if sums[i], err = sums[i].Add(gross); err != nil {
			return err
		}
	}
	return nil
}

func slot(rate string) (int, error) {
	r, err := decimal.Parse(rate)
	if err != nil {
		return 0, fmt.Errorf("tax rate %q: %w", rate, err)
	}
	for i, s := range slots {
		if r.Cmp(s) == 0 {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%w: the form of a Kassenbeleg has no place for a tax rate of %s", ledger.ErrInvalid, rate)
}
