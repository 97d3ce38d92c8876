package account

import (
	"net/http"
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing/stripesim/testcard"
)

// abandoned is how long a shopper may take to authenticate.
const abandoned = int64(time.Hour / time.Second)

// confirmIntent serves POST /v1/payment_intents/:id/confirm.
func confirmIntent(t *tx, f Form) (Wire, *Error) {
	p, ok := t.intent(t.call.ID)
	if !ok {
		return nil, notFound("payment_intent", t.call.ID)
	}
	if !slices.Contains([]string{needsConfirm, needsMethod, needsAction}, p.Status) {
		return nil, t.unexpected(p, "confirm")
	}
	m, given, e := t.chosen(f, p.Customer, p.Types)
	if e != nil {
		return nil, e
	}
	if given {
		p.Method = m.ID
	}
	if p.Method == "" {
		return nil, refused("payment_intent_unexpected_state", "You cannot confirm without a payment method.")
	}
	if v := f.get("off_session"); v != "" {
		p.OffSession = v != "false"
	}
	return t.confirm(p, f)
}

// confirm asks the card for p's amount, and the shopper first where the card
// wants it. A second confirmation is taken as the shopper's answer.
func (t *tx) confirm(p intent, f Form) (Wire, *Error) {
	m, _ := t.method(p.Method)
	answered := p.Status == needsAction
	switch {
	case answered || !m.asks(p.OffSession):
		return t.authorise(p, m, f, answered)
	case p.OffSession || f.get("error_on_requires_action") == "true":
		return nil, t.declined(p, m, t.newCharge(p, m), "authentication_required", "authentication_required")
	}
	p.Status, p.LastError = needsAction, nil
	p.Action = t.await(p.ID, f)
	t.putIntent(p)
	t.announce("payment_intent.requires_action", t.intentWire(p, nil))
	return t.intentWire(p, f), nil
}

// await says what the shopper has to do.
func (t *tx) await(id string, f Form) action {
	return action{
		Until: t.now + abandoned, ReturnURL: f.get("return_url"), Page: t.base() + "/authenticate/" + id,
	}
}

func (t *tx) newCharge(p intent, m method) charge {
	return charge{
		ID: t.id("ch_"), Created: t.now, Intent: p.ID, Op: p.Metadata["op_id"], Customer: p.Customer, Method: m.ID,
		Card: m.Card, Amount: p.Amount, Currency: p.Currency, Metadata: p.Metadata,
	}
}

// authorise asks the bank.
func (t *tx) authorise(p intent, m method, f Form, authenticated bool) (Wire, *Error) {
	c := t.newCharge(p, m)
	c.Authenticated = authenticated
	if m.blocked(t.now) {
		c.Blocked = true
		return nil, t.declined(p, m, c, "card_declined", "generic_decline")
	}
	m.Uses++
	code, decline := m.Card.Refusal(m.Uses)
	if forced := t.forced(); forced != "" {
		code, decline = testcard.ErrorCode(forced), forced
	}
	if code != "" {
		return nil, t.declined(p, m, c, code, decline)
	}
	if p.FutureUsage == "off_session" && (authenticated || m.Card.Asks == "") {
		m.SetUp = true
	}
	store(&t.rec.Methods, m)
	c.Status, c.Wants = succeeded, m.Card.Grants(p.Wants)
	c.CaptureBefore = t.now + int64(m.Card.HoldFor(p.OffSession, p.Currency, c.Wants.Extended).Seconds())
	p.Charge, p.Action = c.ID, action{}
	p.Status, p.Capturable, p.LastError = needsCapture, p.Amount, nil
	t.putCharge(c)
	t.putIntent(p)
	t.announce("charge.succeeded", t.chargeWire(c))
	if p.CaptureMethod != "manual" {
		return t.take(p, c, taking{amount: p.Amount, final: true, op: c.Op}, f)
	}
	t.announce("payment_intent.amount_capturable_updated", t.intentWire(p, nil))
	return t.intentWire(p, f), nil
}

// forced is the decline code that a fault demands of this request.
func (t *tx) forced() string {
	if t.call == nil {
		return ""
	}
	return t.call.Decline
}

// declined leaves a failed charge behind and says so.
func (t *tx) declined(p intent, m method, c charge, code, decline string) *Error {
	text := testcard.Message(code, decline)
	c.Status, c.FailureCode, c.Decline, c.Failure = failed, code, decline, text
	p.Status, p.Method, p.Charge, p.Action = needsMethod, "", c.ID, action{}
	p.LastError = &lastError{Code: code, DeclineCode: decline, Message: text, Charge: c.ID, Method: m.ID}
	if !c.Blocked && code != "authentication_required" {
		m = m.declined(t.now)
	}
	store(&t.rec.Methods, m)
	t.putCharge(c)
	t.putIntent(p)
	t.announce("charge.failed", t.chargeWire(c))
	t.announce("payment_intent.payment_failed", t.intentWire(p, nil))
	return t.cardError(p, c, code, decline)
}

func (t *tx) cardError(p intent, c charge, code, decline string) *Error {
	return &Error{
		Status: http.StatusPaymentRequired, Kind: TypeCard, Code: code, DeclineCode: decline, Stored: true, Kept: true,
		Message: testcard.Message(code, decline), Charge: c.ID, Intent: t.intentWire(p, nil),
	}
}

// unauthenticated ends the wait for a shopper who failed or left.
func (t *tx) unauthenticated(p intent) {
	const code = "payment_intent_authentication_failure"
	p.LastError = &lastError{Code: code, Message: testcard.Message(code, ""), Method: p.Method}
	p.Status, p.Method, p.Action = needsMethod, "", action{}
	t.putIntent(p)
	t.announce("payment_intent.payment_failed", t.intentWire(p, nil))
}

// authenticated is the shopper's answer to the question of the bank: right or
// wrong. It does what the card then does.
func (t *tx) authenticated(p intent, right bool) {
	if !right {
		t.unauthenticated(p)
		return
	}
	m, _ := t.method(p.Method)
	// A decline is in the objects; there is no request that it could answer.
	_, _ = t.authorise(p, m, nil, true)
}
