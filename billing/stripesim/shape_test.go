package stripesim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/internal/peer"
)

// shapes are the objects that the simulator makes, as the SDK of the same API
// version has them.
var shapes = map[string]reflect.Type{
	"setup_intents": reflect.TypeFor[stripego.SetupIntent](), "payment_intents": reflect.TypeFor[stripego.PaymentIntent](),
	"charges": reflect.TypeFor[stripego.Charge](), "refunds": reflect.TypeFor[stripego.Refund](),
	"disputes": reflect.TypeFor[stripego.Dispute](), "files": reflect.TypeFor[stripego.File](),
	"radar/early_fraud_warnings": reflect.TypeFor[stripego.RadarEarlyFraudWarning](),
	"balance_transactions":       reflect.TypeFor[stripego.BalanceTransaction](),
	"payouts":                    reflect.TypeFor[stripego.Payout](), "balance": reflect.TypeFor[stripego.Balance](),
	"account": reflect.TypeFor[stripego.Account](), "payment_methods": reflect.TypeFor[stripego.PaymentMethod](),
	"customers": reflect.TypeFor[stripego.Customer](),
}

// story makes one or more objects of every kind and returns their paths by
// kind.
func story(b *bank) map[string][]string {
	b.Helper()
	ada := must[*stripego.Customer](b)(b.customers.New(&stripego.CustomerParams{}))
	asked := must[*stripego.SetupIntent](b)(b.setups.New(&stripego.SetupIntentParams{
		Customer: &ada.ID, PaymentMethod: stripego.String("pm_card_authenticationRequired"), Confirm: stripego.Bool(true),
	}))
	b.ok(b.sim.Authenticate(asked.ID, false))
	shopping := must[*stripego.PaymentIntent](b)(b.hold("pm_card_visa", flexible))
	page := func(p *stripego.PaymentIntentParams) { p.ReturnURL = stripego.String("https://shop.example") }
	waiting := must[*stripego.PaymentIntent](b)(b.hold("pm_card_authenticationRequired", page))
	reader := must[*stripego.PaymentIntent](b)(b.hold(stripesim.Present+"visa", func(p *stripego.PaymentIntentParams) {
		p.PaymentMethodTypes = stripego.StringSlice([]string{"card_present"})
	}))
	_, err := b.hold("pm_card_chargeDeclined")
	declined := b.refuses(err, "generic_decline").PaymentIntent
	sold := b.bought("pm_card_createIssuerFraudRecord")
	back := must[*stripego.Refund](b)(b.refunds.New(&stripego.RefundParams{
		PaymentIntent: &sold.ID, Amount: stripego.Int64(10),
	}))
	b.ok(b.sim.FailRefund(back.ID, ""))
	disputed := b.disputeOf(b.bought("pm_card_createDispute"))
	f := must[*stripego.File](b)(b.upload("packet.pdf", evidenceFile()))
	b.advance(72 * time.Hour)
	back = must[*stripego.Refund](b)(b.refunds.Get(back.ID, nil))
	out := map[string][]string{
		"setup_intents":   {asked.ID},
		"payment_intents": {shopping.ID, waiting.ID, reader.ID, declined.ID, sold.ID},
		"payment_methods": {shopping.PaymentMethod.ID, reader.PaymentMethod.ID},
		"charges":         {shopping.LatestCharge.ID, reader.LatestCharge.ID, declined.LatestCharge.ID, sold.LatestCharge.ID},
		"refunds":         {back.ID}, "disputes": {disputed.ID}, "files": {f.ID}, "customers": {ada.ID},
		"balance_transactions": {sold.LatestCharge.BalanceTransaction.ID, disputed.BalanceTransactions[0].ID},
		"balance":              {""}, "account": {""},
	}
	for list := b.warnings.List(nil); list.Next(); {
		w := list.RadarEarlyFraudWarning()
		out["radar/early_fraud_warnings"] = append(out["radar/early_fraud_warnings"], w.ID)
	}
	for list := b.payouts.List(nil); list.Next(); {
		out["payouts"] = append(out["payouts"], list.Payout().ID)
	}
	return out
}

// The simulator's objects have no field that the SDK of the same API version
// does not know, so that a misspelt one is found without the mock.
func TestObjectsAreTheSDKs(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	paths := story(b)
	for kind, typ := range shapes {
		if len(paths[kind]) == 0 {
			t.Errorf("the story has no %s", kind)
		}
		for _, id := range paths[kind] {
			for _, bad := range unknown(kind, getJSON(t, b.url+"/v1/"+strings.TrimSuffix(kind+"/"+id, "/")), typ) {
				t.Errorf("%s is not in the SDK", bad)
			}
		}
	}
	wrong := map[string]any{"id": "pi_1", "latest_charge": map[string]any{"amuont": 1}}
	if bad := unknown("payment_intents", wrong, shapes["payment_intents"]); len(bad) != 1 {
		t.Errorf("unknown(a misspelt field) = %v, want one", bad)
	}
}

