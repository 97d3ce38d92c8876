package crowd

import (
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// An act is one step of a visit: one append.
type act int

const (
	present act = iota
	hold
	held
	enter
	take
	doubtfulTake
	price
	ask
	answer
	giveBack
	exit
	issue
	pay
	paid
	settle
)

// A visit is one shopper's way through the shop.
type visit struct {
	id      ledger.VisitID
	stream  ledger.StreamID
	payment ledger.StreamID
	script  []act // what is still to come

	cart  *projections.Cart
	moved uint64      // events of the payment stream
	hold  ledger.ID   // the intent to hold
	order ledger.ID   // the last intent about the money
	due   money.Money // by the receipt
	last  ledger.ID   // the last event of the visit
	pick  ledger.ID   // detection of the last take
	goods int         // product of it
	asked ledger.ID   // the last question
	sure  []int       // products that may be given back
}

// step does the next act of the script.
func (v *visit) step(s *Shop) (Append, error) {
	next := v.script[0]
	v.script = v.script[1:]
	switch next {
	case giveBack:
		if len(v.sure) == 0 {
			return v.step(s) // there is always the exit behind it
		}
		return v.giveBack(s)
	case take, doubtfulTake:
		return v.take(s, next == doubtfulTake)
	case hold, held, pay, paid:
		return v.money(s, next)
	case present, enter, price, ask, answer, exit, issue, settle:
		return v.visit(s, next)
	default:
		panic(fmt.Sprintf("crowd: no act %d", next))
	}
}

// here makes p the next event of the visit's own stream.
func (v *visit) here(s *Shop, cause ledger.ID, actor string, p ledger.Payload) (Append, error) {
	d, err := s.draft(cause, actor, p)
	if err != nil {
		return Append{}, err
	}
	a := Append{Stream: v.stream, Expect: ledger.After(v.cart.Events), Drafts: []ledger.Draft{d}}
	v.last = d.ID
	return a, v.cart.Apply(ledger.Event{
		Record: ledger.Record{
			ID: d.ID, Kind: d.Kind, Stream: v.stream, Revision: v.cart.Events, Occurred: d.Occurred, Actor: d.Actor,
			Cause: d.Cause, Body: d.Body,
		},
		Payload: p,
	})
}

// visit does an act of gates, engine and reviewers.
func (v *visit) visit(s *Shop, next act) (Append, error) {
	const gate, engine = "device:gate-1", "engine"
	switch next { //nolint:exhaustive // called with these
	case present:
		shopper := fmt.Sprintf("%s-shopper-%05d", s.store, s.chance.IntN(20_000))
		return v.here(s, ledger.ID{}, gate, ledger.GatePresented{
			Visit: v.id, Store: s.store, Gate: "gate-1", Place: ledger.PlaceGate, Credential: ledger.CredentialQR,
			Ticket: string(v.id), Shopper: ledger.ShopperID(shopper), Customer: "cus_" + shopper, PaymentMethod: "pm_" + shopper,
			Party: 1, Seller: s.seller, Catalogue: s.catalogue, Policy: s.policy,
		})
	case enter:
		return v.here(s, v.last, engine, ledger.GateEntered{Visit: v.id, Gate: "gate-1", Hold: s.policy.Hold})
	case price:
		p := s.goods[v.goods]
		p.Detection = v.pick
		return v.here(s, v.pick, engine, p)
	case ask:
		a, err := v.here(s, v.pick, engine, ledger.ReviewRequested{
			Detection: v.pick, Doubts: []ledger.Doubt{ledger.DoubtItem}, AtRisk: s.goods[v.goods].Unit,
			Deadline: s.now.Add(time.Duration(s.policy.ReviewSeconds) * time.Second),
		})
		v.asked = v.last
		return a, err
	case answer:
		return v.here(s, v.asked, "reviewer:anna", ledger.ReviewDecided{
			Detection: v.pick, Verdict: ledger.VerdictConfirmed, SKU: s.goods[v.goods].SKU, Action: ledger.ActionTake,
			Quantity: 1, Visit: v.id, Reviewer: "reviewer:anna", Reason: "seen in the clip",
		})
	case exit:
		return v.here(s, ledger.ID{}, gate, ledger.GateExited{Visit: v.id, Gate: "gate-1"})
	case issue:
		s.receipts++
		d, err := projections.BuildDocument(v.cart, fmt.Sprintf("%s-2026-%06d", s.store, s.receipts), "", s.now)
		if err != nil {
			return Append{}, err
		}
		v.due = d.Gross
		return v.here(s, v.last, engine, ledger.ReceiptIssued{Document: d})
	default: // settle
		p := ledger.VisitSettled{Outcome: ledger.SettledCharged, Charged: v.due, Owed: usd(0)}
		if v.due.IsZero() {
			p.Outcome = ledger.SettledNothing
		}
		return v.here(s, v.last, engine, p)
	}
}

// take lets the shopper take one piece of a product.
func (v *visit) take(s *Shop, doubtful bool) (Append, error) {
	v.goods = s.chance.IntN(s.chance.IntN(s.chance.IntN(len(s.goods))+1) + 1) // some sell better than others
	p := v.seen(s, v.goods, ledger.ActionTake)
	if doubtful {
		p.Items[0].Confidence = ledger.PerMille(500 + s.chance.IntN(250))
	} else {
		v.sure = append(v.sure, v.goods)
	}
	a, err := v.here(s, ledger.ID{}, "device:"+string(p.Sensor), p)
	v.pick = v.last
	return a, err
}

// giveBack lets them put one back that they are known to have.
func (v *visit) giveBack(s *Shop) (Append, error) {
	i := s.chance.IntN(len(v.sure))
	p := v.seen(s, v.sure[i], ledger.ActionReturn)
	v.sure = slices.Delete(v.sure, i, i+1)
	return v.here(s, ledger.ID{}, "device:"+string(p.Sensor), p)
}

// seen is what a sensor claims: half of the time a camera, which keeps a clip
// of every second claim, otherwise a scale.
func (v *visit) seen(s *Shop, goods int, action ledger.Action) ledger.DetectionRecorded {
	high := func() ledger.PerMille { return ledger.PerMille(850 + s.chance.IntN(150)) }
	p := ledger.DetectionRecorded{
		Store: s.store, Slot: fmt.Sprintf("shelf-%d/%d", goods/8+1, goods%8+1),
		Items:    []ledger.ItemHypothesis{{SKU: s.goods[goods].SKU, Confidence: high()}},
		Actions:  []ledger.ActionHypothesis{{Action: action, Confidence: high()}},
		Persons:  []ledger.PersonHypothesis{{Visit: v.id, Confidence: high()}},
		Presence: []ledger.PersonHypothesis{}, Quantity: 1, Evidence: []ledger.EvidenceRef{},
	}
	kind := s.chance.IntN(4)
	if kind < 2 {
		p.Sensor, p.Source = ledger.DeviceID(fmt.Sprintf("scale-%d", goods/8+1)), ledger.SensorScale
		p.Grams, p.Model = s.chance.IntN(900)-450, "scale 2"
		return p
	}
	p.Sensor, p.Source, p.Model = ledger.DeviceID(fmt.Sprintf("cam-%d", goods/8+1)), ledger.SensorCamera, "shelf 1.4"
	if kind == 3 {
		p.Evidence = append(p.Evidence, ledger.EvidenceRef{
			Role: "clip", Digest: s.digest(), MediaType: "video/mp4", Bytes: int64(s.chance.IntN(400_000) + 50_000),
		})
	}
	return p
}

// digest names a clip that nobody has.
func (s *Shop) digest() ledger.Digest {
	var b [32]byte
	for i := 0; i < len(b); i += 8 {
		n := s.bytes.Uint64()
		for k := range 8 {
			b[i+k] = byte(n >> (8 * k))
		}
	}
	return ledger.Digest(fmt.Sprintf("sha256:%x", b))
}

// money does an act of the payment stream: an intention, or how it went. A
// hold that is not needed is released.
func (v *visit) money(s *Shop, next act) (Append, error) {
	shopper := string(v.cart.Presented.Shopper)
	key := func(op string) string { return fmt.Sprintf("v1/%s/%s/%s/1", s.store, v.id, op) }
	var p ledger.Payload
	cause := v.last
	switch free := v.due.IsZero(); {
	case next == hold:
		p = ledger.HoldIntended{
			Visit: v.id, Store: s.store, Amount: s.policy.Hold, Customer: "cus_" + shopper, PaymentMethod: "pm_" + shopper,
			Key: key("hold"),
		}
	case next == held:
		p = ledger.Held{Intent: v.order, Object: "pi_" + v.order.String(), Amount: s.policy.Hold}
	case next == pay && free:
		p = ledger.ReleaseIntended{
			Visit: v.id, Store: s.store, Amount: s.policy.Hold, Object: "pi_" + v.hold.String(), Key: key("release"),
		}
	case next == pay:
		p = ledger.CaptureIntended{
			Visit: v.id, Store: s.store, Amount: v.due, Object: "pi_" + v.hold.String(),
			Receipt: v.cart.Issued.Number, Key: key("capture"),
		}
	case free:
		p = ledger.Released{Intent: v.order, Object: "pi_" + v.hold.String()}
	default:
		p = ledger.Captured{Intent: v.order, Object: "pi_" + v.hold.String(), Amount: v.due}
	}
	if next == held || next == paid {
		cause = v.order
	}
	d, err := s.draft(cause, "engine", p)
	if next == hold {
		v.hold = d.ID
	}
	v.order = d.ID
	v.moved++
	return Append{Stream: v.payment, Expect: ledger.After(v.moved - 1), Drafts: []ledger.Draft{d}}, err
}
