// Package reverify looks at the stored evidence of a visit again, with the
// same model or a newer one, and tells the server what it found. That stands
// beside the claim; nothing else follows from it.
package reverify

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/recognise"
)

// ErrRefused means that the server did not take a request; its words say why.
var ErrRefused = errors.New("the server refused")

// Recogniser says which product a picture shows.
type Recogniser interface {
	Recognise(p recognise.Picture) (recognise.Answer, error)
	Label() string // "name@version sha256:…"
}

// Detection is a claim of a visit, as the server lists it.
type Detection struct {
	ID       ledger.ID                `json:"id"`
	Occurred time.Time                `json:"occurred_at"`
	Claim    ledger.DetectionRecorded `json:"claim"`
}

// Server is what is asked of a server; [Client] is one.
type Server interface {
	// Detections lists the claims of a visit.
	Detections(ctx context.Context, visit ledger.VisitID) ([]Detection, error)
	// Evidence returns stored bytes.
	Evidence(ctx context.Context, d ledger.Digest) ([]byte, error)
	// Send tells what was found. The same finding may be sent again.
	Send(ctx context.Context, visit ledger.VisitID, f Finding) (ledger.Agreement, error)
}

// Place is a part of a picture of a size.
type Place struct {
	Part image.Rectangle
	Of   image.Point
}

// Config says with what a visit is looked at. Server, Recogniser and Now are
// needed.
type Config struct {
	Server     Server
	Recogniser Recogniser
	Now        func() time.Time
	// Digest is that of the recogniser's file.
	Digest ledger.Digest
	// Place returns where a slot lies in a camera's pictures, for detections
	// whose own evidence does not say.
	Place func(sensor ledger.DeviceID, slot string) (Place, bool)
	// DryRun tells the server nothing.
	DryRun bool
}

// Finding is what was seen in the evidence of one detection.
type Finding struct {
	ID        ledger.ID // of the event
	Occurred  time.Time
	Claim     ledger.DetectionRecorded
	Detection ledger.ID
	Model     string
	Digest    ledger.Digest
	Items     []ledger.ItemHypothesis // empty if it shows nothing the model knows
	Evidence  []ledger.EvidenceRef
	Agreement ledger.Agreement
	// Skipped says why nothing could be looked at; then nothing is sent.
	Skipped string
}

// Run looks at all detections of a visit, and calls emit for each.
func Run(ctx context.Context, cfg Config, visit ledger.VisitID, emit func(Finding) error) error {
	detections, err := cfg.Server.Detections(ctx, visit)
	if err != nil {
		return fmt.Errorf("detections of %s: %w", visit, err)
	}
	for _, d := range detections {
		f, err := cfg.look(ctx, d)
		if err != nil {
			return fmt.Errorf("detection %s: %w", d.ID, err)
		}
		if f.Skipped == "" && !cfg.DryRun {
			if f.Agreement, err = cfg.Server.Send(ctx, visit, f); err != nil {
				return fmt.Errorf("detection %s: %w", d.ID, err)
			}
		}
		if err := emit(f); err != nil {
			return err
		}
	}
	return nil
}

// look asks the model about one detection. Only broken evidence is an error:
// it would be found by an audit too.
func (cfg Config) look(ctx context.Context, d Detection) (Finding, error) {
	f := Finding{
		// One model says one thing of one detection, however often it is asked.
		ID: ledger.DeriveID(d.ID, "reverified", string(cfg.Digest)), Occurred: ledger.Instant(cfg.Now()),
		Claim: d.Claim, Detection: d.ID, Model: cfg.Recogniser.Label(), Digest: cfg.Digest,
	}
	ref, ok := pictureOf(d.Claim)
	if !ok {
		f.Skipped = "it has no picture that shows the item"
		return f, nil
	}
	place, boxes, ok, err := cfg.place(ctx, d.Claim, ref.Role)
	if err != nil {
		return f, err
	}
	if !ok {
		f.Skipped = "nothing says where in the picture the item is; give the camera's planogram"
		return f, nil
	}
	b, err := cfg.Server.Evidence(ctx, ref.Digest)
	if err != nil {
		f.Skipped = fmt.Sprintf("its picture cannot be had: %v", err)
		return f, nil //nolint:nilerr // expired or not arrived: said, and the others are looked at
	}
	p, err := recognise.DecodePart(b, place.Part, place.Of)
	if err != nil {
		return f, err
	}
	a, err := cfg.Recogniser.Recognise(p)
	if err != nil {
		return f, err
	}
	f.Items, f.Evidence = items(a), append([]ledger.EvidenceRef{ref}, boxes...)
	f.Agreement = ledger.DetectionReverified{Items: f.Items}.AgreementWith(d.Claim)
	return f, nil
}

// pictureOf returns the picture that shows the item: what was taken is seen
// before, what was put back is seen after.
func pictureOf(claim ledger.DetectionRecorded) (ledger.EvidenceRef, bool) {
	role := ledger.RoleBefore
	if len(claim.Actions) > 0 && claim.Actions[0].Action != ledger.ActionTake {
		role = ledger.RoleAfter
	}
	for _, r := range claim.Evidence {
		if r.Role == role && r.Of == "" {
			return r, true
		}
	}
	return ledger.EvidenceRef{}, false
}

// items turns an answer into the ledger's readings. What the model does not
// know is no reading.
func items(a recognise.Answer) []ledger.ItemHypothesis {
	out := []ledger.ItemHypothesis{}
	if !a.Known {
		return out
	}
	for _, r := range a.Readings {
		if c := ledger.PerMille(math.Round(1000 * r.Confidence)); c > 0 {
			out = append(out, ledger.ItemHypothesis{SKU: ledger.SKU(r.SKU), Confidence: c})
		}
	}
	return out
}
