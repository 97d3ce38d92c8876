package projections_test

import (
	"fmt"
	"testing"

	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/internal/story"
)

// BenchmarkBuildDocument makes the receipt of ten lines: what is computed
// between an exit and a receipt. With promotions, three offers compete.
func BenchmarkBuildDocument(b *testing.B) {
	goods := "present member=yes\nenter\n"
	for i := range 8 {
		goods += fmt.Sprintf("take sku-%d %d\n", i, 1+i%3)
	}
	goods += "take apples grams=735\ntake milk 2\n"
	offers := "promote a percent 100 skus=sku-1,sku-2\npromote b n_for_m 3 2 skus=sku-2\npromote c mix 2 1.50 skus=sku-2,sku-4\n"
	for name, text := range map[string]string{"plain": goods, "promotions": goods + offers} {
		b.Run(name, func(b *testing.B) {
			s := story.New()
			if err := s.Tell(text + "price\nexit"); err != nil {
				b.Fatal(err)
			}
			c, issued := s.Cart("v1"), s.Events[len(s.Events)-1].Occurred
			b.ReportAllocs()
			for b.Loop() {
				d, err := projections.BuildDocument(c, "s1-2026-000001", "", issued)
				if err != nil || len(d.Lines) != 10 {
					b.Fatal(len(d.Lines), err)
				}
			}
		})
	}
}
