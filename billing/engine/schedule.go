package engine

import (
	"cmp"
	"container/heap"
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
)

// A subject is what decisions are made about: a visit or a shop.
type subject interface {
	sched() *schedule
	name() ledger.StreamID
	decide(e *Engine, s *step) []Action
}

// A schedule says when a subject is looked at again.
type schedule struct {
	queued bool
	busy   bool // an append is under way; decide after it landed
	wake   time.Time
}

func (s *schedule) sched() *schedule { return s }

// A step is one decision: the instant it is made at, and the earliest instant
// at which it would come out otherwise.
type step struct {
	now  time.Time
	wake time.Time
}

// due reports whether at has come, and else notes to look again then.
func (s *step) due(at time.Time) bool {
	if !s.now.Before(at) {
		return true
	}
	if s.wake.IsZero() || at.Before(s.wake) {
		s.wake = at
	}
	return false
}

// Decide returns what must happen at now, for every visit and shop that
// changed since it was last asked and every one whose time has come. What it
// returns is under way until it is reported back.
func (e *Engine) Decide(now time.Time) []Action {
	now = ledger.Instant(now)
	for len(e.timers) > 0 && !e.timers[0].at.After(now) {
		t := heap.Pop(&e.timers).(timer) //nolint:forcetypeassert // the heap holds nothing else
		if sc := t.subject.sched(); sc.wake.Equal(t.at) {
			sc.wake = time.Time{}
			e.enqueue(t.subject)
		}
	}
	var actions []Action
	for len(e.queue) > 0 {
		s := e.queue[0]
		e.queue[0], e.queue = nil, e.queue[1:]
		s.sched().queued = false
		st := &step{now: now}
		as := s.decide(e, st)
		e.checkActions(as)
		actions = append(actions, as...)
		e.wakeAt(s, st.wake)
	}
	return actions
}

// Wake returns the next instant at which Decide may say more without a new
// event; zero if there is none.
func (e *Engine) Wake() time.Time {
	for len(e.timers) > 0 {
		if t := e.timers[0]; t.subject.sched().wake.Equal(t.at) {
			return t.at
		}
		heap.Pop(&e.timers)
	}
	return time.Time{}
}

// Appended reports that an append is durable and ends at position pos. Its
// subject is decided again when the engine has read it back.
func (e *Engine) Appended(a Append, pos uint64) { e.land(a, pos) }

// Conflicted reports that an append was refused because its stream had moved
// on. The subject is decided again when the engine has read up to head.
func (e *Engine) Conflicted(a Append, head uint64) { e.land(a, head) }

func (e *Engine) land(a Append, pos uint64) {
	s := e.subject(a.Subject)
	if s == nil {
		return
	}
	if pos <= e.position {
		e.landed(s)
		return
	}
	e.landing[pos] = append(e.landing[pos], s)
}

func (e *Engine) landed(s subject) {
	s.sched().busy = false
	e.enqueue(s)
}

// Answered reports how a send ended. It is written down by the next decision;
// the order stays open until that was read back.
func (e *Engine) Answered(s Send, o billing.Outcome, err error) {
	v := e.visits[ledger.VisitID(s.Order.Visit)]
	if v == nil {
		return
	}
	v.sending = false
	if in := v.payment.Open; in != nil && in.ID == s.Order.ID {
		v.answer = &answer{Outcome: o, err: err, find: s.Find}
	}
	e.enqueue(v)
}

func (e *Engine) subject(name ledger.StreamID) subject {
	switch category, id := name.Split(); category {
	case ledger.CategoryVisit:
		if v := e.visits[ledger.VisitID(id)]; v != nil {
			return v
		}
	case ledger.CategoryStore:
		if s := e.stores[ledger.StoreID(id)]; s != nil {
			return s
		}
	}
	return nil
}

func (e *Engine) enqueue(s subject) {
	if sc := s.sched(); !sc.queued {
		sc.queued = true
		e.queue = append(e.queue, s)
	}
}

func (e *Engine) wakeAt(s subject, at time.Time) {
	sc := s.sched()
	if at.IsZero() || sc.wake.Equal(at) {
		sc.wake = at
		return
	}
	sc.wake = at
	heap.Push(&e.timers, timer{at, s})
}

// timers is a heap by time, and at the same instant by name, so that a process
// that was started afresh decides in the same order. An entry whose subject wakes at another time by
// now is stale and skipped.
type timers []timer

type timer struct {
	at      time.Time
	subject subject
}

func (t timers) Len() int { return len(t) }
func (t timers) Less(i, j int) bool {
	if !t[i].at.Equal(t[j].at) {
		return t[i].at.Before(t[j].at)
	}
	return t[i].subject.name() < t[j].subject.name()
}
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

// Push is heap's.
func (t *timers) Push(x any) { *t = append(*t, x.(timer)) } //nolint:forcetypeassert // pushed by wakeAt alone

// Pop is heap's.
func (t *timers) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = timer{}
	*t = old[:len(old)-1]
	return last
}

// sorted returns the values of m by key: no decision may hang on the order of
// a map.
func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	vs := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		vs = append(vs, m[k])
	}
	return vs
}
