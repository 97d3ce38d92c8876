package account

import (
	"net/http"
	"slices"

	"github.com/vouchledger/vouch/billing/stripesim/testcard"
)

// createSetup serves POST /v1/setup_intents.
func createSetup(t *tx, f Form) (Wire, *Error) {
	data, e := f.metadata(nil)
	if e != nil {
		return nil, e
	}
	usage, e := f.oneOf("usage", "off_session", "on_session")
	if e != nil {
		return nil, e
	}
	confirm, e := f.yes("confirm")
	if e != nil {
		return nil, e
	}
	if e := t.knownCustomer(f); e != nil {
		return nil, e
	}
	if types, e := methodTypes(f); e != nil || !slices.Equal(types, []string{"card"}) {
		return nil, Invalid("payment_method_types", "", "This simulator sets up cards only.")
	}
	m, given, e := t.chosen(f, f.get("customer"), []string{"card"})
	if e != nil {
		return nil, e
	}
	s := setup{
		ID: t.id("seti_"), Created: t.now, Status: needsMethod, Customer: f.get("customer"), Usage: usage,
		Description: f.get("description"), Metadata: data,
	}
	if given {
		s.Method, s.Status = m.ID, needsConfirm
	}
	store(&t.rec.Setups, s)
	t.announce("setup_intent.created", t.setupWire(s))
	if !confirm {
		return t.setupWire(s), nil
	}
	return t.confirmSetup(s, f)
}

// confirmSetup serves POST /v1/setup_intents/:id/confirm.
func confirmSetup(t *tx, f Form) (Wire, *Error) {
	s, ok := t.setup(t.call.ID)
	if !ok {
		return nil, notFound("setupintent", t.call.ID)
	}
	if s.Status == succeeded || s.Status == canceled {
		return nil, t.setupUnexpected(s, "confirm")
	}
	m, given, e := t.chosen(f, s.Customer, []string{"card"})
	if e != nil {
		return nil, e
	}
	if given {
		s.Method = m.ID
	}
	return t.confirmSetup(s, f)
}

func (t *tx) setupUnexpected(s setup, verb string) *Error {
	e := refused("setup_intent_unexpected_state",
		"You cannot "+verb+" this SetupIntent because it has a status of "+s.Status+".")
	e.Setup = t.setupWire(s)
	return e
}

// confirmSetup asks the bank whether the card may be kept, and the shopper
// first where the card wants it. A second confirmation is taken as the
// shopper's answer.
func (t *tx) confirmSetup(s setup, f Form) (Wire, *Error) {
	m, ok := t.method(s.Method)
	if !ok {
		return nil, t.setupUnexpected(s, "confirm without a payment method")
	}
	if s.Status != needsAction && m.asks(false) {
		s.Status, s.LastError, s.Action = needsAction, nil, t.await(s.ID, f)
		store(&t.rec.Setups, s)
		t.announce("setup_intent.requires_action", t.setupWire(s))
		return t.setupWire(s), nil
	}
	return t.keepCard(s, m)
}

// keepCard asks the bank, and ties the card to its customer.
func (t *tx) keepCard(s setup, m method) (Wire, *Error) {
	code, decline := m.Card.Code, m.Card.Decline
	if m.Card.Attachable && t.forced() == "" {
		code, decline = "", "" // it is the charges that decline
	}
	if forced := t.forced(); forced != "" {
		code, decline = testcard.ErrorCode(forced), forced
	}
	if code != "" {
		t.setupFailed(s, code, decline)
		s, _ = t.setup(s.ID)
		return nil, &Error{
			Status: http.StatusPaymentRequired, Kind: TypeCard, Code: code, DeclineCode: decline, Stored: true,
			Kept: true, Message: testcard.Message(code, decline), Setup: t.setupWire(s),
		}
	}
	m.SetUp = m.SetUp || s.Usage == "off_session"
	store(&t.rec.Methods, m)
	if s.Customer != "" && m.Customer == "" {
		if _, e := t.attach(m, s.Customer); e != nil {
			return nil, e
		}
	}
	s.Status, s.Action, s.LastError = succeeded, action{}, nil
	store(&t.rec.Setups, s)
	t.announce("setup_intent.succeeded", t.setupWire(s))
	return t.setupWire(s), nil
}

