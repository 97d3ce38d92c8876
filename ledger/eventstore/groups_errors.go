package eventstore

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

func (k groupKey) refuse(code codes.Code, exception, format string, more ...string) *refusal {
	trailers := append([]string{"stream-name", string(k.source), "group-name", k.group}, more...)
	return refuse(code, exception, fmt.Sprintf(format, k.group, k.source), trailers...)
}

func groupMissing(k groupKey) *refusal {
	return k.refuse(codes.NotFound, "persistent-subscription-does-not-exist",
		"Subscription group %s on stream %s does not exist.")
}

func groupExists(k groupKey) *refusal {
	return k.refuse(codes.AlreadyExists, "persistent-subscription-exists",
		"Subscription group %s on stream %s exists.")
}

func groupFull(k groupKey) *refusal {
	return k.refuse(codes.FailedPrecondition, "maximum-subscribers-reached",
		"Maximum subscriptions reached for subscription group %s on stream %s.")
}

func groupDropped(k groupKey) *refusal {
	return k.refuse(codes.Canceled, "persistent-subscription-dropped",
		"Subscription group %s on stream %s was dropped.")
}

// groupFailed is a refusal whose reason the clients show.
func groupFailed(k groupKey, reason string) *refusal {
	r := k.refuse(codes.Internal, "persistent-subscription-failed",
		"Subscription group %s on stream %s failed: ", "reason", reason)
	r.message += "'" + reason + "'"
	return r
}

// errGroupDeleted ends a group that its operator has deleted.
var errGroupDeleted = errors.New("group was deleted")

// why turns the reason for which a consumer was dropped into an answer.
func (k groupKey) why(err error) error {
	switch {
	case errors.Is(err, groups.ErrFull):
		return groupFull(k)
	case errors.Is(err, errGroupDeleted):
		return groupMissing(k)
	case errors.Is(err, groups.ErrUpdated), errors.Is(err, groups.ErrStopped),
		errors.Is(err, errStuck), errors.Is(err, errRestart), errors.Is(err, errServerStops):
		return groupDropped(k)
	default:
		return err
	}
}
