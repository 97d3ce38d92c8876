package ledgerbench

import (
	"errors"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
)

const (
	bareBytes  = 64 << 20 // as long as a segment of the log
	bareHeader = 88       // as long as the fixed part of the log's frames
	bareSector = 512
)

// A bareFile is a file that bytes are brought to durably, with the log's group
// commit and nothing else.
type bareFile struct {
	file disk.File
	mu   sync.Mutex
	next *bareBatch
	free []byte
	work chan struct{}
	done chan struct{}
}

type bareBatch struct {
	buf  []byte
	done chan struct{}
	err  error
}

// openBare makes the file and fills it with zeros.
func openBare(dir string) (*bareFile, error) {
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
	b := &bareFile{file: f, work: make(chan struct{}, 1), done: make(chan struct{})}
	go b.run()
	return b, nil
}

// append writes as many bytes as the log does for d, and returns when they are
// durable.
func (b *bareFile) append(id []byte, stream ledger.StreamID, d ledger.Draft) error {
	var header [bareHeader]byte
	copy(header[:], id)
	b.mu.Lock()
	batch := b.next
	if batch == nil {
		batch = &bareBatch{buf: b.free[:0], done: make(chan struct{})}
		b.next, b.free = batch, nil
		b.work <- struct{}{}
	}
	batch.buf = append(batch.buf, header[:]...)
	batch.buf = append(batch.buf, stream...)
	batch.buf = append(batch.buf, d.Kind...)
	batch.buf = append(batch.buf, d.Actor...)
	batch.buf = append(batch.buf, d.Body...)
	b.mu.Unlock()
	<-batch.done
	return batch.err
}

// run writes batch after batch, from the start again when the end is reached.
func (b *bareFile) run() {
	defer close(b.done)
	at := int64(0)
	for range b.work {
		runtime.Gosched() // as the log does: who was just released may join
		b.mu.Lock()
		batch := b.next
		b.next = nil
		b.mu.Unlock()
		buf := append(batch.buf, make([]byte, -len(batch.buf)&(bareSector-1))...)
		if at+int64(len(buf)) > bareBytes {
			at = 0
		}
		if _, batch.err = b.file.WriteAt(buf, at); batch.err == nil {
			batch.err = b.file.Sync()
		}
		at += int64(len(buf))
		b.mu.Lock()
		b.free = buf
		b.mu.Unlock()
		close(batch.done)
	}
}

func (b *bareFile) close() error {
	close(b.work)
	<-b.done
	return b.file.Close()
}
