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

// guard runs f, which calls the client, in a goroutine of its own and waits for
// it no longer than ctx. A panic of f is an error. If f does not come back it
// stays behind until its session is ended, which makes it come back; whatever it
// then returns is handed to late, if that is set.
func guard[T any](ctx context.Context, f func() (T, error), late func(T)) (T, error) {
	done := make(chan outcome[T], 1)
	go func() {
		var o outcome[T]
		defer func() { done <- o }()
		defer caught(&o.err)
		o.value, o.err = f()
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		if late != nil {
			go func() {
				if o := <-done; o.err == nil {
					late(o.value)
				}
			}()
		}
		var none T
		return none, fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
}

// caught turns a panic into an error.
func caught(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errPanic, p)
	}
}
