package embedded_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
)

// TestBackupCrash lets each change of a backup fail in each way, followed by a
// restart or a power cut: the earlier backup can be restored until the next is
// whole, and the next run finishes what was begun.
func TestBackupCrash(t *testing.T) {
	source := memory(1)
	first := shop(t, source, 0, 16)
	early := memory(2)
	backUp(t, source, early)
	yesterday := filesOf(t, early)
	want := shop(t, source, 16, 16)
	d := yesterday.on(t)
	base := d.Ops()
	backUp(t, source, d)
	runs, changes := 0, d.Ops()-base
	for op := range changes {
		for _, fault := range []faultdisk.Fault{faultdisk.Kill, faultdisk.NoSpace, faultdisk.IOError} {
			for _, power := range []bool{false, true} {
				runs++
				what := fmt.Sprintf("fault %d at change %d, power cut %v", fault, op, power)
				d := yesterday.onDisk(t, memory(uint64(runs))) // small
				d.SetFault(failAt(base+op, fault))
				_, err := embedded.BackupFolder(t.Context(), source, d, nightly)
				if err == nil {
					t.Fatalf("%s: the backup is reported as made", what)
				}
				d.SetFault(nil)
				d.Restart()
				if power {
					d.PowerLoss()
				}
				got, err := restore(t, d, embedded.Until{})
				if err != nil || len(got) != len(want) && len(got) != len(first) {
					t.Fatalf("%s: %d events are restored, %v, want %d or %d", what, len(got), err, len(first), len(want))
				}
				if diff := cmp.Diff(want[:len(got)], got); diff != "" {
					t.Fatalf("%s (-want +got):\n%s", what, diff)
				}
				backUp(t, source, d)
				if v, err := embedded.VerifyFolder(t.Context(), d); err != nil || v.Events != uint64(len(want)) {
					t.Fatalf("%s: the backup after it: %d events, %v", what, v.Events, err)
				}
				if left := leftovers(t, d); len(left) > 0 {
					t.Fatalf("%s: the backup after it has left %v", what, left)
				}
			}
		}
	}
	t.Logf("%d runs", runs)
}

// TestBackupCrashesAgain lets backup after backup be killed at some change, each
// of a longer log, with and without a power cut: what was reported as backed up
// can be restored from then on.
func TestBackupCrashesAgain(t *testing.T) {
	source := memory(1)
	var days []*faultdisk.Disk
	var want []ledger.Record
	for day := range uint64(5) {
		want = shop(t, source, 7*day, 7)
		days = append(days, copyDisk(t, source))
	}
	for seed := range uint64(150) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		d := memory(seed)
		least := 0
		for _, day := range days {
			d.SetFault(failAt(d.Ops()+rnd.IntN(80), faultdisk.Kill))
			if r, err := embedded.BackupFolder(t.Context(), day, d, nightly); err == nil {
				least = int(r.Position) // small
			}
			d.SetFault(nil)
			d.Restart()
			if rnd.IntN(2) == 0 {
				d.PowerLoss()
			}
			got, err := restore(t, d, embedded.Until{})
			if err != nil && (least > 0 || !errors.Is(err, ledger.ErrNotFound)) || len(got) < least {
				t.Fatalf("seed %d: restore gives %d events, %v, want %d or more", seed, len(got), err, least)
			}
			if diff := cmp.Diff(want[:len(got)], got); len(got) > 0 && diff != "" {
				t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
			}
		}
		backUp(t, source, d)
		if diff := cmp.Diff(want, records(t, d)); diff != "" {
			t.Fatalf("seed %d, in the end (-want +got):\n%s", seed, diff)
		}
	}
}

func leftovers(t *testing.T, d disk.Folder) []string {
	t.Helper()
	names, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(n string) bool {
		return !strings.HasSuffix(n, ".new") && !strings.HasSuffix(n, ".tmp")
	})
}

// copyDisk returns a disk with the same files.
func copyDisk(t *testing.T, d *faultdisk.Disk) *faultdisk.Disk {
	t.Helper()
	return filesOf(t, d).on(t)
}

// TestFirstBackupCrash checks that a first backup that was cut short is no
// backup, and that the next run uses what it has copied.
func TestFirstBackupCrash(t *testing.T) {
	source := memory(1)
	want := shop(t, source, 0, 24)
	d := memory(1)
	backUp(t, source, d)
	changes, resumed := d.Ops(), 0
	for op := range changes {
		d := failing(op, faultdisk.Kill, 1)
		_, err := embedded.BackupFolder(t.Context(), source, d, nightly)
		d.SetFault(nil)
		d.PowerLoss()
		got, restoreErr := restore(t, d, embedded.Until{})
		if restoreErr != nil && !errors.Is(restoreErr, ledger.ErrNotFound) || restoreErr == nil && len(got) != len(want) {
			t.Fatalf("killed at %d: restore gives %d events, %v", op, len(got), restoreErr)
		}
		if err == nil && restoreErr != nil {
			t.Fatalf("killed at %d: the backup was reported and is not there: %v", op, restoreErr)
		}
		r := backUp(t, source, d)
		resumed += r.Resumed
		if diff := cmp.Diff(want, records(t, d)); diff != "" {
			t.Fatalf("killed at %d, then again (-want +got):\n%s", op, diff)
		}
	}
	if resumed == 0 {
		t.Error("no run has used what the one before had copied")
	}
}

