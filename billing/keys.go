package billing

import (
	"strconv"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// keyVersion begins every idempotency key. A change of what an order means
// takes a new version, so that an old key is never sent with new meaning.
const keyVersion = "v1"

// HoldKey returns the provider's idempotency key of the n-th hold of a visit.
//
// Keys are a function of the visit and of a counter that grows only after a
// definite outcome, never after a time-out: whoever repeats an order after a
// lost answer or a restart finds the key it was sent with.
func HoldKey(s ledger.StoreID, v ledger.VisitID, n int) string { return key(s, v, n, string(OpHold)) }

// CaptureKey returns the key of the n-th capture of a visit.
func CaptureKey(s ledger.StoreID, v ledger.VisitID, n int) string {
	return key(s, v, n, string(OpCapture))
}

// IncrementKey returns the key of the n-th raise of a visit's hold.
func IncrementKey(s ledger.StoreID, v ledger.VisitID, n int) string {
	return key(s, v, n, string(OpIncrement))
}

// ChargeKey returns the key of the n-th charge of a visit, whatever it is for.
func ChargeKey(s ledger.StoreID, v ledger.VisitID, n int) string {
	return key(s, v, n, string(OpCharge))
}

// ReleaseKey returns the key of the n-th release of a visit's hold.
func ReleaseKey(s ledger.StoreID, v ledger.VisitID, n int) string {
	return key(s, v, n, string(OpRelease))
}

// RefundKey returns the key of the n-th refund that follows from the receipt
// with this number.
func RefundKey(s ledger.StoreID, v ledger.VisitID, receipt string, n int) string {
	return key(s, v, n, string(OpRefund), receipt)
}

func key(s ledger.StoreID, v ledger.VisitID, n int, what ...string) string {
	parts := append([]string{keyVersion, string(s), string(v)}, what...)
	return strings.Join(append(parts, strconv.Itoa(n)), "/")
}

// ParseKey reads which order a key was made for: the operation, what tells it
// from others of a visit (for a refund its receipt), and its number.
func ParseKey(k string) (op Op, label string, n int, ok bool) {
	parts := strings.Split(k, "/")
	if len(parts) < 5 || len(parts) > 6 || parts[0] != keyVersion {
		return "", "", 0, false
	}
	n, err := strconv.Atoi(parts[len(parts)-1])
	if err != nil || n < 1 {
		return "", "", 0, false
	}
	if len(parts) == 6 {
		label = parts[4]
	}
	return Op(parts[3]), label, n, true
}
