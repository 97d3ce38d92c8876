package stripesim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(childEnv); file != "" {
		child(file)
	}
	goleak.VerifyTestMain(m)
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// client is a simulator and a plain HTTP client: no SDK stands between.
type client struct {
	testing.TB
	sim *Sim
	url string
	c   *http.Client
}

func openSim(t testing.TB, cfg Config) *client {
	t.Helper()
	cfg.Now = clock
	sim, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	a := &client{TB: t, sim: sim, url: server.URL, c: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	t.Cleanup(func() { a.close(); server.Close() })
	return a
}

func (a *client) close() {
	if err := a.sim.Close(); err != nil {
		a.Error(err)
	}
}

// reply is what came back.
type result struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// code is the status and the error's code, or its type if it has no code.
func (r result) code() string {
	e, _ := r.body["error"].(map[string]any)
	for _, name := range []string{"code", "type"} {
		if v, ok := e[name]; ok {
			return fmt.Sprint(r.status, " ", v)
		}
	}
	return fmt.Sprint(r.status)
}

func (r result) id() string { return fmt.Sprint(r.body["id"]) }

// post sends a form under a key and insists on an answer.
func (a *client) post(path, key, form string) result {
	a.Helper()
	r, err := a.try(http.MethodPost, path, key, form)
	if err != nil {
		a.Fatalf("POST %s = %v", path, err)
	}
	return r
}

func (a *client) get(path string) result {
	a.Helper()
	r, err := a.try(http.MethodGet, path, "", "")
	if err != nil {
		a.Fatalf("GET %s = %v", path, err)
	}
	return r
}

func (a *client) try(method, path, key, form string) (result, error) {
	req, err := http.NewRequest(method, a.url+path, strings.NewReader(form))
	if err != nil {
		return result{}, err
	}
	req.Header.Set("Authorization", "Bearer sk_test_1")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := a.c.Do(req)
	if err != nil {
		return result{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return result{}, err
	}
	r := result{status: res.StatusCode, header: res.Header, raw: string(raw)}
	if err := json.Unmarshal(raw, &r.body); err != nil {
		return r, fmt.Errorf("%s: %w", raw, err)
	}
	return r, nil
}

const hold = "amount=5000&currency=usd&payment_method=pm_card_visa&capture_method=manual&confirm=true" +
	"&off_session=true&metadata[visit]=v1&metadata[op_id]=op1"

func TestKeyReplays(t *testing.T) {
	a := openSim(t, Config{})
	first := a.post("/v1/payment_intents", "k1", hold)
	again := a.post("/v1/payment_intents", "k1", hold)
	if first.status != 200 || again.raw != first.raw {
		t.Errorf("again = %s\nwant %s", again.raw, first.raw)
	}
	if first.header.Get("Idempotent-Replayed") != "" || again.header.Get("Idempotent-Replayed") != "true" ||
		again.header.Get("Original-Request") != first.header.Get("Request-Id") {
		t.Errorf("headers %v and %v, want only the second marked as replayed", first.header, again.header)
	}
	if got := a.post("/v1/payment_intents", "k1", hold+"&description=x").code(); got != "400 idempotency_error" {
		t.Errorf("other parameters = %s, want idempotency_error", got)
	}
	if got := a.post("/v1/payment_intents/"+first.id()+"/capture", "k1", "").code(); got != "400 idempotency_error" {
		t.Errorf("other path = %s, want idempotency_error", got)
	}
	// A request refused for its parameters is not stored.
	bad := strings.Replace(hold, "amount=5000", "amount=x", 1)
	if got := a.post("/v1/payment_intents", "k2", bad).code(); got != "400 parameter_invalid_integer" {
		t.Errorf("amount x = %s", got)
	}
	if r := a.post("/v1/payment_intents", "k2", hold); r.status != 200 {
		t.Errorf("corrected = %s, want 200", r.raw)
	}
	// A decline is, and so is what a 500 said.
	declined := strings.Replace(hold, "pm_card_visa", "pm_card_chargeDeclined", 1)
	for range 2 {
		r := a.post("/v1/payment_intents", "k3", declined)
		if got := r.code(); got != "402 card_declined" {
			t.Errorf("declined = %s", got)
		}
	}
	if v := a.sim.Audit().Visits["v1"]; v.Holds != 2 || v.Declines != 1 || !slices.Equal(v.Doubled, []string{"op1"}) {
		t.Errorf("Audit = %+v, want two holds of one order and one decline", v)
	}
}

// The key of a request under way is busy, and is forgotten after a day.
func TestKeyBusyAndForgotten(t *testing.T) {
	a := openSim(t, Config{})
	a.fault(Fault{Op: "payment_intents.create", Kind: Slow, DelayMS: 1000, Times: 1})
	var slow result
	var wait sync.WaitGroup
	wait.Go(func() { slow = a.post("/v1/payment_intents", "k1", hold) })
	for !a.sim.isBusy("k1") {
		<-time.After(time.Millisecond)
	}
	if got := a.post("/v1/payment_intents", "k1", hold).code(); got != "409 idempotency_key_in_use" {
		t.Errorf("second at the same time = %s, want 409", got)
	}
	wait.Wait()
	if slow.status != 200 {
		t.Fatalf("slow = %s, want 200", slow.raw)
	}
	a.advance(24*time.Hour - time.Second)
	if r := a.post("/v1/payment_intents", "k1", hold); r.id() != slow.id() {
		t.Errorf("a day later, less a second = %s, want %s", r.id(), slow.id())
	}
	a.advance(time.Second)
	if r := a.post("/v1/payment_intents", "k1", hold); r.id() == slow.id() || r.status != 200 {
		t.Errorf("a day later = %s, want another intent", r.raw)
	}
}

func (s *Sim) isBusy(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy[key]
}

func (a *client) fault(f Fault) {
	a.Helper()
	if _, err := a.sim.Fault(f); err != nil {
		a.Fatal(err)
	}
}

func (a *client) advance(d time.Duration) {
	a.Helper()
	if err := a.sim.Advance(d); err != nil {
		a.Fatal(err)
	}
}

// What Stripe refuses, the simulator refuses with the same codes.
func TestRefusals(t *testing.T) {
	a := openSim(t, Config{})
	with := func(old, new string) string { return strings.Replace(hold, old, new, 1) }
	pi := a.post("/v1/payment_intents", "k", hold).id()
	const finer = "invalid_charge_amount_no_decimal_compatible"
	for _, c := range []struct{ path, form, want string }{
		{"/v1/payment_intents", with("amount=5000", "amount=-5"), "400 amount_too_small"},
		{"/v1/payment_intents", with("amount=5000", "amount=49"), "400 amount_too_small"},
		{"/v1/payment_intents", with("amount=5000", "amount=100000000"), "400 amount_too_large"},
		{"/v1/payment_intents", with("amount=5000&", ""), "400 parameter_missing"},
		{"/v1/payment_intents", with("usd", "zz"), "400 invalid_request_error"},
		{"/v1/payment_intents", with("usd", "isk") + "&amount=550", "200"}, // the first amount counts
		{"/v1/payment_intents", with("amount=5000&currency=usd", "amount=550&currency=isk"), "400 " + finer},
		{"/v1/payment_intents", with("amount=5000&currency=usd", "amount=1234&currency=kwd"), "400 " + finer},
		{"/v1/payment_intents", with("confirm=true&", ""), "400 invalid_request_error"},
		{"/v1/payment_intents", with("manual", "sometimes"), "400 invalid_request_error"},
		{"/v1/payment_intents", hold + "&colour=red", "400 parameter_unknown"},
		{"/v1/payment_intents", hold + "&customer=cus_none", "400 resource_missing"},
		{"/v1/payment_intents", with("pm_card_visa", "pm_none"), "400 resource_missing"},
		{"/v1/payment_intents", with("off_session=true&", ""), "200"},
		{"/v1/payment_intents/" + pi + "/capture", "amount_to_capture=5001", "400 amount_too_large"},
		{"/v1/payment_intents/" + pi + "/capture", "amount_to_capture=0", "400 parameter_invalid_integer"},
		{"/v1/payment_intents/" + pi + "/capture", "final_capture=false", "400 invalid_request_error"},
		{"/v1/payment_intents/" + pi + "/confirm", "", "400 payment_intent_unexpected_state"},
		{"/v1/payment_intents/pi_none/capture", "", "404 resource_missing"},
		{"/v1/payment_intents/pi_none/cancel", "", "404 resource_missing"},
		{"/v1/payment_intents/" + pi + "/cancel", "cancellation_reason=rain", "400 invalid_request_error"},
		{"/v1/refunds", "payment_intent=" + pi, "400 payment_intent_unexpected_state"},
		{"/v1/refunds", "", "400 parameter_missing"},
		{"/v1/refunds", "payment_intent=pi_none", "400 resource_missing"},
		{"/v1/subscriptions", "", "404 invalid_request_error"},
		{"/v1/payment_methods/pm_card_chargeDeclined/attach", "customer=cus_none", "400 resource_missing"},
		{"/v1/payment_methods", "type=card&card[number]=1", "402 incorrect_number"},
	} {
		if got := a.post(c.path, "", c.form).code(); got != c.want {
			t.Errorf("POST %s %s = %s, want %s", c.path, c.form, got, c.want)
		}
	}
	if v := a.sim.Audit().Visits["v1"]; v.Captures != 0 || v.Refunds != 0 {
		t.Errorf("Audit = %+v, want nothing captured", v)
	}
	for _, bad := range []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer pk_test_1") },
		func(r *http.Request) { r.Header.Set("Stripe-Version", "2026-08-26.dahlia") },
	} {
		req := httptest.NewRequest(http.MethodGet, "/v1/customers", nil)
		req.Header.Set("Authorization", "Bearer sk_test_1")
		bad(req)
		w := httptest.NewRecorder()
		a.sim.ServeHTTP(w, req)
		if w.Code == http.StatusOK {
			t.Errorf("request with %v = 200, want a refusal", req.Header)
		}
	}
}

// On-session, a card that wants authentication waits for the shopper.
func TestAuthenticationOnSession(t *testing.T) {
	a := openSim(t, Config{})
	form := strings.NewReplacer("&off_session=true", "", "pm_card_visa", "pm_card_authenticationRequired").Replace(hold)
	r := a.post("/v1/payment_intents", "k", form)
	if r.body["status"] != "requires_action" || r.body["next_action"] == nil {
		t.Fatalf("on session = %s, want requires_action", r.raw)
	}
	if r = a.post("/v1/payment_intents/"+r.id()+"/confirm", "c", ""); r.body["status"] != "requires_capture" {
		t.Errorf("after the shopper's answer = %s, want requires_capture", r.raw)
	}
}

// A card may decline once and not again.
func TestDeclineOnUse(t *testing.T) {
	a := openSim(t, Config{})
	cus := a.post("/v1/customers", "c", "name=Ada").id()
	pm := a.post("/v1/payment_methods/"+DeclineOnUse+"2/attach", "m", "customer="+cus).id()
	form := strings.Replace(hold, "pm_card_visa", pm, 1) + "&customer=" + cus
	for n, want := range []int{200, 402, 200} {
		if r := a.post("/v1/payment_intents", fmt.Sprint(n), form); r.status != want {
			t.Errorf("charge %d = %d, want %d", n+1, r.status, want)
		}
	}
	a.fault(Fault{Kind: Decline, Op: "payment_intents.create", Visit: "v1", Code: "lost_card", Times: 1})
	r := a.post("/v1/payment_intents", "lost", form)
	if e, _ := r.body["error"].(map[string]any); e["decline_code"] != "lost_card" {
		t.Errorf("with a fault = %s, want lost_card", r.raw)
	}
}

// Lists are newest first, in pages, filtered by customer and time.
func TestLists(t *testing.T) {
	a := openSim(t, Config{})
	cus := a.post("/v1/customers", "c", "").id()
	var made []string
	for i := range 7 {
		made = append(made, a.post("/v1/payment_intents", fmt.Sprint(i), hold+"&customer="+cus).id())
		a.post("/v1/payment_intents", fmt.Sprint("other", i), hold)
		a.advance(time.Minute)
	}
	slices.Reverse(made)
	var got []string
	for after, more := "", true; more; {
		r := a.get("/v1/payment_intents?limit=3&customer=" + cus + "&starting_after=" + after)
		for _, v := range r.body["data"].([]any) {
			after = fmt.Sprint(v.(map[string]any)["id"])
			got = append(got, after)
		}
		more = r.body["has_more"].(bool)
	}
	if !slices.Equal(got, made) {
		t.Errorf("pages = %v, want %v", got, made)
	}
	since := fmt.Sprintf("&created[gte]=%d&created[lt]=%d", noon.Add(2*time.Minute).Unix(), noon.Add(4*time.Minute).Unix())
	r := a.get("/v1/payment_intents?customer=" + cus + since)
	if data := r.body["data"].([]any); len(data) != 2 || data[0].(map[string]any)["id"] != made[3] {
		t.Errorf("two minutes of intents = %s", r.raw)
	}
	if got := a.get("/v1/payment_intents?limit=101").code(); got != "400 parameter_invalid_integer" {
		t.Errorf("limit 101 = %s", got)
	}
	r = a.get("/v1/payment_intents?limit=2&ending_before=" + made[4] + "&customer=" + cus)
	if data := r.body["data"].([]any); data[0].(map[string]any)["id"] != made[2] || r.body["has_more"] != true {
		t.Errorf("before the fifth = %s, want the third and fourth", r.raw)
	}
}

// A request that is refused half way leaves nothing behind.
func TestRefusedHalfWay(t *testing.T) {
	a := openSim(t, Config{})
	if got := a.post("/v1/customers", "c", "name=Ada&payment_method=pm_card_chargeDeclined").code(); got != "402 card_declined" {
		t.Errorf("customer with a declined card = %s, want 402", got)
	}
	for _, path := range []string{"/v1/customers", "/v1/events"} {
		if r := a.get(path); len(r.body["data"].([]any)) != 0 {
			t.Errorf("GET %s = %s, want nothing", path, r.raw)
		}
	}
}

// Fees and refunds are booked as balance transactions.
func TestBalance(t *testing.T) {
	a := openSim(t, Config{})
	pi := a.post("/v1/payment_intents", "h", hold).id()
	a.post("/v1/payment_intents/"+pi+"/capture", "c", "amount_to_capture=1290")
	a.post("/v1/refunds", "r", "payment_intent="+pi+"&amount=310")
	data := a.get("/v1/balance_transactions").body["data"].([]any)
	var got []string
	for _, v := range data {
		b := v.(map[string]any)
		got = append(got, fmt.Sprintf("%v %v fee %v net %v", b["type"], b["amount"], b["fee"], b["net"]))
	}
	// 2.9 % of 12.90 is 37.41 cents, and 30 on top.
	want := []string{"refund -310 fee 0 net -310", "charge 1290 fee 67 net 1223"}
	if !slices.Equal(got, want) {
		t.Errorf("balance transactions = %v, want %v", got, want)
	}
}

// One story told twice from one seed has the same ids, however its goroutines
// are scheduled.
func TestSameSeedSameIDs(t *testing.T) {
	story := func(seed uint64) []string {
		a := openSim(t, Config{Seed: seed})
		ids := make([]string, 8)
		var wait sync.WaitGroup
		for i := range ids {
			wait.Go(func() {
				ids[i] = a.post("/v1/payment_intents", fmt.Sprint("k", i), hold).id()
			})
		}
		wait.Wait()
		return ids
	}
	one, two, other := story(1), story(1), story(2)
	if !slices.Equal(one, two) || slices.Equal(one, other) {
		t.Errorf("ids %v and %v of one seed, %v of another", one, two, other)
	}
}

// The clock goes one way.
func TestClock(t *testing.T) {
	a := openSim(t, Config{})
	if err := a.sim.Advance(-time.Second); !errors.Is(err, ErrClock) {
		t.Errorf("Advance(-1s) = %v, want %v", err, ErrClock)
	}
	a.advance(time.Hour)
	if got := a.sim.Now(); !got.Equal(noon.Add(time.Hour)) {
		t.Errorf("Now = %s, want an hour later", got)
	}
	if _, err := Open(Config{}); !errors.Is(err, ErrConfig) {
		t.Errorf("Open without a clock = %v, want %v", err, ErrConfig)
	}
	if _, err := Open(Config{Now: clock, WebhookURL: "http://127.0.0.1:1"}); !errors.Is(err, ErrConfig) {
		t.Errorf("Open without a webhook secret = %v, want %v", err, ErrConfig)
	}
}
