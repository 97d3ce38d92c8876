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

import "sync/atomic"

// Most is how many of the released are waited for. The more there are, the longer it
// takes until all have been running, and a commit of so many is worth its sync.
const Most = 32

// A Convoy is the writers that wait for one commit.
type Convoy struct{ left, enough atomic.Int32 }

// Leave is called by each writer once, when it goes on: because it was released,
// or because it waits no longer.
func (c *Convoy) Leave(met Place) {
	if c.left.Add(1) == c.enough.Load() {
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

// Await returns when so many writers of c have left.
func (c *Convoy) Await(met Place, enough int) {
	select {
	case <-met: // of an earlier convoy
	default:
	}
	c.enough.Store(int32(enough)) //nolint:gosec // writers
	// From here on the writer that makes it enough sees it, and calls. So may one of an
	// earlier convoy.
	for int(c.left.Load()) < enough {
		<-met
	}
}
