package ledger

// The kinds of events. The names are stored: see [Kind].
const (
	KindStoreOpened         Kind = "store.opened.v1"
	KindPolicySet           Kind = "store.policy_set.v1"
	KindPlanogramSet        Kind = "store.planogram_set.v1"
	KindProductListed       Kind = "product.listed.v1"
	KindPriceSet            Kind = "price.set.v1"
	KindTaxSet              Kind = "tax.set.v1"
	KindGatePresented       Kind = "gate.presented.v1"
	KindGateEntered         Kind = "gate.entered.v1"
	KindGateRefused         Kind = "gate.refused.v1"
	KindGateExited          Kind = "gate.exited.v1"
	KindDetectionRecorded   Kind = "detection.recorded.v1"
	KindDetectionImplicated Kind = "detection.implicated.v1"
	KindDetectionAttributed Kind = "detection.attributed.v1"
	KindItemPriced          Kind = "item.priced.v1"
	KindPricingFailed       Kind = "pricing.failed.v1"
	KindReviewRequested     Kind = "review.requested.v1"
	KindReviewDecided       Kind = "review.decided.v1"
	KindReceiptProvisional  Kind = "receipt.provisionally_issued.v1"
	KindReceiptIssued       Kind = "receipt.issued.v1"
	KindReceiptCorrected    Kind = "receipt.corrected.v1"
	KindDisputeOpened       Kind = "dispute.opened.v1"
	KindDisputeDecided      Kind = "dispute.decided.v1"
	KindVisitSettled        Kind = "visit.settled.v1"
	KindHoldIntended        Kind = "payment.hold_intended.v1"
	KindCaptureIntended     Kind = "payment.capture_intended.v1"
	KindReleaseIntended     Kind = "payment.release_intended.v1"
	KindRefundIntended      Kind = "payment.refund_intended.v1"
	KindHeld                Kind = "payment.held.v1"
	KindCaptured            Kind = "payment.captured.v1"
	KindReleased            Kind = "payment.released.v1"
	KindRefunded            Kind = "payment.refunded.v1"
	KindPaymentDeclined     Kind = "payment.declined.v1"
	KindPaymentUnclear      Kind = "payment.unclear.v1"
	KindPaymentNotified     Kind = "payment.notified.v1"
)

// kinds holds the decoder of every kind ever written.
var kinds = map[Kind]func([]byte) (Payload, error){
	KindStoreOpened:         decode[StoreOpened],
	KindPolicySet:           decode[PolicySet],
	KindPlanogramSet:        decode[PlanogramSet],
	KindProductListed:       decode[ProductListed],
	KindPriceSet:            decode[PriceSet],
	KindTaxSet:              decode[TaxSet],
	KindGatePresented:       decode[GatePresented],
	KindGateEntered:         decode[GateEntered],
	KindGateRefused:         decode[GateRefused],
	KindGateExited:          decode[GateExited],
	KindDetectionRecorded:   decode[DetectionRecorded],
	KindDetectionImplicated: decode[DetectionImplicated],
	KindDetectionAttributed: decode[DetectionAttributed],
	KindItemPriced:          decode[ItemPriced],
	KindPricingFailed:       decode[PricingFailed],
	KindReviewRequested:     decode[ReviewRequested],
	KindReviewDecided:       decode[ReviewDecided],
	KindReceiptProvisional:  decode[ReceiptProvisional],
	KindReceiptIssued:       decode[ReceiptIssued],
	KindReceiptCorrected:    decode[ReceiptCorrected],
	KindDisputeOpened:       decode[DisputeOpened],
	KindDisputeDecided:      decode[DisputeDecided],
	KindVisitSettled:        decode[VisitSettled],
	KindHoldIntended:        decode[HoldIntended],
	KindCaptureIntended:     decode[CaptureIntended],
	KindReleaseIntended:     decode[ReleaseIntended],
	KindRefundIntended:      decode[RefundIntended],
	KindHeld:                decode[Held],
	KindCaptured:            decode[Captured],
	KindReleased:            decode[Released],
	KindRefunded:            decode[Refunded],
	KindPaymentDeclined:     decode[PaymentDeclined],
	KindPaymentUnclear:      decode[PaymentUnclear],
	KindPaymentNotified:     decode[PaymentNotified],
}
