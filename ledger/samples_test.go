package ledger_test

import (
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// The samples tell one visit: anna takes two colas and a chips, puts a cola
// back, the chips are doubtful, and she disputes the cola.
var (
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	digest = ledger.Digest("sha256:" + strings.Repeat("0f", 32))
	usd    = func(minor int64) money.Money { return money.Money{Minor: minor, Currency: "USD"} }
	seller = ledger.Seller{Name: "Corner & Co", Address: "1 Main St, Seattle", TaxID: "WA-123", Currency: "USD", Timezone: "America/Los_Angeles"}
	policy = ledger.Policy{
		Hold: usd(5000), ItemMin: 800, ActionMin: 850, PersonMin: 900, ReviewSeconds: 3600,
		OnDeadline: ledger.ForShopper, GraceMillis: 3000, GateSeconds: 15, DisputeDays: 60,
	}
	rule = ledger.TaxRule{Category: "food", Jurisdiction: "US-WA", Rate: "0.1035", Rounding: money.HalfUp}
)

func id(n byte) ledger.ID {
	return ledger.ID{0x01, 0x93, 0x57, 0, 0, n, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, n}
}

func evidence() []ledger.EvidenceRef {
	return []ledger.EvidenceRef{{Role: "before", Digest: digest, MediaType: "image/jpeg", Bytes: 16042}}
}

func document(number, corrects string, quantity int) ledger.ReceiptDocument {
	line := ledger.ReceiptLine{
		No: 1, SKU: "cola-330", Name: "Cola 0.33 l", Category: "drinks", Quantity: quantity, Unit: usd(199),
		Net: usd(199 * int64(quantity)), Tax: usd(21 * int64(quantity)), Gross: usd(220 * int64(quantity)),
		TaxRule: rule, Check: ledger.CheckMachine, Causes: []ledger.ID{id(10)}, Evidence: []ledger.Digest{digest},
	}
	return ledger.ReceiptDocument{
		Number: number, Corrects: corrects, Visit: "01935700-0001-7000-8000-000000000001", Store: "s1", Seller: seller,
		Entered: noon, Exited: noon.Add(2 * time.Minute), Issued: noon.Add(3 * time.Minute),
		Lines: []ledger.ReceiptLine{line}, Pending: []ledger.PendingItem{}, Net: line.Net, Tax: line.Tax,
		Taxes: []ledger.TaxTotal{{Rule: rule, Net: line.Net, Tax: line.Tax}}, Gross: line.Gross, Events: 9,
	}
}

func provisional() ledger.ReceiptDocument {
	d := document("", "", 1)
	d.Pending = []ledger.PendingItem{{
		Detection: id(12), SKU: "chips-90", Quantity: 1, Doubts: []ledger.Doubt{ledger.DoubtItem}, AtRisk: usd(249),
	}}
	d.Deadline = noon.Add(time.Hour)
	return d
}

// samples holds one payload of every kind.
func samples() []ledger.Payload {
	const visit, store = ledger.VisitID("01935700-0001-7000-8000-000000000001"), ledger.StoreID("s1")
	return []ledger.Payload{
		ledger.StoreOpened{Store: store, Seller: seller, Catalogue: "c1"},
		ledger.PolicySet{Store: store, Policy: policy},
		ledger.PlanogramSet{Store: store, Sensor: "cam-1", Digest: digest, Slots: []ledger.SlotPlan{{Slot: "left", SKU: "cola-330", Capacity: 3, Initial: 3}}},
		ledger.ProductListed{SKU: "cola-330", GTIN: "4006381333931", Name: "Cola 0.33 l", Category: "drinks", TaxCategory: "food"},
		ledger.PriceSet{SKU: "cola-330", Price: usd(199), From: noon.Add(-time.Hour)},
		ledger.TaxSet{Category: "food", Jurisdiction: "US-WA", Rate: "0.1035", Rounding: money.HalfUp, From: noon.Add(-time.Hour)},
		ledger.GatePresented{
			Visit: visit, Store: store, Gate: "gate-1", Place: ledger.PlaceGate, Credential: ledger.CredentialQR,
			Ticket: string(visit), Shopper: "anna", Customer: "cus_1", PaymentMethod: "pm_1", Party: 1,
			Seller: seller, Catalogue: "c1", Policy: policy,
		},
		ledger.GateEntered{Visit: visit, Gate: "gate-1", Hold: usd(5000)},
		ledger.GateRefused{Visit: "", Store: store, Gate: "gate-1", Ticket: "", Reason: ledger.RefusedForged, Detail: "signature does not match key 1"},
		ledger.GateExited{Visit: visit, Gate: "gate-1"},
		ledger.DetectionRecorded{
			Store: store, Sensor: "cam-1", Source: ledger.SensorCamera, Slot: "left",
			Items:   []ledger.ItemHypothesis{{SKU: "cola-330", Confidence: 970}, {SKU: "cola-zero-330", Confidence: 30}},
			Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 990}},
			Persons: []ledger.PersonHypothesis{}, Presence: []ledger.PersonHypothesis{{Visit: visit, Confidence: 990}},
			Quantity: 1, Model: "shelf-1", Evidence: evidence(),
		},
		ledger.DetectionImplicated{Detection: id(11), Stream: "visit-01935700-0002-7000-8000-000000000002", Confidence: 480},
		ledger.DetectionAttributed{
			Detection: id(11), Stream: "visit-01935700-0002-7000-8000-000000000002", Decision: id(13), SKU: "cola-330",
			Action: ledger.ActionTake, Quantity: 1, Slot: "left", SeenAt: noon.Add(time.Minute), Evidence: evidence(),
		},
		ledger.ItemPriced{Detection: id(10), SKU: "cola-330", Name: "Cola 0.33 l", Category: "drinks", Unit: usd(199), Tax: rule, Price: id(5)},
		ledger.PricingFailed{Detection: id(12), SKU: "chips-90", Missing: "price"},
		ledger.ReviewRequested{Detection: id(12), Doubts: []ledger.Doubt{ledger.DoubtItem}, AtRisk: usd(249), Deadline: noon.Add(time.Hour)},
		ledger.ReviewDecided{
			Detection: id(12), Verdict: ledger.VerdictCorrected, SKU: "chips-90", Action: ledger.ActionTake, Quantity: 1,
			Visit: visit, Reviewer: "reviewer:ben", Reason: "label is readable in the frame after",
		},
		ledger.ReceiptProvisional{Document: provisional()},
		ledger.ReceiptIssued{Document: document("s1-2026-000001", "", 2)},
		ledger.ReceiptCorrected{Document: document("s1-2026-000002", "s1-2026-000001", 1), Change: usd(-220), Because: id(14)},
		ledger.DisputeOpened{Dispute: id(15), Receipt: "s1-2026-000001", Line: 1, Claim: ledger.ClaimNotTaken, Quantity: 1, Message: "I put one back <left>"},
		ledger.DisputeDecided{Dispute: id(15), Outcome: ledger.DisputeUpheld, Quantity: 1, Reviewer: "reviewer:ben", Reason: "the clip shows the return"},
		ledger.VisitSettled{Outcome: ledger.SettledCharged, Charged: usd(440), Owed: usd(0)},
		ledger.HoldIntended{Visit: visit, Store: store, Amount: usd(5000), Customer: "cus_1", PaymentMethod: "pm_1", Key: "v1/s1/x/hold/1"},
		ledger.CaptureIntended{Visit: visit, Store: store, Amount: usd(440), Object: "pi_1", Receipt: "s1-2026-000001", Key: "v1/s1/x/capture/1"},
		ledger.ReleaseIntended{Visit: visit, Store: store, Amount: usd(5000), Object: "pi_1", Key: "v1/s1/x/release/1"},
		ledger.RefundIntended{Visit: visit, Store: store, Amount: usd(220), Object: "pi_1", Receipt: "s1-2026-000002", Key: "v1/s1/x/refund/s1-2026-000002/1"},
		ledger.Held{Intent: id(20), Object: "pi_1", Amount: usd(5000), CaptureBefore: noon.Add(114 * time.Hour)},
		ledger.Captured{Intent: id(21), Object: "pi_1", Amount: usd(440)},
		ledger.Released{Intent: id(22), Object: "pi_1"},
		ledger.Refunded{Intent: id(23), Object: "re_1", Amount: usd(220)},
		ledger.PaymentDeclined{Intent: id(20), Code: "insufficient_funds"},
		ledger.PaymentUnclear{Intent: id(21), Attempt: 1, Detail: "no answer within 10s"},
		ledger.PaymentNotified{Event: "evt_1", Type: "charge.captured", Object: "pi_1"},
	}
}

func usdAs(c money.Currency) money.Money { return money.Money{Minor: 1, Currency: c} }
