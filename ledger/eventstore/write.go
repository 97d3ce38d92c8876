package eventstore

import (
	"context"
	"errors"
	"fmt"
	"math"

	"google.golang.org/grpc/codes"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/envelope"
)

// What a writer expects of a stream, as the protocol counts: a revision or one
// of these.
const (
	noStream     = -1
	anyVersion   = -2
	streamExists = -4
)

// written says where the last event of an append lies.
type written struct {
	revision int64  // noStream if the stream has no events
	position uint64 // 0 if nothing was written
}

func writtenAt(r ledger.Record) written {
	return written{revision: int64(min(r.Revision, math.MaxInt64)), position: r.Position} //nolint:gosec // bounded
}

// revision turns an expected revision of the wire into ours.
func revision(v uint64) int64 {
	return int64(min(v, math.MaxInt64)) //nolint:gosec // bounded; no stream is as long
}

// write appends drafts as u, if the stream is as expected.
func (s *Server) write(
	ctx context.Context, u User, stream ledger.StreamID, expected int64, drafts []ledger.Draft,
) (written, error) {
	if err := s.writable(ctx, u, stream, write); err != nil {
		return written{}, err
	}
	for i := range drafts {
		if err := s.admit(stream, &drafts[i]); err != nil {
			return written{}, err
		}
	}
	exclusive := isMeta(stream)
	for {
		w, err := s.tryWrite(ctx, stream, expected, drafts, exclusive)
		if !errors.Is(err, errExclusive) {
			return w, err
		}
		exclusive = true
	}
}

// errExclusive asks for another try under the exclusive lock: the append brings
// a deleted stream back, and only one may.
var errExclusive = errors.New("needs the exclusive lock")

// writable refuses streams that cannot be and writers who may not.
func (s *Server) writable(ctx context.Context, u User, stream ledger.StreamID, do action) error {
	if err := stream.Validate(); err != nil {
		return err
	}
	if stream == metaPrefix || stream == allStream {
		return invalid("'%s' is no stream to write to", stream)
	}
	return s.allowed(ctx, u, stream, do)
}

// admit checks a draft for stream and completes it: in our own streams the
// envelope comes out of the metadata.
func (s *Server) admit(stream ledger.StreamID, d *ledger.Draft) error {
	if d.Kind == kindDeleted {
		return invalid("event type '%s' is written by Tombstone alone", kindDeleted)
	}
	if isMeta(stream) && original(stream).Own() && hidesEvents(d.Body) {
		return appendOnly(original(stream), "metadata that hides events ($maxCount, $maxAge, $tb)")
	}
	if !stream.Own() {
		return nil
	}
	e, err := envelope.Parse(d.Metadata)
	if errors.Is(err, envelope.ErrNone) {
		return invalid("stream '%s' is Vouch's own: the metadata of its events must be an envelope, "+
			`{"vouch":{"occurred":"2026-03-01T09:00:00Z","actor":"device:cam-1"}}`, stream)
	}
	if err != nil {
		return err
	}
	*d = e.Draft(*d)
	if err := s.cfg.CheckBody(*d); err != nil {
		return invalid("stream '%s' is Vouch's own and takes only what Vouch knows, in stored form: %v", stream, err)
	}
	return nil
}

// checkBody is the default of [Config.CheckBody].
func checkBody(d ledger.Draft) error {
	if d.Binary || d.Metadata != nil {
		return fmt.Errorf("event %s: %w: binary, or with foreign metadata", d.ID, ledger.ErrInvalid)
	}
	_, err := ledger.Unmarshal(d.Kind, d.Body)
	return err
}

func hidesEvents(body []byte) bool { return parseMetadata(body).hides() }

func appendOnly(stream ledger.StreamID, what string) *refusal {
	return accessDenied(fmt.Sprintf("stream '%s' is append-only, because money depends on it: %s is refused", stream, what))
}

// tryWrite looks, decides and appends. The log arbitrates between writers: if
// another one was faster, it looks again.
func (s *Server) tryWrite(
	ctx context.Context, stream ledger.StreamID, expected int64, drafts []ledger.Draft, exclusive bool,
) (written, error) {
	if l := s.lock(stream); exclusive {
		l.Lock()
		defer l.Unlock()
	} else {
		l.RLock()
		defer l.RUnlock()
	}
	for {
		st, about, err := s.states(ctx, stream)
		if err != nil {
			return written{}, err
		}
		first, done, err := s.check(ctx, st, expected, drafts)
		if err != nil || done != nil {
			return deref(done), err
		}
		if st.deleted && !exclusive {
			return written{}, errExclusive
		}
		if len(drafts) == 0 {
			return written{revision: st.current()}, nil
		}
		records, err := s.log.Append(ctx, stream, first, drafts...)
		var conflict *ledger.ConflictError
		if errors.As(err, &conflict) {
			if !conflict.Want.Meets(conflict.Next) {
				continue
			}
			return written{}, refuse(codes.AlreadyExists, "event-id-reused",
				fmt.Sprintf("some events of this append to '%s' are stored already, but not all and in this order", stream))
		}
		if err != nil {
			return written{}, err
		}
		return writtenAt(records[len(records)-1]), s.revive(ctx, st, about, records)
	}
}

