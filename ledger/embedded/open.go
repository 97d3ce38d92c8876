package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// openWriter opens the log of a folder for writing, or makes one.
func openWriter(ctx context.Context, files disk.Folder, cfg Config) (*Log, error) {
	names, err := files.List()
	if err != nil {
		return nil, err
	}
	if slices.Contains(names, manifestName) {
		return nil, ErrBackup
	}
	acked, ackErr := readWitness(files)
	g := &gathering{files: files, progress: cfg.Progress}
	set, err := g.gather(ctx, names)
	if err != nil {
		return nil, err
	}
	open, needless := openSegments(names, set.last())
	if len(open) == 0 && len(set.parts) == 0 {
		if acked.position > 0 {
			return nil, &DamageError{File: segmentName(1), Position: 1, Reason: fmt.Sprintf(
				"no segment is there, but events up to position %d were acknowledged", acked.position)}
		}
		return makeLog(files, cfg, names)
	}
	s := &scan{files: files, mode: disk.Write, progress: cfg.Progress, set: set, rebuilt: g.rebuilt}
	if err = ackErr; err == nil {
		err = s.openPart(ctx, open)
	}
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	l := newLog(files, cfg, s)
	err = l.settleIn(s, acked)
	if err == nil {
		err = l.tidy(needless, g.stale, names)
	}
	if err != nil {
		return nil, errors.Join(err, s.drop(0), l.spares.close(), g.close())
	}
	l.start()
	return l, nil
}

// tempSuffix ends the name of a file that is being written.
const tempSuffix = ".tmp"

// openPart scans the open part; there must be one.
func (s *scan) openPart(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return &DamageError{
			File: segmentName(s.set.last() + 1), Position: s.set.last() + 1,
			Reason: "the segment behind the sealed ones is missing",
		}
	}
	return s.run(ctx, names)
}

// tidy removes what the sealed part has made needless, once that is durable and
// was read whole, and what was never finished, and takes in spares.
func (l *Log) tidy(needless, stale, names []string) error {
	set := l.set.Load()
	var checked *sealed.Part
	for _, name := range needless {
		first, _ := parseSegmentName(name)
		if err := l.ownSegment(name, first); err != nil {
			return err
		}
		if p := set.part(first); p != checked {
			if err := p.Check(new(sealed.Unpacked)); err != nil {
				return err
			}
			checked = p
		}
	}
	for _, name := range append(needless, stale...) {
		if err := l.files.change(func() error { return l.files.Remove(name) }); err != nil {
			return err
		}
	}
	if err := dropUnfinished(l.files, names); err != nil {
		return err
	}
	return l.spares.find(names)
}

// ownSegment looks at the header of a segment whose events are sealed, alone or with
// those of its neighbour: what this log has not made is not removed.
func (l *Log) ownSegment(name string, first uint64) error {
	f, err := l.files.Open(name, disk.Read)
	if err != nil {
		return err
	}
	b := make([]byte, segmentHeader)
	size, err := f.Size()
	if err == nil {
		_, err = f.ReadAt(b, 0)
	}
	if err = errors.Join(err, f.Close()); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if id, _, err := parseSegmentHeader(b, first, size); err != nil {
		return &DamageError{File: name, Position: first, Reason: err.Error()}
	} else if id != l.id {
		return &DamageError{File: name, Position: first, Reason: "segment of another log, and its events are sealed"}
	}
	return nil
}

// dropUnfinished removes what was not finished and so has never had its name.
func dropUnfinished(files *folder, names []string) error {
	for _, name := range names {
		if !strings.HasSuffix(name, tempSuffix) {
			continue
		}
		if err := disk.Discard(files, name); err != nil { // it may have been written anew since
			return err
		}
	}
	return nil
}

// makeLog makes an empty log. The witness comes first, so that a folder with a
// segment always has one.
func makeLog(files disk.Folder, cfg Config, names []string) (*Log, error) {
	var id frame.LogID
	if _, err := io.ReadFull(cfg.Random, id[:]); err != nil {
		return nil, fmt.Errorf("log id: %w", err)
	}
	w, err := makeWitness(files, id)
	if err != nil {
		return nil, err
	}
	left := &spares{files: &folder{Folder: files}, size: cfg.SegmentBytes} // by a making that was cut short
	var from *spare
	if err = dropUnfinished(left.files, names); err == nil {
		err = left.find(names)
	}
	if err == nil {
		from, err = left.take(cfg.SegmentBytes)
	}
	if err != nil {
		return nil, errors.Join(err, left.close(), w.file.Close())
	}
	idx := newIndex()
	seg, err := makeSegment(files, from, id, 1)
	if err != nil {
		return nil, errors.Join(err, left.close(), w.file.Close())
	}
	if err := files.Sync(); err != nil {
		return nil, errors.Join(err, left.close(), w.file.Close(), seg.file.Close())
	}
	idx.open = []*segment{seg}
	l := newLog(files, cfg, &scan{id: id, idx: idx, set: newSet(id, nil, nil)})
	l.c.witness = w
	left.files, l.spares = l.files, left
	l.start()
	return l, nil
}

