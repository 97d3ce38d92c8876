package account

import "strings"

// A Route is one endpoint: its path with ":id" where the object's id stands,
// the parameters it knows, and what it does.
type Route struct {
	method, path string
	Op           string
	params       []string
	serve        func(*tx, Form) (Wire, *Error)
}

func names(s string) []string { return strings.Fields(s) }

const listing = "limit starting_after ending_before created "

// routes is all the simulator can do. A new endpoint is a line here and a
// function.
var routes = []Route{
	{"POST", "/v1/customers", "customers.create", names(customerParams), createCustomer},
	{"GET", "/v1/customers", "customers.list", names(listing + "email"), listCustomers},
	{"GET", "/v1/customers/:id", "customers.retrieve", nil, getCustomer},
	{"POST", "/v1/customers/:id", "customers.update", names(customerParams), updateCustomer},
	{"DELETE", "/v1/customers/:id", "customers.delete", nil, deleteCustomer},
	{"GET", "/v1/customers/:id/payment_methods", "payment_methods.list", names(listing + "type"), listMethods},

	{"POST", "/v1/payment_methods", "payment_methods.create", names("type card metadata billing_details"), createMethod},
	{"GET", "/v1/payment_methods", "payment_methods.list", names(listing + "type customer"), listMethods},
	{"GET", "/v1/payment_methods/:id", "payment_methods.retrieve", nil, getMethod},
	{"POST", "/v1/payment_methods/:id/attach", "payment_methods.attach", names("customer"), attachMethod},
	{"POST", "/v1/payment_methods/:id/detach", "payment_methods.detach", nil, detachMethod},

	{"POST", "/v1/payment_intents", "payment_intents.create", names(intentParams), createIntent},
	{"GET", "/v1/payment_intents", "payment_intents.list", names(listing + "customer"), listIntents},
	{"GET", "/v1/payment_intents/:id", "payment_intents.retrieve", names("client_secret"), getIntent},
	{"POST", "/v1/payment_intents/:id", "payment_intents.update", names("metadata description"), updateIntent},
	{
		"POST", "/v1/payment_intents/:id/confirm", "payment_intents.confirm",
		names("payment_method off_session return_url error_on_requires_action"), confirmIntent,
	},
	{
		"POST", "/v1/payment_intents/:id/increment_authorization", "payment_intents.increment_authorization",
		names("amount description metadata"), incrementIntent,
	},
	{
		"POST", "/v1/payment_intents/:id/capture", "payment_intents.capture",
		names("amount_to_capture final_capture metadata"), captureIntent,
	},
	{"POST", "/v1/payment_intents/:id/cancel", "payment_intents.cancel", names("cancellation_reason"), cancelIntent},

	{"POST", "/v1/setup_intents", "setup_intents.create", names(setupParams), createSetup},
	{"GET", "/v1/setup_intents", "setup_intents.list", names(listing + "customer payment_method"), listSetups},
	{"GET", "/v1/setup_intents/:id", "setup_intents.retrieve", names("client_secret"), get("setupintent",
		func(s *Account) *table[setup] { return &s.setups }, (*tx).setupWire)},
	{"POST", "/v1/setup_intents/:id", "setup_intents.update", names("metadata description"), updateSetup},
	{"POST", "/v1/setup_intents/:id/confirm", "setup_intents.confirm", names("payment_method return_url"), confirmSetup},
	{"POST", "/v1/setup_intents/:id/cancel", "setup_intents.cancel", names("cancellation_reason"), cancelSetup},

	{"GET", "/v1/charges", "charges.list", names(listing + "customer payment_intent"), listCharges},
	{"GET", "/v1/charges/:id", "charges.retrieve", nil, get("charge",
		func(s *Account) *table[charge] { return &s.charges }, (*tx).chargeWire)},

	{"POST", "/v1/refunds", "refunds.create", names("charge payment_intent amount reason metadata"), createRefund},
	{"GET", "/v1/refunds", "refunds.list", names(listing + "charge payment_intent"), listRefunds},
	{"GET", "/v1/refunds/:id", "refunds.retrieve", nil, get("refund",
		func(s *Account) *table[refund] { return &s.refunds }, (*tx).refundWire)},
	{"POST", "/v1/refunds/:id", "refunds.update", names("metadata"), updateRefund},
	{"POST", "/v1/refunds/:id/cancel", "refunds.cancel", nil, cancelRefund},

	{"GET", "/v1/disputes", "disputes.list", names(listing + "charge payment_intent"), listDisputes},
	{"GET", "/v1/disputes/:id", "disputes.retrieve", nil, get("dispute",
		func(s *Account) *table[dispute] { return &s.disputes }, (*tx).disputeWire)},
	{"POST", "/v1/disputes/:id", "disputes.update", names("evidence metadata submit"), updateDispute},
	{"POST", "/v1/disputes/:id/close", "disputes.close", nil, closeDispute},

	{
		"GET", "/v1/radar/early_fraud_warnings", "radar.early_fraud_warnings.list",
		names(listing + "charge payment_intent"), listWarnings,
	},
	{"GET", "/v1/radar/early_fraud_warnings/:id", "radar.early_fraud_warnings.retrieve", nil, get("early fraud warning",
		func(s *Account) *table[warning] { return &s.warnings }, (*tx).warningWire)},

	{"POST", "/v1/files", "files.create", names("purpose"), createFile},
	{"GET", "/v1/files", "files.list", names(listing + "purpose"), listFiles},
	{"GET", "/v1/files/:id", "files.retrieve", nil, get("file upload",
		func(s *Account) *table[file] { return &s.files }, (*tx).fileWire)},

	{"GET", "/v1/balance", "balance.retrieve", nil, getFunds},
	{
		"GET", "/v1/balance_transactions", "balance_transactions.list",
		names(listing + "type source payout currency"), listBalances,
	},
	{"GET", "/v1/balance_transactions/:id", "balance_transactions.retrieve", nil, get("balance_transaction",
		func(s *Account) *table[balance] { return &s.balances }, (*tx).balanceWire)},

	{"POST", "/v1/payouts", "payouts.create", names(payoutParams), createPayout},
	{"GET", "/v1/payouts", "payouts.list", names(listing + "status arrival_date destination"), listPayouts},
	{"GET", "/v1/payouts/:id", "payouts.retrieve", nil, get("payout",
		func(s *Account) *table[payout] { return &s.payouts }, (*tx).payoutWire)},
	{"POST", "/v1/payouts/:id/cancel", "payouts.cancel", nil, cancelPayout},

	{"GET", "/v1/events", "events.list", names(listing + "type types delivery_success"), listEvents},
	{"GET", "/v1/events/:id", "events.retrieve", nil, get("event",
		func(s *Account) *table[Event] { return &s.events },
		func(t *tx, e Event) Wire { return t.acc.EventWire(e, APIVersion) })},

	{"GET", "/v1/account", "account.retrieve", nil, getAccount},
}

