package embedded_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

// dated returns drafts as devices with clocks of their own name them: most with
// the time in the id, hours wrong now and then, and some derived from others.
func dated(t *testing.T, n int) []ledger.Draft {
	t.Helper()
	random := rand.NewChaCha8([32]byte{7})
	ds := make([]ledger.Draft, n)
	for i := range ds {
		d := ledgertest.Draft(uint64(i))
		at := time.UnixMilli(1_772_355_600_000 + int64(i/3))
		switch i % 11 {
		case 4:
			at = at.Add(-5 * time.Hour)
		case 7:
			at = time.UnixMilli(0)
		}
		var err error
		if d.ID, err = ledger.NewID(at, random); err != nil {
			t.Fatal(err)
		}
		if i%11 == 9 {
			d.ID = ledger.DeriveID(ds[i-1].ID, "receipt")
		}
		ds[i] = d
	}
	return ds
}

// TestClocksOfDevices checks that every event is recognised when it is sent
// again, whatever time its id has in it, while the log is open and after each
// opening, merged lookups and those without a time included; that new ones are
// taken; and that a lookup that promises too early a time is found.
func TestClocksOfDevices(t *testing.T) {
	const n = 60
	ds := dated(t, 2*n)
	cfg := sealing(tiny)
	cfg.CacheBytes = -1
	disk := faultdisk.New(rand.New(rand.NewPCG(3, 3)), nil)
	l := openWith(t, disk, cfg)
	var want []ledger.Record
	sendAgain := func() {
		t.Helper()
		for i := range want {
			got, err := l.Append(t.Context(), "visit-anna", ledger.Any(), ds[i])
			if diff := cmp.Diff(want[i:i+1], got); diff != "" || err != nil {
				t.Fatalf("event %d, %s, sent again: %v (-want +got):\n%s", i, ds[i].ID, err, diff)
			}
		}
	}
	for range n {
		i := len(want)
		rs, err := l.Append(t.Context(), "visit-anna", ledger.Any(), ds[i])
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, rs...)
		if i%17 == 0 {
			sendAgain()
		}
	}
	if err := errors.Join(l.Sealed(t.Context()), l.Close()); err != nil {
		t.Fatal(err)
	}
	s := filesOf(t, disk)
	index := s.named(".index")
	if len(index) < 2 || bytes.Equal(s[index[0]][96:104], make([]byte, 8)) {
		t.Fatalf("lookups %q, the first has the bound %x; the test wants some, with bounds", index, s[index[0]][96:104])
	}
	for what, bound := range map[string][]byte{"as it was": nil, "without a time, as they were once": make([]byte, 8)} {
		s := s.clone()
		if bound != nil {
			copy(s[index[0]][96:], bound)
			resum(s[index[0]])
		}
		if _, err := embedded.VerifyFolder(t.Context(), s.on(t)); err != nil {
			t.Errorf("%s: Verify = %v", what, err)
		}
		l = openWith(t, s.on(t), cfg)
		sendAgain()
		rs, err := l.Append(t.Context(), "visit-anna", ledger.After(n), ds[n:]...)
		if err != nil || rs[0].Revision != n {
			t.Errorf("%s: new events: %v, %v", what, rs, err)
		}
		if err := errors.Join(l.Sealed(t.Context()), l.Close()); err != nil {
			t.Fatal(err)
		}
	}
	s[index[0]][96]--
	resum(s[index[0]])
	_, err := embedded.VerifyFolder(t.Context(), s.on(t))
	damaged(t, "Verify of a lookup that promises too early a time", err, index[0])
}
