package account

import (
	"strings"
	"time"
)

// A Record is one change of the state: a line of the journal.
type Record struct {
	Customers []customer    `json:"customers,omitempty"`
	Methods   []method      `json:"methods,omitempty"`
	Intents   []intent      `json:"intents,omitempty"`
	Setups    []setup       `json:"setups,omitempty"`
	Charges   []charge      `json:"charges,omitempty"`
	Refunds   []refund      `json:"refunds,omitempty"`
	Disputes  []dispute     `json:"disputes,omitempty"`
	Warnings  []warning     `json:"warnings,omitempty"`
	Files     []file        `json:"files,omitempty"`
	Balances  []balance     `json:"balances,omitempty"`
	Payouts   []payout      `json:"payouts,omitempty"`
	Bundles   []bundle      `json:"bundles,omitempty"`
	Events    []Event       `json:"events,omitempty"`
	Answers   []Answer      `json:"answers,omitempty"`
	Request   *Request      `json:"request,omitempty"`
	Asked     uint64        `json:"asked,omitempty"`    // requests and acts so far
	Advanced  time.Duration `json:"advanced,omitempty"` // of the clock, in all
	Delivery  []Delivered   `json:"delivery,omitempty"`
}

// Empty reports whether the record changes nothing that a client can see.
func (r Record) Empty() bool {
	return len(r.Answers)+len(r.Customers)+len(r.Methods)+len(r.Intents)+len(r.Setups)+len(r.Charges)+
		len(r.Refunds)+len(r.Disputes)+len(r.Warnings)+len(r.Files)+len(r.Payouts)+len(r.Balances)+len(r.Events) == 0
}

// bundle says what an automatic payout is the sum of.
type bundle struct {
	Payout   string   `json:"payout"`
	At       int64    `json:"at"`
	Balances []string `json:"balances"` // the payout's own included
}

// Delivered says what became of an event's webhook.
type Delivered struct {
	Event string `json:"event"`
	How   string `json:"how"`
	Again int64  `json:"again,omitempty"` // time of the next round, when it waits for one
}

// table keeps objects of one kind in the order of their making.
type table[T interface{ id() string }] struct {
	byID map[string]T
	ids  []string
}

func (t *table[T]) put(v T) {
	if t.byID == nil {
		t.byID = make(map[string]T)
	}
	if _, ok := t.byID[v.id()]; !ok {
		t.ids = append(t.ids, v.id())
	}
	t.byID[v.id()] = v
}

// has reports whether an object has the id.
func (t *table[T]) has(id string) bool {
	_, ok := t.byID[id]
	return ok
}

// dropOldest forgets all but the newest n.
func (t *table[T]) dropOldest(n int) {
	for len(t.ids) > n {
		delete(t.byID, t.ids[0])
		t.ids = t.ids[1:]
	}
}

// An Account is everything that Stripe knows of one. It is rebuilt by applying
// the records of its changes in order. It takes no lock: whoever shares it
// does.
type Account struct {
	cfg       Config
	customers table[customer]
	methods   table[method]
	intents   table[intent]
	setups    table[setup]
	charges   table[charge]
	refunds   table[refund]
	disputes  table[dispute]
	warnings  table[warning]
	files     table[file]
	balances  table[balance]
	payouts   table[payout]
	events    table[Event]
	unpaid    map[string][]string // currency to balance transactions in no automatic payout yet
	bundles   map[string][]string // payout to what it is the sum of
	answers   map[string]Answer
	keys      []string // of answers, oldest first
	requests  []Request
	asked     uint64 // requests seen
	advanced  time.Duration
	due       due
}

// has reports whether an object has the id.
func (s *Account) has(id string) bool {
	prefix, _, _ := strings.Cut(id, "_")
	switch prefix {
	case "cus":
		return s.customers.has(id)
	case "pm":
		return s.methods.has(id)
	case "pi":
		return s.intents.has(id)
	case "seti":
		return s.setups.has(id)
	case "ch":
		return s.charges.has(id)
	case "re":
		return s.refunds.has(id)
	case "du":
		return s.disputes.has(id)
	case "issfr":
		return s.warnings.has(id)
	case "file":
		return s.files.has(id)
	case "txn":
		return s.balances.has(id)
	case "po":
		return s.payouts.has(id)
	default:
		return s.events.has(id)
	}
}

// intentOf returns the intent that an object is about, if there is one.
func (s *Account) intentOf(id string) intent {
	switch prefix, _, _ := strings.Cut(id, "_"); prefix {
	case "ch":
		id = s.charges.byID[id].Intent
	case "re":
		id = s.refunds.byID[id].Intent
	case "du":
		id = s.disputes.byID[id].Intent
	case "issfr":
		id = s.warnings.byID[id].Intent
	}
	return s.intents.byID[id]
}

// Apply installs a record.
func (s *Account) Apply(r Record) {
	putAll(&s.customers, r.Customers)
	putAll(&s.methods, r.Methods)
	putAll(&s.charges, r.Charges)
	putAll(&s.intents, r.Intents)
	putAll(&s.setups, r.Setups)
	putAll(&s.refunds, r.Refunds)
	putAll(&s.disputes, r.Disputes)
	putAll(&s.warnings, r.Warnings)
	putAll(&s.files, r.Files)
	putAll(&s.balances, r.Balances)
	putAll(&s.payouts, r.Payouts)
	putAll(&s.events, r.Events)
	s.events.dropOldest(s.cfg.KeepEvents)
	for _, a := range r.Answers {
		s.answers[a.Key] = a
		s.keys = append(s.keys, a.Key)
	}
	if r.Request != nil {
		s.requests = append(s.requests, *r.Request)
		s.asked = max(s.asked, r.Request.Seq)
		if over := len(s.requests) - s.cfg.KeepRequests; over > 0 {
			s.requests = s.requests[over:]
		}
	}
	s.asked = max(s.asked, r.Asked)
	s.advanced = max(s.advanced, r.Advanced)
	for _, d := range r.Delivery {
		s.settleDelivery(d)
	}
	s.account(r)
	s.watch(r)
}

// settleDelivery keeps what became of a webhook.
func (s *Account) settleDelivery(d Delivered) {
	e, ok := s.events.byID[d.Event]
	if !ok {
		return
	}
	e.Delivery, e.Again = d.How, d.Again
	if d.How == Waiting {
		e.Tries++
	}
	s.events.put(e)
	s.due.set(e.ID, e.Again)
}

func putAll[T interface{ id() string }](t *table[T], vs []T) {
	for _, v := range vs {
		t.put(v)
	}
}
