//go:build opencv

package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/mount"
)

func TestHowWellPersonsAreFoundIsCounted(t *testing.T) {
	dir := t.TempDir()
	story := filepath.Join(dir, "story.txt")
	if err := os.WriteFile(story, []byte("anna enters 1s: take a2\nseconds 4"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runEdge(t, "render", "shop", "--scenario", story, "--size", "320x180", "--fps", "5", "--shelves", "1", "--out", dir); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	out, err := runEdge(t, "persons", "--video", at("entrance.mp4"), "--floor", at("entrance.floor.json"), "--persons", "moving",
		"--truth", at("truth.jsonl"), "--camera", "entrance", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var c personsCount
	if err := json.Unmarshal([]byte(out), &c); err != nil || c.Frames != 20 || c.Third.Precision < 0.9 || c.Third.Recall < 0.8 || c.Detector == "" {
		t.Errorf("persons --truth = %s, %v, want most of anna in 20 frames", out, err)
	}
	out, err = runEdge(t, "persons", "--video", at("entrance.mp4"), "--floor", at("entrance.floor.json"), "--every", "5")
	if err != nil || strings.Count(out, "\n") != 4 || !strings.Contains(out, `"floor":[0.`) {
		t.Errorf("persons = %s, %v, want four lines that say where anna stands", out, err)
	}
	for _, wrong := range [][]string{
		{"--persons", "faces"}, {"--truth", at("truth.jsonl"), "--camera", "cellar"}, {"--floor", at("overhead.mp4")}, {"--detector", at("none.json")},
	} {
		if out, err := runEdge(t, append([]string{"persons", "--video", at("entrance.mp4")}, wrong...)...); err == nil {
			t.Errorf("persons %v = %s, want a refusal", wrong, out)
		}
	}
}

func TestAnInstallerSeesWhereTheFloorIs(t *testing.T) {
	dir := t.TempDir()
	story := filepath.Join(dir, "story.txt")
	if err := os.WriteFile(story, []byte("anna enters 1s: take a2\nseconds 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runEdge(t, "render", "shop", "--scenario", story, "--size", "320x180", "--fps", "5", "--shelves", "1", "--out", dir); err != nil {
		t.Fatal(err)
	}
	floor, video, grid := filepath.Join(dir, "aisle.floor.json"), filepath.Join(dir, "aisle.mp4"), filepath.Join(dir, "grid.png")
	out, err := runEdge(t, "floor", "--floor", floor, "--video", video, "--out", grid)
	if err != nil || !strings.Contains(out, "marks fit within") || !strings.Contains(out, "hangs at") {
		t.Fatalf("floor = %q, %v, want how well the marks fit and where it hangs", out, err)
	}
	f, err := cv.ReadImage(grid)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	drawn := 0
	for p := f.BGR(); len(p) > 0; p = p[3:] {
		if p[0] == 255 && p[1] == 220 && p[2] == 0 {
			drawn++
		}
	}
	if f.Width() != 320 || drawn < 200 {
		t.Errorf("the grid is %d pixels wide with %d of its lines, want 320 and 200 or more", f.Width(), drawn)
	}
	b, err := os.ReadFile(floor)
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(dir, "wrong.json")
	if err := os.WriteFile(wrong, []byte(strings.Replace(string(b), "320", "640", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runEdge(t, "floor", "--floor", wrong, "--video", video, "--out", grid); !errors.Is(err, mount.ErrSize) && !errors.Is(err, mount.ErrHangs) {
		t.Errorf("floor of another camera = %v, want a refusal", err)
	}
	if _, err := runEdge(t, "floor", "--floor", floor, "--video", video, "--skip", "99"); !errors.Is(err, errUsage) {
		t.Errorf("floor --skip 99 of a short film = %v, want %v", err, errUsage)
	}
}
