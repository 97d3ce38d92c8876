package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"syscall"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/billing/bankfile"
	"github.com/vouchledger/vouch/billing/reconcile"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

// A problem is an error as clients see it (RFC 9457). Code is stable; Title
// and Detail are for people and may change.
type problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Code   string         `json:"code"`
	Detail string         `json:"detail,omitempty"`
	Errors []problemField `json:"errors,omitempty"`
}

// A problemField is one thing wrong with the input.
type problemField struct {
	Location string `json:"location"` // body.detection.items, query.limit
	Message  string `json:"message"`
}

// Error makes a problem an error, so that a handler can return one.
func (p *problem) Error() string { return p.Code + ": " + p.Detail }

// known is the error table: the only way for an error of ours to a client.
// Detail tells whether the error's own text is for the client.
var known = []struct {
	err    error
	status int
	code   string
	detail bool
}{
	{keys.ErrNoKey, http.StatusUnauthorized, "unauthorized", false},
	{keys.ErrRevoked, http.StatusUnauthorized, "unauthorized", false},
	{evidence.ErrAltered, http.StatusInternalServerError, "internal", false}, // before the classes it wraps
	{ledger.ErrCorrupt, http.StatusInternalServerError, "internal", false},
	{ledger.ErrNotFound, http.StatusNotFound, "not_found", false},
	{evidence.ErrExpired, http.StatusGone, "expired", false}, // before ErrMissing, which may come with it
	{evidence.ErrMissing, http.StatusNotFound, "not_found", false},
	{ledger.ErrIDReused, http.StatusUnprocessableEntity, "id_reused", false},
	{ledger.ErrConflict, http.StatusConflict, "conflict", false},
	{syscall.ENOSPC, http.StatusInsufficientStorage, "no_room", false}, // before what it is wrapped in
	{syscall.EDQUOT, http.StatusInsufficientStorage, "no_room", false},
	{ledger.ErrClosed, http.StatusServiceUnavailable, "unavailable", false},
	{ledger.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", false},
	{evidence.ErrMismatch, http.StatusUnprocessableEntity, "digest_mismatch", true},
	{evidence.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large", true},
	{evidence.ErrOffset, http.StatusConflict, "offset", true},
	{evidence.ErrEmpty, http.StatusUnprocessableEntity, "invalid", true},
	{bankfile.ErrFormat, http.StatusUnprocessableEntity, "invalid", true},
	{reconcile.ErrUnknown, http.StatusNotFound, "not_found", false},
	{reconcile.ErrExplained, http.StatusConflict, "refused", true},
	{ledger.ErrInvalid, http.StatusUnprocessableEntity, "invalid", true},
}

// titles are the sentences of each code.
var titles = map[string]string{
	"bad_request":     "The request is malformed",
	"unauthorized":    "Sign in with a key",
	"not_found":       "There is no such thing",
	"no_method":       "This address does not take that method",
	"expired":         "It was deleted after the time for which it is kept",
	"conflict":        "It has changed meanwhile",
	"too_early":       "Send it again in a moment",
	"id_reused":       "The id or key was used for something else",
	"in_flight":       "The same request is being answered",
	"too_large":       "The request is too large",
	"invalid":         "The request cannot be a fact",
	"refused":         "The rules of the shop do not allow this",
	"offset":          "The part does not follow what is there",
	"not_blurred":     "Only a copy in which faces are blurred is shown",
	"digest_mismatch": "The bytes do not match the digest",
	"too_many":        "Too many requests",
	"internal":        "Something is wrong on our side",
	"no_room":         "The disk of the server is full",
	"unavailable":     "The service is not ready",
	"cross_origin":    "The request comes from another site",
}

func newProblem(status int, code, detail string) *problem {
	return &problem{Type: "urn:vouch:problem:" + code, Title: titles[code], Status: status, Code: code, Detail: detail}
}

// errNotFound is the one answer for what is missing and what is not for you.
var errNotFound = newProblem(http.StatusNotFound, "not_found", "")

func invalid(location, message string) *problem {
	p := newProblem(http.StatusUnprocessableEntity, "invalid", message)
	p.Errors = []problemField{{Location: location, Message: message}}
	return p
}

// problemOf maps any error to what the client gets.
func problemOf(err error) *problem {
	var p *problem
	var tooLarge *http.MaxBytesError
	var he *echo.HTTPError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &tooLarge):
		return newProblem(http.StatusRequestEntityTooLarge, "too_large", "")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return newProblem(http.StatusServiceUnavailable, "unavailable",
			"The request was not finished in time; send it again.")
	}
	if p := domainProblem(err); p != nil {
		return p
	}
	if errors.As(err, &he) {
		return echoProblem(he)
	}
	return newProblem(http.StatusInternalServerError, "internal", "")
}

