package eventstore

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// preface is how a client of HTTP/2 begins.
const preface = "PRI "

// greeting bounds how long a client may take to say what it speaks.
const greeting = 10 * time.Second

// A port is one listener with two doors: who speaks HTTP/2 gets to gRPC, who
// speaks HTTP/1.1 to a page that says whether the server lives, as load
// balancers and containers ask for it. grpc-go can be served by net/http
// instead, but then has no flow control and no keepalive of its own.
type port struct {
	listener net.Listener
	tls      *tls.Config // nil: in the clear
	grpc     *door
	http     *door
	wg       sync.WaitGroup
}

func newPort(l net.Listener, config *tls.Config) *port {
	if config != nil {
		config = config.Clone()
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	return &port{listener: l, tls: config, grpc: newDoor(l.Addr()), http: newDoor(l.Addr())}
}

// run lets clients in until ctx is done, and waits for those who were on their
// way in.
func (p *port) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = p.listener.Close() })
	defer stop()
	defer p.wg.Wait()
	for {
		c, err := p.listener.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case temporary(err):
			select { // too many open files, say: the listener itself is well
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
		case err != nil:
			return fmt.Errorf("accept: %w", err)
		default:
			p.wg.Go(func() { p.greet(ctx, c) })
		}
	}
}

// temporary reports whether an accept may succeed the next time.
func temporary(err error) bool {
	var e net.Error
	return errors.As(err, &e) && !errors.Is(err, net.ErrClosed)
}

// greet finds out what c speaks and shows it to its door.
func (p *port) greet(ctx context.Context, c net.Conn) {
	impatient := time.AfterFunc(greeting, func() { _ = c.Close() })
	defer impatient.Stop()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if p.tls != nil {
		c = tls.Server(c, p.tls)
	}
	r := bufio.NewReader(c)
	first, err := r.Peek(len(preface))
	if err != nil {
		_ = c.Close()
		return
	}
	d := p.http
	if string(first) == preface {
		d = p.grpc
	}
	d.enter(peeked{c, r})
}

// peeked is a connection of which the first bytes were looked at.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

// Read reads what was looked at first.
func (p peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// A door is a listener for the clients that were shown to it.
type door struct {
	addr  net.Addr
	conns chan net.Conn
	shut  chan struct{}
	once  sync.Once
}

func newDoor(addr net.Addr) *door {
	return &door{addr: addr, conns: make(chan net.Conn), shut: make(chan struct{})}
}

func (d *door) enter(c net.Conn) {
	select {
	case d.conns <- c:
	case <-d.shut:
		_ = c.Close()
	}
}

// Accept returns the next client.
func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.shut:
		return nil, net.ErrClosed
	}
}

// Close shuts the door.
func (d *door) Close() error {
	d.once.Do(func() { close(d.shut) })
	return nil
}

// Addr returns the address of the port.
func (d *door) Addr() net.Addr { return d.addr }

// healthServer answers whether the server lives, where EventStoreDB does.
func healthServer() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health/live", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /ping", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("Ping request successfully handled"))
	})
	return &http.Server{Handler: mux, ReadHeaderTimeout: greeting, IdleTimeout: time.Minute}
}
