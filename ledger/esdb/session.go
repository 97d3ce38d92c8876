package esdb

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/vouchledger/vouch/ledger"
)

// This file is the only one that speaks with the client about events.

// An event is one event of the cluster as it came.
type event struct {
	id              ledger.ID
	kind            ledger.Kind
	stream          string // the cluster's name, with the namespace
	revision        uint64
	commit, prepare uint64
	created         time.Time
	json            bool
	data, metadata  []byte
}

// An item is what a feed brings: an event, or how far the cluster has looked,
// or the end.
type item struct {
	event    *event
	looked   *uint64 // commit position of a checkpoint
	caughtUp bool
	err      error // io.EOF at the end of a reading
}

// A feed is a reading or a subscription under way. One goroutine takes from the
// client, since a call that waits cannot be left, and hands over here.
type feed struct {
	items chan item
	stop  context.CancelFunc
}

// feedAhead is how many events a feed takes before it waits for its reader.
const feedAhead = 64

// open has the client begin something that brings events, waiting for its first
// answer no longer than ctx. The feed itself lives as long as life.
func open[S any](ctx, life context.Context, s *session, begin func(context.Context) (S, error), next func(S) item) (*feed, error) {
	life, stop := s.within(life)
	source, err := guard(ctx, s, func(context.Context) (S, error) { return begin(life) }) // who comes late finds life ended
	if err == nil {
		err = s.enter()
	}
	if err != nil {
		stop()
		return nil, err
	}
	f := &feed{items: make(chan item, feedAhead), stop: stop}
	go func() {
		defer s.leave()
		s.look(f.run(life, func() item { return next(source) }))
	}()
	return f, nil
}

// run takes from the client until the end, an error, a panic or the end of
// life, and returns the error. It may stay behind in the client until the session is ended.
func (f *feed) run(life context.Context, next func() item) error {
	defer close(f.items)
	for {
		it := safely(next)
		select {
		case f.items <- it:
		case <-life.Done():
			return it.err
		}
		if it.err != nil {
			return it.err
		}
	}
}

func safely(next func() item) (it item) {
	defer caught(&it.err)
	return next()
}

// next returns the next item, or why ctx ended.
func (f *feed) next(ctx context.Context) item {
	select {
	case it, ok := <-f.items:
		return it.or(ok)
	default:
	}
	select {
	case it, ok := <-f.items:
		return it.or(ok)
	case <-ctx.Done():
		return item{err: context.Cause(ctx)}
	}
}

// or returns it, or the end of a feed whose session was given up.
func (it item) or(ok bool) item {
	if !ok {
		return item{err: errGone}
	}
	return it
}

// append appends drafts to a stream whose next revision is next.
func (s *session) append(ctx context.Context, stream string, next uint64, events []esdb.EventData) error {
	var expected esdb.ExpectedRevision = esdb.NoStream{}
	if next > 0 {
		expected = esdb.Revision(next - 1)
	}
	left := time.Duration(math.MaxInt64) / 2 // ctx decides; without a value the client would take its own default
	opts := esdb.AppendToStreamOptions{ExpectedRevision: expected, Deadline: &left}
	_, err := guard(ctx, s, func(ctx context.Context) (*esdb.WriteResult, error) {
		return s.client.AppendToStream(ctx, stream, opts, events...)
	})
	return err
}

// proposal is a draft as the client wants it.
func proposal(d ledger.Draft, metadata []byte) esdb.EventData {
	e := esdb.EventData{
		EventID: uuid.UUID(d.ID), EventType: string(d.Kind), ContentType: esdb.ContentTypeJson,
		Data: d.Body, Metadata: metadata,
	}
	if d.Binary {
		e.ContentType = esdb.ContentTypeBinary
	}
	return e
}

