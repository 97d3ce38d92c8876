package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// A teller fills the page of one visit for one reader.
type teller struct {
	names
	k        keys.Key
	s        *story
	now      time.Time
	store    shelfOf
	policy   ledger.Policy
	owed     money.Money                            // as billing asks for it
	claims   map[ledger.ID]ledger.DetectionRecorded // of this visit's stream
	stepOf   map[ledger.ID]int                      // event to step
	lastCart []projectedLine
}

// A projectedLine is a line of the cart, to be compared with the next.
type projectedLine struct {
	key string
	web.CartLine
}

// zoneOf returns a shop's time zone; one that this machine does not know is
// shown in UTC.
func zoneOf(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return z
}

func (a *API) teller(ctx context.Context, k keys.Key, s *story) *teller {
	t := &teller{
		k: k, s: s, now: a.s.Now(), store: a.shelf(ctx), policy: s.cart.Presented.Policy,
		claims: map[ledger.ID]ledger.DetectionRecorded{}, stepOf: map[ledger.ID]int{},
	}
	priced := map[ledger.SKU]string{}
	for _, e := range s.events {
		switch p := e.Payload.(type) { // what names things
		case ledger.DetectionRecorded:
			t.claims[e.ID] = p
		case ledger.CartWeighed:
			if len(p.Evidence) > 0 { // it claims a weight and no item
				t.claims[e.ID] = ledger.DetectionRecorded{Slot: string(p.Device), Evidence: p.Evidence}
			}
		case ledger.ItemPriced:
			priced[p.SKU] = p.Name
		}
	}
	t.names = names{
		visit: s.visit, staff: k.Role != keys.Shopper, zone: zoneOf(s.cart.Presented.Seller.Timezone),
		product: func(sku ledger.SKU) string { return cmp.Or(priced[sku], a.productName(sku)) },
	}
	return t
}

// page fills the whole page.
func (t *teller) page() (web.VisitPage, error) {
	c := t.s.cart
	p := web.VisitPage{
		Visit: string(t.s.visit), Shop: cmp.Or(c.Presented.Seller.Name, string(c.Presented.Store)),
		Day: t.dayOf(c.PresentedAt), Times: t.span(), Status: t.status(), Live: t.live(),
		CanDecide: t.k.Role == keys.Reviewer,
		Revision:  int64(c.Events) - 1, //nolint:gosec // a stream is never that long
	}
	p.Title = "Visit, " + p.Shop
	var err error
	if p.Steps, err = t.steps(); err != nil {
		return p, err
	}
	if p.Total, p.TotalLabel, err = t.total(); err != nil {
		return p, err
	}
	p.Figures, p.Papers = t.figures(), t.papers()
	p.Disputes = t.disputeCards()
	p.Money, p.MoneySaid = t.moneySteps(), t.moneySaid()
	return p, nil
}

func (t *teller) dayOf(at time.Time) string { return at.In(t.zone).Format("Monday, 2 January 2006") }

func (t *teller) span() string {
	c := t.s.cart
	at := func(x time.Time) string { return x.In(t.zone).Format("15:04") }
	switch {
	case c.EnteredAt.IsZero():
		return at(c.PresentedAt)
	case c.ExitedAt.IsZero():
		return "since " + at(c.EnteredAt)
	}
	return at(c.EnteredAt) + " to " + at(c.ExitedAt)
}

var statusChips = map[projections.Status]web.Chip{
	projections.StatusNone:      {Text: "Not begun", Tone: "wait"},
	projections.StatusPresented: {Text: "At the gate", Tone: "wait"},
	projections.StatusInside:    {Text: "Inside", Tone: "good"},
	projections.StatusExited:    {Text: "Left, receipt to come", Tone: "wait"},
	projections.StatusIssued:    {Text: "Receipt issued", Tone: "wait"},
	projections.StatusRefused:   {Text: "Refused", Tone: "bad"},
}

func statusChip(s projections.Status, as ledger.SettledAs) web.Chip {
	if s != projections.StatusSettled {
		return statusChips[s]
	}
	switch as {
	case ledger.SettledOwed:
		return web.Chip{Text: "Owed", Tone: "bad"}
	case ledger.SettledNothing:
		return web.Chip{Text: "Nothing owed", Tone: "good"}
	case ledger.SettledCharged:
	}
	return web.Chip{Text: "Charged", Tone: "good"}
}

func (t *teller) status() web.Chip {
	var as ledger.SettledAs
	if t.s.cart.Settled != nil {
		as = t.s.cart.Settled.Outcome
	}
	return statusChip(t.s.cart.Status, as)
}

