package stripesim

import (
	"slices"
	"strings"
	"time"
)

// A Request is one line of the audit log: what was asked, and what came of it.
type Request struct {
	Seq      uint64    `json:"seq"`
	At       time.Time `json:"at"`
	ID       string    `json:"id"`
	Op       string    `json:"op"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	Key      string    `json:"key,omitempty"`
	Visit    string    `json:"visit,omitempty"`
	OpID     string    `json:"op_id,omitempty"`
	Status   int       `json:"status"` // 0: never answered by the endpoint
	Fault    FaultKind `json:"fault,omitempty"`
	Replayed bool      `json:"replayed,omitempty"` // answered from the key
}

// line writes a request down. The lock is held.
func (s *Sim) line(c *call, a answer) Request {
	return Request{
		Seq: c.seq, At: s.now().UTC(), ID: c.requestID, Op: c.op, Method: c.method, Path: c.path, Key: c.key,
		Visit: c.visit, OpID: c.opID, Status: a.status, Fault: c.fault.Kind, Replayed: a.replayed,
	}
}

// A VisitAudit is the truth about the money of one visit. Amounts are in the
// provider's minor units.
type VisitAudit struct {
	Visit    string `json:"visit"`
	Currency string `json:"currency"`

	Holds    int `json:"holds"`    // authorisations that the bank granted
	Captures int `json:"captures"` // of which captured
	Releases int `json:"releases"` // of which released by us
	Lapses   int `json:"lapses"`   // of which lapsed by time
	Refunds  int `json:"refunds"`
	Declines int `json:"declines"` // holds and captures that the bank refused

	Held     int64 `json:"held"` // still held now
	Captured int64 `json:"captured"`
	Refunded int64 `json:"refunded"`

	// Doubled names the orders (metadata op_id) with more than one hold or
	// refund: somebody paid twice. It is empty unless a client is wrong.
	Doubled []string `json:"doubled,omitempty"`
}

// An Audit is the truth about all money, from the objects themselves.
type Audit struct {
	Visits   map[string]VisitAudit `json:"visits"`
	Doubled  []string              `json:"doubled,omitempty"` // of all visits
	Requests int                   `json:"requests"`
	Replays  int                   `json:"replays"`
}

// Audit counts what moved, by the visit in the metadata of the intents; what
// has none is under "".
func (s *Sim) Audit() Audit {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := Audit{Visits: map[string]VisitAudit{}, Requests: len(s.state.requests)}
	for _, r := range s.state.requests {
		if r.Replayed {
			a.Replays++
		}
	}
	ops := map[string]int{} // holds and refunds by "visit\x00op_id"
	for _, c := range s.state.charges.byID {
		p := s.state.intents.byID[c.Intent]
		v := a.Visits[p.Metadata["visit"]]
		v.Visit, v.Currency = p.Metadata["visit"], c.Currency
		v.count(c, p)
		if c.Status == succeeded {
			ops[v.Visit+"\x00"+p.Metadata["op_id"]]++
			for _, id := range p.Refunds {
				r := s.state.refunds.byID[id]
				v.Refunds++
				v.Refunded += r.Amount
				ops[v.Visit+"\x00"+r.Metadata["op_id"]]++
			}
		}
		a.Visits[v.Visit] = v
	}
	for op, n := range ops {
		visit, id, _ := strings.Cut(op, "\x00")
		if n > 1 && id != "" {
			v := a.Visits[visit]
			v.Doubled = append(v.Doubled, id)
			slices.Sort(v.Doubled)
			a.Visits[visit] = v
			a.Doubled = append(a.Doubled, id)
		}
	}
	slices.Sort(a.Doubled)
	return a
}

// count adds one charge.
func (v *VisitAudit) count(c charge, p intent) {
	v.Declines += c.NotCaptured
	if c.Status != succeeded {
		v.Declines++
		return
	}
	v.Holds++
	switch {
	case c.Captured > 0:
		v.Captures++
		v.Captured += c.Captured
	case c.Released && p.CancelReason == "automatic":
		v.Lapses++
	case c.Released:
		v.Releases++
	default:
		v.Held += c.Amount
	}
}

// Requests returns the audit log, oldest first.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.state.requests)
}
