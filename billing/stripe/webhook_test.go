package stripe

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/stripesim"
)

const secret = "whsec_trial"

func webhooks(t *testing.T, now time.Time, secrets ...string) *Webhooks {
	t.Helper()
	w, err := NewWebhooks(false, func() time.Time { return now }, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// inbox is a shop's webhook endpoint.
type inbox struct {
	*Webhooks
	mu      sync.Mutex
	notices []Notice
	errs    []error
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	n, err := in.ParseWebhook(body, r.Header.Get("Stripe-Signature"))
	in.mu.Lock()
	defer in.mu.Unlock()
	if err != nil {
		in.errs = append(in.errs, err)
	}
	if err != nil && !errors.Is(err, ErrVersion) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	in.notices = append(in.notices, n)
}

// listen opens an endpoint and points the shop's Stripe at it.
func (s *shop) listen() *inbox {
	in := &inbox{Webhooks: webhooks(s.T, noon, secret)}
	server := httptest.NewServer(in)
	s.Cleanup(server.Close)
	if err := s.sim.SetWebhook(server.URL, secret); err != nil {
		s.Fatal(err)
	}
	return in
}

// types waits for all deliveries and returns what came, in order.
func (s *shop) types(in *inbox) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 2*time.Minute)
	defer cancel()
	if err := s.sim.Flush(ctx); err != nil {
		s.Fatal(err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	var all []string
	for _, n := range in.notices {
		all = append(all, n.Type)
	}
	return strings.Join(all, " ")
}

// Every step of a charge is announced, in order, and each notice leads to the
// payment as it is now, whatever it said itself.
func TestWebhooksOfACharge(t *testing.T) {
	s := open(t)
	in := s.listen()
	pi := s.held("v1")
	s.want(s.order("v1", billing.OpCapture, usd(1290), pi), billing.Done, "")
	s.want(s.order("v1", billing.OpRefund, usd(310), pi), billing.Done, "")
	want := "payment_intent.created charge.succeeded payment_intent.amount_capturable_updated " +
		"charge.captured payment_intent.succeeded charge.refunded refund.created"
	if got := s.types(in); got != want {
		t.Errorf("webhooks = %s\nwant %s", got, want)
	}
	for _, n := range in.notices {
		p, err := s.gateway.Fetch(t.Context(), n.Object)
		if err != nil || p.Captured != usd(1290) || p.Refunded != usd(310) || n.Intent != pi || n.EventID == "" {
			t.Errorf("Fetch(%s) after %+v = %+v, %v, want the payment as it is now", n.Object, n, p, err)
		}
	}
}

// The network repeats, swaps, loses and spoils webhooks.
func TestWebhookFaults(t *testing.T) {
	s := open(t)
	in := s.listen()
	s.fault(stripesim.Fault{Op: "charge.succeeded", Kind: stripesim.Duplicate, Count: 4})
	s.fault(stripesim.Fault{Op: "charge.captured", Kind: stripesim.Reorder})
	s.fault(stripesim.Fault{Op: "payment_intent.created", Kind: stripesim.Lose})
	s.fault(stripesim.Fault{Op: "refund.created", Kind: stripesim.WrongVersion})
	s.fault(stripesim.Fault{Op: "charge.refunded", Kind: stripesim.Delay, DelayMS: 100})
	pi := s.held("v1")
	s.want(s.order("v1", billing.OpCapture, usd(1290), pi), billing.Done, "")
	s.want(s.order("v1", billing.OpRefund, usd(310), pi), billing.Done, "")
	want := strings.Repeat("charge.succeeded ", 5) + "payment_intent.amount_capturable_updated " +
		"payment_intent.succeeded charge.captured refund.created charge.refunded"
	if got := s.types(in); got != want {
		t.Errorf("webhooks = %s\nwant %s", got, want)
	}
	ids := map[string]int{}
	for _, n := range in.notices {
		ids[n.EventID]++
	}
	if len(ids) != len(in.notices)-4 {
		t.Errorf("%d event ids of %d notices, want each of the five the same", len(ids), len(in.notices))
	}
	var v *VersionError
	if len(in.errs) != 1 || !errors.As(in.errs[0], &v) || v.Got != "2020-08-27" {
		t.Errorf("errors = %v, want one of another version", in.errs)
	}
}

// A webhook signed with another secret is refused, and comes again until
// Stripe gives up.
func TestWebhookWrongSignature(t *testing.T) {
	s := open(t, func(c *stripesim.Config, _ *Config) {
		c.WebhookRetries = []time.Duration{time.Millisecond, time.Millisecond}
	})
	in := s.listen()
	s.fault(stripesim.Fault{Op: "charge.succeeded", Kind: stripesim.WrongSignature})
	s.held("v1")
	if got := s.types(in); strings.Contains(got, "charge.succeeded") || len(in.errs) != 3 {
		t.Errorf("webhooks = %s with %d refusals, want no charge.succeeded and 3", got, len(in.errs))
	}
	for _, err := range in.errs {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("refusal = %v, want %v", err, ErrSignature)
		}
	}
}

// TestParseWebhook signs by hand and bends one thing at a time.
func TestParseWebhook(t *testing.T) {
	body := []byte(`{"id":"evt_1","object":"event","type":"charge.captured","livemode":false,"created":1,` +
		`"api_version":"2023-10-16","data":{"object":{"id":"ch_1","object":"charge","payment_intent":"pi_1"}}}`)
	signed := func(age time.Duration, by string) string { return stripesim.Sign(body, by, noon.Add(-age)) }
	both := strings.Replace(signed(0, "whsec_old"), ",", ","+strings.Split(signed(0, secret), ",")[1]+",", 1)
	for _, c := range []struct {
		name, header string
		body         string
		err          error
	}{
		{"now", signed(0, secret), "", nil},
		{"300 s old", signed(300*time.Second, secret), "", nil},
		{"301 s old", signed(301*time.Second, secret), "", ErrTimestamp},
		{"60 s ahead", signed(-60*time.Second, secret), "", nil},
		{"61 s ahead", signed(-61*time.Second, secret), "", ErrTimestamp},
		{"ten years ahead", signed(-87600*time.Hour, secret), "", ErrTimestamp},
		{"another secret", signed(0, "whsec_other"), "", ErrSignature},
		{"empty secret", signed(0, ""), "", ErrSignature},
		{"two secrets", both, "", nil},
		{"no header", "", "", ErrSignature},
		{"no signature", "t=1764072000", "", ErrSignature},
		{"changed body", signed(0, secret), strings.Replace(string(body), "pi_1", "pi_2", 1), ErrSignature},
	} {
		if c.body == "" {
			c.body = string(body)
		}
		n, err := webhooks(t, noon, secret).ParseWebhook([]byte(c.body), c.header)
		if !errors.Is(err, c.err) {
			t.Errorf("ParseWebhook %s = %v, want %v", c.name, err, c.err)
		}
		want := Notice{
			EventID: "evt_1", Type: "charge.captured", Object: "ch_1", Intent: "pi_1", Created: time.Unix(1, 0).UTC(),
		}
		if err == nil && n != want {
			t.Errorf("ParseWebhook %s = %+v, want %+v", c.name, n, want)
		}
		if err != nil && n != (Notice{}) {
			t.Errorf("ParseWebhook %s = %+v beside an error, want nothing", c.name, n)
		}
	}
	live, err := NewWebhooks(true, func() time.Time { return noon }, "whsec_new", secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := live.ParseWebhook(body, signed(0, secret)); !errors.Is(err, ErrLivemode) {
		t.Errorf("ParseWebhook of a test event in live mode = %v, want %v", err, ErrLivemode)
	}
	for _, secrets := range [][]string{nil, {""}, {secret, " "}} {
		if _, err := NewWebhooks(false, func() time.Time { return noon }, secrets...); !errors.Is(err, ErrConfig) {
			t.Errorf("NewWebhooks(%q) = %v, want %v", secrets, err, ErrConfig)
		}
	}
}
