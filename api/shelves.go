package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/register"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

func (a *API) shelfRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/v1/shelves", roles: caretakers, handle: a.getShelves},
		{method: http.MethodPost, path: "/v1/shops/:store/shelf-changes", roles: devices, limit: maxBody, handle: a.postShelfChange},
	}
}

type slotView struct {
	Store    ledger.StoreID      `json:"store"`
	Sensor   ledger.DeviceID     `json:"sensor"`
	Slot     string              `json:"slot"`
	Planned  ledger.SKU          `json:"planned,omitempty"`
	Left     int                 `json:"left"`
	Sure     ledger.PerMille     `json:"sure"`
	Untidy   bool                `json:"untidy"`
	Stray    ledger.SKU          `json:"stray,omitempty"`
	Home     string              `json:"home,omitempty"`
	Purpose  ledger.ShelfPurpose `json:"purpose"`
	Action   ledger.Action       `json:"action"`
	Quantity int                 `json:"quantity"`
	SKU      ledger.SKU          `json:"sku"`
	Changed  time.Time           `json:"changed_at"`
}

// slotViews returns the slots of a shop, or of all.
func (a *API) slotViews(store ledger.StoreID) []slotView {
	out := []slotView{}
	a.s.Register.View(func(r *register.Register) {
		for _, s := range r.SlotsOf(store) {
			out = append(out, slotView{
				Store: s.Store, Sensor: s.Sensor, Slot: s.Slot, Planned: r.Planned(s.Store, s.Sensor, s.Slot), Left: s.Left, Sure: s.Sure,
				Untidy: s.Untidy, Stray: s.Stray, Home: s.Home, Purpose: s.Purpose, Action: s.Action, Quantity: s.Quantity, SKU: s.SKU,
				Changed: s.Changed.UTC(),
			})
		}
	})
	return out
}

func (a *API) getShelves(c echo.Context) error {
	if err := a.fresh(c, a.s.Register.WaitFor); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, list[slotView]{Items: a.slotViews(ledger.StoreID(c.QueryParam("store")))})
}

// postShelfChange records what was no shopping. Its time is placed on our
// clock.
func (a *API) postShelfChange(c echo.Context) error {
	req, err := bodyOf[vision.ShelfChange](c)
	if err != nil {
		return err
	}
	store := ledger.StoreID(c.Param("store"))
	if err := atStore(c, store); err != nil {
		return err
	}
	var known bool
	a.s.Register.View(func(r *register.Register) { known = r.Seller(store).Name != "" })
	if !known || strings.Contains(string(req.Sensor), ":") {
		return errNotFound
	}
	draft, err := ledger.NewDraft(ledger.Meta{
		ID: req.ID, Occurred: placed(req.OccurredAt, req.Offset), Actor: actor(c), Trace: traceOf(c),
	}, ledger.ShelfChanged{
		Store: store, Sensor: req.Sensor, Slot: req.Slot, SKU: req.SKU, Home: req.Home, Purpose: req.Purpose, Action: req.Action,
		Quantity: req.Quantity, Confidence: req.Confidence, Left: req.Left, Sure: req.Sure, Untidy: req.Untidy, Model: req.Model,
		ClockOffset: req.Offset,
	})
	if err != nil {
		return err
	}
	records, err := a.s.Log.Append(c.Request().Context(), ledger.DeviceStream(store, req.Sensor), ledger.Any(), draft)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, commandView{Event: records[0].ID, Position: records[0].Position})
}

// shelvesPage shows the operator what cameras say of the shelves beyond
// shopping: how much is left, what stands in the wrong place, what staff did.
func (a *API) shelvesPage(c echo.Context) error {
	if err := a.fresh(c, a.s.Register.WaitFor); err != nil {
		return err
	}
	v := web.ShelvesPage{Frame: frame(c, "Shelves", "devices")}
	for _, s := range a.slotViews("") {
		v.Items = append(v.Items, a.shelfItem(s))
	}
	return a.render(c, http.StatusOK, "shelves", v)
}

func (a *API) shelfItem(s slotView) web.ShelfItem {
	var seller ledger.Seller
	var planned, stray, last string
	a.s.Register.View(func(r *register.Register) {
		seller = r.Seller(s.Store)
		planned, stray, last = r.Product(s.Planned), r.Product(s.Stray), r.Product(s.SKU)
	})
	it := web.ShelfItem{
		Shop: string(s.Store), Sensor: string(s.Sensor), Slot: s.Slot, Product: planned,
		Left: fmt.Sprintf("%d, %d %% sure", s.Left, (int(s.Sure)+5)/10), State: web.Chip{Text: "Tidy", Tone: "good"},
		Last: fmt.Sprintf("%s: %d × %s %s", purposeWords[s.Purpose], s.Quantity, last, done[s.Action]),
		At:   s.Changed.In(zoneOf(seller.Timezone)).Format("2 January, 15:04:05"),
	}
	switch {
	case s.Untidy:
		it.State = web.Chip{Text: "Untidy", Tone: "bad"}
		if stray != "" {
			it.Stray = stray + " belongs to " + s.Home
		}
	case s.Left == 0:
		it.State = web.Chip{Text: "Empty", Tone: "wait"}
	}
	return it
}

var purposeWords = map[ledger.ShelfPurpose]string{
	ledger.ShelfRestocking: "restocked", ledger.ShelfTidying: "tidied", ledger.ShelfClearing: "cleared", ledger.ShelfStraying: "astray",
}
