package testcard

// Magic payment methods of the simulator's own, for what Stripe's cannot do.
const (
	// DeclineAtCapture can be held and then declines every capture.
	DeclineAtCapture = "pm_sim_declineAtCapture"
	// DeclineAtIncrement can be held and captured and declines every raise of
	// the hold.
	DeclineAtIncrement = "pm_sim_declineAtIncrement"
	// DeclineOnUse with a number appended ("…_2") declines that charge of the
	// card only; a raise of a hold counts as a charge.
	DeclineOnUse = "pm_sim_declineOnUse_"
	// DeclineWith with a decline code appended ("…_lost_card") can be attached
	// and declines every charge with that code.
	DeclineWith = "pm_sim_decline_"
	// Present with a brand appended ("…_visa") is a card at a reader in the
	// shop, not over the network.
	Present = "pm_sim_present_"
	// PendingRefundFails has refunds that are pending and then fail.
	PendingRefundFails = "pm_sim_pendingRefundFails"
)

func visa(last4 string) Card {
	return Card{Brand: "visa", Last4: last4, Country: "US", Attachable: true}
}

func declining(last4, code, decline string) Card {
	return Card{Brand: "visa", Last4: last4, Country: "US", Code: code, Decline: decline}
}

func asking(last4, when string) Card {
	c := visa(last4)
	c.Asks = when
	return c
}

func disputing(last4, reason string) Card {
	c := visa(last4)
	c.Dispute = reason
	return c
}

func refunding(last4, fate string) Card {
	c := visa(last4)
	c.Refunds = fate
	return c
}

// cards holds Stripe's test payment methods (docs.stripe.com/testing), without
// the "visa_" that some names carry and others do not.
var cards = map[string]Card{
	"pm_card_visa":           visa("4242"),
	"pm_card_visa_debit":     visa("5556"),
	"pm_card_us":             visa("4242"),
	"pm_card_mastercard":     {Brand: "mastercard", Last4: "4444", Country: "US", Attachable: true},
	"pm_card_amex":           {Brand: "amex", Last4: "8431", Country: "US", Attachable: true},
	"pm_card_discover":       {Brand: "discover", Last4: "1117", Country: "US", Attachable: true},
	"pm_card_jcb":            {Brand: "jcb", Last4: "0505", Country: "JP", Attachable: true},
	"pm_card_chargeDeclined": declining("0002", "card_declined", "generic_decline"),

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

	"pm_card_authenticationRequired":                   asking("3184", asksAlways),
	"pm_card_authenticationRequiredOnSetup":            asking("3155", asksUnlessSetUp),
	"pm_card_authenticationRequiredSetupForOffSession": asking("0446", asksOnSession),
	"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": {
		Brand: "visa", Last4: "3178", Country: "US", Attachable: true, Asks: asksAlways,
		Code: "card_declined", Decline: "insufficient_funds",
	},
	"pm_card_threeDSecure2Required": asking("3220", asksOnSession),

	"pm_card_createDispute":                   disputing("0259", "fraudulent"),
	"pm_card_createDisputeProductNotReceived": disputing("2685", "product_not_received"),
	"pm_card_createDisputeInquiry": {
		Brand: "visa", Last4: "1976", Country: "US", Attachable: true, Dispute: "fraudulent", Inquiry: true,
	},
	"pm_card_createIssuerFraudRecord": {
		Brand: "visa", Last4: "5423", Country: "US", Attachable: true, FraudWarning: true,
	},
	"pm_card_refundFail":    refunding("5126", RefundsFail),
	"pm_card_pendingRefund": refunding("7726", RefundsPend),
	PendingRefundFails:      refunding("0096", RefundsPendAndFail),

	DeclineAtCapture: {
		Brand: "visa", Last4: "0099", Country: "US", Attachable: true, AtCapture: "insufficient_funds",
	},
	DeclineAtIncrement: {
		Brand: "visa", Last4: "0095", Country: "US", Attachable: true, AtIncrement: "insufficient_funds",
	},
}

// ByNumber returns the card with a test card number.
func ByNumber(number string) (Card, bool) { return Magic(numbers[number]) }

// numbers leads from a test card number to its magic payment method.
var numbers = map[string]string{
	"4242424242424242": "pm_card_visa",
	"5555555555554444": "pm_card_mastercard",
	"378282246310005":  "pm_card_amex",
	"6011111111111117": "pm_card_discover",
	"4000000000000002": "pm_card_chargeDeclined",
	"4000000000009995": "pm_card_chargeDeclinedInsufficientFunds",
	"4000000000000341": "pm_card_chargeCustomerFail",
	"4000002760003184": "pm_card_authenticationRequired",
	"4000002500003155": "pm_card_authenticationRequiredOnSetup",
	"4000003800000446": "pm_card_authenticationRequiredSetupForOffSession",
	"4000008260003178": "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
	"4000000000003220": "pm_card_threeDSecure2Required",
	"4000000000000259": "pm_card_createDispute",
	"4000000000002685": "pm_card_createDisputeProductNotReceived",
	"4000000000001976": "pm_card_createDisputeInquiry",
	"4000000000005423": "pm_card_createIssuerFraudRecord",
	"4000000000005126": "pm_card_refundFail",
	"4000000000007726": "pm_card_pendingRefund",
}
