package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vouchledger/vouch/ledger"
)

// A link makes sessions, one at a time, and replaces those that went wrong.
//
// The client discovers a node when it is first asked for a connection. While it
// does, every other caller hangs; if it fails, it is dead for good and they hang
// for ever. So one goroutine of ours alone asks a new client, and everyone else
// waits here, each as long as it likes.
type link struct {
	cfg    *esdb.Configuration
	logger *slog.Logger

	mu      sync.Mutex
	current *session      // nil while there is none
	dialing chan struct{} // closed when the attempt under way has ended; nil if there is none
	fails   int           // attempts in a row that failed
	last    error         // why the last one did
	closed  bool
	quit    chan struct{} // closed with the link
}

func newLink(cfg *esdb.Configuration, logger *slog.Logger) *link {
	own := *cfg
	own.Logger = func(level esdb.LogLevel, format string, args ...any) {
		logger.Debug(fmt.Sprintf(format, args...), slog.String("client", level))
	}
	return &link{cfg: &own, logger: logger, quit: make(chan struct{})}
}

// A session is one client of the library, from its making until it is given up.
type session struct {
	client *esdb.Client
	life   context.Context // ends when it is given up
	cancel context.CancelCauseFunc
	once   sync.Once // of closing the client

	mu    sync.Mutex
	calls int  // in the client
	lost  bool // the client has lost its node: no further call may begin
	over  bool
}

// errGone is why calls end whose session was given up because of another one.
var errGone = errors.New("the connection was given up")

func newSession(client *esdb.Client) *session {
	s := &session{client: client}
	s.life, s.cancel = context.WithCancelCause(context.Background())
	return s
}

// enter is said before each call of the client, and leave after it.
func (s *session) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.lost {
		return errGone
	}
	s.calls++
	return nil
}

func (s *session) leave() {
	s.mu.Lock()
	s.calls--
	last := s.over && s.calls == 0
	s.mu.Unlock()
	if last {
		s.close()
	}
}

// within returns ctx bound to the life of the session.
func (s *session) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.life, func() { cancel(errGone) })
	return ctx, func() { stop(); cancel(nil) }
}

// hangAfter is how long calls of a session that was given up get to come back.
const hangAfter = 500 * time.Millisecond

// end gives the session up. Its calls are cancelled, and the last one closes the
// client. If they do not come back they hang in the client: then closing it
// makes its sends panic, which guard catches.
func (s *session) end() {
	s.mu.Lock()
	first, idle := !s.over, s.calls == 0
	s.over = true
	s.mu.Unlock()
	if !first {
		return
	}
	s.cancel(errGone)
	if idle {
		s.close()
		return
	}
	time.AfterFunc(hangAfter, s.close)
}

// look gives the session up if an error of its client says that it has lost its
// node.
func (s *session) look(err error) {
	var e *esdb.Error
	if errors.As(err, &e) && e.Code() == esdb.ErrorUnavailable {
		s.end()
	}
}

// overhear listens to what the client logs. When it has lost its node it says
// so, and then makes up its mind to look for another when it is next asked; it
// never closes the connection that it had. So from that moment on nobody asks
// it, and those who are just about to are let pass before it goes on.
func (s *session) overhear(level esdb.LogLevel, args []any) {
	if level != esdb.LogError {
		return
	}
	for _, arg := range args {
		if err, ok := arg.(error); ok && status.Code(err) == codes.Unavailable {
			s.mu.Lock()
			s.lost = true
			s.mu.Unlock()
			time.Sleep(passBy)
			return
		}
	}
}

// passBy is how long a call takes at most, other things being well, from its
// beginning to the client's connection.
const passBy = 5 * time.Millisecond

func (s *session) close() { s.once.Do(func() { _ = s.client.Close() }) } // always nil

// session returns the session to use, when there is one.
func (l *link) session(ctx context.Context) (*session, error) {
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return nil, ledger.ErrClosed
		}
		if s := l.current; s != nil {
			l.mu.Unlock()
			return s, nil
		}
		if l.dialing == nil {
			l.dialing = make(chan struct{})
			go l.dial(l.dialing)
		}
		wait := l.dialing
		l.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, l.why(ctx)
		}
	}
}

// why says why there is no session.
func (l *link) why(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), l.last)
	}
	return context.Cause(ctx)
}

