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
	promotion = ledger.Promotion{
		Promotion: "p-half", Name: "Half price", Kind: ledger.PromotionPercent, SKUs: []ledger.SKU{"cola-330"}, PerMille: 500,
		From: noon.Add(-time.Hour), Until: noon.Add(24 * time.Hour),
	}
	coupon = ledger.Promotion{
		Promotion: "p-50-off", Name: "50 cents off", Kind: ledger.PromotionAmount, Amount: usd(50), Coupon: true, CouponKey: strings.Repeat("1f", 32),
		From: noon.Add(-time.Hour), Until: noon.Add(24 * time.Hour),
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
		ledger.DetectionReverified{
			Detection: id(10), Model: "fridge@2", ModelDigest: digest,
			Items:   []ledger.ItemHypothesis{{SKU: "cola-330", Confidence: 960}},
			Actions: []ledger.ActionHypothesis{}, Agreement: ledger.AgreementAgrees, Evidence: evidence(),
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
		ledger.PromotionSet{Promotion: promotion},
		ledger.PromotionPinned{Promotion: promotion, Set: id(30)},
		ledger.CouponRedeemed{Coupon: "c-7f3a", Visit: visit, Store: store, Promotion: "p-50-off"},
		ledger.CouponAccepted{Coupon: "c-7f3a", Redeemed: id(31), Promotion: coupon, Set: id(30)},
		ledger.ItemRepriced{Detection: id(10), SKU: "cola-330", Unit: usd(179), Price: id(6)},
		ledger.AgeVerified{Visit: visit, MinAge: 21, Method: "document", Verified: true, By: "staff:cleo"},
		ledger.CartWeighed{Visit: visit, Store: store, Device: "cart-7", Measured: 812, Expected: 464, Unknown: 1, Tolerance: 39},
		ledger.IncrementIntended{Visit: visit, Store: store, Amount: usd(7400), Object: "pi_1", Key: "v1/s1/x/increment/1"},
		ledger.Incremented{Intent: id(32), Object: "pi_1", Amount: usd(7400), CaptureBefore: noon.Add(114 * time.Hour)},
		ledger.ChargeIntended{
			Visit: visit, Store: store, Amount: usd(240), Customer: "cus_1", PaymentMethod: "pm_1",
			Purpose: ledger.ChargeRemainder, Receipt: "s1-2026-000001", Key: "v1/s1/x/charge/1",
		},
		ledger.Charged{Intent: id(33), Object: "pi_2", Amount: usd(240)},
		ledger.HoldLapsed{Object: "pi_1", Amount: usd(5000), At: noon.Add(114 * time.Hour)},
		ledger.RefundFailed{Refund: "re_1", Amount: usd(220), Code: "lost_or_stolen_card"},
		ledger.ExternalObserved{Object: "re_2", What: ledger.ExternalRefund, Amount: usd(100)},
		ledger.PaymentEscalated{Intent: id(21), Reason: "no answer after eight days"},
		ledger.PaymentResolved{Intent: id(21), Op: "capture", Done: true, Object: "pi_1", Amount: usd(440), By: "operator:finn", Reason: "seen in the dashboard"},
		ledger.DebtWrittenOff{Visit: visit, Amount: usd(240), By: "operator:finn", Reason: "below what a letter costs"},
		ledger.GoodwillGranted{Visit: visit, Receipt: "s1-2026-000001", Amount: usd(100), By: "operator:finn", Reason: "the gate was slow"},
		ledger.SupplementProposed{Visit: visit, Receipt: "s1-2026-000003", Amount: usd(249), Deadline: noon.Add(168 * time.Hour)},
		ledger.SupplementAnswered{Visit: visit, Proposal: id(34), Answer: ledger.SupplementConsented, By: "shopper:anna"},
		ledger.VisitMatched{Visit: visit, Shopper: "anna", Customer: "cus_1", PaymentMethod: "pm_1", By: "operator:finn", Reason: "she came back and said so"},
		ledger.CashTaken{Visit: visit, Receipt: "s1-2026-000001", Amount: usd(440), Till: "till-1", By: "staff:cleo"},
		ledger.FraudWarningReceived{Warning: "issfr_1", Object: "pi_1", Type: "made_with_stolen_card", Actionable: true},
		ledger.ChargebackOpened{
			Chargeback: "dp_1", Object: "pi_1", Amount: usd(220), Reason: "product_not_received", NetworkCode: "13.1",
			DueBy: noon.Add(14 * 24 * time.Hour),
		},
		ledger.ChargebackFundsMoved{Chargeback: "dp_1", Transaction: "txn_9", Withdrawn: true, Amount: usd(220), Fee: usd(1500)},
		ledger.EvidencePackBuilt{Chargeback: "dp_1", Digest: digest, Pages: 7, Position: 4711},
		ledger.ChargebackAnswered{Chargeback: "dp_1", Reply: ledger.ReplyContest, By: "operator:finn", Reason: "two cameras saw her take it"},
		ledger.SubmissionIntended{Visit: visit, Chargeback: "dp_1", Digest: digest, Key: "v1/dispute/dp_1/submit/1"},
		ledger.EvidenceSubmitted{Intent: id(35), Chargeback: "dp_1", File: "file_1"},
		ledger.ChargebackClosed{Chargeback: "dp_1", Outcome: ledger.ChargebackWon, Amount: usd(220)},
		ledger.BalanceRecorded{Provider: "acct_1", Transactions: []ledger.BalanceTransaction{{
			Transaction: "txn_1", Category: "charge", Source: "ch_1", Payment: "pi_1", Visit: visit,
			Amount: usd(440), Fee: usd(43), Net: usd(397), Created: noon, Available: noon.Add(48 * time.Hour),
		}}},
		ledger.PayoutRecorded{
			Payout: "po_1", Provider: "acct_1", Amount: usd(397), Arrival: "2026-11-26", Reference: "STRIPE PO1",
			Transactions: []string{"txn_1"},
		},
		ledger.PayoutFailed{Payout: "po_1", Amount: usd(397), Code: "account_closed"},
		ledger.BankStatementRecorded{Account: "main", File: digest, Format: "camt.053", Lines: []ledger.BankLine{{
			Line: "NTRY-1", Booked: "2026-11-26", Amount: usd(397), Reference: "STRIPE PO1", Party: "Stripe",
		}}},
		ledger.ExceptionOpened{
			Exception: "amount_diff-pi_1", Class: ledger.ExceptionAmount, Store: store, Day: "2026-11-23", Subject: "pi_1",
			Expected: usd(440), Found: usd(430), Owner: "finance", Detail: "the provider took less than we booked",
		},
		ledger.ExceptionAssigned{Exception: "amount_diff-pi_1", Owner: "operator:finn", By: "operator:gwen"},
		ledger.ExceptionClosed{Exception: "amount_diff-pi_1", By: "operator:finn", Reason: "refunded by hand"},
		ledger.DayClosed{
			Store: store, Day: "2026-11-23", Number: 1, Position: 99, First: "s1-2026-000001", Last: "s1-2026-000002", Receipts: 2,
			Totals: []ledger.DayTotal{{Account: "Income:Sales:drinks", Amount: usd(-398)}}, By: "operator:finn",
		},
		ledger.PriceChecked{Store: store, SKU: "cola-330", Shelf: usd(199), Charged: usd(199), By: "staff:cleo"},
		ledger.FiscalStarted{Visit: visit, Regime: ledger.FiscalDE, Device: "tse-1", Transaction: 12, At: noon},
		ledger.FiscalSigned{
			Visit: visit, Receipt: "s1-2026-000001", Regime: ledger.FiscalDE, Register: "vouch-s1", Device: "tse-1", Transaction: 12,
			Counter: 25, Started: noon, Finished: noon.Add(3 * time.Minute), Process: "Kassenbeleg-V1",
			Data: "Beleg^4.40_0.00_0.00_0.00_0.00^4.40:Unbar", Algorithm: "ecdsa-plain-SHA256", Key: "BAgH", Value: "MEUCIQ==",
		},
		ledger.FiscalFailed{Visit: visit, Receipt: "s1-2026-000001", Regime: ledger.FiscalDE, Detail: "the device does not answer"},
		ledger.NoticeQuarantined{Event: "evt_2", Type: "charge.captured", Object: "pi_1", Reason: "of API version 2020-08-27", Digest: digest},
		ledger.ProviderSwept{Provider: "acct_1", From: noon.Add(-24 * time.Hour), Until: noon, Objects: 40, Adopted: 1, Cause: "restore"},
		ledger.EvidenceViewed{Digest: digest, By: "reviewer:anna"},
		ledger.EvidenceHeld{Visit: visit, Reason: "letter of the court", By: "operator:olga"},
		ledger.EvidenceReleased{Visit: visit, Hold: id(60), Reason: "the case is closed", By: "operator:olga"},
		ledger.EvidenceExpired{Digest: digest, Class: ledger.RetentionRoutine, Days: 135},
		ledger.DeviceConfigured{
			Store: store, Device: "edge-1", Version: 2, By: "operator:olga",
			Settings: "{}",
		},
		ledger.DeviceReported{
			Store: store, Device: "edge-1", Program: "vouch-edge/1", Running: 1, Refused: 2, Reason: "cam-1: no such planogram",
			Parts: []ledger.PartState{
				{Part: "cam-1", State: ledger.DeviceFrozen, Since: noon, Detail: "the same picture for 3 s"},
				{Part: "cam-2", State: ledger.DeviceWell, Since: noon.Add(-time.Hour)},
			},
			ClockOffset: -1250,
		},
		ledger.ShelfChanged{
			Store: store, Sensor: "cam-1", Slot: "left", SKU: "cola", Home: "middle", Purpose: ledger.ShelfStraying, Action: ledger.ActionMove,
			Quantity: 1, Confidence: 910, Left: 4, Sure: 650, Untidy: true, Model: "vouch-shelf/1", ClockOffset: -20,
		},
		ledger.GateDoubted{Visit: visit, Store: store, Gate: "gate-1", Doubt: ledger.DoubtTailgated, Persons: 2, Party: 1},
		ledger.PalmEnrolled{
			Shopper: "anna", Store: store, Template: digest, Method: "ordinal/1", Captures: 3, Consent: digest,
			Agreed: "terminal-1, by touch", Jurisdiction: "DE",
		},
		ledger.PalmConsented{
			Shopper: "anna", Store: store, Jurisdiction: "DE", Text: digest, Version: "2026-11", Agreed: "on the shopper's page",
		},
		ledger.PalmWithdrawn{Shopper: "anna", Consent: ledger.ID{15: 7}, By: "shopper:anna", Reason: "asked for it"},
		ledger.PalmRevoked{Shopper: "anna", Template: digest, By: "shopper:anna", Reason: "asked for it", Sealed: digest},
	}
}

