package api

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/ledger"
)

const (
	headerIdempotency = "Idempotency-Key"
	answerLife        = 24 * time.Hour
	maxAnswers        = 10_000
)

// commandID returns the id of the event that a request makes. Under an
// Idempotency-Key it is the same id each time, for this caller, so the ledger
// recognises a repeat even after a restart.
func (a *API) commandID(c echo.Context) (ledger.ID, error) {
	if key := c.Request().Header.Get(headerIdempotency); key != "" {
		return ledger.DeriveID(ledger.ID{}, "request", caller(c).ID, key), nil
	}
	return ledger.NewID(a.s.Now(), rand.Reader)
}

// answers remembers the first answer under each Idempotency-Key for a day. It
// makes repeats cheap and equal to the byte; that they change nothing is the
// ledger's doing.
type answers struct {
	mu  sync.Mutex
	all map[string]*answer
}

type answer struct {
	request [32]byte // of method, path and body
	done    bool
	at      time.Time
	status  int
	kind    string // content type
	body    []byte
}

func newAnswers() *answers { return &answers{all: map[string]*answer{}} }

// repeated gives a repeat the first answer.
func (a *API) repeated(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		key := c.Request().Header.Get(headerIdempotency)
		if key == "" {
			return next(c)
		}
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		c.Request().Body = io.NopCloser(bytes.NewReader(body))
		request := sha256.Sum256([]byte(c.Request().Method + " " + c.Request().URL.Path + "\n" + string(body)))
		name := caller(c).ID + " " + key
		first, err := a.answers.begin(name, request, a.s.Now())
		if err != nil {
			return err
		}
		if first != nil {
			c.Response().Header().Set("Idempotent-Replayed", "true")
			return c.Blob(first.status, first.kind, first.body)
		}
		copied := &copyWriter{ResponseWriter: c.Response().Writer}
		c.Response().Writer = copied
		err = next(c)
		a.answers.end(name, answer{
			request: request, done: true, at: a.s.Now(), status: c.Response().Status,
			kind: c.Response().Header().Get(echo.HeaderContentType), body: copied.body.Bytes(),
		}, err)
		return err
	}
}

// begin returns the first answer, or nothing and marks the request as being
// answered.
func (s *answers) begin(name string, request [32]byte, now time.Time) (*answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was, ok := s.all[name]; ok && (!was.done || now.Sub(was.at) < answerLife) {
		switch {
		case was.request != request:
			return nil, newProblem(http.StatusUnprocessableEntity, "id_reused", "")
		case !was.done:
			return nil, newProblem(http.StatusConflict, "in_flight", "")
		}
		return was, nil
	}
	if len(s.all) >= maxAnswers {
		s.sweep(now)
	}
	s.all[name] = &answer{request: request, at: now}
	return nil, nil //nolint:nilnil // no first answer is not an error
}

// end keeps an answer that settled the request. Anything else may be tried
// again under the same key.
func (s *answers) end(name string, done answer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || done.status < 200 || done.status > 299 {
		delete(s.all, name)
		return
	}
	done.body = bytes.Clone(done.body)
	s.all[name] = &done
}

// sweep drops what is old, and everything answered if nothing is: the ledger
// still recognises repeats.
func (s *answers) sweep(now time.Time) {
	for name, was := range s.all {
		if was.done && now.Sub(was.at) >= answerLife {
			delete(s.all, name)
		}
	}
	if len(s.all) < maxAnswers {
		return
	}
	for name, was := range s.all {
		if was.done {
			delete(s.all, name)
		}
	}
}

// A copyWriter keeps a copy of what it writes.
type copyWriter struct {
	http.ResponseWriter
	body bytes.Buffer
}

// Write writes b and keeps it.
func (w *copyWriter) Write(b []byte) (int, error) {
	w.body.Write(b)
	return w.ResponseWriter.Write(b)
}

// Unwrap lets a ResponseController through.
func (w *copyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
