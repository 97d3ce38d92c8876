package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/register"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

const (
	// maxSettingsWait bounds how long a device may wait for new settings, below
	// what proxies usually hang up after.
	maxSettingsWait = 55 * time.Second
	// silentAfter is how long a device may not be heard of. It asks for its
	// settings again as soon as it was answered, so this is two questions.
	silentAfter = 2 * time.Minute
	// settingsTries is how often settings are appended while the device itself
	// reports into the same stream.
	settingsTries = 5
)

func (a *API) deviceRoutes() []route {
	get, post, put := http.MethodGet, http.MethodPost, http.MethodPut
	return []route{
		{method: get, path: "/v1/time", roles: devices, handle: a.getTime},
		{method: get, path: "/v1/devices", roles: caretakers, handle: a.getDevices},
		{method: get, path: "/v1/shops/:store/devices/:device/settings", roles: devices, handle: a.getSettings},
		{
			method: put, path: "/v1/shops/:store/devices/:device/settings", roles: operators, repeats: true,
			limit: ledger.MaxSettings + maxBody, handle: a.putSettings,
		},
		{method: post, path: "/v1/shops/:store/devices/:device/reports", roles: devices, limit: maxBatchBody, handle: a.postReport},
	}
}

// heard remembers when devices last asked for something. It is lost when the
// server stops, and so says nothing before the server has run for a while.
type heard struct {
	mu    sync.Mutex
	since time.Time
	of    map[ledger.StreamID]time.Time
}

func newHeard(now time.Time) *heard { return &heard{since: now, of: map[ledger.StreamID]time.Time{}} }

func (h *heard) note(s ledger.StreamID, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.of[s] = now
}

// last returns when the device was heard of, and whether it is silent.
func (h *heard) last(s ledger.StreamID, reported, now time.Time) (at time.Time, silent bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at = h.of[s]
	if at.IsZero() {
		at = reported
		return at, now.Sub(h.since) > silentAfter && now.Sub(at) > silentAfter
	}
	return at, now.Sub(at) > silentAfter
}

// placed returns a moment of a device's clock on the server's.
func placed(at time.Time, offsetMS int) time.Time {
	return ledger.Instant(at.Add(time.Duration(offsetMS) * time.Millisecond))
}

type timeView struct {
	Received time.Time `json:"received_at"`
	Sent     time.Time `json:"sent_at"`
}

// getTime gives the two moments of the server that a device compares its own
// two with.
func (a *API) getTime(c echo.Context) error {
	received := a.s.Now().UTC()
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, timeView{Received: received, Sent: a.s.Now().UTC()})
}

type deviceView struct {
	Store      ledger.StoreID     `json:"store"`
	Device     ledger.DeviceID    `json:"device"`
	Program    string             `json:"program"`
	Configured int                `json:"configured"`
	Running    int                `json:"running"`
	Refused    int                `json:"refused"`
	Reason     string             `json:"reason"`
	Offset     int                `json:"clock_offset_ms"`
	Reported   *time.Time         `json:"reported_at,omitempty"`
	Heard      *time.Time         `json:"heard_at,omitempty"`
	Silent     bool               `json:"silent"`
	Trouble    bool               `json:"trouble"`
	Parts      []ledger.PartState `json:"parts"`
}

// deviceViews returns the devices of a shop, or of all.
func (a *API) deviceViews(store ledger.StoreID) []deviceView {
	var rows []register.Device
	a.s.Register.View(func(r *register.Register) { rows = r.DevicesOf(store) })
	out := []deviceView{}
	for _, d := range rows {
		v := deviceView{
			Store: d.Store, Device: d.Device, Program: d.Report.Program, Configured: d.Configured, Running: d.Report.Running,
			Refused: d.Report.Refused, Reason: d.Report.Reason, Offset: d.Report.ClockOffset,
			Parts: append([]ledger.PartState{}, d.Report.Parts...),
		}
		if !d.Reported.IsZero() {
			v.Reported = &d.Reported
		}
		at, silent := a.heard.last(ledger.DeviceStream(d.Store, d.Device), d.Reported, a.s.Now())
		v.Silent, v.Trouble = silent, silent || v.Refused > 0
		if !at.IsZero() {
			at = at.UTC()
			v.Heard = &at
		}
		for _, p := range v.Parts {
			v.Trouble = v.Trouble || p.State.Trouble()
		}
		out = append(out, v)
	}
	return out
}

