package walks

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/score"
)

const plan = `{"size": [640, 360], "sku": "tea", "initial": {"left": 1, "right": 1},
 "slots": {"left": [[30,90],[160,90],[160,320],[30,320]], "right": [[300,90],[600,90],[600,320],[300,320]]}}`

// One is taken and brought back by a hand, then both are taken by two.
const truthLines = `{"event": "take", "slot": "left", "t": 6.6, "frame": 199, "frame_tol": 1, "hand_in_frame": 171, "hand_out_frame": 213, "on_shelf_after": {"left": 0, "right": 1}}
{"event": "put", "slot": "left", "t": 12.4, "frame": 371, "frame_tol": 2, "hand_in_frame": 334, "hand_out_frame": 404, "on_shelf_after": {"left": 1, "right": 1}}
{"event": "take", "slot": "right", "t": 17.2, "frame": 516, "frame_tol": 1, "hand_in_frame": 473, "hand_out_frame": 534, "on_shelf_after": {"left": 1, "right": 0}}
{"event": "take", "slot": "left", "t": 17.3, "frame": 518, "frame_tol": 1, "hand_in_frame": 473, "hand_out_frame": 534, "on_shelf_after": {"left": 0, "right": 0}}
`

// folder writes files into a folder of their own.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFolderFindsTheClipsOfAShelf(t *testing.T) {
	dir := folder(t, map[string]string{
		"planogram.json": plan, "a.mp4": "", "a.jsonl": truthLines,
		"b.mp4": "", "b.jsonl": `{"event": "take", "slot": "right", "t": 1}`, "b.meta.json": `{"init": "01"}`,
		"door.mp4": "", "door.jsonl": `{"event": "enter", "t": 6.0}`, "gone.jsonl": truthLines,
	})
	clips, err := Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range clips {
		names = append(names, c.Name)
	}
	if !slices.Equal(names, []string{"a", "b"}) {
		t.Fatalf("clips = %v, want a and b: the door is no shelf, and gone has no video", names)
	}
	want := []Reach{
		{171, 198, 200, 213, []Event{{"left", "take", 199}}, map[string]int{"left": 0, "right": 1}},
		{334, 369, 373, 404, []Event{{"left", "return", 371}}, map[string]int{"left": 1, "right": 1}},
		{473, 515, 519, 534, []Event{{"right", "take", 516}, {"left", "take", 518}}, map[string]int{"left": 0, "right": 0}},
	}
	if diff := cmp.Diff(want, clips[0].Reaches); diff != "" {
		t.Errorf("reaches differ (-want +got):\n%s", diff)
	}
	if len(clips[1].Reaches) != 0 || clips[1].Plan.Slots[0].Initial != 0 {
		t.Errorf("b = %+v, want no reaches and the left slot empty", clips[1])
	}
	for story, files := range map[string]map[string]string{
		"no planogram": {"a.mp4": "", "a.jsonl": truthLines},
		"no shelf":     {"planogram.json": plan, "door.mp4": "", "door.jsonl": `{"event": "enter", "t": 6.0}`},
	} {
		if _, err := Folder(folder(t, files)); !errors.Is(err, ErrNoClips) {
			t.Errorf("%s: Folder() = %v, want ErrNoClips", story, err)
		}
	}
	wrong := folder(t, map[string]string{"planogram.json": plan, "a.mp4": "", "a.jsonl": truthLines, "a.meta.json": `{"init": "1"}`})
	if _, err := Folder(wrong); !errors.Is(err, planogram.ErrCount) {
		t.Errorf("one count for two slots: Folder() = %v, want ErrCount", err)
	}
}

func TestWalkOfTouchesNeverReachesAnEvent(t *testing.T) {
	clips, err := Folder(folder(t, map[string]string{"planogram.json": plan, "a.mp4": "", "a.jsonl": truthLines}))
	if err != nil {
		t.Fatal(err)
	}
	touched := 0
	for seed := range uint64(40) {
		way := Way{Moves: 6, Touch: 1, Hold: 30, AtHand: seed%2 == 1}
		w, err := clips[0].Walk(seed, way, 600)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Events) > 0 {
			t.Errorf("seed %d: %v happens, want nothing", seed, w.Events)
		}
		first, last := slices.Min(w.Frames), slices.Max(w.Frames)
		for _, r := range clips[0].Reaches {
			if first < r.First && last >= r.First || first <= r.Last && last > r.Last {
				t.Errorf("seed %d: frames %d to %d go over the event at %d", seed, first, last, r.First)
			}
			if first < r.Out && first > r.Last || last > r.In && last < r.First {
				touched++
			}
		}
		for i, n := range w.Frames[1:] {
			if d := n - w.Frames[i]; d < -1 || d > 1 {
				t.Errorf("seed %d: frame %d follows %d", seed, n, w.Frames[i])
			}
		}
		again, err := clips[0].Walk(seed, way, 600)
		if err != nil || !cmp.Equal(w, again) {
			t.Errorf("seed %d: a second walk is another, %v", seed, err)
		}
	}
	if touched < 40 {
		t.Errorf("hands come in %d walks of 40, want all", touched)
	}
}

