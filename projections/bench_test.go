package projections_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/projections/internal/story"
)

// months returns the story of n visits of 14 events or so, as their shop.
func months(b *testing.B, n int) *story.Shop {
	b.Helper()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `visit v%d
			present
			hold
			held
			enter
			take water 2
			take milk
			take cola
			return cola
			price
			exit
			issue
			capture
			captured
			settle
			`, i)
	}
	return told(b, text.String())
}

func perSecond(b *testing.B, events int) {
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkCarts folds decoded events into one cart for each visit.
func BenchmarkCarts(b *testing.B) {
	s := months(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		carts := map[ledger.StreamID]*projections.Cart{}
		for _, e := range s.Events {
			if category, _ := e.Stream.Split(); category != ledger.CategoryVisit {
				continue
			}
			c := carts[e.Stream]
			if c == nil {
				c = &projections.Cart{}
				carts[e.Stream] = c
			}
			if err := c.Apply(e); err != nil {
				b.Fatal(err)
			}
		}
	}
	perSecond(b, len(s.Events))
}

// BenchmarkVerify rebuilds every receipt of the log.
func BenchmarkVerify(b *testing.B) {
	s := months(b, 200)
	visits := s.Visits()
	streams := map[ledger.VisitID][]ledger.Event{}
	for _, v := range visits {
		streams[v] = streamOf(s, v)
	}
	for b.Loop() {
		for _, v := range visits {
			if err := projections.VerifyReceipts(seq(streams[v])); err != nil {
				b.Fatal(err)
			}
		}
	}
	perSecond(b, len(s.Events))
}

// BenchmarkLogFolds folds the whole log into each of its folds.
func BenchmarkLogFolds(b *testing.B) {
	s := months(b, 1000)
	for name, fresh := range logFolds {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				f := fresh()
				for _, e := range s.Events {
					if err := f.Apply(e); err != nil {
						b.Fatal(err)
					}
				}
			}
			perSecond(b, len(s.Events))
		})
	}
}

// BenchmarkJournal folds decoded events into the books.
func BenchmarkJournal(b *testing.B) {
	s := months(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		var j books.Journal
		for _, e := range s.Events {
			if err := j.Apply(e); err != nil {
				b.Fatal(err)
			}
		}
	}
	perSecond(b, len(s.Events))
}