func (a *API) getDevices(c echo.Context) error {
	if err := a.fresh(c, a.s.Register.WaitFor); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, list[deviceView]{Items: a.deviceViews(ledger.StoreID(c.QueryParam("store")))})
}

// deviceOf returns the device that a request is about: of a shop that is
// there, and for a device's key of its own shop.
func (a *API) deviceOf(c echo.Context) (ledger.StoreID, ledger.DeviceID, error) {
	store, device := ledger.StoreID(c.Param("store")), ledger.DeviceID(c.Param("device"))
	if err := atStore(c, store); err != nil {
		return "", "", err
	}
	var name string
	a.s.Register.View(func(r *register.Register) { name = r.Seller(store).Name })
	if name == "" || strings.Contains(string(device), ":") {
		return "", "", errNotFound
	}
	return store, device, nil
}

type settingsView struct {
	Version  int             `json:"version"`
	Settings json.RawMessage `json:"settings"`
}

// settings returns the last settings in a device's stream, and the stream's
// length.
func (a *API) settings(ctx context.Context, s ledger.StreamID) (last ledger.DeviceConfigured, next uint64, err error) {
	for r, err := range a.s.Log.Read(ctx, ledger.Query{Stream: s, From: ledger.End, Backwards: true}) {
		if err != nil {
			return last, 0, fmt.Errorf("settings in %s: %w", s, err)
		}
		next = max(next, r.Revision+1)
		if r.Kind != ledger.KindDeviceConfigured {
			continue
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return last, 0, fmt.Errorf("settings in %s: %w", s, err)
		}
		if p, ok := e.Payload.(ledger.DeviceConfigured); ok {
			return p, next, nil
		}
	}
	return last, next, nil
}

// getSettings answers with the settings, or says that they are those the
// device has; with wait it holds the answer back until there are others.
func (a *API) getSettings(c echo.Context) error {
	store, device, err := a.deviceOf(c)
	if err != nil {
		return err
	}
	stream := ledger.DeviceStream(store, device)
	a.heard.note(stream, a.s.Now())
	has := c.Request().Header.Get("If-None-Match")
	wait, _ := strconv.Atoi(c.QueryParam("wait")) // checked against the document
	ctx := c.Request().Context()
	p, next, err := a.settings(ctx, stream)
	if err != nil {
		return err
	}
	if wait > 0 && has == etagOf(p.Version) {
		if p, err = a.awaitSettings(c, stream, next, p, min(time.Duration(wait)*time.Second, maxSettingsWait)); err != nil {
			return err
		}
		a.heard.note(stream, a.s.Now())
	}
	c.Response().Header().Set("ETag", etagOf(p.Version))
	switch {
	case has == etagOf(p.Version):
		return c.NoContent(http.StatusNotModified)
	case p.Version == 0:
		return c.JSON(http.StatusOK, settingsView{Settings: json.RawMessage("{}")})
	}
	return c.JSON(http.StatusOK, settingsView{Version: p.Version, Settings: json.RawMessage(p.Settings)})
}

func etagOf(version int) string { return `"` + strconv.Itoa(version) + `"` }

