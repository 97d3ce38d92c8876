package stripesim

import "time"

// Statuses of payment intents that the simulator uses.
const (
	needsMethod  = "requires_payment_method"
	needsConfirm = "requires_confirmation"
	needsAction  = "requires_action"
	needsCapture = "requires_capture"
	succeeded    = "succeeded"
	canceled     = "canceled"
	failed       = "failed"
)

// The objects. They are values: a change is made on a copy and installed by
// commit, and their maps and slices are replaced, never written to.
type (
	customer struct {
		ID          string            `json:"id"`
		Created     int64             `json:"created"`
		Email       string            `json:"email,omitempty"`
		Name        string            `json:"name,omitempty"`
		Description string            `json:"description,omitempty"`
		Metadata    map[string]string `json:"metadata,omitempty"`
		Default     string            `json:"default,omitempty"`
		Deleted     bool              `json:"deleted,omitempty"`
	}

	method struct {
		ID       string            `json:"id"`
		Created  int64             `json:"created"`
		Customer string            `json:"customer,omitempty"`
		Metadata map[string]string `json:"metadata,omitempty"`
		Card     card              `json:"card"`
		Uses     int               `json:"uses,omitempty"`
	}

	intent struct {
		ID            string            `json:"id"`
		Created       int64             `json:"created"`
		Amount        int64             `json:"amount"`
		Capturable    int64             `json:"capturable,omitempty"`
		Received      int64             `json:"received,omitempty"`
		Currency      string            `json:"currency"`
		Status        string            `json:"status"`
		Customer      string            `json:"customer,omitempty"`
		Method        string            `json:"method,omitempty"`
		CaptureMethod string            `json:"capture_method"`
		Description   string            `json:"description,omitempty"`
		FutureUsage   string            `json:"future_usage,omitempty"`
		OffSession    bool              `json:"off_session,omitempty"`
		Metadata      map[string]string `json:"metadata,omitempty"`
		Charge        string            `json:"charge,omitempty"`
		Refunds       []string          `json:"refunds,omitempty"`
		CanceledAt    int64             `json:"canceled_at,omitempty"`
		CancelReason  string            `json:"cancel_reason,omitempty"`
		LastError     *lastError        `json:"last_error,omitempty"`
	}

	lastError struct {
		Code        string `json:"code"`
		DeclineCode string `json:"decline_code,omitempty"`
		Message     string `json:"message"`
		Charge      string `json:"charge,omitempty"`
	}

	charge struct {
		ID            string            `json:"id"`
		Created       int64             `json:"created"`
		Intent        string            `json:"intent"`
		Customer      string            `json:"customer,omitempty"`
		Method        string            `json:"method"`
		Card          card              `json:"card"`
		Amount        int64             `json:"amount"`
		Captured      int64             `json:"captured,omitempty"`
		Refunded      int64             `json:"refunded,omitempty"`
		Currency      string            `json:"currency"`
		Status        string            `json:"status"`
		Released      bool              `json:"released,omitempty"`
		CaptureBefore int64             `json:"capture_before,omitempty"`
		Balance       string            `json:"balance,omitempty"`
		Metadata      map[string]string `json:"metadata,omitempty"`
		FailureCode   string            `json:"failure_code,omitempty"`
		Failure       string            `json:"failure,omitempty"`
		NotCaptured   int               `json:"not_captured,omitempty"` // captures that were declined
	}

	refund struct {
		ID       string            `json:"id"`
		Created  int64             `json:"created"`
		Intent   string            `json:"intent"`
		Charge   string            `json:"charge"`
		Amount   int64             `json:"amount"`
		Currency string            `json:"currency"`
		Status   string            `json:"status"`
		Reason   string            `json:"reason,omitempty"`
		Balance  string            `json:"balance"`
		Metadata map[string]string `json:"metadata,omitempty"`
	}

	balance struct {
		ID       string `json:"id"`
		Created  int64  `json:"created"`
		Kind     string `json:"kind"`
		Source   string `json:"source"`
		Amount   int64  `json:"amount"`
		Fee      int64  `json:"fee"`
		Currency string `json:"currency"`
	}

	event struct {
		ID       string `json:"id"`
		Created  int64  `json:"created"`
		Type     string `json:"type"`
		Object   wire   `json:"object"`
		Request  string `json:"request,omitempty"`
		Key      string `json:"key,omitempty"`
		Delivery string `json:"delivery,omitempty"` // "", delivered, lost, failed, none (nobody listened)
	}

	// storedAnswer is what an idempotency key replays.
	storedAnswer struct {
		Key     string `json:"key"`
		Created int64  `json:"created"`
		Params  string `json:"params"` // digest of method, path and parameters
		Status  int    `json:"status"`
		Body    string `json:"body"`
		Request string `json:"request"`
	}
)

