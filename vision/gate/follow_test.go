package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAFileOfCrossingsIsReadAsItGrows: before it is there, in pieces, with a line
// that says nothing, and begun anew by a program that started again.
func TestAFileOfCrossingsIsReadAsItGrows(t *testing.T) {
	start := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "crossings.jsonl")
	f := Follow(path, start)
	write := func(flag int, text string) {
		t.Helper()
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flag, 0o600)
		if err == nil {
			_, err = out.WriteString(text)
		}
		if err := errors.Join(err, out.Close()); err != nil {
			t.Fatal(err)
		}
	}
	var counter Counter
	counter.Enter(Admission{Visit: "v1", Party: 1, At: time.Second})
	next := func(want string, wrong bool) {
		t.Helper()
		found, err := f.Next()
		if errors.Is(err, ErrLine) != wrong || err != nil && !wrong {
			t.Errorf("Next = %v, want ErrLine: %v", err, wrong)
		}
		if got := fmt.Sprint(found); got != want {
			t.Errorf("Next = %s, want %s", got, want)
		}
		for _, c := range found {
			counter.Cross(c)
		}
	}
	next("[]", false)
	write(os.O_APPEND, `{"at":"2026-11-30T09:00:01.5Z","track":7,"way":"in"}`+"\n"+`{"at":"2026-11-30T09:00:02Z","tra`)
	next("[{1.5s 7 false}]", false)
	next("[]", false)
	if tails, _ := counter.Settle(2 * time.Second); len(tails) > 0 {
		t.Errorf("Settle = %+v, want nothing yet", tails)
	}
	write(os.O_APPEND, `ck":8,"way":"in"}`+"\nnoise\n"+`{"t":3,"track":9,"way":"in"}`+"\n"+`{"t":3.5,"track":9,"way":"out"}`+"\n")
	next("[{2s 8 false} {3s 9 false} {3.5s 9 true}]", true)
	if tails, alone := counter.Settle(10 * time.Second); len(tails) != 1 || tails[0].Persons != 2 || alone != 0 {
		t.Errorf("Settle = %+v and %d alone, want two persons on one code", tails, alone)
	}
	write(os.O_TRUNC, lineText(t, start.Add(time.Minute), 1))
	next("[{1m0s 1 false}]", false)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	next("[]", false)
	write(os.O_APPEND, lineText(t, start.Add(2*time.Minute), 2))
	next("[{2m0s 2 false}]", false)
}

// lineText is the line that the program which follows persons writes.
func lineText(t *testing.T, at time.Time, track int) string {
	t.Helper()
	b, err := json.Marshal(LineOf(at, track, true))
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}
