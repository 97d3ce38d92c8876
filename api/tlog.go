package api

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// The tree of the ledger, as C2SP tlog-tiles wants it served. Checkpoints and
// tiles are hashes and open to all: whoever holds a receipt can check its
// proof against them. Bundles hold the envelopes of all events, which name
// visits, devices and people, so they are for auditors.

const tlogCache = "max-age=31536000, immutable" // a tile never changes

// tlogFresh lets a proxy keep a checkpoint, and ask each time.
const tlogFresh = "no-cache"

func (a *API) getCheckpoint(c echo.Context) error {
	return a.tlog(c, "checkpoint", "text/plain; charset=utf-8", tlogFresh)
}

func (a *API) getTile(c echo.Context) error {
	if c.Param("level") == "entries" {
		return errNotFound // written otherwise, so that it passed by the route for auditors
	}
	return a.tlog(c, "tile/"+c.Param("level")+"/"+c.Param("*"), echo.MIMEOctetStream, "public, "+tlogCache)
}

func (a *API) getBundle(c echo.Context) error {
	return a.tlog(c, "tile/entries/"+c.Param("*"), echo.MIMEOctetStream, "private, "+tlogCache)
}

func (a *API) tlog(c echo.Context, name, kind, cache string) error {
	if caller(c).ID == "" && !a.limits.allowReader(c.RealIP(), a.s.Now()) {
		return tooMany(c)
	}
	if a.s.Tlog == nil {
		return errNotFound
	}
	b, err := a.s.Tlog(name)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", cache)
	return c.Blob(http.StatusOK, kind, b)
}
