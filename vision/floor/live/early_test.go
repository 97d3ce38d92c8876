package live

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/models"
	"github.com/vouchledger/vouch/vision/shelf"
)

// TestAReturnIsJudgedWithTheScaleBeforeItsPurposeIsKnown: anna puts a can back and stays.
// The scale's moment is judged after three seconds, and the shelf camera says after
// eight that it was no restocking. One detection is sent, with the weight and with the
// pictures; of staff's none, whatever the scale felt.
func TestAReturnIsJudgedWithTheScaleBeforeItsPurposeIsKnown(t *testing.T) {
	for story, tt := range map[string]struct {
		early, staff bool
		with         string // evidence, if one is sent
	}{
		"a shopper's return":          {early: true, with: "before weight "},
		"staff fill the shelf":        {early: true, staff: true},
		"told only when it was known": {with: "weight "}, // too late: what comes then is of no moment
	} {
		k := open(t, shopFile())
		k.enters(anna, 1.2)
		back := func(t float64) float64 { return 6000 - less(355, 12)(t) }
		k.until(12.8, back, walker{1, 1})
		seen, _ := k.took("a1", "cola", 12.1)
		seen.Action, seen.Open = shelf.Return, true
		if tt.early {
			k.Found("shelf-a", seen)
		}
		k.until(20, back, walker{1, 1})
		if n := len(k.sent); tt.early && n != 0 {
			t.Fatalf("%s: %d detections are sent while nobody knows whose it was", story, n)
		}
		seen.Open = false
		if tt.staff {
			seen.Purpose = shelf.Restocking
			k.Worked("shelf-a", seen)
		} else if err := k.Take(ledger.DeriveID(ledger.ID{7}, seen.Slot), "shelf-a", seen, seen.Recorded("s1", "shelf-a", "")); err != nil {
			t.Fatal(err)
		}
		k.until(40, back, walker{1, 1})
		var with []string
		for _, d := range k.sent {
			roles := ""
			for _, e := range d.Evidence {
				roles += e.Role + " "
			}
			with = append(with, roles)
			if d.Actions[0].Action != ledger.ActionReturn || d.Grams < 350 || len(d.Persons) == 0 || d.Persons[0].Visit != anna {
				t.Errorf("%s: sent %+v, want anna's return of 355 g", story, d.DetectionRecorded)
			}
		}
		if tt.with == "" && len(with) > 0 || tt.with != "" && (len(with) != 1 || with[0] != tt.with) {
			t.Errorf("%s: sent with %q, want %q", story, with, tt.with)
		}
		if left, err := k.asides.left(); err != nil || len(left) != 0 || len(k.early.open) != 0 || len(k.early.held) != 0 {
			t.Errorf("%s: %d sightings are still put aside, %d open, %d held, %v", story, len(left), len(k.early.open), len(k.early.held), err)
		}
	}
}

// TestASightingThatIsNeverHandedOutHoldsUpNothing: its camera ended, or its disk stays
// full. Other detections go on.
func TestASightingThatIsNeverHandedOutHoldsUpNothing(t *testing.T) {
	k := open(t, shopFile())
	k.until(12.8, less(355, 12))
	seen, _ := k.took("a1", "cola", 12.1)
	k.Found("shelf-a", seen)
	k.until(20, less(355, 12))
	k.until(40, func(t float64) float64 { return less(355, 12)(t) + less(120, 25)(t) - 3000 })
	if len(k.sent) != 1 || k.sent[0].Items[0].SKU != "tea" || len(k.early.held) != 1 {
		t.Fatalf("sent %+v, %d held, want the tea, and the cola held", k.sent, len(k.early.held))
	}
	k.now = k.now.Add(2 * awaitedMost)
	k.Tick()
	if len(k.early.held) != 0 || len(k.early.open) != 0 {
		t.Errorf("%d held, %d open after an hour", len(k.early.held), len(k.early.open))
	}
}

// TestADetectionNamesTheNetworkThatLookedForPersons: with its digest, once, beside what
// else decided; where that network is not there, or is not asked, it is not named.
func TestADetectionNamesTheNetworkThatLookedForPersons(t *testing.T) {
	dir := t.TempDir()
	weights := filepath.Join(dir, "walkers.onnx")
	if err := os.WriteFile(weights, []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	digest, err := models.DigestOf(weights)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(models.Manifest{
		Name: "walkers", Version: "2", Licence: "ours", Source: "trained here", Format: models.ONNX,
		Files: map[string]models.File{"onnx": {Path: "walkers.onnx", SHA256: digest}},
		Input: models.Input{Side: 8, Scale: 1, Std: [3]float64{1, 1, 1}, Order: "rgb"}, Layers: []string{"say"},
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "walkers.json"), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for story, tt := range map[string]struct {
		change func(c *edge.Camera)
		want   string
	}{
		"a network":                {func(c *edge.Camera) { c.Detector = filepath.Join(dir, "walkers.json") }, "vouch-fuse/1 walkers@2 sha256:" + digest + " shelf/1"},
		"by what moves alone":      {func(c *edge.Camera) { c.Detector, c.Persons = filepath.Join(dir, "walkers.json"), edge.PersonsMove }, "vouch-fuse/1 shelf/1"},
		"one that is not there":    {func(c *edge.Camera) { c.Detector = "none.json" }, "vouch-fuse/1 shelf/1"},
		"OpenCV's own, of no file": {func(*edge.Camera) {}, "vouch-fuse/1 shelf/1"},
	} {
		k := open(t, shopFile())
		k.o.File = func(name string) string {
			if filepath.IsAbs(name) {
				return name
			}
			return filepath.Join(k.dir, name)
		}
		with := slices.Clone(cameras)
		tt.change(&with[0])
		if err := k.Configure(with); err != nil {
			t.Fatal(err)
		}
		k.annaTakesACola()
		if len(k.sent) != 1 || strings.Join(strings.Fields(k.sent[0].Model), " ") != tt.want {
			t.Errorf("%s: sent %+v, want one of %q", story, k.sent, tt.want)
		}
	}
}
