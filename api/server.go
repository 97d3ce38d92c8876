package api

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/web"
)

// An API answers HTTP requests. It is an [http.Handler].
type API struct {
	s        Services
	log      *slog.Logger
	echo     *echo.Echo
	handler  http.Handler
	document *document
	pages    *web.Pages
	signIns  *signIns
	limits   *limiters
	answers  *answers
	early    early
	metrics  *metrics
	heard    *heard
	closing  context.Context // done when the server shuts down: ends live streams
	close    context.CancelFunc
}

// New returns the API over s. Its errors are bugs: a service that is missing,
// or a document or page of this package that cannot be read.
func New(s Services) (*API, error) {
	if err := s.complete(); err != nil {
		return nil, err
	}
	doc, err := newDocument()
	if err != nil {
		return nil, err
	}
	pages, err := web.New()
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	if s.ReadModelWait == 0 {
		s.ReadModelWait = 2 * time.Second
	}
	a := &API{
		s: s, log: s.Logger, echo: echo.New(), document: doc, pages: pages,
		signIns: newSignIns(), limits: newLimiters(), answers: newAnswers(), metrics: newMetrics(s.Metrics),
		heard: newHeard(s.Now()),
	}
	a.closing, a.close = context.WithCancel(context.Background())
	a.echo.HideBanner, a.echo.HidePort = true, true
	// X-Forwarded-For is what anybody writes into it: behind a proxy all
	// strangers share the proxy's bucket, which errs on the safe side.
	a.echo.IPExtractor = echo.ExtractIPDirect()
	a.echo.HTTPErrorHandler = a.writeProblem
	a.echo.Use(traced, a.measured, secured, a.recovered)
	a.addRoutes()
	cop := http.NewCrossOriginProtection()
	cop.SetDenyHandler(http.HandlerFunc(a.crossOrigin))
	a.handler = cop.Handler(a.echo)
	return a, nil
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Close ends the live streams, so that a server can shut down.
func (a *API) Close() { a.close() }

// Server returns an HTTP server for a, with limits that a slow or greedy
// client runs into. Serve it, and Shutdown ends the live streams too.
// Uploads and live streams move their own deadlines along.
func (a *API) Server() *http.Server {
	s := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 2 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.Background() },
	}
	s.RegisterOnShutdown(a.close)
	return s
}

// secured sets the headers that every answer has. There is no inline script
// or style anywhere, so none is allowed.
func secured(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
			"media-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		return next(c)
	}
}

// recovered turns a panic of one request into its 500; the others go on.
func (a *API) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // a panic value, by identity
				panic(v)
			}
			a.log.LogAttrs(c.Request().Context(), slog.LevelError, "panic in a request",
				slog.String("route", c.Path()), slog.String("trace", traceOf(c)),
				slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
			err = newProblem(http.StatusInternalServerError, "internal", "")
		}()
		return next(c)
	}
}

func (a *API) crossOrigin(w http.ResponseWriter, r *http.Request) {
	a.writeProblem(newProblem(http.StatusForbidden, "cross_origin", ""), a.echo.NewContext(r, w))
}