// readStream reads a stream from a revision, or from its end.
func (s *session) readStream(ctx, life context.Context, stream string, from *uint64, backwards bool, limit uint64) (*feed, error) {
	opts := esdb.ReadStreamOptions{Direction: direction(backwards), From: esdb.Start{}}
	if from != nil {
		opts.From = esdb.Revision(*from)
	} else if backwards {
		opts.From = esdb.End{}
	}
	return open(ctx, life, s, func(c context.Context) (*esdb.ReadStream, error) {
		return s.client.ReadStream(c, stream, opts, limit)
	}, received)
}

// readAll reads the whole cluster: forwards from the event at commit position
// from, backwards from before it; nil is the start or the end.
func (s *session) readAll(ctx, life context.Context, from *uint64, backwards bool, limit uint64) (*feed, error) {
	opts := esdb.ReadAllOptions{Direction: direction(backwards), From: esdb.Start{}}
	if from != nil {
		opts.From = esdb.Position{Commit: *from, Prepare: *from}
	} else if backwards {
		opts.From = esdb.End{}
	}
	return open(ctx, life, s, func(c context.Context) (*esdb.ReadStream, error) {
		return s.client.ReadAll(c, opts, limit)
	}, received)
}

// noLimit is the count of a reading that goes to the end.
const noLimit = math.MaxInt64

func direction(backwards bool) esdb.Direction {
	if backwards {
		return esdb.Backwards
	}
	return esdb.Forwards
}

func received(r *esdb.ReadStream) item {
	e, err := r.Recv()
	if err != nil {
		return item{err: err}
	}
	return item{event: eventOf(e)}
}

// followStream subscribes to what comes after a revision; nil is the start.
func (s *session) followStream(ctx, life context.Context, stream string, after *uint64) (*feed, error) {
	opts := esdb.SubscribeToStreamOptions{From: esdb.Start{}}
	if after != nil {
		opts.From = esdb.Revision(*after)
	}
	return open(ctx, life, s, func(c context.Context) (*esdb.Subscription, error) {
		return s.client.SubscribeToStream(c, stream, opts)
	}, followed)
}

// searchWindow is after how many events that a filter leaves out the cluster
// says how far it has looked.
const searchWindow = 256

// followAll subscribes to what comes after a commit position, in the streams
// with these prefixes; none means all that are not the cluster's own.
func (s *session) followAll(ctx, life context.Context, after *uint64, prefixes []string) (*feed, error) {
	filter := &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: prefixes}
	if len(prefixes) == 0 {
		filter.Regex = `^[^\$].*`
	}
	opts := esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: filter, MaxSearchWindow: searchWindow}
	if after != nil {
		opts.From = esdb.Position{Commit: *after, Prepare: *after}
	}
	return open(ctx, life, s, func(c context.Context) (*esdb.Subscription, error) {
		return s.client.SubscribeToAll(c, opts)
	}, followed)
}

var errDropped = errors.New("the subscription was dropped")

func followed(s *esdb.Subscription) item {
	switch got := s.Recv(); {
	case got.EventAppeared != nil:
		return item{event: eventOf(got.EventAppeared)}
	case got.CheckPointReached != nil:
		return item{looked: &got.CheckPointReached.Commit}
	case got.CaughtUp != nil:
		return item{caughtUp: true}
	case got.SubscriptionDropped != nil:
		err := got.SubscriptionDropped.Error
		if err == nil || errors.Is(err, io.EOF) {
			err = errDropped
		}
		return item{err: err}
	}
	return item{}
}

const contentJSON = "application/json"

// eventOf takes what the client hands out. A link is not followed: it is an
// event of its own.
func eventOf(r *esdb.ResolvedEvent) *event {
	e := r.OriginalEvent()
	if e == nil {
		return nil
	}
	return &event{
		id: ledger.ID(e.EventID), kind: ledger.Kind(e.EventType), stream: e.StreamID, revision: e.EventNumber,
		commit: e.Position.Commit, prepare: e.Position.Prepare, created: ledger.Instant(e.CreatedDate),
		json: strings.EqualFold(e.ContentType, contentJSON), data: e.Data, metadata: e.UserMetadata,
	}
}

// system reports whether a stream is the cluster's own.
func system(stream string) bool { return strings.HasPrefix(stream, "$") }
