package stripesim

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// Transport returns a round tripper that hands requests to the simulator
// without a socket, for simulations of many visits in one process. Faults work
// as over a network: a dropped connection is an error of the round trip, and a
// request goes on when its caller has left.
func (s *Sim) Transport() http.RoundTripper { return transport{s} }

type transport struct{ sim *Sim }

// RoundTrip serves one request.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	if r.Body == nil {
		in.Body = http.NoBody
	} else {
		body, err := io.ReadAll(r.Body)
		if err = closing(r.Body, err); err != nil {
			return nil, err
		}
		in.Body = io.NopCloser(bytes.NewReader(body))
	}
	rec := &recorder{header: http.Header{}}
	served := make(chan error, 1)
	t.sim.requests.Go(func() { served <- rec.serve(t.sim, in) })
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case err := <-served:
		if err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode: rec.status, Status: http.StatusText(rec.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rec.header, Body: io.NopCloser(strings.NewReader(rec.body.String())),
		ContentLength: int64(rec.body.Len()), Request: r,
	}, nil
}

func closing(c io.Closer, err error) error {
	if e := c.Close(); err == nil {
		err = e
	}
	return err
}

// recorder is a response writer that keeps what it is given.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *recorder) Flush()                      {}

// serve runs the handler and turns an abort into the error that a client of a
// dropped connection sees.
func (r *recorder) serve(h http.Handler, in *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = io.ErrUnexpectedEOF
		default:
			panic(p)
		}
	}()
	h.ServeHTTP(r, in)
	return nil
}
