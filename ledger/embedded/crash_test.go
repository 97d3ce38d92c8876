package embedded_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
)

// crashers is how many mornings run at the same time: a sealing waits for writers
// now and then, and others may run meanwhile.
const crashers = 32

// morningEvents is what a morning appends: a few segments full.
const morningEvents = 10

// morning opens the log, appends and closes it, whatever happens, and returns
// how many events in order were acknowledged.
func morning(t *testing.T, d *faultdisk.Disk, cfg embedded.Config) (acked int) {
	t.Helper()
	l, err := embedded.OpenFolder(t.Context(), d, cfg)
	if err != nil {
		return 0
	}
	for n := range uint64(morningEvents) {
		if err := add(t.Context(), l, n); err == nil && int(n) == acked { // small
			acked++
		}
		_ = l.Sealed(t.Context()) // what is sealed is sealed here, whatever comes of it
	}
	_ = l.Close()
	return acked
}

// evening opens the log after a morning with faults: what was acknowledged must
// be there, and sending everything again must store each event once.
func evening(t *testing.T, what string, d *faultdisk.Disk, cfg embedded.Config, acked int) {
	t.Helper()
	l, err := embedded.OpenFolder(t.Context(), d, cfg)
	if err != nil {
		t.Errorf("%s: open: %v", what, err)
		return
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
	if err = errors.Join(err, l.Sealed(t.Context()), l.Close()); err != nil || head != morningEvents {
		t.Errorf("%s: %d events at the end, %v, want %d", what, head, err, morningEvents)
	}
	if report, err := embedded.VerifyFolder(t.Context(), d); err != nil || (report.Sealed == 0) != (cfg.KeepFull > 0) {
		t.Errorf("%s: Verify = %+v, %v", what, report, err)
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
func changes(t *testing.T, cfg func() embedded.Config) (ops []faultdisk.Op) {
	t.Helper()
	d := faultdisk.New(rand.New(rand.NewPCG(1, 1)), func(op faultdisk.Op) faultdisk.Fault {
		ops = append(ops, op)
		return faultdisk.None
	})
	if got := morning(t, d, cfg()); got != morningEvents {
		t.Fatalf("without faults %d events were acknowledged, want %d", got, morningEvents)
	}
	return ops
}

// TestCrashMatrix runs one morning again and again and lets each change of the
// disk fail in each way, followed by a restart or a power cut: a morning that
// seals nothing, and one that seals and merges whatever is full.
func TestCrashMatrix(t *testing.T) {
	t.Run("open", func(t *testing.T) { crashMatrix(t, openMorning) })
	t.Run("sealing", func(t *testing.T) {
		crashMatrix(t, sealingMorning)
		merged, recycled := 0, 0
		for _, op := range changes(t, sealingMorning) {
			if op.Call == "remove" && strings.HasSuffix(op.Name, ".index") {
				merged++
			}
			if op.Call == "rename" && strings.HasSuffix(op.Name, ".spare") {
				recycled++
			}
		}
		if merged < 4 || recycled < 4 {
			t.Errorf("in a morning %d lookups are merged and %d segments used again, want 4", merged, recycled)
		}
	})
}

// openMorning seals nothing; sealingMorning seals after every second event.
func openMorning() embedded.Config    { return config(tiny) }
func sealingMorning() embedded.Config { return sealing(header + 1024) }

func crashMatrix(t *testing.T, cfg func() embedded.Config) {
	ops := len(changes(t, cfg))
	var wg sync.WaitGroup
	for first := range crashers {
		wg.Go(func() {
			for op := first; op < ops; op += crashers {
				crashAt(t, op, cfg)
			}
		})
	}
	wg.Wait()
	t.Logf("%d changes, each in 6 ways", ops)
}

// crashAt lets one change fail in each way.
func crashAt(t *testing.T, op int, cfg func() embedded.Config) {
	for _, fault := range []faultdisk.Fault{faultdisk.Kill, faultdisk.NoSpace, faultdisk.IOError} {
		for _, power := range []bool{false, true} {
			d := failing(op, fault, uint64(fault)) // small
			acked := morning(t, d, cfg())
			d.SetFault(nil)
			d.Restart()
			if power {
				d.PowerLoss()
			}
			evening(t, fmt.Sprintf("fault %d at change %d, power cut %v", fault, op, power), d, cfg(), acked)
		}
	}
}

// TestCrashWhileOpening lets each sync fail once, then kills the opening that
// follows at each of its changes, then takes the power away: what the first has
// left in doubt, the second must not make worse. The torture found such a pair.
func TestCrashWhileOpening(t *testing.T) {
	t.Run("open", func(t *testing.T) { crashOpening(t, openMorning, 8, 12) }) // a torn sector is a matter of luck
	t.Run("sealing", func(t *testing.T) { crashOpening(t, sealingMorning, 14, 1) })
}

// crashOpening does so for an opening of about so many changes, with so many
// seeds.
func crashOpening(t *testing.T, cfg func() embedded.Config, opening, seeds int) {
	ops := changes(t, cfg)
	var wg sync.WaitGroup
	for first := range crashers {
		wg.Go(func() {
			for run := first; run < len(ops)*opening*seeds; run += crashers {
				op, then, seed := ops[run/opening/seeds], run%opening, uint64(run/opening%seeds) // small
				if op.Call != "sync" && op.Call != "sync folder" {
					continue
				}
				d := failing(op.N, faultdisk.IOError, seed)
				acked := morning(t, d, cfg())
				d.SetFault(failAt(d.Ops()+then, faultdisk.Kill))
				d.Restart()
				if l, err := embedded.OpenFolder(t.Context(), d, cfg()); err == nil {
					_ = l.Close()
				}
				d.SetFault(nil)
				d.PowerLoss()
				what := fmt.Sprintf("%s %d fails, then killed at %d of opening, seed %d", op.Call, op.N, then, seed)
				evening(t, what, d, cfg(), acked)
			}
		})
	}
	wg.Wait()
}
