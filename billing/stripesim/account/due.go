package account

import (
	"container/heap"
	"fmt"
	"strings"
)

// due knows what the clock will do next: at most one deadline per object.
type due struct {
	at    map[string]int64
	queue deadlines // also holds deadlines that no longer count
}

type deadline struct {
	at int64
	id string
}

// deadlines is a heap, earliest first and then by id, so that one story has
// one order.
type deadlines []deadline

func (d deadlines) Len() int      { return len(d) }
func (d deadlines) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d deadlines) Less(i, j int) bool {
	return d[i].at < d[j].at || (d[i].at == d[j].at && d[i].id < d[j].id)
}
func (d *deadlines) Push(v any) { *d = append(*d, v.(deadline)) } //nolint:forcetypeassert // only set pushes
func (d *deadlines) Pop() any {
	old := *d
	v := old[len(old)-1]
	*d = old[:len(old)-1]
	return v
}

// set gives an object its deadline, 0 for none.
func (d *due) set(id string, at int64) {
	switch {
	case d.at[id] == at:
	case at == 0:
		delete(d.at, id)
	default:
		if d.at == nil {
			d.at = map[string]int64{}
		}
		d.at[id] = at
		heap.Push(&d.queue, deadline{at, id})
	}
}

// next takes the earliest deadline that is not after now.
func (d *due) next(now int64) (deadline, bool) {
	for len(d.queue) > 0 && d.queue[0].at <= now {
		v := heap.Pop(&d.queue).(deadline) //nolint:forcetypeassert // only set pushes
		if d.at[v.id] == v.at {
			delete(d.at, v.id)
			return v, true
		}
	}
	return deadline{}, false
}

// watch keeps the deadlines of what a record changed.
func (s *Account) watch(r Record) {
	for _, p := range r.Intents {
		switch p.Status {
		case needsCapture:
			s.due.set(p.ID, s.charges.byID[p.Charge].CaptureBefore)
		case needsAction:
			s.due.set(p.ID, p.Action.Until)
		default:
			s.due.set(p.ID, 0)
		}
	}
	for _, v := range r.Setups {
		s.due.set(v.ID, v.Action.Until)
	}
	for _, v := range r.Refunds {
		s.due.set(v.ID, v.NextAt)
	}
	for _, v := range r.Disputes {
		s.due.set(v.ID, v.deadline())
	}
	for _, v := range r.Payouts {
		s.due.set(v.ID, v.deadline())
	}
}

// Due does the next thing that the clock has made due at a time, in the order
// of their times: holds lapse, shoppers leave, banks decide, payouts arrive. It
// returns the change, which is yet to be applied, and the event whose webhook
// is to be sent again, if that is what was due. It reports false if nothing is.
func (s *Account) Due(now int64) (rec Record, again Event, ok bool) {
	d, ok := s.due.next(now)
	if !ok {
		return Record{}, Event{}, false
	}
	t := &tx{acc: s, now: d.at, cause: fmt.Sprintf("%s@%d", d.id, d.at)}
	t.fall(d)
	return t.rec, s.events.byID[d.id], true
}

// fall does what is due for one object.
func (t *tx) fall(d deadline) {
	st := t.acc
	prefix, _, _ := strings.Cut(d.id, "_")
	switch prefix {
	case "pi":
		p := st.intents.byID[d.id]
		if p.Status == needsAction {
			t.unauthenticated(p)
			return
		}
		t.lapse(p)
	case "seti":
		t.setupUnauthenticated(st.setups.byID[d.id])
	case "re":
		r := st.refunds.byID[d.id]
		t.endRefund(r, r.Next, "unknown")
	case "du":
		t.pastDue(st.disputes.byID[d.id])
	case "po":
		t.moveOn(st.payouts.byID[d.id])
	case payDay:
		t.payDay(d.at)
	}
}

// ForgetKeys forgets idempotency keys that are older than a day.
func (s *Account) ForgetKeys(now int64) {
	for len(s.keys) > 0 {
		a, ok := s.answers[s.keys[0]]
		if ok && a.Created+keyLife > now {
			return
		}
		delete(s.answers, s.keys[0])
		s.keys = s.keys[1:]
	}
}
