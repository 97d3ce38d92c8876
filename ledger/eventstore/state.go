package eventstore

import (
	"context"
	"iter"
	"math"
	"sort"

	"github.com/vouchledger/vouch/ledger"
)

// A state is what is to be known of a stream before it is read or written.
type state struct {
	stream     ledger.StreamID
	next       uint64 // revision of the next event; 0 if the stream has none
	tombstoned bool   // ended for ever
	deleted    bool   // deleted; an append brings it back
	meta       streamMetadata
	metaBody   []byte // of the last $metadata event; nil if there is none
	metaNext   uint64 // revision of the next $metadata event
}

// exists reports whether readers find the stream.
func (st state) exists() bool { return st.next > 0 && !st.deleted }

// current returns the last revision as the protocol counts, or noStream.
func (st state) current() int64 {
	if st.tombstoned {
		return deletedStream
	}
	return int64(min(st.next, math.MaxInt64)) - 1 //nolint:gosec // bounded
}

// last returns the last record of stream, or the zero Record.
func (s *Server) last(ctx context.Context, stream ledger.StreamID) (ledger.Record, error) {
	return s.first(ctx, ledger.Query{Stream: stream, From: ledger.End, Backwards: true})
}

// first returns the first record that q finds, or the zero Record.
func (s *Server) first(ctx context.Context, q ledger.Query) (ledger.Record, error) {
	q.Limit = 1
	for r, err := range s.log.Read(ctx, q) {
		return r, err
	}
	return ledger.Record{}, ctx.Err()
}

// metadataOf returns what the stream's own metadata says; of "$$x" it is fixed:
// the last event counts.
func (s *Server) metadataOf(ctx context.Context, stream ledger.StreamID) (streamMetadata, error) {
	if isMeta(stream) {
		return streamMetadata{maxCount: 1}, nil
	}
	r, err := s.last(ctx, metaOf(stream))
	if err != nil {
		return streamMetadata{}, err
	}
	return parseMetadata(r.Body), nil
}

// state looks stream up.
func (s *Server) state(ctx context.Context, stream ledger.StreamID) (state, error) {
	st := state{stream: stream}
	// Metadata first: it is written after the event that it makes visible again.
	var meta ledger.Record
	var err error
	if !isMeta(stream) {
		if meta, err = s.last(ctx, metaOf(stream)); err != nil {
			return state{}, err
		}
	}
	last, err := s.last(ctx, stream)
	if err != nil {
		return state{}, err
	}
	if last.Position > 0 {
		st.next, st.tombstoned = last.Revision+1, last.Kind == kindDeleted
	}
	if isMeta(stream) {
		st.meta = streamMetadata{maxCount: 1}
		about, err := s.last(ctx, original(stream))
		st.tombstoned = about.Kind == kindDeleted
		return st, err
	}
	if meta.Position == 0 {
		return st, nil
	}
	st.metaBody, st.metaNext, st.meta = meta.Body, meta.Revision+1, parseMetadata(meta.Body)
	if stream.Own() { // nothing hides what money depends on
		st.meta.maxCount, st.meta.maxAge, st.meta.tb = 0, 0, 0
		return st, nil
	}
	if st.meta.tb < deletedStream {
		return st, nil
	}
	if last.Position < meta.Position {
		st.deleted = true
		return st, nil
	}
	// The server stopped between the append that brought the stream back and the
	// metadata that says so. The events after the deletion are the stream.
	st.meta.tb, err = s.firstAfter(ctx, stream, st.next, meta.Position)
	return st, err
}

// firstAfter returns the first revision of stream, which has n, that lies above
// position.
func (s *Server) firstAfter(ctx context.Context, stream ledger.StreamID, n, position uint64) (uint64, error) {
	return s.search(ctx, stream, n, func(r ledger.Record) bool { return r.Position > position })
}

// search returns the first revision below n for which is holds, or n. It holds
// for all after the first.
func (s *Server) search(
	ctx context.Context, stream ledger.StreamID, n uint64, is func(ledger.Record) bool,
) (uint64, error) {
	var failed error
	at := sort.Search(int(min(n, math.MaxInt)), func(i int) bool { //nolint:gosec // bounded
		if failed != nil {
			return true
		}
		r, err := s.first(ctx, ledger.Query{Stream: stream, From: uint64(i)}) //nolint:gosec // not negative
		if err != nil {
			failed = err
			return true
		}
		return is(r)
	})
	return uint64(at), failed //nolint:gosec // not negative
}

// visible returns the first revision that readers see.
func (s *Server) visible(ctx context.Context, st state) (uint64, error) {
	from := st.meta.tb
	if st.meta.maxCount > 0 && st.next > st.meta.maxCount {
		from = max(from, st.next-st.meta.maxCount)
	}
	if st.meta.maxAge > 0 {
		oldest := s.now().Add(-st.meta.maxAge)
		// Recorded times never fall.
		young, err := s.search(ctx, st.stream, st.next, func(r ledger.Record) bool { return r.Recorded.After(oldest) })
		if err != nil {
			return 0, err
		}
		from = max(from, young)
	}
	return from, nil
}

// readable yields the records of a stream that readers may see, forwards from
// revision from. A missing or deleted stream yields nothing; a tombstoned one a
// stream-deleted refusal.
func (s *Server) readable(
	ctx context.Context, stream ledger.StreamID, from uint64,
) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		st, err := s.state(ctx, stream)
		if err == nil && st.tombstoned {
			err = streamDeleted(stream)
		}
		var first uint64
		if err == nil && st.exists() {
			first, err = s.visible(ctx, st)
		}
		if err != nil {
			yield(ledger.Record{}, err)
			return
		}
		if !st.exists() {
			return
		}
		for r, err := range s.log.Read(ctx, ledger.Query{Stream: stream, From: max(from, first)}) {
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}
