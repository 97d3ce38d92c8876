//go:build opencv

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/vision/planogram"
)

func TestAPlanogramKeepsHowItsCameraSeesThePlace(t *testing.T) {
	dir := t.TempDir()
	if out, err := runEdge(t, "render", "shop", "--shelves", "2", "--interactions", "1", "--seconds", "1", "--size", "320x180", "--out", dir); err != nil {
		t.Fatal(out, err)
	}
	plan, video := filepath.Join(dir, "shelf-a.planogram.json"), filepath.Join(dir, "shelf-a.mp4")
	out, err := runEdge(t, "planogram", "--look", video, "--write", plan)
	if err != nil || !strings.Contains(out, "5 slots, 5 of them with their back drawn, no look") || !strings.Contains(out, "is kept") {
		t.Fatalf("planogram --look: %s, %v", out, err)
	}
	p, err := planogram.Load(plan)
	if err != nil || p.Look == nil || p.Look.W != 160 || p.Slots[0].Back == nil {
		t.Fatalf("the planogram kept %+v, %v; want a look, and everything else", p, err)
	}
	if out, err := runEdge(t, "planogram", "--look", video, plan); err != nil || strings.Contains(out, "another place") {
		t.Errorf("the same camera again: %s, %v", out, err)
	}
	if out, err := runEdge(t, "planogram", "--look", filepath.Join(dir, "aisle.mp4"), plan); err != nil || !strings.Contains(out, "another place") {
		t.Errorf("another camera: %s, %v, want that it shows another place", out, err)
	}
	// Who checks a shop's file hears of the planogram that no view was kept in.
	shop := filepath.Join(dir, "shop.yaml")
	file := "store: s\ndevice: d\nserver: http://127.0.0.1:1\ncameras:\n" +
		"  - {name: first, source: a.mp4, planogram: shelf-a.planogram.json}\n  - {name: second, source: b.mp4, planogram: shelf-b.planogram.json}\n"
	check := func(text string) (string, error) {
		if err := os.WriteFile(shop, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return runEdge(t, "run", "--config", shop, "--check")
	}
	if out, err := check(file); err != nil || !strings.Contains(out, "second: its planogram has no look") || strings.Contains(out, "first") {
		t.Errorf("run --check: %s, %v, want the second's planogram named", out, err)
	}
	if out, err := check(strings.Replace(file, "shelf-b", "shelf-z", 1)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("run --check of a planogram that is not there: %s, %v", out, err)
	}
	for _, args := range [][]string{{"planogram"}, {"planogram", "--write", plan}, {"planogram", "--look", video, "--skip", "999", plan}} {
		if _, err := runEdge(t, args...); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
	if _, err := runEdge(t, "planogram", filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a planogram that is not there: %v", err)
	}
}
