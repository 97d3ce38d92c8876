package api

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
)

type detectionRequest struct {
	ID        ledger.ID                `json:"id"`
	Occurred  time.Time                `json:"occurred_at"`
	Actor     string                   `json:"actor"`
	Detection ledger.DetectionRecorded `json:"detection"`
}

type recordedView struct {
	ID        ledger.ID       `json:"id"`
	Stream    ledger.StreamID `json:"stream"`
	Revision  uint64          `json:"revision"`
	Position  uint64          `json:"position"`
	Duplicate bool            `json:"duplicate"`
}

type notRecordedView struct {
	ID      string   `json:"id"`
	Problem *problem `json:"problem"`
}

// postDetections takes one detection, or a list whose items are answered each
// on its own: a shop's outbox must not stand still for one bad item.
func (a *API) postDetections(c echo.Context) error {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	body = bytes.TrimSpace(body)
	if !bytes.HasPrefix(body, []byte("[")) {
		out, err := a.record(c, body)
		if err != nil {
			a.metrics.detections.WithLabelValues("refused").Inc()
			return err
		}
		if out.Duplicate {
			return c.JSON(http.StatusOK, out)
		}
		return c.JSON(http.StatusCreated, out)
	}
	var items []json.RawMessage
	if err := decodeStrict(body, &items); err != nil {
		return err
	}
	if len(items) == 0 || len(items) > maxBatchItems {
		return invalid("body", "want 1 to "+strconv.Itoa(maxBatchItems)+" detections")
	}
	extend(c, 0, batchWait)
	answers := make([]any, 0, len(items))
	for _, item := range items {
		out, err := a.record(c, item)
		if err != nil {
			p := problemOf(err)
			if p.Status >= http.StatusInternalServerError {
				return err // nothing is wrong with the item: the whole list is sent again
			}
			a.metrics.detections.WithLabelValues("refused").Inc()
			answers = append(answers, notRecordedView{ID: idIn(item), Problem: p})
			continue
		}
		answers = append(answers, out)
	}
	return c.JSON(http.StatusOK, answers)
}

// batchWait is the time for a full batch on a slow disk.
const batchWait = 2 * time.Minute

func (a *API) record(c echo.Context, item []byte) (recordedView, error) {
	req, err := a.detection(item)
	if err != nil {
		return recordedView{}, err
	}
	if err := atStore(c, req.Detection.Store); err != nil {
		return recordedView{}, err
	}
	if len(req.Detection.Presence) > 0 {
		return recordedView{}, invalid("body.detection.presence", "the server fills this in; send none")
	}
	if req.Actor == "" {
		req.Actor = actor(c)
	}
	if caller(c).Role == keys.Device && !strings.HasPrefix(req.Actor, "device:") {
		return recordedView{}, invalid("body.actor", "a device speaks for devices: device:<name>")
	}
	r, err := a.s.Desk.Record(c.Request().Context(), engine.RecordCommand{
		ID: req.ID, Occurred: placed(req.Occurred, req.Detection.ClockOffset), Actor: req.Actor, Trace: traceOf(c), Detection: req.Detection,
	})
	if err != nil {
		return recordedView{}, err
	}
	outcome := "recorded"
	if r.Duplicate {
		outcome = "duplicate"
	}
	a.metrics.detections.WithLabelValues(outcome).Inc()
	return recordedView{
		ID: r.ID, Stream: r.Stream, Revision: r.Revision, Position: r.Position, Duplicate: r.Duplicate,
	}, nil
}

// detection checks one item against the document and decodes it.
func (a *API) detection(item []byte) (detectionRequest, error) {
	var req detectionRequest
	var v any
	if err := decodeStrict(item, &v); err != nil {
		return req, err
	}
	if err := a.document.checkSchema("DetectionRequest", v); err != nil {
		return req, err
	}
	return req, decodeStrict(item, &req)
}

// idIn returns the id of a refused item, so that its sender finds it again.
func idIn(item []byte) string {
	var v struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(item, &v) // an item without an id is found by its place
	return v.ID
}
