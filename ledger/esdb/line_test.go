package esdb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/esdb"
	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/ledgertest"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// A line is the network between a server and its cluster, with somebody at the
// switch: connections break, or stay open and bring nothing more.
type line struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	free   *sync.Cond
	frozen bool
	closed bool
	conns  map[net.Conn]bool
	wg     sync.WaitGroup
}

func startLine(t *testing.T, target string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, target: target, conns: map[net.Conn]bool{}}
	l.free = sync.NewCond(&l.mu)
	l.wg.Go(l.accept)
	t.Cleanup(func() {
		listener.Close()
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()
		l.freeze(false)
		l.cut()
		l.wg.Wait()
	})
	return l
}

func (l *line) address() string { return l.listener.Addr().String() }

func (l *line) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", l.target)
		if err != nil {
			near.Close()
			continue
		}
		l.mu.Lock()
		l.conns[near], l.conns[far] = true, true
		if l.closed {
			near.Close()
			far.Close()
		}
		l.mu.Unlock()
		for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
			l.wg.Go(func() { l.carry(way[0], way[1]) })
		}
	}
}

func (l *line) carry(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		l.mu.Lock()
		for l.frozen {
			l.free.Wait()
		}
		l.mu.Unlock()
		if _, werr := to.Write(b[:n]); err != nil || werr != nil {
			return
		}
	}
}

// cut breaks all connections and returns how many there were.
func (l *line) cut() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.conns) / 2
	for c := range l.conns {
		c.Close()
		delete(l.conns, c)
	}
	return n
}

// freeze holds everything on its way, or lets it go on.
func (l *line) freeze(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = on
	l.free.Broadcast()
}

// TestConformanceOnABadLine runs the contract over a network that breaks again
// and again: no caller may notice.
func TestConformanceOnABadLine(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	broken := 0
	before := func() {} // hangs up the line before this one; the suite is through with it
	ledgertest.TestLog(t, func(t *testing.T) ledger.Log {
		before()
		addr, _ := serve(t, memlog.New(ledgertest.JumpingClock()), "127.0.0.1:0", eventstore.Config{})
		l := startLine(t, addr)
		log := open(t, "esdb://"+l.address()+quick, esdb.Config{})
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			r := rand.New(rand.NewPCG(seed, 1))
			for n := 1; ; n++ { // a little later each time, so that a slow machine gets through
				select {
				case <-time.After(time.Duration(n*(1+r.IntN(15))) * time.Millisecond):
					broken += l.cut()
				case <-stop:
					return
				}
			}
		}()
		before = sync.OnceFunc(func() { close(stop); <-done; log.Close() })
		t.Cleanup(before)
		return log
	})
	if broken < 20 {
		t.Errorf("%d connections were broken; the line is too good", broken)
	}
}

// TestClusterKilledUnderLoad restarts the server again and again while writers
// append and a subscriber follows. Nothing acknowledged is lost, nothing is
// stored twice, and the subscriber sees each event once and in order.
func TestClusterKilledUnderLoad(t *testing.T) {
	const writers, appends = 4, 150
	back := memlog.New(ledgertest.JumpingClock())
	addr, stop := serve(t, back, "127.0.0.1:0", eventstore.Config{})
	log := open(t, "esdb://"+addr+quick, esdb.Config{})
	var seen []ledger.Record
	var wg, killer sync.WaitGroup
	wg.Go(func() {
		var err error
		if seen, err = collect(log.Subscribe(t.Context(), ledger.Query{Prefixes: ledger.OwnPrefixes()}), writers*appends); err != nil {
			t.Errorf("subscription after %d events: %v", len(seen), err)
		}
	})
	acked := make([][]ledger.Record, writers)
	for w := range writers {
		wg.Go(func() {
			stream := ledger.StreamID(fmt.Sprintf("visit-%d", w))
			for i := range appends {
				d := ledgertest.Draft(uint64(w*appends + i))
				rs, err := log.Append(t.Context(), stream, ledger.After(uint64(i)), d)
				for errors.Is(err, ledger.ErrUnavailable) {
					rs, err = log.Append(t.Context(), stream, ledger.After(uint64(i)), d)
				}
				if err != nil {
					t.Errorf("append %d to %s: %v", i, stream, err)
					return
				}
				acked[w] = append(acked[w], rs...)
				time.Sleep(time.Millisecond) // so that kills fall between
			}
		})
	}
	quit := make(chan struct{})
	kills := time.Duration(0)
	killer.Go(func() {
		for {
			select {
			case <-quit:
				return
			case <-time.After((kills + 1) * 10 * time.Millisecond): // later each time, so that a slow machine gets through
			}
			stop()
			kills++
			_, stop = serve(t, back, addr, eventstore.Config{})
		}
	})
	wg.Wait()
	close(quit)
	killer.Wait()
	if kills == 0 {
		t.Error("the server was never killed")
	}
	all, err := collect(log.Read(t.Context(), ledger.Query{}), writers*appends)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, seen); diff != "" {
		t.Errorf("the subscriber after %d kills (-stored +seen):\n%s", kills, diff)
	}
	stored := map[ledger.ID]ledger.Record{}
	for _, r := range all {
		stored[r.ID] = r
	}
	if len(stored) != writers*appends {
		t.Errorf("%d different events are stored, want %d", len(stored), writers*appends)
	}
	for _, rs := range acked {
		for _, r := range rs {
			if diff := cmp.Diff(stored[r.ID], r); diff != "" {
				t.Errorf("an acknowledged event (-stored +acknowledged):\n%s", diff)
			}
		}
	}
}