// live reports whether more may happen without anybody coming back.
func (t *teller) live() bool {
	c := t.s.cart
	if c.Status == projections.StatusRefused {
		return false
	}
	open := c.Status != projections.StatusSettled || t.s.payment.Open != nil || c.OpenCount > 0
	for _, d := range t.s.disputes.Disputes {
		open = open || d.State == projections.DisputeOpen
	}
	_, due := c.CorrectionDue()
	return open || due || c.Latest != nil && t.s.payment.Kept().Minor > c.Latest.Gross.Minor
}

func (t *teller) total() (amount, label string, err error) {
	c := t.s.cart
	switch {
	case c.Latest != nil:
		return cash(c.Latest.Gross), "On the receipt", nil
	case c.Status == projections.StatusSettled, c.Status == projections.StatusRefused:
		return cash(money.Zero(c.Currency())), "Nothing owed", nil
	}
	v, err := viewCart(c)
	if err != nil || v.Gross == nil {
		return "", "", err
	}
	return cash(*v.Gross), "In the cart", nil
}

func (t *teller) figures() []web.Figure {
	pay, c := &t.s.payment, t.s.cart
	var out []web.Figure
	add := func(label, value, tone string) { out = append(out, web.Figure{Label: label, Value: value, Tone: tone}) }
	if pay.Held.Minor > 0 && pay.Hold != billing.HoldLapsed {
		add("Held at the gate", cash(pay.Held), "")
	}
	if pay.Captured.Minor > 0 {
		add("Charged", cash(pay.Captured), "good")
	}
	if pay.Refunded.Minor > 0 {
		add("Refunded", cash(pay.Refunded), "good")
	}
	if t.owed.Minor > 0 {
		add("Owed", cash(t.owed), "bad")
	}
	if f, ok := weighingFigure(c); ok {
		out = append(out, f)
	}
	if c.OpenCount > 0 {
		add("In doubt", fmt.Sprintf("%d", c.OpenCount), "wait")
	}
	add("Events", fmt.Sprintf("%d", len(t.stepOf)), "")
	return out
}

// steps merges the visit's events and the payment's in the order of the log.
func (t *teller) steps() ([]web.Step, error) {
	all, err := t.s.steps()
	if err != nil {
		return nil, err
	}
	for _, e := range t.s.money {
		if e.Kind != ledger.KindPaymentNotified || t.staff { // to a shopper a notice says nothing
			all = append(all, projections.Step{Event: e})
		}
	}
	slices.SortFunc(all, func(a, b projections.Step) int { return cmp.Compare(a.Event.Position, b.Event.Position) })
	out := make([]web.Step, 0, len(all))
	cart := &projections.Cart{}
	for i, st := range all {
		if st.Cart != nil {
			cart = st.Cart
		}
		t.stepOf[st.Event.ID] = i
		step, err := t.step(i, st.Event, cart)
		if err != nil {
			return nil, err
		}
		out = append(out, step)
	}
	return out, nil
}

func (t *teller) step(i int, e ledger.Event, cart *projections.Cart) (web.Step, error) {
	w := t.tell(e)
	step := web.Step{
		No: i, ID: e.ID.String(), Kind: string(e.Kind), Family: w.family, Icon: w.icon, Title: w.title, Text: w.text,
		Time: t.clock(e.Occurred), Actor: "By " + t.person(e.Actor), Minor: w.minor,
	}
	if q := questionOf(cart, e.ID); q != nil {
		step.Question = true
		step.Text = strings.TrimSpace(step.Text + " In doubt: " + doubtsSaid(q.Doubts) + ".")
	}
	if id, p, ok := t.shows(e, cart); ok {
		t.show(&step, p)
		if id != e.ID {
			step.Model = "" // it decided the detection and not this event
		}
	}
	lines, err := t.cartLines(cart)
	if err != nil {
		return step, err
	}
	step.Cart = t.compare(lines)
	v, err := viewCart(cart)
	if err != nil {
		return step, err
	}
	step.CartSum = "–"
	if v.Gross != nil {
		step.CartSum = cash(*v.Gross)
	}
	if n := len(v.Open); n > 0 {
		step.CartNote = fmt.Sprintf("%d in doubt and not in the sum", n)
	} else if v.Unpriced > 0 {
		step.CartNote = fmt.Sprintf("%d without a price yet", v.Unpriced)
	} else if v.AgeDue > 0 {
		step.CartNote = fmt.Sprintf("an age of %d is to be verified", v.AgeDue)
	}
	return step, nil
}

// questionOf returns the question that the event opened, if it did.
func questionOf(c *projections.Cart, event ledger.ID) *projections.Question {
	for i, q := range c.Questions {
		if q.Opened == event {
			return &c.Questions[i]
		}
	}
	return nil
}

