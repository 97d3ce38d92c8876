package embedded

import (
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"sort"
	"sync/atomic"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/lookup"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// A set is the sealed part of the log at one moment: its segments and the
// lookups over them. It never changes; sealing makes another. A set that is
// held keeps its files open.
type set struct {
	log   frame.LogID
	parts []*sealed.Part // by position, without gaps from position 1
	runs  []*lookup.Run  // by position; together they cover all parts
	at    []int          // number of the first part of each run

	// before bounds the times in the ids that are sealed, as
	// [lookup.Tables.Before] does: an event that a device has just named is
	// looked up nowhere.
	before uint64

	// holds counts who uses it: 1 while it is the log's present set, 1 while
	// its predecessor is in use, and one for each user. At 0 it is over.
	holds atomic.Int64
	next  *set        // its successor, which it holds
	after []io.Closer // what to close when it is over
}

func newSet(log frame.LogID, parts []*sealed.Part, runs []*lookup.Run) *set {
	s := &set{log: log, parts: parts, runs: runs, at: make([]int, len(runs)), before: lookup.Before(runs)}
	n := 0
	for i, r := range runs {
		s.at[i] = n
		n += r.Parts
	}
	if n != len(parts) {
		panic("embedded: lookups do not cover the sealed segments")
	}
	s.holds.Store(1)
	return s
}

// hold takes hold of the set unless it is over.
func (s *set) hold() bool {
	for n := s.holds.Load(); n > 0; n = s.holds.Load() {
		if s.holds.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

// release lets go of it. The last to do so closes what nobody needs any more.
func (s *set) release() error {
	if s.holds.Add(-1) > 0 {
		return nil
	}
	var err error
	for _, c := range s.after {
		err = errors.Join(err, c.Close())
	}
	if s.next != nil {
		err = errors.Join(err, s.next.release())
	}
	return err
}

// last returns the last sealed position; 0 if nothing is sealed.
func (s *set) last() uint64 {
	if len(s.parts) == 0 {
		return 0
	}
	return s.parts[len(s.parts)-1].Last()
}

// part returns the segment that holds a sealed position.
func (s *set) part(position uint64) *sealed.Part {
	i := sort.Search(len(s.parts), func(i int) bool { return s.parts[i].First > position })
	return s.parts[i-1]
}

// mayHold reports whether id may be one of the sealed ids.
func (s *set) mayHold(id ledger.ID) bool {
	return len(s.runs) > 0 && notAfter(id, s.before)
}

// mayHoldAny reports it of the ids of records.
func (s *set) mayHoldAny(records []ledger.Record) bool {
	for i := range records {
		if s.mayHold(records[i].ID) {
			return true
		}
	}
	return false
}

// notAfter reports whether id can be one of those whose times lie before a
// millisecond, 0 if that is not known.
func notAfter(id ledger.ID, before uint64) bool {
	bound := timeBound(id)
	return before == 0 || bound == noTime || bound <= before
}

// noTime is the time bound of an id without a time in it.
const noTime = 1

// timeBound returns the millisecond after the time in an id.
func timeBound(id ledger.ID) uint64 {
	if ms, ok := id.Millis(); ok {
		return ms + 1
	}
	return noTime
}

// candidates appends to found the sealed positions whose ids may be id.
func (s *set) candidates(found []uint64, id ledger.ID) ([]uint64, error) {
	if !s.mayHold(id) {
		return found, nil
	}
	h := lookup.HashOf(s.log, id[:])
	for _, r := range s.runs {
		var err error
		if found, err = r.Positions(found, h); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// An extent is where a stream has events in one sealed segment.
type extent struct {
	sealed.Extent
	part *sealed.Part
}

// ordinal returns the ordinal of a revision.
func (e extent) ordinal(revision uint64) uint32 {
	return e.Ordinal + uint32(revision-e.Revision) //nolint:gosec // below Count
}

// end returns the revision after the extent's last.
func (e extent) end() uint64 { return e.Revision + uint64(e.Count) }

// extents returns where the events of a stream lie, by revision. With last it
// looks only for the last extent.
func (s *set) extents(name ledger.StreamID, last bool) ([]extent, error) {
	if len(s.runs) == 0 {
		return nil, nil
	}
	found := make([]extent, 0, 4) // most visits have no more
	h := lookup.HashOf(s.log, name)
	err := disk.Guard(func() error {
		var room [8]uint64
		numbers := room[:0]
		for i := len(s.runs) - 1; i >= 0; i-- {
			var err error
			if numbers, err = s.runs[i].Segments(numbers[:0], h); err != nil {
				return err
			}
			for _, n := range slices.Backward(numbers) {
				part := s.parts[s.at[i]+int(n)] //nolint:gosec // a count
				e, ok, err := part.Stream(name)
				if err != nil {
					return err
				}
				if !ok {
					continue
				}
				found = append(found, extent{Extent: e, part: part})
				if last {
					return nil
				}
			}
		}
		return nil
	})
	slices.Reverse(found)
	return found, err
}

// tail returns the revision after the last sealed one of a stream.
func (s *set) tail(name ledger.StreamID) (uint64, error) {
	e, err := s.extents(name, true)
	if err != nil || len(e) == 0 {
		return 0, err
	}
	return e[0].end(), nil
}

// span describes parts for a run.
func span(parts []*sealed.Part) lookup.Span {
	sum := sha256.New()
	for _, p := range parts {
		d := p.Digest()
		sum.Write(d[:])
	}
	return lookup.Span{
		First: parts[0].First, Last: parts[len(parts)-1].Last(), Parts: len(parts), Digest: [32]byte(sum.Sum(nil)),
	}
}

// addID adds the id of an event to t.
func addID(t *lookup.Tables, log frame.LogID, id ledger.ID, value uint64) {
	t.IDs = append(t.IDs, lookup.NewEntry(lookup.HashOf(log, id[:]), value))
	t.Before = max(t.Before, timeBound(id))
}

// tables returns the entries of one segment, which is in u.
func tables(p *sealed.Part, u *sealed.Unpacked) (lookup.Tables, error) {
	t := lookup.Tables{IDs: make([]lookup.Entry, 0, p.Count), Streams: make([]lookup.Entry, 0, p.Streams())}
	for position := p.First; position <= p.Last(); position++ {
		f, err := u.Frame(position)
		if err != nil {
			return t, err
		}
		addID(&t, p.Log, f.ID(), position-p.First)
	}
	err := disk.Guard(func() error {
		return p.EachStream(func(name []byte, _ sealed.Extent) error {
			t.Streams = append(t.Streams, lookup.NewEntry(lookup.HashOf(p.Log, name), 0))
			return nil
		})
	})
	return t, err
}
