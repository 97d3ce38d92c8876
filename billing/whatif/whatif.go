// Package whatif says what a visit's receipt would have been if other claims
// had counted than those that did: what a second look found in the stored
// evidence, or what a model that is not live yet would have said.
//
// The one idea: the engine is a fold and reads no clock, so what came from
// outside is told to another engine, at the times it came, with the claims
// exchanged; all that the engine itself decides it decides again. Nothing of
// it is written anywhere, and no money is ordered.
//
// # Invariants
//
//   - With no claim exchanged the receipt is the one that was issued, but for
//     its number and what a dispute changed of it.
//   - The same history and claims give the same receipt.
package whatif

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// ErrNoVisit means that nobody showed a credential for the visit: there are no
// rules and no prices by which anything could be billed.
var ErrNoVisit = errors.New("nobody was let in for it")

// A History is what is known of a visit: the events of its stream, of its shop
// and of its catalogue, in the order of the log.
type History struct {
	Visit  ledger.VisitID
	events []ledger.Event
}

// A Claim is what counts of a detection instead of what its sensor said.
// Nothing in Items or in Actions leaves the sensor's.
type Claim struct {
	Detection ledger.ID
	Items     ledger.List[ledger.ItemHypothesis]
	Actions   ledger.List[ledger.ActionHypothesis]
}

// Read reads the history of a visit.
func Read(ctx context.Context, log ledger.Log, v ledger.VisitID) (History, error) {
	h := History{Visit: v}
	if err := h.read(ctx, log, ledger.Query{Stream: ledger.VisitStream(v)}, 0); err != nil {
		return h, err
	}
	at := slices.IndexFunc(h.events, func(e ledger.Event) bool { return e.Kind == ledger.KindGatePresented })
	if at < 0 {
		return h, fmt.Errorf("visit %s: %w", v, ErrNoVisit)
	}
	presented, _ := h.events[at].Payload.(ledger.GatePresented)
	last := h.events[len(h.events)-1].Position
	for _, q := range []ledger.Query{
		{Stream: ledger.StoreStream(presented.Store), Kinds: []ledger.Kind{ledger.KindStoreOpened, ledger.KindPolicySet}},
		{Stream: ledger.CatalogueStream(presented.Catalogue)},
	} {
		if err := h.read(ctx, log, q, last); err != nil {
			return h, err
		}
	}
	slices.SortFunc(h.events, func(a, b ledger.Event) int { return cmp.Compare(a.Position, b.Position) })
	return h, nil
}

// read adds what a query gives; what the visit did not live to see is left out.
func (h *History) read(ctx context.Context, log ledger.Log, q ledger.Query, last uint64) error {
	var d ledger.Decoder
	for r, err := range log.Read(ctx, q) {
		if err == nil && last > 0 && r.Position > last {
			break
		}
		var e ledger.Event
		if err == nil {
			e, err = d.Decode(r)
		}
		if err != nil {
			return fmt.Errorf("history of visit %s: %w", h.Visit, err)
		}
		h.events = append(h.events, e)
	}
	return nil
}

// Reverified returns what second looks found of the visit's detections: of each
// the last word of the model with that digest, or without one of any model.
// Where nothing was found the sensor's claim stays.
func (h History) Reverified(model ledger.Digest) []Claim {
	var out []Claim
	for _, e := range h.events {
		p, ok := e.Payload.(ledger.DetectionReverified)
		if !ok || (model != "" && p.ModelDigest != model) {
			continue
		}
		c := Claim{Detection: p.Detection, Items: p.Items, Actions: p.Actions}
		if i := slices.IndexFunc(out, func(o Claim) bool { return o.Detection == p.Detection }); i >= 0 {
			out[i] = c
			continue
		}
		out = append(out, c)
	}
	return out
}

// Asked returns how many questions people were asked about the visit's own
// detections; one that lies in another visit is asked there.
func (h History) Asked() int {
	asked, elsewhere := map[ledger.ID]bool{}, map[ledger.ID]bool{}
	for _, e := range h.events {
		switch p := e.Payload.(type) { // no other asks or says where
		case ledger.DetectionImplicated:
			elsewhere[p.Detection] = true
		case ledger.ReviewRequested:
			asked[p.Detection] = e.Stream == ledger.VisitStream(h.Visit) && !elsewhere[p.Detection]
		default:
		}
	}
	n := 0
	for _, own := range asked {
		if own {
			n++
		}
	}
	return n
}

// Stored returns the first final receipt and the one in force; nil where there
// is none.
func (h History) Stored() (first, latest *ledger.ReceiptDocument) {
	for _, e := range h.events {
		switch p := e.Payload.(type) { // no other is a final receipt
		case ledger.ReceiptIssued:
			first, latest = &p.Document, &p.Document
		case ledger.ReceiptCorrected:
			latest = &p.Document
		default:
		}
	}
	return first, latest
}

// Has reports whether the visit's stream holds a detection.
func (h History) Has(detection ledger.ID) bool {
	_, ok := h.Detection(detection)
	return ok
}

// Detection returns what a sensor claimed.
func (h History) Detection(id ledger.ID) (ledger.DetectionRecorded, bool) {
	for _, e := range h.events {
		if p, ok := e.Payload.(ledger.DetectionRecorded); ok && e.ID == id {
			return p, true
		}
	}
	return ledger.DetectionRecorded{}, false
}
