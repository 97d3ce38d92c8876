package esdb

import (
	"context"
	"errors"
	"fmt"
)

// errPanic means that the client panicked. It is trouble: the next client may
// fare better.
var errPanic = errors.New("the EventStoreDB client panicked")

type outcome[T any] struct {
	value T
	err   error
}

// guard runs f, which calls the client of s, in a goroutine of its own and waits
// for it no longer than ctx and s last. A panic of f is an error. If f does not
// come back it stays behind until its session is over, which makes it come back;
// what it then returns is dropped.
func guard[T any](ctx context.Context, s *session, f func(context.Context) (T, error)) (T, error) {
	var none T
	if err := s.enter(); err != nil {
		return none, err
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	done := make(chan outcome[T], 1)
	go func() {
		defer s.leave()
		var o outcome[T]
		defer func() {
			done <- o
			s.look(o.err) // not before: the caller is to hear this and not that the session ended
		}()
		defer caught(&o.err)
		o.value, o.err = f(ctx)
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		select {
		case o := <-done:
			return o.value, o.err
		default:
		}
		return none, fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
}

// caught turns a panic into an error.
func caught(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errPanic, p)
	}
}
