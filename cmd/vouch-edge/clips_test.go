//go:build opencv

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/walks"
)

// shelfClip returns a given clip of the bottle shelf.
func shelfClip(t testing.TB, name string) walks.Clip {
	t.Helper()
	all, err := walks.Folder(filepath.Dir(given.File(t, "video/"+name+".mp4")))
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(all, func(c walks.Clip) bool { return c.Name == name })
	if at < 0 {
		t.Fatalf("%s is no clip of a shelf", name)
	}
	return all[at]
}

// initial says what stands on the shelf when a clip begins, as an operator would
// count it.
func initial(t testing.TB, name string) string {
	t.Helper()
	var counts []string
	for _, s := range shelfClip(t, name).Plan.Slots {
		counts = append(counts, fmt.Sprintf("%s=%d", s.Name, s.Initial))
	}
	return strings.Join(counts, ",")
}

var clips = []string{"bottle-a", "walk-s1", "walk-s2", "walk-s3", "walk-s4"}

// watchClip runs `vouch-edge watch` over a clip, keeping evidence only where
// more asks for it, and returns a file of its lines and what they say.
func watchClip(t testing.TB, name string, more ...string) (file string, seen []detectionLine) {
	t.Helper()
	args := slices.Concat([]string{
		"watch", "--video", given.File(t, "video/"+name+".mp4"), "--planogram", given.File(t, "video/planogram.json"),
		"--initial", initial(t, name),
	}, more)
	out, err := runEdge(t, args...)
	if err != nil {
		t.Fatalf("vouch-edge %v = %v\n%s", args, err, out)
	}
	file = filepath.Join(t.TempDir(), name+".jsonl")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, readLines(t, file)
}

func readLines(t testing.TB, file string) (seen []detectionLine) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var d detectionLine
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, d)
	}
	return seen
}

func TestBottlesAreSeenOnTheGivenClips(t *testing.T) {
	for _, with := range []struct {
		name string
		args []string
	}{
		{"without a model", nil},
		{"with YOLO-Fastest", []string{
			"--model", given.File(t, "models/yolo-fastest-1.1.cfg"),
			"--weights", given.File(t, "models/yolo-fastest-1.1.weights"), "--names", given.File(t, "models/coco.names"),
		}},
	} {
		var total score.Result
		args := []string{"score", "--json"}
		for _, name := range clips {
			file, seen := watchClip(t, name, with.args...)
			truth := strings.TrimSuffix(given.File(t, "video/"+name+".mp4"), ".mp4") + ".jsonl"
			args = append(args, "--truth", truth, "--detections", file)
			want, err := readEvents(truth)
			if err != nil {
				t.Fatal(err)
			}
			got, err := readEvents(file)
			if err != nil {
				t.Fatal(err)
			}
			r := score.Compare(want, got, 1.5)
			median, largest := r.MedianError()
			delay, least := 0.0, 1.0
			for _, d := range seen {
				delay, least = max(delay, d.Delay), min(least, d.Confidence)
			}
			t.Logf("| %s, %s | %d | %d | %d | %.3f | %.3f | %+.2f | %.2f | %.1f | %.2f |", name, with.name,
				r.Right, r.False, r.Missed, r.Precision(), r.Recall(), median, largest, delay, least)
			total = total.Add(r)
		}
		if total.Precision() < 0.9 || total.Recall() < 0.9 {
			t.Errorf("%s: precision %.3f, recall %.3f, want at least 0.9", with.name, total.Precision(), total.Recall())
		}
		out, err := runEdge(t, args...)
		if err != nil {
			t.Fatal(err)
		}
		var sum scored
		if err := json.Unmarshal([]byte(out), &sum); err != nil {
			t.Fatal(err)
		}
		if sum.Right != total.Right || sum.False != total.False || sum.Missed != total.Missed {
			t.Errorf("score of all = %+v, want the sum of each: %+v", sum, total)
		}
	}
}

