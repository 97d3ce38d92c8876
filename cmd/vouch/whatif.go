package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/vouchledger/vouch/billing/whatif"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// reverified is the --what-if that lets second looks count.
const reverified = "reverified"

// exchanged is one claim of `vouch replay --what-if --json`.
type exchanged struct {
	Detection ledger.ID  `json:"detection"`
	Slot      string     `json:"slot"`
	Claimed   ledger.SKU `json:"claimed"`
	Counts    ledger.SKU `json:"counts"` // as claimed where nothing was found
}

// otherwise is what `vouch replay --what-if` says of a visit.
type otherwise struct {
	Visit   ledger.VisitID          `json:"visit"`
	Claims  []exchanged             `json:"claims"`
	Lines   []whatif.Difference     `json:"lines"`
	First   *ledger.ReceiptDocument `json:"first"`    // as it was issued
	InForce *ledger.ReceiptDocument `json:"in_force"` // with its corrections
	Would   *ledger.ReceiptDocument `json:"would"`
	Gross   money.Money             `json:"gross"`
	Change  money.Money             `json:"change"` // against the first receipt
	Asked   int                     `json:"asked"`
	Open    string                  `json:"open,omitempty"`
}

// wonder says what a visit would have come to.
func wonder(ctx context.Context, log ledger.Log, v ledger.VisitID, asked []string) (otherwise, error) {
	h, err := whatif.Read(ctx, log, v)
	if err != nil {
		return otherwise{}, err
	}
	var claims []whatif.Claim
	for _, what := range asked {
		more, err := claimsOf(h, what)
		if err != nil {
			return otherwise{}, err
		}
		claims = append(more, claims...) // what is said later counts
	}
	out, err := h.If(claims)
	if err != nil {
		return otherwise{}, err
	}
	o := otherwise{Visit: v, Claims: []exchanged{}, Would: out.Document, Gross: out.Gross, Change: out.Gross, Asked: out.Asked, Open: out.Open}
	o.First, o.InForce = h.Stored()
	if o.First != nil {
		if o.Change, err = o.Gross.Sub(o.First.Gross); err != nil {
			return o, err
		}
	}
	o.Lines = whatif.Compare(o.First, o.Would)
	for _, c := range claims {
		d, _ := h.Detection(c.Detection)
		x := exchanged{Detection: c.Detection, Slot: d.Slot, Claimed: d.Items[0].SKU, Counts: d.Items[0].SKU}
		if len(c.Items) > 0 {
			x.Counts = c.Items[0].SKU
		}
		o.Claims = append(o.Claims, x)
	}
	return o, nil
}

// claimsOf reads one --what-if: reverified, reverified:DIGEST of a model, or
// DETECTION=SKU.
func claimsOf(h whatif.History, what string) ([]whatif.Claim, error) {
	if model, ok := strings.CutPrefix(what, reverified); ok && (model == "" || model[0] == ':') {
		digest := ledger.Digest(strings.TrimPrefix(model, ":"))
		if model != "" && digest.Validate() != nil {
			return nil, fmt.Errorf("%w: --what-if %q names no digest like sha256:…", errUsage, what)
		}
		return h.Reverified(digest), nil
	}
	detection, sku, ok := strings.Cut(what, "=")
	id, err := ledger.ParseID(detection)
	if !ok || err != nil || sku == "" {
		return nil, fmt.Errorf("%w: --what-if %q, want reverified, reverified:DIGEST or DETECTION=SKU", errUsage, what)
	}
	if _, ok := h.Detection(id); !ok {
		return nil, fmt.Errorf("detection %s is none of visit %s: %w", id, h.Visit, ledger.ErrNotFound)
	}
	return []whatif.Claim{{Detection: id, Items: ledger.List[ledger.ItemHypothesis]{{SKU: ledger.SKU(sku), Confidence: 1000}}}}, nil
}

func printOtherwise(w io.Writer, o otherwise) {
	fmt.Fprintf(w, "visit %s, if other claims had counted\n\n", o.Visit)
	if len(o.Claims) == 0 {
		fmt.Fprintln(w, "  none of its detections was looked at again")
	}
	for _, c := range o.Claims {
		fmt.Fprintf(w, "  %s  slot %-12s %s", c.Detection, c.Slot, c.Claimed)
		if c.Counts != c.Claimed {
			fmt.Fprintf(w, " -> %s", c.Counts)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
	for _, l := range o.Lines {
		fmt.Fprintf(w, "  %-30s %3d instead of %d\n", l.Name, l.Would, l.Was)
	}
	sum := func(what string, d *ledger.ReceiptDocument) {
		if d != nil {
			fmt.Fprintf(w, "  %-12s %14s  %s\n", what, d.Gross, d.Number)
		}
	}
	sum("issued", o.First)
	sum("in force", o.InForce)
	fmt.Fprintf(w, "  %-12s %14s  %+d minor units, %d questions asked\n", "would be", o.Gross, o.Change.Minor, o.Asked)
	if o.Open != "" {
		fmt.Fprintf(w, "  there would be no final receipt: %s\n", o.Open)
	}
	fmt.Fprintln(w, "  nothing was written")
}

// tellOtherwise answers `vouch replay --what-if`.
func tellOtherwise(ctx context.Context, w io.Writer, log ledger.Log, v ledger.VisitID, asked []string, asJSON bool) error {
	o, err := wonder(ctx, log, v, asked)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(w).Encode(o)
	}
	printOtherwise(w, o)
	return nil
}
