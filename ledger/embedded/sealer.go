package embedded

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/lookup"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// A sealer is what the goroutine that seals full segments has to say of itself.
type sealer struct {
	mu    sync.Mutex
	err   error         // why nothing more is sealed; nil while all is well
	idle  chan struct{} // closed when there is nothing left to do; nil if nobody waits
	asked int           // how often it was woken
	done  int           // the asking after which it has found nothing left to do

	// The sealer's own:
	seen  uint64       // position that was durable at the last pause
	words sealed.Words // of the segments that were sealed
}

const (
	// maxRunEvents bounds what is merged into one lookup: merging holds it in
	// memory twice, 16 bytes an event.
	maxRunEvents = 4 << 20

	// fanout is how many lookups of a size are merged into one of the next.
	fanout = 4

	// maxRunParts bounds the segments under one lookup: a stream that has
	// events in all of them has so many entries in one page.
	maxRunParts = 64
)

// wakeSealer tells the sealer that a segment is full.
func (l *Log) wakeSealer() {
	l.sealer.mu.Lock()
	l.sealer.asked++
	l.sealer.mu.Unlock()
	select {
	case l.full <- struct{}{}:
	default: // it has been told already
	}
}

// sealFull seals full segments until the log stops. An error ends the sealing
// and not the log: events that are not sealed are as durable as the others, they
// only take more room. After an error of the folder the log ends as well.
func (l *Log) sealFull() {
	defer close(l.sealing)
	for {
		l.sealer.mu.Lock()
		asked := l.sealer.asked
		l.sealer.mu.Unlock()
		err := l.sealAll()
		if errors.Is(err, errStopped) {
			return
		}
		l.rested(asked, err)
		if errors.Is(err, errDisk) {
			l.stop(nil, err)
		}
		next := l.full
		if err != nil && !isFull(err) {
			next = nil // never again: the disk is not to be trusted with more
		}
		select {
		case <-next:
		case <-l.quit:
			return
		}
	}
}

// rested tells who waits for the sealer what has come of the asking.
func (l *Log) rested(asked int, err error) {
	l.sealer.mu.Lock()
	defer l.sealer.mu.Unlock()
	l.sealer.err, l.sealer.done = err, asked
	if l.sealer.idle != nil {
		close(l.sealer.idle)
		l.sealer.idle = nil
	}
}

// sealAll seals what is full and merges lookups.
func (l *Log) sealAll() error {
	for len(l.fullOnes()) > 0 {
		if err := l.awaitQuiet(); err != nil {
			return err
		}
		if err := l.seal(l.fullOnes()); err != nil {
			return err
		}
		if err := l.mergeRuns(); err != nil {
			return err
		}
	}
	return l.mergeRuns()
}

// Of segments that wait two are sealed as one if they have no more bytes together: so
// many are in memory then, and in that of who reads a sealed segment whole. They wait
// where much happens in a short time, and there a visit lies in fewer of them.
const sealedTogether = 64 << 20

// fullOnes returns the segments that are to become the next sealed one, none if there
// is nothing to seal.
func (l *Log) fullOnes() []*segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := l.idx.open
	switch n := len(open) - 1 - l.cfg.KeepFull; {
	case n <= 0 || l.stopped != nil:
		return nil
	case n > 1 && open[0].end+open[1].end <= sealedTogether:
		return open[:2:2]
	}
	return open[:1:1]
}

