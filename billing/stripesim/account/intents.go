package account

import (
	"maps"
	"slices"
	"strings"

	"github.com/vouchledger/vouch/billing/stripesim/testcard"
)

// minimum charge in minor units (docs.stripe.com/currencies); one unit where
// none is listed.
var minimum = map[string]int64{
	"usd": 50, "eur": 50, "gbp": 30, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "dkk": 250, "hkd": 400,
	"huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "nok": 300, "nzd": 50, "pln": 200, "sek": 300, "sgd": 50,
}

// maxAmount is eight digits, Stripe's limit.
const maxAmount = 99_999_999

// checkAmount checks an amount to charge as Stripe does: ISK is given in
// hundredths and must be whole, a currency of three decimals ends in 0.
func checkAmount(param string, amount int64, currency string) *Error {
	switch {
	case amount < 1 || amount < minimum[currency]:
		return Invalid(param, "amount_too_small", "Amount must convert to at least the minimum charge amount.")
	case amount > maxAmount:
		return Invalid(param, "amount_too_large", "Amount must be no more than 99999999.")
	}
	return checkUnit(param, amount, currency)
}

// checkUnit refuses an amount finer than the card networks take.
func checkUnit(param string, amount int64, currency string) *Error {
	unit := int64(1)
	switch currency {
	case "isk", "ugx":
		unit = 100
	case "bhd", "jod", "kwd", "omr", "tnd":
		unit = 10
	}
	if amount%unit != 0 {
		return Invalid(param, "invalid_charge_amount_no_decimal_compatible",
			"Invalid amount. Amounts in "+strings.ToUpper(currency)+" must be evenly divisible.")
	}
	return nil
}

func currencyOf(f Form) (string, *Error) {
	c, e := f.needs("currency")
	if e != nil {
		return "", e
	}
	if len(c) != 3 || strings.ToLower(c) != c || strings.Trim(c, "abcdefghijklmnopqrstuvwxyz") != "" {
		return "", Invalid("currency", "", "Invalid currency: "+c+".")
	}
	return c, nil
}

// createIntent serves POST /v1/payment_intents.
func createIntent(t *tx, f Form) (Wire, *Error) {
	p, e := t.newIntent(f)
	if e != nil {
		return nil, e
	}
	confirm, e := f.yes("confirm")
	if e != nil {
		return nil, e
	}
	offSession := f.get("off_session") != "" && f.get("off_session") != "false"
	if offSession && !confirm {
		return nil, Invalid("off_session", "", "off_session may only be used when confirm=true.")
	}
	p.OffSession = offSession
	m, given, e := t.chosen(f, p.Customer, p.Types)
	if e != nil {
		return nil, e
	}
	if given {
		p.Method, p.Status = m.ID, needsConfirm
	}
	t.putIntent(p)
	t.announce("payment_intent.created", t.intentWire(p, nil))
	if !confirm {
		return t.intentWire(p, f), nil
	}
	return t.confirm(p, f)
}

// newIntent reads what does not depend on the card.
func (t *tx) newIntent(f Form) (intent, *Error) {
	amount, given, e := f.integer("amount")
	if e == nil && !given {
		_, e = f.needs("amount")
	}
	if e != nil {
		return intent{}, e
	}
	currency, e := currencyOf(f)
	if e != nil {
		return intent{}, e
	}
	if e := checkAmount("amount", amount, currency); e != nil {
		return intent{}, e
	}
	capture, e := f.oneOf("capture_method", "automatic", "automatic_async", "manual")
	if e != nil {
		return intent{}, e
	}
	data, e := f.metadata(nil)
	if e != nil {
		return intent{}, e
	}
	if e := t.knownCustomer(f); e != nil {
		return intent{}, e
	}
	types, e := methodTypes(f)
	if e != nil {
		return intent{}, e
	}
	wants, e := wishesOf(f)
	if e != nil {
		return intent{}, e
	}
	usage, e := f.oneOf("setup_future_usage", "", "off_session", "on_session")
	if e != nil {
		return intent{}, e
	}
	return intent{
		ID: t.id("pi_"), Created: t.now, Amount: amount, Currency: currency, Status: needsMethod, Types: types,
		Customer: f.get("customer"), CaptureMethod: capture, Description: f.get("description"), Wants: wants,
		FutureUsage: usage, Metadata: data,
	}, nil
}

// knownCustomer refuses a customer that is not there.
func (t *tx) knownCustomer(f Form) *Error {
	who := f.get("customer")
	if c, ok := t.customer(who); who != "" && (!ok || c.Deleted) {
		return missing("customer", "customer", who)
	}
	return nil
}

