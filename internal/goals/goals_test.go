package goals_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/internal/goals"
)

func sample() *goals.Report {
	r := &goals.Report{
		Program: "vouch", Bench: "shelf", At: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), Took: 2.5, Extent: "3 rounds",
		Machine: goals.Machine{CPU: "abacus", CPUs: 2, Kernel: "none", Programs: []string{"zbar 1"}, Load: "0.10"}, Rounds: 3,
	}
	r.AtLeast("items found", 0.98, 0.95, "")
	r.AtMost("wait", 1200, 1000, "ms")
	r.Missing("codes read", 0.9, "", false, "no zbarimg")
	r.Figure("clips", 12345, "")
	r.Tables = []goals.Table{{Head: []string{"clip", "right"}, Left: []bool{true}, Rows: [][]string{{"bottle", "4"}}}}
	return r
}

func TestAPageGetsWhatWasMeasured(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	const before, after = "# Page\n", "\nThe end.\n"
	marks := "<!-- vouch bench shelf: begin -->\nyesterday\n<!-- vouch bench shelf: end -->\n"
	if err := os.WriteFile(page, []byte(before+marks+after), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := goals.Publish(&out, sample(), "", page); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := before + `<!-- vouch bench shelf: begin -->
2026-11-30, 2 CPUs (abacus), 0 MB, , none, , vouch , zbar 1, load 0.10. 3 rounds.

| work | measured | goal | |
|---|---:|---:|---|
| items found | 0.98 | ≥ 0.95 | met |
| wait | 1,200 ms | ≤ 1,000 ms | **not met** |
| codes read | not measured | ≥ 0.90 | no zbarimg |

| clip | right |
|---|---:|
| bottle | 4 |

| beside the goals | |
|---|---:|
| clips | 12,345 |
<!-- vouch bench shelf: end -->
` + after
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("the page (-want +got):\n%s", diff)
	}
	for _, want := range []string{"items found", "NOT MET", "no zbarimg", "bottle", "12,345"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("printed %q, want %q in it", out.String(), want)
		}
	}
	if err := os.WriteFile(page, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sample().Update(page); !errors.Is(err, goals.ErrNoMarks) {
		t.Errorf("Update(page without marks) = %v, want ErrNoMarks", err)
	}
}

func TestAReportIsMetOnlyIfAllOfItWasMeasuredAndMet(t *testing.T) {
	r := sample()
	if r.Met() {
		t.Error("Met() = true with a goal that is not met and one not measured")
	}
	r.Rows = r.Rows[:1]
	if !r.Met() {
		t.Error("Met() = false, want true")
	}
}

func TestTheJSONSaysWhatTheTableSays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	if err := goals.Publish(&bytes.Buffer{}, sample(), file, ""); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got goals.Report
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample().Rows, got.Rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	var out bytes.Buffer
	if err := goals.Publish(&out, sample(), "-", ""); err != nil || out.String() != string(b) {
		t.Errorf("Publish(-) wrote %q, %v, want what the file has", out.String(), err)
	}
}

func TestAGoalThatIsJustMissedIsNotWrittenAsReached(t *testing.T) {
	for _, c := range []struct {
		measured, goal float64
		want           string
	}{
		{0.969, 0.97, "0.969"},
		{0.96996, 0.97, "0.96996"},
		{0.9, 0.97, "0.90"},
		{199.6, 200, "199.600"},
	} {
		r := goals.Report{Program: "vouch", Bench: "shelf"}
		r.AtLeast("items found", c.measured, c.goal, "")
		if md := r.Markdown(); !strings.Contains(md, "| "+c.want+" |") {
			t.Errorf("%v of %v reads\n%s, want %s", c.measured, c.goal, md, c.want)
		}
	}
}

func TestMiddleAndTail(t *testing.T) {
	xs := []float64{5, 1, 3, 2, 4}
	if m, p := goals.Median(xs), goals.Quantile(xs, 0.9); m != 3 || p != 5 || goals.Median(nil) != 0 {
		t.Errorf("Median, Quantile(0.9) = %v, %v, want 3 and 5", m, p)
	}
	if xs[0] != 5 {
		t.Error("Median sorted what it was given")
	}
}
