package api

import (
	"errors"
	"net/http"

	"github.com/vouchledger/vouch/api/palms"
	"github.com/vouchledger/vouch/billing/coupon"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/report"
	"github.com/vouchledger/vouch/billing/watch"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/vision/palm"
)

var (
	// ErrUnknownShopper means that no way to pay is known for a shopper. Have
	// the shopper sign up with a payment method first.
	ErrUnknownShopper = errors.New("unknown shopper")

	// ErrSignature means that a webhook was not signed by the payment
	// provider, or too long ago. Check the webhook secret.
	ErrSignature = errors.New("webhook signature is not valid")
)

// refusals is the part of the error table that the engine and the books speak. Their
// texts name what the caller sent and nothing else.
var refusals = []struct {
	err    error
	status int
	code   string
	detail bool
}{
	{ErrSignature, http.StatusBadRequest, "bad_request", false},
	{ErrUnknownShopper, http.StatusNotFound, "not_found", false},
	{engine.ErrUnknownStore, http.StatusNotFound, "not_found", false},
	{engine.ErrUnknownVisit, http.StatusNotFound, "not_found", false},
	{engine.ErrUnknownDetection, http.StatusNotFound, "not_found", false},
	{engine.ErrUnknownReceipt, http.StatusNotFound, "not_found", false},
	{engine.ErrUnknownDispute, http.StatusNotFound, "not_found", false},
	{engine.ErrUnknownObject, http.StatusNotFound, "not_found", false},
	{books.ErrUnknownStore, http.StatusNotFound, "not_found", false},
	{books.ErrDayOver, http.StatusConflict, "refused", true},
	{books.ErrDayRunning, http.StatusConflict, "refused", true},
	{books.ErrEarlierDay, http.StatusConflict, "refused", true},
	{books.ErrExceptions, http.StatusConflict, "refused", true},
	{report.ErrQuestion, http.StatusUnprocessableEntity, "invalid", true},
	{engine.ErrUnknownSupplement, http.StatusNotFound, "not_found", false},
	{engine.ErrNothingOwed, http.StatusConflict, "refused", true},
	{engine.ErrMoneyOpen, http.StatusConflict, "refused", true},
	{engine.ErrCardRests, http.StatusConflict, "refused", true},
	{engine.ErrMatched, http.StatusConflict, "refused", true},
	{engine.ErrNotAsked, http.StatusConflict, "refused", true},
	{engine.ErrPayerNeeded, http.StatusConflict, "refused", true},
	{engine.ErrAboveOwed, http.StatusUnprocessableEntity, "invalid", true},
	{engine.ErrAboveCapture, http.StatusUnprocessableEntity, "invalid", true},
	{watch.ErrUnknownClaim, http.StatusNotFound, "not_found", false},
	{watch.ErrAnswered, http.StatusConflict, "refused", true},
	{watch.ErrTooLate, http.StatusConflict, "refused", true},
	{watch.ErrInquiry, http.StatusConflict, "refused", true},
	{engine.ErrNoPolicy, http.StatusConflict, "refused", true},
	{engine.ErrNotInside, http.StatusConflict, "refused", true},
	{engine.ErrDecided, http.StatusConflict, "refused", true},
	{engine.ErrTooLate, http.StatusConflict, "refused", true},
	{engine.ErrDisputed, http.StatusConflict, "refused", true},
	{engine.ErrCouponUsed, http.StatusConflict, "refused", true},
	{engine.ErrCouponNotNow, http.StatusConflict, "refused", true},
	{engine.ErrMembersOnly, http.StatusConflict, "refused", true},
	{coupon.ErrRefused, http.StatusUnprocessableEntity, "invalid", true},
	{engine.ErrDepositLine, http.StatusUnprocessableEntity, "invalid", true},
	{engine.ErrUnknownLine, http.StatusUnprocessableEntity, "invalid", true},
	{engine.ErrTooMany, http.StatusUnprocessableEntity, "invalid", true},
	{engine.ErrPalmOff, http.StatusConflict, "refused", true},
	{engine.ErrPalmStands, http.StatusConflict, "refused", true},
	{engine.ErrNoConsent, http.StatusConflict, "refused", true},
	{palms.ErrNoText, http.StatusConflict, "refused", true},
	{palms.ErrOldText, http.StatusConflict, "refused", true},
	{palms.ErrFull, http.StatusConflict, "refused", true},
	{palm.ErrCaptures, http.StatusUnprocessableEntity, "invalid", true},
	{palm.ErrNotAlive, http.StatusUnprocessableEntity, "invalid", true},
	{engine.ErrOtherEvidence, http.StatusUnprocessableEntity, "invalid", true},
	{engine.ErrUnknownSKU, http.StatusUnprocessableEntity, "invalid", true},
}
