package cart

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// Around is what a view shows beside the trip: the cart's line to the shop.
type Around struct {
	Now      time.Time
	Online   bool
	Waiting  int       // messages that the server does not have
	Refused  int       // that it will not take
	PricesAt time.Time // of the price list; zero if there is none
	Server   *Total    // what the server says of the trip, once it has everything
	Eyes     string    // what is wrong with the camera; empty if nothing is
}

// A Total is what the server says that a trip costs.
type Total struct {
	Gross money.Money
	Lines []TotalLine
}

// A TotalLine is a line of the server's cart.
type TotalLine struct {
	SKU   ledger.SKU
	Gross money.Money
}

// A View is the cart's screen.
type View struct {
	Phase    Phase          `json:"phase"`
	Visit    ledger.VisitID `json:"visit,omitempty"`
	Lines    []ViewLine     `json:"lines"`
	Pieces   int            `json:"pieces"`
	Total    string         `json:"total,omitempty"`
	From     string         `json:"from"` // shop: the server's, with offers; cart: computed here
	About    string         `json:"about,omitempty"`
	Online   bool           `json:"online"`
	Waiting  int            `json:"waiting"`
	Line     string         `json:"line"` // the line to the shop, in words
	Ask      *Ask           `json:"ask,omitempty"`
	Note     string         `json:"note,omitempty"`
	Tone     string         `json:"tone,omitempty"`
	Scale    string         `json:"scale,omitempty"` // what is wrong with it
	Eyes     string         `json:"eyes,omitempty"`
	TakeOut  bool           `json:"take_out"`
	Coupons  []ViewCoupon   `json:"coupons"`
	Grams    int            `json:"grams"`
	Weighing bool           `json:"weighing"`
}

// A ViewLine is pieces of one product in one state.
type ViewLine struct {
	Piece  ledger.ID  `json:"piece"` // the last of them
	SKU    ledger.SKU `json:"sku"`
	Name   string     `json:"name"`
	Pieces int        `json:"pieces"`
	Detail string     `json:"detail,omitempty"`
	Amount string     `json:"amount"` // empty: not known yet
	State  string     `json:"state"`  // in, hand, weigh, leaving

	each, sum money.Money
}

// A ViewCoupon is a coupon in words.
type ViewCoupon struct {
	State string `json:"state"`
	Text  string `json:"text"`
}

// An Ask is what the shopper is asked. It stands until it is settled.
type Ask struct {
	Kind  string   `json:"kind"` // unscanned, mismatch, gone, lay_in, untouched
	Text  string   `json:"text"`
	Grams int      `json:"grams,omitempty"`
	Maybe []Choice `json:"maybe,omitempty"` // which piece it may be
}

// A Choice is a piece to touch.
type Choice struct {
	Piece ledger.ID `json:"piece"`
	Name  string    `json:"name"`
}

// View returns the cart's screen.
func (t *Trip) View(a Around) View {
	v := View{
		Phase: t.Phase, Visit: t.Visit, Lines: []ViewLine{}, Coupons: []ViewCoupon{}, Online: a.Online, Waiting: a.Waiting,
		Eyes: a.Eyes, TakeOut: t.TakeOut, Scale: faults[t.Fault], From: "cart", Ask: t.ask(a.Now), Weighing: t.weighing(),
		Grams: max(0, t.Grams-t.Zero),
	}
	if v.Phase == "" {
		v.Phase = PhaseIdle
	}
	v.Note, v.Tone = t.Note.say()
	v.Line = a.line()
	if t.Phase == PhaseLeft && a.Now.Sub(t.Left) > goodbye {
		// What somebody bought is nothing for whoever comes next.
		return View{
			Phase: PhaseIdle, Lines: []ViewLine{}, Coupons: []ViewCoupon{}, From: "cart", Online: v.Online, Waiting: v.Waiting,
			Line: v.Line, Eyes: v.Eyes, Scale: v.Scale,
		}
	}
	t.lines(&v, a)
	for _, c := range t.Coupons {
		text := map[string]string{"sent": "Coupon: the shop looks at it", "taken": "Coupon counts", "refused": "Coupon does not count"}[c.State]
		v.Coupons = append(v.Coupons, ViewCoupon{State: c.State, Text: text})
	}
	return v
}

