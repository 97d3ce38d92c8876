package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runEdge runs `vouch-edge` with args and returns what it printed.
func runEdge(t testing.TB, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newRootCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestScoreSumsSeveralClips(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	truth := write("truth.jsonl", `{"event": "take", "slot": "left", "t": 6.67}
{"event": "put", "slot": "left", "t": 12.4}
`)
	one := write("one.jsonl", `{"action": "take", "slot": "left", "t": 7}
{"action": "take", "slot": "right", "t": 8}
`)
	both := write("both.jsonl", `{"action": "take", "slot": "left", "t": 6.5}
{"action": "return", "slot": "left", "t": 13.89}
`)
	args := []string{"score", "--truth", truth, "--detections", one, "--truth", truth, "--detections", both}
	out, err := runEdge(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	if want := "precision 0.750  recall 0.750  F1 0.750\n3 right, 1 false, 1 missed"; !strings.HasPrefix(out, want) {
		t.Errorf("score = %q, want %q first", out, want)
	}
	out, err = runEdge(t, append(args, "--json", "--tolerance", "200ms")...)
	if err != nil {
		t.Fatal(err)
	}
	var got scored
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Right != 1 || got.False != 3 || got.Missed != 3 || got.Tolerance != 0.2 {
		t.Errorf("score --tolerance 200ms = %+v, want 1 right, 3 false, 3 missed", got)
	}
}

func TestScoreSaysWhatIsWrongWithTheCall(t *testing.T) {
	for _, args := range [][]string{
		{"score"},
		{"score", "--truth", "a.jsonl"},
		{"score", "--truth", "a.jsonl", "--detections", "b.jsonl", "--tolerance", "-1s"},
		{"watch", "--video", "a.mp4"},
		{"watch", "--no-such-flag"},
	} {
		if _, err := runEdge(t, args...); !errors.Is(err, errUsage) {
			t.Errorf("vouch-edge %v = %v, want a usage error", args, err)
		}
	}
	missing := filepath.Join(t.TempDir(), "none.jsonl")
	if _, err := runEdge(t, "score", "--truth", missing, "--detections", missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("score of a missing file = %v, want os.ErrNotExist", err)
	}
}
