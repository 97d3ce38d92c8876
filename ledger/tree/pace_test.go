package tree_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchledger/vouch/ledger/tree"
)

// A stuck folder's disk takes nothing for as long as it is stuck.
type stuck struct {
	tree.Files
	is   atomic.Bool
	free chan struct{}
}

func (s *stuck) wait() {
	if s.is.Load() {
		<-s.free
	}
}

func (s *stuck) Write(name string, data []byte) error {
	s.wait()
	return s.Files.Write(name, data)
}

func (s *stuck) Sync(ctx context.Context, names []string) error {
	s.wait()
	return s.Files.Sync(ctx, names)
}

// TestCheckpointsAreNeverOlderThanASecond: a shop that sells without a pause has, by
// the clock of the test and with the settings as they come, all that it had sold a
// second ago under a published checkpoint. A disk of the tree that takes nothing holds
// up no sale and nobody who looks, and when it does again the next second catches up.
func TestCheckpointsAreNeverOlderThanASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog()
		files := &stuck{Files: tree.NewDir(filepath.Join(t.TempDir(), "tlog")), free: make(chan struct{})}
		s := open(t, log, files, filepath.Join(t.TempDir(), "signer"))
		defer s.close()
		s.pub = tree.New(log, files, s.signer, tree.Config{Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(context.Background())
		var ended error
		done := make(chan struct{})
		go func() { defer close(done); ended = s.pub.Run(ctx) }()
		end := func() { stop(); <-done }
		defer end()
		const pace, inASecond = 50 * time.Millisecond, 20
		sold := 0
		sellFor := func(moments int) {
			for range moments {
				sell(t, log, sold, 30, "cola")
				sold += 30
				<-time.After(pace) // by the clock of the test
			}
		}
		published := func(want int) {
			t.Helper()
			synctest.Wait()
			c, err := s.pub.Folder().Checkpoint()
			if err != nil {
				t.Fatalf("a second after %d sales: %v", want, err)
			}
			if got := s.pub.Status().Published; got < uint64(want) {
				t.Fatalf("%d sales are under a checkpoint, %d were made a second ago:\n%s", got, want, c)
			}
		}
		sellFor(inASecond)
		before := 0
		for range 60 {
			before = sold - inASecond*30
			published(before)
			sellFor(1)
		}
		files.is.Store(true)
		sellFor(10 * inASecond) // more than wait to be written behind
		if err := s.pub.Ready(ctx); err != nil || s.pub.Status().Leaves < uint64(before) {
			t.Errorf("Ready() beside a disk that takes nothing = %v, %d leaves", err, s.pub.Status().Leaves)
		}
		if head, err := log.Head(t.Context()); err != nil || head != uint64(sold) {
			t.Errorf("%d of %d sales are in the log beside a disk that takes nothing, %v", head, sold, err)
		}
		files.is.Store(false)
		close(files.free)
		before = sold
		sellFor(inASecond)
		published(before)
		if end(); !errors.Is(ended, context.Canceled) {
			t.Errorf("Run() = %v", ended)
		}
		if found := s.findings(); len(found) > 0 {
			t.Errorf("verification finds %q", found)
		}
	})
}