// seal makes a sealed segment of full ones, if there are any, shows it to readers and
// takes the files of the old ones.
func (l *Log) seal(segs []*segment) error {
	if len(segs) == 0 {
		return nil
	}
	var frames []frame.Frame
	for _, seg := range segs {
		b := make([]byte, seg.end)
		if err := seg.readAt(b, 0); err != nil {
			return err
		}
		fs, err := framesOf(seg, b)
		if err != nil {
			return err
		}
		frames = append(frames, fs...)
	}
	first, commit := segs[0].first, segs[len(segs)-1].commit
	content := sealed.Content{Log: l.id, First: first, Frames: frames, Commit: commit, Words: &l.sealer.words, Pause: l.pause}
	err := l.files.change(func() error { return nil }) // nothing is begun in a folder that has failed
	if err == nil {
		err = sealed.Write(l.files, content)
	}
	if err != nil {
		return err
	}
	part, err := sealed.Open(l.files, sealed.Name(first))
	if err != nil {
		return err
	}
	t := lookup.Tables{IDs: make([]lookup.Entry, 0, len(frames))}
	for i, f := range frames {
		addID(&t, l.id, f.ID(), uint64(i)) //nolint:gosec // an index
	}
	var streams []ledger.StreamID
	err = disk.Guard(func() error {
		return part.EachStream(func(name []byte, _ sealed.Extent) error {
			streams = append(streams, ledger.StreamID(name))
			t.Streams = append(t.Streams, lookup.NewEntry(lookup.HashOf(l.id, name), 0))
			return nil
		})
	})
	if err != nil {
		return errors.Join(err, part.Close())
	}
	sp := span([]*sealed.Part{part})
	run, err := l.writeRun(sp, t)
	if err != nil {
		return errors.Join(err, part.Close())
	}
	old := l.set.Load()
	next := newSet(l.id, append(old.parts[:len(old.parts):len(old.parts)], part),
		append(old.runs[:len(old.runs):len(old.runs)], run))
	l.mu.Lock()
	l.idx.dropFirst(len(segs), streams)
	l.replace(old, next)
	l.mu.Unlock()
	release(old)
	for _, seg := range segs {
		if err := l.spares.give(seg.name, seg.take(), seg.size); err != nil {
			return err
		}
	}
	return nil
}

// replace makes next the present set. Who holds old holds next with it, so
// that what both have stays open. The lock must be held; the caller releases
// old.
func (l *Log) replace(old, next *set) {
	next.holds.Add(1)
	old.next = next
	l.set.Store(next)
}

// writeRun writes a lookup, makes it and what was written before it durable, and
// opens it.
func (l *Log) writeRun(sp lookup.Span, t lookup.Tables) (*lookup.Run, error) {
	if err := lookup.Prepare(l.files, l.id, sp, t); err != nil { // outside of the change: a roll must not wait for it
		return nil, err
	}
	if err := l.files.change(func() error { return lookup.Publish(l.files, sp) }); err != nil {
		return nil, err
	}
	return lookup.Open(l.files, l.id, sp.Name())
}

// framesOf returns the frames of a full segment, whose bytes are b, checked.
func framesOf(seg *segment, b []byte) ([]frame.Frame, error) {
	frames := make([]frame.Frame, 0, len(seg.offsets))
	for i, at := range seg.offsets {
		f, err := frame.Parse(seg.seeds.frame, b[at:])
		if err == nil && f.Position() != seg.first+uint64(i) { //nolint:gosec // an index
			err = fmt.Errorf("position %d lies there", f.Position())
		}
		if err != nil {
			return nil, &DamageError{
				File: seg.name, Offset: int64(at), Position: seg.first + uint64(i), //nolint:gosec // an index
				Stream: frame.GuessStream(b[at:]), Reason: err.Error(),
			}
		}
		frames = append(frames, f)
	}
	return frames, nil
}

