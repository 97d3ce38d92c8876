package engine_test

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkReceipts measures what follows an exit, decided and carried out one
// after the other: the receipt of three lines, its capture, and that the visit
// is settled.
func BenchmarkReceipts(b *testing.B) {
	w := newWorld(b).open(house)
	for i := range b.N {
		visit := fmt.Sprintf("v%d", i)
		w.enter(visit)
		w.sees(visit+"a", sight{sku: cola, persons: who(visit, 990)})
		w.sees(visit+"b", sight{sku: water, persons: who(visit, 990)})
		w.sees(visit+"c", sight{sku: gift, persons: who(visit, 990)})
		w.exit(visit)
	}
	w.now = w.now.Add(time.Minute)
	b.ResetTimer()
	w.settle()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
	b.StopTimer()
	for i := range b.N {
		if v := w.visit(fmt.Sprintf("v%d", i)); v.Cart.Settled == nil {
			b.Fatalf("visit %d is not settled", i)
		}
	}
}
