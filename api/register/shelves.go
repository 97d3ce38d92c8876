package register

import (
	"cmp"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Slot is what stands in a slot, as far as its camera has said.
type Slot struct {
	Store  ledger.StoreID  `json:"store"`
	Sensor ledger.DeviceID `json:"sensor"`
	Slot   string          `json:"slot"`
	// Left is how many things stand there, and Sure how sure that is. Detections
	// after what the camera said last are counted on.
	Left   int             `json:"left"`
	Sure   ledger.PerMille `json:"sure"`
	Untidy bool            `json:"untidy"`
	Stray  ledger.SKU      `json:"stray"` // what stands there and belongs elsewhere; the last that came
	Home   string          `json:"home"`  // where it belongs
	// Purpose, Quantity and SKU are of the last thing that was no shopping, and
	// Changed is when that was.
	Purpose  ledger.ShelfPurpose `json:"purpose"`
	Action   ledger.Action       `json:"action"`
	Quantity int                 `json:"quantity"`
	SKU      ledger.SKU          `json:"sku"`
	Changed  time.Time           `json:"changed"`
}

type place struct {
	shelf
	slot string
}

// SlotsOf returns the slots of a shop of which a camera has said something, or
// those of all shops if store is empty.
func (r *Register) SlotsOf(store ledger.StoreID) []Slot {
	var out []Slot
	for _, s := range r.slots {
		if store == "" || s.Store == store {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b Slot) int {
		return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.Sensor, b.Sensor), cmp.Compare(a.Slot, b.Slot))
	})
	return out
}

func (s Slot) place() place { return place{shelf{s.Store, s.Sensor}, s.Slot} }

// changed takes what a camera says of a slot: that counts, whatever was counted
// before.
func (r *Register) changed(at time.Time, p ledger.ShelfChanged) {
	s := Slot{
		Store: p.Store, Sensor: p.Sensor, Slot: p.Slot, Left: p.Left, Sure: p.Sure, Untidy: p.Untidy,
		Purpose: p.Purpose, Action: p.Action, Quantity: p.Quantity, SKU: p.SKU, Changed: at,
	}
	if before := r.slots[s.place()]; s.Untidy {
		s.Stray, s.Home = before.Stray, before.Home
		if p.Home != "" && p.Action != ledger.ActionTake {
			s.Stray, s.Home = p.SKU, p.Home
		}
	}
	r.slots[s.place()] = s
}

// counted counts a shopper's detection on. What a move changed the camera says
// itself.
func (r *Register) counted(p ledger.DetectionRecorded) {
	at := place{shelf{p.Store, p.Sensor}, p.Slot}
	s, ok := r.slots[at]
	if !ok || len(p.Actions) == 0 {
		return
	}
	switch p.Actions[0].Action {
	case ledger.ActionTake:
		s.Left = max(0, s.Left-p.Quantity)
	case ledger.ActionReturn:
		s.Left += p.Quantity
	case ledger.ActionMove:
		return
	}
	s.Sure = s.Sure * p.Actions[0].Confidence / 1000
	r.slots[at] = s
}
