package demo_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/vouchledger/vouch/cmd/vouch/demo"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
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
func play(t *testing.T, vouch, edge string, chaos uint64, faults ...string) (result demo.Result, data string) {
	t.Helper()
	var out bytes.Buffer
	data = filepath.Join(t.TempDir(), "data")
	result, err := demo.Run(t.Context(), demo.Config{
		Vouch: vouch, Edge: edge, Data: data, Seed: 7, Speed: 3, Chaos: chaos, Faults: faults,
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

// badBank answers the hold, the charge and the refund in every way that leaves
// us in the dark: done without an answer, not done, late, and told twice. Of
// dropped connections we may hear nothing: on one that was used before, Go's own
// transport sends a request with a key once more. A 503 is heard of whatever the
// transport does, unless the server is killed in that instant; so there are some.
var badBank = []string{
	"payment_intents.create:drop_after:times=2",
	"payment_intents.capture:drop_after:times=2",
	"payment_intents.capture:error_503:times=1",
	"refunds.create:drop_before:times=2",
	"refunds.create:error_503:times=1",
	"refunds.create:late:nth=4,delay_ms=1500",
	"charge.captured:duplicate:count=3",
}

// TestServerKilledAtAnyMoment plays it with the server killed again and again
// by SIGKILL, and with a bank that does not answer clearly: nothing
// acknowledged is lost, and the charge and the refund happen once.
func TestServerKilledAtAnyMoment(t *testing.T) {
	vouch, edge := build(t)
	for name, faults := range map[string][]string{"a good bank": nil, "a bad bank": badBank} {
		t.Run(name, func(t *testing.T) {
			result, data := play(t, vouch, edge, 1+uint64(len(faults)), faults...)
			if result.Kills == 0 {
				t.Errorf("kills = 0, want some")
			}
			if len(faults) > 0 {
				wantUnclear(t, data)
			}
		})
	}
}

// wantUnclear requires that the bank's silence was written down: else the
// faults did not happen and the test shows nothing.
func wantUnclear(t *testing.T, data string) {
	t.Helper()
	log, err := embedded.Open(t.Context(), filepath.Join(data, "ledger"), embedded.Config{ReadOnly: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	unclear := 0
	for _, err := range log.Read(t.Context(), ledger.Query{Kinds: []ledger.Kind{ledger.KindPaymentUnclear}}) {
		if err != nil {
			t.Fatal(err)
		}
		unclear++
	}
	if unclear == 0 {
		t.Error("no answer of the bank was unclear, want some")
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
