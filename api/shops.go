package api

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/billing/shopfile"
	"github.com/vouchledger/vouch/ledger"
)

// shopAnswer says what a shop file changed.
type shopAnswer struct {
	Store    ledger.StoreID `json:"store"`
	Appended int            `json:"appended"` // events that were not there yet
}

// putShop applies a shop file: prices, products, taxes, rules, planograms.
// Sent again it appends nothing.
func (a *API) putShop(c echo.Context) error {
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	file, err := shopfile.Parse(b)
	if err != nil {
		return err
	}
	if string(file.Store) != c.Param("store") {
		return invalid("store", "The file is about "+string(file.Store)+", the address names another shop.")
	}
	n, err := shopfile.Apply(c.Request().Context(), a.s.Log, file, a.s.Now(), actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shopAnswer{Store: file.Store, Appended: n})
}
