package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/cmd/vouch-edge/bench"
)

// nothingGiven measures on a machine that has no data.
func nothingGiven(t *testing.T, only ...string) bench.Config {
	t.Helper()
	return bench.Config{
		Data: filepath.Join(t.TempDir(), "none"), Dir: t.TempDir(), Only: only, Quick: true, Version: "test", Now: time.Now,
	}
}

func TestWhatIsNotHereIsARowThatSaysSo(t *testing.T) {
	cfg := nothingGiven(t, "clips", "products")
	report, err := bench.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != 4 || report.Met() {
		t.Errorf("%d rows, met %v, want 4 that are not", len(report.Rows), report.Met())
	}
	for _, row := range report.Rows {
		if !strings.Contains(row.Missing, "--data") || row.Goal <= 0 {
			t.Errorf("row %+v, want one that was not measured and says what to do", row)
		}
	}
	if left, err := os.ReadDir(cfg.Dir); err != nil || len(left) > 0 {
		t.Errorf("the measurement left %v, %v", left, err)
	}
	var text, asJSON bytes.Buffer
	if err := errors.Join(report.WriteText(&text), report.WriteJSON(&asJSON)); err != nil {
		t.Fatal(err)
	}
	var said struct {
		Bench string
		Rows  []struct{ Work string }
	}
	if err := json.Unmarshal(asJSON.Bytes(), &said); err != nil || said.Bench != "vision" || len(said.Rows) != 4 {
		t.Fatalf("the JSON says %+v, %v", said, err)
	}
	for _, row := range said.Rows {
		if !strings.Contains(text.String(), row.Work) {
			t.Errorf("the printed table lacks %q", row.Work)
		}
	}
}

// One part that fails says so, and what was measured is reported all the same.
func TestAPartThatFailsKeepsTheOthers(t *testing.T) {
	cfg := nothingGiven(t, "clips", "speed")
	broken := errors.New("the pen is broken")
	cfg.Draw = func(context.Context, uint64, string) error { return broken }
	report, err := bench.Run(t.Context(), cfg)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "speed") {
		t.Errorf("Run = %v, want the error of its part", err)
	}
	if len(report.Rows) != 2 {
		t.Errorf("%d rows, want those of the other part", len(report.Rows))
	}
}
