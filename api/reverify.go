package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

// reverifiedView is what is answered to it.
type reverifiedView struct {
	Event     ledger.ID        `json:"event"`
	Detection ledger.ID        `json:"detection"`
	Agreement ledger.Agreement `json:"agreement"`
	Duplicate bool             `json:"duplicate"`
}

// detectionView is a claim with what second looks found.
type detectionView struct {
	ID         ledger.ID                `json:"id"`
	Occurred   time.Time                `json:"occurred_at"`
	Claim      ledger.DetectionRecorded `json:"claim"`
	Reverified []lookView               `json:"reverified"`
}

type lookView struct {
	Event    ledger.ID                  `json:"event"`
	Occurred time.Time                  `json:"occurred_at"`
	Found    ledger.DetectionReverified `json:"found"`
}

// getDetections lists what sensors claimed of a visit, and what was found when
// it was looked at again. A device is not told of other visits.
func (a *API) getDetections(c echo.Context) error {
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	out := []detectionView{}
	for _, e := range s.events {
		switch p := e.Payload.(type) { // claims and second looks
		case ledger.DetectionRecorded:
			if caller(c).Role == keys.Device {
				p.Persons, p.Presence = own(p.Persons, s.visit), own(p.Presence, s.visit)
			}
			out = append(out, detectionView{ID: e.ID, Occurred: e.Occurred, Claim: p, Reverified: []lookView{}})
		case ledger.DetectionReverified:
			if i := slices.IndexFunc(out, func(d detectionView) bool { return d.ID == p.Detection }); i >= 0 {
				out[i].Reverified = append(out[i].Reverified, lookView{Event: e.ID, Occurred: e.Occurred, Found: p})
			}
		}
	}
	return c.JSON(http.StatusOK, list[detectionView]{Items: out})
}

// postReverification takes what a model found in the stored evidence of one of
// the visit's detections.
func (a *API) postReverification(c echo.Context) error {
	req, err := bodyOf[vision.Reverification](c)
	if err != nil {
		return err
	}
	s, err := a.storyFor(c, ledger.VisitID(c.Param("visit")))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(s.events, func(e ledger.Event) bool {
		return e.ID == req.Detection && e.Kind == ledger.KindDetectionRecorded
	}) {
		return errNotFound
	}
	rec, err := a.s.Desk.Reverify(c.Request().Context(), engine.ReverifyCommand{
		ID: req.ID, Occurred: ledger.Instant(req.OccurredAt), Actor: actor(c), Trace: traceOf(c),
		Found: ledger.DetectionReverified{
			Detection: req.Detection, Model: req.Model, ModelDigest: req.ModelDigest, Items: req.Items,
			Actions: req.Actions, Evidence: req.Evidence,
		},
	})
	if err != nil {
		return err
	}
	p, err := ledger.Unmarshal(rec.Kind, rec.Body)
	if err != nil {
		return err
	}
	found, ok := p.(ledger.DetectionReverified)
	if !ok {
		return newProblem(http.StatusUnprocessableEntity, "id_reused", "")
	}
	status := http.StatusCreated
	if rec.Duplicate {
		status = http.StatusOK
	}
	return c.JSON(status, reverifiedView{
		Event: rec.ID, Detection: found.Detection, Agreement: found.Agreement, Duplicate: rec.Duplicate,
	})
}

// tellReverified words a second look.
func (n names) tellReverified(p ledger.DetectionReverified) said {
	s := said{title: "Looked at again: ", icon: "eye", family: "sensor", minor: p.Agreement == ledger.AgreementAgrees}
	switch p.Agreement {
	case ledger.AgreementAgrees:
		s.title += "it agrees"
	case ledger.AgreementDiffers:
		s.title, s.icon, s.family = s.title+"it differs", "ask", "review"
	case ledger.AgreementUnsure:
		s.title, s.icon, s.family = s.title+"not sure", "ask", "review"
	}
	s.text = n.foundSaid(p) + " It changes nothing by itself."
	return s
}

// foundSaid is what a second look found, in one sentence.
func (n names) foundSaid(p ledger.DetectionReverified) string {
	name, _, _ := strings.Cut(p.Model, " ")
	if len(p.Items) == 0 {
		return name + " sees nothing that it knows."
	}
	text := name + " sees " + n.product(p.Items[0].SKU) + " (" + percent(p.Items[0].Confidence) + " %)"
	if len(p.Actions) > 0 {
		text += ", " + done[p.Actions[0].Action]
	}
	return text + "."
}

// looks are the second looks at a detection, for the desks.
func (t *teller) looks(detection ledger.ID) []web.Look {
	var out []web.Look
	for _, e := range t.s.events {
		p, ok := e.Payload.(ledger.DetectionReverified)
		if !ok || p.Detection != detection {
			continue
		}
		l := web.Look{Text: t.foundSaid(p), When: t.moment(e.Occurred), Digest: string(p.ModelDigest)}
		switch p.Agreement {
		case ledger.AgreementAgrees:
			l.State = web.Chip{Text: "Agrees", Tone: "good"}
		case ledger.AgreementDiffers:
			l.State = web.Chip{Text: "Differs", Tone: "bad"}
		case ledger.AgreementUnsure:
			l.State = web.Chip{Text: "Not sure", Tone: "wait"}
		}
		out = append(out, l)
	}
	return out
}
