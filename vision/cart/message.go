package cart

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

// A Message is what the server is to be told. Sent twice it counts once.
type Message struct {
	ID     ledger.ID
	Path   string
	Body   json.RawMessage
	Coupon ledger.ID // the input that presented a coupon, if it is one
}

// outcome collects the messages of one input.
type outcome struct {
	cfg      *Config
	in       *Input
	messages []Message
	weighed  bool // a weight is among them
}

type detection struct {
	ID        ledger.ID                `json:"id"`
	Occurred  time.Time                `json:"occurred_at"`
	Detection ledger.DetectionRecorded `json:"detection"`
}

// certain is the confidence of a scan: the label says it, and the scale agrees
// or is asked later.
const certain = ledger.PerMille(1000)

func (o *outcome) put(id ledger.ID, path string, body any) *Message {
	b, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("cart: a message does not marshal: %v", err)) // our own values
	}
	o.messages = append(o.messages, Message{ID: id, Path: path, Body: b})
	return &o.messages[len(o.messages)-1]
}

// take tells that piece p was taken, unless that was told. seen is the evidence
// of its being laid in, which stands beside that of its label.
func (o *outcome) take(t *Trip, p *Piece, seen []ledger.EvidenceRef) {
	if p.Told {
		return
	}
	p.Told = true
	grams := p.Grams
	if p.Product.Grams > 0 && !p.Product.Weighed() {
		grams = 0 // the catalogue's weight counts, whatever the scale says
	}
	o.detect(ledger.DeriveID(p.ID, "taken"), p.At, o.detection(t, p, ledger.ActionTake, grams, p.Offset, p.Evidence, seen))
}

// giveBack tells that piece p was taken out again.
func (o *outcome) giveBack(t *Trip, p *Piece, seen []ledger.EvidenceRef) {
	grams := 0
	if p.Product.Weighed() {
		grams = p.Grams
	}
	o.detect(ledger.DeriveID(p.ID, "given back"), o.in.At, o.detection(t, p, ledger.ActionReturn, grams, o.in.Offset, seen))
}

func (o *outcome) detect(id ledger.ID, at time.Time, d ledger.DetectionRecorded) {
	o.put(id, "/v1/detections", detection{ID: id, Occurred: ledger.Instant(at), Detection: d})
}

func (o *outcome) detection(
	t *Trip, p *Piece, act ledger.Action, grams, offset int, seen ...[]ledger.EvidenceRef,
) ledger.DetectionRecorded {
	return ledger.DetectionRecorded{
		Store: o.cfg.Store, Sensor: o.cfg.Cart, Source: ledger.SensorCart, Slot: "basket",
		Items:    ledger.List[ledger.ItemHypothesis]{{SKU: p.Product.SKU, Confidence: certain}},
		Actions:  ledger.List[ledger.ActionHypothesis]{{Action: act, Confidence: certain}},
		Persons:  ledger.List[ledger.PersonHypothesis]{{Visit: t.Visit, Confidence: certain}},
		Presence: ledger.List[ledger.PersonHypothesis]{}, Evidence: joined(seen...),
		Quantity: 1, Grams: grams, Model: o.cfg.Model, ClockOffset: offset,
	}
}

// joined returns each piece of evidence once, as many as an event may name.
func joined(all ...[]ledger.EvidenceRef) ledger.List[ledger.EvidenceRef] {
	out := ledger.List[ledger.EvidenceRef]{}
	for _, refs := range all {
		for _, r := range refs {
			if len(out) < ledger.MaxEvidence && !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

func (o *outcome) coupon(t *Trip, text string) {
	m := o.put(ledger.DeriveID(o.in.ID, "coupon"), visitPath(t, "coupons"), vision.CartCoupon{
		Coupon: text, OccurredAt: ledger.Instant(o.in.At), Offset: o.in.Offset,
	})
	m.Coupon = o.in.ID
}

// weighing tells what the cart weighs. A scale below zero says none.
func (o *outcome) weighing(t *Trip) {
	o.weighed = true
	id := ledger.DeriveID(o.in.ID, "weighed")
	o.put(id, visitPath(t, "weighings"), vision.CartWeighing{
		ID: id, OccurredAt: ledger.Instant(o.in.At), Device: o.cfg.Cart,
		Grams: min(max(0, t.Grams-t.Zero), ledger.MaxCartGrams), Offset: o.in.Offset, Evidence: joined(t.Odds, o.in.Evidence),
	})
}

func (o *outcome) exit(t *Trip) {
	id := ledger.DeriveID(o.in.ID, "exit")
	o.put(id, vision.PathExits, vision.GateExit{
		ID: id, OccurredAt: ledger.Instant(o.in.At), Gate: t.Gate, Visit: t.Visit, Offset: o.in.Offset,
	})
}

func visitPath(t *Trip, what string) string {
	return "/v1/visits/" + url.PathEscape(string(t.Visit)) + "/" + what
}
