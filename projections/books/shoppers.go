package books

import (
	"maps"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Stake is what one visit counts against its shopper: the hold that stands,
// and what is owed.
type Stake struct {
	Visit ledger.VisitID `json:"visit"`
	Hold  money.Money    `json:"hold"`
	Owed  money.Money    `json:"owed"`
}

// Exposure returns what counts against a shopper, by visit, and in all per
// currency: for each visit the hold that stands or what is owed, whichever is
// more, because the one is taken for the other.
func (j *Journal) Exposure(s ledger.ShopperID) (stakes []Stake, total []money.Money) {
	sums := map[money.Currency]int64{}
	for _, v := range slices.Sorted(maps.Keys(j.s.Visits)) {
		b := j.s.Visits[v]
		if b.Shopper != s || s == "" {
			continue
		}
		for _, c := range slices.Sorted(maps.Keys(b.Due)) {
			if b.Due[c] > 0 && c != b.Hold.Currency {
				stakes = append(stakes, Stake{Visit: v, Hold: money.Zero(c), Owed: money.Money{Minor: b.Due[c], Currency: c}})
				sums[c] += b.Due[c]
			}
		}
		if c := b.Hold.Currency; b.Hold.Minor > 0 {
			owed := max(0, b.Due[c])
			stakes = append(stakes, Stake{Visit: v, Hold: b.Hold, Owed: money.Money{Minor: owed, Currency: c}})
			sums[c] += max(owed, b.Hold.Minor)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(sums)) {
		total = append(total, money.Money{Minor: sums[c], Currency: c})
	}
	return stakes, total
}
