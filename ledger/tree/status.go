package tree

import (
	"context"
	"time"
)

// A Status says how far a publisher is.
type Status struct {
	Leaves    uint64    // in the tree, published or not
	Position  uint64    // of the last of them
	Signed    uint64    // leaves under the last signed checkpoint
	Published uint64    // leaves under the published checkpoint
	Cosigned  uint64    // leaves under the last checkpoint with a quorum of witnesses
	At        time.Time // when the published checkpoint was published
	Failures  uint64    // times that work had to begin again after an error
	Refused   error     // why nothing is signed any more: [signer.ErrContradicts]
}

// Status returns how far the publisher is. It waits for no disk.
func (p *Publisher) Status() Status {
	p.pub.Lock()
	s := p.status
	p.pub.Unlock()
	s.Leaves, s.Position = p.leaves.Load(), p.last.Load()
	return s
}

// Ready returns why the publisher refuses to sign, if it does.
func (p *Publisher) Ready(context.Context) error { return p.Status().Refused }
