// Package account is the state machine of a simulated Stripe account: what its
// endpoints do, what the clock makes due, and what shoppers, banks and card
// networks do.
//
// The one idea: an account is a value that is changed by records alone. A
// request, an act and a deadline each look at the account at a given time and
// return a record of what they would change; whoever owns the account makes the
// record durable and applies it. The same records give the same account.
//
// The package reads no clock, does no input or output and starts no goroutine,
// and it knows nothing of HTTP but the numbers of its statuses.
package account

import (
	"fmt"
	"slices"
	"time"
)

// APIVersion is the only version of Stripe's API that is spoken.
const APIVersion = "2023-10-16"

// ID is the id of the simulated account.
const ID = "acct_1SimulatedAccount0"

// keyLife is how long an idempotency key is remembered.
const keyLife = day

// A Config says how an account works.
type Config struct {
	Seed          uint64 // of the ids
	Livemode      bool   // what every object says of itself
	ManualPayouts bool   // nothing is paid out that nobody asks for

	// KeepEvents and KeepRequests bound what stays to be looked at.
	KeepEvents, KeepRequests int

	// Listening reports whether anybody gets webhooks.
	Listening func() bool
}

// New returns an empty account.
func New(cfg Config) *Account {
	return &Account{
		cfg: cfg, answers: map[string]Answer{}, unpaid: map[string][]string{}, bundles: map[string][]string{},
	}
}

// Next counts a request and returns its number.
func (s *Account) Next() uint64 {
	s.asked++
	return s.asked
}

// Advanced returns by how much the clock was set forward in all.
func (s *Account) Advanced() time.Duration { return s.advanced }

// Remembered returns the answer that an idempotency key replays.
func (s *Account) Remembered(key string) (Answer, bool) {
	a, ok := s.answers[key]
	return a, ok
}

// Requests returns the audit log, oldest first.
func (s *Account) Requests() []Request { return slices.Clone(s.requests) }

// VisitOf returns the visit (metadata) of the first id that has one.
func (s *Account) VisitOf(ids ...string) string {
	for _, id := range ids {
		if id == "" {
			continue
		}
		if visit := s.intentOf(id).Metadata["visit"]; visit != "" {
			return visit
		}
	}
	return ""
}

// Undelivered returns the events of which nobody has heard yet, oldest first.
func (s *Account) Undelivered() (out []Event) {
	for _, id := range s.events.ids {
		if e := s.events.byID[id]; e.Delivery == "" {
			out = append(out, e)
		}
	}
	return out
}

// Event returns an event.
func (s *Account) Event(id string) (Event, bool) {
	e, ok := s.events.byID[id]
	return e, ok
}

// Before returns an event's object as the newest earlier event about it has
// it; its own if there is none.
func (s *Account) Before(e Event) Wire {
	found := false
	for _, id := range slices.Backward(s.events.ids) {
		old := s.events.byID[id]
		if found && old.Object["id"] == e.Object["id"] {
			return old.Object
		}
		found = found || id == e.ID
	}
	return e.Object
}

// File returns the content of an uploaded file and its name.
func (s *Account) File(id string) (name string, content []byte, err error) {
	v, ok := s.files.byID[id]
	if !ok {
		return "", nil, fmt.Errorf("file %s: %w", id, ErrNotFound)
	}
	return v.Name, v.Content, nil
}

// What becomes of an event's webhook, beside "" for one under way.
const (
	Reached = "delivered"
	Waiting = "waiting" // nobody took it; it is sent again by the clock
	Failed  = failed    // nobody took it for three days
	Lost    = "lost"    // by a fault
	None    = "none"    // nobody listened
)

const (
	giveUp    = 3 * day // how long Stripe tries to deliver an event
	firstWait = int64(time.Hour / time.Second)
)

// PutOff decides about an event that nobody took: it is sent again after 1, 2,
// 4, 8, 16 hours and then once a day, and given up after three days.
func PutOff(e Event, now int64) Delivered {
	again := now + min(firstWait<<min(e.Tries, 5), day)
	if again > e.Created+giveUp {
		return Delivered{Event: e.ID, How: Failed}
	}
	return Delivered{Event: e.ID, How: Waiting, Again: again}
}
