package tree_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// A slow folder takes a tile when it is told to.
type slow struct {
	tree.Files
	take chan error // what the next writing comes to

	mu    sync.Mutex
	names []string
	data  []string
}

func (s *slow) Write(name string, data []byte) error {
	err := <-s.take
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names, s.data = append(s.names, name), append(s.data, string(data))
	return err
}

// TestTilesAreWrittenBehind: whoever computes tiles goes on while the disk takes
// its time, up to a bound, and each tile arrives as it was, in order.
func TestTilesAreWrittenBehind(t *testing.T) {
	const more = 200
	files := &slow{take: make(chan error)}
	b := tree.NewBehind(files)
	data := make([]byte, 8)
	write := func(i uint64) error {
		copy(data, fmt.Sprintf("tile %03d", i))
		return b.Write(tile.ID{Index: i, Width: tile.Width}, data)
	}
	for i := range uint64(10) { // nothing is taken yet
		if err := write(i); err != nil {
			t.Fatal(err)
		}
	}
	computed := make(chan error)
	go func() {
		for i := uint64(10); i < more; i++ { // more than may wait
			if err := write(i); err != nil {
				computed <- err
				return
			}
		}
		computed <- b.Wait()
	}()
	for range more {
		select {
		case files.take <- nil:
		case err := <-computed:
			t.Fatalf("all was written (%v) before the disk took it", err)
		}
	}
	if err := <-computed; err != nil {
		t.Fatal(err)
	}
	for i := range more {
		if want := fmt.Sprintf("tile %03d", i); files.data[i] != want || files.names[i] != (tile.ID{Index: uint64(i), Width: tile.Width}).Path() {
			t.Fatalf("write %d is %q to %s, want %q", i, files.data[i], files.names[i], want)
		}
	}
}

// TestAFailedTileIsTold: after an error of the disk nothing more is written,
// everybody who asks is told, and only who begins again may go on.
func TestAFailedTileIsTold(t *testing.T) {
	full := errors.New("the disk is full")
	files := &slow{take: make(chan error)}
	b := tree.NewBehind(files)
	for i := range uint64(5) {
		if err := b.Write(tile.ID{Index: i, Width: tile.Width}, nil); err != nil {
			t.Fatal(err)
		}
	}
	files.take <- nil
	files.take <- full
	for range 2 {
		if err := b.Wait(); !errors.Is(err, full) {
			t.Errorf("Wait() = %v, want %v", err, full)
		}
	}
	if err := b.Write(tile.ID{Index: 5, Width: tile.Width}, nil); !errors.Is(err, full) {
		t.Errorf("Write() after an error = %v, want %v", err, full)
	}
	b.Reset()
	if err := b.Write(tile.ID{Index: 9, Width: tile.Width}, nil); err != nil {
		t.Errorf("Write() after Reset = %v, want nil", err)
	}
	files.take <- nil
	if err := b.Wait(); err != nil {
		t.Errorf("Wait() after Reset = %v, want nil", err)
	}
	if want := []string{"tile/0/000", "tile/0/001", "tile/0/009"}; !slices.Equal(files.names, want) {
		t.Errorf("written were %q, want %q", files.names, want)
	}
}
