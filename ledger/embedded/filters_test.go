package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

// TestFiltersLookIntoNoBody checks that who wants the till's events alone is served
// by names and kinds: no body is JSON, and every block of a segment without any of
// them has rotted, which nobody notices who does not want what is in it.
func TestFiltersLookIntoNoBody(t *testing.T) {
	d := faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil)
	l := openWith(t, d, sealing(tiny))
	const sold ledger.Kind = "till.sold.v1"
	var till []ledger.Record
	visits := map[uint64]bool{} // positions
	for n := range uint64(90) {
		draft, stream := ledgertest.Draft(n), ledger.StreamID(fmt.Sprintf("visit-%d", n%3))
		draft.Body = []byte("{no JSON at all")
		if n/15%2 == 1 {
			draft.Kind, stream = sold, "till-4"
		}
		rs, err := l.Append(t.Context(), stream, ledger.Any(), draft)
		if err != nil {
			t.Fatal(err)
		}
		if stream == "till-4" {
			till = append(till, rs...)
		} else {
			visits[rs[0].Position] = true
		}
	}
	if err := errors.Join(l.Sealed(t.Context()), l.Close()); err != nil {
		t.Fatal(err)
	}
	s := filesOf(t, d)
	rotten := 0
	names := s.named(".sealed")
	for i, name := range names[:len(names)-1] {
		var first, next uint64
		if _, err := fmt.Sscanf(name+names[i+1], "%020d.sealed%020d", &first, &next); err != nil {
			t.Fatal(err)
		}
		for ; visits[first] && first < next; first++ { // up to the till's first
		}
		if first == next {
			s[name][100] ^= 1
			rotten++
		}
	}
	if rotten < 3 || len(till) != 45 {
		t.Fatalf("%d rotten segments of %d, %d events of the till", rotten, len(names), len(till))
	}
	l = openWith(t, s.on(t), sealing(tiny))
	defer l.Close()
	if _, err := all(t.Context(), l); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("a reading of everything = %v, want ErrCorrupt: the test shows nothing", err)
	}
	for what, q := range map[string]ledger.Query{
		"by prefix": {Prefixes: []string{"till-"}}, "by kind": {Kinds: []ledger.Kind{sold}}, "by stream": {Stream: "till-4"},
	} {
		wantTill(t, l, what, q, till)
	}
}

// wantTill reads, follows and scans by q and requires the till's events.
func wantTill(t *testing.T, l *embedded.Log, what string, q ledger.Query, till []ledger.Record) {
	t.Helper()
	got, err := collected(l.Read(t.Context(), q))
	if diff := cmp.Diff(till, got); diff != "" || err != nil {
		t.Errorf("reading %s: %v (-want +got):\n%s", what, err, diff)
	}
	back := q
	back.Backwards, back.From = true, ledger.End
	got, err = collected(l.Read(t.Context(), back))
	slices.Reverse(got)
	if diff := cmp.Diff(till, got); diff != "" || err != nil {
		t.Errorf("reading backwards %s: %v (-want +got):\n%s", what, err, diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got = nil
	for r, err := range l.Subscribe(ctx, q) {
		if err != nil {
			t.Errorf("following %s: %v", what, err)
			break
		}
		if got = append(got, r); len(got) == len(till) {
			break
		}
	}
	if diff := cmp.Diff(till, got); diff != "" {
		t.Errorf("following %s (-want +got):\n%s", what, diff)
	}
	if q.Stream != "" {
		return // a scan is of the whole log
	}
	n := 0
	for lent, err := range l.Scan(t.Context(), q) {
		if err != nil {
			t.Errorf("scanning %s: %v", what, err)
			break
		}
		if n++; lent.Record.Stream != "till-4" {
			t.Errorf("scanning %s: an event of %s", what, lent.Record.Stream)
		}
	}
	if n != len(till) {
		t.Errorf("scanning %s: %d events, want %d", what, n, len(till))
	}
}
