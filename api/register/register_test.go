package register

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func event(pos uint64, stream ledger.StreamID, p ledger.Payload) ledger.Event {
	return ledger.Event{Record: ledger.Record{
		ID: ledger.DeriveID(ledger.ID{}, fmt.Sprint(pos)), Kind: p.Kind(), Stream: stream, Position: pos, Occurred: noon,
	}, Payload: p}
}

func eur(n int64) money.Money { return money.Money{Minor: n, Currency: "EUR"} }

// history is a shop with one disputed visit and one corrected receipt.
func history() []ledger.Event {
	visit := ledger.VisitStream("v1")
	d := ledger.DeriveID(ledger.ID{}, "dispute")
	return []ledger.Event{
		event(1, "store-s1", ledger.StoreOpened{Store: "s1", Seller: ledger.Seller{Name: "Corner Shop"}, Catalogue: "c"}),
		event(2, "catalogue-c", ledger.ProductListed{SKU: "cola", Name: "Club Cola"}),
		event(4, "store-s1", ledger.PlanogramSet{Store: "s1", Sensor: "cam", Slots: []ledger.SlotPlan{{Slot: "A1", SKU: "cola"}, {Slot: "A2", SKU: "tea"}}}),
		event(5, visit, ledger.GatePresented{Visit: "v1", Shopper: "lea"}),
		event(6, "device-s1:edge-1", ledger.DeviceConfigured{Store: "s1", Device: "edge-1", Version: 1, Settings: "{}", By: "operator:olga"}),
		event(7, "device-s1:edge-1", ledger.DeviceReported{
			Store: "s1", Device: "edge-1", Program: "vouch-edge/1", Running: 1,
			Parts: []ledger.PartState{{Part: "cam-1", State: ledger.DeviceBlack, Since: noon}},
		}),
		event(8, visit, ledger.ReceiptIssued{Document: ledger.ReceiptDocument{Number: "s1-2026-000001", Visit: "v1", Gross: eur(300)}}),
		event(9, visit, ledger.DisputeOpened{Dispute: d, Receipt: "s1-2026-000001", Line: 1}),
		event(10, "device-s1:cam", ledger.ShelfChanged{
			Store: "s1", Sensor: "cam", Slot: "A1", SKU: "cola", Purpose: ledger.ShelfRestocking, Action: ledger.ActionReturn, Quantity: 3, Left: 5, Sure: 900,
		}),
		event(11, visit, ledger.DisputeDecided{Dispute: d, Outcome: ledger.DisputeUpheld}),
		event(12, visit, ledger.ReceiptCorrected{
			Document: ledger.ReceiptDocument{Number: "s1-2026-000002", Corrects: "s1-2026-000001", Visit: "v1", Gross: eur(100)}, Change: eur(-200),
		}),
		event(13, visit, ledger.ReceiptIssued{Document: ledger.ReceiptDocument{Number: "s1-2026-000001", Visit: "v9"}}),
	}
}

