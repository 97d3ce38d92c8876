package ledgerbench

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/vouchledger/vouch/ledger/internal/convoy"
	"github.com/vouchledger/vouch/ledger/internal/disk"
)

const (
	bareBytes  = 64 << 20 // as long as a segment of the log
	bareHeader = 88       // as long as the fixed part of the log's frames
	bareSector = 512
)

// A Bare is a file that bytes are brought to durably, with the log's group
// commit and nothing else: the limit. It is a [Target].
type Bare struct {
	file disk.File
	mu   sync.Mutex
	next *bareBatch
	free []byte
	work chan struct{}
	done chan struct{}

	released convoy.Place
}

type bareBatch struct {
	buf     []byte
	writers int
	done    chan struct{}
	err     error

	released convoy.Convoy
}

// OpenBare makes a folder in dir with the file, and fills it with zeros. The
// caller closes it.
func OpenBare(dir string) (*Bare, error) {
	d := disk.Dir(filepath.Join(dir, "bare"))
	if err := d.Make(); err != nil {
		return nil, err
	}
	f, err := d.Open("bare", disk.Create)
	if err != nil {
		return nil, err
	}
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < bareBytes; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros, at); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(f.Sync(), d.Sync()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	b := &Bare{file: f, work: make(chan struct{}, 1), done: make(chan struct{}), released: convoy.NewPlace()}
	go b.run()
	return b, nil
}

// Append writes as many bytes as the log does for e, and returns when they are
// durable.
func (b *Bare) Append(_ context.Context, e Event) error {
	var header [bareHeader]byte
	copy(header[:], e.Draft.ID[:])
	b.mu.Lock()
	batch := b.next
	if batch == nil {
		batch = &bareBatch{buf: b.free[:0], done: make(chan struct{})}
		b.next, b.free = batch, nil
		select {
		case b.work <- struct{}{}:
		default:
		}
	}
	batch.buf = append(batch.buf, header[:]...)
	batch.buf = append(batch.buf, e.Stream...)
	batch.buf = append(batch.buf, e.Draft.Kind...)
	batch.buf = append(batch.buf, e.Draft.Actor...)
	batch.buf = append(batch.buf, e.Draft.Body...)
	batch.writers++
	b.mu.Unlock()
	<-batch.done
	batch.released.Leave(b.released)
	return batch.err
}

// run writes batch after batch, and waits for writers where the log does.
func (b *Bare) run() {
	defer close(b.done)
	at := int64(0)
	for range b.work {
		runtime.Gosched()
		for batch := b.take(); batch != nil; batch = b.take() {
			at = b.write(batch, at)
			batch.released.Await(b.released, min(batch.writers, convoy.Most))
		}
	}
}

func (b *Bare) take() *bareBatch {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch := b.next
	b.next = nil
	return batch
}

// write makes a batch durable, at the start again when the end is reached, and
// returns where the next one goes.
func (b *Bare) write(batch *bareBatch, at int64) int64 {
	buf := append(batch.buf, make([]byte, -len(batch.buf)&(bareSector-1))...)
	if at+int64(len(buf)) > bareBytes {
		at = 0
	}
	if _, batch.err = b.file.WriteAt(buf, at); batch.err == nil {
		batch.err = b.file.Sync()
	}
	b.mu.Lock()
	b.free = buf
	b.mu.Unlock()
	close(batch.done)
	return at + int64(len(buf))
}

// Settle implements [Target]: nothing goes on in the background.
func (b *Bare) Settle(context.Context) error { return nil }

// Close ends the file. No Append may be under way.
func (b *Bare) Close() error {
	close(b.work)
	<-b.done
	return b.file.Close()
}
