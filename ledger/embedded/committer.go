package embedded

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/convoy"
)

// A committer is what the one goroutine that writes keeps to itself.
type committer struct {
	witness  *witness
	previous uint32   // header checksum of the last commit
	seg      *segment // that is written to
	offsets  []uint32 // of the events of a commit, in the segment
}

// errDisk marks an error after which the disk is not to be trusted.
var errDisk = errors.New("error of the disk")

// failed returns err as one after which nothing more may be written.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errDisk, err)
}

// run commits batch after batch until the log stops.
func (l *Log) run() {
	defer close(l.done)
	late := time.AfterFunc(patience, l.late)
	defer late.Stop()
	for {
		ended := false
		select {
		case <-l.work:
		case <-l.quit:
			ended = true
		}
		// Who is about to append as well gets a chance to join. It costs nothing
		// if there is nobody.
		runtime.Gosched()
		for b := l.takeBatch(); b != nil; b = l.takeBatch() {
			late.Reset(patience)
			b.written.Await(l.written, len(b.streams))
			if !l.commit(b) {
				return
			}
			b.released.Await(l.released, min(len(b.streams), convoy.Most))
		}
		late.Stop()
		if ended {
			return
		}
	}
}

func (l *Log) takeBatch() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.active
	l.active, l.committing = nil, b
	return b
}

// commit makes b durable, shows it to readers and tells its writers. It reports
// whether the log can go on.
func (l *Log) commit(b *batch) bool {
	need := padded(int64(len(b.buf)))
	if l.c.seg.end+need > l.c.seg.size {
		if err := l.roll(need); errors.Is(err, errDisk) {
			l.stop(b, err)
			return false
		} else if err != nil {
			l.refuse(b, err)
			return true
		}
	}
	seg := l.c.seg
	offset := seg.end
	l.c.offsets = offsetsOf(l.c.offsets[:0], b.buf, offset)
	buf, crc := headCommit(seg.seeds, b.buf, b.first, b.events, l.c.previous)
	_, err := seg.file.WriteAt(buf, offset)
	if err == nil {
		err = seg.file.Sync()
	}
	last := b.first + uint64(b.events) - 1 //nolint:gosec // a count
	if err == nil {
		err = l.c.witness.note(last)
	}
	if err != nil {
		// Never tried again: after a failed sync the kernel may have dropped
		// the pages, and a second sync would succeed without them.
		l.stop(b, failed(err))
		return false
	}
	l.c.previous, b.buf = crc, buf
	l.publish(b, crc, offset, last)
	if seg.end >= seg.size/2 {
		l.spares.prepare()
	}
	return true
}

// publish shows what is durable now to readers and wakes who waits for it. It
// wakes without the lock: who is awake wants it.
func (l *Log) publish(b *batch, crc uint32, offset int64, last uint64) {
	seg := l.c.seg
	l.mu.Lock()
	seg.offsets = append(seg.offsets, l.c.offsets...)
	seg.end, seg.commit = offset+int64(len(b.buf)), crc
	l.durable, l.committing = last, nil
	if cap(b.buf) <= 2*maxCommit {
		l.free = batch{buf: b.buf, streams: b.streams}
	}
	changed, outcome := l.changed, b.outcome()
	l.changed = nil
	l.mu.Unlock()
	close(outcome)
	if changed != nil {
		close(changed)
	}
}

// stop ends the log for good because of cause.
func (l *Log) stop(b *batch, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = cause
	}
	err := fmt.Errorf("%w after an %w", ledger.ErrClosed, cause)
	if l.stopped == nil {
		l.stopped = err
		close(l.quit)
	}
	for _, b := range []*batch{b, l.active} {
		if b != nil {
			b.err = err
			close(b.outcome())
		}
	}
	l.active, l.committing = nil, nil
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
		for _, s := range b.streams {
			l.idx.forget(s, l.durable)
		}
		b.err = fmt.Errorf("append refused, nothing was written: %w", cause)
		close(b.outcome())
	}
	l.idx.forgetIDs(l.durable)
	l.active, l.committing = nil, nil
	l.next = l.durable + 1
}

// roll makes the next segment, long enough for need bytes, and hands the last
// one to the sealer.
func (l *Log) roll(need int64) error {
	size := max(l.cfg.SegmentBytes, segmentHeader+need)
	if err := l.c.witness.settle(l.durable, stillOpen); err != nil {
		return failed(err)
	}
	spare, err := l.spares.take(size)
	if err != nil {
		return err
	}
	var s *segment
	err = l.files.change(func() (err error) {
		s, err = makeSegment(l.files, spare, l.id, l.durable+1)
		return err // under its old name it is no part of the log
	})
	if err != nil {
		if s != nil {
			err = errors.Join(err, s.file.Close())
		}
		return err
	}
	old := l.c.seg
	l.mu.Lock()
	keep, empty := len(l.idx.open), len(old.offsets) == 0
	if empty { // it was too short for its first commit; the new one has taken its name
		keep--
	}
	l.idx.open = append(l.idx.open[:keep:keep], s)
	l.mu.Unlock()
	l.c.seg = s
	if empty {
		return failed(old.take().Close())
	}
	l.wakeSealer()
	return nil
}

// close settles the witness, unless the disk has failed, and closes what the
// committer had open.
func (c *committer) close(healthy bool, durable uint64) error {
	var err error
	if healthy {
		err = c.witness.settle(durable, closedInOrder)
	}
	return errors.Join(err, c.witness.file.Close())
}
