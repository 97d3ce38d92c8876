package stripesim

import (
	"fmt"
	"net/http"
	"testing"
)

// BenchmarkSettle holds and captures one visit without a socket and without an
// SDK: what the simulator itself costs.
func BenchmarkSettle(b *testing.B) {
	sim, err := Open(Config{Now: clock, KeepEvents: 1000})
	if err != nil {
		b.Fatal(err)
	}
	defer sim.Close()
	a := &client{TB: b, sim: sim, url: "http://sim", c: &http.Client{Transport: sim.Transport()}}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		pi := a.post("/v1/payment_intents", fmt.Sprint("h", n), hold).id()
		if r := a.post("/v1/payment_intents/"+pi+"/capture", fmt.Sprint("c", n), "amount_to_capture=1290"); r.status != 200 {
			b.Fatal(r.raw)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "visits/s")
}
