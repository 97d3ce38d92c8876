package embedded_test

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/projections/crowd"
)

// crowded returns a log of n events of ten busy shops, sealed but for the last
// segment, and the streams of its visits.
func crowded(b *testing.B, n int) (*embedded.Log, []ledger.StreamID) {
	b.Helper()
	l, err := embedded.Open(b.Context(), b.TempDir(), embedded.Config{Now: time.Now, SegmentBytes: 8 << 20})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	var shops []*crowd.Shop
	for i := range 10 {
		s, err := crowd.NewShop(1, i, 100)
		if err != nil {
			b.Fatal(err)
		}
		shops = append(shops, s)
	}
	events := make(map[ledger.StreamID]int)
	done := make(chan error, len(shops))
	for _, s := range shops {
		go func() {
			var err error
			for i := 0; i < n/len(shops) && err == nil; {
				var a crowd.Append
				if a, err = s.Next(); err == nil {
					_, err = l.Append(b.Context(), a.Stream, a.Expect, a.Drafts...)
					i += len(a.Drafts)
				}
			}
			done <- err
		}()
	}
	for range shops {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Sealed(b.Context()); err != nil {
		b.Fatal(err)
	}
	var visits []ledger.StreamID
	for r, err := range l.Read(b.Context(), ledger.Query{Prefixes: []string{"visit-"}}) {
		if err != nil {
			b.Fatal(err)
		}
		if events[r.Stream]++; events[r.Stream] == 35 {
			visits = append(visits, r.Stream)
		}
	}
	return l, visits
}

// BenchmarkReadVisit reads whole visits, each another one.
func BenchmarkReadVisit(b *testing.B) {
	l, visits := crowded(b, 200_000)
	n := 0
	for i := 0; b.Loop(); i++ {
		for r, err := range l.Read(b.Context(), ledger.Query{Stream: visits[i*7919%len(visits)]}) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(r.Body)
		}
	}
	runtime.KeepAlive(n)
}

// BenchmarkReadAll reads the log from the first event to the last.
func BenchmarkReadAll(b *testing.B) {
	l, _ := crowded(b, 200_000)
	head, err := l.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	before := cpu(b)
	for b.Loop() {
		for _, err := range l.Read(b.Context(), ledger.Query{}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(head), "ns/event")
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N)/float64(head), "cpu-ns/event")
}

// cpu returns the processor time that this process has taken.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkScan reads the log stream by stream, as it lies.
func BenchmarkScan(b *testing.B) {
	l, _ := crowded(b, 200_000)
	head, err := l.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	before := cpu(b)
	for b.Loop() {
		n := uint64(0)
		for _, err := range l.Scan(b.Context(), ledger.Query{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != head {
			b.Fatalf("%d events of %d", n, head)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(head), "ns/event")
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N)/float64(head), "cpu-ns/event")
}
