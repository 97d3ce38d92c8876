//go:build opencv

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/render"
	"github.com/vouchledger/vouch/vision/score"
)

// watchDrawn draws a shelf, watches it, and compares.
func watchDrawn(t *testing.T, args ...string) (score.Result, []map[string]any) {
	t.Helper()
	dir := t.TempDir()
	if out, err := edge(t, append([]string{"render", "shelf", "--out", dir}, args...)...); err != nil {
		t.Fatal(out, err)
	}
	seen := filepath.Join(dir, "seen.jsonl")
	out, err := edge(t, "watch", "--video", filepath.Join(dir, "shelf.mp4"), "--out", seen,
		"--planogram", filepath.Join(dir, "planogram.json"), "--evidence", filepath.Join(dir, "evidence"))
	if err != nil {
		t.Fatal(out, err)
	}
	read := func(name string) []score.Event {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		events, err := score.Read(f)
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	f, err := os.Open(seen)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []map[string]any
	for dec := json.NewDecoder(f); dec.More(); {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return score.Compare(read(filepath.Join(dir, "shelf.jsonl")), read(seen), 1.5), lines
}

// TestDrawnShelvesAreWatchedWell needs no data but the program itself.
func TestDrawnShelvesAreWatchedWell(t *testing.T) {
	var sum score.Result
	for _, seed := range []int{2, 3} {
		r, _ := watchDrawn(t, "--seed", fmt.Sprint(seed), "--seconds", "20")
		t.Logf("seed %d: precision %.2f recall %.2f", seed, r.Precision(), r.Recall())
		sum = sum.Add(r)
	}
	if sum.Precision() < 0.9 || sum.Recall() < 0.8 {
		t.Errorf("precision %.2f, recall %.2f, want 0.9 and 0.8", sum.Precision(), sum.Recall())
	}
}

func TestWrongThingInASlotIsSeenWithDoubt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "story.txt")
	story := "seconds 17, take middle@4s, touch left@7.5s, misplace middle=cola-can@12s"
	if err := os.WriteFile(file, []byte(story), 0o600); err != nil {
		t.Fatal(err)
	}
	r, seen := watchDrawn(t, "--seed", "5", "--scenario", file)
	if r.Precision() != 1 || r.Recall() != 1 || len(seen) != 2 {
		t.Fatalf("precision %.2f, recall %.2f of %v, want the take and the return", r.Precision(), r.Recall(), seen)
	}
	item := func(i int) float64 { return seen[i]["confidences"].(map[string]any)["item"].(float64) }
	if item(0) < 0.8 || item(1) > 0.6 {
		t.Errorf("confidence of the juice taken %.2f, of the can put in its place %.2f, want sure and doubtful",
			item(0), item(1))
	}
}

// TestWhatIsPutIntoAnothersSlotIsAMove: a can is taken, and put where the juice stood.
// The server is told of a move, and that the slot is untidy and where the can belongs.
func TestWhatIsPutIntoAnothersSlotIsAMove(t *testing.T) {
	f, url := newFar(t)
	dir := drawShelf(t, 5, "seconds 21, take middle-right@4s, take middle@8s, touch left@11.5s, misplace middle=cola-can@16s")
	if out, err := edge(t, "watch", "--video", filepath.Join(dir, "shelf.mp4"), "--planogram", filepath.Join(dir, "planogram.json"),
		"--server", url, "--key", "k1", "--store", "s1", "--sensor", "cam", "--outbox", filepath.Join(dir, "outbox"),
		"--evidence", filepath.Join(dir, "evidence"), "--drain", "2m"); err != nil {
		t.Fatal(out, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var seen []string
	for _, d := range f.seen {
		seen = append(seen, fmt.Sprintf("%s %s %s", d.Detection.Actions[0].Action, d.Detection.Items[0].SKU, d.Detection.Slot))
	}
	if want := []string{"take cola-can middle-right", "take orange-juice middle", "move cola-can middle"}; !slices.Equal(seen, want) {
		t.Errorf("the server is told of %q, want %q", seen, want)
	}
	if len(f.shelf) != 1 || f.shelf[0].Slot != "middle" || f.shelf[0].SKU != "cola-can" || f.shelf[0].Home != "middle-right" ||
		!f.shelf[0].Untidy || f.shelf[0].Purpose != ledger.ShelfStraying {
		t.Errorf("of the shelf it is told %+v, want a can of middle-right astray in the middle", f.shelf)
	}
}

func TestRenderSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "story.txt")
	if err := os.WriteFile(file, []byte("take cellar@5s"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want error
	}{
		{[]string{"shelf", "--scenario", file, "--out", t.TempDir()}, render.ErrScenario},
		{[]string{"shelf", "--scenario", "none.txt"}, os.ErrNotExist},
		{[]string{"shelf", "--size", "big"}, errUsage},
		{[]string{"gate"}, errUsage},
		{[]string{"shelf", "--size", "641x360"}, render.ErrSize},
		{[]string{"gate", "--code", "X", "--size", "100x100"}, render.ErrSize},
	} {
		if out, err := edge(t, append([]string{"render"}, tt.args...)...); !errors.Is(err, tt.want) {
			t.Errorf("render %v = %s, %v, want %v", tt.args, out, err, tt.want)
		}
	}
}

func TestDrawnShopHasAVideoOfEachCamera(t *testing.T) {
	story, dir := filepath.Join(t.TempDir(), "story.txt"), t.TempDir()
	if err := os.WriteFile(story, []byte("seconds 4\nanna enters 0.5s: take a1 after 0s"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := edge(t, "render", "shop", "--shelves", "1", "--size", "160x90", "--scenario", story, "--out", dir, "--json")
	if err != nil {
		t.Fatal(out, err)
	}
	var r renderedShop
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Videos) != 6 || r.Frames != 60 {
		t.Fatalf("%d videos of %d frames, want 6 of 60", len(r.Videos), r.Frames)
	}
	for _, path := range r.Videos {
		v, err := cv.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for ; ; n++ {
			f, err := v.Next()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
		if n != r.Frames {
			t.Errorf("%s has %d frames, want %d", filepath.Base(path), n, r.Frames)
		}
	}
}