func TestWalkTakesOnlyWhatStandsThere(t *testing.T) {
	clips, err := Folder(folder(t, map[string]string{"planogram.json": plan, "a.mp4": "", "a.jsonl": truthLines}))
	if err != nil {
		t.Fatal(err)
	}
	rate, backwards := cv.Rate{Num: 30, Den: 1}, 0
	for seed := range uint64(40) {
		w, err := clips[0].Walk(seed, Way{Moves: 6, Touch: 0.3, Hold: 30}, 600)
		if err != nil {
			t.Fatal(err)
		}
		stands := map[string]int{}
		for _, s := range w.Plan.Slots {
			stands[s.Name] = s.Initial
		}
		for i, e := range w.Events {
			stands[e.Slot] += map[string]int{"take": -1, "return": 1}[e.Action]
			if n := stands[e.Slot]; n < 0 || n > 1 {
				t.Errorf("seed %d: after %d events %d stand in %s", seed, i+1, n, e.Slot)
			}
			was, is := w.Frames[e.Frame-1], w.Frames[e.Frame]
			if is < was {
				backwards++
			}
			if at := max(was, is); at != 199 && at != 371 && at != 516 && at != 518 {
				t.Errorf("seed %d: %s %s between frames %d and %d of the clip", seed, e.Action, e.Slot, was, is)
			}
			want := score.Event{Slot: e.Slot, Action: e.Action, T: float64(e.Frame) / 30}
			if got := w.Truth(rate)[i]; got != want {
				t.Errorf("seed %d: truth of event %d = %v, want %v", seed, i, got, want)
			}
		}
	}
	if backwards < 40 {
		t.Errorf("%d events are seen backwards, want many", backwards)
	}
}

func TestMirrorOfAMirrorIsThePlanogram(t *testing.T) {
	p, err := planogram.Parse([]byte(plan))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, Mirrored(Mirrored(p))); diff != "" {
		t.Errorf("twice mirrored differs (-want +got):\n%s", diff)
	}
	if lo, _ := planogram.Bounds(Mirrored(p).Slots[0].Polygon); lo[0] != 480 {
		t.Errorf("mirrored left slot begins at %d, want 480", lo[0])
	}
}

func TestTroublesDoWhatTheySay(t *testing.T) {
	const w, h = 32, 16
	pic := make([]byte, w*h*3)
	for i := range pic {
		pic[i] = byte(40 + i/3%w*4)
	}
	spoil := func(tr Trouble, seed uint64) []byte {
		out := slices.Clone(pic)
		s := newSpoiler(tr, seed, w, h)
		for range 20 {
			copy(out, pic)
			s.do(out)
		}
		return out
	}
	for _, tr := range Troubles() {
		one, two := spoil(tr, 1), spoil(tr, 1)
		if !bytes.Equal(one, two) {
			t.Errorf("%s: the same seed gives other frames", tr.Name)
		}
		if bytes.Equal(one, pic) {
			t.Errorf("%s: nothing is done", tr.Name)
		}
	}
	m := spoil(Trouble{Mirror: true}, 1)
	if m[0] != pic[(w-1)*3] || !(Trouble{Name: "none"}).plain() {
		t.Errorf("mirrored picture begins with %d, want %d", m[0], pic[(w-1)*3])
	}
	s := newSpoiler(Trouble{Shake: 1}, 1, w, h)
	out := slices.Clone(pic)
	s.dx, s.dy = 1.5, 0
	s.move(out)
	if got, want := out[(5*w+10)*3], pic[(5*w+11)*3]/2+pic[(5*w+12)*3]/2; got < want-1 || got > want+1 {
		t.Errorf("shifted by 1.5: pixel = %d, want about %d", got, want)
	}
}
