package device

import (
	"context"
	_ "embed" // for the screen
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

//go:embed page.html
var pageHTML []byte

// ErrNotLoopback means that the screen would be served to others than this
// cart. Use an address like 127.0.0.1:8095.
var ErrNotLoopback = errors.New("the cart's page is served on this machine only")

// policy keeps the screen to itself: nothing is loaded from elsewhere.
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'"

// A Page is the cart's screen on a loopback address.
type Page struct {
	cart     *Cart
	listener net.Listener
	now      func() time.Time
	ending   chan struct{}
}

// Listen opens the screen's address.
func Listen(address string, c *Cart, now func() time.Time) (*Page, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("page on %s: %w", address, ErrNotLoopback)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return &Page{cart: c, listener: l, now: now, ending: make(chan struct{})}, nil
}

// Address returns where the screen is.
func (p *Page) Address() string { return "http://" + p.listener.Addr().String() }

// Serve serves the screen until ctx ends.
func (p *Page) Serve(ctx context.Context) error {
	s := &http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		close(p.ending)
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err := s.Shutdown(stop)
		if errors.Is(err, context.DeadlineExceeded) {
			err = s.Close()
		}
		done <- err
	}()
	if err := s.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("page: %w", err)
	}
	return <-done
}

// ServeHTTP answers the screen. A page of another site that the cart's browser
// may show can neither read nor touch it: it is another origin, and a name that
// was made to point here is no loopback host.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		http.Error(w, "this page is for this machine", http.StatusMisdirectedRequest)
		return
	}
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(pageHTML) // the browser has gone
	})
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(p.cart.View()) // the browser has gone
	})
	mux.HandleFunc("GET /events", p.events)
	mux.HandleFunc("POST /touch", p.touch)
	http.NewCrossOriginProtection().Handler(mux).ServeHTTP(w, r)
}

// events sends the screen at every change, and now and then without one.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		changed := p.cart.Changed()
		b, err := json.Marshal(p.cart.View())
		if err != nil {
			return
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", b); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-p.ending:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// touch takes a finger. An answer of 204 says that it is kept.
func (p *Page) touch(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4096))
	if err != nil {
		http.Error(w, "too long", http.StatusRequestEntityTooLarge)
		return
	}
	f, err := ReadFinger(b)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := p.cart.Touched(f, p.now(), 0); err != nil {
		http.Error(w, "the cart cannot keep this: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