func fold(t interface{ Fatal(...any) }, r *Register, es []ledger.Event) {
	for _, e := range es {
		if err := r.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
}

// TestADeviceIsAsItLastSaid: whatever came before does not count.
func TestADeviceIsAsItLastSaid(t *testing.T) {
	var r Register
	fold(t, &r, append(history(), event(20, "device-s2:edge-1", ledger.DeviceConfigured{Store: "s2", Device: "edge-1", Version: 4})))
	if all := r.DevicesOf(""); len(all) != 2 || all[1].Configured != 4 || !all[1].Reported.IsZero() {
		t.Errorf("devices of all shops = %+v, want one of each", all)
	}
	of := r.DevicesOf("s1")
	if len(of) != 1 || of[0].Configured != 1 || of[0].Report.Parts[0].State != ledger.DeviceBlack || !of[0].Reported.Equal(noon) {
		t.Errorf("devices of s1 = %+v, want edge-1 with its black camera", of)
	}
}

// TestASlotIsAsItsCameraLastSaid: what shoppers do since is counted on.
func TestASlotIsAsItsCameraLastSaid(t *testing.T) {
	var r Register
	seen := func(pos uint64, a ledger.Action) ledger.Event {
		return event(pos, ledger.VisitStream("v1"), ledger.DetectionRecorded{
			Store: "s1", Sensor: "cam", Slot: "A1", Quantity: 1, Actions: []ledger.ActionHypothesis{{Action: a, Confidence: 500}},
		})
	}
	fold(t, &r, append(history(), seen(20, ledger.ActionTake), seen(21, ledger.ActionTake), seen(22, ledger.ActionReturn), seen(23, ledger.ActionMove)))
	got := r.SlotsOf("s1")
	if len(got) != 1 || got[0].Left != 4 || got[0].Sure != 112 || got[0].Purpose != ledger.ShelfRestocking || got[0].Untidy {
		t.Errorf("slots = %+v, want A1 with four of five and little surety", got)
	}
	stray := ledger.ShelfChanged{Store: "s1", Sensor: "cam", Slot: "A1", SKU: "tea", Home: "A2", Action: ledger.ActionMove, Left: 5, Untidy: true}
	pick := stray
	pick.SKU, pick.Home, pick.Action, pick.Left = "cola", "", ledger.ActionTake, 4
	fold(t, &r, []ledger.Event{event(24, "device-s1:cam", stray), event(25, "device-s1:cam", pick)})
	if got := r.SlotsOf("")[0]; got.Stray != "tea" || got.Home != "A2" || got.Left != 4 {
		t.Errorf("slot = %+v, want the tea of A2 still there after a pick beside it", got)
	}
	tidy := pick
	tidy.Untidy = false
	fold(t, &r, []ledger.Event{event(26, "device-s1:cam", tidy)})
	if got := r.SlotsOf("")[0]; got.Untidy || got.Stray != "" {
		t.Errorf("slot = %+v, want it tidy", got)
	}
	if len(r.SlotsOf("s2")) != 0 {
		t.Error("another shop has the slot too")
	}
}

// TestThingsAreFoundByTheirNames: a receipt by its number, a dispute by its
// id, a product by its SKU, a slot by its planogram.
func TestThingsAreFoundByTheirNames(t *testing.T) {
	var r Register
	fold(t, &r, history())
	if got, ok := r.Receipt("s1-2026-000002"); !ok || got.Visit != "v1" || got.Shopper != "lea" || got.Change != eur(-200) {
		t.Errorf("Receipt(000002) = %+v, %v, want lea's correction", got, ok)
	}
	if got, ok := r.Receipt("s1-2026-000001"); !ok || got.Visit != "v1" {
		t.Errorf("Receipt(000001) = %+v, %v, want the first that had the number", got, ok)
	}
	if _, ok := r.Receipt("s1-2026-000003"); ok {
		t.Error("Receipt(000003) is found, want nothing")
	}
	if got, ok := r.Dispute(ledger.DeriveID(ledger.ID{}, "dispute")); !ok || got.Outcome != ledger.DisputeUpheld || got.Shopper != "lea" {
		t.Errorf("Dispute = %+v, %v, want lea's, upheld", got, ok)
	}
	if got := r.Product("cola") + ", " + r.Product("tea"); got != "Club Cola, tea" {
		t.Errorf("products = %q, want a name and a SKU without one", got)
	}
	if got := r.Planned("s1", "cam", "A2"); got != "tea" {
		t.Errorf("Planned(A2) = %q, want tea", got)
	}
	if got := r.Planned("s2", "cam", "A2"); got != "" {
		t.Errorf("Planned(A2 in another shop) = %q, want nothing", got)
	}
	if got := r.Seller("s1").Name; got != "Corner Shop" {
		t.Errorf("Seller(s1) = %q, want the Corner Shop", got)
	}
}

// TestARegisterCarriesOnFromAnyCut: a snapshot and the rest are the whole, to
// the byte.
func TestARegisterCarriesOnFromAnyCut(t *testing.T) {
	es := history()
	var whole Register
	fold(t, &whole, es)
	want, err := whole.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		cut := rapid.IntRange(0, len(es)).Draw(t, "cut")
		var first, second Register
		fold(t, &first, es[:cut])
		b, err := first.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := second.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		fold(t, &second, es[cut:])
		got, err := second.MarshalBinary()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("cut at %d gives %s, %v, want %s", cut, got, err, want)
		}
	})
}

// TestABrokenOrderOrSnapshotIsCorrupt: and changes nothing.
func TestABrokenOrderOrSnapshotIsCorrupt(t *testing.T) {
	var r Register
	fold(t, &r, history())
	if err := r.Apply(history()[0]); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Apply(an old event) = %v, want %v", err, ledger.ErrCorrupt)
	}
	for _, text := range []string{"", "{", `{"form":"visits.v1"}`} {
		if err := r.UnmarshalBinary([]byte(text)); !errors.Is(err, ledger.ErrCorrupt) || r.Position != 13 {
			t.Errorf("UnmarshalBinary(%q) = %v at %d, want %v and no change", text, err, r.Position, ledger.ErrCorrupt)
		}
	}
}