// states looks up stream and, if it holds metadata, the one that it is about.
func (s *Server) states(ctx context.Context, stream ledger.StreamID) (st, about state, err error) {
	if st, err = s.state(ctx, stream); err == nil && isMeta(stream) {
		about, err = s.state(ctx, original(stream))
	}
	return st, about, err
}

func deref(w *written) written {
	if w == nil {
		return written{}
	}
	return *w
}

// check is EventStoreDB's order of checks. It returns what the log is to expect,
// or where the events of a retry lie already, or a refusal.
func (s *Server) check(
	ctx context.Context, st state, expected int64, drafts []ledger.Draft,
) (ledger.Expected, *written, error) {
	wrong := &versionError{stream: st.stream, expected: expected, actual: st.current()}
	switch {
	case st.tombstoned:
		return ledger.Any(), nil, streamDeleted(st.stream)
	case expected == streamExists && st.deleted:
		return ledger.Any(), nil, streamDeleted(st.stream)
	case expected == streamExists && st.next == 0 && st.metaNext == 0:
		return ledger.Any(), nil, wrong
	case expected == streamExists || expected == anyVersion:
		at, err := s.retry(ctx, st.stream, drafts, wrong)
		return ledger.Any(), at, err
	case expected > st.current():
		return ledger.Any(), nil, wrong
	case expected == st.current():
		return ledger.After(st.next), nil, nil
	}
	at, err := s.retryAt(ctx, st.stream, uint64(expected+1), drafts) //nolint:gosec // expected is at least noStream
	if err != nil || at != nil {
		return ledger.Any(), at, err
	}
	if expected == noStream && st.deleted {
		return ledger.After(st.next), nil, nil
	}
	return ledger.Any(), nil, wrong
}

// retry recognises an append to any revision by its ids: if the stream has the
// first, it must have all.
func (s *Server) retry(
	ctx context.Context, stream ledger.StreamID, drafts []ledger.Draft, wrong error,
) (*written, error) {
	var last ledger.Record
	for i, d := range drafts {
		r, err := s.log.Find(ctx, d.ID)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return nil, err
		}
		if found := err == nil && r.Stream == stream; !found {
			if i > 0 {
				return nil, wrong
			}
			return nil, nil //nolint:nilnil // no retry: go on and append
		}
		last = r
	}
	if len(drafts) == 0 {
		return nil, nil //nolint:nilnil // nothing to recognise
	}
	at := writtenAt(last)
	return &at, nil
}

// retryAt recognises an append that was made before at revision from on, by ids.
func (s *Server) retryAt(
	ctx context.Context, stream ledger.StreamID, from uint64, drafts []ledger.Draft,
) (*written, error) {
	i := 0
	for r, err := range s.log.Read(ctx, ledger.Query{Stream: stream, From: from, Limit: max(len(drafts), 1)}) {
		if err != nil {
			return nil, err
		}
		if i == len(drafts) || r.ID != drafts[i].ID {
			return nil, nil //nolint:nilnil // no retry
		}
		if i++; i == len(drafts) {
			at := writtenAt(r)
			return &at, nil
		}
	}
	return nil, ctx.Err()
}

// revive brings a deleted stream back to its readers: from the new events on,
// or, when only its metadata was written, as an empty one. st is the stream as
// it was, about the stream that it is the metadata of.
func (s *Server) revive(ctx context.Context, st, about state, records []ledger.Record) error {
	body, tb := st.metaBody, records[0].Revision
	switch {
	case about.deleted:
		st, body, tb = about, records[len(records)-1].Body, about.next
		if parseMetadata(body).tb >= deletedStream {
			return nil
		}
	case !st.deleted:
		return nil
	}
	body, err := withTruncateBefore(body, tb)
	if err != nil {
		return err
	}
	_, err = s.appendMetadata(ctx, st.stream, body)
	return err
}

// appendMetadata writes a $metadata event of stream as the server itself.
func (s *Server) appendMetadata(ctx context.Context, stream ledger.StreamID, body []byte) (ledger.Record, error) {
	id, err := s.newID()
	if err != nil {
		return ledger.Record{}, err
	}
	return s.appendSystem(ctx, metaOf(stream), ledger.Any(), ledger.Draft{
		ID: id, Kind: kindMetadata, Occurred: ledger.Instant(s.now()), Body: body,
	})
}

// appendSystem appends without any check of the protocol and returns the last
// record. It is for streams that the server itself keeps.
func (s *Server) appendSystem(
	ctx context.Context, stream ledger.StreamID, expect ledger.Expected, drafts ...ledger.Draft,
) (ledger.Record, error) {
	records, err := s.log.Append(ctx, stream, expect, drafts...)
	if err != nil {
		return ledger.Record{}, err
	}
	return records[len(records)-1], nil
}
