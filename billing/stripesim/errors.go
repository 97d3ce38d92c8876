package stripesim

import (
	"errors"
	"net/http"
)

var (
	// ErrConfig means that a Config cannot work. Correct it; nothing was
	// opened.
	ErrConfig = errors.New("simulator configuration")

	// ErrCorrupt means that the journal file is damaged before its last line.
	// A torn last line is cut; this is something else. Restore the file.
	ErrCorrupt = errors.New("damaged simulator journal")

	// ErrNotFound means that a control named an object that is not there.
	ErrNotFound = errors.New("no such object")

	// ErrState means that a control asked for what the object's state, or the
	// account's, does not allow. Nothing was changed.
	ErrState = errors.New("state does not allow it")

	// ErrClock means that the clock was to be set back. Times of objects would
	// run backwards; start a new simulator instead.
	ErrClock = errors.New("clock cannot go back")
)

// Types of API errors on the wire.
const (
	typeAPI         = "api_error"
	typeCard        = "card_error"
	typeIdempotency = "idempotency_error"
	typeInvalid     = "invalid_request_error"
)

// An apiError is an answer that is not 200.
type apiError struct {
	status      int
	kind        string // wire "type"
	code        string
	declineCode string
	message     string
	param       string
	charge      string
	intent      wire
	setup       wire

	// stored says that the endpoint had begun to work, so that the answer is
	// kept under the idempotency key; a request refused for its parameters may
	// be sent again with the same key.
	stored bool
	// kept says that changes made up to here stay: a declined card leaves an
	// intent and a failed charge behind.
	kept bool
}

// invalid refuses a parameter before anything was done.
func invalid(param, code, message string) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: typeInvalid, code: code, message: message, param: param}
}

// missing says that the object named in a parameter does not exist.
func missing(param, what, id string) *apiError {
	return invalid(param, "resource_missing", "No such "+what+": '"+id+"'")
}

// notFound says that the object named in the path does not exist.
func notFound(what, id string) *apiError {
	e := missing("id", what, id)
	e.status = http.StatusNotFound
	return e
}

// refused says that the state of an object does not allow the request.
func refused(code, message string) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: typeInvalid, code: code, message: message, stored: true}
}

// body renders the error envelope.
func (e *apiError) body(requestID string) wire {
	in := wire{
		"type": e.kind, "message": e.message,
		"request_log_url": "https://dashboard.stripe.com/test/logs/" + requestID,
	}
	set := func(key, value string) {
		if value != "" {
			in[key] = value
		}
	}
	set("code", e.code)
	set("decline_code", e.declineCode)
	set("param", e.param)
	set("charge", e.charge)
	if e.code != "" {
		in["doc_url"] = "https://stripe.com/docs/error-codes/" + e.code
	}
	if e.intent != nil {
		in["payment_intent"] = e.intent
	}
	if e.setup != nil {
		in["setup_intent"] = e.setup
	}
	return wire{"error": in}
}
