package stripesim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A card is what a payment method is made of, and how it behaves.
type card struct {
	Brand   string `json:"brand"`
	Last4   string `json:"last4"`
	Country string `json:"country"`
	Present bool   `json:"present,omitempty"` // at a reader, not over the network

	Code         string `json:"code,omitempty"`    // error code of every charge
	Decline      string `json:"decline,omitempty"` // decline code of every charge
	Attachable   bool   `json:"attachable,omitempty"`
	Asks         string `json:"asks,omitempty"`       // when it asks the shopper
	AtCapture    string `json:"at_capture,omitempty"` // decline code of every capture
	AtIncrement  string `json:"at_increment,omitempty"`
	OnUse        int    `json:"on_use,omitempty"`        // declines its n-th charge
	Refunds      string `json:"refunds,omitempty"`       // what becomes of them, if not success
	Dispute      string `json:"dispute,omitempty"`       // reason of the dispute that follows a capture
	Inquiry      bool   `json:"inquiry,omitempty"`       // which is an inquiry at first
	FraudWarning bool   `json:"fraud_warning,omitempty"` // follows a capture
}

// When a card asks the shopper to authenticate.
const (
	asksAlways      = "always"
	asksUnlessSetUp = "unless_set_up" // not again without the shopper, once set up
	asksOnSession   = "on_session"    // never without the shopper
)

// Fates of a card's refunds.
const (
	refundsFail        = "fail"          // succeed, and fail a day later
	refundsPend        = "pend"          // pending, and succeed a day later
	refundsPendAndFail = "pend_and_fail" // pending, and fail a day later
)

// asks reports whether a charge needs the shopper's answer first.
func (m method) asks(offSession bool) bool {
	switch m.Card.Asks {
	case asksAlways:
		return true
	case asksUnlessSetUp:
		return !offSession || !m.SetUp
	case asksOnSession:
		return !offSession
	}
	return false
}

// refusal returns the codes with which the card declines its n-th charge, or
// "", "" if it does not.
func (c card) refusal(n int) (code, decline string) {
	if c.OnUse > 0 && n == c.OnUse {
		return "card_declined", "generic_decline"
	}
	return c.Code, c.Decline
}

// Windows of an authorisation, from docs.stripe.com/payments/place-a-hold-on-
// a-payment-method and .../extended-authorization.
const (
	window           = 7 * 24 * time.Hour
	windowVisaAlone  = 4*24*time.Hour + 18*time.Hour // no shopper, or a reader
	windowPresent    = 2 * 24 * time.Hour
	windowYen        = 30 * 24 * time.Hour
	windowExtended   = 30 * 24 * time.Hour
	windowVisaLonger = 29*24*time.Hour + 18*time.Hour
)

// holdFor returns how long a card keeps an authorisation.
func (c card) holdFor(offSession bool, currency string, extended bool) time.Duration {
	switch isVisa := c.Brand == "visa"; {
	case extended && isVisa:
		return windowVisaLonger
	case extended:
		return windowExtended
	case isVisa && (c.Present || offSession) && currency != "jpy":
		return windowVisaAlone
	case c.Present:
		return windowPresent
	case currency == "jpy":
		return windowYen
	}
	return window
}

// Flexible are the brands that grant what may be asked for "if_available".
var (
	grantsIncrement = []string{"visa", "mastercard", "discover"}
	grantsMore      = []string{"visa", "mastercard", "discover", "amex"} // overcapture, multicapture, extension
)

// grants returns which wishes the card fulfils.
func (c card) grants(w wishes) wishes {
	more := slices.Contains(grantsMore, c.Brand)
	return wishes{
		Increment: w.Increment && slices.Contains(grantsIncrement, c.Brand),
		Over:      w.Over && more,
		Multi:     w.Multi && more && !c.Present,
		Extended:  w.Extended && more,
	}
}

// overPercent is how much more than held an overcapture may take.
const overPercent = 15