func (n Note) say() (text, tone string) {
	if n.Code == NoteFault {
		return faults[Fault(n.Of)], toneWarn
	}
	w := words[n.Code]
	of := n.Of
	if n.Code == NoteRefused && refusals[of] != "" {
		of = refusals[of]
	}
	return strings.Replace(w.text, "%s", of, 1), w.tone
}

// goodbye is how long what was bought stays on the screen.
const goodbye = 30 * time.Second

// stale is the age of a price list from which a shopper is told of it.
const stale = 12 * time.Hour

// line puts the line to the shop into words.
func (a *Around) line() string {
	switch {
	case a.Refused > 0:
		return fmt.Sprintf("The shop refused %d messages: ask staff", a.Refused)
	case a.Online && a.Waiting == 0:
		return "Connected"
	case a.Online:
		return fmt.Sprintf("Sending %d", a.Waiting)
	case a.Waiting == 0:
		return "No connection: scanning goes on"
	}
	return fmt.Sprintf("No connection: %d kept for later", a.Waiting)
}

// lines fills in the pieces and the total: the server's if it has everything,
// else what the cart can compute from the prices it keeps.
func (t *Trip) lines(v *View, a Around) {
	var total money.Money
	rough := false
	for i := range t.Pieces {
		p := &t.Pieces[i]
		v.Pieces++
		l := ViewLine{Piece: p.ID, SKU: p.Product.SKU, Name: p.Product.Name, Pieces: 1, State: p.state()}
		if !p.Product.Weighed() || p.Placed {
			m, err := p.Product.Amount(p.Grams)
			if err == nil && total == (money.Money{}) {
				total = money.Zero(m.Currency)
			}
			if err == nil {
				total, err = total.Add(m)
			}
			rough = rough || p.Product.TaxAdded || err != nil
			l.each, l.sum = m, m
		} else {
			rough = true
		}
		l.Detail = p.detail()
		v.add(l)
	}
	for i := range v.Lines {
		v.Lines[i].finish()
	}
	told := !slices.ContainsFunc(t.Pieces, func(p Piece) bool { return !p.Told })
	if told && a.Server != nil && a.Waiting == 0 && a.Online && t.Phase != PhaseIdle {
		v.Total, v.From = a.Server.Gross.String(), "shop"
		return
	}
	if len(t.Pieces) > 0 {
		v.Total = total.String()
	}
	v.About = t.about(a, rough)
}

// about says what a computed total is worth.
func (t *Trip) about(a Around, rough bool) string {
	switch {
	case len(t.Pieces) == 0:
		return ""
	case a.PricesAt.IsZero():
		return "prices follow"
	case a.Now.Sub(a.PricesAt) > stale:
		return "prices of " + a.PricesAt.Format("2 January 15:04") + ", may have changed; offers follow"
	case rough:
		return "prices of " + a.PricesAt.Format("15:04") + "; not all is known yet"
	}
	return "prices of " + a.PricesAt.Format("15:04") + "; offers follow"
}

// add adds a piece: to the line of its like, which becomes the newest, or as a
// line of its own.
func (v *View) add(l ViewLine) {
	for i := range v.Lines {
		o := v.Lines[i]
		if l.SKU != o.SKU || l.State != o.State || l.each != o.each || l.Detail != o.Detail {
			continue
		}
		sum := l.each
		if o.sum.Currency != "" {
			var err error
			if sum, err = o.sum.Add(l.each); err != nil {
				break // more than money can be: a line of its own
			}
		}
		l.Pieces, l.sum = o.Pieces+1, sum
		v.Lines = append(v.Lines[:i], v.Lines[i+1:]...)
		break
	}
	v.Lines = append(v.Lines, l)
}

