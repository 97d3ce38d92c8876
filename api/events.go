package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/ledger"
)

type eventView struct {
	ID       ledger.ID       `json:"id"`
	Kind     ledger.Kind     `json:"kind"`
	Stream   ledger.StreamID `json:"stream"`
	Revision uint64          `json:"revision"`
	Position uint64          `json:"position"`
	Recorded time.Time       `json:"recorded"`
	Occurred time.Time       `json:"occurred"`
	Actor    string          `json:"actor"`
	Cause    ledger.ID       `json:"cause"`
	Trace    string          `json:"trace"`
	Body     json.RawMessage `json:"body"`
	Redacted bool            `json:"redacted,omitempty"`
}

// viewRecord shows an event as it is stored.
func viewRecord(r ledger.Record) eventView {
	return eventView{
		ID: r.ID, Kind: r.Kind, Stream: r.Stream, Revision: r.Revision, Position: r.Position,
		Recorded: r.Recorded, Occurred: r.Occurred, Actor: r.Actor, Cause: r.Cause, Trace: r.Trace, Body: r.Body,
	}
}

// viewEvent shows an event of a visit to k. Staff sees it as it is stored; a
// shopper sees it without other people: visits that are not theirs, and who
// of the staff decided.
func viewEvent(e ledger.Event, visit ledger.VisitID, k keys.Key) (eventView, error) {
	v := viewRecord(e.Record)
	if k.Role != keys.Shopper {
		return v, nil
	}
	body, err := ledger.Marshal(withoutOthers(e.Payload, visit))
	if err != nil {
		return v, err
	}
	v.Redacted = string(body) != string(e.Body) || v.Trace != "" || v.Actor != staffless(v.Actor)
	v.Body, v.Trace, v.Actor = body, "", staffless(v.Actor)
	return v, nil
}

// staffless keeps the role of an actor and drops the name of a person.
func staffless(actor string) string {
	role, _, ok := strings.Cut(actor, ":")
	if ok && role != string(keys.Device) && role != string(keys.Shopper) {
		return role
	}
	return actor
}

// withoutOthers returns p without other visits and without staff's names. What
// has neither is returned as it is.
func withoutOthers(p ledger.Payload, visit ledger.VisitID) ledger.Payload {
	switch p := p.(type) { // the kinds that can name somebody else
	case ledger.DetectionRecorded:
		p.Persons, p.Presence = own(p.Persons, visit), own(p.Presence, visit)
		return p
	case ledger.DetectionImplicated:
		p.Stream = ledger.VisitStream(visit)
		return p
	case ledger.DetectionAttributed:
		p.Stream = ledger.VisitStream(visit)
		return p
	case ledger.ReviewDecided:
		if p.Visit != visit {
			p.Visit = ""
		}
		p.Reviewer = staffless(p.Reviewer)
		return p
	case ledger.DisputeDecided:
		p.MoveTo, p.Reviewer = "", staffless(p.Reviewer)
		return p
	}
	return p
}

func own(hs []ledger.PersonHypothesis, visit ledger.VisitID) []ledger.PersonHypothesis {
	kept := []ledger.PersonHypothesis{}
	for _, h := range hs {
		if h.Visit == visit {
			kept = append(kept, h)
		}
	}
	return kept
}

type eventPage struct {
	Items []eventView `json:"items"`
	Next  *uint64     `json:"next_from,omitempty"`
}

// getStream shows a stream as it is stored, for auditors.
func (a *API) getStream(c echo.Context) error {
	p, err := pageOf(c)
	if err != nil {
		return err
	}
	stream := ledger.StreamID(c.Param("stream"))
	if stream.Validate() != nil {
		return errNotFound
	}
	var from uint64
	if s := c.QueryParam("from"); s != "" {
		if from, err = strconv.ParseUint(s, 10, 63); err != nil {
			return invalid("query.from", "want a revision")
		}
	}
	out := eventPage{Items: []eventView{}}
	q := ledger.Query{Stream: stream, From: from, Limit: p.limit + 1}
	for r, err := range a.s.Log.Read(c.Request().Context(), q) {
		if err != nil {
			return err
		}
		if len(out.Items) == p.limit {
			out.Next = &r.Revision
			break
		}
		out.Items = append(out.Items, viewRecord(r))
	}
	if len(out.Items) == 0 && from == 0 {
		return errNotFound
	}
	return c.JSON(http.StatusOK, out)
}
