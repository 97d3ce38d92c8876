package groups

import (
	"errors"

	"github.com/vouchledger/vouch/ledger"
)

var (
	// ErrFull means that the group has as many consumers as it may have. Try
	// again when one has left.
	ErrFull = errors.New("group has its maximum of consumers")

	// ErrUpdated means that the settings of the group have changed. Join again.
	ErrUpdated = errors.New("group was updated")

	// ErrStopped means that the consumer asked to be stopped by its answer.
	ErrStopped = errors.New("consumer stopped itself")
)

// A ConsumerID names a consumer of a group; the caller gives it.
type ConsumerID uint64

// An Event is a record at its place in the source of the group.
type Event struct {
	At     uint64         // place: revision in a stream, position in the whole log; in the parked stream its revision
	Record ledger.Record  // as it lies in the source; answers name its id
	Target *ledger.Record // what Record links to; nil where it is no link, links are not followed, or it is gone
	Link   bool           // Record is a link that was followed, whether or not Target was there
	Parked bool           // read back from the parked stream
}

// Subject is what the event is about: the target of a followed link, else the
// record itself.
func (e Event) Subject() ledger.Record {
	if e.Target != nil {
		return *e.Target
	}
	return e.Record
}

// An Input is one thing that happened.
type Input interface{ input() }

// Inputs.
type (
	// Arrived is the next event of the source, or of the parked stream. Places
	// rise in each of the two.
	Arrived struct{ Event Event }

	// Passed says that the source holds nothing for this group up to and with
	// At, so that a filter which lets little through does not hold back the
	// checkpoint.
	Passed struct{ At uint64 }

	// Joined is a new consumer that takes up to Slots unanswered events.
	Joined struct {
		Consumer ConsumerID
		Slots    int
		Name     string // of the connection, for information
		User     string
		From     string
	}

	// Left is a consumer that is gone. What it held is pushed again.
	Left struct{ Consumer ConsumerID }

	// Acked says that a consumer is done with these events.
	Acked struct {
		Consumer ConsumerID
		IDs      []ledger.ID
	}

	// Nacked says that a consumer could not handle these events.
	Nacked struct {
		Consumer ConsumerID
		IDs      []ledger.ID
		Action   Action
		Reason   string
	}

	// Tick says that time has passed.
	Tick struct{}

	// ParkWritten says that the link asked for by [Park] is durable.
	ParkWritten struct{ ID ledger.ID }

	// ParkFailed says that the link asked for by [Park] could not be written.
	// The event is pushed again.
	ParkFailed struct{ ID ledger.ID }

	// Updated changes the settings and drops all consumers; what they held is
	// pushed again to those who join.
	Updated struct{ Settings Settings }

	// Closed drops all consumers and asks for a last checkpoint.
	Closed struct{ Why error }
)

func (Arrived) input()     {}
func (Passed) input()      {}
func (Joined) input()      {}
func (Left) input()        {}
func (Acked) input()       {}
func (Nacked) input()      {}
func (Tick) input()        {}
func (ParkWritten) input() {}
func (ParkFailed) input()  {}
func (Updated) input()     {}
func (Closed) input()      {}

// An Action is what a consumer asks for when it could not handle an event.
type Action int

// Actions.
const (
	Unknown   Action = iota // the server decides: like Retry
	ParkIt                  // put it aside in the parked stream
	Retry                   // push it again, to whomever
	Skip                    // done with it
	StopGroup               // push it again, to somebody else: this consumer is dropped
)

// An Output is one thing that the caller owes. Outputs are in order.
type Output interface{ output() }

// Outputs.
type (
	// Push hands an event to a consumer, for the Retries-th time again.
	Push struct {
		Consumer ConsumerID
		Event    Event
		Retries  int
	}

	// Park asks for a link to the event in the parked stream, and then for
	// [ParkWritten] or [ParkFailed] with the id of the event's record.
	Park struct {
		Event  Event
		Reason string
	}

	// Checkpoint asks to write down that everything up to and with At is done.
	Checkpoint struct{ At uint64 }

	// Unpark says that every event of the parked stream below Before that was
	// read back is done; they may be cut off.
	Unpark struct{ Before uint64 }

	// Drop tells a consumer that it is no longer one, and why.
	Drop struct {
		Consumer ConsumerID
		Why      error
	}
)

func (Push) output()       {}
func (Park) output()       {}
func (Checkpoint) output() {}
func (Unpark) output()     {}
func (Drop) output()       {}