func TestEachDetectionHasItsEvidence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seen.jsonl")
	watchClip(t, "bottle-a", "--out", file)
	seen := readLines(t, file)
	if len(seen) == 0 {
		t.Fatal("no detections")
	}
	for _, d := range seen {
		var kinds []string
		for _, e := range d.Evidence {
			kinds = append(kinds, e.Kind+" "+e.MediaType)
			hex := strings.TrimPrefix(e.Digest, "sha256:")
			path := filepath.Join(file+".evidence", "sha256", hex[:2], hex)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(ledger.DigestOf(b)); got != e.Digest {
				t.Errorf("stored bytes have %s, want %s", got, e.Digest)
			}
			if e.Kind != "clip" {
				continue
			}
			clip, err := cv.Open(path)
			if err != nil {
				t.Fatalf("clip of %s at %.1f s: %v", d.Slot, d.T, err)
			}
			if n := clip.Frames(); n < 20 {
				t.Errorf("clip of %s at %.1f s has %d frames, want 20 or more", d.Slot, d.T, n)
			}
			clip.Close()
		}
		want := []string{
			"before image/jpeg", "blurred image/jpeg", "at image/jpeg", "blurred image/jpeg", "thumb image/jpeg",
			"after image/jpeg", "blurred image/jpeg", "clip video/mp4", "blurred video/mp4", "boxes application/json",
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("evidence = %v, want %v", kinds, want)
		}
		if d.Confidences.Person != nil {
			t.Errorf("person confidence = %v, want none: a shelf camera knows no persons", *d.Confidences.Person)
		}
	}
}

// TestEvidenceOfADetectionIsSmall is the table of docs/benchmarks.md: what the
// evidence of each detection of a given clip takes, everything counted once.
func TestEvidenceOfADetectionIsSmall(t *testing.T) {
	for _, with := range []struct {
		name string
		args []string
	}{
		{"what moves is hidden", nil},
		{"RFB-320", []string{"--face-model", given.File(t, "models/version-RFB-320.onnx")}},
	} {
		file := filepath.Join(t.TempDir(), "seen.jsonl")
		watchClip(t, "bottle-a", slices.Concat([]string{"--out", file}, with.args)...)
		var sums []int64
		roles := map[string][]int64{}
		for _, d := range readLines(t, file) {
			var sum int64
			seen := map[string]bool{}
			for _, e := range d.Evidence {
				if !seen[e.Digest] {
					sum += e.Bytes
					roles[e.Kind+" "+e.MediaType] = append(roles[e.Kind+" "+e.MediaType], e.Bytes)
				}
				seen[e.Digest] = true
			}
			sums = append(sums, sum)
		}
		for role, all := range roles {
			slices.Sort(all)
			t.Logf("%s: %s: median %d bytes", with.name, role, all[len(all)/2])
		}
		slices.Sort(sums)
		if len(sums) == 0 || sums[len(sums)/2] > 300_000 {
			t.Errorf("%s: evidence of the detections = %d bytes, want a median of at most 300,000", with.name, sums)
		}
		t.Logf("| bottle-a, %s | %d | %d | %d | %d |", with.name, len(sums), sums[0], sums[len(sums)/2], sums[len(sums)-1])
	}
}

func TestVideosAndPlanogramsThatDoNotFitAreRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	clip, plan := given.File(t, "video/bottle-a.mp4"), given.File(t, "video/planogram.json")
	for _, tt := range []struct{ story, video, plan, more, want string }{
		{"no video", write("a.mp4", "not a video"), plan, "", "no frame of it decodes"},
		{"empty video", write("b.mp4", ""), plan, "", "no frame of it decodes"},
		{"missing video", filepath.Join(dir, "c.mp4"), plan, "", "cannot open the source"},
		{
			"planogram of another camera", clip,
			write("p.json", `{"size": [320, 180], "sku": "x", "slots": {"a": [[0,0],[50,0],[50,50]]}}`), "", "differ in size",
		},
		{"overlapping slots", clip, write("o.json", `{"size": [640, 360], "sku": "x", "slots":
			{"a": [[0,0],[50,0],[50,50],[0,50]], "b": [[40,10],[90,10],[90,40],[40,40]]}}`), "", "slots overlap"},
		{"unknown SKU", clip, plan, "--skus=cola", "not in the catalogue"},
		{"unknown slot", clip, plan, "--initial=top=1", "no slot of that name"},
		{"model without weights", clip, plan, "--model=x.cfg", "detector does not load"},
	} {
		args := []string{"watch", "--video", tt.video, "--planogram", tt.plan, "--out", filepath.Join(dir, "out.jsonl")}
		if tt.more != "" {
			args = append(args, tt.more)
		}
		if _, err := runEdge(t, args...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: vouch-edge watch = %v, want %q", tt.story, err, tt.want)
		}
	}
}
