package demo_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/vouchledger/vouch/cmd/vouch/demo"
)

// build makes both binaries, or skips where there is no OpenCV.
func build(t *testing.T) (vouch, edge string) {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "pkg-config", "--exists", "opencv4").Run(); err != nil {
		t.Skip("OpenCV is not installed: .ci/setup installs it")
	}
	dir := t.TempDir()
	vouch, edge = filepath.Join(dir, "vouch"), filepath.Join(dir, "vouch-edge")
	for _, args := range [][]string{
		{"build", "-o", vouch, "github.com/vouchledger/vouch/cmd/vouch"},
		{"build", "-tags", "opencv", "-o", edge, "github.com/vouchledger/vouch/cmd/vouch-edge"},
	} {
		if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	return vouch, edge
}

// play runs one demo and prints its story when it fails.
func play(t *testing.T, vouch, edge string, chaos uint64) (result demo.Result, data string) {
	t.Helper()
	var out bytes.Buffer
	data = filepath.Join(t.TempDir(), "data")
	result, err := demo.Run(t.Context(), demo.Config{
		Vouch: vouch, Edge: edge, Data: data, Seed: 7, Speed: 3, Chaos: chaos,
		Out: &out, Now: time.Now(), Patience: time.Minute,
	})
	if err != nil {
		for _, name := range []string{"server", "watch", "vouch-edge-gate"} {
			if log, readErr := os.ReadFile(filepath.Join(data, "logs", name+".log")); readErr == nil {
				t.Logf("%s.log:\n%.4000s", name, log)
			}
		}
		t.Fatalf("demo.Run(chaos %d) = %v\n%s", chaos, err, out.Bytes())
	}
	if _, err := os.Stat(filepath.Join(data, "report", "index.html")); err != nil {
		t.Errorf("the report: %v", err)
	}
	return result, data
}

// TestOneChargeFromCameraToRefund plays the whole way: the demo itself fails
// unless the bank charged and refunded exactly once, every receipt equals its
// replay, the books balance and all evidence is there.
func TestOneChargeFromCameraToRefund(t *testing.T) {
	vouch, edge := build(t)
	result, data := play(t, vouch, edge, 0)
	if result.Correction == "" || result.Audit.Corrected != 1 || result.Audit.Evidence == 0 {
		t.Errorf("result = %+v, want a correction and evidence", result)
	}
	showPage(t, vouch, data, result)
}

// TestServerKilledAtAnyMoment plays it with the server killed again and again
// by SIGKILL: nothing acknowledged is lost and the charge happens once.
func TestServerKilledAtAnyMoment(t *testing.T) {
	vouch, edge := build(t)
	for _, chaos := range []uint64{1, 2} {
		t.Run(fmt.Sprintf("seed %d", chaos), func(t *testing.T) {
			if result, _ := play(t, vouch, edge, chaos); result.Kills == 0 {
				t.Errorf("kills = 0, want some")
			}
		})
	}
}

// TestFolderInUse checks that the demo does not write into somebody's folder.
func TestFolderInUse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := demo.Run(t.Context(), demo.Config{Data: dir, Out: &bytes.Buffer{}}); err == nil {
		t.Error("demo.Run(folder in use) = nil error, want a refusal")
	}
}
