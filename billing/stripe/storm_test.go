package stripe

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/stripesim"
)

// storm sends visits through hold, capture and refund while three answers of
// ten are lost and one request of ten never arrives; keyed says what key the
// n-th try of an order is sent with.
func storm(t *testing.T, visits int, keyed func(key string, try int) string) stripesim.Audit {
	t.Helper()
	sim, err := stripesim.Open(stripesim.Config{Now: func() time.Time { return noon }, Seed: 11})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	g, err := New(Config{SecretKey: "sk_test_x", Transport: sim.Transport(), URL: "http://stripe.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{T: t, sim: sim, gateway: g}
	s.card = s.enrol("pm_card_visa")
	s.fault(stripesim.Fault{Kind: stripesim.DropAfter, Probability: 0.3})
	s.fault(stripesim.Fault{Kind: stripesim.DropBefore, Probability: 0.1})
	until := func(o billing.Order) string {
		for try := range 50 {
			again := o
			again.Key = keyed(o.Key, try)
			out, err := s.send(t.Context(), again)
			if err == nil {
				return out.Object
			}
			if errors.Is(err, ErrMismatch) {
				return o.Object // somebody has to look; the audit will tell
			}
			if !errors.Is(err, ErrUnknownOutcome) {
				t.Errorf("%s = %v, want %v", o.ID, err, ErrUnknownOutcome)
			}
		}
		t.Errorf("%s was never answered", o.ID)
		return "pi_none"
	}
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for n := worker; n < visits; n += 8 {
				visit := fmt.Sprint("v", n)
				pi := until(s.order(visit, billing.OpHold, usd(5000), ""))
				until(s.order(visit, billing.OpCapture, usd(1290), pi))
				until(s.order(visit, billing.OpRefund, usd(310), pi))
			}
		})
	}
	wait.Wait()
	return sim.Audit()
}

// In a storm of lost answers, frozen keys settle every visit exactly once.
func TestStorm(t *testing.T) {
	const visits = 300
	a := storm(t, visits, func(key string, _ int) string { return key })
	if len(a.Visits) != visits || len(a.Doubled) > 0 {
		t.Errorf("%d visits, doubled %v, want %d and none", len(a.Visits), a.Doubled, visits)
	}
	for _, v := range a.Visits {
		want := stripesim.VisitAudit{
			Visit: v.Visit, Currency: "usd", Holds: 1, Captures: 1, Refunds: 1, Captured: 1290, Refunded: 310,
		}
		if fmt.Sprint(v) != fmt.Sprint(want) {
			t.Errorf("Audit = %+v, want %+v", v, want)
		}
	}
	t.Logf("%d requests, %d answered from their key", a.Requests, a.Replays)
}

// The storm is one: with a new key for each try, shoppers are held and
// refunded twice.
func TestStormWithoutKeys(t *testing.T) {
	a := storm(t, 100, func(key string, try int) string { return fmt.Sprint(key, "/", try) })
	if len(a.Doubled) < 10 {
		t.Errorf("%d orders doubled, want many", len(a.Doubled))
	}
	t.Logf("%d of 200 holds and refunds were carried out twice", len(a.Doubled))
}