// fuller holds payloads that say what earlier events of their kind did not:
// fields that are left out while they are zero.
func fuller() []ledger.Payload {
	const visit, store = ledger.VisitID("01935700-0001-7000-8000-000000000001"), ledger.StoreID("s1")
	bottle := ledger.Deposit{Name: "Deposit", Amount: usd(25), TaxCategory: "food"}
	by := rule
	by.Basis, by.Parts = ledger.TaxPerReceipt, "US-WA=0.065 US-WA-SEATTLE=0.0385"
	shop := seller
	shop.Entity, shop.Country, shop.Fiscal = "corner-inc", "DE", ledger.FiscalDE
	strict := policy
	strict.PriceRule, strict.DebtLimit, strict.AdjustHold, strict.CaptureMarginSeconds = ledger.PriceAtPick, usd(500), true, 7200
	strict.Retries, strict.SupplementSeconds, strict.FraudRefundLimit, strict.Unknown = -1, 86400, usd(2500), true
	strict.WeighGrams, strict.WeighPerMille = 25, 20
	gated := policy
	gated.Rotating, gated.Palm = true, "DE"
	doc := document("s1-2026-000001", "", 2)
	doc.Party, doc.AgeProven = 3, 21
	line := &doc.Lines[0]
	line.LineKind, line.Of, line.Per, line.Grams, line.TareGrams, line.Scale = ledger.LineDeposit, 1, ledger.PerKilogram, 812, 12, "scale-1"
	line.PriceRule, line.Picked, line.List, line.MinAge = ledger.PriceAtPick, usd(219), usd(438), 18
	line.Discounts = []ledger.Discount{{Promotion: "p-50-off", Name: "Half price", Amount: usd(40), Pieces: 2, Coupon: "c-7f3a", Reason: "50 % off"}}
	return []ledger.Payload{
		ledger.StoreOpened{Store: store, Seller: shop, Catalogue: "c1"},
		ledger.PolicySet{Store: store, Policy: strict},
		ledger.ProductListed{
			SKU: "cola-330", GTIN: "4006381333931", Name: "Cola 0.33 l", Category: "drinks", TaxCategory: "food",
			TareGrams: 12, Deposit: bottle, MinAge: 18, Grams: 350,
		},
		ledger.PriceSet{SKU: "apples", Price: usd(499), From: noon, Per: ledger.PerKilogram},
		ledger.TaxSet{
			Category: "food", Jurisdiction: "US-WA", Rate: "0.1035", Rounding: money.HalfUp, From: noon.Add(-time.Hour),
			Basis: by.Basis, Parts: by.Parts, Until: noon.Add(time.Hour),
		},
		ledger.ItemPriced{
			Detection: id(10), SKU: "cola-330", Name: "Cola 0.33 l", Category: "drinks", Unit: usd(199), Tax: by, Price: id(5),
			Per: ledger.PerKilogram, TareGrams: 12, Deposit: bottle, DepositTax: rule, MinAge: 18, Grams: 350,
		},
		ledger.GatePresented{
			Visit: visit, Store: store, Gate: "gate-1", Place: ledger.PlaceGate, Credential: ledger.CredentialQR,
			Ticket: string(visit), Shopper: "anna", Customer: "cus_1", PaymentMethod: "pm_1", Party: 1,
			Seller: seller, Catalogue: "c1", Policy: policy, Member: true,
		},
		ledger.ReceiptIssued{Document: doc},
		ledger.RefundIntended{
			Visit: visit, Store: store, Amount: usd(220), Object: "pi_1", Receipt: "s1-2026-000001", Key: "v1/s1/x/refund/goodwill/1",
			Purpose: ledger.RefundGoodwill, Case: id(36),
		},
		ledger.PromotionSet{Promotion: ledger.Promotion{
			Promotion: "p-3-2", Name: "3 for 2", Kind: ledger.PromotionNForM, Categories: []string{"drinks"}, Take: 3, Pay: 2,
			Members: true, Stacks: true, Priority: 5, Limit: 2, From: noon.Add(-time.Hour), Until: noon.Add(24 * time.Hour),
		}},
		ledger.PromotionSet{Promotion: ledger.Promotion{
			Promotion: "p-mix", Name: "Any 2", Kind: ledger.PromotionMix, SKUs: []ledger.SKU{"cola-330", "chips-90"}, Take: 2, Amount: usd(300),
			From: noon.Add(-time.Hour), Until: noon.Add(24 * time.Hour),
		}},
		ledger.ExternalObserved{
			Object: "pi_3", What: ledger.ExternalHold, Amount: usd(5000), Intent: id(37), Key: "v1/s1/x/hold/1",
			CaptureBefore: noon.Add(114 * time.Hour),
		},
		ledger.DetectionAttributed{
			Detection: id(10), Stream: ledger.VisitStream(visit), Decision: id(14), SKU: "apples", Action: ledger.ActionTake,
			Quantity: 1, Slot: "scale", SeenAt: noon, Evidence: evidence(), Grams: 735, Scale: "scale-1",
		},
		ledger.ChargeIntended{
			Visit: visit, Store: store, Amount: usd(249), Customer: "cus_1", PaymentMethod: "pm_1",
			Purpose: ledger.ChargeSupplement, Receipt: "s1-2026-000003", Key: "v1/s1/x/charge/2", Case: id(34), OnSession: true,
		},
		ledger.ExternalObserved{Object: "re_3", What: ledger.ExternalRefund, Amount: usd(100), Of: "pi_1"},
		ledger.DebtWrittenOff{Visit: visit, Amount: usd(249), By: "shopper:anna", Reason: "supplement refused", Case: id(34)},
		ledger.HoldIntended{
			Visit: visit, Store: store, Amount: usd(5000), Customer: "cus_1", PaymentMethod: "pm_1", Key: "v1/s1/x/hold/1",
			Adjustable: true,
		},
		ledger.DetectionRecorded{
			Store: store, Sensor: "cam-1", Source: ledger.SensorCamera, Slot: "a1",
			Items:   []ledger.ItemHypothesis{{SKU: "cola-330", Confidence: 960}},
			Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 970}},
			Persons: []ledger.PersonHypothesis{}, Presence: []ledger.PersonHypothesis{}, Quantity: 1, Model: "vouch-shelf/1",
			Evidence: append(evidence(), ledger.EvidenceRef{
				Role: ledger.RoleBlurred, Digest: ledger.DigestOf([]byte("blurred")), MediaType: "image/jpeg", Bytes: 15811, Of: digest,
			}),
		},
		ledger.DetectionRecorded{
			Store: store, Sensor: "cam-1", Source: ledger.SensorCamera, Slot: "a1",
			Items:   []ledger.ItemHypothesis{{SKU: "cola-330", Confidence: 960}},
			Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 970}},
			Persons: []ledger.PersonHypothesis{}, Presence: []ledger.PersonHypothesis{}, Quantity: 1, Model: "vouch-shelf/1",
			Evidence: evidence(), ClockOffset: -1250,
		},
		ledger.PolicySet{Store: store, Policy: gated},
		ledger.GatePresented{
			Visit: visit, Store: store, Gate: "gate-1", Place: ledger.PlaceGate, Credential: ledger.CredentialQR,
			Ticket: string(visit), Shopper: "anna", Customer: "cus_1", PaymentMethod: "pm_1", Party: 1,
			Seller: seller, Catalogue: "c1", Policy: policy, Offline: true,
		},
		ledger.GateDoubted{Visit: visit, Store: store, Gate: "gate-2", Doubt: ledger.DoubtConflict, Other: "01935700-0001-7000-8000-000000000002"},
		ledger.CartWeighed{
			Visit: visit, Store: store, Device: "cart-7", Measured: 812, Expected: 464, Tolerance: 39, Evidence: evidence(), ClockOffset: -1250,
		},
		ledger.GatePresented{
			Visit: visit, Store: store, Gate: "gate-1", Place: ledger.PlaceGate, Credential: ledger.CredentialQR,
			Ticket: string(visit), Shopper: "anna", Customer: "cus_1", PaymentMethod: "pm_1", Party: 1,
			Seller: seller, Catalogue: "c1", Policy: policy, ClockOffset: 420,
		},
		ledger.GateRefused{Store: store, Gate: "gate-1", Reason: ledger.RefusedForged, ClockOffset: 420},
		ledger.GateExited{Visit: visit, Gate: "gate-1", ClockOffset: -3600000},
		ledger.GateDoubted{Visit: visit, Store: store, Gate: "gate-1", Doubt: ledger.DoubtTailgated, Persons: 2, Party: 1, ClockOffset: 420},
	}
}

func usdAs(c money.Currency) money.Money { return money.Money{Minor: 1, Currency: c} }
