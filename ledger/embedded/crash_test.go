package embedded_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
)

// morningEvents is what a morning appends: a few segments full.
const morningEvents = 14

// morning opens the log, appends and closes it, whatever happens, and returns
// how many events in order were acknowledged.
func morning(t *testing.T, d *faultdisk.Disk) (acked int) {
	t.Helper()
	l, err := embedded.OpenFolder(t.Context(), d, config(tiny))
	if err != nil {
		return 0
	}
	for n := range uint64(morningEvents) {
		if err := add(t.Context(), l, n); err == nil && int(n) == acked { // small
			acked++
		}
	}
	_ = l.Close()
	return acked
}

// evening opens the log after a morning with faults: what was acknowledged must
// be there, and sending everything again must store each event once.
func evening(t *testing.T, what string, d *faultdisk.Disk, acked int) {
	t.Helper()
	l, err := embedded.OpenFolder(t.Context(), d, config(tiny))
	if err != nil {
		t.Fatalf("%s: open: %v", what, err)
	}
	rs, err := all(t.Context(), l)
	if err != nil || len(rs) < acked {
		t.Errorf("%s: %d of %d acknowledged events are there, %v", what, len(rs), acked, err)
	}
	for n := range uint64(morningEvents) {
		if err := add(t.Context(), l, n); err != nil {
			t.Errorf("%s: event %d again: %v", what, n, err)
		}
	}
	head, err := l.Head(t.Context())
	if err = errors.Join(err, l.Close()); err != nil || head != morningEvents {
		t.Errorf("%s: %d events at the end, %v, want %d", what, head, err, morningEvents)
	}
}

// failing returns a disk on which one change fails.
func failing(at int, fault faultdisk.Fault, seed uint64) *faultdisk.Disk {
	return faultdisk.New(rand.New(rand.NewPCG(uint64(at), seed)), failAt(at, fault)) // small
}

func failAt(at int, fault faultdisk.Fault) func(faultdisk.Op) faultdisk.Fault {
	return func(op faultdisk.Op) faultdisk.Fault {
		if op.N == at {
			return fault
		}
		return faultdisk.None
	}
}

// changes returns what a morning without faults changes on the disk.
func changes(t *testing.T) (ops []faultdisk.Op) {
	t.Helper()
	d := faultdisk.New(rand.New(rand.NewPCG(1, 1)), func(op faultdisk.Op) faultdisk.Fault {
		ops = append(ops, op)
		return faultdisk.None
	})
	if got := morning(t, d); got != morningEvents {
		t.Fatalf("without faults %d events were acknowledged, want %d", got, morningEvents)
	}
	return ops
}

// TestCrashMatrix runs one morning again and again and lets each change of the
// disk fail in each way, followed by a restart or a power cut.
func TestCrashMatrix(t *testing.T) {
	runs := 0
	for op := range len(changes(t)) {
		for _, fault := range []faultdisk.Fault{faultdisk.Kill, faultdisk.NoSpace, faultdisk.IOError} {
			for _, power := range []bool{false, true} {
				runs++
				d := failing(op, fault, uint64(fault)) // small
				acked := morning(t, d)
				d.SetFault(nil)
				d.Restart()
				if power {
					d.PowerLoss()
				}
				evening(t, fmt.Sprintf("fault %d at change %d, power cut %v", fault, op, power), d, acked)
			}
		}
	}
	t.Logf("%d runs", runs)
}

// TestCrashWhileOpening lets each sync fail once, then kills the opening that
// follows at each of its changes, then takes the power away: what the first has
// left in doubt, the second must not make worse. The torture found such a pair.
func TestCrashWhileOpening(t *testing.T) {
	const opening, seeds = 8, 16 // about what an opening changes; a torn sector is a matter of luck
	runs := 0
	for _, op := range changes(t) {
		for run := range opening * seeds {
			if then, seed := run%opening, uint64(run/opening); op.Call == "sync" { // small
				runs++
				d := failing(op.N, faultdisk.IOError, seed)
				acked := morning(t, d)
				d.SetFault(failAt(d.Ops()+then, faultdisk.Kill))
				d.Restart()
				if l, err := embedded.OpenFolder(t.Context(), d, config(tiny)); err == nil {
					_ = l.Close()
				}
				d.SetFault(nil)
				d.PowerLoss()
				evening(t, fmt.Sprintf("sync %d fails, then killed at %d of opening, seed %d", op.N, then, seed), d, acked)
			}
		}
	}
	t.Logf("%d runs", runs)
}
