package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

// A stuck folder's disk does not answer a sync for as long as it is stuck.
type stuck struct {
	disk.Folder
	is   *atomic.Bool
	free chan struct{}
}

func (s stuck) Open(name string, mode disk.Mode) (disk.File, error) {
	f, err := s.Folder.Open(name, mode)
	return stuckFile{f, s}, err
}

type stuckFile struct {
	disk.File
	of stuck
}

func (f stuckFile) Sync() error {
	if f.of.is.Load() {
		<-f.of.free
	}
	return f.File.Sync()
}

// TestNobodyWaitsForAStuckDisk checks that who appends to a disk that does not
// answer gets away when its context ends: in the commit under way, in the one
// behind it, and in one that comes after both have been late. Nobody reads what
// the disk has not answered for; it is stored when the disk answers again.
func TestNobodyWaitsForAStuckDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := stuck{faultdisk.New(rand.New(rand.NewPCG(3, 3)), nil), new(atomic.Bool), make(chan struct{})}
		l, err := embedded.OpenFolder(t.Context(), files, embedded.Config{Now: ledgertest.JumpingClock(), SegmentBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		if err := add(t.Context(), l, 0); err != nil {
			t.Fatal(err)
		}
		files.is.Store(true)
		appending := func(ctx context.Context, n uint64) chan error {
			done := make(chan error, 1)
			go func() { done <- add(ctx, l, n) }()
			synctest.Wait() // it waits for the disk
			return done
		}
		ctx, cancel := context.WithCancel(t.Context())
		underWay, behind, staying := appending(ctx, 1), appending(ctx, 2), appending(t.Context(), 3)
		began := time.Now()
		cancel()
		for _, done := range []chan error{underWay, behind} {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Append() on a stuck disk = %v, want that its context ended", err)
			}
		}
		if waited := time.Since(began); waited > 100*time.Millisecond {
			t.Errorf("to get away took %v", waited)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := <-appending(ctx, 4); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Append() behind those = %v, want that its time was over", err)
		}
		select {
		case err := <-staying:
			t.Errorf("Append() with all the time of the world returned before the disk did: %v", err)
		default:
		}
		head, err := l.Head(t.Context())
		if rs, readErr := all(t.Context(), l); len(rs) != 1 || head != 1 || err != nil || readErr != nil {
			t.Errorf("%d events are read up to %d on a stuck disk, %v, %v, want the one that is durable", len(rs), head, readErr, err)
		}
		if r, err := l.Find(t.Context(), ledgertest.Draft(1).ID); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("an event that is not durable is found at %d, %v", r.Position, err)
		}
		files.is.Store(false)
		close(files.free)
		if err := <-staying; err != nil {
			t.Errorf("Append() when the disk answers = %v", err)
		}
		for n := range uint64(6) { // 5 is new: the log goes on
			if err := add(t.Context(), l, n); err != nil {
				t.Errorf("event %d again: %v", n, err)
			}
		}
		if head, err := l.Head(t.Context()); head != 6 || err != nil {
			t.Errorf("Head() = %d, %v, want 6: each stored once", head, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestLateCommitGoesToItsWriters checks that who waits with a context that never
// ends is told the outcome of a commit that was late.
func TestLateCommitGoesToItsWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := stuck{faultdisk.New(rand.New(rand.NewPCG(4, 4)), nil), new(atomic.Bool), make(chan struct{})}
		l, err := embedded.OpenFolder(t.Context(), files, embedded.Config{Now: ledgertest.JumpingClock(), SegmentBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		files.is.Store(true)
		const writers = 5
		done := make(chan error, writers)
		for n := range uint64(writers) {
			go func() { done <- add(context.Background(), l, n) }()
			synctest.Wait()
		}
		<-time.After(time.Minute) // by the clock of the test
		files.is.Store(false)
		close(files.free)
		for range writers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if head, err := l.Head(t.Context()); head != writers || err != nil {
			t.Errorf("Head() = %d, %v, want %d", head, err, writers)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestLargeAppendsBesideSmallOnes checks that an append for which the commit has no
// room left goes with a later one, however large it is, that small ones beside it are
// not held up, and that each is stored as it was.
func TestLargeAppendsBesideSmallOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := stuck{faultdisk.New(rand.New(rand.NewPCG(5, 5)), nil), new(atomic.Bool), make(chan struct{})}
		l, err := embedded.OpenFolder(t.Context(), files, embedded.Config{Now: ledgertest.JumpingClock(), SegmentBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		files.is.Store(true)
		stored := make(map[ledger.ID][]byte)
		done := make(chan error)
		appends := []struct{ events, bytes int }{{1, 10}, {1, 10}, {3, 300 << 10}, {1, 10}, {12, 1 << 20}, {1, 1 << 20}, {1, 10}, {16, 1 << 20}}
		for i, a := range appends {
			var drafts []ledger.Draft
			for range a.events {
				d := ledgertest.Draft(uint64(len(stored)))
				d.Body = bytes.Repeat([]byte{byte('a' + i)}, a.bytes)
				stored[d.ID] = d.Body
				drafts = append(drafts, d)
			}
			go func() {
				_, err := l.Append(t.Context(), ledger.StreamID(fmt.Sprintf("visit-%d", i)), ledger.None(), drafts...)
				done <- err
			}()
			synctest.Wait()
		}
		files.is.Store(false)
		close(files.free)
		for range appends {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		events := 0
		for r, err := range l.Read(t.Context(), ledger.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(r.Body, stored[r.ID]) {
				t.Errorf("event %d has a body of %d bytes that start with %.1q, want %d of %.1q",
					r.Position, len(r.Body), r.Body, len(stored[r.ID]), stored[r.ID])
			}
			events++
		}
		if events != len(stored) {
			t.Errorf("%d events, want %d", events, len(stored))
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}