// TestClusterAway checks that while there is no cluster every caller comes back
// in its own time, however many there are, and that the log works again as soon
// as the cluster is back. (The client alone is dead after one failed discovery,
// and all callers but one hang in it for ever.)
func TestClusterAway(t *testing.T) {
	t.Parallel() // it waits most of the time
	back := memlog.New(ledgertest.JumpingClock())
	addr, stop := serve(t, back, "127.0.0.1:0", eventstore.Config{})
	log := open(t, "esdb://"+addr+quick, esdb.Config{Timeout: 2 * time.Second})
	mustAppend(t, log, "visit-anna", 1)
	stop()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			_, err := log.Append(ctx, "visit-anna", ledger.Any(), ledgertest.Draft(uint64(10+i)))
			if !errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, ledger.ErrConflict) {
				t.Errorf("append %d without a cluster = %v, want ErrUnavailable", i, err)
			}
			_, err = collect(log.Read(ctx, ledger.Query{}), 1)
			if !errors.Is(err, ledger.ErrUnavailable) {
				t.Errorf("read %d without a cluster = %v, want ErrUnavailable", i, err)
			}
		})
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, err := log.Head(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("head %d with 50 ms = %v, want its own deadline", i, err)
			}
		})
	}
	wg.Wait()
	if _, err := esdb.Open(t.Context(), "esdb://"+addr+quick, esdb.Config{Timeout: 200 * time.Millisecond}); !errors.Is(err, ledger.ErrUnavailable) {
		t.Errorf("Open without a cluster = %v, want ErrUnavailable", err)
	}
	_, _ = serve(t, back, addr, eventstore.Config{})
	again(t, log, "visit-bert", 2)
}

// again appends until the log is there again.
func again(t *testing.T, log ledger.Log, stream ledger.StreamID, n uint64) ledger.Record {
	t.Helper()
	for range 100 {
		rs, err := log.Append(t.Context(), stream, ledger.Any(), ledgertest.Draft(n))
		if err == nil {
			return rs[0]
		}
		if !errors.Is(err, ledger.ErrUnavailable) {
			t.Fatalf("append = %v, want ErrUnavailable or success", err)
		}
	}
	t.Fatal("the log does not come back")
	return ledger.Record{}
}

func mustAppend(t *testing.T, log ledger.Log, stream ledger.StreamID, n uint64) ledger.Record {
	t.Helper()
	rs, err := log.Append(t.Context(), stream, ledger.Any(), ledgertest.Draft(n))
	if err != nil {
		t.Fatalf("Append(%s) = %v", stream, err)
	}
	return rs[0]
}

// TestLineThatHangs checks that a connection that is open and brings nothing
// ends each call in time, that what was on its way is not stored twice, and that
// a subscription goes on with another connection.
func TestLineThatHangs(t *testing.T) {
	t.Parallel() // it waits most of the time
	addr, _ := serve(t, memlog.New(ledgertest.JumpingClock()), "127.0.0.1:0", eventstore.Config{})
	l := startLine(t, addr)
	log := open(t, "esdb://"+l.address()+quick, esdb.Config{Timeout: 2 * time.Second})
	first := mustAppend(t, log, "visit-anna", 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := make(chan ledger.ID, 10)
	var wg sync.WaitGroup
	wg.Go(func() {
		for r, err := range log.Subscribe(ctx, ledger.Query{}) {
			if err != nil {
				return
			}
			seen <- r.ID
		}
	})
	if got := <-seen; got != first.ID {
		t.Errorf("subscription begins with %s, want %s", got, first.ID)
	}
	l.freeze(true)
	var calls sync.WaitGroup
	for what, call := range map[string]func(context.Context) error{
		"Append": func(ctx context.Context) error {
			_, err := log.Append(ctx, "visit-anna", ledger.Exactly(0), ledgertest.Draft(2))
			return err
		},
		"Read": func(ctx context.Context) error { _, err := collect(log.Read(ctx, ledger.Query{}), 1); return err },
		"Head": func(ctx context.Context) error { _, err := log.Head(ctx); return err },
		"Find": func(ctx context.Context) error { _, err := log.Find(ctx, first.ID); return err },
	} {
		calls.Go(func() {
			if err := call(t.Context()); !errors.Is(err, ledger.ErrUnavailable) {
				t.Errorf("%s on a line that hangs = %v, want ErrUnavailable", what, err)
			}
			gone, cancel := context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			if err := call(gone); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, cancelled on a line that hangs = %v, want context canceled", what, err)
			}
		})
	}
	calls.Wait()
	l.freeze(false)
	second := again(t, log, "visit-anna", 2)
	if second.Revision != 1 {
		t.Errorf("the append that hung is revision %d, want 1", second.Revision)
	}
	third := again(t, log, "visit-anna", 3)
	for _, want := range []ledger.ID{second.ID, third.ID} {
		if got := <-seen; got != want {
			t.Errorf("subscription goes on with %s, want %s", got, want)
		}
	}
	cancel()
	wg.Wait()
	if rs, err := collect(log.Read(t.Context(), ledger.Query{}), 3); err != nil || len(rs) != 3 {
		t.Errorf("%d events are stored, %v, want 3", len(rs), err)
	}
}

