package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
)

// openWriter opens the log of a folder for writing, or makes one.
func openWriter(ctx context.Context, files disk.Folder, cfg Config) (*Log, error) {
	names, err := segmentNames(files)
	if err != nil {
		return nil, err
	}
	if err := files.Remove(spareName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	acked, err := readWitness(files)
	if len(names) == 0 {
		if acked.position > 0 {
			return nil, &DamageError{File: segmentName(1), Position: 1, Reason: fmt.Sprintf(
				"no segment is there, but events up to position %d were acknowledged", acked.position)}
		}
		return makeLog(files, cfg)
	}
	if err != nil {
		return nil, err
	}
	s := &scan{files: files, mode: disk.Write, progress: cfg.Progress}
	if err := s.run(ctx, names); err != nil {
		return nil, err
	}
	l := newLog(files, cfg, s)
	if err := l.settleIn(s, acked); err != nil {
		return nil, errors.Join(err, s.drop(0))
	}
	go l.run()
	return l, nil
}

// makeLog makes an empty log. The witness comes first, so that a folder with a
// segment always has one.
func makeLog(files disk.Folder, cfg Config) (*Log, error) {
	var id logID
	if _, err := io.ReadFull(cfg.Random, id[:]); err != nil {
		return nil, fmt.Errorf("log id: %w", err)
	}
	w, err := makeWitness(files, id)
	if err != nil {
		return nil, err
	}
	seg, err := makeSegment(files, nil, id, 1, cfg.SegmentBytes)
	if err != nil {
		return nil, errors.Join(err, w.file.Close())
	}
	if err := files.Sync(); err != nil {
		return nil, errors.Join(err, w.file.Close(), seg.file.Close())
	}
	l := newLog(files, cfg, &scan{id: id, idx: newIndex(), segments: []*segment{seg}, end: seg.end})
	l.c.witness = w
	go l.run()
	return l, nil
}

// settleIn makes what the scan found the durable state of the log, or says why
// that must not be done.
func (l *Log) settleIn(s *scan, acked ack) error {
	if err := s.agrees(acked); err != nil {
		return err
	}
	if s.torn > 0 && !acked.found {
		d := *s.tornWhy
		d.Reason += "; the file " + witnessName + ", which would say whether this was acknowledged, is missing"
		return &d
	}
	w, err := l.witnessOf(acked)
	if err != nil {
		return err
	}
	l.c.witness, l.c.durable = w, s.idx.head()
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
	f, err := l.files.Open(witnessName, disk.Write)
	if err != nil {
		return nil, err
	}
	return &witness{file: f, id: l.id, settled: acked.settled, page: acked.page}, nil
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
	return l.c.witness.settle(l.c.durable, stillOpen)
}

// agrees compares what was found with what was acknowledged.
func (s *scan) agrees(acked ack) error {
	if !acked.found {
		return nil
	}
	if acked.id != s.id {
		return &DamageError{File: witnessName, Reason: "witness of another log"}
	}
	if s.idx.head() >= acked.position {
		return nil
	}
	d := DamageError{
		File: s.segments[len(s.segments)-1].name, Offset: s.end, Position: s.idx.head() + 1,
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
	last := s.segments[len(s.segments)-1]
	for at := s.end; at < last.size; {
		n := min(last.size-at, int64(len(zeros)))
		if _, err := last.file.WriteAt(zeros[:n], at); err != nil {
			return err
		}
		at += n
	}
	if s.lastAt.size > 0 {
		seg := s.segments[s.lastAt.segment]
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

// readTries bounds how often a read-only opening starts again because a writer
// changed the files under it.
const readTries = 5

// openReadOnly opens what is durable now. live reports whether somebody has the
// log open for writing; then only what the witness covers is durable.
func openReadOnly(
	ctx context.Context, files disk.Folder, cfg Config, live func() (bool, error), visit func() func(frame) error,
) (*Log, error) {
	for try := 1; ; try++ {
		writing, err := live()
		if err != nil {
			return nil, err
		}
		s := &scan{files: files, mode: disk.Read, progress: cfg.Progress}
		if visit != nil {
			s.visit = visit()
		}
		err = s.snapshot(ctx, writing)
		if err == nil {
			return newLog(files, cfg, s), nil
		}
		// A writer that came after the question above may have been writing
		// while we read. Ask again; damage that stays is damage.
		if writing, liveErr := live(); !errors.Is(err, ledger.ErrCorrupt) || !writing || liveErr != nil || try == readTries {
			return nil, err
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
	names, err := segmentNames(s.files)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("no segment file: %w", ledger.ErrNotFound)
	}
	if err := s.run(ctx, names); err != nil {
		return err
	}
	if err := s.agrees(acked); err != nil {
		return errors.Join(err, s.drop(0))
	}
	return nil
}
