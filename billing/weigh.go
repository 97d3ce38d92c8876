package billing

import "github.com/vouchledger/vouch/ledger"

// weighGrams is by how much a weighed cart may differ, unless the policy says
// otherwise: the error of a cart's own scale, and packing that is wet or thin.
const weighGrams = 30

// WeighTolerance returns by how many grams a cart may differ from what its
// pieces weigh together.
func WeighTolerance(p *ledger.Policy, expected int) int {
	grams := p.WeighGrams
	if grams == 0 {
		grams = weighGrams
	}
	return grams + expected*p.WeighPerMille/1000
}
