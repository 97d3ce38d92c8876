package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

type priceListView struct {
	Store         ledger.StoreID `json:"store"`
	At            time.Time      `json:"at"`
	Currency      money.Currency `json:"currency"`
	WeighGrams    int            `json:"weigh_grams"`
	WeighPerMille int            `json:"weigh_per_mille"`
	Products      []listedView   `json:"products"`
}

type listedView struct {
	SKU       ledger.SKU       `json:"sku"`
	GTIN      string           `json:"gtin,omitempty"`
	Name      string           `json:"name"`
	Unit      money.Money      `json:"unit"`
	Per       ledger.PriceUnit `json:"per,omitempty"`
	TareGrams int              `json:"tare_grams,omitempty"`
	Deposit   *money.Money     `json:"deposit,omitempty"`
	MinAge    int              `json:"min_age,omitempty"`
	Grams     int              `json:"grams,omitempty"`
	TaxAdded  bool             `json:"tax_added,omitempty"` // tax comes on top of unit
}

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
	v := priceListView{
		Store: l.Store, At: l.At, Currency: l.Currency, WeighGrams: l.WeighGrams, WeighPerMille: l.WeighPerMille,
		Products: []listedView{},
	}
	for _, p := range l.Products {
		out := listedView{
			SKU: p.SKU, GTIN: p.GTIN, Name: p.Name, Unit: p.Unit, Per: p.Per, TareGrams: p.TareGrams, MinAge: p.MinAge,
			Grams: p.Grams, TaxAdded: !p.Tax.Inclusive,
		}
		if p.Deposit.Amount.Minor != 0 {
			out.Deposit = &p.Deposit.Amount
		}
		v.Products = append(v.Products, out)
	}
	return c.JSON(http.StatusOK, v)
}
