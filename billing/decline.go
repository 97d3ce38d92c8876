package billing

import (
	"slices"
	"strings"
)

// A Class says what a decline means for trying again.
type Class string

// The classes of declines.
const (
	// Soft declines may go through another day: no money there, the bank away.
	Soft Class = "soft"
	// Hard declines never go through with this card, and networks fine whoever
	// tries again.
	Hard Class = "hard"
	// ActionRequired declines go through when the shopper is there to answer
	// their bank. Trying again without them is forbidden.
	ActionRequired Class = "action_required"
	// Fraud declines say that the card is not in its owner's hands.
	Fraud Class = "fraud"
	// Gone declines say that the hold is not there any more.
	Gone Class = "gone"
)

// A Decline is a provider's code, what it means for trying again, and what a
// shopper is told: for fraud no more than for any other.
type Decline struct {
	Code  string
	Class Class
	Words string
}

const (
	askBank   = "Your bank declined. Please ask your bank, or use another card."
	otherCard = "This card cannot be used. Please use another card."
	later     = "Your bank could not be reached. We will try again."
	noMoney   = "There was not enough money on the card. We will try again."
	confirm   = "Your bank wants you to confirm. Please pay in the app."
	ours      = "The payment did not go through. It is not your card's fault."
)

// Declines is the table of codes, by code. A code that is not in it is Soft:
// it is tried again within the schedule, and no longer.
//
// Sources: the provider's list of decline codes; Visa's rules on excessive
// reattempts (categories 1 to 4) for what is hard.
var Declines = []Decline{
	{"amount_too_small", Hard, ours},
	{"approve_with_id", Soft, later},
	{"authentication_required", ActionRequired, confirm},
	{"call_issuer", Soft, askBank},
	{"canceled", Gone, ours},
	{"card_decline_rate_limit_exceeded", Hard, otherCard},
	{"card_declined", Soft, askBank},
	{"card_not_supported", Hard, otherCard},
	{"card_velocity_exceeded", Soft, askBank},
	{"charge_expired_for_capture", Gone, ours},
	{"currency_not_supported", Hard, otherCard},
	{"do_not_honor", Soft, askBank},
	{"do_not_try_again", Hard, otherCard},
	{"duplicate_transaction", Soft, later},
	{"expired_card", Hard, otherCard},
	{"fraudulent", Fraud, otherCard},
	{"generic_decline", Soft, askBank},
	{"incorrect_address", Hard, otherCard},
	{"incorrect_cvc", Hard, otherCard},
	{"incorrect_number", Hard, otherCard},
	{"incorrect_pin", Hard, otherCard},
	{"incorrect_zip", Hard, otherCard},
	{"insufficient_funds", Soft, noMoney},
	{"invalid_account", Hard, otherCard},
	{"invalid_amount", Hard, ours},
	{"invalid_cvc", Hard, otherCard},
	{"invalid_expiry_month", Hard, otherCard},
	{"invalid_expiry_year", Hard, otherCard},
	{"invalid_number", Hard, otherCard},
	{"invalid_pin", Hard, otherCard},
	{"issuer_not_available", Soft, later},
	{"live_mode_test_card", Hard, otherCard},
	{"lost_card", Fraud, otherCard},
	{"merchant_blacklist", Fraud, otherCard},
	{"new_account_information_available", Hard, otherCard},
	{"no_action_taken", Soft, later},
	{"not_permitted", Soft, askBank},
	{"offline_pin_required", ActionRequired, confirm},
	{"online_or_offline_pin_required", ActionRequired, confirm},
	{"payment_intent_authentication_failure", ActionRequired, confirm},
	{"payment_intent_unexpected_state", Hard, ours},
	{"pickup_card", Fraud, otherCard},
	{"pin_try_exceeded", Hard, otherCard},
	{"previously_declined_do_not_retry", Hard, otherCard},
	{"processing_error", Soft, later},
	{"reenter_transaction", Soft, later},
	{"resource_missing", Hard, otherCard},
	{"restricted_card", Fraud, otherCard},
	{"revocation_of_all_authorizations", Hard, otherCard},
	{"revocation_of_authorization", Hard, otherCard},
	{"security_violation", Fraud, otherCard},
	{"service_not_allowed", Soft, askBank},
	{"stolen_card", Fraud, otherCard},
	{"stop_payment_order", Hard, otherCard},
	{"testmode_decline", Hard, otherCard},
	{"transaction_not_allowed", Hard, otherCard},
	{"try_again_later", Soft, later},
	{"unconfirmed", Soft, ours},
	{"withdrawal_count_limit_exceeded", Soft, noMoney},
}

// DeclineOf returns what a provider's code means.
func DeclineOf(code string) Decline {
	i, ok := slices.BinarySearchFunc(Declines, code, func(d Decline, code string) int {
		return strings.Compare(d.Code, code)
	})
	if ok {
		return Declines[i]
	}
	return Decline{Code: code, Class: Soft, Words: askBank}
}