// settleIn makes what the scan found the durable state of the log, or says why
// that must not be done.
func (l *Log) settleIn(s *scan, acked ack) error {
	if err := s.agrees(acked); err != nil {
		return err
	}
	if (s.torn > 0 || s.loose) && !acked.found {
		d := *s.tornWhy
		d.Reason += "; the file " + witnessName + ", which would say whether this was acknowledged, is missing"
		return &d
	}
	w, err := l.witnessOf(acked)
	if err != nil {
		return err
	}
	l.c.witness = w
	if err := l.mend(s, acked); err != nil {
		return errors.Join(err, w.file.Close())
	}
	return nil
}

// witnessOf opens the witness, or makes one where there is none.
func (l *Log) witnessOf(acked ack) (*witness, error) {
	if !acked.found {
		return makeWitness(l.files, l.id)
	}
	return openWitness(l.files, l.id, acked)
}

// mend brings what was found to the disk as far as it may not be there.
func (l *Log) mend(s *scan, acked ack) error {
	if acked.closed && s.torn > 0 {
		// Something has come behind the end since. From here on the log is
		// not closed in order, even if what follows fails.
		if err := l.c.witness.settle(acked.position, stillOpen); err != nil {
			return err
		}
	}
	if !acked.closed || s.torn > 0 {
		if err := s.rewriteEnd(); err != nil {
			return err
		}
	}
	// A file may be visible and yet not durable: whoever made it may have died
	// before it synced the folder.
	if err := l.files.Sync(); err != nil {
		return err
	}
	return l.c.witness.settle(l.durable, stillOpen)
}

// agrees compares what was found with what was acknowledged.
func (s *scan) agrees(acked ack) error {
	if !acked.found {
		return nil
	}
	if acked.id != s.id {
		return &DamageError{File: witnessName, Reason: "witness of another log"}
	}
	if s.head() >= acked.position {
		return nil
	}
	d := DamageError{
		File: s.idx.last().name, Offset: s.idx.last().end, Position: s.head() + 1,
		Reason: "the log ends here",
	}
	if s.tornWhy != nil {
		d = *s.tornWhy
	}
	d.Reason += fmt.Sprintf("; it was acknowledged up to position %d", acked.position)
	return &d
}

// rewriteEnd brings the end of the log to the disk as it is seen: it cuts an
// incomplete commit by writing zeros to the end of the segment, and writes the
// last whole commit again. What is seen may be in the kernel's memory alone: the
// process before may have died between a write and its sync, or after a sync
// that failed, be it of a commit or of an earlier mending; and only what is
// written anew is sure to be taken along by the next sync.
func (s *scan) rewriteEnd() error {
	last := s.idx.last()
	for at := last.end; at < last.size; {
		n := min(last.size-at, int64(len(zeros)))
		if _, err := last.file.WriteAt(zeros[:n], at); err != nil {
			return err
		}
		at += n
	}
	if s.lastAt.size > 0 {
		seg := s.lastAt.segment
		b := make([]byte, s.lastAt.size)
		if _, err := seg.file.ReadAt(b, s.lastAt.offset); err != nil {
			return err
		}
		if _, err := seg.file.WriteAt(b, s.lastAt.offset); err != nil {
			return err
		}
		if seg != last {
			if err := seg.file.Sync(); err != nil {
				return err
			}
		}
	}
	return last.file.Sync()
}

// How often a read-only opening starts again because a writer changed the files
// under it: what looks like damage may be a commit on its way, once or twice; a
// name that is gone was sealed, and each time the writer has sealed another.
const (
	readTries = 5
	goneTries = 200
)

// openReadOnly opens what is durable now. live reports whether somebody has the
// log open for writing; then only what the witness covers is durable.
func openReadOnly(
	ctx context.Context, files disk.Folder, cfg Config, live func() (bool, error),
) (*Log, *scan, error) {
	for damaged, gone := 0, 0; ; {
		writing, err := live()
		if err != nil {
			return nil, nil, err
		}
		s := &scan{files: files, mode: disk.Share, progress: cfg.Progress}
		err = s.snapshot(ctx, writing)
		if err == nil {
			return newLog(files, cfg, s), s, nil
		}
		// A writer that came after the question above may have been writing
		// while we read, or have sealed what we were about to open. Ask again;
		// damage that stays is damage. A name that was there and is gone says
		// by itself that the folder has changed.
		writing, liveErr := live()
		switch {
		case isNotExist(err):
			gone++
		case errors.Is(err, ledger.ErrCorrupt):
			damaged++
		default:
			return nil, nil, err
		}
		if liveErr != nil || damaged == readTries || gone == goneTries || !writing && !isNotExist(err) {
			return nil, nil, err
		}
	}
}

// snapshot scans without changing anything.
func (s *scan) snapshot(ctx context.Context, writing bool) error {
	acked, err := readWitness(s.files)
	if err != nil {
		return err
	}
	s.limited, s.limit = writing && acked.found, acked.position
	names, err := s.files.List()
	if err != nil {
		return err
	}
	g := &gathering{files: s.files, readOnly: true, progress: s.progress}
	if s.set, err = g.gather(ctx, names); err != nil {
		return err
	}
	s.rebuilt, s.broken = g.rebuilt, g.broken
	open, _ := openSegments(names, s.set.last())
	if len(open) == 0 && len(s.set.parts) == 0 {
		return fmt.Errorf("no segment file: %w", ledger.ErrNotFound)
	}
	if err := s.openPart(ctx, open); err != nil {
		return errors.Join(err, g.close())
	}
	if err := s.agrees(acked); err != nil {
		return errors.Join(err, s.drop(0), g.close())
	}
	return nil
}
