package watch

import (
	"math"
	"time"

	"github.com/vouchledger/vouch/ledger"
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

// toldPerson is the confidence of a person the operator named. It is not 1:
// somebody else may reach in.
const toldPerson = 0.98
