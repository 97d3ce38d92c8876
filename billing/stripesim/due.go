package stripesim

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
func (s *state) watch(r record) {
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

// settle does what the clock has made due, in the order of its times: holds
// lapse, shoppers leave, banks decide, payouts arrive, keys are forgotten.
func (s *Sim) settle() error {
	now := s.now().Unix()
	s.forgetKeys(now)
	var said []event
	for changed := false; ; changed = true {
		d, ok := s.state.due.next(now)
		if ok {
			t := &tx{sim: s, now: d.at, cause: fmt.Sprintf("%s@%d", d.id, d.at)}
			t.fall(d)
			if err := s.install(t.rec); err != nil {
				return err
			}
			said = append(said, t.rec.Events...)
			continue
		}
		if !changed {
			return nil
		}
		if err := s.journal.sync(); err != nil {
			return err
		}
		for _, e := range said {
			s.hooks.send(e)
		}
		return nil
	}
}

// fall does what is due for one object.
func (t *tx) fall(d deadline) {
	st := &t.sim.state
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
	case "evt":
		t.sim.hooks.again(st.events.byID[d.id])
	}
}

func (s *Sim) forgetKeys(now int64) {
	for len(s.state.keys) > 0 {
		a, ok := s.state.answers[s.state.keys[0]]
		if ok && a.Created+int64(keyLife.Seconds()) > now {
			return
		}
		delete(s.state.answers, s.state.keys[0])
		s.state.keys = s.state.keys[1:]
	}
}