// awaitSettings returns the next settings, or those it was given when the
// time is over.
func (a *API) awaitSettings(
	c echo.Context, s ledger.StreamID, next uint64, p ledger.DeviceConfigured, wait time.Duration,
) (ledger.DeviceConfigured, error) {
	ctx, cancel := context.WithTimeout(c.Request().Context(), wait)
	defer cancel()
	defer context.AfterFunc(a.closing, cancel)()
	extend(c, 0, wait+liveWrite)
	for r, err := range a.s.Log.Subscribe(ctx, ledger.Query{
		Stream: s, From: next, Kinds: []ledger.Kind{ledger.KindDeviceConfigured},
	}) {
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return p, fmt.Errorf("settings in %s: %w", s, err)
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return p, fmt.Errorf("settings in %s: %w", s, err)
		}
		if set, ok := e.Payload.(ledger.DeviceConfigured); ok {
			return set, nil
		}
	}
	return p, nil
}

type settingsRequest struct {
	// After is the version that the operator changed; without it the settings
	// follow whatever is there.
	After    *int            `json:"after"`
	Settings json.RawMessage `json:"settings"`
}

func (a *API) putSettings(c echo.Context) error {
	store, device, err := a.deviceOf(c)
	if err != nil {
		return err
	}
	req, err := bodyOf[settingsRequest](c)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Compact(&text, req.Settings); err != nil {
		return invalid("body.settings", "want a JSON object")
	}
	if err := vision.CheckSecrets(text.Bytes()); err != nil {
		return invalid("body.settings", err.Error())
	}
	m, err := a.metaOf(c)
	if err != nil {
		return err
	}
	ctx, stream := c.Request().Context(), ledger.DeviceStream(store, device)
	for range settingsTries {
		var rec ledger.Record
		rec, err = a.configure(ctx, stream, m, req.After, ledger.DeviceConfigured{
			Store: store, Device: device, Settings: text.String(), By: actor(c),
		})
		if errors.Is(err, ledger.ErrConflict) {
			continue // the device said something meanwhile
		}
		if err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, commandView{Event: rec.ID, Position: rec.Position})
	}
	return err
}

func (a *API) configure(
	ctx context.Context, s ledger.StreamID, m ledger.Meta, after *int, p ledger.DeviceConfigured,
) (ledger.Record, error) {
	if r, err := a.s.Log.Find(ctx, m.ID); !errors.Is(err, ledger.ErrNotFound) {
		return r, err // the answer to a repeat after a restart
	}
	last, next, err := a.settings(ctx, s)
	if err != nil {
		return ledger.Record{}, err
	}
	if after != nil && *after != last.Version {
		return ledger.Record{}, newProblem(http.StatusConflict, "conflict",
			fmt.Sprintf("The settings are at version %d, not %d.", last.Version, *after))
	}
	p.Version = last.Version + 1
	draft, err := ledger.NewDraft(m, p)
	if err != nil {
		return ledger.Record{}, err
	}
	records, err := a.s.Log.Append(ctx, s, ledger.After(next), draft)
	if err != nil {
		return ledger.Record{}, err
	}
	return records[0], nil
}

// postReport records how a device does. Its times are placed on our clock.
func (a *API) postReport(c echo.Context) error {
	store, device, err := a.deviceOf(c)
	if err != nil {
		return err
	}
	req, err := bodyOf[vision.DeviceReport](c)
	if err != nil {
		return err
	}
	stream := ledger.DeviceStream(store, device)
	a.heard.note(stream, a.s.Now())
	p := ledger.DeviceReported{
		Store: store, Device: device, Program: req.Program, Running: req.Running, Refused: req.Refused, Reason: req.Reason,
		ClockOffset: req.Offset, Parts: []ledger.PartState{},
	}
	for _, part := range req.Parts {
		part.Since = placed(part.Since, req.Offset)
		p.Parts = append(p.Parts, part)
	}
	draft, err := ledger.NewDraft(ledger.Meta{
		ID: req.ID, Occurred: placed(req.OccurredAt, req.Offset), Actor: actor(c), Trace: traceOf(c),
	}, p)
	if err != nil {
		return err
	}
	records, err := a.s.Log.Append(c.Request().Context(), stream, ledger.Any(), draft)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, commandView{Event: records[0].ID, Position: records[0].Position})
}
