package account

import (
	"github.com/vouchledger/vouch/billing/stripesim/testcard"
)

// Statuses of objects that the simulator uses.
const (
	needsMethod  = "requires_payment_method"
	needsConfirm = "requires_confirmation"
	needsAction  = "requires_action"
	needsCapture = "requires_capture"
	succeeded    = "succeeded"
	canceled     = "canceled"
	failed       = "failed"
	pending      = "pending"
	inTransit    = "in_transit"
	paid         = "paid"
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
		Card     testcard.Card     `json:"card"`
		Uses     int               `json:"uses,omitempty"`
		SetUp    bool              `json:"set_up,omitempty"`   // the shopper has agreed to charges without them
		Detached bool              `json:"detached,omitempty"` // was a customer's, and is nobody's for good
		Declines []int64           `json:"declines,omitempty"` // times of the last ones
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
		Types         []string          `json:"types,omitempty"` // of payment methods; card if empty
		Wants         testcard.Wishes   `json:"wants,omitzero"`
		Description   string            `json:"description,omitempty"`
		FutureUsage   string            `json:"future_usage,omitempty"`
		OffSession    bool              `json:"off_session,omitempty"`
		Metadata      map[string]string `json:"metadata,omitempty"`
		Charge        string            `json:"charge,omitempty"`
		Refunds       []string          `json:"refunds,omitempty"`
		Action        action            `json:"action,omitzero"`
		Increments    int               `json:"increments,omitempty"` // tried, declined ones included
		CanceledAt    int64             `json:"canceled_at,omitempty"`
		CancelReason  string            `json:"cancel_reason,omitempty"`
		LastError     *lastError        `json:"last_error,omitempty"`
	}

	// action is what the shopper has yet to do.
	action struct {
		Until     int64  `json:"until,omitempty"` // abandoned then
		ReturnURL string `json:"return_url,omitempty"`
		Page      string `json:"page,omitempty"` // where the shopper does it
	}

	lastError struct {
		Code        string `json:"code"`
		DeclineCode string `json:"decline_code,omitempty"`
		Message     string `json:"message"`
		Charge      string `json:"charge,omitempty"`
		Method      string `json:"method,omitempty"`
	}

	setup struct {
		ID           string            `json:"id"`
		Created      int64             `json:"created"`
		Status       string            `json:"status"`
		Customer     string            `json:"customer,omitempty"`
		Method       string            `json:"method,omitempty"`
		Usage        string            `json:"usage"`
		Description  string            `json:"description,omitempty"`
		Metadata     map[string]string `json:"metadata,omitempty"`
		Action       action            `json:"action,omitzero"`
		CancelReason string            `json:"cancel_reason,omitempty"`
		LastError    *lastError        `json:"last_error,omitempty"`
	}

	charge struct {
		ID            string            `json:"id"`
		Created       int64             `json:"created"`
		Intent        string            `json:"intent"`
		Op            string            `json:"op,omitempty"` // metadata op_id of the hold
		Customer      string            `json:"customer,omitempty"`
		Method        string            `json:"method"`
		Card          testcard.Card     `json:"card"`
		Amount        int64             `json:"amount"`
		Captured      int64             `json:"captured,omitempty"`
		Refunded      int64             `json:"refunded,omitempty"`
		Currency      string            `json:"currency"`
		Status        string            `json:"status"`
		Released      bool              `json:"released,omitempty"`
		More          bool              `json:"more,omitempty"` // captured in part, and more may come
		CaptureBefore int64             `json:"capture_before,omitempty"`
		Wants         testcard.Wishes   `json:"wants,omitzero"` // those that the card grants
		Increments    []increment       `json:"increments,omitempty"`
		Captures      []capture         `json:"captures,omitempty"`
		Authenticated bool              `json:"authenticated,omitempty"`
		Balance       string            `json:"balance,omitempty"`
		Metadata      map[string]string `json:"metadata,omitempty"`
		Disputes      []string          `json:"disputes,omitempty"`
		Warnings      []string          `json:"warnings,omitempty"`
		FailureCode   string            `json:"failure_code,omitempty"`
		Decline       string            `json:"decline,omitempty"`
		Failure       string            `json:"failure,omitempty"`
		Blocked       bool              `json:"blocked,omitempty"`      // by Stripe, the bank was not asked
		NotCaptured   int               `json:"not_captured,omitempty"` // captures that were declined
	}

	// increment is one raise of a hold that was asked for.
	increment struct {
		To       int64  `json:"to"`
		Op       string `json:"op,omitempty"`
		Declined bool   `json:"declined,omitempty"`
	}

	capture struct {
		Amount  int64  `json:"amount"`
		Op      string `json:"op,omitempty"`
		Balance string `json:"balance"`
	}

	refund struct {
		ID             string            `json:"id"`
		Created        int64             `json:"created"`
		Intent         string            `json:"intent"`
		Charge         string            `json:"charge"`
		Amount         int64             `json:"amount"`
		Currency       string            `json:"currency"`
		Status         string            `json:"status"`
		Reason         string            `json:"reason,omitempty"`
		Balance        string            `json:"balance"`
		Metadata       map[string]string `json:"metadata,omitempty"`
		Next           string            `json:"next,omitempty"` // status it will have
		NextAt         int64             `json:"next_at,omitempty"`
		FailureReason  string            `json:"failure_reason,omitempty"`
		FailureBalance string            `json:"failure_balance,omitempty"`
	}

	dispute struct {
		ID        string            `json:"id"`
		Created   int64             `json:"created"`
		Charge    string            `json:"charge"`
		Intent    string            `json:"intent"`
		Amount    int64             `json:"amount"`
		Currency  string            `json:"currency"`
		Reason    string            `json:"reason"`
		Network   string            `json:"network,omitempty"` // the card network's code of the reason
		Status    string            `json:"status"`
		DueBy     int64             `json:"due_by"`
		Inquiry   bool              `json:"inquiry,omitempty"` // it began as one
		Evidence  map[string]string `json:"evidence,omitempty"`
		Submitted int               `json:"submitted,omitempty"`
		PastDue   bool              `json:"past_due,omitempty"`
		Metadata  map[string]string `json:"metadata,omitempty"`
		Balances  []string          `json:"balances,omitempty"`
	}

	warning struct {
		ID      string `json:"id"`
		Created int64  `json:"created"`
		Charge  string `json:"charge"`
		Intent  string `json:"intent"`
		Fraud   string `json:"fraud"`
	}

	file struct {
		ID      string `json:"id"`
		Created int64  `json:"created"`
		Name    string `json:"name"`
		Kind    string `json:"kind"` // pdf, jpg, png
		Purpose string `json:"purpose"`
		Content []byte `json:"content"`
	}

	balance struct {
		ID        string `json:"id"`
		Created   int64  `json:"created"`
		Available int64  `json:"available"`
		Kind      string `json:"kind"`
		Category  string `json:"category,omitempty"` // for finance; Kind if empty
		Source    string `json:"source"`
		Amount    int64  `json:"amount"`
		Fee       int64  `json:"fee"`
		FeeFor    string `json:"fee_for,omitempty"`
		Currency  string `json:"currency"`
	}

	payout struct {
		ID             string            `json:"id"`
		Created        int64             `json:"created"`
		Amount         int64             `json:"amount"`
		Currency       string            `json:"currency"`
		Automatic      bool              `json:"automatic,omitempty"`
		Status         string            `json:"status"`
		Arrives        int64             `json:"arrives"`
		Reconciled     string            `json:"reconciled"`
		Description    string            `json:"description,omitempty"`
		Statement      string            `json:"statement,omitempty"`
		Metadata       map[string]string `json:"metadata,omitempty"`
		Balance        string            `json:"balance"`
		FailureCode    string            `json:"failure_code,omitempty"`
		FailureBalance string            `json:"failure_balance,omitempty"`
	}

	// An Event is what happened to an object, and what became of its webhook.
	Event struct {
		ID       string `json:"id"`
		Created  int64  `json:"created"`
		Type     string `json:"type"`
		Object   Wire   `json:"object"`
		Request  string `json:"request,omitempty"`
		Key      string `json:"key,omitempty"`
		Delivery string `json:"delivery,omitempty"` // "", delivered, lost, failed, waiting, none (nobody listened)
		Tries    int    `json:"tries,omitempty"`    // rounds of delivery that failed
		Again    int64  `json:"again,omitempty"`    // of the next round
	}

	// An Answer is what an idempotency key replays.
	Answer struct {
		Key     string `json:"key"`
		Created int64  `json:"created"`
		Params  string `json:"params"` // digest of method, path and parameters
		Status  int    `json:"status"`
		Body    string `json:"body"`
		Request string `json:"request"`
	}
)

// done reports whether all was captured that will be.
func (c charge) done() bool { return c.Captured > 0 && !c.More }

func (c customer) id() string { return c.ID }
func (m method) id() string   { return m.ID }
func (p intent) id() string   { return p.ID }
func (s setup) id() string    { return s.ID }
func (c charge) id() string   { return c.ID }
func (r refund) id() string   { return r.ID }
func (d dispute) id() string  { return d.ID }
func (w warning) id() string  { return w.ID }
func (f file) id() string     { return f.ID }
func (b balance) id() string  { return b.ID }
func (p payout) id() string   { return p.ID }
func (e Event) id() string    { return e.ID }

func (c customer) at() int64 { return c.Created }
func (m method) at() int64   { return m.Created }
func (p intent) at() int64   { return p.Created }
func (s setup) at() int64    { return s.Created }
func (c charge) at() int64   { return c.Created }
func (r refund) at() int64   { return r.Created }
func (d dispute) at() int64  { return d.Created }
func (w warning) at() int64  { return w.Created }
func (f file) at() int64     { return f.Created }
func (b balance) at() int64  { return b.Created }
func (p payout) at() int64   { return p.Created }
func (e Event) at() int64    { return e.Created }
