package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/register"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/vision"
)

// weighingView is what a cart is told of its weighing, and a shopper too.
type weighingView struct {
	Visit     ledger.VisitID  `json:"visit"`
	Event     ledger.ID       `json:"event"`
	Occurred  time.Time       `json:"occurred_at"`
	Device    ledger.DeviceID `json:"device"`
	Measured  int             `json:"measured"`
	Expected  int             `json:"expected"`
	Unknown   int             `json:"unknown"`
	Tolerance int             `json:"tolerance"`
	Passed    bool            `json:"passed"`
}

func viewWeighing(w projections.Weighing) weighingView {
	p := w.Said
	return weighingView{
		Visit: p.Visit, Event: w.Event, Occurred: w.At, Device: p.Device, Measured: p.Measured, Expected: p.Expected,
		Unknown: p.Unknown, Tolerance: p.Tolerance, Passed: p.Passed,
	}
}

// postWeighing takes what a cart weighs with all that is in it. The answer says
// whether that is what the scanned pieces weigh.
func (a *API) postWeighing(c echo.Context) error {
	req, err := bodyOf[vision.CartWeighing](c)
	if err != nil {
		return err
	}
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	rec, err := a.s.Desk.WeighCart(c.Request().Context(), engine.WeighCommand{
		ID: req.ID, Occurred: placed(req.OccurredAt, req.Offset), Actor: actor(c), Trace: traceOf(c), Visit: s.visit,
		Device: req.Device, Grams: req.Grams, Offset: req.Offset, Evidence: req.Evidence,
	})
	if err != nil {
		return err
	}
	p, err := ledger.Unmarshal(rec.Kind, rec.Body)
	if err != nil {
		return err
	}
	said, ok := p.(ledger.CartWeighed)
	if !ok {
		return newProblem(http.StatusUnprocessableEntity, "id_reused", "")
	}
	status := http.StatusCreated
	if rec.Duplicate {
		status = http.StatusOK
	}
	return c.JSON(status, viewWeighing(projections.Weighing{Event: rec.ID, At: rec.Occurred, Said: said}))
}

// weighingSaid puts both sides of a weighing into words.
func weighingSaid(p *ledger.CartWeighed) string {
	text := "The cart weighs " + kilograms(p.Measured) + " kg; what was scanned weighs " + kilograms(p.Expected) + " kg"
	if p.Unknown > 0 {
		text += fmt.Sprintf(" without %d whose weight is not known", p.Unknown)
	}
	return text + fmt.Sprintf(", within %d g.", p.Tolerance)
}

// weighingTitle says what is in question.
func weighingTitle(p *ledger.CartWeighed) string {
	switch off := p.Off(); {
	case p.Passed:
		return "The cart weighs what it should"
	case off > p.Tolerance:
		return "The cart is " + kilograms(off) + " kg too heavy"
	case -off > p.Tolerance:
		return "The cart is " + kilograms(-off) + " kg too light"
	}
	return "Nobody knows what the cart should weigh"
}

func (n names) tellWeighed(p ledger.CartWeighed) said {
	s := said{title: weighingTitle(&p), text: weighingSaid(&p), icon: "eye", family: "sensor"}
	if !p.Passed {
		s.icon, s.family = "ask", "review"
	}
	return s
}

// weighingFigure shows the last weighing of the cart, if there was one.
func weighingFigure(c *projections.Cart) (web.Figure, bool) {
	w, ok := c.Weighed()
	if !ok {
		return web.Figure{}, false
	}
	f := web.Figure{Label: "Cart weighed", Value: kilograms(w.Said.Measured) + " kg, agrees", Tone: "good"}
	if !w.Said.Passed {
		f.Value, f.Tone = kilograms(w.Said.Measured)+" kg, not as scanned", "wait"
	}
	return f, true
}

// fillWeighing asks about a whole cart. Whoever looks into it names a product
// that was not scanned, or is not there: of the cart, or by its SKU.
func (a *API) fillWeighing(v *web.ReviewItem, it reviewItem, c *projections.Cart) {
	p := it.Weighed
	v.Title, v.Weighing, v.Slot = weighingTitle(p)+"?", weighingSaid(p), string(p.Device)
	a.s.Register.View(func(r *register.Register) {
		add := func(sku ledger.SKU) {
			if !contains(v.Products, string(sku)) {
				v.Products = append(v.Products, web.Choice{Value: string(sku), Text: r.Product(sku)})
			}
		}
		for _, pick := range c.Picks {
			add(pick.SKU)
		}
		for _, sku := range r.Stocked(it.Store) {
			add(sku)
		}
	})
	heavy := p.Off() > 0
	v.Actions = []web.Choice{
		{Value: string(ledger.ActionTake), Text: "there and not scanned", Chosen: heavy},
		{Value: string(ledger.ActionReturn), Text: "scanned and not there", Chosen: !heavy},
	}
}