// TestNobodyThere checks that a port that accepts and says nothing ends Open.
func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer listener.Close()
	wg.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { defer c.Close(); _, _ = io.Copy(io.Discard, c) })
		}
	})
	_, err = esdb.Open(t.Context(), "esdb://"+listener.Addr().String()+quick, esdb.Config{Timeout: 300 * time.Millisecond})
	if !errors.Is(err, ledger.ErrUnavailable) {
		t.Errorf("Open of a port that says nothing = %v, want ErrUnavailable", err)
	}
}

// TestTwoServers lets two servers append the same events to the same streams of
// one cluster at the same time. Each event is stored once, and both are told
// the same.
func TestTwoServers(t *testing.T) {
	addr, _ := serve(t, memlog.New(ledgertest.JumpingClock()), "127.0.0.1:0", eventstore.Config{})
	const events = 40
	told := make([][]ledger.Record, 2)
	var wg sync.WaitGroup
	for i := range told {
		log := open(t, "esdb://"+addr+quick, esdb.Config{})
		wg.Go(func() {
			for n := range uint64(events) {
				stream := ledger.StreamID(fmt.Sprintf("visit-%d", n%3))
				rs, err := log.Append(t.Context(), stream, ledger.Any(), ledgertest.Draft(n))
				if err != nil {
					t.Errorf("server %d, event %d: %v", i, n, err)
					return
				}
				told[i] = append(told[i], rs...)
				if head, err := log.Head(t.Context()); err != nil || head < rs[0].Position {
					t.Errorf("Head() = %d, %v after an append at %d", head, err, rs[0].Position)
				}
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(told[0], told[1]); diff != "" {
		t.Errorf("the servers were told different things (-first +second):\n%s", diff)
	}
	third := open(t, "esdb://"+addr+quick, esdb.Config{})
	if rs, err := collect(third.Read(t.Context(), ledger.Query{}), events); err != nil || len(third.Doubles()) > 0 {
		t.Errorf("%d events are stored, %v, doubled %v, want %d once", len(rs), err, third.Doubles(), events)
	}
	if head, err := third.Head(t.Context()); err != nil || head != told[0][events-1].Position && head < told[0][0].Position {
		t.Errorf("Head() = %d, %v", head, err)
	}
}

// TestOneWinnerOfTwoServers lets two servers race for each revision of a
// stream, each with its own event. One of them wins each, and the other is told
// how far the stream had moved.
func TestOneWinnerOfTwoServers(t *testing.T) {
	addr, _ := serve(t, memlog.New(ledgertest.JumpingClock()), "127.0.0.1:0", eventstore.Config{})
	const rounds = 40
	var won [2][rounds]bool
	var wg sync.WaitGroup
	for i := range won {
		log := open(t, "esdb://"+addr+quick, esdb.Config{})
		wg.Go(func() {
			for n := range uint64(rounds) {
				_, err := log.Append(t.Context(), "visit-anna", ledger.After(n), ledgertest.Draft(2*n+uint64(i)))
				var conflict *ledger.ConflictError
				if won[i][n] = err == nil; err != nil && (!errors.As(err, &conflict) || conflict.Next <= n) {
					t.Errorf("server %d, revision %d: %v, want a conflict that is ahead", i, n, err)
				}
			}
		})
	}
	wg.Wait()
	for n := range rounds {
		if won[0][n] == won[1][n] {
			t.Errorf("revision %d was won by both servers or by none", n)
		}
	}
}

// TestOneEventForManyStreams appends one event to many streams at the same
// time. It is in one of them, and the others are told that its id is in use.
func TestOneEventForManyStreams(t *testing.T) {
	addr, _ := serve(t, memlog.New(ledgertest.JumpingClock()), "127.0.0.1:0", eventstore.Config{})
	log := open(t, "esdb://"+addr+quick, esdb.Config{})
	for n := range uint64(10) {
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = log.Append(t.Context(), ledger.StreamID(fmt.Sprintf("visit-%d", i)), ledger.Any(), ledgertest.Draft(n))
			})
		}
		wg.Wait()
		won := 0
		for i, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, ledger.ErrIDReused) {
				t.Errorf("event %d in stream %d: %v, want ErrIDReused", n, i, err)
			}
		}
		if won != 1 {
			t.Errorf("event %d was taken by %d streams, want one", n, won)
		}
	}
}
