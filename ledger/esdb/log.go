package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/envelope"
)

// A Log is a ledger in a cluster. It is a [ledger.Log].
type Log struct {
	cfg     Config
	logger  *slog.Logger
	link    *link
	index   *index
	streams keyed

	life   context.Context // ends with the log
	cancel context.CancelFunc
	follow sync.WaitGroup // the goroutine that keeps the index
	once   sync.Once      // of Close
	closed error          // of Close

	mu   sync.Mutex
	tail uint64 // position up to which head has looked from behind
}

// Open connects to the cluster of a connection string, and returns when the
// index has seen every event that was in the cluster at the call. The caller
// closes it.
//
// It is [ledger.ErrInvalid] when the string means nothing, [ErrDenied] when the
// user may not read, [ledger.ErrUnavailable] when there is no answer, and
// [ledger.ErrCorrupt] when a stream of ours misses events.
func Open(ctx context.Context, address string, cfg Config) (*Log, error) {
	client, err := parse(address)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(cfg.Namespace, "$") || len(cfg.Namespace) > ledger.MaxStreamBytes/2 {
		return nil, fmt.Errorf("namespace %q: %w: want at most %d bytes, no $ in front", cfg.Namespace, ledger.ErrInvalid, ledger.MaxStreamBytes/2)
	}
	if cfg.Timeout == 0 && client.DefaultDeadline != nil {
		cfg.Timeout = *client.DefaultDeadline
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if client.SkipCertificateVerification {
		logger.WarnContext(ctx, "tlsVerifyCert=false: anybody between here and the cluster can read and change everything")
	}
	l := &Log{cfg: cfg, logger: logger, link: newLink(client, logger), index: newIndex(cfg.Since)}
	l.life, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := l.begin(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the ledger of %s: %w", where(address), err), l.Close())
	}
	return l, nil
}

// where names a cluster without user and parameters.
func where(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	rest, _, _ = strings.Cut(rest, "?")
	return scheme + "://" + rest[strings.LastIndex(rest, "@")+1:]
}

// begin starts the index and waits until it has caught up. It gives up when
// nothing at all moves for as long as a call may take.
func (l *Log) begin(ctx context.Context) error {
	if err := l.restore(ctx); err != nil {
		return err
	}
	end, err := l.end(ctx)
	if err != nil {
		return err
	}
	l.follow.Go(l.keep)
	for seen := uint64(0); ; {
		wait, cancel := l.bounded(ctx)
		moved := false
		err := l.index.await(wait, func() bool {
			moved = l.index.looked > seen
			if l.cfg.Progress != nil && moved {
				l.cfg.Progress(int64(min(l.index.looked, end)), int64(end)) //nolint:gosec // positions are below 2^63
			}
			seen = max(seen, l.index.looked)
			return l.index.live || errors.Is(l.index.trouble, ErrDenied)
		})
		cancel()
		if err == nil {
			return errors.Join(l.index.denied(), l.save(worthSaving))
		}
		if !moved || !errors.Is(err, ledger.ErrUnavailable) {
			return err
		}
	}
}

// denied returns the trouble of the index if it is a matter of rights.
func (x *index) denied() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if errors.Is(x.trouble, ErrDenied) {
		return x.trouble
	}
	return nil
}

// end returns the position of the cluster's last event, whoever's it is.
func (l *Log) end(ctx context.Context) (position uint64, err error) {
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	last, err := l.last(ctx, func(ctx context.Context, s *session) (*feed, error) {
		return s.readAll(ctx, ctx, nil, true, 1)
	})
	if last != nil {
		position = last.commit + 1
	}
	return position, err
}

// last returns the first event of a backward reading; nil if there is none.
func (l *Log) last(ctx context.Context, read func(context.Context, *session) (*feed, error)) (last *event, err error) {
	err = l.link.do(ctx, l.attempt(), func(ctx context.Context, s *session) error {
		f, err := read(ctx, s)
		if err != nil {
			return err
		}
		defer f.stop()
		it := f.next(ctx)
		if it.event != nil {
			last = it.event
		}
		return ignoreEnd(it.err)
	})
	return last, err
}

