package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

var (
	errServerStops = errors.New("server stops")
	errRestart     = errors.New("persistent subscriptions are restarted")
	errStuck       = errors.New("consumer does not read what it is sent")
)

// A runner lets one group run: it is the only goroutine that steps it, and does
// what it asks for.
type runner struct {
	s        *Server
	key      groupKey
	requests chan func(context.Context) error // run between two steps; an error ends the group
	arrivals chan groups.Input
	done     chan struct{}
	stop     context.CancelCauseFunc
	ended    error // why, once done is closed

	// Below belongs to the goroutine.
	cfg     groupConfig
	group   *groups.Group
	members map[groups.ConsumerID]*member
	lastID  groups.ConsumerID
	replay  uint64 // next revision of the parked stream to read back
	until   uint64 // how far to read it back

	// Shared with the source.
	links, live atomic.Bool
	batch       atomic.Int64
}

// startRunner starts the group cfg where it stopped. It runs until stop is
// called, which says why.
func (s *Server) startRunner(ctx context.Context, cfg groupConfig) (*runner, error) {
	start, err := s.loadStart(ctx, cfg)
	if err != nil {
		return nil, err
	}
	f, err := cfg.filter.compile()
	if err != nil {
		return nil, fmt.Errorf("persistent subscription %s: %w", cfg.key, err)
	}
	if cfg.key.source != allStream {
		f = nil
	}
	ctx, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	r := &runner{
		s: s, key: cfg.key, cfg: cfg, stop: stop,
		requests: make(chan func(context.Context) error), arrivals: make(chan groups.Input), done: make(chan struct{}),
		group: groups.New(cfg.settings, start, s.now()), members: map[groups.ConsumerID]*member{},
		replay: start.NextParked, until: start.NextParked,
	}
	r.heed(cfg.settings)
	src := &source{
		s: s, key: cfg.key, filter: f, links: &r.links, batch: &r.batch, live: &r.live,
		out: r.arrivals, next: start.Next,
	}
	go r.run(ctx, src)
	return r, nil
}

// heed tells the source what of the settings is its business.
func (r *runner) heed(s groups.Settings) {
	r.links.Store(s.ResolveLinks)
	r.batch.Store(int64(s.ReadBatchSize))
}

// run steps the group until ctx is done or the log fails.
func (r *runner) run(ctx context.Context, src *source) {
	ctx, stop := context.WithCancelCause(ctx)
	var reading sync.WaitGroup
	reading.Go(func() {
		if err := src.run(ctx); ctx.Err() == nil {
			var gone *refusal
			if errors.As(err, &gone) && src.key.source != allStream {
				<-ctx.Done() // the stream was ended for ever; what is open stays to be done
				return
			}
			stop(err)
		}
	})
	err := r.loop(ctx)
	stop(err)
	reading.Wait()
	if why := r.key.why(err); errors.Is(why, err) {
		// Nobody asked for it. Who asks for the group next starts it again.
		r.s.logger.ErrorContext(ctx, "persistent subscription has ended",
			slog.String("group", r.key.String()), slog.Any("error", err))
	}
	r.ended = err
	close(r.done)
}

// loop returns why it ended.
func (r *runner) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if err := r.readBack(ctx); err != nil {
			return r.close(ctx, err)
		}
		var arrivals <-chan groups.Input
		if r.group.Room(r.live.Load()) > 0 {
			arrivals = r.arrivals
		}
		timer.Stop()
		if at, ok := r.group.Next(); ok {
			timer.Reset(max(0, at.Sub(r.s.now())))
		}
		var err error
		select {
		case <-ctx.Done():
			return r.close(ctx, context.Cause(ctx))
		case in := <-arrivals:
			err = r.step(ctx, in)
		case do := <-r.requests:
			err = do(ctx)
		case <-timer.C:
			err = r.step(ctx, groups.Tick{})
		}
		if err != nil {
			return r.close(ctx, err)
		}
	}
}

// closing bounds the last checkpoint of a group.
const closing = 5 * time.Second

// close sends the consumers away and writes a last checkpoint, so that a group
// that goes on repeats nothing that is done.
func (r *runner) close(ctx context.Context, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	if err := r.step(ctx, groups.Closed{Why: why}); err != nil && !errors.Is(err, ledger.ErrClosed) {
		r.s.logger.WarnContext(ctx, "last checkpoint of a persistent subscription",
			slog.String("group", r.key.String()), slog.Any("error", err))
	}
	return why
}

// do runs f between two steps, as the goroutine that may step, and waits for
// it. An error of f ends the group. It fails as well once the group has ended.
func (r *runner) do(ctx context.Context, f func(context.Context) error) error {
	result := make(chan error, 1)
	request := func(ctx context.Context) error {
		err := f(ctx)
		result <- err
		return err
	}
	select {
	case r.requests <- request:
		return <-result
	case <-r.done:
		return r.ended
	case <-ctx.Done():
		return ctx.Err()
	}
}