func domainProblem(err error) *problem {
	for _, k := range append(known, refusals...) {
		if !errors.Is(err, k.err) {
			continue
		}
		p := newProblem(k.status, k.code, "")
		if k.detail {
			p.Detail = err.Error()
		}
		return p
	}
	return nil
}

func echoProblem(he *echo.HTTPError) *problem {
	switch he.Code {
	case http.StatusNotFound:
		return errNotFound
	case http.StatusMethodNotAllowed:
		return newProblem(he.Code, "no_method", "")
	case http.StatusRequestEntityTooLarge:
		return newProblem(he.Code, "too_large", "")
	case http.StatusBadRequest, http.StatusUnsupportedMediaType:
		return newProblem(http.StatusBadRequest, "bad_request", "")
	}
	return newProblem(http.StatusInternalServerError, "internal", "")
}

// requestProblem says what the OpenAPI document does not allow in a request.
func requestProblem(err error) *problem {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return newProblem(http.StatusRequestEntityTooLarge, "too_large", "")
	}
	p := newProblem(http.StatusBadRequest, "bad_request", "")
	var re *openapi3filter.RequestError
	if !errors.As(err, &re) {
		return p
	}
	place := "body"
	if re.Parameter != nil {
		place = re.Parameter.In + "." + re.Parameter.Name
	}
	p.Errors = schemaFields(place, re.Err)
	if len(p.Errors) == 0 {
		message := re.Reason
		if message == "" && re.Err != nil {
			message = firstLine(re.Err.Error())
		}
		p.Errors = []problemField{{Location: place, Message: message}}
	}
	p.Detail = p.Errors[0].Location + ": " + p.Errors[0].Message
	return p
}

// schemaFields lists the violations of a schema, each with its place.
func schemaFields(place string, err error) []problemField {
	var many openapi3.MultiError
	if errors.As(err, &many) {
		var out []problemField
		for _, e := range many {
			out = append(out, schemaFields(place, e)...)
		}
		return out
	}
	var se *openapi3.SchemaError
	if !errors.As(err, &se) {
		return nil
	}
	return []problemField{{
		Location: strings.Join(append([]string{place}, se.JSONPointer()...), "."),
		Message:  firstLine(se.Reason),
	}}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// writeProblem is echo's error handler.
func (a *API) writeProblem(err error, c echo.Context) {
	if c.Response().Committed {
		return // the answer has begun: a live stream that broke off
	}
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		a.log.LogAttrs(c.Request().Context(), slog.LevelError, "request failed",
			slog.String("method", c.Request().Method), slog.String("route", c.Path()),
			slog.String("trace", traceOf(c)), slog.String("error", err.Error()))
	}
	if wantsPage(c) {
		a.errorPage(c, p)
		return
	}
	if p.Status == http.StatusUnauthorized {
		c.Response().Header().Set("WWW-Authenticate", `Bearer realm="vouch"`)
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic("api: encode problem: " + err.Error())
	}
	if c.Request().Method == http.MethodHead {
		_ = c.NoContent(p.Status)
		return
	}
	_ = c.Blob(p.Status, "application/problem+json", b)
}
