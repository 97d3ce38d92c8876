package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/vouchledger/vouch/ledger"
)

// A refusal is an answer that the clients know: a status, and trailers whose
// "exception" they turn into an error type.
type refusal struct {
	code     codes.Code
	message  string
	trailers []string // name, value, name, value
}

// Error returns the text of the status.
func (r *refusal) Error() string { return r.message }

// refuse returns a refusal. Without an exception clients go by the code alone.
func refuse(code codes.Code, exception, message string, trailers ...string) *refusal {
	if exception != "" {
		trailers = append([]string{"exception", exception}, trailers...)
	}
	return &refusal{code: code, message: message, trailers: trailers}
}

func invalid(format string, args ...any) *refusal {
	return refuse(codes.InvalidArgument, "", fmt.Sprintf(format, args...))
}

func accessDenied(why string) *refusal {
	if why == "" {
		why = "Access Denied"
	}
	return refuse(codes.PermissionDenied, "access-denied", why)
}

func streamDeleted(stream ledger.StreamID) *refusal {
	return refuse(codes.FailedPrecondition, "stream-deleted",
		fmt.Sprintf("Event stream '%s' is deleted.", stream), "stream-name", string(stream))
}

// A versionError says that a stream is not as the writer expected. Append puts
// it into an ordinary answer, the other calls into a status.
type versionError struct {
	stream   ledger.StreamID
	expected int64 // as the protocol counts: any, noStream, streamExists or a revision
	actual   int64 // noStream or the last revision
}

// Error returns EventStoreDB's text.
func (e *versionError) Error() string {
	return fmt.Sprintf("Append failed due to WrongExpectedVersion. Stream: %s, Expected version: %d, Actual version: %d",
		e.stream, e.expected, e.actual)
}

func (e *versionError) refusal() *refusal {
	return refuse(codes.FailedPrecondition, "wrong-expected-version", e.Error(),
		"stream-name", string(e.stream), "expected-version", strconv.FormatInt(e.expected, 10),
		"actual-version", strconv.FormatInt(e.actual, 10))
}

func missingProperty(name string) *refusal {
	return refuse(codes.InvalidArgument, "missing-required-metadata-property",
		fmt.Sprintf("Required Metadata Property '%s' is missing", name), "required-metadata-properties", "type,content-type")
}

func appendTooLarge(limit int) *refusal {
	return refuse(codes.InvalidArgument, "maximum-append-size-exceeded",
		fmt.Sprintf("Maximum Append Size of %d Exceeded.", limit), "maximum-append-size", strconv.Itoa(limit))
}

// refusalOf turns any error into what a client may see. The second result is
// false for what nobody foresaw: that is logged and not told.
func refusalOf(err error) (*refusal, bool) {
	var r *refusal
	var v *versionError
	switch {
	case errors.As(err, &r):
		return r, true
	case errors.As(err, &v):
		return v.refusal(), true
	case errors.Is(err, ledger.ErrIDReused):
		return refuse(codes.AlreadyExists, "event-id-reused", err.Error()+
			"; an event id names one event of the whole ledger for ever"), true
	case errors.Is(err, ledger.ErrInvalid):
		return refuse(codes.InvalidArgument, "", err.Error()), true
	case errors.Is(err, context.DeadlineExceeded):
		return refuse(codes.DeadlineExceeded, "", "deadline exceeded"), true
	case errors.Is(err, context.Canceled):
		return refuse(codes.Canceled, "", "cancelled"), true
	case errors.Is(err, ledger.ErrClosed):
		return refuse(codes.Unavailable, "", "the ledger accepts nothing more; its operator has to look at it"), false
	}
	if st, ok := status.FromError(err); ok { // of grpc itself, such as a client that went away
		return refuse(st.Code(), "", st.Message()), true
	}
	return refuse(codes.Internal, "", "internal error; the server's log says which"), false
}

// answer sets the trailers of err and returns its status.
func (s *Server) answer(ctx context.Context, method string, err error) error {
	if err == nil {
		return nil
	}
	r, foreseen := refusalOf(err)
	if !foreseen {
		s.logger.ErrorContext(ctx, "eventstore call failed", slog.String("method", method), slog.Any("error", err))
	}
	if len(r.trailers) > 0 {
		// It fails only outside a call.
		_ = grpc.SetTrailer(ctx, metadata.Pairs(r.trailers...))
	}
	return status.Error(r.code, r.message)
}

// exception returns what clients turn into an error type; empty if they go by
// the code.
func (r *refusal) exception() string {
	if len(r.trailers) > 1 && r.trailers[0] == "exception" {
		return r.trailers[1]
	}
	return ""
}
