package watch

import (
	"fmt"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// lacks returns what the stream lacks of a payment as the provider has it,
// in the order in which it happened. With adopt, the outcome of an order that
// is open is among it.
func (k *known) lacks(p provider.Payment, adopt bool) []ledger.Payload {
	var ps []ledger.Payload
	begun := k.objects[p.Object]
	if !begun {
		o, ours := k.orders[p.OpID]
		switch {
		case ours && o.open && !adopt:
			return nil // its answer is under way
		case ours && o.open:
			ps, begun = k.adopt(p, o)
		default:
			ps, begun = k.lost(p)
		}
		if !begun {
			return ps
		}
	}
	ps = append(ps, k.lacksCapture(p, adopt)...)
	var back, given []ledger.Payload
	for _, r := range p.Refunds {
		switch e := k.lacksRefund(p.Object, r, adopt).(type) {
		case nil:
		case ledger.RefundFailed:
			back = append(back, e)
		default:
			given = append(given, e)
		}
	}
	// What came back comes first: it may have been given again.
	return append(append(ps, back...), given...)
}

// adopt is the outcome of the order that made a payment.
func (k *known) adopt(p provider.Payment, o order) (ps []ledger.Payload, begun bool) {
	intent, err := ledger.ParseID(p.OpID)
	switch {
	case err != nil:
		return nil, false
	case o.op == billing.OpCharge && p.Captured.Minor > 0:
		k.capture(p.Object, p.Captured)
		return []ledger.Payload{ledger.Charged{Intent: intent, Object: p.Object, Amount: p.Captured}}, true
	case o.op == billing.OpHold && (p.Held.Minor > 0 || p.Captured.Minor > 0 || p.Canceled):
		k.hold(p.Object, p.Amount)
		return []ledger.Payload{ledger.Held{
			Intent: intent, Object: p.Object, Amount: p.Amount, CaptureBefore: instant(p.CaptureBefore),
		}}, true
	}
	return nil, false // declined or under way: the engine asks
}

// lost is a hold or charge whose order the stream does not know. Nothing is
// said of one that never held anything.
func (k *known) lost(p provider.Payment) (ps []ledger.Payload, begun bool) {
	intent, _ := ledger.ParseID(p.OpID) // zero: made on the provider's own pages
	switch {
	case p.Op == billing.OpCharge && p.Captured.Minor > 0:
		k.objects[p.Object], k.captured[p.Object] = true, p.Captured.Minor
		return []ledger.Payload{ledger.ExternalObserved{
			Object: p.Object, What: ledger.ExternalCapture, Amount: p.Captured, Intent: intent, Key: p.Key,
		}}, true
	case p.Op != billing.OpCharge && (p.Held.Minor > 0 || p.Captured.Minor > 0 || p.Canceled) && p.Amount.Minor > 0:
		k.hold(p.Object, p.Amount)
		return []ledger.Payload{ledger.ExternalObserved{
			Object: p.Object, What: ledger.ExternalHold, Amount: p.Amount, Intent: intent, Key: p.Key,
			CaptureBefore: instant(p.CaptureBefore),
		}}, true
	}
	return nil, false
}

// lacksCapture is what became of a hold.
func (k *known) lacksCapture(p provider.Payment, adopt bool) []ledger.Payload {
	if more := p.Captured.Minor - k.captured[p.Object]; more > 0 {
		amount := money.Money{Minor: more, Currency: p.Captured.Currency}
		intent, err := ledger.ParseID(p.CaptureOp)
		o, ours := k.orders[p.CaptureOp]
		switch {
		case ours && o.open && adopt && err == nil:
			k.end(intent)
			k.capture(p.Object, amount)
			return []ledger.Payload{ledger.Captured{Intent: intent, Object: p.Object, Amount: amount}}
		case k.open(billing.OpCapture, p.Object):
			return nil
		case k.moved[string(ledger.ExternalCapture)+" "+p.Object]:
			return nil // once for an object
		}
		e := ledger.ExternalObserved{Object: p.Object, What: ledger.ExternalCapture, Amount: amount}
		if err == nil {
			e.Intent, e.Key = intent, p.CaptureKey
		}
		k.capture(p.Object, amount)
		return []ledger.Payload{e}
	}
	held, stands := k.held[p.Object]
	switch {
	case !stands || !p.Canceled || k.open(billing.OpCapture, p.Object):
		return nil
	case k.open(billing.OpRelease, p.Object):
		return nil
	case p.Lapsed:
		return []ledger.Payload{ledger.HoldLapsed{Object: p.Object, Amount: held, At: instant(p.CaptureBefore)}}
	}
	return []ledger.Payload{ledger.ExternalObserved{Object: p.Object, What: ledger.ExternalRelease, Amount: held}}
}

// lacksRefund is what became of one refund, or nil.
func (k *known) lacksRefund(of string, r provider.Refund, adopt bool) ledger.Payload {
	old, told := k.refunds[r.Object]
	switch {
	case told && r.Status == billing.Declined && !old.failed:
		code := r.Code
		if code == "" {
			code = "failed"
		}
		return ledger.RefundFailed{Refund: r.Object, Amount: old.amount, Code: code}
	case told || r.Status != billing.Done || r.Amount.Minor <= 0:
		return nil
	}
	intent, err := ledger.ParseID(r.OpID)
	o, ours := k.orders[r.OpID]
	switch {
	case ours && o.open && adopt && err == nil:
		k.end(intent)
		return ledger.Refunded{Intent: intent, Object: r.Object, Amount: r.Amount}
	case ours && o.open:
		return nil
	}
	e := ledger.ExternalObserved{Object: r.Object, What: ledger.ExternalRefund, Amount: r.Amount, Of: of}
	if err == nil {
		e.Intent, e.Key = intent, r.Key
	}
	return e
}

// lacksClaim is what the stream lacks of a claim, and that a person must look
// where the shopper has the money twice.
func (k *known) lacksClaim(now provider.Chargeback) []ledger.Payload {
	ps := k.caseOf(now).Observe(now)
	for _, p := range ps {
		c, ok := p.(ledger.ChargebackClosed)
		if !ok || c.Outcome != ledger.ChargebackWon || k.returned+c.Amount.Minor <= k.total() {
			continue
		}
		ps = append(ps, ledger.PaymentEscalated{Intent: ledger.DeriveID(ledger.ID{}, "chargeback", now.ID), Reason: fmt.Sprintf(
			"chargeback %s was won over %s, of which the shopper has been given money back: the amounts overlap", now.ID, c.Amount)})
		break
	}
	return ps
}

// lacksWarning is a fraud warning that the stream does not have.
func (k *known) lacksWarning(w provider.Warning) []ledger.Payload {
	if k.warnings[w.ID] {
		return nil
	}
	kind := w.Type
	if kind == "" {
		kind = "misc"
	}
	return []ledger.Payload{ledger.FraudWarningReceived{Warning: w.ID, Object: w.Payment, Type: kind, Actionable: w.Actionable}}
}
