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
	l, err := embedded.OpenFolder(t.Context(), d, sealing(tiny))
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

// TestStrangerReadsABackup checks that a backup, and what was restored of it up to an
// event, are logs for a reader that was written from the page on the format.
func TestStrangerReadsABackup(t *testing.T) {
	dir, to, again := filepath.Join(t.TempDir(), "log"), filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "again")
	l := open(t, dir)
	want := trade(t, l, 0, 300)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := embedded.Backup(t.Context(), dir, to, nightly); err != nil || r.Sealed == 0 {
		t.Fatalf("backup = %+v, %v", r, err)
	}
	if _, err := embedded.Restore(t.Context(), to, again, embedded.Until{Position: 402}, restored); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string][]ledger.Record{to: want, again: want[:402]} {
		s := &stranger{dir: folder}
		if err := s.read(); err != nil {
			t.Fatal(err)
		}
		var got []ledger.Record
		for _, f := range s.frames {
			got = append(got, s.record(f))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what a stranger reads (-want +got):\n%s", diff)
		}
	}
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
		if theirs, ours := filesOf(t, source).named(".index"), filesOf(t, target).named(".index"); !slices.Equal(theirs, ours) {
			t.Errorf("backup %d has lookups %v, the log %v", i, ours, theirs)
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
	patience := time.Now().Add(2 * time.Minute)
	grown := func() bool { return ends[0] != ends[len(ends)-1] }
	for i := 0; i < 12 || !grown() && time.Now().Before(patience); i++ { // twelve may be over before anybody has shopped
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
	if !grown() {
		t.Error("nobody shopped while the backups were made")
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
	if _, err := embedded.OpenFolder(t.Context(), target, sealing(tiny)); !errors.Is(err, embedded.ErrBackup) {
		t.Errorf("open a backup for writing = %v, want ErrBackup", err)
	}
	written := filesOf(t, target)
	list := written["backup.json"]
	delete(written, "backup.json")
	forced := written.on(t) // somebody who would not be told
	shop(t, forced, 700, 1)
	shelf{"backup.json": list}.onDisk(t, forced)
	for what, c := range map[string]struct {
		from, to disk.Folder
		want     error
	}{
		"a log of yesterday":          {yesterday, copyDisk(t, target), embedded.ErrDiverged},
		"a log that went another way": {forked, copyDisk(t, target), embedded.ErrDiverged},
		"another log":                 {other, copyDisk(t, target), embedded.ErrDiverged},
		"into a backup written to":    {source, forced, embedded.ErrDiverged},
		"into a log":                  {source, copyDisk(t, yesterday), embedded.ErrNotEmpty},
		"no log":                      {memory(4), copyDisk(t, target), ledger.ErrNotFound},
		"no log into an empty folder": {memory(4), memory(5), ledger.ErrNotFound},
	} {
		before := len(filesOf(t, c.to.(*faultdisk.Disk))) // it is one
		if _, err := embedded.BackupFolder(t.Context(), c.from, c.to, nightly); !errors.Is(err, c.want) {
			t.Errorf("%s: backup = %v, want %v", what, err, c.want)
		}
		if after := len(filesOf(t, c.to.(*faultdisk.Disk))); after != before { // it is one
			t.Errorf("%s: %d files before, %d after", what, before, after)
		}
	}
	if got, err := restore(t, target, embedded.Until{}); err != nil || len(got) != len(want) {
		t.Errorf("the backup gives %d events, %v, want %d", len(got), err, len(want))
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