// dial makes one attempt. After one that failed it rests before it lets the
// next one begin.
func (l *link) dial(done chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-l.quit:
			cancel()
		case <-ctx.Done():
		}
	}()
	s, err := connect(ctx, l.cfg)
	l.mu.Lock()
	closed := l.closed
	if l.last = err; err == nil && !closed {
		l.current, l.fails = s, 0
	} else {
		l.fails++
	}
	fails := l.fails
	l.mu.Unlock()
	if err == nil && closed {
		s.end()
	}
	if err != nil && !closed {
		l.logger.Warn("no connection to the cluster",
			slog.String("error", err.Error()), slog.Int("attempt", fails))
		l.rest(ctx, fails)
	}
	l.mu.Lock()
	l.dialing = nil
	l.mu.Unlock()
	close(done)
}

const oldestServer = 23 // it says when a subscription has caught up

// connect makes a client and has it find its node, which takes as long as the
// settings of discovery allow.
func connect(ctx context.Context, cfg *esdb.Configuration) (*session, error) {
	own, s := *cfg, newSession(nil)
	own.Logger = func(level esdb.LogLevel, format string, args ...any) {
		cfg.Logger(level, format, args...)
		s.overhear(level, args)
	}
	client, err := esdb.NewClient(&own)
	if err != nil {
		return nil, err
	}
	s.client = client
	version, err := guard(ctx, s, func(context.Context) (*esdb.ServerVersion, error) { return client.GetServerVersion() })
	if err == nil && version.Major != 0 && version.Major < oldestServer {
		err = fmt.Errorf("the server is EventStoreDB %d.%d; %d or newer is needed", version.Major, version.Minor, oldestServer)
	}
	if err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// retire gives s up after trouble. The next who asks gets a new one.
func (l *link) retire(s *session, why error) {
	l.mu.Lock()
	mine := l.current == s
	if mine {
		l.current, l.last = nil, why
	}
	l.mu.Unlock()
	if mine {
		l.logger.Warn("connection given up", slog.String("error", why.Error()))
	}
	s.end()
}

// renew gives the session of now up, whichever it is.
func (l *link) renew(why error) {
	l.mu.Lock()
	s := l.current
	l.mu.Unlock()
	if s != nil {
		l.retire(s, why)
	}
}

// The rests between attempts double from the first to the longest.
const (
	firstRest   = 20 * time.Millisecond
	longestRest = 2 * time.Second
)

// rest waits before attempt n+1, or until ctx or the link ends.
func (l *link) rest(ctx context.Context, n int) {
	d := longestRest
	if n < 8 {
		d = min(d, firstRest<<max(n-1, 0))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-l.quit:
	}
}

func (l *link) close() {
	l.mu.Lock()
	s := l.current
	l.current = nil
	if !l.closed {
		l.closed = true
		close(l.quit)
	}
	wait := l.dialing
	l.mu.Unlock()
	if s != nil {
		s.end()
	}
	if wait != nil {
		<-wait
	}
}

// errSlow is the cause of a context that ended because of our own timeout.
var errSlow = errors.New("the cluster did not answer in time")

// do asks the cluster until it answers or ctx ends, each attempt with a part of
// the time that a call may take, so that one that hangs leaves time for another.
func (l *link) do(ctx context.Context, attempt time.Duration, ask func(context.Context, *session) error) error {
	for n := 1; ; n++ {
		err := l.once(ctx, attempt, ask)
		if !trouble(err) {
			return err
		}
		if ctx.Err() != nil {
			return ended(ctx, err)
		}
		l.rest(ctx, n)
	}
}

func (l *link) once(ctx context.Context, attempt time.Duration, ask func(context.Context, *session) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, attempt, errSlow)
	defer cancel()
	s, err := l.session(ctx)
	if err != nil {
		return err
	}
	err = translate(ask(ctx, s))
	if trouble(err) && !errors.Is(err, errLeader) && !impatient(ctx) {
		l.retire(s, err)
	}
	return err
}

// impatient reports whether ctx ended because its owner had enough, which says
// nothing about the session.
func impatient(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errSlow)
}

// ended says why ctx ended: because its owner had enough, or because we had.
func ended(ctx context.Context, last error) error {
	if impatient(ctx) {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ledger.ErrUnavailable, last)
}
