package stripe

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/provider"
)

// stripeMock starts Stripe's own stateless mock, which checks the names and
// types of parameters against Stripe's specification, and nothing else.
func stripeMock(t *testing.T) string {
	t.Helper()
	name := os.Getenv("VOUCH_STRIPE_MOCK")
	if name == "" {
		name = "stripe-mock"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("stripe-mock is neither named by VOUCH_STRIPE_MOCK nor on PATH: " +
			"go install github.com/stripe/stripe-mock@v0.203.0")
	}
	// Without both addresses it opens one of its own on every interface.
	plain, tls := freeAddr(t), freeAddr(t)
	cmd := exec.CommandContext(t.Context(), path, "-http-addr", plain, "-https-addr", tls)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
	})
	for range 200 {
		c, err := net.DialTimeout("tcp", plain, time.Second)
		if err == nil {
			_ = c.Close()
			return "http://" + plain
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatal("stripe-mock did not open its port")
	return ""
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Every request the gateway makes is of a form that Stripe's specification
// allows: the mock refuses unknown and missing parameters.
func TestRequestsAgainstStripeMock(t *testing.T) {
	url := stripeMock(t)
	g, err := New(Config{SecretKey: "sk_test_123", URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	s := &shop{T: t, gateway: g}
	card, code, err := g.Enrol(t.Context(), Enrolment{Key: "k", Shopper: "ada", PaymentMethod: "pm_card_visa"})
	if err != nil || code != "" || card.Customer == "" || card.Last4 == "" {
		t.Errorf("Enrol = %+v, %q, %v, want a card", card, code, err)
	}
	for _, op := range []billing.Op{billing.OpHold, billing.OpCapture, billing.OpRelease} {
		o := billing.Order{
			Op: op, ID: "1", Key: "k" + string(op), Visit: "v", Store: "s", Amount: usd(5000), Customer: "cus_1",
			PaymentMethod: "pm_card_visa", Object: "pi_1", First: noon,
		}
		out, err := s.send(t.Context(), o)
		found, findErr := g.Find(t.Context(), o)
		// The mock's intent never gets beyond requires_payment_method.
		unfinished := (err == nil && out.Status == billing.Declined && strings.HasPrefix(out.Object, "pi_")) ||
			(op == billing.OpRelease && err != nil)
		if !unfinished || findErr != nil {
			t.Errorf("%s = %+v, %v; Find = %+v, %v, want an unfinished intent", op, out, err, found, findErr)
		}
	}
	out, err := g.Refund(t.Context(), billing.Order{
		Op: billing.OpRefund, ID: "1", Key: "r", Visit: "v", Store: "s", Amount: usd(100), Object: "pi_1",
	})
	if err != nil || out.Status != billing.Done {
		t.Errorf("Refund = %+v, %v, want done", out, err)
	}
	s.claimsAgainstTheMock(g)
	// The mock can refuse: this gateway call names a parameter of another kind.
	amount := int64(1)
	_, err = g.refunds.New(&stripego.RefundParams{Amount: &amount, Reason: stripego.String("no_such_reason")})
	if err == nil {
		t.Error("the mock took a refund for no_such_reason")
	}
	if p, err := g.Fetch(t.Context(), "pi_1"); err != nil || p.Object != "pi_1" {
		t.Errorf("Fetch = %+v, %v, want pi_1", p, err)
	}
}

// claimsAgainstTheMock makes every request about claims, lists and accounts.
func (s *shop) claimsAgainstTheMock(g *Gateway) {
	s.Helper()
	ctx := s.Context()
	e := provider.Evidence{
		Product: "p", Access: "a", ServiceDate: "2026-11-23", RefundRefusal: "r", Duplicate: "d", Summary: "s", File: "file_1",
		Receipt: "file_2",
	}
	if c, err := g.Chargeback(ctx, "dp_1"); err != nil || c.ID != "dp_1" {
		s.Errorf("Chargeback = %+v, %v", c, err)
	}
	if w, err := g.Warning(ctx, "issfr_1"); err != nil || w.ID != "issfr_1" {
		s.Errorf("Warning = %+v, %v", w, err)
	}
	if id, err := g.Upload(ctx, "k", "evidence.pdf", []byte(pdf)); err != nil || id == "" {
		s.Errorf("Upload = %q, %v", id, err)
	}
	for name, err := range map[string]error{
		"Stage": g.Stage(ctx, "dp_1", "v", "sha256:x", e), "Submit": g.Submit(ctx, "dp_1", "k2", "op", e),
		"Accept": g.Accept(ctx, "dp_1", "k3"),
	} {
		if err != nil {
			s.Errorf("%s = %v", name, err)
		}
	}
	if a, err := g.Account(ctx); err != nil || a.ID == "" {
		s.Errorf("Account = %+v, %v", a, err)
	}
	for _, err := range g.Chargebacks(ctx, noon) {
		s.listed("Chargebacks", err)
	}
	for _, err := range g.Warnings(ctx, noon) {
		s.listed("Warnings", err)
	}
	for _, err := range g.Changes(ctx, noon) {
		s.listed("Changes", err)
	}
	for _, err := range g.Payments(ctx, noon) {
		s.listed("Payments", err)
	}
}

func (s *shop) listed(what string, err error) {
	s.Helper()
	if err != nil {
		s.Errorf("%s = %v", what, err)
	}
}

// unlisted names fields that API version 2023-10-16 has (TestSimulatorFields
// finds them in the SDK of that version) and the mock's newer examples have
// not.
var unlisted = []string{
	"charge.invoice", "payment_intent.invoice", "payment_intent.source", "charge.source", "charge.outcome.risk_level",
	"charge.outcome.risk_score",
	"refund.destination_details.card.reference_type", "refund.destination_details.card.reference_status",
}

// The simulator's objects have no field that Stripe's have not, and each of
// the same type.
func TestSimulatorAgainstStripeMock(t *testing.T) {
	url := stripeMock(t)
	s := open(t)
	seen := 0
	for kind, sim := range s.objects() {
		real := getJSON(t, url+"/v1/"+kind+"s/"+fmt.Sprint(sim["id"]))
		delete(sim, "latest_charge")
		seen += len(sim)
		compare(t, kind, sim, real)
	}
	if seen < 100 {
		t.Errorf("%d fields compared, want over 100", seen)
	}
}

// objects makes one visit and returns what the simulator then has of each kind.
func (s *shop) objects() map[string]map[string]any {
	s.Helper()
	pi := s.held("v1")
	s.want(s.order("v1", billing.OpCapture, usd(1290), pi), billing.Done, "")
	re := s.want(s.order("v1", billing.OpRefund, usd(310), pi), billing.Done, "").Object
	base := s.server.URL + "/v1/"
	intent := getJSON(s.T, base+"payment_intents/"+pi+"?expand[]=latest_charge")
	ch, _ := intent["latest_charge"].(map[string]any)
	return map[string]map[string]any{
		"payment_intent":      intent,
		"charge":              ch,
		"refund":              getJSON(s.T, base+"refunds/"+re),
		"customer":            getJSON(s.T, base+"customers/"+s.card.Customer),
		"payment_method":      getJSON(s.T, base+"payment_methods/"+s.card.PaymentMethod),
		"balance_transaction": getJSON(s.T, fmt.Sprintf("%sbalance_transactions/%s", base, ch["balance_transaction"])),
	}
}

// The simulator's objects have no field that the SDK of the same API version
// does not know, so that a misspelt one is found without the mock.
func TestSimulatorFields(t *testing.T) {
	types := map[string]reflect.Type{
		"payment_intent": reflect.TypeFor[stripego.PaymentIntent](), "charge": reflect.TypeFor[stripego.Charge](),
		"refund": reflect.TypeFor[stripego.Refund](), "customer": reflect.TypeFor[stripego.Customer](),
		"payment_method":      reflect.TypeFor[stripego.PaymentMethod](),
		"balance_transaction": reflect.TypeFor[stripego.BalanceTransaction](),
	}
	for kind, object := range open(t).objects() {
		for _, bad := range unknown(kind, object, types[kind]) {
			t.Errorf("%s is not in the SDK", bad)
		}
	}
	wrong := map[string]any{"id": "pi_1", "latest_charge": map[string]any{"amuont": 1}}
	if bad := unknown("payment_intent", wrong, types["payment_intent"]); len(bad) != 1 {
		t.Errorf("unknown(a misspelt field) = %v, want one", bad)
	}
}

// sdkUnlisted names fields of the wire that the SDK leaves out.
var sdkUnlisted = []string{"payment_method.card.generated_from"}

// unknown returns the paths of fields that typ has no place for.
func unknown(path string, object map[string]any, typ reflect.Type) []string {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return nil
	}
	fields := map[string]reflect.Type{}
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		fields[name] = typ.Field(i).Type
	}
	var bad []string
	for name, v := range object {
		at := path + "." + name
		inner, ok := fields[name]
		if !ok && !slices.Contains(sdkUnlisted, at) {
			bad = append(bad, at)
		}
		if m, isMap := v.(map[string]any); ok && isMap {
			bad = append(bad, unknown(at, m, inner)...)
		}
	}
	return bad
}

// compare checks names and types. A null on either side has no type, and an
// empty object is open.
func compare(t *testing.T, path string, sim, real map[string]any) {
	t.Helper()
	for name, v := range sim {
		at := path + "." + name
		r, ok := real[name]
		switch {
		case slices.Contains(unlisted, at) || strings.HasSuffix(path, ".metadata"):
		case !ok:
			t.Errorf("%s: Stripe has no such field", at)
		case v == nil || r == nil:
		case reflect.TypeOf(v) != reflect.TypeOf(r):
			t.Errorf("%s is a %T, at Stripe a %T", at, v, r)
		default:
			inner, ok := v.(map[string]any)
			if theirs, _ := r.(map[string]any); ok && len(theirs) > 0 {
				compare(t, at, inner, theirs)
			}
		}
	}
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