// finish says what a line costs, and of several pieces what each does.
func (l *ViewLine) finish() {
	if l.each.Currency == "" {
		return
	}
	l.Amount = l.sum.Decimal()
	if l.Pieces > 1 {
		l.Detail = strings.Trim(l.each.Decimal()+" each, "+l.Detail, ", ")
	}
}

func (p *Piece) state() string {
	switch {
	case p.Leaving:
		return "leaving"
	case p.Placed:
		return "in"
	case p.Product.Weighed():
		return "weigh"
	}
	return "hand"
}

func (p *Piece) detail() string {
	var parts []string
	if p.Product.Weighed() {
		per := p.Product.Unit.Decimal() + "/kg"
		if net := p.Grams - p.Product.TareGrams; p.Placed && net > 0 {
			per = fmt.Sprintf("%d.%03d kg at %s", net/1000, net%1000, per)
		}
		parts = append(parts, per)
	}
	if !p.Product.Deposit.IsZero() {
		parts = append(parts, "with "+p.Product.Deposit.Decimal()+" deposit")
	}
	if p.Product.MinAge > 0 {
		parts = append(parts, fmt.Sprintf("from %d years", p.Product.MinAge))
	}
	return strings.Join(parts, ", ")
}

// ask returns what the shopper is asked now, the weightiest first.
func (t *Trip) ask(now time.Time) *Ask {
	if t.Phase != PhaseShopping || !t.weighing() {
		return nil
	}
	e := t.Excess()
	waiting := t.waiting()
	odd := e < -Quiet || e > Quiet
	switch {
	case odd && !t.Reached && (t.Change > 0 || t.Change == 0 && e > 0):
		return &Ask{Kind: "untouched", Grams: e, Text: "The cart became heavier, and nobody reached in. Is something leaning on it?"}
	case odd && !t.Reached:
		return &Ask{Kind: "untouched", Grams: e, Text: "The cart became lighter, and nobody reached in. Does somebody lift it?"}
	case len(t.Lost) > 0:
		return t.askGone(t.Lost[len(t.Lost)-1].Grams)
	case e > Quiet && len(waiting) > 0:
		return &Ask{
			Kind: "mismatch", Grams: e, Maybe: waiting,
			Text: fmt.Sprintf("What was laid in weighs %d g. That is not what was scanned. Take it out, or scan what it is.", e),
		}
	case e > Quiet:
		return &Ask{
			Kind: "unscanned", Grams: e,
			Text: fmt.Sprintf("Something of %d g was laid in and not scanned. Scan it, or key in its number.", e),
		}
	case e < -Quiet:
		return t.askGone(-e)
	}
	for i := range t.Pieces {
		if p := &t.Pieces[i]; !p.Placed && now.Sub(p.At) >= LayIn {
			return &Ask{Kind: "lay_in", Maybe: waiting, Text: p.Product.Name + " was scanned and is not in the cart. Lay it in, or touch it to take it off the list."}
		}
	}
	return nil
}

// askGone asks what left.
func (t *Trip) askGone(grams int) *Ask {
	return &Ask{
		Kind: "gone", Grams: -grams, Maybe: t.missing(grams),
		Text: fmt.Sprintf("Something of %d g was taken out. What was it? Touch it, or lay it back.", grams),
	}
}

// waiting returns the pieces that were scanned and not laid in.
func (t *Trip) waiting() []Choice {
	var c []Choice
	for i := range t.Pieces {
		if p := &t.Pieces[i]; !p.Placed {
			c = append(c, Choice{p.ID, p.Product.Name})
		}
	}
	return c
}

// missing returns the pieces that may be what left: those of that weight, or
// all if there is none.
func (t *Trip) missing(grams int) []Choice {
	var near, all []Choice
	for i := len(t.Pieces) - 1; i >= 0; i-- {
		p := &t.Pieces[i]
		if !p.Placed || p.Grams <= Quiet {
			continue
		}
		c := Choice{p.ID, p.Product.Name}
		all = append(all, c)
		if alike(p.Grams, grams) {
			near = append(near, c)
		}
	}
	if len(near) > 0 {
		return near
	}
	return all
}