const (
	customerParams = "email name description metadata payment_method invoice_settings"
	intentParams   = "amount currency customer payment_method payment_method_types capture_method confirm off_session " +
		"description metadata setup_future_usage error_on_requires_action return_url payment_method_options"
	setupParams = "customer payment_method payment_method_types usage confirm description metadata return_url"

	payoutParams = "amount currency description metadata method source_type statement_descriptor"
)

// Match finds the route of a request, the name of its operation, and the id in
// its path.
func Match(method, path string) (r *Route, op, id string) {
	for i := range routes {
		if routes[i].method != method {
			continue
		}
		if id, ok := routes[i].fits(path); ok {
			return &routes[i], routes[i].Op, id
		}
	}
	return nil, "unknown", ""
}

// fits compares path with the route's, part by part.
func (r *Route) fits(path string) (id string, ok bool) {
	want, got, wantMore, gotMore := r.path, path, true, true
	for wantMore && gotMore {
		var part, have string
		part, want, wantMore = strings.Cut(want, "/")
		have, got, gotMore = strings.Cut(got, "/")
		switch {
		case part == ":id" && have != "":
			id = have
		case part != have:
			return "", false
		}
	}
	return id, wantMore == gotMore
}

// Known refuses parameters that the endpoint does not know.
func (r *Route) Known(f Form) *Error { return f.known(r.params) }

// A Call is what an endpoint may know of its request beside the parameters.
type Call struct {
	Path, ID  string // of the request, and of the object in it
	Key       string // idempotency key
	RequestID string
	Base      string // address by which the simulator was reached
	Decline   string // decline code that a fault demands
	Upload    *Upload
}

// Serve answers a request at a time. The changes are yet to be applied; with an
// Error that is not Kept there are none.
func (s *Account) Serve(r *Route, c *Call, f Form, now int64) (Wire, Record, *Error) {
	t := &tx{acc: s, now: now, call: c}
	out, e := r.serve(t, f)
	if e != nil && !e.Kept {
		return nil, Record{}, e
	}
	return out, t.rec, e
}
