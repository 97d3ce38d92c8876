package stripesim_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing/stripesim"
)

// everyCode is what stripe-go v76 knows; a code missing here is missed by
// nobody, so they are counted.
var everyCode = []stripego.DeclineCode{
	stripego.DeclineCodeApproveWithID, stripego.DeclineCodeAuthenticationRequired, stripego.DeclineCodeCallIssuer,
	stripego.DeclineCodeCardNotSupported, stripego.DeclineCodeCardVelocityExceeded,
	stripego.DeclineCodeCurrencyNotSupported, stripego.DeclineCodeDoNotHonor, stripego.DeclineCodeDoNotTryAgain,
	stripego.DeclineCodeDuplicateTransaction, stripego.DeclineCodeExpiredCard, stripego.DeclineCodeFraudulent,
	stripego.DeclineCodeGenericDecline, stripego.DeclineCodeIncorrectCVC, stripego.DeclineCodeIncorrectNumber,
	stripego.DeclineCodeIncorrectPIN, stripego.DeclineCodeIncorrectZip, stripego.DeclineCodeInsufficientFunds,
	stripego.DeclineCodeInvalidAccount, stripego.DeclineCodeInvalidAmount, stripego.DeclineCodeInvalidCVC,
	stripego.DeclineCodeInvalidExpiryMonth, stripego.DeclineCodeInvalidExpiryYear, stripego.DeclineCodeInvalidNumber,
	stripego.DeclineCodeInvalidPIN, stripego.DeclineCodeIssuerNotAvailable, stripego.DeclineCodeLostCard,
	stripego.DeclineCodeMerchantBlacklist, stripego.DeclineCodeNewAccountInformationAvailable,
	stripego.DeclineCodeNoActionTaken, stripego.DeclineCodeNotPermitted, stripego.DeclineCodeOfflinePINRequired,
	stripego.DeclineCodeOnlineOrOfflinePINRequired, stripego.DeclineCodePickupCard,
	stripego.DeclineCodePINTryExceeded, stripego.DeclineCodeProcessingError, stripego.DeclineCodeReenterTransaction,
	stripego.DeclineCodeRestrictedCard, stripego.DeclineCodeRevocationOfAllAuthorizations,
	stripego.DeclineCodeRevocationOfAuthorization, stripego.DeclineCodeSecurityViolation,
	stripego.DeclineCodeServiceNotAllowed, stripego.DeclineCodeStolenCard, stripego.DeclineCodeStopPaymentOrder,
	stripego.DeclineCodeTestModeDecline, stripego.DeclineCodeTransactionNotAllowed,
	stripego.DeclineCodeTryAgainLater, stripego.DeclineCodeWithdrawalCountLimitExceeded,
}

// Each code is there, by a card of its own and for any card by a fault.
func TestEveryDeclineCode(t *testing.T) {
	if len(everyCode) != 47 {
		t.Errorf("%d codes, want the 47 of v76", len(everyCode))
	}
	for _, code := range everyCode {
		b := openBank(t, stripesim.Config{})
		_, byCard := b.hold(stripesim.DeclineWith + string(code))
		if _, err := b.sim.Fault(stripesim.Fault{
			Op: "payment_intents.create", Kind: stripesim.Decline, Code: string(code), Nth: 2,
		}); err != nil {
			t.Fatal(err)
		}
		first, err := b.hold("pm_card_visa")
		if err != nil || first.Status != "requires_capture" {
			t.Errorf("%s: the first = %v, want only the second to decline", code, err)
		}
		_, byFault := b.hold("pm_card_visa")
		for _, err := range []error{byCard, byFault} {
			var e *stripego.Error
			if !errors.As(err, &e) || e.DeclineCode != code || e.HTTPStatusCode != 402 || e.Type != "card_error" {
				t.Errorf("%s = %v, want it as decline_code", code, err)
				continue
			}
			charge := must[*stripego.Charge](b)(b.charges.Get(e.ChargeID, nil))
			if charge.Outcome.Reason != string(code) || charge.FailureCode != string(e.Code) {
				t.Errorf("%s: charge failed with %s, outcome %+v", code, charge.FailureCode, charge.Outcome)
			}
		}
	}
	b := openBank(t, stripesim.Config{})
	_, err := b.hold(stripesim.DeclineWith + "bad_weather")
	b.refuses(err, "resource_missing")
	_, err = b.sim.Fault(stripesim.Fault{Kind: stripesim.Decline, Code: "bad_weather"})
	if !errors.Is(err, stripesim.ErrFault) {
		t.Errorf("a fault with no known code = %v, want %v", err, stripesim.ErrFault)
	}
}

