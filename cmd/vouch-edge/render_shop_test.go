package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/truth"
)

const shopStory = `
anna enters 1s: take a2, touch a3 after 1s
ben with anna enters 2s: take a1, misplace a2=cola-can after 4s
staff dora enters 12s: tidy a2
`

// drawShop writes a shop without videos and returns its folder.
func drawShop(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := runEdge(t, append([]string{"render", "shop", "--no-video", "--out", dir}, args...)...); err != nil {
		t.Fatal(out, err)
	}
	return dir
}

func linesOf[T any](t *testing.T, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := truth.ReadLines[T](f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDrawnShopIsFilesThatOthersRead(t *testing.T) {
	story := filepath.Join(t.TempDir(), "story.txt")
	if err := os.WriteFile(story, []byte(shopStory), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := drawShop(t, "--shelves", "2", "--size", "320x180", "--scenario", story)
	tr, err := readTruth(filepath.Join(dir, "truth.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if len(tr.Visits) != 2 || len(tr.Interactions) != 6 || len(tr.Boxes) < 200 || len(tr.Tags) == 0 {
		t.Errorf("%d visits, %d interactions, %d boxes, %d tags, want 2, 6, many, some",
			len(tr.Visits), len(tr.Interactions), len(tr.Boxes), len(tr.Tags))
	}
	weights := linesOf[truth.Weight](t, filepath.Join(dir, "scales.jsonl"))
	if !slices.IsSortedFunc(weights, func(a, b truth.Weight) int {
		if a.T < b.T {
			return -1
		}
		return 1
	}) || len(weights) < 500 {
		t.Errorf("%d readings of scales, want many in order of time", len(weights))
	}
	if reads := linesOf[truth.Read](t, filepath.Join(dir, "rfid.jsonl")); len(reads) < 300 {
		t.Errorf("%d reads of tags, want many", len(reads))
	}
	var cameras []cameraLine
	b, err := os.ReadFile(filepath.Join(dir, "cameras.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &cameras); err != nil {
		t.Fatal(err)
	}
	plans := 0
	for _, c := range cameras {
		if c.Planogram == "" {
			continue
		}
		p, err := planogram.Load(filepath.Join(dir, c.Planogram))
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Slots) != 5 || p.Width != 320 || p.Slots[0].Initial != 6 {
			t.Errorf("%s: %d slots in %d pixels, %d in the first, want 5, 320, 6", c.Planogram, len(p.Slots), p.Width, p.Slots[0].Initial)
		}
		plans++
	}
	if plans != 2 || len(cameras) != 8 {
		t.Errorf("%d planograms, %d cameras, want 2 and 8", plans, len(cameras))
	}
}

// perfect writes detections that say exactly what the truth says.
func perfect(t *testing.T, tr truth.Shop, path string, spoil func(d *score.Detection)) {
	t.Helper()
	var all []score.Detection
	for _, in := range tr.Interactions {
		if in.Event != truth.Take && in.Event != truth.Put {
			continue
		}
		d := score.Detection{T: in.T + 0.2, Slot: in.Slot, SKU: in.SKU, Action: string(in.Event), Quantity: in.Quantity}
		d.Confidences.Item, d.Confidences.Action = 0.95, 0.95
		if in.Visit != "" {
			d.Persons = []score.Person{{Visit: strings.Replace(in.Visit, "visit-", "seen-", 1), Confidence: 0.95}}
		}
		spoil(&d)
		all = append(all, d)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := truth.WriteLines(f, all); err != nil {
		t.Fatal(err)
	}
}

func TestShopIsScored(t *testing.T) {
	story := filepath.Join(t.TempDir(), "story.txt")
	if err := os.WriteFile(story, []byte(shopStory), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := drawShop(t, "--shelves", "1", "--scenario", story)
	file, seen := filepath.Join(dir, "truth.jsonl"), filepath.Join(dir, "seen.jsonl")
	tr, err := readTruth(file)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"score", "--shop", "--truth", file, "--detections", seen, "--visit", "seen-anna=visit-anna"}
	for _, tt := range []struct {
		spoil func(d *score.Detection)
		want  []string
	}{
		{func(*score.Detection) {}, []string{"item F1 1.000  right shopper 1.000  wrong charges 0.00 %"}},
		{func(d *score.Detection) {
			if d.SKU == "water-still" {
				d.SKU = "water-sparkling"
			}
		}, []string{"item F1 0.800", "wrong charges 20.00 %", "wrong item: take 1 water-still at a2 by anna", "without a question"}},
	} {
		perfect(t, tr, seen, tt.spoil)
		out, err := runEdge(t, args...)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("score --shop = %s, want %q in it", out, want)
			}
		}
	}
	out, err := runEdge(t, append(args, "--json", "--item-min", "0.99")...)
	if err != nil {
		t.Fatal(err)
	}
	var got scoredShop
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Confident != 0 || got.WrongCharge != 0 || len(got.Faults) != 1 || got.Right != 4 {
		t.Errorf("score --item-min 0.99 = %+v, want nobody charged, 4 right, 1 fault", got)
	}
}

func TestShopCommandsSayWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "story.txt")
	if err := os.WriteFile(file, []byte("anna enters 1s: take z9"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want error
	}{
		{[]string{"render", "shop", "--scenario", file, "--no-video", "--out", t.TempDir()}, shop.ErrScenario},
		{[]string{"render", "shop", "--scenario", "none.txt"}, os.ErrNotExist},
		{[]string{"render", "shop", "--shelves", "9", "--no-video"}, shop.ErrScenario},
		{[]string{"render", "shop", "--size", "big"}, errUsage},
		{[]string{"render", "shop", "--size", "321x180", "--no-video"}, shop.ErrScenario},
		{[]string{"render", "shop", "--interactions", "0"}, errUsage},
		{[]string{"score", "--shop", "--truth", file, "--detections", file}, truth.ErrFormat},
		{[]string{"score", "--shop", "--truth", file, "--detections", file, "--visit", "x"}, errUsage},
	} {
		if out, err := runEdge(t, tt.args...); !errors.Is(err, tt.want) {
			t.Errorf("vouch-edge %v = %s, %v, want %v", tt.args, out, err, tt.want)
		}
	}
}
