package tree

import (
	"sync"

	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// A Behind writes tiles into a folder behind whoever computes them, one after
// the other, in their order: making a file takes about as long as hashing what
// is in it. After an error it writes nothing more. Its methods may be called
// from many goroutines at once; a goroutine of its own lives only while there is
// something to write.
type Behind struct {
	files Files

	mu      sync.Mutex
	moved   *sync.Cond // something was written
	queue   []behindTile
	free    [][]byte // room of what was written
	asked   uint64   // tiles taken in so far
	written uint64
	writing bool
	err     error
}

// A behindTile waits to be written.
type behindTile struct {
	name string
	data []byte
}

// maxBehind bounds the tiles that wait: some megabytes. Whoever computes faster
// than the disk takes waits for it.
const maxBehind = 32

// NewBehind returns a writer into files.
func NewBehind(files Files) *Behind {
	b := &Behind{files: files}
	b.moved = sync.NewCond(&b.mu)
	return b
}

// Write takes in a tile. The data is the caller's again when it returns. An
// error may be that of an earlier tile.
func (b *Behind) Write(id tile.ID, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) >= maxBehind && b.err == nil {
		b.moved.Wait()
	}
	if b.err != nil {
		return b.err
	}
	var room []byte
	if n := len(b.free); n > 0 {
		room, b.free = b.free[n-1], b.free[:n-1]
	}
	b.queue = append(b.queue, behindTile{id.Path(), append(room[:0], data...)})
	b.asked++
	if !b.writing {
		b.writing = true
		go b.work()
	}
	return nil
}

// work writes until nothing is left.
func (b *Behind) work() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) > 0 && b.err == nil {
		t := b.queue[0]
		b.mu.Unlock()
		err := b.files.Write(t.name, t.data)
		b.mu.Lock()
		b.queue = append(b.queue[:0], b.queue[1:]...)
		b.free = append(b.free, t.data)
		b.written++
		b.err = err
		b.moved.Broadcast()
	}
	b.writing = false
	b.moved.Broadcast()
}

// Wait returns when all that was taken in before is written, or why it is not.
func (b *Behind) Wait() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for asked := b.asked; b.written < asked && b.err == nil; {
		b.moved.Wait()
	}
	return b.err
}

// Reset waits until nothing is being written and forgets the error and what it
// has left behind.
func (b *Behind) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.writing {
		b.moved.Wait()
	}
	b.queue, b.written, b.err = nil, b.asked, nil
}
