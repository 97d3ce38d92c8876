//go:build opencv

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/mount"
)

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