// await waits for the index to see what the cluster is known to hold. If that
// takes all the time that a call has, the subscription of the index hangs: it is
// made anew, on another connection.
func (l *Log) await(ctx context.Context, ready func() bool) error {
	err := l.index.await(ctx, ready)
	if errors.Is(err, ledger.ErrUnavailable) {
		l.link.renew(fmt.Errorf("the index does not follow: %w", err))
	}
	return err
}

// bounded returns ctx with the time that one call may take.
func (l *Log) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, l.cfg.Timeout, errSlow)
}

// attempt is the part of a call's time that one attempt gets.
func (l *Log) attempt() time.Duration { return l.cfg.Timeout / 2 }

// Close ends subscriptions and readings under way with [ledger.ErrClosed] and
// lets go of the cluster.
func (l *Log) Close() error {
	l.once.Do(func() {
		l.index.stop(ledger.ErrClosed)
		l.cancel()
		l.link.close()
		l.follow.Wait()
		l.closed = l.save(1)
	})
	return l.closed
}

// Doubles returns the ids that are stored twice, as far as the index has come.
func (l *Log) Doubles() []Double {
	l.index.mu.Lock()
	defer l.index.mu.Unlock()
	return append([]Double(nil), l.index.doubles...)
}

// MaxStreamBytes is how long a stream's name may be beside the namespace.
func (l *Log) MaxStreamBytes() int { return ledger.MaxStreamBytes - len(l.cfg.Namespace) }

// name returns the ledger's name of a cluster's stream; false if it is none of
// this ledger.
func (l *Log) name(stream string) (ledger.StreamID, bool) {
	name, ok := strings.CutPrefix(stream, l.cfg.Namespace)
	id := ledger.StreamID(name)
	return id, ok && !system(stream) && id.Validate() == nil
}

// sight returns an event as this ledger sees it; false if it does not.
//
// Not seen are the cluster's own streams, those of other namespaces, names that
// no ledger takes, and events of the transactions of the old TCP protocol: those
// share one commit position, and so have none of their own.
func (l *Log) sight(e event) (sighting, bool) {
	name, ok := l.name(e.stream)
	s := sighting{event: e, name: name, position: e.commit + 1}
	if !ok || s.position <= l.cfg.Since {
		return s, false
	}
	return s, e.commit == e.prepare || name.Own()
}

// record builds the record of an event.
func (l *Log) record(s sighting, recorded time.Time) (ledger.Record, error) {
	r := ledger.Record{
		ID: s.id, Kind: s.kind, Stream: s.name, Revision: s.revision, Position: s.position, Recorded: recorded,
		Body: s.data, Binary: !s.json,
	}
	if r.Body == nil {
		r.Body = []byte{}
	}
	e, err := envelope.Parse(s.metadata)
	switch {
	case err == nil:
		return e.Record(r), nil
	case s.name.Own():
		return ledger.Record{}, fmt.Errorf("position %d: %w: event %s of %s has no envelope of ours: %w; another program wrote it",
			s.position, ledger.ErrCorrupt, s.id, s.name, err)
	}
	r.Occurred = s.created
	if len(s.metadata) > 0 {
		r.Metadata = s.metadata
	}
	return r, nil
}

// complete builds the record of an event once the index has seen it.
func (l *Log) complete(ctx context.Context, s sighting) (ledger.Record, error) {
	recorded, seen := l.index.stamp(s.position, s.created)
	if !seen {
		ctx, cancel := l.bounded(ctx)
		defer cancel()
		if err := l.await(ctx, func() bool { return l.index.head >= s.position }); err != nil {
			return ledger.Record{}, err
		}
		recorded, _ = l.index.stamp(s.position, s.created)
	}
	return l.record(s, recorded)
}

// A keyed is a lock for each key.
type keyed struct {
	mu   sync.Mutex
	held map[ledger.StreamID]*turn
}

type turn struct {
	free  chan struct{} // holds one token
	users int
}

// lock waits for the lock of stream and returns what gives it back.
func (k *keyed) lock(ctx context.Context, stream ledger.StreamID) (unlock func(), err error) {
	k.mu.Lock()
	if k.held == nil {
		k.held = make(map[ledger.StreamID]*turn)
	}
	t := k.held[stream]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		k.held[stream] = t
	}
	t.users++
	k.mu.Unlock()
	leave := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(k.held, stream)
		}
	}
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ended(ctx, fmt.Errorf("another append to %s is on its way: %w", stream, context.Cause(ctx)))
	}
}
