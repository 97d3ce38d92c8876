package watch

import (
	"context"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/evidence"
	"github.com/vouchledger/vouch/vision/footage"
	"github.com/vouchledger/vouch/vision/sidecar"
)

// Keeper stores bytes under their SHA-256; an evidence store is one.
type Keeper = footage.Keeper

// Store returns an evidence store as a Keeper.
func Store(s *evidence.Store) Keeper { return keeper{s} }

type keeper struct{ store *evidence.Store }

// Keep stores b and returns its digest.
func (k keeper) Keep(ctx context.Context, b []byte) (ledger.Digest, error) {
	info, err := k.store.PutBytes(ctx, b)
	return info.Digest, err
}

// leadSeconds is how much of a clip lies before the event.
const leadSeconds = 2.0

// gather stores the evidence of a sighting, whose last frame is after.
func (w *watcher) gather(ctx context.Context, out Sighting, after *cv.Frame) ([]ledger.EvidenceRef, error) {
	m := footage.Maker{Keeper: w.cfg.Keeper, Faces: w.cfg.Faces, Persons: w.cfg.Persons, Things: w.cfg.Detector}
	s := footage.Scene{
		Before: w.ring.at(out.Before), At: w.ring.at(out.Frame), After: after, Rate: w.fps / float64(w.ring.every),
		Place: out.Place, Label: out.SKU, Model: out.Model, Item: PerMille(out.Item), Action: PerMille(out.Act),
	}
	for _, k := range w.ring.since(out.Frame - int(leadSeconds*w.fps)) {
		s.Clip = append(s.Clip, k.frame)
	}
	if w.cfg.Weight != nil {
		s.Weight = w.cfg.Weight(out.Slot, out.At)
	}
	refs, err := m.Make(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", out.Slot, err)
	}
	return refs, nil
}

// A Weigher returns what the scale under a slot read around a moment; nil if
// there is nothing.
type Weigher func(slot string, at time.Time) *sidecar.Weight
