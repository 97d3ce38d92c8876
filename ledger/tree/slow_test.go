package tree_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// A hesitant witness answers when it is told to. It cosigns nothing: what it looks at
// is that the tree it is shown is there.
type hesitant struct {
	asked  chan uint64 // leaves of the tree that it is shown
	answer chan struct{}
}

func (w hesitant) Cosign(ctx context.Context, signed []byte, v *tile.View) ([]byte, bool, error) {
	select {
	case w.asked <- v.Size():
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	select {
	case <-w.answer:
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	_, err := v.Root(v.Size())
	return signed, true, err
}

// TestSlowWitnessKeepsTheTree: a witness takes longer than the time between two
// checkpoints, so the tree has been signed again when it answers. What it answers about
// is published, and of the tree that was signed meanwhile every tile is still there.
func TestSlowWitnessKeepsTheTree(t *testing.T) {
	sizes := []uint64{10, 17, 250, 256, 300, 900, 901}
	log := newLog()
	s := open(t, log, tree.NewDir(filepath.Join(t.TempDir(), "tlog")), filepath.Join(t.TempDir(), "signer"))
	defer s.close()
	w := hesitant{make(chan uint64), make(chan struct{})}
	s.pub = tree.New(log, s.files, s.signer, tree.Config{
		Interval: time.Millisecond, Patience: time.Hour, Witnesses: w, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	sell(t, log, 0, int(sizes[0]), "cola")
	go func() { done <- s.pub.Run(ctx) }()
	for i, size := range sizes {
		if shown := <-w.asked; shown != size {
			t.Fatalf("the witness is shown a tree of %d leaves, want %d", shown, size)
		}
		if i+1 < len(sizes) {
			sell(t, log, int(size), int(sizes[i+1]-size), "cola")
			within(t, "the tree is signed again", func() bool { return s.pub.Status().Signed == sizes[i+1] })
		}
		w.answer <- struct{}{}
		within(t, "the cosigned checkpoint is published", func() bool { return s.pub.Status().Published >= size || s.pub.Status().Failures > 0 })
		if n := s.pub.Status().Failures; n > 0 {
			t.Fatalf("after the answer about %d leaves the publisher had to begin again", size)
		}
	}
	if err := s.fsck(); err != nil {
		t.Errorf("tessera says %v", err)
	}
	if found := s.findings(); len(found) > 0 {
		t.Errorf("verification finds %q", found)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run() = %v", err)
	}
	s.wantPartials(slices.Concat(tile.Edge(900), tile.Edge(901)))
}

// wantPartials requires that no other partial tile is left.
func (s *shop) wantPartials(want []tile.ID) {
	s.t.Helper()
	names, err := s.files.List("tile")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range names {
		id, err := tile.ParsePath(name)
		if err == nil && id.Width < tile.Width && !slices.Contains(want, id) {
			s.t.Errorf("%s is left, which no reader can need", name)
		}
	}
}
