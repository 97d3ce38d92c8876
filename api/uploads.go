package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

const (
	// uploadTime is for the largest clip over a shop's slow line.
	uploadTime = 5 * time.Minute
	// uploadOffset says in an answer from which byte on an upload goes on.
	uploadOffset = "Upload-Offset"
)

type evidenceView struct {
	Digest ledger.Digest `json:"digest"`
	Bytes  int64         `json:"bytes"`
}

// owner reads from the query whose key a piece is for.
func owner(c echo.Context) evidence.Owner {
	return evidence.Owner{Visit: ledger.VisitID(c.QueryParam("visit")), Original: c.QueryParam("original") == "true"}
}

// putEvidence takes a piece as a whole, or with a Content-Range a part of it.
func (a *API) putEvidence(c echo.Context) error {
	d := ledger.Digest(c.Param("digest"))
	if c.Request().ContentLength > a.s.Evidence.MaxBytes() {
		return newProblem(http.StatusRequestEntityTooLarge, "too_large", "")
	}
	extend(c, uploadTime, uploadTime+gateWait)
	if text := c.Request().Header.Get("Content-Range"); text != "" {
		return a.putPart(c, d, text)
	}
	info, err := a.s.Evidence.PutAs(c.Request().Context(), owner(c), c.Request().Body, d)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if info.Existed {
		status = http.StatusOK
	}
	return c.JSON(status, evidenceView{Digest: info.Digest, Bytes: info.Bytes})
}

func (a *API) putPart(c echo.Context, d ledger.Digest, text string) error {
	at, err := parseRange(text)
	if err != nil {
		return err
	}
	next, err := a.s.Evidence.PutPart(c.Request().Context(), owner(c), at, c.Request().Body, d)
	var off *evidence.OffsetError
	switch {
	case errors.As(err, &off):
		c.Response().Header().Set(uploadOffset, strconv.FormatInt(off.Want, 10))
		return err
	case err != nil:
		return err
	}
	c.Response().Header().Set(uploadOffset, strconv.FormatInt(next, 10))
	status := http.StatusAccepted
	if next == at.Total {
		status = http.StatusCreated
	}
	return c.JSON(status, evidenceView{Digest: d, Bytes: next})
}

// parseRange reads "bytes FIRST-LAST/TOTAL".
func parseRange(text string) (evidence.Range, error) {
	var first, last, total int64
	n, err := fmt.Sscanf(text, "bytes %d-%d/%d", &first, &last, &total)
	if err != nil || n != 3 || fmt.Sprintf("bytes %d-%d/%d", first, last, total) != text || first < 0 || last < first || last >= total {
		return evidence.Range{}, newProblem(http.StatusBadRequest, "bad_request", "Content-Range is bytes FIRST-LAST/TOTAL")
	}
	return evidence.Range{First: first, Bytes: last - first + 1, Total: total}, nil
}

// sayOffset tells a device how far an upload of what is not there came.
func (a *API) sayOffset(c echo.Context, d ledger.Digest, err error) error {
	if k := caller(c); !errors.Is(err, evidence.ErrMissing) || k.Role != keys.Device && k.Role != keys.Operator {
		return nil
	}
	next, err := a.s.Evidence.Offset(c.Request().Context(), owner(c), d)
	if err == nil {
		c.Response().Header().Set(uploadOffset, strconv.FormatInt(next, 10))
	}
	return err
}
