package stripe

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/stripesim"
)

// An order that lacks something is refused before it is sent.
func TestBadOrders(t *testing.T) {
	s := open(t)
	sent := s.sim.Audit().Requests
	good := s.order("v1", billing.OpHold, usd(5000), "")
	for name, spoil := range map[string]func(*billing.Order){
		"no key":         func(o *billing.Order) { o.Key = "" },
		"long key":       func(o *billing.Order) { o.Key = strings.Repeat("k", 256) },
		"no id":          func(o *billing.Order) { o.ID = "" },
		"no visit":       func(o *billing.Order) { o.Visit = "" },
		"no customer":    func(o *billing.Order) { o.Customer = "" },
		"no card":        func(o *billing.Order) { o.PaymentMethod = "" },
		"nothing":        func(o *billing.Order) { o.Amount.Minor = 0 },
		"negative":       func(o *billing.Order) { o.Amount.Minor = -5 },
		"nine digits":    func(o *billing.Order) { o.Amount.Minor = 100_000_000 },
		"no currency":    func(o *billing.Order) { o.Amount.Currency = "" },
		"other currency": func(o *billing.Order) { o.Amount.Currency = "ZZZ" },
		"another kind":   func(o *billing.Order) { o.Op = billing.OpRefund },
	} {
		o := good
		spoil(&o)
		if _, err := s.gateway.Hold(t.Context(), o); !errors.Is(err, ErrOrder) {
			t.Errorf("Hold with %s = %v, want %v", name, err, ErrOrder)
		}
	}
	for _, op := range []billing.Op{billing.OpCapture, billing.OpRelease, billing.OpRefund} {
		if _, err := s.send(t.Context(), s.order("v1", op, usd(100), "cus_1")); !errors.Is(err, ErrOrder) {
			t.Errorf("%s of no intent = %v, want %v", op, err, ErrOrder)
		}
	}
	forgotten := good
	forgotten.First = time.Time{}
	if _, err := s.gateway.Find(t.Context(), forgotten); !errors.Is(err, ErrOrder) {
		t.Errorf("Find without a time = %v, want %v", err, ErrOrder)
	}
	if got := s.sim.Audit().Requests; got != sent {
		t.Errorf("%d requests were sent, want none", got-sent)
	}
}

// Keys and addresses that would mix test and real money are refused.
func TestConfig(t *testing.T) {
	for _, cfg := range []Config{
		{},
		{SecretKey: "pk_test_x"},
		{SecretKey: "sk_x"},
		{SecretKey: "sk_test_x", URL: "stripe.test"},
		{SecretKey: "sk_live_x", URL: "http://127.0.0.1:1"},
		{SecretKey: "sk_test_x", Timeout: -1},
	} {
		if _, err := New(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("New(%+v) = %v, want %v", cfg, err, ErrConfig)
		}
	}
	g, err := New(Config{SecretKey: "rk_live_x"})
	if err != nil || !g.Livemode() {
		t.Fatalf("New of a live key = %v, live %t, want live", err, g.Livemode())
	}
	// The SDK would send uploads to the API's host, were the two configured
	// together.
	for b, want := range map[stripego.Backend]string{
		g.backends.API: "https://api.stripe.com", g.backends.Uploads: "https://files.stripe.com",
	} {
		impl, ok := b.(*stripego.BackendImplementation)
		if !ok || impl.URL != want || impl.MaxNetworkRetries != 0 {
			t.Errorf("backend = %+v, want %s without retries", b, want)
		}
	}
}

// A test key that meets real money stops.
func TestLivemode(t *testing.T) {
	sim, err := stripesim.Open(stripesim.Config{Now: func() time.Time { return noon }, Livemode: true})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	g, err := New(Config{SecretKey: "sk_test_x", Transport: sim.Transport(), URL: "http://stripe.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	ada := Enrolment{Key: "k", Shopper: "ada", PaymentMethod: "pm_card_visa"}
	if _, _, err := g.Enrol(t.Context(), ada); !errors.Is(err, ErrLivemode) {
		t.Errorf("Enrol = %v, want %v", err, ErrLivemode)
	}
}

// A key that Stripe does not know is the operator's business.
func TestCredentials(t *testing.T) {
	s := open(t)
	sim, err := stripesim.Open(stripesim.Config{Now: func() time.Time { return noon }, SecretKey: "sk_test_right"})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	g, err := New(Config{SecretKey: "sk_test_wrong", Transport: sim.Transport(), URL: "http://stripe.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.Hold(t.Context(), s.order("v1", billing.OpHold, usd(5000), ""))
	if !errors.Is(err, ErrCredentials) || strings.Contains(err.Error(), "sk_test") {
		t.Errorf("Hold = %v, want %v without the key", err, ErrCredentials)
	}
}

// answering is a transport that gives one answer to everything.
type answering struct {
	status int
	body   string
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r,
	}, nil
}

// An answer that is not Stripe's decides nothing, and nothing of it gets into
// logs.
func TestStrangeAnswers(t *testing.T) {
	s := open(t)
	o := s.order("v1", billing.OpHold, usd(5000), "")
	for _, a := range []answering{
		{200, `{"id":"pi_1","client_secret":"pi_1_secret_x"`},
		{200, `<html>pi_1_secret_x</html>`},
		{200, `{"id":"pi_1","client_secret":"pi_1_secret_x","currency":"usd","status":"dreaming"}`},
		{302, ``},
		{502, `<html>pi_1_secret_x</html>`},
		{402, `{"message":"pi_1_secret_x"}`},
		{418, `{"error":{"type":"api_error","message":"pi_1_secret_x"}}`},
	} {
		g, err := New(Config{SecretKey: "sk_test_x", Transport: a, URL: "http://stripe.invalid"})
		if err != nil {
			t.Fatal(err)
		}
		out, err := g.Hold(t.Context(), o)
		if !errors.Is(err, ErrUnknownOutcome) || out != (billing.Outcome{}) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Hold answered %d %s = %+v, %v, want %v without the body", a.status, a.body, out, err, ErrUnknownOutcome)
		}
	}
}
