package esdb

import (
	"errors"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vouchledger/vouch/ledger"
)

// ErrDenied means that the cluster does not let this user in: the password is
// wrong, or the user may not read or write these streams. Trying again is no
// use; docs/operating/eventstoredb.md says what the user needs.
var ErrDenied = errors.New("the cluster refuses this user")

// What the cluster may answer that is neither success nor trouble.
var (
	errMovedOn = errors.New("the stream is at another revision")
	errNone    = errors.New("no such stream")
	errDeleted = errors.New("the stream is deleted for ever")
	errLeader  = errors.New("another node leads") // the client goes there by itself
)

// translate turns what the client or gRPC says into one of the errors above,
// ErrDenied, ErrInvalid, or trouble, which is everything else.
//
// The client wraps its own errors now and then, and hands out bare gRPC errors
// from subscriptions, so both are looked for at any depth.
func translate(err error) error {
	if err == nil {
		return nil
	}
	var e *esdb.Error
	if errors.As(err, &e) {
		switch e.Code() { //nolint:exhaustive // the others are trouble, or known by their status below
		case esdb.ErrorCodeWrongExpectedVersion:
			return errMovedOn
		case esdb.ErrorCodeResourceNotFound:
			return errNone
		case esdb.ErrorCodeStreamDeleted:
			return errDeleted
		case esdb.ErrorCodeNotLeader:
			return errLeader
		}
	}
	switch status.Code(err) { //nolint:exhaustive // the others are trouble
	case codes.Unauthenticated, codes.PermissionDenied:
		return fmt.Errorf("%w: %w", ErrDenied, err)
	case codes.InvalidArgument:
		return fmt.Errorf("%w: the cluster refuses it: %w", ledger.ErrInvalid, err)
	case codes.NotFound:
		return errNone
	}
	return err
}

// trouble reports whether err says nothing about what was asked, so that it may
// be asked again.
func trouble(err error) bool {
	for _, known := range []error{
		errMovedOn, errNone, errDeleted, ErrDenied,
		ledger.ErrInvalid, ledger.ErrClosed, ledger.ErrCorrupt, ledger.ErrConflict, ledger.ErrIDReused, ledger.ErrNotFound,
	} {
		if errors.Is(err, known) {
			return false
		}
	}
	return err != nil
}
