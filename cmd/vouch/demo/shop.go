package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/billing/shopfile"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/vision/planogram"
)

// A truth is one thing that really happened in a rendered video.
type truth struct {
	Event string  `json:"event"` // take, put
	Slot  string  `json:"slot"`
	SKU   string  `json:"sku"`
	T     float64 `json:"t"` // seconds
}

func (t truth) action() ledger.Action {
	if t.Event == "take" {
		return ledger.ActionTake
	}
	return ledger.ActionReturn
}

// renderShelf draws the shelf video that the demo looks at.
func (r *run) renderShelf(ctx context.Context) error {
	began := time.Now()
	dir := r.path("video", "shelf")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	script := filepath.Join(dir, "scenario.txt")
	if err := os.WriteFile(script, []byte(scenario), 0o600); err != nil {
		return err
	}
	_, _, err := call(ctx, r.procs.logs, r.cfg.Edge, nil, "render", "shelf",
		"--seed", strconv.FormatUint(r.cfg.Seed, 10), "--scenario", script, "--out", dir)
	if err != nil {
		return err
	}
	r.cfg.Video, r.cfg.Planogram = filepath.Join(dir, "shelf.mp4"), filepath.Join(dir, "planogram.json")
	if r.truth, err = readTruth(filepath.Join(dir, "shelf.jsonl")); err != nil {
		return err
	}
	r.say("  drew a shelf video from seed %d in %s\n", r.cfg.Seed, time.Since(began).Round(time.Second/10))
	return nil
}

func readTruth(path string) ([]truth, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("truth of the video: %w", err)
	}
	var ts []truth
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		var t truth
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return nil, fmt.Errorf("truth of the video: %w", err)
		}
		ts = append(ts, t)
	}
	return ts, nil
}

// prices of the demo's shop by the order of SKUs, so that any planogram has
// some.
var prices = []string{"2.49", "1.99", "3.29", "4.50", "0.99", "5.75"}

// shopFile returns the set-up of a shop that sells what a planogram shows.
func shopFile(path string, from time.Time) (shopfile.File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return shopfile.File{}, fmt.Errorf("planogram: %w", err)
	}
	plan, err := planogram.Parse(b)
	if err != nil {
		return shopfile.File{}, err
	}
	f := shopfile.File{
		Store: store, Catalogue: "corner", ValidFrom: from.Add(-time.Hour).UTC().Truncate(time.Second),
		Seller: ledger.Seller{Name: "Corner Shop", Address: "1 Pike Street, Seattle WA", TaxID: "WA 601-000-001", Currency: "USD", Timezone: "America/Los_Angeles"},
		Policy: shopfile.Policy{
			Hold: "50.00", ItemMin: 800, ActionMin: 800, PersonMin: 900, ReviewSeconds: 24 * 3600,
			OnDeadline: ledger.ForShopper, GraceMillis: 3000, GateSeconds: 20, DisputeDays: 120,
		},
		Taxes: []shopfile.Tax{{Category: "prepared", Jurisdiction: "US-WA-Seattle", Rate: "0.1035", Rounding: money.HalfUp}},
	}
	skus, slots := map[ledger.SKU]bool{}, []ledger.SlotPlan{}
	for _, s := range plan.Slots {
		skus[ledger.SKU(s.SKU)] = true
		slots = append(slots, ledger.SlotPlan{Slot: s.Name, SKU: ledger.SKU(s.SKU), Capacity: s.Capacity, Initial: s.Initial})
	}
	f.Planograms = []shopfile.Planogram{{Sensor: camera, Digest: ledger.DigestOf(b), Slots: slots}}
	for i, sku := range slices.Sorted(maps.Keys(skus)) {
		f.Products = append(f.Products, shopfile.Product{
			SKU: sku, Name: productName(string(sku)), Category: "drinks", TaxCategory: "prepared", Price: prices[i%len(prices)],
		})
	}
	return f, nil
}

// productName turns "bottle-blue-cap" into "Bottle blue cap".
func productName(sku string) string {
	words := strings.ReplaceAll(sku, "-", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}
