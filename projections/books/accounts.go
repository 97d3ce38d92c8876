package books

import (
	"strings"

	"github.com/govalues/decimal"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// The accounts. Sales are kept by category, tax by jurisdiction and rate, banks
// by account: their names follow the prefix.
const (
	AccountReceivable  = "Assets:Receivable:Visits"
	AccountChargebacks = "Assets:Receivable:Chargebacks"
	AccountProvider    = "Assets:Clearing:Provider"
	AccountInTransit   = "Assets:Bank:InTransit"
	AccountCash        = "Assets:Cash"
	AccountSuspense    = "Assets:Suspense"
	AccountDeposits    = "Liabilities:Deposits"
	AccountFees        = "Expenses:Fees:Provider"
	AccountClaimFees   = "Expenses:Fees:Chargebacks"
	AccountGoodwill    = "Expenses:Goodwill"
	AccountBadDebt     = "Expenses:BadDebt"
	AccountWaived      = "Expenses:Waived"
	AccountClaimLosses = "Expenses:Chargebacks"
	AccountFraud       = "Expenses:FraudRefunds"

	PrefixBank  = "Assets:Bank:"
	PrefixSales = "Income:Sales:"
	PrefixTax   = "Liabilities:Tax:"
)

// inAccount takes out of a name what would end it.
var inAccount = strings.NewReplacer(":", "-", ";", "-", "|", "-", "\"", "'", "(", "-", ")", "-", "[", "-", "]", "-")

// component makes a name a part of an account: one line, one space at a time,
// nothing that ends an account's name in a journal of text.
func component(name string) string {
	name = inAccount.Replace(name)
	if name = strings.Join(strings.Fields(name), " "); name == "" {
		return "None"
	}
	return name
}

// percent returns a rate as an account says it: "0.0385" is "3.85".
func percent(rate string) string {
	d, err := decimal.Parse(rate)
	if err != nil {
		return component(rate)
	}
	if d, err = d.Mul(decimal.Hundred); err != nil {
		return component(rate)
	}
	return d.Trim(0).String()
}

// A share is what one jurisdiction gets of a line's tax.
type share struct {
	jurisdiction, rate string
	tax                money.Money
}

// shares splits the tax of a line between the jurisdictions of its rate, in
// proportion to their parts. A rule whose parts cannot be read is one share:
// the event that set it was checked, and the money is there all the same.
func shares(rule ledger.TaxRule, tax money.Money) []share {
	whole := []share{{rule.Jurisdiction, rule.Rate, tax}}
	parts, err := rule.Parts.Split()
	if err != nil || len(parts) == 0 {
		return whole
	}
	scale := 0
	for _, p := range parts {
		scale = max(scale, p.Rate.Scale())
	}
	weights, sum := make([]int64, len(parts)), int64(0)
	for i, p := range parts {
		c := p.Rate.Pad(scale).Coef()
		if c > money.MaxMinor {
			return whole
		}
		weights[i] = int64(c)
		sum += weights[i]
	}
	amounts := make([]money.Money, len(parts))
	if sum == 0 {
		if tax.Minor != 0 {
			return whole
		}
		for i := range amounts {
			amounts[i] = tax
		}
	} else if amounts, err = tax.Allocate(weights...); err != nil {
		return whole
	}
	split := make([]share, len(parts))
	for i, p := range parts {
		split[i] = share{p.Jurisdiction, p.Rate.String(), amounts[i]}
	}
	return split
}
