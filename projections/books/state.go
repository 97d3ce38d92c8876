package books

import (
	"fmt"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// journalState is the stored form of a Journal.
type journalState struct {
	Position   uint64                              `json:"position"`
	Entries    []Entry                             `json:"entries"`
	Balances   map[string]map[money.Currency]int64 `json:"balances"`
	Visits     map[ledger.VisitID]*visitBook       `json:"visits"`
	Zones      map[ledger.StoreID]string           `json:"zones"` // of the sellers
	Payouts    map[string]payout                   `json:"payouts"`
	Waiting    []waitingLine                       `json:"waiting"`
	Exceptions map[string]exception                `json:"exceptions"` // open ones
	Closings   map[ledger.StoreID][]Closing        `json:"closings"`
	Odd        []projections.Oddity                `json:"odd"`
}

const journalForm = "journal.v2"

// MarshalBinary returns a snapshot of j: canonical JSON.
func (j *Journal) MarshalBinary() ([]byte, error) { return state.Marshal(journalForm, &j.s) }

// UnmarshalBinary makes j what a snapshot says; see
// [projections.Cart.UnmarshalBinary].
func (j *Journal) UnmarshalBinary(b []byte) error {
	var n Journal
	if err := state.Unmarshal(journalForm, b, &n.s); err != nil {
		return err
	}
	for v, book := range n.s.Visits {
		if book == nil {
			return fmt.Errorf("snapshot %s: %w: visit %s", journalForm, ledger.ErrCorrupt, v)
		}
	}
	for _, b := range n.Balances() {
		n.full = n.full || max(b.Amount.Minor, -b.Amount.Minor) > maxBalance
	}
	*j = n
	return nil
}