// A Visa card that was declined fifteen times in thirty days is not tried any
// more: Stripe blocks it without asking the bank.
func TestVisaIsBlockedAfterFifteenDeclines(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	ada := must[*stripego.Customer](b)(b.customers.New(&stripego.CustomerParams{}))
	card := must[*stripego.PaymentMethod](b)(b.methods.Attach(stripesim.DeclineWith+"try_again_later",
		&stripego.PaymentMethodAttachParams{Customer: &ada.ID}))
	try := func() *stripego.Error {
		_, err := b.hold(card.ID, offSession, func(p *stripego.PaymentIntentParams) { p.Customer = &ada.ID })
		var e *stripego.Error
		if !errors.As(err, &e) {
			t.Fatalf("hold = %v, want a decline", err)
		}
		return e
	}
	for range 15 {
		if e := try(); e.DeclineCode != "try_again_later" {
			t.Fatalf("decline = %s, want try_again_later", e.DeclineCode)
		}
		b.advance(time.Hour)
	}
	e := try()
	charge := must[*stripego.Charge](b)(b.charges.Get(e.ChargeID, nil))
	if e.DeclineCode != "generic_decline" || charge.Outcome.Type != "blocked" ||
		charge.Outcome.Reason != "previously_declined_do_not_retry" || charge.Outcome.NetworkStatus != "not_sent_to_network" {
		t.Errorf("sixteenth = %s, %+v, want it blocked", e.DeclineCode, charge.Outcome)
	}
	b.advance(30 * 24 * time.Hour)
	if e := try(); e.DeclineCode != "try_again_later" {
		t.Errorf("a month later = %s, want the bank to be asked again", e.DeclineCode)
	}
}

// Amounts are checked by currency, as they are on the wire: minor units where
// there are some.
func TestAmountsByCurrency(t *testing.T) {
	for _, c := range []struct {
		currency string
		amount   int64
		want     string // error code; "" is held
	}{
		{"usd", 49, "amount_too_small"},
		{"usd", 50, ""},
		{"jpy", 49, "amount_too_small"},
		{"jpy", 500, ""},
		{"kwd", 1230, ""},
		{"kwd", 1234, "invalid_charge_amount_no_decimal_compatible"},
		{"isk", 10_000, ""},
		{"isk", 10_050, "invalid_charge_amount_no_decimal_compatible"},
		{"gbp", 29, "amount_too_small"},
		{"eur", 100_000_000, "amount_too_large"},
	} {
		b := openBank(t, stripesim.Config{})
		pi, err := b.hold("pm_card_visa", func(p *stripego.PaymentIntentParams) {
			p.Amount, p.Currency = &c.amount, &c.currency
		})
		if c.want != "" {
			b.refuses(err, c.want)
		} else if err != nil || pi.Livemode || pi.Amount != c.amount || !strings.EqualFold(string(pi.Currency), c.currency) {
			t.Errorf("hold of %d %s = %+v, %v", c.amount, c.currency, pi, err)
		}
	}
}

// What Stripe answers when it is too busy, and that nothing was done then.
func TestTooBusy(t *testing.T) {
	for kind, code := range map[stripesim.FaultKind]string{
		stripesim.Error429: "rate_limit", stripesim.LockTimeout: "lock_timeout",
	} {
		b := openBank(t, stripesim.Config{})
		if _, err := b.sim.Fault(stripesim.Fault{Kind: kind, Times: 1}); err != nil {
			t.Fatal(err)
		}
		_, err := b.hold("pm_card_visa")
		if e := b.refuses(err, code); e.HTTPStatusCode != 429 {
			t.Errorf("%s = %d, want 429", kind, e.HTTPStatusCode)
		}
		must[*stripego.PaymentIntent](b)(b.hold("pm_card_visa"))
		if v := b.sim.Audit().Visits["v1"]; v.Holds != 1 {
			t.Errorf("%s: %d holds, want only the second", kind, v.Holds)
		}
	}
}
