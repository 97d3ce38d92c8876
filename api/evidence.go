package api

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/ledger"
)

const (
	// checkedBytes is up to where evidence is read whole, and its digest taken
	// again, before any of it is served.
	checkedBytes = 16 << 20
)

// mayShow says whether evidence may be shown to the caller. A shopper sees
// what an event of a visit of their own names, says in which, and never sees an
// original: somebody else's face may be in it.
func (a *API) mayShow(c echo.Context, d ledger.Digest) error {
	if err := d.Validate(); err != nil {
		return errNotFound
	}
	if caller(c).Role != keys.Shopper {
		return nil
	}
	s, err := a.storyFor(c, ledger.VisitID(c.QueryParam("visit")))
	if err != nil {
		return err
	}
	err = errNotFound
	for _, e := range s.events {
		for _, ref := range evidenceOf(e.Payload) {
			switch {
			case ref.Digest != d:
			case !ref.Original():
				return nil
			default:
				err = newProblem(http.StatusForbidden, "not_blurred", "ask for its blurred copy, if the event names one")
			}
		}
	}
	return err
}

// evidenceOf returns what an event names as its evidence.
func evidenceOf(p ledger.Payload) []ledger.EvidenceRef {
	switch p := p.(type) { // the kinds with evidence
	case ledger.DetectionRecorded:
		return p.Evidence
	case ledger.DetectionAttributed:
		return p.Evidence
	case ledger.DetectionReverified:
		return p.Evidence
	case ledger.CartWeighed:
		return p.Evidence
	}
	return nil
}

func (a *API) headEvidence(c echo.Context) error {
	d := ledger.Digest(c.Param("digest"))
	if err := a.mayShow(c, d); err != nil {
		return err
	}
	info, err := a.s.Evidence.Stat(c.Request().Context(), d)
	if err != nil {
		return errors.Join(a.gone(c.Request().Context(), d, err), a.sayOffset(c, d, err))
	}
	c.Response().Header().Set(echo.HeaderContentLength, strconv.FormatInt(info.Bytes, 10))
	return c.NoContent(http.StatusOK)
}

func (a *API) getEvidence(c echo.Context) error {
	d := ledger.Digest(c.Param("digest"))
	if err := a.mayShow(c, d); err != nil {
		return err
	}
	info, err := a.s.Evidence.Stat(c.Request().Context(), d)
	if err != nil {
		return a.gone(c.Request().Context(), d, err)
	}
	if info.Bytes <= checkedBytes {
		if err := a.s.Evidence.Check(c.Request().Context(), d); err != nil {
			return err
		}
	}
	f, err := a.s.Evidence.Get(c.Request().Context(), d)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	kind, err := mediaType(f)
	if err != nil {
		return err
	}
	if err := a.viewed(c, d); err != nil {
		return err
	}
	extend(c, 0, uploadTime)
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, kind)
	h.Set("ETag", `"`+string(d)+`"`)
	h.Set("Cache-Control", "private, max-age=3600, immutable")
	if kind == echo.MIMEOctetStream {
		h.Set(echo.HeaderContentDisposition, "attachment")
	}
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, f)
	return nil
}

// viewed writes down that a person of the staff looked at a piece of evidence,
// once for each day. Whoever contests a bank's claim says who did.
func (a *API) viewed(c echo.Context, d ledger.Digest) error {
	if k := caller(c); k.Role == keys.Shopper || k.Role == keys.Device {
		return nil
	}
	at := ledger.Instant(a.s.Now())
	draft, err := ledger.NewDraft(ledger.Meta{
		ID: ledger.DeriveID(ledger.ID{}, "viewed", string(d), actor(c), at.Format(time.DateOnly)), Occurred: at, Actor: actor(c),
		Trace: traceOf(c),
	}, ledger.EvidenceViewed{Digest: d, By: actor(c)})
	if err != nil {
		return err
	}
	_, err = a.s.Log.Append(c.Request().Context(), ledger.EvidenceStream(d), ledger.Any(), draft)
	if errors.Is(err, ledger.ErrIDReused) { // seen today already, at another moment
		return nil
	}
	return err
}

// mediaType looks at the bytes and not at what a device called them: nothing
// but pictures and clips is ever shown by a browser.
func mediaType(f io.ReaderAt) (string, error) {
	head := make([]byte, 512)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	kind := http.DetectContentType(head[:n])
	for _, ok := range []string{"image/jpeg", "image/png", "image/webp", "video/mp4", "video/webm"} {
		if kind == ok {
			return kind, nil
		}
	}
	if strings.HasPrefix(kind, "text/plain") {
		return "text/plain; charset=utf-8", nil // a scale's trace
	}
	return echo.MIMEOctetStream, nil
}
