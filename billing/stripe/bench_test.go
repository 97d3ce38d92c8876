package stripe

import (
	"fmt"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/stripesim"
)

// BenchmarkSettle holds and captures one visit, through the SDK and the
// simulator without a socket.
func BenchmarkSettle(b *testing.B) {
	sim, err := stripesim.Open(stripesim.Config{Now: func() time.Time { return noon }, KeepEvents: 1000})
	if err != nil {
		b.Fatal(err)
	}
	defer sim.Close()
	g, err := New(Config{SecretKey: "sk_test_x", Transport: sim.Transport(), URL: "http://stripe.invalid"})
	if err != nil {
		b.Fatal(err)
	}
	card, _, err := g.Enrol(b.Context(), Enrolment{Key: "k", Shopper: "ada", PaymentMethod: "pm_card_visa"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		o := billing.Order{
			Op: billing.OpHold, ID: fmt.Sprint("h", n), Key: fmt.Sprint("h", n), Visit: fmt.Sprint("v", n), Store: "s",
			Amount: usd(5000), Customer: card.Customer, PaymentMethod: card.PaymentMethod, First: noon,
		}
		out, err := g.Hold(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		o.Op, o.ID, o.Key, o.Object, o.Amount = billing.OpCapture, "c"+o.ID, "c"+o.Key, out.Object, usd(1290)
		if out, err = g.Capture(b.Context(), o); err != nil || out.Status != billing.Done {
			b.Fatal(out, err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "visits/s")
}