// TestBackupFindsDamage flips bytes of a backup: whatever is restored from it
// then is right, or it is named; and the next backup mends it from the log.
func TestBackupFindsDamage(t *testing.T) {
	source, target := memory(1), memory(2)
	want := shop(t, source, 0, 30)
	backUp(t, source, target)
	good := filesOf(t, target)
	rnd := rand.New(rand.NewPCG(5, 5))
	runs, found := 0, 0
	for name, b := range good {
		if strings.HasSuffix(name, ".index") {
			continue // made again from the segments
		}
		for range 12 {
			runs++
			at := rnd.IntN(len(b))
			s := good.clone()
			s[name][at] ^= 1 << rnd.IntN(8)
			what := fmt.Sprintf("%s, byte %d", name, at)
			got, err := restore(t, s.on(t), embedded.Until{})
			switch {
			case errors.Is(err, ledger.ErrCorrupt) && strings.Contains(err.Error(), name):
				found++
			case err != nil:
				t.Errorf("%s: restore = %v, want damage of that file", what, err)
			case cmp.Diff(want, got) != "":
				t.Errorf("%s: restore gives another history:\n%s", what, cmp.Diff(want, got))
			case name != "acknowledged":
				t.Errorf("%s: not found", what)
			}
			d := s.on(t)
			r, err := embedded.BackupFolder(t.Context(), source, d, nightly)
			if name == "backup.json" {
				if !errors.Is(err, ledger.ErrCorrupt) {
					t.Errorf("%s: backup = %v, want damage", what, err)
				}
				continue
			}
			if err != nil || strings.HasSuffix(name, ".sealed") && !slices.Equal(r.Healed, []string{name}) {
				t.Errorf("%s: backup = %+v, %v, want it healed", what, r, err)
			}
			if diff := cmp.Diff(want, records(t, d)); diff != "" {
				t.Errorf("%s: after the next backup (-want +got):\n%s", what, diff)
			}
		}
	}
	t.Logf("%d of %d flipped bytes stopped a restore", found, runs)
}

// TestDamagedBackupIsRestoredInPart checks that what lies before a damaged
// segment can be restored, and that the error says how far.
func TestDamagedBackupIsRestoredInPart(t *testing.T) {
	source, target := memory(1), memory(2)
	want := shop(t, source, 0, 30)
	backUp(t, source, target)
	var sealed []string
	for name := range filesOf(t, target) {
		if strings.HasSuffix(name, ".sealed") {
			sealed = append(sealed, name)
		}
	}
	slices.Sort(sealed)
	seen, platter := target.Bytes(sealed[2])
	seen[100] ^= 1
	platter[100] ^= 1
	_, err := restore(t, target, embedded.Until{})
	if !errors.Is(err, ledger.ErrCorrupt) {
		t.Fatalf("restore of a damaged backup = %v", err)
	}
	var last uint64
	if _, after, ok := strings.Cut(err.Error(), "can still be restored up to position "); !ok {
		t.Fatalf("%v does not say how far it can be restored", err)
	} else if _, err := fmt.Sscan(after, &last); err != nil {
		t.Fatal(err)
	}
	got, err := restore(t, target, embedded.Until{Position: last})
	if diff := cmp.Diff(want[:last], got); diff != "" || err != nil || last == 0 {
		t.Errorf("up to %d: %v (-want +got):\n%s", last, err, diff)
	}
}

// TestBackupOfDamage checks that a damaged log is named and makes no backup, and
// that the backup of yesterday stays.
func TestBackupOfDamage(t *testing.T) {
	source := memory(1)
	yesterday := shop(t, source, 0, 24)
	target := memory(2)
	backUp(t, source, target)
	kept := filesOf(t, target)
	shop(t, source, 24, 24)
	good := filesOf(t, source)
	rnd := rand.New(rand.NewPCG(7, 7))
	for name, b := range good {
		if _, ok := kept[name]; ok || !strings.HasSuffix(name, ".sealed") {
			continue
		}
		for range 10 {
			at := rnd.IntN(len(b))
			s := good.clone()
			s[name][at] ^= 1 << rnd.IntN(8)
			d := kept.on(t)
			_, err := embedded.BackupFolder(t.Context(), s.on(t), d, nightly)
			if !errors.Is(err, ledger.ErrCorrupt) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s, byte %d: backup of the log = %v, want damage of that file", name, at, err)
			}
			if got, err := restore(t, d, embedded.Until{}); err != nil || len(got) != len(yesterday) {
				t.Errorf("%s, byte %d: yesterday's backup gives %d events, %v, want %d", name, at, len(got), err, len(yesterday))
			}
		}
	}
}

// TestBackupOfTornTail checks that a commit that was never finished is no part of
// a backup.
func TestBackupOfTornTail(t *testing.T) {
	s, want := shelve(t, 6, tiny)
	last := s.segments()[len(s.segments())-1]
	copy(s[last][len(s[last])-512:], "VCMT and then the power went")
	target := memory(2)
	backUp(t, s.on(t), target)
	v, err := embedded.VerifyFolder(t.Context(), target)
	if err != nil || v.Torn != 0 || v.Events != uint64(len(want)) {
		t.Errorf("Verify = %+v, %v, want %d events and no torn tail", v, err, len(want))
	}
}
