// Package convoy lets writers whom one commit has released join the next one
// together.
//
// The one idea: whoever was told that its event is durable is about to run, and
// often appends the next one at once. A committer that goes on before it has run
// takes half of the writers along, every time, and each waits for two syncs
// instead of one. To wait until the released have been running needs no timer
// and costs nothing when there are none.
//
// It knows nothing of what is committed, and it promises nothing: that a writer
// has been running does not mean that it has appended.
package convoy

import (
	"math"
	"sync/atomic"
)

// Most is how many of the released are waited for. The more there are, the longer it
// takes until all have been running, and a commit of so many is worth its sync. All is
// for those without whom the committer cannot go on.
const (
	Most = 32
	All  = math.MaxInt32
)

// A Convoy is the writers that wait for one commit.
type Convoy struct{ staying, rest atomic.Int32 }

// Join adds a writer. It must have joined before it is released.
func (c *Convoy) Join() { c.staying.Add(1) }

// Leave is called by each writer once, when it goes on: because it was released,
// or because it waits no longer.
func (c *Convoy) Leave(met Place) {
	if c.staying.Add(-1) == c.rest.Load() {
		select {
		case met <- struct{}{}:
		default: // the committer has been called already
		}
	}
}

// A Place is where the committer waits. One serves all convoys of a committer.
type Place chan struct{}

// NewPlace makes a Place.
func NewPlace() Place { return make(Place, 1) }

// Await returns when all writers of c, of which no more will join, have left, or
// so many that most of them have.
func (c *Convoy) Await(met Place, most int32) {
	select {
	case <-met: // of an earlier convoy
	default:
	}
	rest := max(0, c.staying.Load()-most)
	c.rest.Store(rest)
	// From here on the writer that leaves rest behind sees it, and calls. So may one
	// of an earlier convoy.
	for c.staying.Load() > rest {
		<-met
	}
}
