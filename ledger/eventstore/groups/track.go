package groups

import "time"

// An item is an event that arrived and is not yet done.
type item struct {
	Event
	seq     uint64 // order of arrival over both sources
	retries int
	state   state
	holder  *consumer // who has it, or had it last
	attempt uint64    // counts pushes, so that an old deadline is known as such
	sent    time.Time
	done    bool
}

// state says where an item is. It is in exactly one place.
type state int

const (
	waiting  state = iota // for its first push
	retrying              // for its next push
	flying                // with a consumer
	parking               // its link is being written
	finished
)

// A track is the events of one source in order of their places, to know up to
// where all are done.
type track struct {
	open  []*item // from the first that is not done on
	dones int     // of open
	next  uint64  // lowest place that may still arrive
	mark  uint64  // everything below is done
	count int     // events done or passed, as far as mark has moved
}

// add takes an event that arrived. A place that has been before would let the
// mark run over an event that is not done.
func (t *track) add(it *item) {
	if it.At < t.next {
		panic("groups: an event arrived at a place that was passed before")
	}
	t.next = it.At + 1
	t.open = append(t.open, it)
}

// pass moves over places that hold nothing.
func (t *track) pass(at uint64) {
	if at < t.next {
		return
	}
	t.next = at + 1
	if len(t.open) == 0 {
		t.mark = t.next
	}
}

// settle moves the mark after items were done.
func (t *track) settle() {
	for len(t.open) > 0 && t.open[0].done {
		t.mark = t.open[0].At + 1
		t.count++
		t.dones--
		t.open[0] = nil
		t.open = t.open[1:]
	}
	switch {
	case len(t.open) == 0:
		t.mark = t.next
	case t.dones > 64 && t.dones > len(t.open)/2:
		t.compact()
	}
}

// compact forgets done items behind one that is not: a consumer that sits on
// one event for ever must not keep all later ones in memory.
func (t *track) compact() {
	kept := make([]*item, 0, len(t.open)-t.dones)
	for _, it := range t.open {
		if it.done {
			t.count++
			continue
		}
		kept = append(kept, it)
	}
	t.open, t.dones = kept, 0
}

// finish marks an item as done.
func (t *track) finish(it *item) {
	it.done, it.state = true, finished
	t.dones++
	t.settle()
}