func (c customer) id() string { return c.ID }
func (m method) id() string   { return m.ID }
func (p intent) id() string   { return p.ID }
func (c charge) id() string   { return c.ID }
func (r refund) id() string   { return r.ID }
func (b balance) id() string  { return b.ID }
func (e event) id() string    { return e.ID }

// record is one change of the state: a line of the journal.
type record struct {
	Customers []customer     `json:"customers,omitempty"`
	Methods   []method       `json:"methods,omitempty"`
	Intents   []intent       `json:"intents,omitempty"`
	Charges   []charge       `json:"charges,omitempty"`
	Refunds   []refund       `json:"refunds,omitempty"`
	Balances  []balance      `json:"balances,omitempty"`
	Events    []event        `json:"events,omitempty"`
	Answers   []storedAnswer `json:"answers,omitempty"`
	Request   *Request       `json:"request,omitempty"`
	Advanced  time.Duration  `json:"advanced,omitempty"` // of the clock, in all
	Delivery  []delivered    `json:"delivery,omitempty"`
}

// empty reports whether the record changes nothing that a client can see.
func (r record) empty() bool {
	return len(r.Answers)+len(r.Customers)+len(r.Methods)+len(r.Intents)+len(r.Charges)+len(r.Refunds) == 0
}

// delivered says what became of an event's webhook.
type delivered struct {
	Event string `json:"event"`
	How   string `json:"how"`
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

// dropOldest forgets all but the newest n.
func (t *table[T]) dropOldest(n int) {
	for len(t.ids) > n {
		delete(t.byID, t.ids[0])
		t.ids = t.ids[1:]
	}
}

// state is everything the simulator knows. It is rebuilt from the journal by
// applying its records in order.
type state struct {
	customers table[customer]
	methods   table[method]
	intents   table[intent]
	charges   table[charge]
	refunds   table[refund]
	balances  table[balance]
	events    table[event]
	answers   map[string]storedAnswer
	keys      []string // of answers, oldest first
	requests  []Request
	asked     uint64 // requests seen
	advanced  time.Duration
	held      map[string]int64 // intent to the time its hold lapses
	lapse     int64            // earliest of held; 0 if none
}

// apply installs a record.
func (s *state) apply(r record, keep limits) {
	putAll(&s.customers, r.Customers)
	putAll(&s.methods, r.Methods)
	putAll(&s.charges, r.Charges)
	putAll(&s.intents, r.Intents)
	putAll(&s.refunds, r.Refunds)
	putAll(&s.balances, r.Balances)
	putAll(&s.events, r.Events)
	s.events.dropOldest(keep.events)
	for _, a := range r.Answers {
		s.answers[a.Key] = a
		s.keys = append(s.keys, a.Key)
	}
	if r.Request != nil {
		s.requests = append(s.requests, *r.Request)
		s.asked = max(s.asked, r.Request.Seq)
		if over := len(s.requests) - keep.requests; over > 0 {
			s.requests = s.requests[over:]
		}
	}
	s.advanced = max(s.advanced, r.Advanced)
	for _, d := range r.Delivery {
		if e, ok := s.events.byID[d.Event]; ok {
			e.Delivery = d.How
			s.events.put(e)
		}
	}
	for _, p := range r.Intents {
		s.watch(p)
	}
}

// limits bounds what is kept in memory only for looking at.
type limits struct{ events, requests int }

// watch keeps the list of holds that will lapse.
func (s *state) watch(p intent) {
	if p.Status == needsCapture {
		until := s.charges.byID[p.Charge].CaptureBefore
		s.held[p.ID] = until
		if s.lapse == 0 || until < s.lapse {
			s.lapse = until
		}
		return
	}
	delete(s.held, p.ID)
	if len(s.held) == 0 {
		s.lapse = 0
	}
}

func putAll[T interface{ id() string }](t *table[T], vs []T) {
	for _, v := range vs {
		t.put(v)
	}
}
