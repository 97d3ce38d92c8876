package stripe

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/ledger/money"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when every story begins.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// shop is a shop with an account at a simulated Stripe, over real HTTP.
type shop struct {
	*testing.T
	sim     *stripesim.Sim
	server  *httptest.Server
	gateway *Gateway
	card    Card
}

// open opens a shop with one enrolled shopper.
func open(t *testing.T, set ...func(*stripesim.Config, *Config)) *shop {
	t.Helper()
	simCfg := stripesim.Config{Now: func() time.Time { return noon }, Seed: 7}
	cfg := Config{SecretKey: "sk_test_vouch", Timeout: 5 * time.Second}
	for _, f := range set {
		f(&simCfg, &cfg)
	}
	sim, err := stripesim.Open(simCfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	// On a connection that was used before, Go's own transport sends a request
	// with a key again, before the gateway hears of it.
	server.Config.SetKeepAlivesEnabled(false)
	cfg.URL = server.URL
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	s := &shop{T: t, sim: sim, server: server, gateway: g}
	s.card = s.enrol("pm_card_visa")
	return s
}

func (s *shop) enrol(method string) Card {
	s.Helper()
	ada := Enrolment{Key: "enrol/" + method, Shopper: "ada", PaymentMethod: method}
	card, code, err := s.gateway.Enrol(s.Context(), ada)
	if err != nil || code != "" {
		s.Fatalf("Enrol(%s) = %q, %v", method, code, err)
	}
	return card
}

// fault makes the next matching requests go wrong.
func (s *shop) fault(f stripesim.Fault) {
	s.Helper()
	if _, err := s.sim.Fault(f); err != nil {
		s.Fatal(err)
	}
}

func usd(minor int64) money.Money { return money.Money{Minor: minor, Currency: "USD"} }

// order is the order op of the visit, with everything frozen.
func (s *shop) order(visit string, op billing.Op, amount money.Money, object string) billing.Order {
	return billing.Order{
		Op: op, ID: fmt.Sprintf("%s-%s-1", visit, op), Key: fmt.Sprintf("w1/test/%s/%s/1", visit, op),
		Visit: visit, Store: "store-1", Amount: amount, Customer: s.card.Customer, PaymentMethod: s.card.PaymentMethod,
		Object: object, First: s.sim.Now(), Adjustable: op == billing.OpHold,
	}
}

// send sends an order.
func (s *shop) send(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	switch o.Op {
	case billing.OpHold:
		return s.gateway.Hold(ctx, o)
	case billing.OpCapture:
		return s.gateway.Capture(ctx, o)
	case billing.OpRelease:
		return s.gateway.Release(ctx, o)
	case billing.OpIncrement:
		return s.gateway.Increment(ctx, o)
	case billing.OpCharge:
		return s.gateway.Charge(ctx, o)
	default:
		return s.gateway.Refund(ctx, o)
	}
}

// want sends an order that must have the given end.
func (s *shop) want(o billing.Order, status billing.Status, code string) billing.Outcome {
	s.Helper()
	out, err := s.send(s.Context(), o)
	if err != nil || out.Status != status || out.Code != code {
		s.Fatalf("%s(%s) = %+v, %v, want %s %q", o.Op, o.ID, out, err, status, code)
	}
	return out
}

// held is a visit with a hold of 50 dollars.
func (s *shop) held(visit string) string {
	s.Helper()
	return s.want(s.order(visit, billing.OpHold, usd(5000), ""), billing.Done, "").Object
}

// audit compares what really happened with want; the visit's name, currency
// and doubled orders are filled in.
func (s *shop) audit(visit string, want stripesim.VisitAudit) {
	s.Helper()
	want.Visit, want.Currency = visit, "usd"
	got := s.sim.Audit().Visits[visit]
	if len(got.Doubled) > 0 {
		s.Errorf("visit %s: orders carried out twice: %v", visit, got.Doubled)
	}
	got.Doubled = nil
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("Audit(%s) = %+v\nwant %+v", visit, got, want)
	}
}
