package ledger

// The kinds of events. The names are stored: see [Kind].
const (
	KindStoreOpened           Kind = "store.opened.v1"
	KindPolicySet             Kind = "store.policy_set.v1"
	KindPlanogramSet          Kind = "store.planogram_set.v1"
	KindProductListed         Kind = "product.listed.v1"
	KindPriceSet              Kind = "price.set.v1"
	KindTaxSet                Kind = "tax.set.v1"
	KindGatePresented         Kind = "gate.presented.v1"
	KindGateEntered           Kind = "gate.entered.v1"
	KindGateRefused           Kind = "gate.refused.v1"
	KindGateExited            Kind = "gate.exited.v1"
	KindDetectionRecorded     Kind = "detection.recorded.v1"
	KindDetectionImplicated   Kind = "detection.implicated.v1"
	KindDetectionAttributed   Kind = "detection.attributed.v1"
	KindDetectionReverified   Kind = "detection.reverified.v1"
	KindItemPriced            Kind = "item.priced.v1"
	KindPricingFailed         Kind = "pricing.failed.v1"
	KindReviewRequested       Kind = "review.requested.v1"
	KindReviewDecided         Kind = "review.decided.v1"
	KindReceiptProvisional    Kind = "receipt.provisionally_issued.v1"
	KindReceiptIssued         Kind = "receipt.issued.v1"
	KindReceiptCorrected      Kind = "receipt.corrected.v1"
	KindDisputeOpened         Kind = "dispute.opened.v1"
	KindDisputeDecided        Kind = "dispute.decided.v1"
	KindVisitSettled          Kind = "visit.settled.v1"
	KindHoldIntended          Kind = "payment.hold_intended.v1"
	KindCaptureIntended       Kind = "payment.capture_intended.v1"
	KindReleaseIntended       Kind = "payment.release_intended.v1"
	KindRefundIntended        Kind = "payment.refund_intended.v1"
	KindHeld                  Kind = "payment.held.v1"
	KindCaptured              Kind = "payment.captured.v1"
	KindReleased              Kind = "payment.released.v1"
	KindRefunded              Kind = "payment.refunded.v1"
	KindPaymentDeclined       Kind = "payment.declined.v1"
	KindPaymentUnclear        Kind = "payment.unclear.v1"
	KindPaymentNotified       Kind = "payment.notified.v1"
	KindPromotionSet          Kind = "promotion.set.v1"
	KindPromotionPinned       Kind = "promotion.pinned.v1"
	KindCouponRedeemed        Kind = "coupon.redeemed.v1"
	KindCouponAccepted        Kind = "coupon.accepted.v1"
	KindItemRepriced          Kind = "item.repriced.v1"
	KindAgeVerified           Kind = "age.verified.v1"
	KindCartWeighed           Kind = "cart.weighed.v1"
	KindIncrementIntended     Kind = "payment.increment_intended.v1"
	KindIncremented           Kind = "payment.incremented.v1"
	KindChargeIntended        Kind = "payment.charge_intended.v1"
	KindCharged               Kind = "payment.charged.v1"
	KindHoldLapsed            Kind = "payment.hold_lapsed.v1"
	KindRefundFailed          Kind = "payment.refund_failed.v1"
	KindExternalObserved      Kind = "payment.external_observed.v1"
	KindPaymentEscalated      Kind = "payment.escalated.v1"
	KindPaymentResolved       Kind = "payment.resolved.v1"
	KindDebtWrittenOff        Kind = "debt.written_off.v1"
	KindGoodwillGranted       Kind = "goodwill.granted.v1"
	KindSupplementProposed    Kind = "supplement.proposed.v1"
	KindSupplementAnswered    Kind = "supplement.answered.v1"
	KindVisitMatched          Kind = "visit.matched.v1"
	KindCashTaken             Kind = "cash.taken.v1"
	KindFraudWarningReceived  Kind = "fraud_warning.received.v1"
	KindChargebackOpened      Kind = "chargeback.opened.v1"
	KindChargebackFundsMoved  Kind = "chargeback.funds_moved.v1"
	KindEvidencePackBuilt     Kind = "chargeback.evidence_built.v1"
	KindChargebackAnswered    Kind = "chargeback.answered.v1"
	KindSubmissionIntended    Kind = "chargeback.submission_intended.v1"
	KindEvidenceSubmitted     Kind = "chargeback.evidence_submitted.v1"
	KindChargebackClosed      Kind = "chargeback.closed.v1"
	KindBalanceRecorded       Kind = "balance.recorded.v1"
	KindPayoutRecorded        Kind = "payout.recorded.v1"
	KindPayoutFailed          Kind = "payout.failed.v1"
	KindBankStatementRecorded Kind = "bank.statement_recorded.v1"
	KindExceptionOpened       Kind = "exception.opened.v1"
	KindExceptionAssigned     Kind = "exception.assigned.v1"
	KindExceptionClosed       Kind = "exception.closed.v1"
	KindDayClosed             Kind = "day.closed.v1"
	KindPriceChecked          Kind = "price.checked.v1"
	KindFiscalStarted         Kind = "fiscal.started.v1"
	KindFiscalSigned          Kind = "fiscal.signed.v1"
	KindFiscalFailed          Kind = "fiscal.failed.v1"
	KindNoticeQuarantined     Kind = "notice.quarantined.v1"
	KindProviderSwept         Kind = "provider.swept.v1"
	KindEvidenceViewed        Kind = "evidence.viewed.v1"
	KindEvidenceHeld          Kind = "evidence.held.v1"
	KindEvidenceReleased      Kind = "evidence.released.v1"
	KindEvidenceExpired       Kind = "evidence.expired.v1"
	KindDeviceConfigured      Kind = "device.configured.v1"
	KindDeviceReported        Kind = "device.reported.v1"
	KindShelfChanged          Kind = "shelf.changed.v1"
	KindGateDoubted           Kind = "gate.doubted.v1"
	KindPalmConsented         Kind = "palm.consented.v1"
	KindPalmWithdrawn         Kind = "palm.withdrawn.v1"
	KindPalmEnrolled          Kind = "palm.enrolled.v1"
	KindPalmRevoked           Kind = "palm.revoked.v1"
)

