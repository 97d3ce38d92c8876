package watch

import (
	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// known is what one payment stream says the provider has.
type known struct {
	visit  ledger.VisitID
	events uint64
	last   ledger.ID

	orders   map[string]order       // by intention
	held     map[string]money.Money // standing holds by object
	objects  map[string]bool        // holds and charges that are known
	captured map[string]int64       // minor units by object
	refunds  map[string]refund      // by object
	moved    map[string]bool        // movements without an order: what and object
	warnings map[string]bool
	cases    map[string]*chargeback.Case
	returned int64 // minor units given back and not come back
	flagged  map[string]bool
}

// An order is an intention and whether its outcome is known.
type order struct {
	op     billing.Op
	object string // that it acts on
	open   bool
}

type refund struct {
	amount money.Money
	failed bool
}

func newKnown(v ledger.VisitID) *known {
	return &known{
		visit: v, orders: map[string]order{}, held: map[string]money.Money{}, objects: map[string]bool{}, captured: map[string]int64{},
		refunds: map[string]refund{}, moved: map[string]bool{}, warnings: map[string]bool{}, cases: map[string]*chargeback.Case{},
		flagged: map[string]bool{},
	}
}

// apply moves k past an event of the stream.
func (k *known) apply(e ledger.Event) {
	k.events++
	k.last = e.ID
	if name := chargeback.Of(e.Payload); name != "" {
		if k.cases[name] == nil {
			k.cases[name] = &chargeback.Case{}
		}
		k.cases[name].Apply(e)
		return
	}
	switch p := e.Payload.(type) { // the rest moves nothing
	case ledger.HoldIntended:
		k.orders[e.ID.String()] = order{billing.OpHold, "", true}
	case ledger.IncrementIntended:
		k.orders[e.ID.String()] = order{billing.OpIncrement, p.Object, true}
	case ledger.CaptureIntended:
		k.orders[e.ID.String()] = order{billing.OpCapture, p.Object, true}
	case ledger.ChargeIntended:
		k.orders[e.ID.String()] = order{billing.OpCharge, "", true}
	case ledger.ReleaseIntended:
		k.orders[e.ID.String()] = order{billing.OpRelease, p.Object, true}
	case ledger.RefundIntended:
		k.orders[e.ID.String()] = order{billing.OpRefund, p.Object, true}
	case ledger.PaymentDeclined:
		k.end(p.Intent)
	case ledger.PaymentResolved:
		k.resolve(p)
	case ledger.FraudWarningReceived:
		k.warnings[p.Warning] = true
	case ledger.PaymentEscalated:
		k.flagged[p.Reason] = true
	default:
		k.movement(e.Payload)
	}
}

// movement counts what moved.
func (k *known) movement(p ledger.Payload) {
	switch p := p.(type) { // the rest moves nothing
	case ledger.Held:
		k.end(p.Intent)
		k.hold(p.Object, p.Amount)
	case ledger.Incremented:
		k.end(p.Intent)
		k.hold(p.Object, p.Amount)
	case ledger.Captured:
		k.end(p.Intent)
		k.capture(p.Object, p.Amount)
	case ledger.Charged:
		k.end(p.Intent)
		k.capture(p.Object, p.Amount)
	case ledger.Released:
		k.end(p.Intent)
		delete(k.held, p.Object)
	case ledger.HoldLapsed:
		delete(k.held, p.Object)
	case ledger.Refunded:
		k.end(p.Intent)
		k.giveBack(p.Object, p.Amount)
	case ledger.RefundFailed:
		if r, ok := k.refunds[p.Refund]; ok && !r.failed {
			k.refunds[p.Refund] = refund{r.amount, true}
			k.returned -= r.amount.Minor
		}
	case ledger.ExternalObserved:
		k.moved[string(p.What)+" "+p.Object] = true
		switch p.What {
		case ledger.ExternalHold:
			k.hold(p.Object, p.Amount)
		case ledger.ExternalCapture:
			k.capture(p.Object, p.Amount)
		case ledger.ExternalRefund:
			k.giveBack(p.Object, p.Amount)
		case ledger.ExternalRelease:
			delete(k.held, p.Object)
		}
	}
}

func (k *known) end(intent ledger.ID) {
	if o, ok := k.orders[intent.String()]; ok {
		o.open = false
		k.orders[intent.String()] = o
	}
}

// resolve counts what a person found out about an order.
func (k *known) resolve(p ledger.PaymentResolved) {
	o := k.orders[p.Intent.String()]
	k.end(p.Intent)
	if !p.Done {
		return
	}
	switch o.op {
	case billing.OpHold, billing.OpIncrement:
		k.hold(p.Object, p.Amount)
	case billing.OpCapture, billing.OpCharge:
		k.capture(p.Object, p.Amount)
	case billing.OpRefund:
		k.giveBack(p.Object, p.Amount)
	case billing.OpRelease:
		delete(k.held, p.Object)
	}
}

func (k *known) hold(object string, amount money.Money) {
	k.objects[object] = true
	k.held[object] = amount
}

func (k *known) capture(object string, amount money.Money) {
	k.objects[object] = true
	k.captured[object] += amount.Minor
	delete(k.held, object)
}

func (k *known) giveBack(object string, amount money.Money) {
	if _, ok := k.refunds[object]; !ok {
		k.refunds[object] = refund{amount: amount}
		k.returned += amount.Minor
	}
}

// open reports whether an order of this kind is open about an object.
func (k *known) open(op billing.Op, object string) bool {
	for _, o := range k.orders {
		if o.open && o.op == op && (o.object == object || o.object == "") {
			return true
		}
	}
	return false
}

// total returns what was captured in all.
func (k *known) total() int64 {
	var sum int64
	for _, n := range k.captured {
		sum += n
	}
	return sum
}

// caseOf returns a claim, an empty one if it is new.
func (k *known) caseOf(now provider.Chargeback) *chargeback.Case {
	if c := k.cases[now.ID]; c != nil {
		return c
	}
	return &chargeback.Case{}
}
