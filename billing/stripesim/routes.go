package stripesim

import "strings"

// A route is one endpoint: its path with ":id" where the object's id stands,
// the parameters it knows, and what it does.
type route struct {
	method, path, op string
	params           []string
	serve            func(*tx, form) (wire, *apiError)
}

func names(s string) []string { return strings.Fields(s) }

const listing = "limit starting_after ending_before created "

// routes is all the simulator can do. A new endpoint is a line here and a
// function.
var routes = []route{
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
		func(s *state) *table[setup] { return &s.setups }, (*tx).setupWire)},
	{"POST", "/v1/setup_intents/:id", "setup_intents.update", names("metadata description"), updateSetup},
	{"POST", "/v1/setup_intents/:id/confirm", "setup_intents.confirm", names("payment_method return_url"), confirmSetup},
	{"POST", "/v1/setup_intents/:id/cancel", "setup_intents.cancel", names("cancellation_reason"), cancelSetup},

	{"GET", "/v1/charges", "charges.list", names(listing + "customer payment_intent"), listCharges},
	{"GET", "/v1/charges/:id", "charges.retrieve", nil, get("charge",
		func(s *state) *table[charge] { return &s.charges }, (*tx).chargeWire)},

	{"POST", "/v1/refunds", "refunds.create", names("charge payment_intent amount reason metadata"), createRefund},
	{"GET", "/v1/refunds", "refunds.list", names(listing + "charge payment_intent"), listRefunds},
	{"GET", "/v1/refunds/:id", "refunds.retrieve", nil, get("refund",
		func(s *state) *table[refund] { return &s.refunds }, (*tx).refundWire)},
	{"POST", "/v1/refunds/:id", "refunds.update", names("metadata"), updateRefund},
	{"POST", "/v1/refunds/:id/cancel", "refunds.cancel", nil, cancelRefund},

	{"GET", "/v1/disputes", "disputes.list", names(listing + "charge payment_intent"), listDisputes},
	{"GET", "/v1/disputes/:id", "disputes.retrieve", nil, get("dispute",
		func(s *state) *table[dispute] { return &s.disputes }, (*tx).disputeWire)},
	{"POST", "/v1/disputes/:id", "disputes.update", names("evidence metadata submit"), updateDispute},
	{"POST", "/v1/disputes/:id/close", "disputes.close", nil, closeDispute},

	{
		"GET", "/v1/radar/early_fraud_warnings", "radar.early_fraud_warnings.list",
		names(listing + "charge payment_intent"), listWarnings,
	},
	{"GET", "/v1/radar/early_fraud_warnings/:id", "radar.early_fraud_warnings.retrieve", nil, get("early fraud warning",
		func(s *state) *table[warning] { return &s.warnings }, (*tx).warningWire)},

	{"POST", "/v1/files", "files.create", names("purpose"), createFile},
	{"GET", "/v1/files", "files.list", names(listing + "purpose"), listFiles},
	{"GET", "/v1/files/:id", "files.retrieve", nil, get("file upload",
		func(s *state) *table[file] { return &s.files }, (*tx).fileWire)},

	{"GET", "/v1/balance", "balance.retrieve", nil, getFunds},
	{
		"GET", "/v1/balance_transactions", "balance_transactions.list",
		names(listing + "type source payout currency"), listBalances,
	},
	{"GET", "/v1/balance_transactions/:id", "balance_transactions.retrieve", nil, get("balance_transaction",
		func(s *state) *table[balance] { return &s.balances }, (*tx).balanceWire)},

	{"POST", "/v1/payouts", "payouts.create", names(payoutParams), createPayout},
	{"GET", "/v1/payouts", "payouts.list", names(listing + "status arrival_date destination"), listPayouts},
	{"GET", "/v1/payouts/:id", "payouts.retrieve", nil, get("payout",
		func(s *state) *table[payout] { return &s.payouts }, (*tx).payoutWire)},
	{"POST", "/v1/payouts/:id/cancel", "payouts.cancel", nil, cancelPayout},

	{"GET", "/v1/events", "events.list", names(listing + "type types delivery_success"), listEvents},
	{"GET", "/v1/events/:id", "events.retrieve", nil, get("event",
		func(s *state) *table[event] { return &s.events },
		func(t *tx, e event) wire { return t.sim.eventWire(e, APIVersion) })},

	{"GET", "/v1/account", "account.retrieve", nil, getAccount},
}

const (
	customerParams = "email name description metadata payment_method invoice_settings"
	intentParams   = "amount currency customer payment_method payment_method_types capture_method confirm off_session " +
		"description metadata setup_future_usage error_on_requires_action return_url payment_method_options"
	setupParams = "customer payment_method payment_method_types usage confirm description metadata return_url"

	payoutParams = "amount currency description metadata method source_type statement_descriptor"
)

// match finds the route of a request, the name of its operation, and the id in
// its path.
func match(method, path string) (r *route, op, id string) {
	for i := range routes {
		if routes[i].method != method {
			continue
		}
		if id, ok := routes[i].fits(path); ok {
			return &routes[i], routes[i].op, id
		}
	}
	return nil, "unknown", ""
}

// fits compares path with the route's, part by part.
func (r *route) fits(path string) (id string, ok bool) {
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
