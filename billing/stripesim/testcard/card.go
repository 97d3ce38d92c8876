// Package testcard knows the cards of Stripe's test mode, by magic payment
// method and by number, and some of the simulator's own: how each behaves when
// it is set up, held, captured, refunded and disputed.
//
// A card is a value and knows nothing of time or of an account; who uses it
// says how often it was used and whether the shopper is there.
package testcard

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Card is what a payment method is made of, and how it behaves.
type Card struct {
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

// What becomes of a card's refunds, where it is not success.
const (
	RefundsFail        = "fail"          // succeed, and fail a day later
	RefundsPend        = "pend"          // pending, and succeed a day later
	RefundsPendAndFail = "pend_and_fail" // pending, and fail a day later
)

// AsksFor reports whether a charge needs the shopper's answer first.
func (c Card) AsksFor(offSession, setUp bool) bool {
	switch c.Asks {
	case asksAlways:
		return true
	case asksUnlessSetUp:
		return !offSession || !setUp
	case asksOnSession:
		return !offSession
	}
	return false
}

// Kind is the type of a payment method with this card.
func (c Card) Kind() string {
	if c.Present {
		return "card_present"
	}
	return "card"
}

// Wishes are what a client asks for "if_available".
type Wishes struct {
	Increment bool `json:"increment,omitempty"` // raising the hold
	Over      bool `json:"over,omitempty"`      // capturing more than was held
	Multi     bool `json:"multi,omitempty"`     // capturing in parts
	Extended  bool `json:"extended,omitempty"`  // keeping the hold longer
}

// Refusal returns the codes with which the card declines its n-th charge, or
// "", "" if it does not.
func (c Card) Refusal(n int) (code, decline string) {
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

// HoldFor returns how long a card keeps an authorisation.
func (c Card) HoldFor(offSession bool, currency string, extended bool) time.Duration {
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

// Grants returns which wishes the card fulfils.
func (c Card) Grants(w Wishes) Wishes {
	more := slices.Contains(grantsMore, c.Brand)
	return Wishes{
		Increment: w.Increment && slices.Contains(grantsIncrement, c.Brand),
		Over:      w.Over && more,
		Multi:     w.Multi && more && !c.Present,
		Extended:  w.Extended && more,
	}
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

// DeclineCodes returns every decline code that a card can give.
func DeclineCodes() []string { return slices.Clone(declineCodes) }

// ErrorCode is the error code that comes with a decline code.
func ErrorCode(decline string) string {
	if slices.Contains(ownCodes, decline) {
		return decline
	}
	return "card_declined"
}

// Message is the text for people that goes with a code.
func Message(code, decline string) string {
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

// Magic returns the card behind a magic payment method's id.
func Magic(id string) (Card, bool) {
	if n, ok := strings.CutPrefix(id, DeclineOnUse); ok {
		use, err := strconv.Atoi(n)
		c := visa("0098")
		c.OnUse = use
		return c, err == nil && use > 0
	}
	if code, ok := strings.CutPrefix(id, DeclineWith); ok {
		c := visa("0097")
		c.Code, c.Decline = ErrorCode(code), code
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