// shows returns the detection whose evidence explains an event: its own, the
// one that a review is about, or the last that made a disputed line.
func (t *teller) shows(e ledger.Event, c *projections.Cart) (ledger.ID, ledger.DetectionRecorded, bool) {
	id := e.ID
	switch p := e.Payload.(type) { // the events about a detection
	case ledger.ReviewRequested:
		id = p.Detection
	case ledger.ReviewDecided:
		id = p.Detection
	case ledger.DetectionAttributed:
		return p.Detection, ledger.DetectionRecorded{Slot: p.Slot, Evidence: p.Evidence}, true
	case ledger.DetectionReverified:
		claim := t.claims[p.Detection]
		claim.Items, claim.Actions, claim.Evidence = p.Items, p.Actions, p.Evidence
		return p.Detection, claim, true
	case ledger.DisputeOpened:
		if c.Latest == nil {
			break
		}
		for _, l := range c.Latest.Lines {
			for _, cause := range l.Causes {
				if _, ok := t.claims[cause]; ok && l.No == p.Line {
					id = cause
				}
			}
		}
	}
	p, ok := t.claims[id]
	return id, p, ok
}

// show puts a detection's evidence and confidences on a step.
func (t *teller) show(step *web.Step, p ledger.DetectionRecorded) {
	step.Slot, step.Model, step.Bars = p.Slot, p.Model, t.bars(p)
	step.Exhibit = t.exhibit(p.Evidence, "?visit="+string(t.s.visit))
}

// bars draws the three confidences of a detection.
func (t *teller) bars(p ledger.DetectionRecorded) []web.Bar {
	if len(p.Items) == 0 {
		return nil
	}
	var items, acts, persons []reading
	for _, h := range p.Items {
		items = append(items, reading{t.product(h.SKU), h.Confidence})
	}
	for _, h := range p.Actions {
		acts = append(acts, reading{done[h.Action], h.Confidence})
	}
	if len(acts) == 0 {
		return []web.Bar{bar("Item", items, t.policy.ItemMin)} // a second look at the item alone
	}
	for _, h := range p.Candidates() {
		persons = append(persons, reading{t.whose(h.Visit), h.Confidence})
	}
	if len(persons) == 0 {
		persons = []reading{{"nobody known", 0}}
	}
	return []web.Bar{
		bar("Item", items, t.policy.ItemMin),
		bar("Action", acts, t.policy.ActionMin),
		bar("Person", persons, t.policy.PersonMin),
	}
}

// A reading is one way to read a detection.
type reading struct {
	text       string
	confidence ledger.PerMille
}

func percent(p ledger.PerMille) string { return fmt.Sprintf("%d.%d", p/10, p%10) }

func bar(label string, rs []reading, least ledger.PerMille) web.Bar {
	b := web.Bar{
		Label: label, Reading: rs[0].text, Percent: percent(rs[0].confidence), Low: rs[0].confidence < least,
		Width: fmt.Sprintf("%d", rs[0].confidence),
	}
	if least > 0 {
		b.Least = fmt.Sprintf("%d", min(least, 996))
	}
	var others []string
	for _, r := range rs[1:] {
		others = append(others, r.text+" "+percent(r.confidence)+" %")
	}
	b.Others = strings.Join(others, ", ")
	return b
}

func (t *teller) cartLines(c *projections.Cart) ([]projectedLine, error) {
	lines, err := c.Lines()
	if err != nil {
		return nil, err
	}
	var out []projectedLine
	for _, l := range lines {
		if l.Quantity == 0 {
			continue
		}
		out = append(out, projectedLine{
			key:      fmt.Sprintf("%s|%s|%d|%v|%s|%s", l.SKU, l.LineKind, l.Unit.Minor, l.TaxRule, l.Per, weighing(l)),
			CartLine: web.CartLine{Quantity: l.Quantity, Name: l.Name, Amount: cash(l.Gross)},
		})
	}
	return out, nil
}

// weighing names the weighing that a line is of: each is a line of its own.
func weighing(l ledger.ReceiptLine) string {
	if l.Per != ledger.PerKilogram || len(l.Causes) == 0 {
		return ""
	}
	return l.Causes[0].String()
}

// compare marks what changed since the step before.
func (t *teller) compare(now []projectedLine) []web.CartLine {
	var out []web.CartLine
	for _, l := range now {
		i := slices.IndexFunc(t.lastCart, func(o projectedLine) bool { return o.key == l.key })
		line := l.CartLine
		switch {
		case i < 0:
			line.Change = "new"
		case t.lastCart[i].Quantity < l.Quantity:
			line.Change = "more"
		case t.lastCart[i].Quantity > l.Quantity:
			line.Change = "less"
		}
		out = append(out, line)
	}
	for _, o := range t.lastCart {
		if !slices.ContainsFunc(now, func(l projectedLine) bool { return l.key == o.key }) {
			gone := o.CartLine
			gone.Change = "gone"
			out = append(out, gone)
		}
	}
	t.lastCart = now
	return out
}
