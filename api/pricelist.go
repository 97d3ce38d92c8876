package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

// getPriceList gives a device of the shop what it sells now, so that a cart
// can show prices while it is cut off.
func (a *API) getPriceList(c echo.Context) error {
	store := ledger.StoreID(c.Param("store"))
	if err := atStore(c, store); err != nil {
		return err
	}
	if err := a.s.Desk.Live().Sync(c.Request().Context()); err != nil {
		return err
	}
	var l engine.PriceList
	var err error
	a.s.Desk.Live().View(func(e *engine.Engine) { l, err = e.PriceList(store, ledger.Instant(a.s.Now())) })
	if err != nil {
		return err
	}
	v := vision.PriceList{
		Store: l.Store, At: l.At, Currency: l.Currency, WeighGrams: l.WeighGrams, WeighPerMille: l.WeighPerMille,
		Products: []vision.Product{},
	}
	for _, p := range l.Products {
		out := vision.Product{
			SKU: p.SKU, GTIN: p.GTIN, Name: p.Name, Unit: p.Unit, Per: p.Per, TareGrams: p.TareGrams, MinAge: p.MinAge,
			Grams: p.Grams, TaxAdded: !p.Tax.Inclusive,
		}
		if p.Deposit.Amount.Minor != 0 {
			out.Deposit = p.Deposit.Amount
		}
		v.Products = append(v.Products, out)
	}
	return c.JSON(http.StatusOK, v)
}
