package api

import (
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// The JSON shapes of visits. openapi/2-components.yaml describes them; a test
// holds every answer against it.

type cartView struct {
	Visit    ledger.VisitID       `json:"visit"`
	Store    ledger.StoreID       `json:"store"`
	Status   string               `json:"status"`
	Revision int64                `json:"revision"`
	Lines    []ledger.ReceiptLine `json:"lines"`
	Unpriced int                  `json:"unpriced"`
	Open     []questionView       `json:"open"`
	Gross    *money.Money         `json:"gross,omitempty"`
	AgeDue   int                  `json:"age_due,omitempty"`
	Weighed  *weighingView        `json:"weighed,omitempty"`
}

type questionView struct {
	Detection ledger.ID      `json:"detection"`
	SKU       ledger.SKU     `json:"sku,omitempty"`
	Action    ledger.Action  `json:"action,omitempty"`
	Quantity  int            `json:"quantity,omitempty"`
	Doubts    []ledger.Doubt `json:"doubts"`
	Deadline  time.Time      `json:"deadline,omitzero"`
}

func statusOf(s projections.Status) string {
	if s == projections.StatusNone {
		return "none"
	}
	return string(s)
}

func viewCart(c *projections.Cart) (cartView, error) {
	lines, err := c.Lines()
	if err != nil {
		return cartView{}, err
	}
	v := cartView{
		Visit: c.Visit, Store: c.Presented.Store, Status: statusOf(c.Status), Lines: []ledger.ReceiptLine{},
		Revision: int64(c.Events) - 1, //nolint:gosec // a stream is never that long
		Unpriced: len(c.Unpriced()), Open: []questionView{}, AgeDue: c.AgeDue(),
	}
	if w, ok := c.Weighed(); ok {
		view := viewWeighing(w)
		v.Weighed = &view
	}
	for _, l := range lines {
		if l.Quantity > 0 {
			v.Lines = append(v.Lines, l)
		}
	}
	for _, q := range c.OpenQuestions() {
		v.Open = append(v.Open, viewQuestion(q))
	}
	if c.Currency() != "" {
		total := money.Zero(c.Currency())
		for _, l := range lines {
			if total, err = total.Add(l.Gross); err != nil {
				return cartView{}, err
			}
		}
		v.Gross = &total
	}
	return v, nil
}

func viewQuestion(q projections.Question) questionView {
	v := questionView{Detection: q.Detection, Doubts: q.Doubts, Deadline: q.Deadline}
	if q.Claim != nil {
		v.SKU, v.Action, v.Quantity = q.Claim.Items[0].SKU, q.Claim.Actions[0].Action, q.Claim.Quantity
	}
	return v
}

type receiptView struct {
	Kind        string                 `json:"kind"`
	Document    ledger.ReceiptDocument `json:"document"`
	Change      *money.Money           `json:"change,omitempty"`
	Because     ledger.ID              `json:"because,omitzero"`
	CorrectedBy string                 `json:"corrected_by,omitempty"`
	Event       ledger.ID              `json:"event"`
}

// viewReceipts returns the final documents of a visit in order.
func viewReceipts(r *projections.Receipts) []receiptView {
	out := []receiptView{}
	if r.Issued == nil {
		return out
	}
	out = append(out, receiptView{Kind: "issued", Document: *r.Issued, Event: r.IssuedEvent})
	for _, c := range r.Corrections {
		out[len(out)-1].CorrectedBy = c.Document.Number
		out = append(out, receiptView{
			Kind: "corrected", Document: c.Document, Change: &c.Change, Because: c.Because, Event: c.Event,
		})
	}
	return out
}

type disputeView struct {
	Dispute    ledger.ID       `json:"dispute"`
	Visit      ledger.VisitID  `json:"visit"`
	Receipt    string          `json:"receipt"`
	Line       int             `json:"line"`
	Claim      ledger.Claim    `json:"claim"`
	Quantity   int             `json:"quantity"`
	Message    string          `json:"message"`
	OpenedAt   time.Time       `json:"opened_at"`
	State      string          `json:"state"`
	Decision   *decisionOfView `json:"decision,omitempty"`
	Correction string          `json:"correction,omitempty"`
}

type decisionOfView struct {
	Quantity  int            `json:"quantity"`
	MoveTo    ledger.VisitID `json:"move_to,omitempty"`
	Reviewer  string         `json:"reviewer,omitempty"`
	Reason    string         `json:"reason"`
	DecidedAt time.Time      `json:"decided_at"`
}

// viewDispute shows d to staff, or to its shopper, who learns what was decided
// and why, but not by whom nor whose the pieces were.
func viewDispute(d projections.Dispute, staff bool) disputeView {
	v := disputeView{
		Dispute: d.ID, Visit: d.Visit, Receipt: d.Receipt, Line: d.Line.No, Claim: d.Claim, Quantity: d.Quantity,
		Message: d.Message, OpenedAt: d.OpenedAt, State: string(d.State), Correction: d.Correction,
	}
	if d.State == projections.DisputeOpen {
		return v
	}
	v.Decision = &decisionOfView{Quantity: d.TakenOff, Reason: d.Reason, DecidedAt: d.DecidedAt}
	if staff {
		v.Decision.MoveTo, v.Decision.Reviewer = d.MoveTo, d.Reviewer
	}
	return v
}

type paymentView struct {
	State    string        `json:"state"`
	Held     *money.Money  `json:"held,omitempty"`
	Captured *money.Money  `json:"captured,omitempty"`
	Refunded *money.Money  `json:"refunded,omitempty"`
	Steps    []paymentStep `json:"steps"`
}

type paymentStep struct {
	Kind   string       `json:"kind"`
	At     time.Time    `json:"at"`
	Amount *money.Money `json:"amount,omitempty"`
	Object string       `json:"object,omitempty"`
	Detail string       `json:"detail,omitempty"`
}

func viewPayment(s *story) paymentView {
	v := paymentView{State: string(s.payment.Hold), Steps: []paymentStep{}}
	if v.State == "" {
		v.State = "none"
	}
	for to, from := range map[**money.Money]money.Money{
		&v.Held: s.payment.Held, &v.Captured: s.payment.Captured, &v.Refunded: s.payment.Refunded,
	} {
		if from.Currency != "" {
			*to = &from
		}
	}
	for _, e := range s.money {
		v.Steps = append(v.Steps, viewPaymentStep(e))
	}
	return v
}

func viewPaymentStep(e ledger.Event) paymentStep {
	st := paymentStep{Kind: string(e.Kind), At: e.Occurred}
	switch p := e.Payload.(type) { // the kinds of a payment stream
	case ledger.HoldIntended:
		st.Amount, st.Detail = &p.Amount, p.Key
	case ledger.CaptureIntended:
		st.Amount, st.Object, st.Detail = &p.Amount, p.Object, p.Key
	case ledger.ReleaseIntended:
		st.Amount, st.Object, st.Detail = &p.Amount, p.Object, p.Key
	case ledger.RefundIntended:
		st.Amount, st.Object, st.Detail = &p.Amount, p.Object, p.Key
	case ledger.Held:
		st.Amount, st.Object = &p.Amount, p.Object
	case ledger.Captured:
		st.Amount, st.Object = &p.Amount, p.Object
	case ledger.Released:
		st.Object = p.Object
	case ledger.Refunded:
		st.Amount, st.Object = &p.Amount, p.Object
	case ledger.PaymentDeclined:
		st.Detail = p.Code
	case ledger.PaymentUnclear:
		st.Detail = p.Detail
	case ledger.PaymentNotified:
		st.Object, st.Detail = p.Object, p.Type
	default:
		viewOtherStep(e, &st)
	}
	return st
}

// viewOtherStep fills in what is not part of every payment.
func viewOtherStep(e ledger.Event, st *paymentStep) {
	switch p := e.Payload.(type) { // the rest of a payment stream
	case ledger.IncrementIntended:
		st.Amount, st.Object, st.Detail = &p.Amount, p.Object, p.Key
	case ledger.Incremented:
		st.Amount, st.Object = &p.Amount, p.Object
	case ledger.ChargeIntended:
		st.Amount, st.Detail = &p.Amount, p.Key
	case ledger.Charged:
		st.Amount, st.Object = &p.Amount, p.Object
	case ledger.HoldLapsed:
		st.Amount, st.Object = &p.Amount, p.Object
	case ledger.RefundFailed:
		st.Amount, st.Object, st.Detail = &p.Amount, p.Refund, p.Code
	case ledger.ExternalObserved:
		st.Amount, st.Object, st.Detail = &p.Amount, p.Object, string(p.What)
	case ledger.PaymentEscalated:
		st.Detail = p.Reason
	case ledger.PaymentResolved:
		st.Object, st.Detail = p.Object, p.Reason
		if p.Done {
			st.Amount = &p.Amount
		}
	case ledger.DebtWrittenOff:
		st.Amount, st.Detail = &p.Amount, p.Reason
	case ledger.CashTaken:
		st.Amount, st.Object = &p.Amount, string(p.Till)
	}
}
