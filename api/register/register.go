// Package register is the read model by which the API finds things that are
// named by something else than their visit, and names them for people: a
// receipt by its number, a dispute by its id, a product by its SKU, a slot by
// its planogram.
//
// The one idea: it keeps a row for each thing and the visit in which it is;
// what the thing is now is folded from the visit's stream by whoever asks.
//
// INVARIANT: the rows of receipts and disputes rise by position, and a number
// or id appears once.
//
// The package reads no clock and does no input or output.
package register

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Receipt is one final document: issued, or a correction.
type Receipt struct {
	Position uint64           `json:"position"`
	Number   string           `json:"number"`
	Corrects string           `json:"corrects"`
	Visit    ledger.VisitID   `json:"visit"`
	Store    ledger.StoreID   `json:"store"`
	Shopper  ledger.ShopperID `json:"shopper"`
	Issued   time.Time        `json:"issued"`
	Gross    money.Money      `json:"gross"`
	Change   money.Money      `json:"change"` // of a correction
}

// A Dispute is one claim and its outcome; empty while it is open.
type Dispute struct {
	Position uint64                `json:"position"`
	ID       ledger.ID             `json:"id"`
	Visit    ledger.VisitID        `json:"visit"`
	Shopper  ledger.ShopperID      `json:"shopper"`
	Outcome  ledger.DisputeOutcome `json:"outcome"`
}

// A shelf is what one sensor of a shop looks at.
type shelf struct {
	store  ledger.StoreID
	sensor ledger.DeviceID
}

// A Register is the fold of the whole log that keeps the rows. Its fields are
// for reading; only Apply changes them. The zero value is before the first
// event.
type Register struct {
	Position uint64
	Receipts []Receipt // in the order of the log
	Disputes []Dispute // likewise

	receipts map[string]int
	disputes map[ledger.ID]int
	shoppers map[ledger.VisitID]ledger.ShopperID
	products map[ledger.SKU]string
	plans    map[shelf][]ledger.SlotPlan
	sellers  map[ledger.StoreID]ledger.Seller
	devices  map[ledger.StreamID]Device
	slots    map[place]Slot
}

// Name returns the name of the read model's checkpoint.
func (*Register) Name() string { return "register" }

// Receipt returns the row of the document with this number.
func (r *Register) Receipt(number string) (Receipt, bool) {
	i, ok := r.receipts[number]
	if !ok {
		return Receipt{}, false
	}
	return r.Receipts[i], true
}

// Dispute returns the row of the dispute with this id.
func (r *Register) Dispute(id ledger.ID) (Dispute, bool) {
	i, ok := r.disputes[id]
	if !ok {
		return Dispute{}, false
	}
	return r.Disputes[i], true
}

// Product returns what people call a product; its SKU if it was never listed.
func (r *Register) Product(sku ledger.SKU) string {
	if name := r.products[sku]; name != "" {
		return name
	}
	return string(sku)
}

// Seller returns who sells in a shop; the zero Seller if it was never opened.
func (r *Register) Seller(s ledger.StoreID) ledger.Seller { return r.sellers[s] }

// Plan returns the planogram before a sensor, in its order, or nothing. It
// must not be changed.
func (r *Register) Plan(store ledger.StoreID, sensor ledger.DeviceID) []ledger.SlotPlan {
	return r.plans[shelf{store, sensor}]
}

// Planned returns which product lies in a slot before a sensor, or nothing.
func (r *Register) Planned(store ledger.StoreID, sensor ledger.DeviceID, slot string) ledger.SKU {
	for _, s := range r.Plan(store, sensor) {
		if s.Slot == slot {
			return s.SKU
		}
	}
	return ""
}

// Stocked returns the products that lie before the sensors of a shop, by SKU.
func (r *Register) Stocked(store ledger.StoreID) []ledger.SKU {
	var skus []ledger.SKU
	for at, plan := range r.plans {
		if at.store != store {
			continue
		}
		for _, s := range plan {
			skus = append(skus, s.SKU)
		}
	}
	slices.Sort(skus) // the shelves come in any order
	return slices.Compact(skus)
}

// Apply moves r past e. What it does not keep it passes over: a row is a way
// to a stream, and the stream's own fold refuses what it does not know.
func (r *Register) Apply(e ledger.Event) error {
	if e.Position <= r.Position {
		return fmt.Errorf("register: position %d after %d: %w", e.Position, r.Position, ledger.ErrCorrupt)
	}
	r.make()
	switch p := e.Payload.(type) { // an index keeps what it indexes
	case ledger.GatePresented:
		if _, ok := r.shoppers[p.Visit]; !ok {
			r.shoppers[p.Visit] = p.Shopper
		}
	case ledger.VisitMatched: // whoever pays gets the receipts
		r.shoppers[p.Visit] = p.Shopper
		for i := range r.Receipts {
			if r.Receipts[i].Visit == p.Visit {
				r.Receipts[i].Shopper = p.Shopper
			}
		}
	case ledger.ReceiptIssued:
		r.receipt(e, p.Document, money.Money{})
	case ledger.ReceiptCorrected:
		r.receipt(e, p.Document, p.Change)
	case ledger.DisputeOpened:
		r.dispute(e, p)
	case ledger.DisputeDecided:
		if i, ok := r.disputes[p.Dispute]; ok && r.Disputes[i].Outcome == "" {
			r.Disputes[i].Outcome = p.Outcome
		}
	case ledger.StoreOpened:
		r.sellers[p.Store] = p.Seller
	case ledger.ProductListed:
		r.products[p.SKU] = p.Name
	case ledger.PlanogramSet:
		r.plans[shelf{p.Store, p.Sensor}] = p.Slots
	case ledger.ShelfChanged:
		r.changed(e.Occurred, p)
	case ledger.DetectionRecorded:
		r.counted(p)
	case ledger.DeviceConfigured:
		r.device(p.Store, p.Device, func(d *Device) { d.Configured = p.Version })
	case ledger.DeviceReported:
		r.device(p.Store, p.Device, func(d *Device) { d.Report, d.Reported = p, e.Occurred })
	}
	r.Position = e.Position
	return nil
}