// kinds holds the decoder of every kind ever written.
var kinds = map[Kind]func([]byte) (Payload, error){
	KindStoreOpened:           decode[StoreOpened],
	KindPolicySet:             decode[PolicySet],
	KindPlanogramSet:          decode[PlanogramSet],
	KindProductListed:         decode[ProductListed],
	KindPriceSet:              decode[PriceSet],
	KindTaxSet:                decode[TaxSet],
	KindGatePresented:         decode[GatePresented],
	KindGateEntered:           decode[GateEntered],
	KindGateRefused:           decode[GateRefused],
	KindGateExited:            decode[GateExited],
	KindDetectionRecorded:     decode[DetectionRecorded],
	KindDetectionImplicated:   decode[DetectionImplicated],
	KindDetectionAttributed:   decode[DetectionAttributed],
	KindDetectionReverified:   decode[DetectionReverified],
	KindItemPriced:            decode[ItemPriced],
	KindPricingFailed:         decode[PricingFailed],
	KindReviewRequested:       decode[ReviewRequested],
	KindReviewDecided:         decode[ReviewDecided],
	KindReceiptProvisional:    decode[ReceiptProvisional],
	KindReceiptIssued:         decode[ReceiptIssued],
	KindReceiptCorrected:      decode[ReceiptCorrected],
	KindDisputeOpened:         decode[DisputeOpened],
	KindDisputeDecided:        decode[DisputeDecided],
	KindVisitSettled:          decode[VisitSettled],
	KindHoldIntended:          decode[HoldIntended],
	KindCaptureIntended:       decode[CaptureIntended],
	KindReleaseIntended:       decode[ReleaseIntended],
	KindRefundIntended:        decode[RefundIntended],
	KindHeld:                  decode[Held],
	KindCaptured:              decode[Captured],
	KindReleased:              decode[Released],
	KindRefunded:              decode[Refunded],
	KindPaymentDeclined:       decode[PaymentDeclined],
	KindPaymentUnclear:        decode[PaymentUnclear],
	KindPaymentNotified:       decode[PaymentNotified],
	KindPromotionSet:          decode[PromotionSet],
	KindPromotionPinned:       decode[PromotionPinned],
	KindCouponRedeemed:        decode[CouponRedeemed],
	KindCouponAccepted:        decode[CouponAccepted],
	KindItemRepriced:          decode[ItemRepriced],
	KindAgeVerified:           decode[AgeVerified],
	KindCartWeighed:           decode[CartWeighed],
	KindIncrementIntended:     decode[IncrementIntended],
	KindIncremented:           decode[Incremented],
	KindChargeIntended:        decode[ChargeIntended],
	KindCharged:               decode[Charged],
	KindHoldLapsed:            decode[HoldLapsed],
	KindRefundFailed:          decode[RefundFailed],
	KindExternalObserved:      decode[ExternalObserved],
	KindPaymentEscalated:      decode[PaymentEscalated],
	KindPaymentResolved:       decode[PaymentResolved],
	KindDebtWrittenOff:        decode[DebtWrittenOff],
	KindGoodwillGranted:       decode[GoodwillGranted],
	KindSupplementProposed:    decode[SupplementProposed],
	KindSupplementAnswered:    decode[SupplementAnswered],
	KindVisitMatched:          decode[VisitMatched],
	KindCashTaken:             decode[CashTaken],
	KindFraudWarningReceived:  decode[FraudWarningReceived],
	KindChargebackOpened:      decode[ChargebackOpened],
	KindChargebackFundsMoved:  decode[ChargebackFundsMoved],
	KindEvidencePackBuilt:     decode[EvidencePackBuilt],
	KindChargebackAnswered:    decode[ChargebackAnswered],
	KindSubmissionIntended:    decode[SubmissionIntended],
	KindEvidenceSubmitted:     decode[EvidenceSubmitted],
	KindChargebackClosed:      decode[ChargebackClosed],
	KindBalanceRecorded:       decode[BalanceRecorded],
	KindPayoutRecorded:        decode[PayoutRecorded],
	KindPayoutFailed:          decode[PayoutFailed],
	KindBankStatementRecorded: decode[BankStatementRecorded],
	KindExceptionOpened:       decode[ExceptionOpened],
	KindExceptionAssigned:     decode[ExceptionAssigned],
	KindExceptionClosed:       decode[ExceptionClosed],
	KindDayClosed:             decode[DayClosed],
	KindPriceChecked:          decode[PriceChecked],
	KindFiscalStarted:         decode[FiscalStarted],
	KindFiscalSigned:          decode[FiscalSigned],
	KindFiscalFailed:          decode[FiscalFailed],
	KindNoticeQuarantined:     decode[NoticeQuarantined],
	KindProviderSwept:         decode[ProviderSwept],
	KindEvidenceViewed:        decode[EvidenceViewed],
	KindEvidenceHeld:          decode[EvidenceHeld],
	KindEvidenceReleased:      decode[EvidenceReleased],
	KindEvidenceExpired:       decode[EvidenceExpired],
	KindDeviceConfigured:      decode[DeviceConfigured],
	KindDeviceReported:        decode[DeviceReported],
	KindShelfChanged:          decode[ShelfChanged],
	KindGateDoubted:           decode[GateDoubted],
	KindPalmConsented:         decode[PalmConsented],
	KindPalmWithdrawn:         decode[PalmWithdrawn],
	KindPalmEnrolled:          decode[PalmEnrolled],
	KindPalmRevoked:           decode[PalmRevoked],
}
