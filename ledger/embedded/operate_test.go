package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

// add appends the n-th event and returns the error.
func add(ctx context.Context, l ledger.Log, n uint64) error {
	_, err := l.Append(ctx, "visit-anna", ledger.Any(), ledgertest.Draft(n))
	return err
}

// TestLocked checks that a second writer is refused and told who the first is,
// and that the folder is free again once the first has gone.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	_, err := embedded.Open(t.Context(), dir, embedded.Config{Now: ledgertest.JumpingClock()})
	if !errors.Is(err, embedded.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on", os.Getpid())) ||
		!strings.Contains(err.Error(), "since 2026-03-01") {
		t.Errorf("second Open = %v, want ErrLocked with process, host and time", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOpenRefuses checks what cannot be opened.
func TestOpenRefuses(t *testing.T) {
	clock := ledgertest.JumpingClock()
	for what, c := range map[string]struct {
		cfg  embedded.Config
		want error
	}{
		"no clock":           {embedded.Config{}, ledger.ErrInvalid},
		"a tiny segment":     {embedded.Config{Now: clock, SegmentBytes: 512}, ledger.ErrInvalid},
		"an odd segment":     {embedded.Config{Now: clock, SegmentBytes: 1<<20 + 1}, ledger.ErrInvalid},
		"nothing to be read": {embedded.Config{ReadOnly: true}, ledger.ErrNotFound},
	} {
		if _, err := embedded.Open(t.Context(), t.TempDir(), c.cfg); !errors.Is(err, c.want) {
			t.Errorf("%s: Open = %v, want %v", what, err, c.want)
		}
	}
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := embedded.Open(ctx, dir, embedded.Config{Now: clock}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open(cancelled) = %v", err)
	}
}

// TestReadBesideWriter checks that a log that is being written can be opened
// read-only and verified all the time, and shows only what was acknowledged.
func TestReadBesideWriter(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range uint64(3) {
		wg.Go(func() {
			for n := w; ctx.Err() == nil; n += 3 {
				if err := add(ctx, l, n); err != nil && ctx.Err() == nil {
					t.Errorf("append beside readers: %v", err)
					return
				}
			}
		})
	}
	for round, head := 0, uint64(0); round < 20 || head < 60; round++ {
		report, err := embedded.Verify(t.Context(), dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := embedded.Open(t.Context(), dir, embedded.Config{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		head, err = r.Head(t.Context())
		if err != nil || head < report.Events {
			t.Errorf("Head() = %d, %v after %d were verified", head, err, report.Events)
		}
		now, err := l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// The witness is written just before readers are let in: at most one
		// commit, of one event a writer, lies between the two.
		if head > now+3 {
			t.Errorf("a reader beside the writer sees position %d, its own readers %d", head, now)
		}
		if rs, err := all(t.Context(), r); err != nil || uint64(len(rs)) != head {
			t.Errorf("read %d of %d records: %v", len(rs), head, err)
		}
		if err := add(t.Context(), r, 1); !errors.Is(err, embedded.ErrReadOnly) {
			t.Errorf("Append on a read-only log = %v, want ErrReadOnly", err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReadOnlyChangesNothing checks that a torn tail is no error for a reader
// and stays as it is.
func TestReadOnlyChangesNothing(t *testing.T) {
	s, want := shelve(t, 6, tiny)
	last := s.segments()[len(s.segments())-1]
	copy(s[last][len(s[last])-512:], "VCMT and then the power went")
	d := s.on(t)
	ops := d.Ops()
	l, err := embedded.OpenFolder(t.Context(), d, embedded.Config{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := all(t.Context(), l)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("read-only: %v (-want +got):\n%s", err, diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range l.Subscribe(ctx, ledger.Query{From: want[len(want)-1].Position}) {
		cancel() // at the last event, and at the end that follows from it
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := embedded.VerifyFolder(t.Context(), d)
	if err != nil || report.Torn == 0 || report.Events != uint64(len(want)) {
		t.Errorf("Verify = %+v, %v, want %d events and a torn tail", report, err, len(want))
	}
	if d.Ops() != ops {
		t.Errorf("reading changed the disk %d times", d.Ops()-ops)
	}
	for _, cut := range []int64{report.Torn, 0} { // the first writer cuts it, the second finds nothing
		w := openOn(t, d, tiny)
		if w.Cut() != cut {
			t.Errorf("Cut() = %d, want %d", w.Cut(), cut)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSyncErrorStops checks that after a sync that failed nothing is accepted,
// nothing is tried again, and the log opens again with all that was
// acknowledged.
func TestSyncErrorStops(t *testing.T) {
	d := faultdisk.New(rand.New(rand.NewPCG(3, 3)), nil)
	l := openOn(t, d, 64<<10)
	if err := add(t.Context(), l, 1); err != nil {
		t.Fatal(err)
	}
	syncs := 0
	d.SetFault(func(op faultdisk.Op) faultdisk.Fault {
		if op.Call == "sync" {
			if syncs++; syncs == 1 {
				return faultdisk.IOError
			}
		}
		return faultdisk.None
	})
	err := add(t.Context(), l, 2)
	if !errors.Is(err, ledger.ErrClosed) || !errors.Is(err, syscall.EIO) {
		t.Errorf("Append over a failing sync = %v, want ErrClosed and EIO", err)
	}
	ops := d.Ops()
	if err := add(t.Context(), l, 3); !errors.Is(err, ledger.ErrClosed) || !errors.Is(err, syscall.EIO) {
		t.Errorf("Append afterwards = %v, want ErrClosed and EIO", err)
	}
	if _, err := all(t.Context(), l); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("Read afterwards = %v, want ErrClosed", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if d.Ops() != ops || syncs != 1 {
		t.Errorf("after the failure the disk was changed %d times, synced %d times", d.Ops()-ops, syncs-1)
	}
	l = openOn(t, d, 64<<10)
	defer l.Close()
	for n := uint64(1); n <= 3; n++ {
		if err := add(t.Context(), l, n); err != nil {
			t.Errorf("retry of event %d: %v", n, err)
		}
	}
	if head, err := l.Head(t.Context()); head != 3 || err != nil {
		t.Errorf("Head() = %d, %v, want 3", head, err)
	}
}

// TestDiskFull checks that a full disk refuses appends with the system's own
// error, loses and damages nothing, and that the log goes on without being
// opened again as soon as there is room.
func TestDiskFull(t *testing.T) {
	d := faultdisk.New(rand.New(rand.NewPCG(3, 3)), nil)
	l := openOn(t, d, tiny)
	defer l.Close()
	full := func(op faultdisk.Op) faultdisk.Fault {
		if op.Grow {
			return faultdisk.NoSpace
		}
		return faultdisk.None
	}
	n := uint64(0)
	for range 3 {
		d.SetFault(full)
		var err error
		for ; err == nil; n++ {
			err = add(t.Context(), l, n)
		}
		n--
		if !errors.Is(err, syscall.ENOSPC) || errors.Is(err, ledger.ErrClosed) {
			t.Fatalf("Append on a full disk = %v, want ENOSPC and an open log", err)
		}
		before, err := all(t.Context(), l)
		if err != nil || uint64(len(before)) != n {
			t.Fatalf("on a full disk %d events are read, %v, want %d", len(before), err, n)
		}
		if err := add(t.Context(), l, n+100); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Append on a full disk again = %v", err)
		}
		_, err = l.Append(t.Context(), "visit-new", ledger.Exists(), ledgertest.Draft(n+200))
		if !errors.Is(err, ledger.ErrConflict) {
			t.Errorf("a refused append has left its stream behind: %v", err)
		}
		d.SetFault(nil)
		if err := add(t.Context(), l, n); err != nil {
			t.Fatalf("Append after room was made = %v", err)
		}
		n++
	}
	if rs, err := all(t.Context(), l); err != nil || uint64(len(rs)) != n {
		t.Errorf("%d events are read at the end, %v, want %d", len(rs), err, n)
	}
}

// TestDiskFullForReal does the same on a file system of a quarter megabyte.
func TestDiskFullForReal(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("no small file system to fill: mount: %v (needs root)", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, filepath.Join(dir, "log"))
	var err error
	n := uint64(0)
	for ; err == nil && n < 10_000; n++ {
		err = add(t.Context(), l, n)
	}
	n--
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Append %d on a full disk = %v, want ENOSPC", n, err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := add(t.Context(), l, n); err != nil {
		t.Errorf("Append after room was made = %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := embedded.Verify(t.Context(), filepath.Join(dir, "log"), nil)
	if err != nil || report.Events != n+1 {
		t.Errorf("Verify = %d events, %v, want %d", report.Events, err, n+1)
	}
}

// TestReadOnlyDirectory checks that a log on a disk that cannot be written is refused
// to a writer with the system's own error and its place, which is no damage, and is
// read and verified as it is; once it can be written again it goes on.
func TestReadOnlyDirectory(t *testing.T) {
	mounted := t.TempDir()
	if err := syscall.Mount("none", mounted, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("no file system that may be made read-only: mount: %v (needs root)", err)
	}
	defer func() {
		if err := syscall.Unmount(mounted, 0); err != nil {
			t.Error(err)
		}
	}()
	dir := filepath.Join(mounted, "log")
	l := open(t, dir)
	appendAll(t, l, 0, 400)
	want, err := all(t.Context(), l)
	if err = errors.Join(err, l.Sealed(t.Context()), l.Close()); err != nil {
		t.Fatal(err)
	}
	remount := func(how uintptr) {
		t.Helper()
		if err := syscall.Mount("none", mounted, "tmpfs", syscall.MS_REMOUNT|how, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	for _, dir := range []string{dir, filepath.Join(mounted, "new")} {
		_, err = embedded.Open(t.Context(), dir, embedded.Config{Now: ledgertest.JumpingClock()})
		if !errors.Is(err, syscall.EROFS) || errors.Is(err, ledger.ErrCorrupt) || !strings.Contains(err.Error(), dir) {
			t.Errorf("Open on a read-only disk = %v, want EROFS that names %s", err, dir)
		}
	}
	r, err := embedded.Open(t.Context(), dir, embedded.Config{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := all(t.Context(), r)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("what is read: %v (-want +got):\n%s", err, diff)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	report, err := embedded.Verify(t.Context(), dir, nil)
	if err != nil || report.Events != 400 || report.Sealed == 0 {
		t.Errorf("Verify = %+v, %v, want 400 events, some sealed", report, err)
	}
	remount(0)
	l = open(t, dir)
	if err := errors.Join(add(t.Context(), l, 400), l.Close()); err != nil {
		t.Errorf("once the disk can be written again: %v", err)
	}
}

// TestLargeBatch checks that a batch longer than a segment gets a longer one.
func TestLargeBatch(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	var ds []ledger.Draft
	for n := range uint64(5) {
		d := ledgertest.Draft(n)
		d.Body = make([]byte, 20<<10)
		ds = append(ds, d)
	}
	want, err := l.Append(t.Context(), "visit-anna", ledger.None(), ds...)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(add(t.Context(), l, 99), l.Close()); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	defer l.Close()
	got, err := all(t.Context(), l)
	if err != nil || len(got) != 6 {
		t.Fatalf("%d records, %v, want 6", len(got), err)
	}
	if diff := cmp.Diff(want, got[:5]); diff != "" {
		t.Errorf("a large batch (-want +got):\n%s", diff)
	}
}

// BenchmarkAppend measures durable appends of one 300-byte event by one and by
// 64 writers. `vouch bench ledger` puts them beside a bare file.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			l, err := embedded.Open(b.Context(), b.TempDir(), embedded.Config{Now: time.Now})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					stream := ledger.StreamID(fmt.Sprintf("visit-%d", w))
					for i := w; i < b.N; i += writers {
						d := ledgertest.Draft(uint64(i)) // small
						d.Body = append(d.Body, make([]byte, 270)...)
						if _, err := l.Append(b.Context(), stream, ledger.Any(), d); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// TestCutThatDidNotReachTheDisk checks that a torn tail stays cut: if the sync
// of the cut fails, the next opening sees zeros that the disk does not have, and
// a later power cut must not bring the torn bytes back. The torture found it.
func TestCutThatDidNotReachTheDisk(t *testing.T) {
	s, kept := shelve(t, 1, tiny)
	name := s.segments()[0]
	copy(s[name][header+3*512:], strings.Repeat("torn", 128)) // in the last sector
	for seed := range uint64(40) {
		d := s.onDisk(t, faultdisk.New(rand.New(rand.NewPCG(seed, 0)), nil))
		d.SetFault(func(op faultdisk.Op) faultdisk.Fault {
			if op.Call == "sync" && op.Name == name {
				return faultdisk.IOError
			}
			return faultdisk.None
		})
		if _, err := embedded.OpenFolder(t.Context(), d, config(tiny)); !errors.Is(err, syscall.EIO) {
			t.Fatalf("seed %d: open on a failing disk = %v, want EIO", seed, err)
		}
		d.SetFault(nil)
		d.Restart()
		l := openOn(t, d, tiny)
		for n := range uint64(10) { // two sectors each: the last one stays free
			d := ledgertest.Draft(100 + n)
			d.Body = append(d.Body, make([]byte, 600)...)
			if _, err := l.Append(t.Context(), "visit-anna", ledger.Any(), d); err != nil {
				t.Fatal(err)
			}
		}
		d.PowerLoss()
		_ = l.Close()
		l, err := embedded.OpenFolder(t.Context(), d, config(tiny))
		if err != nil {
			t.Fatalf("seed %d: open after the power cut: %v", seed, err)
		}
		if rs, err := all(t.Context(), l); err != nil || len(rs) != len(kept)+10 {
			t.Errorf("seed %d: %d records, %v, want %d", seed, len(rs), err, len(kept)+10)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