func (r *Register) make() {
	if r.receipts != nil {
		return
	}
	r.receipts, r.disputes = map[string]int{}, map[ledger.ID]int{}
	r.shoppers, r.products = map[ledger.VisitID]ledger.ShopperID{}, map[ledger.SKU]string{}
	r.plans, r.sellers = map[shelf][]ledger.SlotPlan{}, map[ledger.StoreID]ledger.Seller{}
	r.devices, r.slots = map[ledger.StreamID]Device{}, map[place]Slot{}
}

func (r *Register) receipt(e ledger.Event, d ledger.ReceiptDocument, change money.Money) {
	if _, ok := r.receipts[d.Number]; ok {
		return // the receipts fold of that visit calls it odd
	}
	r.receipts[d.Number] = len(r.Receipts)
	r.Receipts = append(r.Receipts, Receipt{
		Position: e.Position, Number: d.Number, Corrects: d.Corrects, Visit: d.Visit, Store: d.Store,
		Shopper: r.shoppers[d.Visit], Issued: d.Issued, Gross: d.Gross, Change: change,
	})
}

func (r *Register) dispute(e ledger.Event, p ledger.DisputeOpened) {
	if _, ok := r.disputes[p.Dispute]; ok {
		return
	}
	_, visit := e.Stream.Split()
	r.disputes[p.Dispute] = len(r.Disputes)
	r.Disputes = append(r.Disputes, Dispute{
		Position: e.Position, ID: p.Dispute, Visit: ledger.VisitID(visit), Shopper: r.shoppers[ledger.VisitID(visit)],
	})
}

// snapshot is the stored form: maps with text keys, which JSON sorts.
type snapshot struct {
	Form     string                                                   `json:"form"`
	Position uint64                                                   `json:"position"`
	Receipts []Receipt                                                `json:"receipts"`
	Disputes []Dispute                                                `json:"disputes"`
	Shoppers map[ledger.VisitID]ledger.ShopperID                      `json:"shoppers"`
	Products map[ledger.SKU]string                                    `json:"products"`
	Sellers  map[ledger.StoreID]ledger.Seller                         `json:"sellers"`
	Plans    map[ledger.StoreID]map[ledger.DeviceID][]ledger.SlotPlan `json:"plans"`
	Devices  []Device                                                 `json:"devices,omitempty"`
	Slots    []Slot                                                   `json:"slots,omitempty"`
}

const form = "register.v1"

// MarshalBinary returns a snapshot: the same events give the same bytes.
func (r *Register) MarshalBinary() ([]byte, error) {
	s := snapshot{
		Form: form, Position: r.Position, Receipts: r.Receipts, Disputes: r.Disputes,
		Shoppers: r.shoppers, Products: r.products, Sellers: r.sellers,
		Plans: map[ledger.StoreID]map[ledger.DeviceID][]ledger.SlotPlan{}, Devices: r.DevicesOf(""),
		Slots: r.SlotsOf(""),
	}
	for k, plan := range r.plans {
		if s.Plans[k.store] == nil {
			s.Plans[k.store] = map[ledger.DeviceID][]ledger.SlotPlan{}
		}
		s.Plans[k.store][k.sensor] = plan
	}
	return ledger.MarshalCanonical(s)
}

// UnmarshalBinary makes r what a snapshot says, or leaves it as it is.
func (r *Register) UnmarshalBinary(b []byte) error {
	var s snapshot
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("register snapshot: %w: %w", ledger.ErrCorrupt, err)
	}
	if s.Form != form {
		return fmt.Errorf("register snapshot: %w: it is a %q", ledger.ErrCorrupt, s.Form)
	}
	n := Register{Position: s.Position, Receipts: s.Receipts, Disputes: s.Disputes}
	if s.Shoppers == nil { // before the first event
		*r = n
		return nil
	}
	n.make()
	for i, d := range n.Receipts {
		n.receipts[d.Number] = i
	}
	for i, d := range n.Disputes {
		n.disputes[d.ID] = i
	}
	maps.Copy(n.shoppers, s.Shoppers)
	maps.Copy(n.products, s.Products)
	maps.Copy(n.sellers, s.Sellers)
	for store, sensors := range s.Plans {
		for sensor, plan := range sensors {
			n.plans[shelf{store, sensor}] = plan
		}
	}
	for _, d := range s.Devices {
		n.devices[ledger.DeviceStream(d.Store, d.Device)] = d
	}
	for _, s := range s.Slots {
		n.slots[s.place()] = s
	}
	*r = n
	return nil
}
