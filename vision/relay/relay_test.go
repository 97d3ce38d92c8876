package relay

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A talk is a file with who writes it and who follows it.
type talk struct {
	t     rapid.TB
	path  string
	w     *Writer
	r     *Reader
	lines int
	heard []string
}

// small is how much a file of a test may have: some ten lines.
const small = 100

func newTalk(t rapid.TB, dir string) *talk {
	k := &talk{t: t, path: filepath.Join(dir, "gate.jsonl")}
	k.r = Follow(k.path)
	k.open()
	return k
}

// open begins to write, as a program does that was begun anew.
func (k *talk) open() {
	k.t.Helper()
	w, err := Open(k.path, 0o600)
	if err != nil {
		k.t.Fatal(err)
	}
	k.w, w.full = w, small
}

// say writes so many lines.
func (k *talk) say(n int) {
	k.t.Helper()
	for range n {
		k.lines++
		line := fmt.Sprintf("line %d\n", k.lines)
		if n, err := k.w.Write([]byte(line)); err != nil || n != len(line) {
			k.t.Fatalf("Write = %d, %v, want %d", n, err, len(line))
		}
	}
}

func (k *talk) hear() {
	k.t.Helper()
	if err := k.r.Next(func(line []byte) { k.heard = append(k.heard, string(line)) }); err != nil {
		k.t.Fatal(err)
	}
}

func (k *talk) close() {
	_, _ = k.w.Close(), k.r.Close()
}

// wants is the lines from one on.
func (k *talk) wants(from int) (all []string) {
	for n := from; n <= k.lines; n++ {
		all = append(all, fmt.Sprintf("line %d", n))
	}
	return all
}

// TestWhoLooksNowAndThenHearsEachLineOnce is the law: whatever a file is begun anew for,
// and whenever its writer is, a reader that looks before it has been three times hears
// each line once and in order, and no two files ever hold more than they may.
func TestWhoLooksNowAndThenHearsEachLineOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		k := newTalk(rt, dir)
		defer k.close()
		unheard := 0
		rt.Repeat(map[string]func(*rapid.T){
			"say": func(rt *rapid.T) {
				n := rapid.IntRange(1, 20).Draw(rt, "lines")
				if unheard += n; unheard > 20 { // 11 lines a file at most, in three files
					k.hear()
					unheard = n
				}
				k.say(n)
			},
			"hear": func(*rapid.T) { k.hear(); unheard = 0 },
			"begin the writer anew": func(rt *rapid.T) {
				if err := k.w.Close(); err != nil {
					rt.Fatal(err)
				}
				k.open()
			},
			"": func(rt *rapid.T) {
				for _, path := range []string{k.path, k.path + Before} {
					if st, err := os.Stat(path); err == nil && st.Size() > small {
						rt.Fatalf("%s has %d bytes, want %d at most", path, st.Size(), small)
					}
				}
			},
		})
		k.hear()
		if want := k.wants(1); !slices.Equal(k.heard, want) {
			rt.Fatalf("heard %q, want %q", k.heard, want)
		}
	})
}

// TestWhoWasAwayHearsWhatIsLeft: it hears the last lines, in order and once, and lacks
// those of files that are gone.
func TestWhoWasAwayHearsWhatIsLeft(t *testing.T) {
	k := newTalk(t, t.TempDir())
	defer k.close()
	k.say(5)
	k.hear()
	k.say(200)
	k.hear()
	first := slices.Index(k.heard, "line 6")
	if first != 5 || k.heard[len(k.heard)-1] != "line 205" || len(k.heard) > 40 || !isTail(k.heard[len(k.heard)-11:], k.wants(1)) {
		t.Errorf("who was away long heard %q, want what it had open and the last two files", k.heard)
	}

	_ = k.r.Close()
	k.r, k.heard = Follow(k.path), nil
	k.hear()
	if n := len(k.heard); n < 10 || n > 22 || !isTail(k.heard, k.wants(1)) {
		t.Errorf("who comes anew heard %q, want the last two files", k.heard)
	}
}

func isTail(part, all []string) bool {
	return len(part) <= len(all) && slices.Equal(part, all[len(all)-len(part):])
}

// TestALineThatWasCutOffSpoilsNoOther: the power is cut in the middle of one.
func TestALineThatWasCutOffSpoilsNoOther(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gate.jsonl"), []byte("line 0\nlin"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := newTalk(t, dir)
	defer k.close()
	k.hear()
	k.say(2)
	k.hear()
	if want := []string{"line 0", "lin", "line 1", "line 2"}; !slices.Equal(k.heard, want) {
		t.Errorf("heard %q, want %q", k.heard, want)
	}
}

// TestAFileThatCannotBeBegunAnewGoesOn: its folder is not the writer's.
func TestAFileThatCannotBeBegunAnewGoesOn(t *testing.T) {
	k := newTalk(t, t.TempDir())
	defer k.close()
	if err := os.MkdirAll(filepath.Join(k.path+Before, "full"), 0o700); err != nil { // root may do anything but this
		t.Fatal(err)
	}
	k.say(30)
	b, err := os.ReadFile(k.path)
	if err != nil || bytes.Count(b, []byte("\n")) != 30 {
		t.Errorf("the file has %q, %v, want all lines", b, err)
	}
	if err := os.RemoveAll(k.path + Before); err != nil {
		t.Fatal(err)
	}
	k.hear()
	k.say(1)
	k.hear()
	if want := k.wants(1); !slices.Equal(k.heard, want) {
		t.Errorf("heard %q, want %q", k.heard, want)
	}
	if b, err = os.ReadFile(k.path); err != nil || string(b) != "line 31\n" {
		t.Errorf("the file has %q, %v, want that it is begun anew", b, err)
	}
}

// TestWhatIsNoFileIsNeverBegunAnew: lines that go to a device stay nowhere.
func TestWhatIsNoFileIsNeverBegunAnew(t *testing.T) {
	w, err := Open(os.DevNull, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.full = small
	if w.turns {
		t.Fatal("a device would be renamed") // and is not, whoever runs the test
	}
	for range 30 {
		if _, err := w.Write([]byte("a line\n")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(os.DevNull + Before); !os.IsNotExist(err) {
		t.Errorf("beside the device lies another, %v", err)
	}
}

// TestAFileThatAnotherProgramBeginsAnew: by truncating it, by taking it away, and with
// lines that never end.
func TestAFileThatAnotherProgramBeginsAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crossings.jsonl")
	r := Follow(path)
	defer r.Close()
	next := func(want ...string) {
		t.Helper()
		var got []string
		if err := r.Next(func(line []byte) { got = append(got, string(line)) }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("heard %.80q, want %.80q", got, want)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil { // it truncates
			t.Fatal(err)
		}
	}
	next()
	write("one\ntwo\nthr")
	next("one", "two")
	write("new\n")
	next("new")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	next()
	write("newer\n")
	next("newer")
	endless := strings.Repeat("x", 2*longest)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(endless + "\nlast\n")
	var all []byte
	if err := r.Next(func(line []byte) { all = append(all, line...) }); err != nil || string(all) != endless+"last" {
		t.Errorf("of a line of %d bytes and one more are heard %d, %v", len(endless), len(all), err)
	}
	if len(r.part) != 0 {
		t.Errorf("%d bytes of it are kept, want none", len(r.part))
	}

	if err := Follow(filepath.Join(path, "below a file")).Next(nil); err == nil {
		t.Error("a file below a file is waited for, want that it cannot be read")
	}
}
