package api

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// readyWait bounds how long a load balancer waits for the log's answer.
const readyWait = 2 * time.Second

type health struct {
	Status string `json:"status"`
}

func (a *API) getHealth(c echo.Context) error { return c.JSON(http.StatusOK, health{"ok"}) }

// getReadiness says whether the log answers; why it does not is for the log
// file, not for a stranger.
func (a *API) getReadiness(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), readyWait)
	defer cancel()
	_, err := a.s.Log.Head(ctx)
	if err == nil && a.s.Ready != nil {
		err = a.s.Ready(ctx)
	}
	if err != nil || a.closing.Err() != nil {
		return newProblem(http.StatusServiceUnavailable, "unavailable", "")
	}
	return c.JSON(http.StatusOK, health{"ok"})
}
