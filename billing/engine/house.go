package engine

import (
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// housekeeping returns what a visit's stream lacks and that hangs on nothing
// else: items given to it, questions that concern it, prices, requests for
// review, and answers.
func (v *visit) housekeeping(e *Engine, st *step) []ledger.Draft {
	if !v.billable() {
		return nil
	}
	ds := v.implied(e, st)
	ds = append(ds, v.prices(e, st)...)
	ds = append(ds, v.offers(e, st)...)
	for _, q := range v.cart.Questions {
		if !q.Open() {
			continue
		}
		if d, ok := v.attend(e, st, q); ok {
			ds = append(ds, d)
		}
	}
	for _, m := range v.moves {
		d := v.fact(st, m)
		d.ID = ledger.DeriveID(m.Decision, string(ledger.KindDetectionAttributed), string(v.id), m.Detection.String())
		d.Cause = m.Decision
		ds = append(ds, d)
	}
	return ds
}

// implied returns the questions recorded elsewhere that concern v. A visit
// that was billed is not held up any more: if the answer names it, the item
// comes as attributed.
func (v *visit) implied(e *Engine, st *step) []ledger.Draft {
	var ds []ledger.Draft
	for _, p := range v.implications {
		if v.cart.Finished() || e.questions[p.Detection].decided != nil {
			continue
		}
		d := v.fact(st, p)
		d.ID = ledger.DeriveID(p.Detection, string(ledger.KindDetectionImplicated), string(v.id))
		d.Cause = p.Detection
		ds = append(ds, d)
	}
	return ds
}

// prices pins a price to every pick that has none, or says once what is
// missing.
func (v *visit) prices(e *Engine, st *step) []ledger.Draft {
	type key struct {
		ledger.ID
		ledger.SKU
	}
	var ds []ledger.Draft
	done := map[key]bool{} // two picks of one detection share their price
	for _, pick := range v.cart.Unpriced() {
		k := key{pick.Detection, pick.SKU}
		if done[k] {
			continue
		}
		done[k] = true
		p, missing := e.price(v, pick.SKU, pick.At)
		p.Detection = pick.Detection
		label := []string{pick.Detection.String(), string(pick.SKU)}
		switch missing {
		case "":
			ds = append(ds, v.fact(st, p, label...))
		case pick.Missing:
		default:
			ds = append(ds, v.fact(st, ledger.PricingFailed{
				Detection: pick.Detection, SKU: pick.SKU, Missing: missing,
			}, append(label, missing)...))
		}
	}
	return ds
}

// attend returns what an open question needs: to be asked, or the answer that
// was given where it was asked, or at its deadline the policy's.
func (v *visit) attend(e *Engine, st *step, open projections.Question) (ledger.Draft, bool) {
	q := e.questions[open.Detection]
	label := open.Detection.String()
	switch {
	case q == nil: // an imported stream names a detection that is not there
		return ledger.Draft{}, false
	case q.visit != v && q.decided != nil:
		d := v.fact(st, *q.decided, label)
		d.ID, d.Cause = ledger.DeriveID(q.event, string(ledger.KindReviewDecided), string(v.id)), q.event
		return d, true
	case q.visit != v && !open.Requested && q.requested:
		return v.fact(st, ledger.ReviewRequested{
			Detection: open.Detection, Doubts: open.Doubts, AtRisk: q.atRisk, Deadline: q.deadline,
		}, label), true
	case q.visit != v:
		return ledger.Draft{}, false
	case q.weighed != nil:
		return v.attendWeighing(st, open)
	case q.gate != nil:
		return v.attendGate(st, open)
	case !open.Requested:
		return v.fact(st, v.request(e, st, open, q), label), true
	case st.due(open.Deadline):
		d := v.fact(st, v.byPolicy(e, open, q), label)
		d.Actor = projections.PolicyReviewer
		return d, true
	}
	return ledger.Draft{}, false
}

// request asks the reviewers. They get the policy's time from the moment they
// are asked, however late the detection came: a deadline counted from the
// exit could be over before anybody could look.
func (v *visit) request(e *Engine, st *step, open projections.Question, q *question) ledger.ReviewRequested {
	sku := q.claim.Items[0].SKU
	p, missing := e.price(v, sku, q.seenAt)
	return v.requestAt(st, open, atRisk(p, missing, &q.claim, v.cart.Currency()))
}

// requestAt asks people to answer an open question until the visit's deadline.
func (v *visit) requestAt(st *step, open projections.Question, atRisk money.Money) ledger.ReviewRequested {
	return ledger.ReviewRequested{
		Detection: open.Detection, Doubts: open.Doubts, AtRisk: atRisk,
		Deadline: st.now.Add(seconds(v.cart.Presented.Policy.ReviewSeconds)),
	}
}

// byPolicy answers a question that nobody answered in time. For the shopper a
// doubtful take did not happen and a doubtful return did; as sensed the best
// reading stands. Neither may bill a visit that has its receipt already: that
// takes a person.
func (v *visit) byPolicy(e *Engine, open projections.Question, q *question) ledger.ReviewDecided {
	policy := v.cart.Presented.Policy.OnDeadline
	d := ledger.ReviewDecided{
		Detection: open.Detection, Verdict: ledger.VerdictDismissed, Reviewer: projections.PolicyReviewer,
		Reason: "deadline passed: " + string(policy),
	}
	action, whose := q.claim.Actions[0].Action, v.id
	if c := q.claim.Candidates(); len(c) > 0 {
		whose = c[0].Visit
	}
	to := e.visits[whose]
	late := to == nil || !to.billable() || to.cart.Finished() || v.cart.Finished()
	if action == ledger.ActionTake && (policy == ledger.ForShopper || late) {
		return d
	}
	d.Verdict, d.SKU, d.Action = ledger.VerdictConfirmed, q.claim.Items[0].SKU, action
	d.Quantity, d.Visit = q.claim.Quantity, whose
	return d
}
