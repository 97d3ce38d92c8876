package embedded_test

import (
	"fmt"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

// TestVisitsComeAtATime lets shoppers overlap on a log of small segments, so that each
// visit lies in several, and scans it: what is sealed of a visit comes in one go, and the
// open part behind it.
func TestVisitsComeAtATime(t *testing.T) {
	const visits, open = 120, 5
	s, at := shelf(nil), uint64(0)
	d := s.on(t)
	l := openWith(t, d, sealing(tiny))
	for n := range visits {
		for inside := max(0, n-open+1); inside <= n; inside++ {
			stream := ledger.StreamID(fmt.Sprintf("visit-%04d", inside))
			if _, err := l.Append(t.Context(), stream, ledger.Any(), ledgertest.Draft(at)); err != nil {
				t.Fatal(err)
			}
			at++
		}
		if err := l.Sealed(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	parts := len(filesOf(t, d).named(".sealed"))
	if parts < visits/2 { // two that wait are sealed as one
		t.Fatalf("%d segments of %d visits, the test wants more", parts, visits)
	}
	first := segmentFirst(t, filesOf(t, d).segments()[0])
	runs := make(map[ledger.StreamID]int)
	last, events := ledger.StreamID(""), uint64(0)
	for lent, err := range l.Scan(t.Context(), ledger.Query{Prefixes: []string{"visit-"}}) {
		if err != nil {
			t.Fatal(err)
		}
		r := lent.Record
		if events++; r.Position < first && r.Stream != last {
			runs[r.Stream]++
			last = r.Stream
		}
	}
	for stream, n := range runs {
		if n > 1 {
			t.Errorf("%s comes in %d parts, want one", stream, n)
		}
	}
	if events != at || len(runs) < visits-open {
		t.Errorf("%d events, %d visits with sealed ones, want %d and %d", events, len(runs), at, visits)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestScanEndsWhereverItIsLeft breaks off a scan behind each of its events.
func TestScanEndsWhereverItIsLeft(t *testing.T) {
	s, want := shelveSealed(t, 24)
	l := openWith(t, s.on(t), sealing(tiny))
	for end := range want {
		n := 0
		for _, err := range l.Scan(t.Context(), ledger.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n > end {
				break
			}
		}
		if n != end+1 {
			t.Fatalf("the scan has given %d events and not %d", n, end+1)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// segmentFirst returns the position that the name of a segment file says.
func segmentFirst(t *testing.T, name string) (first uint64) {
	t.Helper()
	if _, err := fmt.Sscanf(name, "%020d.seg", &first); err != nil {
		t.Fatal(err)
	}
	return first
}
