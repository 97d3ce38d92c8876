package eventstore

import (
	"context"
	"sync"

	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

// A member is a consumer that is connected: what it is to be sent and has not
// been yet.
type member struct {
	runner *runner
	id     groups.ConsumerID
	slots  int

	mu    sync.Mutex
	queue []groups.Push
	why   error         // why it was dropped
	wake  chan struct{} // something of the above has changed; holds one
}

// push queues p and reports whether the consumer keeps up: one that is sent
// events again and again, because it answers none, and reads none of them
// either, is stuck.
func (m *member) push(p groups.Push) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) >= 2*m.slots+stuckAfter {
		return false
	}
	m.queue = append(m.queue, p)
	m.signal()
	return true
}

const stuckAfter = 100

func (m *member) drop(why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.why = why
	m.signal()
}

func (m *member) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// next returns what is to be sent, waiting for it, or why the consumer was
// dropped.
func (m *member) next(ctx context.Context) ([]groups.Push, error) {
	for {
		m.mu.Lock()
		queue, why := m.queue, m.why
		m.queue = nil
		m.mu.Unlock()
		if why != nil {
			return nil, why
		}
		if len(queue) > 0 {
			return queue, nil
		}
		select {
		case <-m.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// A visitor says who joins.
type visitor struct {
	slots                  int
	connection, user, from string
}

// join makes a consumer of the group, unless it is full.
func (r *runner) join(ctx context.Context, v visitor) (*member, error) {
	m := &member{runner: r, slots: v.slots, wake: make(chan struct{}, 1)}
	err := r.do(ctx, func(ctx context.Context) error {
		r.lastID++
		m.id = r.lastID
		r.members[m.id] = m
		return r.step(ctx, groups.Joined{
			Consumer: m.id, Slots: v.slots, Name: v.connection, User: v.user, From: v.from,
		})
	})
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m, m.why
}

// leave takes the consumer out of the group, if it is in it.
func (m *member) leave() {
	// Fails when the group has ended, and nobody is in it then.
	_ = m.runner.do(context.Background(), func(ctx context.Context) error {
		if m.runner.members[m.id] != m {
			return nil
		}
		delete(m.runner.members, m.id)
		return m.runner.step(ctx, groups.Left{Consumer: m.id})
	})
}

// answer hands in an acknowledgement or its contrary.
func (m *member) answer(ctx context.Context, in groups.Input) error {
	return m.runner.do(ctx, func(ctx context.Context) error { return m.runner.step(ctx, in) })
}
