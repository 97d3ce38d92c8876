//go:build !opencv

package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/vouchledger/vouch/vision/cv"
)

func TestWatchWithoutOpenCVSaysSo(t *testing.T) {
	plan := filepath.Join(t.TempDir(), "shelf.json")
	text := `{"size": [640, 360], "sku": "x", "slots": {"a": [[0,0],[50,0],[50,50]]}}`
	if err := os.WriteFile(plan, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runEdge(t, "watch", "--video", "a.mp4", "--planogram", plan); !errors.Is(err, cv.ErrNoOpenCV) {
		t.Errorf("vouch-edge watch = %v, want %v", err, cv.ErrNoOpenCV)
	}
}
