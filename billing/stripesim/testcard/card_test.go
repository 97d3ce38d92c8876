package testcard

import (
	"testing"
	"time"
)

// Every number of Stripe's leads to a card, and so does every name; what is
// neither leads nowhere.
func TestKnownCards(t *testing.T) {
	for number, name := range numbers {
		c, ok := ByNumber(number)
		if want := number[len(number)-4:]; !ok || c.Last4 != want && c.Brand == "visa" {
			t.Errorf("ByNumber(%s) = %+v, %t, want %s", number, c, ok, name)
		}
	}
	for name, want := range cards {
		if c, ok := Magic(name); !ok || c != want {
			t.Errorf("Magic(%s) = %+v, %t, want %+v", name, c, ok, want)
		}
	}
	if c, ok := Magic("pm_card_visa_chargeDeclinedLostCard"); !ok || c.Decline != "lost_card" {
		t.Errorf("the longer name = %+v, %t, want a lost card", c, ok)
	}
	for _, bad := range []string{
		"", "pm_none", DeclineWith, DeclineWith + "rain", DeclineOnUse, DeclineOnUse + "0", DeclineOnUse + "x",
		Present + "none", Present + "chargeDeclined",
	} {
		if c, ok := Magic(bad); ok {
			t.Errorf("Magic(%q) = %+v, want none", bad, c)
		}
	}
	if _, ok := ByNumber("4111111111111111"); ok {
		t.Error("a number that is nobody's leads to a card")
	}
}

// Every decline code comes with an error code and a text for people.
func TestDeclines(t *testing.T) {
	for _, code := range DeclineCodes() {
		c, ok := Magic(DeclineWith + code)
		got, decline := c.Refusal(1)
		if !ok || decline != code || got != ErrorCode(code) || Message(got, decline) == "" {
			t.Errorf("card of %s = %s, %s, %t", code, got, decline, ok)
		}
	}
	second, _ := Magic(DeclineOnUse + "2")
	for use, want := range []string{"", "", "card_declined", ""} {
		if got, _ := second.Refusal(use); got != want {
			t.Errorf("charge %d = %q, want %q", use, got, want)
		}
	}
}

// A card asks the shopper always, until it is set up, or only when the
// shopper is there.
func TestWhenACardAsks(t *testing.T) {
	for name, want := range map[string][4]bool{ // there, there and set up, not there, not there and set up
		"pm_card_visa":                                     {false, false, false, false},
		"pm_card_authenticationRequired":                   {true, true, true, true},
		"pm_card_authenticationRequiredOnSetup":            {true, true, true, false},
		"pm_card_authenticationRequiredSetupForOffSession": {true, true, false, false},
	} {
		c, _ := Magic(name)
		got := [4]bool{c.AsksFor(false, false), c.AsksFor(false, true), c.AsksFor(true, false), c.AsksFor(true, true)}
		if got != want {
			t.Errorf("%s asks %v, want %v", name, got, want)
		}
	}
}

// What may be asked for is granted by brand, and a longer hold is longer.
func TestWhatACardGrants(t *testing.T) {
	all := Wishes{Increment: true, Over: true, Multi: true, Extended: true}
	for name, want := range map[string]Wishes{
		"pm_card_visa": all, "pm_card_amex": {Over: true, Multi: true, Extended: true}, "pm_card_jcb": {},
		Present + "visa": {Increment: true, Over: true, Extended: true},
	} {
		c, _ := Magic(name)
		if got := c.Grants(all); got != want {
			t.Errorf("%s grants %+v, want %+v", name, got, want)
		}
		if got := c.Grants(Wishes{}); got != (Wishes{}) {
			t.Errorf("%s grants %+v that nobody asked for", name, got)
		}
		if longer := c.HoldFor(true, "usd", true); want.Extended && longer <= 7*24*time.Hour {
			t.Errorf("%s: extended is %s, want longer than a week", name, longer)
		}
	}
}
