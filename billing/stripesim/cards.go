package stripesim

import (
	"strconv"
	"strings"
	"time"
)

// A card is what a payment method is made of, and how it behaves.
type card struct {
	Brand   string `json:"brand"`
	Last4   string `json:"last4"`
	Country string `json:"country"`

	Code       string `json:"code,omitempty"`    // error code of every charge
	Decline    string `json:"decline,omitempty"` // decline code of every charge
	Attachable bool   `json:"attachable,omitempty"`
	AtCapture  string `json:"at_capture,omitempty"` // decline code of every capture
	OnUse      int    `json:"on_use,omitempty"`     // declines its n-th charge
}

// Magic payment methods of the simulator's own, for what Stripe's cannot do.
const (
	// DeclineAtCapture can be held and then declines every capture.
	DeclineAtCapture = "pm_sim_declineAtCapture"
	// DeclineOnUse with a number appended ("…_2") declines that charge of the
	// card only.
	DeclineOnUse = "pm_sim_declineOnUse_"
)

func visa(last4 string) card {
	return card{Brand: "visa", Last4: last4, Country: "US", Attachable: true}
}

func declining(last4, code, decline string) card {
	return card{Brand: "visa", Last4: last4, Country: "US", Code: code, Decline: decline}
}

// cards holds Stripe's test payment methods (docs.stripe.com/testing), without
// the "visa_" that some names carry and others do not.
var cards = map[string]card{
	"pm_card_visa":                            visa("4242"),
	"pm_card_visa_debit":                      visa("5556"),
	"pm_card_mastercard":                      {Brand: "mastercard", Last4: "4444", Country: "US", Attachable: true},
	"pm_card_amex":                            {Brand: "amex", Last4: "8431", Country: "US", Attachable: true},
	"pm_card_discover":                        {Brand: "discover", Last4: "1117", Country: "US", Attachable: true},
	"pm_card_jcb":                             {Brand: "jcb", Last4: "0505", Country: "JP", Attachable: true},
	"pm_card_chargeDeclined":                  declining("0002", "card_declined", "generic_decline"),
	"pm_card_chargeDeclinedInsufficientFunds": declining("9995", "card_declined", "insufficient_funds"),
	"pm_card_chargeDeclinedLostCard":          declining("9987", "card_declined", "lost_card"),
	"pm_card_chargeDeclinedStolenCard":        declining("9979", "card_declined", "stolen_card"),
	"pm_card_chargeDeclinedExpiredCard":       declining("0069", "expired_card", ""),
	"pm_card_chargeDeclinedIncorrectCvc":      declining("0127", "incorrect_cvc", ""),
	"pm_card_chargeDeclinedProcessingError":   declining("0119", "processing_error", ""),
	"pm_card_chargeDeclinedFraudulent":        declining("0019", "card_declined", "fraudulent"),
	"pm_card_chargeDeclinedVelocityLimitExceeded": declining(
		"6975", "card_declined", "card_velocity_exceeded"),
	"pm_card_chargeCustomerFail": {
		Brand: "visa", Last4: "0341", Country: "US", Attachable: true,
		Code: "card_declined", Decline: "generic_decline",
	},
	"pm_card_authenticationRequired": {
		Brand: "visa", Last4: "3184", Country: "US", Attachable: true, Code: "authentication_required",
	},
	DeclineAtCapture: {
		Brand: "visa", Last4: "0099", Country: "US", Attachable: true, AtCapture: "insufficient_funds",
	},
}

// magicCard returns the card behind a magic payment method's id.
func magicCard(id string) (card, bool) {
	if n, ok := strings.CutPrefix(id, DeclineOnUse); ok {
		use, err := strconv.Atoi(n)
		c := visa("0098")
		c.OnUse = use
		return c, err == nil && use > 0
	}
	c, ok := cards[strings.Replace(id, "_visa_chargeDeclined", "_chargeDeclined", 1)]
	return c, ok
}

// numbers leads from a test card number to its magic payment method.
var numbers = map[string]string{
	"4242424242424242": "pm_card_visa",
	"5555555555554444": "pm_card_mastercard",
	"4000000000000002": "pm_card_chargeDeclined",
	"4000000000009995": "pm_card_chargeDeclinedInsufficientFunds",
	"4000000000000341": "pm_card_chargeCustomerFail",
	"4000002760003184": "pm_card_authenticationRequired",
}

// holdFor returns how long a card keeps an authorisation: seven days when the
// shopper is present online; without the shopper, Visa's is exactly 4 d 18 h
// (docs.stripe.com/payments/place-a-hold-on-a-payment-method).
func (c card) holdFor(offSession bool) time.Duration {
	if offSession && c.Brand == "visa" {
		return 4*24*time.Hour + 18*time.Hour
	}
	return 7 * 24 * time.Hour
}

// refusal returns the codes with which the card declines its n-th charge, or
// "", "" if it does not.
func (c card) refusal(n int) (code, decline string) {
	if c.OnUse > 0 && n == c.OnUse {
		return "card_declined", "generic_decline"
	}
	return c.Code, c.Decline
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
	case decline == "insufficient_funds":
		return "Your card has insufficient funds."
	}
	return "Your card was declined."
}