func (t *tx) setupFailed(s setup, code, decline string) {
	s.LastError = &lastError{Code: code, DeclineCode: decline, Message: testcard.Message(code, decline), Method: s.Method}
	s.Status, s.Method, s.Action = needsMethod, "", action{}
	store(&t.rec.Setups, s)
	t.announce("setup_intent.setup_failed", t.setupWire(s))
}

// setupUnauthenticated ends the wait for a shopper who failed or left.
func (t *tx) setupUnauthenticated(s setup) {
	t.setupFailed(s, "setup_intent_authentication_failure", "")
}

// setupAuthenticated is the shopper's answer, right or wrong.
func (t *tx) setupAuthenticated(s setup, right bool) {
	if !right {
		t.setupUnauthenticated(s)
		return
	}
	m, _ := t.method(s.Method)
	// A decline is in the objects; there is no request that it could answer.
	_, _ = t.keepCard(s, m)
}

// cancelSetup serves POST /v1/setup_intents/:id/cancel.
func cancelSetup(t *tx, f Form) (Wire, *Error) {
	s, ok := t.setup(t.call.ID)
	if !ok {
		return nil, notFound("setupintent", t.call.ID)
	}
	reason, e := f.oneOf("cancellation_reason", "", "abandoned", "requested_by_customer", "duplicate")
	if e != nil {
		return nil, e
	}
	if s.Status == succeeded || s.Status == canceled {
		return nil, t.setupUnexpected(s, "cancel")
	}
	s.Status, s.CancelReason, s.Action = canceled, reason, action{}
	store(&t.rec.Setups, s)
	t.announce("setup_intent.canceled", t.setupWire(s))
	return t.setupWire(s), nil
}

// updateSetup serves POST /v1/setup_intents/:id: metadata and description.
func updateSetup(t *tx, f Form) (Wire, *Error) {
	s, ok := t.setup(t.call.ID)
	if !ok {
		return nil, notFound("setupintent", t.call.ID)
	}
	var e *Error
	if s.Metadata, e = f.metadata(s.Metadata); e != nil {
		return nil, e
	}
	if d := f.get("description"); d != "" {
		s.Description = d
	}
	store(&t.rec.Setups, s)
	return t.setupWire(s), nil
}

func (t *tx) setup(id string) (setup, bool) { return lookup(t.rec.Setups, &t.acc.setups, id) }

func (t *tx) setupWire(s setup) Wire {
	w := Wire{
		"id": s.ID, "object": "setup_intent", "application": nil, "automatic_payment_methods": nil,
		"cancellation_reason": orNull(s.CancelReason), "client_secret": s.ID + "_secret_sim", "created": s.Created,
		"customer": orNull(s.Customer), "description": orNull(s.Description), "flow_directions": nil,
		"last_setup_error": nil, "latest_attempt": nil, "livemode": t.acc.cfg.Livemode, "mandate": nil,
		"metadata": meta(s.Metadata), "next_action": nextAction(s.Status, s.Action), "on_behalf_of": nil,
		"payment_method": orNull(s.Method), "payment_method_options": Wire{"card": Wire{
			"mandate_options": nil, "network": nil, "request_three_d_secure": "automatic",
		}},
		"payment_method_types": []string{"card"}, "single_use_mandate": nil, "status": s.Status, "usage": s.Usage,
	}
	if s.LastError != nil {
		w["last_setup_error"] = t.lastErrorWire(s.LastError)
	}
	return w
}

// nextAction says where the shopper goes to authenticate.
func nextAction(status string, a action) any {
	switch {
	case status != needsAction:
		return nil
	case a.ReturnURL != "":
		return Wire{"type": "redirect_to_url", "redirect_to_url": Wire{"return_url": a.ReturnURL, "url": a.Page}}
	}
	return Wire{"type": "use_stripe_sdk", "use_stripe_sdk": Wire{
		"type": "three_d_secure_redirect", "stripe_js": a.Page,
	}}
}

// lastErrorWire renders why the last try failed.
func (t *tx) lastErrorWire(e *lastError) Wire {
	w := Wire{
		"type": TypeCard, "code": e.Code, "message": e.Message,
		"doc_url": "https://stripe.com/docs/error-codes/" + e.Code,
	}
	if e.Charge != "" {
		w["charge"] = e.Charge
	}
	if e.DeclineCode != "" {
		w["decline_code"] = e.DeclineCode
	}
	if m, ok := t.method(e.Method); ok {
		w["payment_method"] = t.methodWire(m)
	}
	return w
}