// sdkUnlisted names fields of the wire that the SDK leaves out.
var sdkUnlisted = []string{
	"payment_methods.card.generated_from", "setup_intents.last_setup_error.payment_method.card.generated_from",
	"payment_intents.last_payment_error.payment_method.card.generated_from", "files.links.object",
}

// unknown returns the paths of fields that typ has no place for.
func unknown(path string, v any, typ reflect.Type) []string {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	var bad []string
	if many, ok := v.([]any); ok && typ.Kind() == reflect.Slice {
		for _, one := range many {
			bad = append(bad, unknown(path, one, typ.Elem())...)
		}
	}
	object, ok := v.(map[string]any)
	if !ok || typ.Kind() != reflect.Struct {
		return bad
	}
	fields := map[string]reflect.Type{}
	collect(fields, typ)
	for name, v := range object {
		at := path + "." + name
		inner, ok := fields[name]
		if !ok && !slices.Contains(sdkUnlisted, at) {
			bad = append(bad, at)
		}
		if ok {
			bad = append(bad, unknown(at, v, inner)...)
		}
	}
	return bad
}

// collect lists the fields of a struct, embedded ones included.
func collect(fields map[string]reflect.Type, typ reflect.Type) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Anonymous {
			collect(fields, f.Type)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = f.Type
	}
}

// unlisted names fields that API version 2023-10-16 has (TestObjectsAreTheSDKs
// finds them in the SDK of that version) and the mock's newer examples have
// not: gone since, or of another kind of object than the example's.
var unlisted = strings.Fields(`
	charges.invoice charges.source charges.outcome.risk_level charges.outcome.risk_score
	charges.payment_method_details.card.capture_before charges.payment_method_details.card_present
	disputes.network_reason_code radar/early_fraud_warnings.payment_intent
	payment_intents.invoice payment_intents.source
	payment_intents.last_payment_error.charge payment_intents.last_payment_error.code
	payment_intents.last_payment_error.decline_code payment_intents.last_payment_error.doc_url
	payment_intents.last_payment_error.message payment_intents.last_payment_error.payment_method
	payment_methods.card_present
	refunds.failure_balance_transaction refunds.failure_reason
	refunds.destination_details.card.reference_type refunds.destination_details.card.reference_status
	setup_intents.last_setup_error.code setup_intents.last_setup_error.doc_url
	setup_intents.last_setup_error.message setup_intents.last_setup_error.payment_method`)

// The simulator's objects have no field that Stripe's have not, and each of
// the same type.
func TestObjectsAreStripeMocks(t *testing.T) {
	url := peer.StripeMock(t)
	b := openBank(t, stripesim.Config{})
	seen := 0
	for kind, ids := range story(b) {
		for _, id := range ids {
			path := "/v1/" + strings.TrimSuffix(kind+"/"+id, "/")
			sim, real := getJSON(t, b.url+path), getJSON(t, url+path)
			delete(sim, "latest_charge")
			seen += len(sim)
			for _, bad := range differ(kind, sim, real) {
				t.Error(bad)
			}
		}
	}
	if seen < 400 {
		t.Errorf("%d fields compared, want over 400", seen)
	}
	if bad := differ("x", map[string]any{"a": 1.0, "b": 2.0}, map[string]any{"a": "1"}); len(bad) != 2 {
		t.Errorf("differ(another type, a field too many) = %v, want both", bad)
	}
}

// differ says where sim has what real has not. A null fits any type, and an
// empty object is open.
func differ(path string, sim, real map[string]any) (bad []string) {
	for name, v := range sim {
		at := path + "." + name
		r, ok := real[name]
		switch {
		case slices.Contains(unlisted, at) || strings.HasSuffix(path, ".metadata"):
		case !ok:
			bad = append(bad, at+": Stripe has no such field")
		case v == nil || r == nil:
		case reflect.TypeOf(v) != reflect.TypeOf(r):
			bad = append(bad, fmt.Sprintf("%s is a %T, at Stripe a %T", at, v, r))
		default:
			inner, ok := v.(map[string]any)
			if theirs, _ := r.(map[string]any); ok && len(theirs) > 0 {
				bad = append(bad, differ(at, inner, theirs)...)
			}
		}
	}
	return bad
}

func getJSON(t *testing.T, url string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_test_123")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %d %v, %v", url, res.StatusCode, out, err)
	}
	return out
}