// step steps the group and does what it asks for. Its error ends the group:
// the log takes nothing more.
func (r *runner) step(ctx context.Context, in groups.Input) error {
	todo := r.group.Step(r.s.now(), in)
	for len(todo) > 0 {
		o := todo[0]
		todo = todo[1:]
		switch o := o.(type) {
		case groups.Push:
			if m := r.members[o.Consumer]; m != nil && !m.push(o) {
				todo = append(todo, r.sendAway(o.Consumer, errStuck)...)
			}
		case groups.Drop:
			if m := r.members[o.Consumer]; m != nil {
				m.drop(o.Why)
				delete(r.members, o.Consumer)
			}
		case groups.Park:
			result, err := r.park(ctx, o)
			if err != nil {
				return err
			}
			todo = append(todo, r.group.Step(r.s.now(), result)...)
		case groups.Checkpoint:
			if err := r.checkpoint(ctx, o.At); err != nil {
				return err
			}
		case groups.Unpark:
			if err := r.cut(ctx, o.Before); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendAway drops a consumer that has not asked for it.
func (r *runner) sendAway(id groups.ConsumerID, why error) []groups.Output {
	m := r.members[id]
	delete(r.members, id)
	m.drop(why)
	return r.group.Step(r.s.now(), groups.Left{Consumer: id})
}

// survivable reports whether the group may go on after an error of the log: a
// full disk may have room again. It logs what is not returned.
func (r *runner) survivable(ctx context.Context, what string, err error) bool {
	if errors.Is(err, ledger.ErrClosed) || ctx.Err() != nil {
		return false
	}
	r.s.logger.ErrorContext(ctx, "persistent subscription: "+what,
		slog.String("group", r.key.String()), slog.Any("error", err))
	return true
}

// checkpoint writes how far the group is. One that cannot be written is no
// loss: the next one says more.
func (r *runner) checkpoint(ctx context.Context, at uint64) error {
	body, err := ledger.MarshalCanonical(r.key.place(at))
	if err != nil {
		return err
	}
	_, err = r.s.writeOwn(ctx, r.key.checkpoints(), ledger.Draft{Kind: kindCheckpoint, Body: body})
	if err != nil && !r.survivable(ctx, "checkpoint", err) {
		return err
	}
	return nil
}

// parkedMetadata is what clients find beside a parked link.
type parkedMetadata struct {
	Added  time.Time `json:"added"`
	Reason string    `json:"reason"`
	At     uint64    `json:"subscriptionEventNumber"`
}

// maxReason bounds what a consumer may say about an event in the ledger.
const maxReason = 4096

// clip cuts a reason that is too long to keep, between two characters.
func clip(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	return strings.ToValidUTF8(reason[:maxReason], "")
}

// park writes a link to what the event is about and says what has become of it.
func (r *runner) park(ctx context.Context, o groups.Park) (groups.Input, error) {
	subject := o.Event.Subject()
	link := fmt.Sprintf("%d@%s", revisionOf(subject), subject.Stream)
	if o.Event.Parked && o.Event.Target == nil {
		link = string(o.Event.Record.Body) // to what is gone; it stays what it was
	}
	meta, err := ledger.MarshalCanonical(parkedMetadata{ledger.Instant(r.s.now()), clip(o.Reason), o.Event.At})
	if err != nil {
		return nil, err
	}
	_, err = r.s.writeOwn(ctx, r.key.parked(), ledger.Draft{
		Kind: kindLink, Body: []byte(link), Binary: true, Metadata: meta,
	})
	switch {
	case err == nil:
		return groups.ParkWritten{ID: o.Event.Record.ID}, nil
	case r.survivable(ctx, "park", err):
		return groups.ParkFailed{ID: o.Event.Record.ID}, nil
	default:
		return nil, err
	}
}

// cut hides the parked events that were read back and are done.
func (r *runner) cut(ctx context.Context, before uint64) error {
	err := r.s.cutBefore(ctx, r.key.parked(), before)
	if err != nil && !r.survivable(ctx, "cut of the parked stream", err) {
		return err
	}
	return nil
}

// cutBefore hides everything of one of the server's own streams below before.
func (s *Server) cutBefore(ctx context.Context, stream ledger.StreamID, before uint64) error {
	l := s.lock(stream)
	l.Lock()
	defer l.Unlock()
	st, err := s.state(ctx, stream)
	if err != nil {
		return err
	}
	if st.meta.tb >= before || st.next == 0 {
		return nil
	}
	body, err := withTruncateBefore(st.metaBody, before)
	if err != nil {
		return err
	}
	_, err = s.appendMetadata(ctx, stream, body)
	return err
}

// readBack takes parked events that an operator wants replayed, as far as there
// is room.
func (r *runner) readBack(ctx context.Context) error {
	most := min(r.group.RoomForParked(), int(r.batch.Load()))
	if r.replay >= r.until || most == 0 {
		return nil
	}
	q := ledger.Query{Stream: r.key.parked(), From: r.replay, Limit: most}
	for rec, err := range r.s.log.Read(ctx, q) {
		if err != nil {
			return err
		}
		if rec.Revision >= r.until {
			break
		}
		resolved, err := r.s.resolve(ctx, system, rec, true)
		if err != nil {
			return err
		}
		e := groups.Event{At: rec.Revision, Record: rec, Link: true, Parked: true}
		if resolved.record.Position > 0 {
			e.Target = &resolved.record
		}
		r.replay = rec.Revision + 1
		if err := r.step(ctx, groups.Arrived{Event: e}); err != nil {
			return err
		}
	}
	return ctx.Err()
}