// most returns how much of a hold can be captured.
func (c charge) most() int64 {
	if c.Wants.Over {
		return c.Amount + c.Amount*overPercent/100
	}
	return c.Amount
}

// declineCodes are those that stripe-go v76 knows.
var declineCodes = strings.Fields(`
	approve_with_id authentication_required call_issuer card_not_supported card_velocity_exceeded
	currency_not_supported do_not_honor do_not_try_again duplicate_transaction expired_card fraudulent
	generic_decline incorrect_cvc incorrect_number incorrect_pin incorrect_zip insufficient_funds invalid_account
	invalid_amount invalid_cvc invalid_expiry_month invalid_expiry_year invalid_number invalid_pin
	issuer_not_available lost_card merchant_blacklist new_account_information_available no_action_taken
	not_permitted offline_pin_required online_or_offline_pin_required pickup_card pin_try_exceeded
	processing_error reenter_transaction restricted_card revocation_of_all_authorizations
	revocation_of_authorization security_violation service_not_allowed stolen_card stop_payment_order
	testmode_decline transaction_not_allowed try_again_later withdrawal_count_limit_exceeded`)

// ownCodes are the declines that are error codes of their own; the others come
// as card_declined.
var ownCodes = strings.Fields(`
	authentication_required expired_card incorrect_cvc incorrect_number incorrect_zip invalid_cvc
	invalid_expiry_month invalid_expiry_year invalid_number processing_error`)

// errorCode is the error code that comes with a decline code.
func errorCode(decline string) string {
	if slices.Contains(ownCodes, decline) {
		return decline
	}
	return "card_declined"
}

// Visa lets a declined card be tried 15 times in 30 days; Stripe blocks what
// comes after (support.stripe.com: payment blocked due to excessive retries).
const (
	retriesMost = 15
	retriesSpan = 30 * day
)

// blocked reports whether Stripe would not ask the bank any more.
func (m method) blocked(now int64) bool {
	n := len(m.Declines)
	return m.Card.Brand == "visa" && n >= retriesMost && m.Declines[n-retriesMost] > now-retriesSpan
}

// declined returns the method with one more decline.
func (m method) declined(now int64) method {
	m.Declines = append(slices.Clone(m.Declines), now)
	if over := len(m.Declines) - retriesMost; over > 0 {
		m.Declines = m.Declines[over:]
	}
	return m
}

// declineMessage is the text for people that goes with a code.
func declineMessage(code, decline string) string {
	switch {
	case code == "authentication_required":
		return "Your card was declined. This transaction requires authentication."
	case code == "expired_card":
		return "Your card has expired."
	case code == "incorrect_cvc":
		return "Your card's security code is incorrect."
	case code == "processing_error":
		return "An error occurred while processing your card. Try again in a little bit."
	case strings.HasSuffix(code, "authentication_failure"):
		return "The provided PaymentMethod has failed authentication."
	case decline == "insufficient_funds":
		return "Your card has insufficient funds."
	case decline == "card_not_supported":
		return "Your card is not supported."
	}
	return "Your card was declined."
}

// magicCard returns the card behind a magic payment method's id.
func magicCard(id string) (card, bool) {
	if n, ok := strings.CutPrefix(id, DeclineOnUse); ok {
		use, err := strconv.Atoi(n)
		c := visa("0098")
		c.OnUse = use
		return c, err == nil && use > 0
	}
	if code, ok := strings.CutPrefix(id, DeclineWith); ok {
		c := visa("0097")
		c.Code, c.Decline = errorCode(code), code
		return c, slices.Contains(declineCodes, code)
	}
	if brand, ok := strings.CutPrefix(id, Present); ok {
		c, known := cards["pm_card_"+brand]
		c.Present = true
		return c, known && c.Code == "" && c.Asks == ""
	}
	c, ok := cards[strings.Replace(id, "_visa_chargeDeclined", "_chargeDeclined", 1)]
	return c, ok
}
