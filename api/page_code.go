package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/web"
)

// codePage shows a shopper the code that opens a gate. The device itself makes
// what changes in it.
func (a *API) codePage(c echo.Context) error {
	return a.render(c, http.StatusOK, "code", web.CodePage{Frame: frame(c, "Your code", "code"), Palm: a.s.Palms != nil})
}
