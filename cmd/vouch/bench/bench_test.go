package bench_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/cmd/vouch/bench"
)

var rewrite = flag.Bool("rewrite", false, "write testdata again")

// TestMain runs a part instead of the tests when the benchmark calls this
// program for one, as it calls vouch.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "ledger-part" {
		if err := part(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func part(args []string) error { // PART --data DIR --events N
	events, err := strconv.ParseUint(args[4], 10, 64)
	if err != nil {
		return err
	}
	return bench.RunPart(context.Background(), os.Stdout, time.Now, bench.Part(args[0]), args[2], events)
}

// small measures everything, as short as can be, in a folder that the user
// postgres can pass through.
func small(t *testing.T) bench.Config {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return bench.Config{
		Dir: dir, Events: 20_000, Sample: 5_000, Turn: 10 * time.Millisecond, Rounds: 2, Visits: 20,
		NATS: os.Getenv("VOUCH_NATS_SERVER"), Part: []string{self, "ledger-part"}, Version: "test",
		Now: time.Now, Random: rand.Reader,
	}
}

// TestEveryRowIsMeasured runs the whole benchmark, tiny, and checks that every
// goal of the table has a figure or says why not, that the folder is left empty,
// and that the report keeps its shape.
func TestEveryRowIsMeasured(t *testing.T) {
	cfg := small(t)
	report, err := bench.Ledger(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != 20 {
		t.Errorf("the table has %d rows, want 20", len(report.Rows))
	}
	for _, row := range report.Rows {
		if row.Goal <= 0 || row.Work == "" {
			t.Errorf("row without a goal: %+v", row)
		}
		if row.Missing != "" {
			t.Logf("not measured: %s: %s", row.Work, row.Missing)
		} else if row.Measured <= 0 {
			t.Errorf("row without a figure: %+v", row)
		}
		if want := row.Missing == "" && (row.AtMost && row.Measured <= row.Goal || !row.AtMost && row.Measured >= row.Goal); row.Met != want {
			t.Errorf("row says met %v, want %v: %+v", row.Met, want, row)
		}
	}
	left, err := os.ReadDir(cfg.Dir)
	if err != nil || len(left) > 0 {
		t.Errorf("the benchmark left %v, %v", left, err)
	}
	var text, asJSON bytes.Buffer
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, row := range report.Rows {
		if !strings.Contains(text.String(), row.Work) {
			t.Errorf("the printed table lacks %q", row.Work)
		}
	}
	if err := report.WriteJSON(&asJSON); err != nil {
		t.Fatal(err)
	}
	compare(t, shape(t, asJSON.Bytes()))
	t.Log("\n" + text.String())
}

// shape returns the names and kinds of values in a report, and the work of each
// row with its numbers taken out: what may not change from run to run.
func shape(t *testing.T, report []byte) string {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(report, &v); err != nil {
		t.Fatal(err)
	}
	var lines []string
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, w := range v {
				walk(path+"."+k, w)
			}
		case []any:
			for _, w := range v {
				walk(path+"[]", w)
			}
		default:
			lines = append(lines, fmt.Sprintf("%s %T", path, v))
		}
	}
	walk("", v)
	for _, row := range v["rows"].([]any) {
		r := row.(map[string]any)
		work := regexp.MustCompile(`(of|out of|open|all|core,|out of all) [0-9.,]+`).ReplaceAllString(r["work"].(string), "$1 N")
		work = regexp.MustCompile(`visit of N`).ReplaceAllString(work, "visit of N")
		lines = append(lines, fmt.Sprintf("row %s: at_most %v, goal %v %s", work, r["at_most"], r["goal"], r["unit"]))
	}
	slices.Sort(lines)
	lines = slices.DeleteFunc(slices.Compact(lines), func(l string) bool { return strings.Contains(l, "missing") })
	return strings.Join(lines, "\n") + "\n"
}

func compare(t *testing.T, got string) {
	t.Helper()
	const file = "testdata/report-shape.txt"
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the report has another shape (-want +got):\n%s", diff)
	}
}

// TestAMissingServerIsNamed checks that the run goes on without a nats-server
// and its rows say what to do.
func TestAMissingServerIsNamed(t *testing.T) {
	cfg := small(t)
	cfg.NATS = filepath.Join(cfg.Dir, "none")
	cfg.Events, cfg.Sample, cfg.Visits, cfg.Rounds = 5000, 1000, 5, 1
	report, err := bench.Ledger(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	missing := 0
	for _, row := range report.Rows {
		if strings.Contains(row.Work, "JetStream") {
			if missing++; row.Met || !strings.Contains(row.Missing, "nats-server") {
				t.Errorf("row %+v, want one that was not measured", row)
			}
		}
	}
	if missing != 3 || report.Met() {
		t.Errorf("%d rows of JetStream, met %v, want 3 and false", missing, report.Met())
	}
}

// TestAPartThatFails checks that what goes wrong in a process of its own is told.
func TestAPartThatFails(t *testing.T) {
	if err := bench.RunPart(t.Context(), &bytes.Buffer{}, time.Now, "nap", t.TempDir(), 0); err == nil {
		t.Error("RunPart(nap) succeeded")
	}
	cfg := small(t)
	cfg.Part = []string{"/bin/false"}
	cfg.Events, cfg.Rounds = 2000, 1
	if _, err := bench.Ledger(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "open in a process of its own") {
		t.Errorf("Ledger() = %v, want the error of the part", err)
	}
}

// TestBillingIsMeasured runs billing's benchmark, tiny: three goals with their
// figures, every visit charged once, and the folder left empty.
func TestBillingIsMeasured(t *testing.T) {
	dir := t.TempDir()
	report, err := bench.Billing(t.Context(), bench.BillingConfig{
		Dir: dir, Receipts: 100, Visits: 40, Shoppers: 8, Rounds: 1, Version: "test", Now: time.Now, Random: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != 3 {
		t.Errorf("the table has %d rows, want 3", len(report.Rows))
	}
	for _, row := range report.Rows {
		if row.Goal <= 0 || row.Measured <= 0 || row.Work == "" {
			t.Errorf("row without a figure: %+v", row)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the benchmark left %v, %v", left, err)
	}
	page := filepath.Join(dir, "page.md")
	marks := "<!-- vouch bench billing: begin -->\nyesterday\n<!-- vouch bench billing: end -->\n"
	if err := os.WriteFile(page, []byte(marks), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := report.Update(page); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(page)
	if err != nil || bytes.Contains(written, []byte("yesterday")) || !bytes.Contains(written, []byte(report.Rows[0].Work)) {
		t.Errorf("the page became %q, %v", written, err)
	}
	t.Log("\n" + text.String())
}
