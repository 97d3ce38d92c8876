package watch

import (
	"math"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/shelf"
)

// Sighting is a change of the shelf with its time and its evidence.
type Sighting struct {
	shelf.Change
	// T is the time of the event in seconds from the first frame, At the same
	// as a moment.
	T  float64
	At time.Time
	// Delay is how many seconds after the event it became certain.
	Delay float64
	// Model names what decided, with the detector that was asked.
	Model    string
	Evidence []ledger.EvidenceRef
	// Items are the readings of what it is, best first, where a recogniser
	// was asked; the monitor's own is the only one otherwise.
	Items []ledger.ItemHypothesis
}

// Confidence is how sure the sighting is as a whole: as its weaker half.
func (s Sighting) Confidence() float64 { return math.Min(s.Item, s.Act) }

// PerMille turns a share into the ledger's unit.
func PerMille(share float64) ledger.PerMille {
	return ledger.PerMille(math.Round(1000 * max(0, min(1, share))))
}

// Recorded returns the sighting as the event the ledger keeps. A shelf camera
// sees no persons: person is set only where the operator says who shops, as
// in a shop with one smart cart.
func (s Sighting) Recorded(store ledger.StoreID, sensor ledger.DeviceID, person ledger.VisitID) ledger.DetectionRecorded {
	d := ledger.DetectionRecorded{
		Store: store, Sensor: sensor, Source: ledger.SensorCamera, Slot: s.Slot,
		Items:    []ledger.ItemHypothesis{{SKU: ledger.SKU(s.SKU), Confidence: PerMille(s.Item)}},
		Actions:  []ledger.ActionHypothesis{{Action: ledger.Action(s.Action), Confidence: PerMille(s.Act)}},
		Quantity: s.Quantity, Model: s.Model, Evidence: s.Evidence,
	}
	if len(s.Items) > 0 {
		d.Items = s.Items
	}
	if person != "" {
		d.Persons = []ledger.PersonHypothesis{{Visit: person, Confidence: PerMille(toldPerson)}}
	}
	return d
}

// ShelfChange returns the sighting as what is told of the shelf beyond shopping,
// without an id, and whether there is anything to tell: what staff did, and
// things that stand where they do not belong, whoever put them there.
func (s Sighting) ShelfChange(sensor ledger.DeviceID) (vision.ShelfChange, bool) {
	purpose := ledger.ShelfPurpose(s.Purpose)
	if s.Purpose == shelf.Shopping {
		if s.Home == "" && !s.Untidy {
			return vision.ShelfChange{}, false
		}
		purpose = ledger.ShelfStraying
	}
	return vision.ShelfChange{
		OccurredAt: s.At.UTC(), Sensor: sensor, Slot: s.Slot, SKU: ledger.SKU(s.SKU), Home: s.Home, Purpose: purpose,
		Action: ledger.Action(s.Action), Quantity: s.Quantity, Confidence: PerMille(s.Confidence()), Left: s.Left,
		Sure: PerMille(s.LeftSure), Untidy: s.Untidy, Model: s.Model,
	}, true
}

// toldPerson is the confidence of a person the operator named. It is not 1:
// somebody else may reach in.
const toldPerson = 0.98
