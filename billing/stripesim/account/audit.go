package account

import (
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/billing/stripesim/fault"
)

// A Request is one line of the audit log: what was asked, and what came of it.
type Request struct {
	Seq      uint64     `json:"seq"`
	At       time.Time  `json:"at"`
	ID       string     `json:"id"`
	Op       string     `json:"op"`
	Method   string     `json:"method"`
	Path     string     `json:"path"`
	Key      string     `json:"key,omitempty"`
	Visit    string     `json:"visit,omitempty"`
	OpID     string     `json:"op_id,omitempty"`
	Status   int        `json:"status"` // 0: never answered by the endpoint
	Fault    fault.Kind `json:"fault,omitempty"`
	Replayed bool       `json:"replayed,omitempty"` // answered from the key
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

	Increments int `json:"increments,omitempty"` // raises of holds that the bank granted
	Disputes   int `json:"disputes,omitempty"`   // inquiries among them
	Warnings   int `json:"warnings,omitempty"`

	// Withdrawn is what disputes have taken and not given back, without fees.
	Withdrawn int64 `json:"withdrawn,omitempty"`

	// Doubled names the orders (metadata op_id) with more than one hold,
	// increment, capture or refund: somebody paid twice. It is empty unless a
	// client is wrong.
	Doubled []string `json:"doubled,omitempty"`
}

// An Audit is the truth about all money, from the objects themselves.
type Audit struct {
	Visits   map[string]VisitAudit `json:"visits"`
	Doubled  []string              `json:"doubled,omitempty"` // of all visits
	Requests int                   `json:"requests"`
	Replays  int                   `json:"replays"`
	Payouts  map[string]PaidOut    `json:"payouts,omitempty"` // by currency
}

// PaidOut is the truth about the payouts of one currency.
type PaidOut struct {
	Payouts int   `json:"payouts"` // that did not come back
	Failed  int   `json:"failed,omitempty"`
	Amount  int64 `json:"amount"` // of those that did not come back
}

// Audit counts what moved, by the visit in the metadata of the intents; what
// has none is under "".
func (s *Account) Audit() Audit {
	a := Audit{Visits: map[string]VisitAudit{}, Requests: len(s.requests), Payouts: s.paidOut()}
	for _, r := range s.requests {
		if r.Replayed {
			a.Replays++
		}
	}
	ops := orders{}
	for _, c := range s.charges.byID {
		p := s.intents.byID[c.Intent]
		v := a.Visits[p.Metadata["visit"]]
		v.Visit, v.Currency = p.Metadata["visit"], c.Currency
		v.count(c, p)
		if c.Status == succeeded {
			ops.count(v.Visit, c)
			s.countAfter(&v, c, p, ops)
		}
		a.Visits[v.Visit] = v
	}
	for op, n := range ops {
		visit, id, _ := strings.Cut(op, "\x00")
		if n > 1 {
			v := a.Visits[visit]
			_, id, _ = strings.Cut(id, "\x00")
			v.Doubled = append(v.Doubled, id)
			slices.Sort(v.Doubled)
			a.Visits[visit] = v
			a.Doubled = append(a.Doubled, id)
		}
	}
	slices.Sort(a.Doubled)
	return a
}

// orders counts what was done, by visit, kind of doing and op_id.
type orders map[string]int

func (o orders) done(visit, kind, op string) {
	if op != "" {
		o[visit+"\x00"+kind+"\x00"+op]++
	}
}

// count adds what was done to one hold.
func (o orders) count(visit string, c charge) {
	o.done(visit, "", c.Op)
	for _, i := range c.Increments {
		if !i.Declined {
			o.done(visit, "increment", i.Op)
		}
	}
	for _, take := range c.Captures {
		if take.Op != c.Op { // a capture at once is the hold's own
			o.done(visit, "capture", take.Op)
		}
	}
}

// countAfter adds what came after the charge: refunds, disputes, warnings.
func (s *Account) countAfter(v *VisitAudit, c charge, p intent, ops orders) {
	for _, id := range p.Refunds {
		r := s.refunds.byID[id]
		if r.Status == failed || r.Status == canceled {
			continue // the money is back
		}
		ops.done(v.Visit, "", r.Metadata["op_id"])
		v.Refunds++
		v.Refunded += r.Amount
	}
	v.Warnings += len(c.Warnings)
	v.Disputes += len(c.Disputes)
	for _, id := range c.Disputes {
		if d := s.disputes.byID[id]; d.Status != won && len(d.Balances) > 0 {
			v.Withdrawn += d.Amount
		}
	}
}

// paidOut sums the payouts; nil if there are none.
func (s *Account) paidOut() map[string]PaidOut {
	var out map[string]PaidOut
	for _, p := range s.payouts.byID {
		if out == nil {
			out = map[string]PaidOut{}
		}
		sum := out[p.Currency]
		if p.Status == failed || p.Status == canceled {
			sum.Failed++
		} else {
			sum.Payouts++
			sum.Amount += p.Amount
		}
		out[p.Currency] = sum
	}
	return out
}

// count adds one charge.
func (v *VisitAudit) count(c charge, p intent) {
	v.Declines += c.NotCaptured
	for _, i := range c.Increments {
		if i.Declined {
			v.Declines++
		} else {
			v.Increments++
		}
	}
	if c.Status != succeeded {
		v.Declines++
		return
	}
	v.Holds++
	v.Captured += c.Captured
	switch {
	case c.done():
		v.Captures++
	case c.Released && p.CancelReason == "automatic":
		v.Lapses++
	case c.Released:
		v.Releases++
	default:
		v.Held += c.Amount - c.Captured
	}
}
