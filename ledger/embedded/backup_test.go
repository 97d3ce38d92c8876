package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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

var (
	night    = func() time.Time { return time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC) }
	nightly  = embedded.BackupConfig{Now: night}
	restored = embedded.RestoreConfig{Now: night}
)

// memory returns an empty disk.
func memory(seed uint64) *faultdisk.Disk {
	return faultdisk.New(rand.New(rand.NewPCG(seed, seed)), nil)
}

// trade appends n appends of 1 to 3 events to a log, waits for the sealing and
// returns all records of the log.
func trade(t testing.TB, l *embedded.Log, from, n uint64) []ledger.Record {
	t.Helper()
	for i := from; i < from+n; i++ {
		stream := ledger.StreamID(fmt.Sprintf("visit-%d", i%7))
		_, err := l.Append(t.Context(), stream, ledger.Any(), []ledger.Draft{
			ledgertest.Draft(3 * i), ledgertest.Draft(3*i + 1), ledgertest.Draft(3*i + 2),
		}[:1+i%3]...)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Sealed(t.Context()); err != nil {
		t.Fatal(err)
	}
	rs, err := all(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// shop makes a log with n appends on a disk, closed.
func shop(t testing.TB, d disk.Folder, from, n uint64) []ledger.Record {
	t.Helper()
	l, err := embedded.OpenFolder(t.Context(), d, config(tiny))
	if err != nil {
		t.Fatal(err)
	}
	rs := trade(t, l, from, n)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return rs
}

func backUp(t testing.TB, from, to disk.Folder) embedded.BackupReport {
	t.Helper()
	r, err := embedded.BackupFolder(t.Context(), from, to, nightly)
	if err != nil {
		t.Fatalf("backup: %v", err)
	}
	return r
}

// records opens a log read-only and reads it all.
func records(t testing.TB, d disk.Folder) []ledger.Record {
	t.Helper()
	l, err := embedded.OpenFolder(t.Context(), d, embedded.Config{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	rs, err := all(t.Context(), l)
	if err = errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	return rs
}

// restore restores a backup and returns what is then in the log.
func restore(t testing.TB, from disk.Folder, until embedded.Until) ([]ledger.Record, error) {
	t.Helper()
	to := memory(9)
	r, err := embedded.RestoreFolder(t.Context(), from, to, until, restored)
	if err != nil {
		return nil, err
	}
	rs := records(t, to)
	if uint64(len(rs)) != r.Position || r.Log.Events != r.Position || !rs[len(rs)-1].Recorded.Equal(r.Recorded) {
		t.Errorf("report says %d events up to %v, %d are there up to %v", r.Position, r.Recorded, len(rs), rs[len(rs)-1].Recorded)
	}
	return rs, nil
}

// TestMinuteBeforeTheMistake is the story of a shop whose log is backed up every
// hour while people shop. At 11:30 somebody gives every bottle the price 0; the
// log is brought back to the minute before, and the shop goes on from there.
func TestMinuteBeforeTheMistake(t *testing.T) {
	dir, backups, again := filepath.Join(t.TempDir(), "log"), filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "again")
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(15 * time.Second)
		return now
	}
	l, err := embedded.Open(t.Context(), dir, embedded.Config{Now: clock, SegmentBytes: small})
	if err != nil {
		t.Fatal(err)
	}
	cfg := embedded.BackupConfig{Now: clock}
	for hour := range uint64(3) {
		trade(t, l, 200*hour, 200)
		r, err := embedded.Backup(t.Context(), dir, backups, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if hour > 0 && r.Reused == 0 {
			t.Errorf("hour %d: nothing of %d sealed segments was reused", hour, r.Sealed)
		}
	}
	before := trade(t, l, 600, 3)
	mistake, err := l.Append(t.Context(), "catalogue-main", ledger.Any(), ledgertest.Draft(9000), ledgertest.Draft(9001))
	if err != nil {
		t.Fatal(err)
	}
	trade(t, l, 603, 10)
	if _, err := embedded.Backup(t.Context(), dir, backups, cfg); err != nil {
		t.Fatal(err)
	}
	minute := mistake[0].Recorded.Add(-time.Second)
	r, err := embedded.Restore(t.Context(), backups, again, embedded.Until{Time: minute}, embedded.RestoreConfig{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	if r.Position != mistake[0].Position-1 || r.Backup.Position <= r.Position {
		t.Errorf("restored up to %d of %d, want %d", r.Position, r.Backup.Position, mistake[0].Position-1)
	}
	shopAgain, err := embedded.Open(t.Context(), again, embedded.Config{Now: clock, SegmentBytes: small})
	if err != nil {
		t.Fatal(err)
	}
	got, err := all(t.Context(), shopAgain)
	if diff := cmp.Diff(before, got); diff != "" || err != nil {
		t.Errorf("the minute before: %v (-want +got):\n%s", err, diff)
	}
	trade(t, shopAgain, 900, 100) // the shop goes on, and sealing does
	if err := errors.Join(shopAgain.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Verify(t.Context(), again, nil); err != nil {
		t.Error(err)
	}
	// Its history is another from now on. It may not replace what the backup holds.
	if _, err := embedded.Backup(t.Context(), again, backups, cfg); !errors.Is(err, embedded.ErrDiverged) {
		t.Errorf("backup of the new history over the old one = %v, want ErrDiverged", err)
	}
	if v, err := embedded.Verify(t.Context(), backups, nil); err != nil || v.Events != r.Backup.Position {
		t.Errorf("the backup holds %d events, %v, want %d", v.Events, err, r.Backup.Position)
	}
}

// TestRestoreAnywhere checks for any history, backed up any number of times,
// that what is restored up to any position is what the log held up to there, and
// no append in part; and the same for any time.
func TestRestoreAnywhere(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		source, target := memory(1), memory(2)
		l, err := embedded.OpenFolder(t.Context(), source, config(tiny))
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

// TestBackupIsIncremental checks that a sealed segment is copied once, and that
// the folder is the log each time.
func TestBackupIsIncremental(t *testing.T) {
	source, target := memory(1), memory(2)
	written := make(map[string]int)
	target.SetFault(func(op faultdisk.Op) faultdisk.Fault {
		if op.Call == "create" && strings.Contains(op.Name, ".sealed") {
			written[op.Name]++
		}
		return faultdisk.None
	})
	for i := range uint64(4) {
		want := shop(t, source, 40*i, 40)
		r := backUp(t, source, target)
		if r.Position != uint64(len(want)) || !r.Recorded.Equal(want[len(want)-1].Recorded) || !r.Made.Equal(night()) {
			t.Errorf("backup %d = %+v, want %d events up to %v", i, r, len(want), want[len(want)-1].Recorded)
		}
		if len(written) != r.Sealed || i > 0 && r.Reused == 0 {
			t.Errorf("backup %d has copied %v, %d are sealed; %d bytes reused", i, written, r.Sealed, r.Reused)
		}
		if diff := cmp.Diff(want, records(t, target)); diff != "" {
			t.Errorf("backup %d (-want +got):\n%s", i, diff)
		}
		v, err := embedded.VerifyFolder(t.Context(), target)
		if err != nil || v.Events != r.Position || v.Segments != r.Segments {
			t.Errorf("backup %d: Verify = %+v, %v", i, v, err)
		}
		before := target.Ops()
		if again := backUp(t, source, target); again.Copied > 64<<10 || again.Reused == 0 || again.Position != r.Position {
			t.Errorf("backup %d again = %+v", i, again)
		}
		if target.Ops() == before {
			t.Error("the second backup has written nothing, not even when it was made")
		}
	}
	for name, n := range written {
		if n != 1 {
			t.Errorf("%s was copied %d times", name, n)
		}
	}
	quick := nightly
	quick.Quick = true
	if r, err := embedded.BackupFolder(t.Context(), source, target, quick); err != nil || r.Reused == 0 {
		t.Errorf("quick backup = %+v, %v", r, err)
	}
}

// TestBackupBesideWriter backs up a log again and again while it is written to
// and sealed; each backup is the log as it was at one moment.
func TestBackupBesideWriter(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	l := open(t, dir)
	if err := add(t.Context(), l, 0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range uint64(3) {
		wg.Go(func() {
			for n := w; ctx.Err() == nil; n += 3 {
				if err := add(ctx, l, n); err != nil && ctx.Err() == nil {
					t.Errorf("append beside a backup: %v", err)
					return
				}
			}
		})
	}
	var ends []uint64
	for i := range 12 {
		before, err := l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r, err := embedded.Backup(t.Context(), dir, to, nightly)
		if err != nil {
			t.Fatal(err)
		}
		if r.Position < before {
			t.Errorf("backup %d ends at %d, %d were acknowledged before it began", i, r.Position, before)
		}
		if v, err := embedded.Verify(t.Context(), to, nil); err != nil || v.Events != r.Position {
			t.Errorf("backup %d: %d events, %v, want %d", i, v.Events, err, r.Position)
		}
		ends = append(ends, r.Position)
	}
	cancel()
	wg.Wait()
	want, err := all(t.Context(), l)
	if err = errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	for _, end := range []uint64{ends[0], ends[len(ends)/2], ends[len(ends)-1]} {
		got, err := restore(t, disk.Dir(to), embedded.Until{Position: end})
		if diff := cmp.Diff(want[:end], got); diff != "" || err != nil {
			t.Errorf("restore to %d: %v (-want +got):\n%s", end, err, diff)
		}
	}
	if ends[0] == ends[len(ends)-1] {
		t.Error("nobody shopped while the backups were made")
	}
}

// TestBackupCrash lets each change of a backup fail in each way, followed by a
// restart or a power cut: the earlier backup can be restored until the next is
// whole, and the next run finishes what was begun.
func TestBackupCrash(t *testing.T) {
	source := memory(1)
	first := shop(t, source, 0, 16)
	early := memory(2)
	backUp(t, source, early)
	yesterday := shelfOf(t, early)
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
				least = int(r.Position) //nolint:gosec // small
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
	return shelfOf(t, d).on(t)
}

func shelfOf(t *testing.T, d *faultdisk.Disk) shelf {
	t.Helper()
	names, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	s := make(shelf)
	for _, name := range names {
		seen, _ := d.Bytes(name)
		s[name] = slices.Clone(seen)
	}
	return s
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
	good := shelfOf(t, target)
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
	for name := range shelfOf(t, target) {
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
	kept := shelfOf(t, target)
	shop(t, source, 24, 24)
	good := shelfOf(t, source)
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

// TestBackupRefuses checks what may not be backed up where.
func TestBackupRefuses(t *testing.T) {
	source, target := memory(1), memory(2)
	shop(t, source, 0, 24)
	yesterday := copyDisk(t, source)
	want := shop(t, source, 24, 24)
	backUp(t, source, target)

	other := memory(3)
	l, err := embedded.OpenFolder(t.Context(), other, embedded.Config{Now: night, SegmentBytes: tiny})
	if err != nil {
		t.Fatal(err)
	}
	trade(t, l, 0, 60)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	forked := copyDisk(t, yesterday)
	shop(t, forked, 500, 40)
	written := copyDisk(t, target)
	shop(t, written, 700, 1)
	for what, c := range map[string]struct {
		from, to disk.Folder
		want     error
	}{
		"a log of yesterday":          {yesterday, copyDisk(t, target), embedded.ErrDiverged},
		"a log that went another way": {forked, copyDisk(t, target), embedded.ErrDiverged},
		"another log":                 {other, copyDisk(t, target), embedded.ErrDiverged},
		"into a backup written to":    {source, written, embedded.ErrDiverged},
		"into a log":                  {source, copyDisk(t, yesterday), embedded.ErrNotEmpty},
		"no log":                      {memory(4), copyDisk(t, target), ledger.ErrNotFound},
		"no log into an empty folder": {memory(4), memory(5), ledger.ErrNotFound},
	} {
		before := len(shelfOf(t, c.to.(*faultdisk.Disk))) //nolint:forcetypeassert // it is one
		if _, err := embedded.BackupFolder(t.Context(), c.from, c.to, nightly); !errors.Is(err, c.want) {
			t.Errorf("%s: backup = %v, want %v", what, err, c.want)
		}
		if after := len(shelfOf(t, c.to.(*faultdisk.Disk))); after != before { //nolint:forcetypeassert // it is one
			t.Errorf("%s: %d files before, %d after", what, before, after)
		}
	}
	if got, err := restore(t, target, embedded.Until{}); err != nil || len(got) != len(want) {
		t.Errorf("the backup gives %d events, %v, want %d", len(got), err, len(want))
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
		before := len(shelfOf(t, c.to.(*faultdisk.Disk))) //nolint:forcetypeassert // it is one
		if _, err := embedded.RestoreFolder(t.Context(), c.from, c.to, c.until, restored); !errors.Is(err, c.want) {
			t.Errorf("%s: restore = %v, want %v", what, err, c.want)
		}
		if after := len(shelfOf(t, c.to.(*faultdisk.Disk))); after != before { //nolint:forcetypeassert // it is one
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
			for name := range shelfOf(t, d) {
				begun = begun || strings.HasSuffix(name, ".seg") || strings.HasSuffix(name, ".sealed")
			}
			l, err := embedded.OpenFolder(t.Context(), d, config(tiny))
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
	if left := shelfOf(t, d); len(left) > 0 {
		t.Errorf("restore on a full disk has left %d files", len(left))
	}
}

// TestBackupFolders checks the two commands' half: folders of the system, with
// their locks, a source that cannot be written, a backup under way.
func TestBackupFolders(t *testing.T) {
	dir, to := filepath.Join(t.TempDir(), "log"), filepath.Join(t.TempDir(), "a", "backup")
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=8m"); err == nil {
		defer func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		}()
	} else {
		t.Logf("the log is not on a read-only disk: mount: %v (needs root)", err)
	}
	l := open(t, dir)
	trade(t, l, 0, 100)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_ = syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "") // without root it stays as it is
	if _, err := embedded.Backup(t.Context(), dir, dir, nightly); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("backup of a folder into itself = %v", err)
	}
	if _, err := embedded.Backup(t.Context(), dir, to, embedded.BackupConfig{}); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("backup without a clock = %v", err)
	}
	if _, err := embedded.Backup(t.Context(), filepath.Join(dir, "none"), to, nightly); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("backup of nothing = %v", err)
	}
	var bars []int64
	cfg := nightly
	cfg.Progress = func(done, total int64) { bars = append(bars, done, total) }
	r, err := embedded.Backup(t.Context(), dir, to, cfg)
	if err != nil || r.Sealed == 0 {
		t.Fatalf("backup = %+v, %v", r, err)
	}
	if n := len(bars); n < 4 || bars[n-1] != bars[n-2] {
		t.Errorf("progress %v does not end at the total", bars)
	}
	lock, err := disk.Dir(to).Lock(t.Context(), "LOCK", "a backup of the night")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Backup(t.Context(), dir, to, nightly); !errors.Is(err, embedded.ErrLocked) {
		t.Errorf("a second backup at the same time = %v, want ErrLocked", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(t.TempDir(), "again")
	if err := os.MkdirAll(filepath.Join(again, "photos"), 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Restore(t.Context(), to, again, embedded.Until{}, restored); !errors.Is(err, embedded.ErrNotEmpty) || !strings.Contains(err.Error(), "photos") {
		t.Errorf("restore into a folder with photos = %v, want ErrNotEmpty", err)
	}
	if err := os.Remove(filepath.Join(again, "photos")); err != nil {
		t.Fatal(err)
	}
	if r, err := embedded.Restore(t.Context(), to, again, embedded.Until{}, restored); err != nil || r.Log.Segments == 0 {
		t.Errorf("restore = %+v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := embedded.Backup(ctx, dir, filepath.Join(t.TempDir(), "b"), nightly); !errors.Is(err, context.Canceled) {
		t.Errorf("backup with a cancelled context = %v", err)
	}
}
