package stripesim

import (
	"net/http"
	"slices"
	"strings"
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
func checkAmount(param string, amount int64, currency string) *apiError {
	switch {
	case amount < 1 || amount < minimum[currency]:
		return invalid(param, "amount_too_small", "Amount must convert to at least the minimum charge amount.")
	case amount > maxAmount:
		return invalid(param, "amount_too_large", "Amount must be no more than 99999999.")
	}
	return checkUnit(param, amount, currency)
}

// checkUnit refuses an amount finer than the card networks take.
func checkUnit(param string, amount int64, currency string) *apiError {
	unit := int64(1)
	switch currency {
	case "isk", "ugx":
		unit = 100
	case "bhd", "jod", "kwd", "omr", "tnd":
		unit = 10
	}
	if amount%unit != 0 {
		return invalid(param, "invalid_charge_amount_no_decimal_compatible",
			"Invalid amount. Amounts in "+strings.ToUpper(currency)+" must be evenly divisible.")
	}
	return nil
}

func currencyOf(f form) (string, *apiError) {
	c, e := f.needs("currency")
	if e != nil {
		return "", e
	}
	if len(c) != 3 || strings.ToLower(c) != c || strings.Trim(c, "abcdefghijklmnopqrstuvwxyz") != "" {
		return "", invalid("currency", "", "Invalid currency: "+c+".")
	}
	return c, nil
}

// createIntent serves POST /v1/payment_intents.
func createIntent(t *tx, f form) (wire, *apiError) {
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
		return nil, invalid("off_session", "", "off_session may only be used when confirm=true.")
	}
	p.OffSession = offSession
	m, given, e := t.chosen(f, p.Customer)
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
func (t *tx) newIntent(f form) (intent, *apiError) {
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
	if who := f.get("customer"); who != "" {
		if c, ok := t.customer(who); !ok || c.Deleted {
			return intent{}, missing("customer", "customer", who)
		}
	}
	for _, kind := range f.under("payment_method_types") {
		if kind != "card" {
			return intent{}, invalid("payment_method_types", "", "This simulator takes cards only.")
		}
	}
	return intent{
		ID: t.id("pi_"), Created: t.now, Amount: amount, Currency: currency, Status: needsMethod,
		Customer: f.get("customer"), CaptureMethod: capture, Description: f.get("description"),
		FutureUsage: f.get("setup_future_usage"), Metadata: data,
	}, nil
}

// chosen returns the payment method named in the request, making one of a
// magic id, as Stripe does.
func (t *tx) chosen(f form, who string) (m method, given bool, e *apiError) {
	name := f.get("payment_method")
	if name == "" {
		return method{}, false, nil
	}
	if c, ok := magicCard(name); ok {
		m = method{ID: t.id("pm_"), Created: t.now, Card: c}
		store(&t.rec.Methods, m)
		return m, true, nil
	}
	m, ok := t.method(name)
	switch {
	case !ok:
		return m, false, missing("payment_method", "PaymentMethod", name)
	case m.Customer != "" && m.Customer != who:
		return m, false, invalid("payment_method", "payment_method_unexpected_state",
			"The payment method belongs to another customer.")
	}
	return m, true, nil
}

func (t *tx) putIntent(p intent) { store(&t.rec.Intents, p) }
func (t *tx) putCharge(c charge) { store(&t.rec.Charges, c) }

// confirmIntent serves POST /v1/payment_intents/:id/confirm.
func confirmIntent(t *tx, f form) (wire, *apiError) {
	p, ok := t.intent(t.call.id)
	if !ok {
		return nil, notFound("payment_intent", t.call.id)
	}
	if !slices.Contains([]string{needsConfirm, needsMethod, needsAction}, p.Status) {
		return nil, t.unexpected(p, "confirm")
	}
	m, given, e := t.chosen(f, p.Customer)
	if e != nil {
		return nil, e
	}
	if given {
		p.Method = m.ID
	}
	if p.Method == "" {
		return nil, refused("payment_intent_unexpected_state", "You cannot confirm without a payment method.")
	}
	return t.confirm(p, f)
}

// unexpected says that p's status does not allow what was asked.
func (t *tx) unexpected(p intent, verb string) *apiError {
	e := refused("payment_intent_unexpected_state",
		"You cannot "+verb+" this PaymentIntent because it has a status of "+p.Status+".")
	e.intent = t.intentWire(p, nil)
	return e
}

// confirm asks the card for p's amount.
func (t *tx) confirm(p intent, f form) (wire, *apiError) {
	m, _ := t.method(p.Method)
	m.Uses++
	store(&t.rec.Methods, m)
	code, decline := m.Card.refusal(m.Uses)
	if forced := t.call.decline; forced != "" {
		code, decline = "card_declined", forced
	}
	if code == "authentication_required" && !p.OffSession && f.get("error_on_requires_action") != "true" {
		if p.Status != needsAction { // the shopper has yet to answer
			p.Status = needsAction
			t.putIntent(p)
			t.announce("payment_intent.requires_action", t.intentWire(p, nil))
			return t.intentWire(p, f), nil
		}
		code = ""
	}
	c := charge{
		ID: t.id("ch_"), Created: t.now, Intent: p.ID, Customer: p.Customer, Method: m.ID, Card: m.Card,
		Amount: p.Amount, Currency: p.Currency, Metadata: p.Metadata,
	}
	p.Charge = c.ID
	if code != "" {
		return nil, t.declined(p, c, code, decline)
	}
	c.Status = succeeded
	c.CaptureBefore = t.now + int64(m.Card.holdFor(p.OffSession).Seconds())
	p.Status, p.Capturable, p.LastError = needsCapture, p.Amount, nil
	t.putCharge(c)
	t.putIntent(p)
	t.announce("charge.succeeded", t.chargeWire(c))
	if p.CaptureMethod != "manual" {
		return t.take(p, c, p.Amount, f)
	}
	t.announce("payment_intent.amount_capturable_updated", t.intentWire(p, nil))
	return t.intentWire(p, f), nil
}

// declined leaves a failed charge behind and says so.
func (t *tx) declined(p intent, c charge, code, decline string) *apiError {
	text := declineMessage(code, decline)
	c.Status, c.FailureCode, c.Failure = failed, code, text
	p.Status, p.Method = needsMethod, ""
	p.LastError = &lastError{Code: code, DeclineCode: decline, Message: text, Charge: c.ID}
	t.putCharge(c)
	t.putIntent(p)
	t.announce("charge.failed", t.chargeWire(c))
	t.announce("payment_intent.payment_failed", t.intentWire(p, nil))
	return t.cardError(p, c, code, decline)
}

func (t *tx) cardError(p intent, c charge, code, decline string) *apiError {
	return &apiError{
		status: http.StatusPaymentRequired, kind: typeCard, code: code, declineCode: decline, stored: true, kept: true,
		message: declineMessage(code, decline), charge: c.ID, intent: t.intentWire(p, nil),
	}
}

// captureIntent serves POST /v1/payment_intents/:id/capture.
func captureIntent(t *tx, f form) (wire, *apiError) {
	p, ok := t.intent(t.call.id)
	if !ok {
		return nil, notFound("payment_intent", t.call.id)
	}
	amount, given, e := f.integer("amount_to_capture")
	if e != nil {
		return nil, e
	}
	if !given {
		amount = p.Amount
	}
	if final := f.get("final_capture"); final == "false" {
		return nil, invalid("final_capture", "", "Multicapture is not available for this PaymentIntent.")
	}
	c, _ := t.charge(p.Charge)
	switch {
	case p.Status == canceled && p.CancelReason == "automatic":
		e := refused("charge_expired_for_capture", "The authorization has expired and cannot be captured.")
		e.intent = t.intentWire(p, nil)
		return nil, e
	case p.Status != needsCapture:
		return nil, t.unexpected(p, "capture")
	case amount < 1:
		return nil, invalid("amount_to_capture", "parameter_invalid_integer", "Must be greater than or equal to 1.")
	case amount > p.Capturable:
		e := refused("amount_too_large", "The amount to capture is greater than the amount you can capture.")
		e.param = "amount_to_capture"
		return nil, e
	}
	if e := checkUnit("amount_to_capture", amount, p.Currency); e != nil {
		return nil, e
	}
	if p.Metadata, e = f.metadata(p.Metadata); e != nil {
		return nil, e
	}
	decline := t.call.decline
	if decline == "" {
		decline = c.Card.AtCapture
	}
	if decline != "" {
		c.NotCaptured++
		t.putCharge(c)
		return nil, t.cardError(p, c, "card_declined", decline)
	}
	return t.take(p, c, amount, f)
}

// take captures amount of a held charge and frees the rest.
func (t *tx) take(p intent, c charge, amount int64, f form) (wire, *apiError) {
	c.Captured, c.Metadata = amount, p.Metadata
	c.Balance = t.post("charge", c.ID, amount, c.Currency)
	p.Status, p.Received, p.Capturable = succeeded, amount, 0
	t.putCharge(c)
	t.putIntent(p)
	t.announce("charge.captured", t.chargeWire(c))
	t.announce("payment_intent.succeeded", t.intentWire(p, nil))
	return t.intentWire(p, f), nil
}

// cancelIntent serves POST /v1/payment_intents/:id/cancel.
func cancelIntent(t *tx, f form) (wire, *apiError) {
	p, ok := t.intent(t.call.id)
	if !ok {
		return nil, notFound("payment_intent", t.call.id)
	}
	reason, e := f.oneOf("cancellation_reason", "", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	if e != nil {
		return nil, e
	}
	if p.Status == succeeded || p.Status == canceled {
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
	p.Status, p.Capturable, p.CanceledAt, p.CancelReason = canceled, 0, at, reason
	t.putIntent(p)
	t.announce("payment_intent.canceled", t.intentWire(p, nil))
	return p
}

// updateIntent serves POST /v1/payment_intents/:id: metadata and description.
func updateIntent(t *tx, f form) (wire, *apiError) {
	p, ok := t.intent(t.call.id)
	if !ok {
		return nil, notFound("payment_intent", t.call.id)
	}
	var e *apiError
	if p.Metadata, e = f.metadata(p.Metadata); e != nil {
		return nil, e
	}
	if d := f.get("description"); d != "" {
		p.Description = d
	}
	t.putIntent(p)
	return t.intentWire(p, f), nil
}

// getIntent serves GET /v1/payment_intents/:id.
func getIntent(t *tx, f form) (wire, *apiError) {
	p, ok := t.intent(t.call.id)
	if !ok {
		return nil, notFound("payment_intent", t.call.id)
	}
	return t.intentWire(p, f), nil
}
