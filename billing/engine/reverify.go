package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// Reverify keeps, beside a detection, what a model found in its stored
// evidence. How that stands to the claim is decided here and not by who
// looked. Nothing follows from it: a line changes when a person says so.
func (d *Desk) Reverify(ctx context.Context, c ReverifyCommand) (Recorded, error) {
	if rec, err := d.reverified(ctx, c); !errors.Is(err, ledger.ErrNotFound) {
		return rec, err
	}
	ev, claim, err := d.Detection(ctx, c.Found.Detection)
	if err != nil {
		return Recorded{}, err
	}
	for _, r := range c.Found.Evidence {
		if !slices.Contains(claim.Evidence, r) {
			return Recorded{}, fmt.Errorf("second look at %s: %s: %w", ev.ID, r.Digest, ErrOtherEvidence)
		}
	}
	c.Found.Agreement = c.Found.AgreementWith(claim)
	m := ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.Actor, Trace: c.Trace, Cause: ev.ID}
	rec, err := d.commit(ctx, m, func(*Engine) (proposal, error) {
		return proposal{ev.Stream, ledger.Exists(), c.Found}, nil
	})
	if errors.Is(err, ledger.ErrIDReused) { // sent twice at once
		return d.reverified(ctx, c)
	}
	return rec, err
}

// reverified returns the event of a second look that is stored already.
func (d *Desk) reverified(ctx context.Context, c ReverifyCommand) (Recorded, error) {
	if c.ID.IsZero() {
		return Recorded{}, ledger.ErrNotFound
	}
	r, err := d.live.log.Find(ctx, c.ID)
	if err != nil {
		return Recorded{}, err
	}
	ev, err := ledger.Decode(r)
	if err != nil {
		return Recorded{}, err
	}
	stored, ok := ev.Payload.(ledger.DetectionReverified)
	c.Found.Agreement = stored.Agreement
	if !ok || !samePayload(stored, c.Found) {
		return Recorded{}, fmt.Errorf("second look %s: %w", c.ID, ledger.ErrIDReused)
	}
	return Recorded{Record: r, Duplicate: true}, nil
}

// Detection returns a detection as it was recorded, wherever it is.
func (d *Desk) Detection(ctx context.Context, id ledger.ID) (ledger.Event, ledger.DetectionRecorded, error) {
	r, err := d.live.log.Find(ctx, id)
	if err != nil {
		return ledger.Event{}, ledger.DetectionRecorded{}, fmt.Errorf("detection %s: %w", id, err)
	}
	ev, err := ledger.Decode(r)
	if err != nil {
		return ledger.Event{}, ledger.DetectionRecorded{}, err
	}
	p, ok := ev.Payload.(ledger.DetectionRecorded)
	if !ok {
		return ledger.Event{}, p, fmt.Errorf("detection %s is a %s: %w", id, ev.Kind, ledger.ErrNotFound)
	}
	return ev, p, nil
}
