package report

import (
	"cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

// Exposure is what counts against a shopper: holds that stand and what is owed.
type Exposure struct {
	Shopper ledger.ShopperID `json:"shopper"`
	Visits  []books.Stake    `json:"visits"`
	Total   []money.Money    `json:"total"` // one for each currency
}

// NewExposure asks the books about a shopper. One they do not know owes
// nothing.
func NewExposure(j *books.Journal, s ledger.ShopperID) Exposure {
	stakes, total := j.Exposure(s)
	return Exposure{Shopper: s, Visits: append([]books.Stake{}, stakes...), Total: append([]money.Money{}, total...)}
}

// Table lays e out.
func (e Exposure) Table() Table {
	out := Table{Title: "What counts against " + string(e.Shopper), Columns: []Column{
		{"visit", false}, {"hold", true}, {"owed", true}, {"counts", true}, {"currency", false},
	}}
	for _, v := range e.Visits {
		most := money.Money{Minor: max(v.Hold.Minor, v.Owed.Minor), Currency: cmp.Or(v.Hold.Currency, v.Owed.Currency)}
		out.Rows = append(out.Rows, []string{string(v.Visit), v.Hold.Decimal(), v.Owed.Decimal(), most.Decimal(), string(most.Currency)})
	}
	for _, m := range e.Total {
		out.Sums = append(out.Sums, []string{"all", "", "", m.Decimal(), string(m.Currency)})
	}
	return out
}
