package account

import (
	"errors"
	"net/http"
)

var (
	// ErrNotFound means that an act named an object that is not there.
	ErrNotFound = errors.New("no such object")

	// ErrState means that an act asked for what the object's state, or the
	// account's, does not allow. Nothing was changed.
	ErrState = errors.New("state does not allow it")
)

// Types of errors on the wire.
const (
	TypeAPI         = "api_error"
	TypeCard        = "card_error"
	TypeIdempotency = "idempotency_error"
	TypeInvalid     = "invalid_request_error"
)

// An Error is an answer that is not 200.
type Error struct {
	Status      int
	Kind        string // "type" on the wire
	Code        string
	DeclineCode string
	Message     string
	Param       string
	Charge      string
	Intent      Wire
	Setup       Wire

	// Stored says that the endpoint had begun to work, so that the answer is
	// kept under the idempotency key; a request refused for its parameters may
	// be sent again with the same key.
	Stored bool
	// Kept says that changes made up to here stay: a declined card leaves an
	// intent and a failed charge behind.
	Kept bool
}

// Invalid refuses a parameter before anything was done.
func Invalid(param, code, message string) *Error {
	return &Error{Status: http.StatusBadRequest, Kind: TypeInvalid, Code: code, Message: message, Param: param}
}

// missing says that the object named in a parameter does not exist.
func missing(param, what, id string) *Error {
	return Invalid(param, "resource_missing", "No such "+what+": '"+id+"'")
}

// notFound says that the object named in the path does not exist.
func notFound(what, id string) *Error {
	e := missing("id", what, id)
	e.Status = http.StatusNotFound
	return e
}

// refused says that the state of an object does not allow the request.
func refused(code, message string) *Error {
	return &Error{Status: http.StatusBadRequest, Kind: TypeInvalid, Code: code, Message: message, Stored: true}
}

// Body renders the error envelope.
func (e *Error) Body(requestID string) Wire {
	in := Wire{
		"type": e.Kind, "message": e.Message,
		"request_log_url": "https://dashboard.stripe.com/test/logs/" + requestID,
	}
	set := func(key, value string) {
		if value != "" {
			in[key] = value
		}
	}
	set("code", e.Code)
	set("decline_code", e.DeclineCode)
	set("param", e.Param)
	set("charge", e.Charge)
	if e.Code != "" {
		in["doc_url"] = "https://stripe.com/docs/error-codes/" + e.Code
	}
	if e.Intent != nil {
		in["payment_intent"] = e.Intent
	}
	if e.Setup != nil {
		in["setup_intent"] = e.Setup
	}
	return Wire{"error": in}
}
