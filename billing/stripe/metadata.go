package stripe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/vouchledger/vouch/billing"
)

// Names of our metadata at Stripe. A hold and its capture are one object
// there, so the capture's have names of their own.
const (
	metaOp      = "op_id"
	metaKind    = "op"
	metaKey     = "op_key"
	metaVisit   = "visit"
	metaStore   = "store"
	metaReceipt = "receipt"
	metaParams  = "params_hash"

	metaCaptureOp      = "capture_op_id"
	metaCaptureKey     = "capture_key"
	metaCaptureReceipt = "capture_receipt"
	metaCaptureParams  = "capture_params_hash"
)

// metadata marks an object with the order that made it: enough to find the
// order again when only the provider is left, and to see that nobody changed
// it on the way.
func metadata(o billing.Order) map[string]string {
	m := map[string]string{
		metaOp: o.ID, metaKind: string(o.Op), metaKey: o.Key, metaVisit: o.Visit, metaStore: o.Store,
		metaParams: paramsHash(o),
	}
	if o.Receipt != "" {
		m[metaReceipt] = o.Receipt
	}
	return m
}

// captureMetadata marks a hold with the order that captures it.
func captureMetadata(o billing.Order) map[string]string {
	m := map[string]string{metaCaptureOp: o.ID, metaCaptureKey: o.Key, metaCaptureParams: paramsHash(o)}
	if o.Receipt != "" {
		m[metaCaptureReceipt] = o.Receipt
	}
	return m
}

// paramsHash is over everything that was frozen with an order.
func paramsHash(o billing.Order) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d %s\n%s\n%s\n%s\n%s\n%s\n",
		o.Op, o.ID, o.Key, o.Amount.Minor, o.Amount.Currency, o.Visit, o.Customer, o.PaymentMethod, o.Object, o.Receipt))
	return hex.EncodeToString(sum[:16])
}