// mergeRuns merges the last lookups while there are enough of one size.
func (l *Log) mergeRuns() error {
	for {
		old := l.set.Load()
		n := mergeable(old.runs)
		if n == 0 {
			return nil
		}
		from := len(old.runs) - n
		var sp lookup.Span
		var t lookup.Tables
		err := disk.Guard(func() (err error) {
			sp, t, err = lookup.Merge(old.runs[from:])
			return err
		})
		if err != nil {
			return err
		}
		sp.Digest = span(old.parts[old.at[from]:]).Digest
		run, err := l.writeRun(sp, t)
		if err != nil {
			return err
		}
		next := newSet(l.id, old.parts, append(old.runs[:from:from], run))
		for _, r := range old.runs[from:] {
			old.after = append(old.after, r)
		}
		l.mu.Lock()
		l.replace(old, next)
		l.mu.Unlock()
		release(old)
		for _, r := range old.runs[from:] {
			if err := disk.Discard(l.files, r.Name()); err != nil {
				return err
			}
		}
	}
}

// mergeable returns how many of the last lookups are to be merged into one.
func mergeable(runs []*lookup.Run) int {
	if len(runs) < fanout {
		return 0
	}
	events, parts := uint64(0), 0
	for _, r := range runs[len(runs)-fanout:] {
		events += r.Events()
		parts += r.Parts
		if level(r.Parts) != level(runs[len(runs)-1].Parts) {
			return 0
		}
	}
	if events > maxRunEvents || parts > maxRunParts {
		return 0
	}
	return fanout
}

// level returns the power of the fanout that n has reached.
func level(n int) int { return (bits.Len(uint(n)) - 1) / (bits.Len(fanout) - 1) } //nolint:gosec // positive

// How the sealing makes way for appends. So many segments may wait for a quiet
// moment: they hold what a rush of some seconds brings. With more than that a
// little is sealed between commits, and with too many as much as can be: who opens
// the log next, after a crash too, reads all that are left, each in some ten
// milliseconds of two processors.
const (
	waitForQuiet = 6
	waitForNone  = 10

	quietLook  = 5 * time.Millisecond
	quietLimit = 5 // events in one look; who keeps a disk busy appends five times as many
)

// awaitQuiet returns when a segment may be begun to be sealed.
func (l *Log) awaitQuiet() error {
	for {
		appended, underWay := l.appended()
		waiting, err := l.waiting()
		if err != nil || appended < quietLimit && !underWay || waiting > waitForQuiet {
			return err
		}
		if err := l.nap(quietLook); err != nil {
			return err
		}
	}
}

// appended returns how many events became durable since it was asked last, and whether
// somebody waits for a commit: on a slow disk that may be all that there is to see.
func (l *Log) appended() (events uint64, underWay bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events = l.durable - l.sealer.seen
	l.sealer.seen = l.durable
	return events, l.active != nil || l.committing != nil
}

// pause is called by the sealing after each block.
func (l *Log) pause() error {
	waiting, err := l.waiting()
	if err != nil {
		return err
	}
	appended, underWay := l.appended()
	switch {
	case appended <= 1 && !underWay || waiting > waitForNone:
		return nil
	case waiting > waitForQuiet:
		return l.nap(200 * time.Microsecond)
	}
	return l.nap(2 * time.Millisecond)
}

// waiting returns how many segments wait to be sealed, or errStopped.
func (l *Log) waiting() (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped != nil {
		return 0, errStopped
	}
	return len(l.idx.open) - 1 - l.cfg.KeepFull, nil
}

// nap waits, unless the log stops.
func (l *Log) nap(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.quit:
		return errStopped
	}
}

// Sealed waits until every full segment but [Config].KeepFull is sealed, or sealing has ended for an
// error, which it returns. Without appends meanwhile only the segment that is
// written to is then open.
func (l *Log) Sealed(ctx context.Context) error {
	for {
		l.sealer.mu.Lock()
		err, rest := l.sealer.err, l.sealer.done == l.sealer.asked || l.cfg.ReadOnly
		if l.sealer.idle == nil && !rest {
			l.sealer.idle = make(chan struct{})
		}
		idle := l.sealer.idle
		l.sealer.mu.Unlock()
		if rest || err != nil && !isFull(err) { // a disk that was full is tried again when it is asked
			return err
		}
		select {
		case <-idle:
		case <-l.sealing:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
