package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the figures of this package. Labels hold routes and codes, never
// anything a caller writes.
type metrics struct {
	registry   *prometheus.Registry
	handler    http.Handler
	requests   *prometheus.HistogramVec
	live       prometheus.Gauge
	detections *prometheus.CounterVec
	entries    *prometheus.CounterVec
}

func newMetrics(r *prometheus.Registry) *metrics {
	if r == nil {
		r = prometheus.NewRegistry()
	}
	m := &metrics{
		registry: r,
		handler:  promhttp.HandlerFor(r, promhttp.HandlerOpts{}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "vouch_http_request_seconds", Help: "Time to answer, by route and status.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10},
		}, []string{"method", "route", "status"}),
		live: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "vouch_live_streams", Help: "Live carts that are open now.",
		}),
		detections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vouch_detections_total", Help: "Detections taken, by outcome.",
		}, []string{"outcome"}),
		entries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vouch_gate_entries_total", Help: "Codes shown at gates, by decision.",
		}, []string{"decision"}),
	}
	r.MustRegister(m.requests, m.live, m.detections, m.entries)
	return m
}

// measured times every request that is not a live stream.
func (a *API) measured(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := a.s.Now()
		err := next(c)
		if err != nil {
			c.Error(err) // writes the problem, so that its status is known here
		}
		route := c.Path()
		if route == "" {
			route = "none"
		}
		a.metrics.requests.WithLabelValues(c.Request().Method, route, strconv.Itoa(c.Response().Status)).
			Observe(max(0, a.s.Now().Sub(start)).Seconds())
		return nil
	}
}

func (a *API) getMetrics(c echo.Context) error {
	a.metrics.handler.ServeHTTP(c.Response(), c.Request())
	return nil
}

// extend moves the deadlines of one request, for uploads and live streams that
// outlast the server's.
func extend(c echo.Context, read, write time.Duration) {
	rc := http.NewResponseController(c.Response())
	now := time.Now() //nolint:forbidigo // a socket's deadline is in the machine's time; no event sees it
	if read > 0 {
		_ = rc.SetReadDeadline(now.Add(read)) // not every writer has deadlines: a test's has none
	}
	if write > 0 {
		_ = rc.SetWriteDeadline(now.Add(write))
	}
}
