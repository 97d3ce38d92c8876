package embedded_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

// TestRestoreAnywhere checks for any history, backed up any number of times,
// that what is restored up to any position is what the log held up to there, and
// no append in part; and the same for any time.
func TestRestoreAnywhere(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		source, target := memory(1), memory(2)
		cfg := sealing(tiny)
		cfg.KeepFull = rapid.SampledFrom([]int{0, 2, 1 << 20}).Draw(r, "full segments that stay open")
		l, err := embedded.OpenFolder(t.Context(), source, cfg)
		if err != nil {
			r.Fatal(err)
		}
		n := uint64(0)
		ends := map[uint64]bool{0: true} // positions at which an append ends
		for range rapid.IntRange(1, 4).Draw(r, "backups") {
			for _, size := range rapid.SliceOfN(rapid.IntRange(1, 5), 1, 12).Draw(r, "appends") {
				var ds []ledger.Draft
				for range size {
					n++
					ds = append(ds, ledgertest.Draft(n))
				}
				if _, err := l.Append(t.Context(), ledger.StreamID(fmt.Sprintf("visit-%d", n%3)), ledger.Any(), ds...); err != nil {
					r.Fatal(err)
				}
				ends[n] = true
			}
			if rapid.Bool().Draw(r, "sealed") {
				if err := l.Sealed(t.Context()); err != nil {
					r.Fatal(err)
				}
			}
			backUp(t, source, target)
		}
		want, err := all(t.Context(), l)
		if err = errors.Join(err, l.Close()); err != nil {
			r.Fatal(err)
		}
		at := rapid.Uint64Range(1, n).Draw(r, "position")
		end := at
		for !ends[end] {
			end--
		}
		check(r, t, target, embedded.Until{Position: at}, want[:end])
		moment := want[at-1].Recorded.Add(time.Duration(rapid.IntRange(-1, 1).Draw(r, "microseconds")) * time.Microsecond)
		end = 0
		for end < n && !want[end].Recorded.After(moment) {
			end++
		}
		check(r, t, target, embedded.Until{Time: moment}, want[:end])
		check(r, t, target, embedded.Until{}, want)
	})
}

func check(r *rapid.T, t *testing.T, target disk.Folder, until embedded.Until, want []ledger.Record) {
	got, err := restore(t, target, until)
	if len(want) == 0 {
		if !errors.Is(err, ledger.ErrNotFound) {
			r.Errorf("restore to %+v = %v, want ErrNotFound", until, err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		r.Errorf("restore to %+v: %v (-want +got):\n%s", until, err, diff)
	}
}

// TestRestoreWhileBackedUp restores again and again while the backup is replaced
// by the next one: each is one of the two.
func TestRestoreWhileBackedUp(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	l := open(t, dir)
	trade(t, l, 0, 20)
	if _, err := embedded.Backup(t.Context(), dir, to, nightly); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for i := uint64(20); ; i += 5 {
			select {
			case <-stop:
				return
			default:
			}
			trade(t, l, i, 5)
			if _, err := embedded.Backup(t.Context(), dir, to, nightly); err != nil {
				t.Errorf("backup while it is restored: %v", err)
				return
			}
		}
	})
	seen := make(map[int]bool)
	for try := 0; try < 3000 && len(seen) < 10; try++ {
		got, err := restore(t, disk.Dir(to), embedded.Until{})
		if err != nil {
			t.Errorf("restore while it is replaced: %v", err)
			break
		}
		seen[len(got)] = true
	}
	close(stop)
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if len(seen) < 2 {
		t.Errorf("%d different backups were restored: nothing was replaced meanwhile", len(seen))
	}
}

// TestRestoreRefuses checks what cannot be restored, and that nothing is left.
func TestRestoreRefuses(t *testing.T) {
	source, target := memory(1), memory(2)
	rs := shop(t, source, 0, 24)
	backUp(t, source, target)
	end := uint64(len(rs))
	for what, c := range map[string]struct {
		from, to disk.Folder
		until    embedded.Until
		want     error
	}{
		"into a log":               {target, copyDisk(t, source), embedded.Until{}, embedded.ErrNotEmpty},
		"out of a log":             {source, memory(3), embedded.Until{}, ledger.ErrNotFound},
		"beyond the end":           {target, memory(3), embedded.Until{Position: end + 1}, ledger.ErrNotFound},
		"before the first event":   {target, memory(3), embedded.Until{Time: rs[0].Recorded.Add(-time.Hour)}, ledger.ErrNotFound},
		"to a position and a time": {target, memory(3), embedded.Until{Position: 1, Time: night()}, ledger.ErrInvalid},
	} {
		before := len(filesOf(t, c.to.(*faultdisk.Disk))) // it is one
		if _, err := embedded.RestoreFolder(t.Context(), c.from, c.to, c.until, restored); !errors.Is(err, c.want) {
			t.Errorf("%s: restore = %v, want %v", what, err, c.want)
		}
		if after := len(filesOf(t, c.to.(*faultdisk.Disk))); after != before { // it is one
			t.Errorf("%s: %d files before, %d after", what, before, after)
		}
	}
	if got, err := restore(t, target, embedded.Until{Time: night().AddDate(1, 0, 0)}); err != nil || uint64(len(got)) != end {
		t.Errorf("restore to a later time gives %d events, %v, want all %d", len(got), err, end)
	}
}

// TestRestoreCrash kills a restoring at each of its changes: what is left is all
// of the log, or not taken for one.
func TestRestoreCrash(t *testing.T) {
	source, target := memory(1), memory(2)
	shop(t, source, 0, 30)
	r := backUp(t, source, target)
	until := embedded.Until{Position: r.Position - 2}
	d := memory(3)
	if _, err := embedded.RestoreFolder(t.Context(), target, d, until, restored); err != nil {
		t.Fatal(err)
	}
	want := records(t, d)
	for op := range d.Ops() {
		for _, power := range []bool{false, true} {
			d := failing(op, faultdisk.Kill, 1)
			if _, err := embedded.RestoreFolder(t.Context(), target, d, until, restored); err == nil {
				t.Fatalf("killed at %d: the restoring was reported as done", op)
			}
			d.SetFault(nil)
			d.Restart()
			if power {
				d.PowerLoss()
			}
			begun := false
			for name, b := range filesOf(t, d) { // a witness that was never whole has never been one
				begun = begun || name != "acknowledged" || len(strings.Trim(string(b), "\x00")) >= 44
			}
			l, err := embedded.OpenFolder(t.Context(), d, sealing(tiny))
			if err != nil {
				continue
			}
			got, err := all(t.Context(), l)
			if begun && cmp.Diff(want, got) != "" || err != nil {
				t.Errorf("killed at %d, power cut %v: opens with %d events of %d, %v", op, power, len(got), len(want), err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	d = failing(d.Ops()/2, faultdisk.NoSpace, 1)
	if _, err := embedded.RestoreFolder(t.Context(), target, d, until, restored); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("restore on a full disk = %v", err)
	}
	if left := filesOf(t, d); len(left) > 0 {
		t.Errorf("restore on a full disk has left %d files", len(left))
	}
}