// methodTypes reads which kinds of payment methods may pay.
func methodTypes(f Form) ([]string, *Error) {
	given := f.under("payment_method_types")
	var types []string
	for _, i := range slices.Sorted(maps.Keys(given)) {
		if kind := given[i]; kind != "card" && kind != "card_present" {
			return nil, Invalid("payment_method_types", "", "This simulator takes cards only.")
		}
		types = append(types, given[i])
	}
	if len(types) == 0 {
		types = []string{"card"}
	}
	return types, nil
}

// wishesOf reads what the client would have "if_available".
func wishesOf(f Form) (testcard.Wishes, *Error) {
	var w testcard.Wishes
	for _, kind := range []string{"card", "card_present"} {
		in := "payment_method_options[" + kind + "]"
		for name, wish := range map[string]*bool{
			"request_incremental_authorization": &w.Increment, "request_overcapture": &w.Over,
			"request_multicapture": &w.Multi, "request_extended_authorization": &w.Extended,
			"request_incremental_authorization_support": &w.Increment,
		} {
			switch v := f.get(in + "[" + name + "]"); v {
			case "if_available", "true":
				*wish = true
			case "", "never", "false":
			default:
				return w, Invalid(in+"["+name+"]", "", "Invalid "+name+": must be one of if_available, never")
			}
		}
	}
	for name := range f.under("payment_method_options") {
		_, option, _ := strings.Cut(name, "][")
		if !strings.HasPrefix(option, "request_") || option == "request_three_d_secure" {
			return w, Invalid("payment_method_options["+name+"]", "parameter_unknown", "Received unknown parameter: "+option)
		}
	}
	return w, nil
}

// chosen returns the payment method named in the request, making one of a
// magic id, as Stripe does.
func (t *tx) chosen(f Form, who string, types []string) (m method, given bool, e *Error) {
	name := f.get("payment_method")
	if name == "" {
		return method{}, false, nil
	}
	if c, ok := testcard.Magic(name); ok {
		m = method{ID: t.id("pm_"), Created: t.now, Card: c}
		store(&t.rec.Methods, m)
	} else if m, ok = t.method(name); !ok {
		return m, false, missing("payment_method", "PaymentMethod", name)
	}
	if m.Detached {
		return m, false, detached()
	}
	if m.Customer != "" && m.Customer != who {
		return m, false, Invalid("payment_method", "payment_method_unexpected_state",
			"The payment method belongs to another customer.")
	}
	if kind := m.Card.Kind(); types != nil && !slices.Contains(types, kind) {
		return m, false, Invalid("payment_method", "payment_method_invalid_parameter",
			"The payment method is of type "+kind+", which is not in payment_method_types.")
	}
	return m, true, nil
}

func (t *tx) putIntent(p intent) { store(&t.rec.Intents, p) }
func (t *tx) putCharge(c charge) { store(&t.rec.Charges, c) }

// unexpected says that p's status does not allow what was asked.
func (t *tx) unexpected(p intent, verb string) *Error {
	e := refused("payment_intent_unexpected_state",
		"You cannot "+verb+" this PaymentIntent because it has a status of "+p.Status+".")
	e.Intent = t.intentWire(p, nil)
	return e
}

// cancelIntent serves POST /v1/payment_intents/:id/cancel.
func cancelIntent(t *tx, f Form) (Wire, *Error) {
	p, ok := t.intent(t.call.ID)
	if !ok {
		return nil, notFound("payment_intent", t.call.ID)
	}
	reason, e := f.oneOf("cancellation_reason", "", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	if e != nil {
		return nil, e
	}
	if p.Status == succeeded || p.Status == canceled || p.Received > 0 {
		return nil, t.unexpected(p, "cancel")
	}
	return t.intentWire(t.release(p, reason, t.now), f), nil
}

// release cancels an intent, freeing its hold if it has one.
func (t *tx) release(p intent, reason string, at int64) intent {
	if c, ok := t.charge(p.Charge); ok && p.Status == needsCapture {
		c.Released = true
		t.putCharge(c)
		kind := "charge.refunded"
		if reason == "automatic" {
			kind = "charge.expired"
		}
		t.announce(kind, t.chargeWire(c))
	}
	p.Status, p.Capturable, p.CanceledAt, p.CancelReason, p.Action = canceled, 0, at, reason, action{}
	t.putIntent(p)
	t.announce("payment_intent.canceled", t.intentWire(p, nil))
	return p
}

// updateIntent serves POST /v1/payment_intents/:id: metadata and description.
func updateIntent(t *tx, f Form) (Wire, *Error) {
	p, ok := t.intent(t.call.ID)
	if !ok {
		return nil, notFound("payment_intent", t.call.ID)
	}
	var e *Error
	if p.Metadata, e = f.metadata(p.Metadata); e != nil {
		return nil, e
	}
	if d := f.get("description"); d != "" {
		p.Description = d
	}
	t.putIntent(p)
	return t.intentWire(p, f), nil
}
