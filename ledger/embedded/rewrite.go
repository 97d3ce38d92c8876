package embedded

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"

	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/lookup"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// rewriteCommit is after how many bytes a commit of a rewritten segment ends:
// enough that its header and padding are nothing.
const rewriteCommit = 1 << 20

// A rewriter writes events into new open segments, which are exactly as long as
// what is in them. The events are the same bytes; how they are gathered into
// commits and segments is not kept, only that appends stay whole.
type rewriter struct {
	files    disk.Folder
	id       frame.LogID
	suffix   string       // behind the names, until they are in force
	segment  int64        // length that a segment has at most, unless one commit needs more
	previous uint32       // header checksum of the commit before
	next     uint64       // position of the next event
	written  []backupFile // without length and sum of the files

	buf   []byte // room for the commit header, then frames
	count int    // of these
	seg   *rewritten
}

// A rewritten is a segment that is being filled.
type rewritten struct {
	file  disk.File
	entry backupFile
	at    int64
	sum   hash.Hash
}

// add takes in the next event.
func (w *rewriter) add(f frame.Frame) error {
	if len(w.buf) == 0 {
		w.buf = append(w.buf, zeros[:commitHeader]...)
	}
	w.buf = append(w.buf, f...)
	w.count++
	w.next++
	if index, count := f.Batch(); index+1 < count || len(w.buf) < rewriteCommit {
		return nil
	}
	return w.flush()
}

// flush writes the commit that was gathered, into a new segment if it does not
// fit.
func (w *rewriter) flush() error {
	if w.count == 0 {
		return nil
	}
	first := w.next - uint64(w.count) //nolint:gosec // a count
	need := padded(int64(len(w.buf)))
	if w.seg != nil && w.seg.at > segmentHeader && w.seg.at+need > w.segment {
		if err := w.end(); err != nil {
			return err
		}
	}
	if w.seg == nil {
		if err := w.begin(first); err != nil {
			return err
		}
	}
	s := w.seg
	for rest := w.buf[commitHeader:]; len(rest) > 0; {
		f, err := frame.Next(rest)
		if err != nil {
			return err
		}
		sumFrame(s.sum, f)
		s.entry.Last, s.entry.Recorded = f.Position(), f.Recorded()
		rest = rest[len(f):]
	}
	buf, crc := sealCommit(seedsOf(w.id, s.entry.First), w.buf, first, w.count, w.previous)
	if _, err := s.file.WriteAt(buf, s.at); err != nil {
		return err
	}
	s.at += int64(len(buf))
	w.previous, w.buf, w.count = crc, buf[:0], 0
	return nil
}

// begin makes the segment of a first position.
func (w *rewriter) begin(first uint64) error {
	name := segmentName(first)
	f, err := w.files.Open(name+w.suffix, disk.Create)
	if err != nil {
		return err
	}
	w.seg = &rewritten{
		file: f, at: segmentHeader, sum: sha256.New(), entry: backupFile{Name: name, First: first, Last: first - 1},
	}
	return nil
}

// end finishes the segment and makes it durable.
func (w *rewriter) end() error {
	s := w.seg
	w.seg = nil
	size := max(s.at, minSegment)
	_, err := s.file.WriteAt(encodeSegmentHeader(w.id, s.entry.First, size, false), 0)
	if err == nil && s.at < size {
		_, err = s.file.WriteAt(zeros[:size-s.at], s.at)
	}
	if err == nil {
		err = s.file.Sync()
	}
	forget(s.file)
	s.entry.Events = digestOf(s.sum)
	w.written = append(w.written, s.entry)
	return errors.Join(err, s.file.Close())
}

// close writes what is left. There is at least one segment then, be it empty.
func (w *rewriter) close() error {
	err := w.flush()
	if err == nil && w.seg == nil && len(w.written) == 0 {
		err = w.begin(w.next)
	}
	if err == nil && w.seg != nil {
		return w.end()
	}
	return errors.Join(err, w.abandon())
}

// abandon closes what is open.
func (w *rewriter) abandon() error {
	if w.seg == nil {
		return nil
	}
	s := w.seg
	w.seg = nil
	return s.file.Close()
}

// writeLookups makes the lookups over sealed segments that are not there yet,
// merged as the sealer merges them.
func writeLookups(ctx context.Context, files disk.Folder, parts []*sealed.Part) error {
	var u sealed.Unpacked
	for at, spans := 0, groups(parts); len(spans) > 0; spans = spans[1:] {
		members := parts[at : at+spans[0].Parts]
		at += spans[0].Parts
		sp := span(members)
		if r, err := lookup.Open(files, members[0].Log, sp.Name()); err == nil {
			same := r.Span == sp
			if err := r.Close(); err != nil {
				return err
			}
			if same {
				continue
			}
		}
		var all lookup.Tables
		for k, p := range members {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := disk.Guard(func() error {
				if err := p.Unpack(&u); err != nil {
					return err
				}
				t, err := tables(p, &u)
				all.Before = max(all.Before, t.Before)
				for _, e := range t.IDs {
					all.IDs = append(all.IDs, e+lookup.Entry(p.First-sp.First))
				}
				for _, e := range t.Streams {
					all.Streams = append(all.Streams, e+lookup.Entry(k)) //nolint:gosec // a count
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		if err := lookup.Write(files, members[0].Log, sp, all); err != nil {
			return err
		}
	}
	return nil
}

// groups returns which segments have a lookup together once the sealer has
// merged what it can.
func groups(parts []*sealed.Part) []*lookup.Run {
	var runs []*lookup.Run
	for _, p := range parts {
		runs = append(runs, &lookup.Run{Span: lookup.Span{First: p.First, Last: p.Last(), Parts: 1}})
		for n := mergeable(runs); n > 0; n = mergeable(runs) {
			from := len(runs) - n
			merged := lookup.Span{First: runs[from].First, Last: p.Last()}
			for _, r := range runs[from:] {
				merged.Parts += r.Parts
			}
			runs = append(runs[:from], &lookup.Run{Span: merged})
		}
	}
	return runs
}
