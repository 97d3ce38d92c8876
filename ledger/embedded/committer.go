package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
)

// A committer is what the one goroutine that writes keeps to itself.
type committer struct {
	witness   *witness
	previous  uint32 // header checksum of the last commit
	spare     disk.File
	preparing chan spare // a spare is being made; nil if not
	durable   uint64     // last position that is durable
	failed    error      // a write or sync failed: the disk is not to be trusted
}

// A spare is the outcome of making one in the background.
type spare struct {
	file disk.File
	err  error
}

// run commits batch after batch until the log stops.
func (l *Log) run() {
	defer close(l.done)
	for range l.work {
		// Writers that the last commit has just released get a chance to join
		// this one. It costs nothing if there are none.
		runtime.Gosched()
		for b := l.takeBatch(); b != nil; b = l.takeBatch() {
			if !l.commit(b) {
				return
			}
			runtime.Gosched()
		}
	}
}

func (l *Log) takeBatch() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.active
	l.active = nil
	return b
}

// commit makes b durable, shows it to readers and tells its writers. It reports
// whether the log can go on.
func (l *Log) commit(b *batch) bool {
	need := padded(int64(len(b.buf)))
	if l.end+need > l.last().size {
		if err := l.roll(need); err != nil {
			if l.c.failed != nil {
				l.stop(b, l.c.failed)
				return false
			}
			l.refuse(b, err)
			return true
		}
	}
	seg, offset := l.last(), l.end
	buf, crc := sealCommit(l.seed, b.buf, l.c.durable+1, len(b.events), l.c.previous)
	_, err := seg.file.WriteAt(buf, offset)
	if err == nil {
		err = seg.file.Sync()
	}
	last := l.c.durable + uint64(len(b.events))
	if err == nil {
		err = l.c.witness.note(last)
	}
	if err != nil {
		// Never tried again: after a failed sync the kernel may have dropped
		// the pages, and a second sync would succeed without them.
		l.stop(b, err)
		return false
	}
	l.c.previous, l.c.durable, b.buf = crc, last, buf
	l.publish(b, offset, offset+int64(len(buf)))
	l.prepare()
	return true
}

// last returns the segment that is written to. Only the committer changes it.
func (l *Log) last() *segment { return l.segments[len(l.segments)-1] }

// publish puts what is durable now into the index and wakes who waits for it.
func (l *Log) publish(b *batch, offset, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seg := len(l.segments) - 1
	for _, e := range b.events {
		l.idx.add(e.stream, e.id, placeAt(seg, offset+int64(e.at)))
		delete(l.pending, e.id)
		if e.stream.batch == b {
			e.stream.batch = nil
		}
	}
	l.end = end
	l.segments[seg].end = end
	if cap(b.buf) <= 2*maxCommit {
		l.free = b.buf
	}
	close(b.done)
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// stop ends the log for good because of cause.
func (l *Log) stop(b *batch, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.c.failed = cause
	err := fmt.Errorf("%w after an error of the disk: %w", ledger.ErrClosed, cause)
	if l.stopped == nil {
		l.stopped = err
		close(l.quit)
	}
	for _, b := range []*batch{b, l.active} {
		if b != nil {
			b.err = err
			close(b.done)
		}
	}
	l.active = nil
}

// refuse fails b and every append that was taken in since, and goes back to
// what is durable. It is for a cause that has left the log as it was.
func (l *Log) refuse(b *batch, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range []*batch{b, l.active} {
		if b == nil {
			continue
		}
		for _, e := range b.events {
			delete(l.pending, e.id)
			e.stream.batch, e.stream.next = nil, uint64(len(e.stream.positions))
			if e.stream.next == 0 {
				delete(l.idx.streams, e.stream.name)
			}
		}
		b.err = fmt.Errorf("append refused, nothing was written: %w", cause)
		close(b.done)
	}
	l.active = nil
	l.next = l.idx.head() + 1
}

// roll closes the last segment and makes the next, long enough for need bytes.
func (l *Log) roll(need int64) error {
	size := max(l.cfg.SegmentBytes, segmentHeader+need)
	file := l.takeSpare(size)
	if err := l.c.witness.settle(l.c.durable, stillOpen); err != nil {
		l.c.failed = err
		return errors.Join(err, closeSpare(file))
	}
	s, err := makeSegment(l.files, file, l.id, l.c.durable+1, size)
	if err != nil {
		return err // under its old name it is no part of the log
	}
	if err := l.files.Sync(); err != nil {
		l.c.failed = err
		return errors.Join(err, s.file.Close())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = append(l.segments, s)
	l.end = s.end
	return nil
}

// prepare starts to make the next segment when the last is half full.
func (l *Log) prepare() {
	if l.end < l.last().size/2 || l.c.spare != nil || l.c.preparing != nil {
		return
	}
	made := make(chan spare, 1)
	l.c.preparing = made
	go func() {
		file, err := makeSpare(l.files, l.cfg.SegmentBytes)
		made <- spare{file, err}
	}()
}

// takeSpare returns a spare of that size, or nil if there is none and one must
// be made now.
func (l *Log) takeSpare(size int64) disk.File {
	l.c.await()
	file := l.c.spare
	l.c.spare = nil
	if file != nil && size != l.cfg.SegmentBytes {
		closeSpare(file) //nolint:errcheck,gosec // a spare holds nothing
		return nil
	}
	return file
}

// await waits for a spare that is being made. If that failed there is none.
func (c *committer) await() {
	if c.preparing == nil {
		return
	}
	made := <-c.preparing
	c.preparing = nil
	if made.err == nil {
		c.spare = made.file
	}
}

func closeSpare(file disk.File) error {
	if file == nil {
		return nil
	}
	return file.Close()
}

// close settles the witness, unless the disk has failed, and closes what the
// committer had open.
func (c *committer) close(files disk.Folder) error {
	var err error
	if c.failed == nil {
		err = c.witness.settle(c.durable, closedInOrder)
	}
	err = errors.Join(err, c.witness.file.Close())
	c.await()
	if c.spare == nil {
		return err
	}
	err = errors.Join(err, c.spare.Close())
	if removed := files.Remove(spareName); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}
