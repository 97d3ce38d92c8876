package stripesim

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// lists are the paths of all that an account has.
var lists = []string{
	"customers", "payment_intents", "setup_intents", "charges", "refunds", "disputes", "radar/early_fraud_warnings",
	"files", "balance_transactions", "payouts", "events", "balance",
}

// everything is the whole account, as a client sees it.
func (a *client) everything() map[string]string {
	a.Helper()
	out := map[string]string{}
	for _, name := range lists {
		path := "/v1/" + name
		if name != "balance" {
			path += "?limit=100"
		}
		out[name] = a.get(path).raw
	}
	return out
}

// inProcess is a simulator without a socket, so that no address differs.
func inProcess(t *testing.T, cfg Config) *client {
	t.Helper()
	cfg.Now = clock
	sim, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	a := &client{TB: t, sim: sim, url: "http://sim", c: &http.Client{Transport: sim.Transport()}}
	t.Cleanup(a.close)
	return a
}

// busyDay leaves something unfinished of every kind.
func (a *client) busyDay() {
	a.Helper()
	buy := func(key, method string) string {
		pi := a.post("/v1/payment_intents", key, strings.Replace(hold, "pm_card_visa", method, 1)).id()
		if r := a.post("/v1/payment_intents/"+pi+"/capture", key+"/c", ""); r.status != http.StatusOK {
			a.Fatalf("capture = %s", r.raw)
		}
		return pi
	}
	buy("b3", "pm_card_createDispute")
	buy("b4", "pm_card_createDisputeInquiry")
	a.advance(3 * 24 * time.Hour) // a payout is under way
	open := a.post("/v1/payment_intents", "open", hold+flexible).id()
	a.post("/v1/payment_intents/"+open+"/increment_authorization", "more", "amount=6000&metadata[op_id]=more")
	a.post("/v1/payment_intents/"+open+"/capture", "part", "amount_to_capture=1000&final_capture=false")
	asking := strings.NewReplacer("&off_session=true", "", "pm_card_visa", "pm_card_authenticationRequired").Replace(hold)
	a.post("/v1/payment_intents", "asked", asking)
	a.post("/v1/setup_intents", "setup", "payment_method=pm_card_authenticationRequired&confirm=true")
	a.post("/v1/refunds", "slow", "payment_intent="+buy("b1", "pm_card_pendingRefund")+"&amount=10")
	a.post("/v1/refunds", "bad", "payment_intent="+buy("b2", "pm_card_refundFail")+"&amount=20")
	buy("b5", "pm_card_createIssuerFraudRecord")
	for range 3 {
		a.post("/v1/payment_intents", "", strings.Replace(hold, "pm_card_visa", DeclineWith+"lost_card", 1))
	}
	if _, err := a.sim.Warn(buy("b6", "pm_card_visa"), ""); err != nil {
		a.Fatal(err)
	}
	buy("b7", "pm_card_visa")
	a.post("/v1/payouts", "manual", "amount=100&currency=usd")
}

// What is unfinished when the simulator dies is finished by the next, and not
// otherwise than it would have been: both accounts stay the same to the byte.
func TestRestartChangesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stripe.jsonl")
	a := inProcess(t, Config{Data: file, Seed: 9})
	a.busyDay()
	left, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.jsonl")
	if err := os.WriteFile(copied, left, 0o600); err != nil {
		t.Fatal(err)
	}
	b := inProcess(t, Config{Data: copied, Seed: 9})
	before := a.everything()
	same := func(when string) {
		t.Helper()
		one, two := a.everything(), b.everything()
		for _, name := range lists {
			if one[name] != two[name] {
				t.Errorf("%s, %s = %s\nafter a restart %s", when, name, one[name], two[name])
			}
		}
	}
	same("at once")
	for range 5 {
		a.advance(5 * 24 * time.Hour)
		b.advance(5 * 24 * time.Hour)
		same(a.sim.Now().Format(time.DateOnly))
	}
	after := a.everything()
	for _, name := range []string{"payment_intents", "setup_intents", "refunds", "disputes", "payouts", "balance"} {
		if before[name] == after[name] {
			t.Errorf("25 days have changed no %s: the story has nothing unfinished", name)
		}
	}
	if kinds := slices.Compact(slices.Sorted(slices.Values(a.kinds()))); len(kinds) < 20 {
		t.Errorf("events of %d types, want over 20: %v", len(kinds), kinds)
	}
}

// kinds are the types of all events.
func (a *client) kinds() (kinds []string) {
	for _, e := range a.sim.Look("events", 1000) {
		kinds = append(kinds, e["type"].(string))
	}
	return kinds
}
