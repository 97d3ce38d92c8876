//go:build opencv

package main

import (
	"errors"
	"io"
	"os"
	"strconv"
	"testing"

	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/shelf"
	"github.com/vouchledger/vouch/vision/walks"
)

// strolls are the conditions the walks are made under. Noise is in steps of
// 256 at the monitor's size (twice that in the camera's), shake in its pixels.
var strolls = []struct {
	way walks.Way
	tr  walks.Trouble
}{
	{walks.Way{Touch: 0.3}, walks.Trouble{Name: "clean"}},
	{walks.Way{Touch: 0.3}, walks.Trouble{Name: "mirrored", Mirror: true}},
	{walks.Way{Touch: 0.3}, walks.Trouble{Name: "noise 6", Noise: 6}},
	{walks.Way{Touch: 0.3}, walks.Trouble{Name: "gain 20 %", Gain: 0.2}},
	{walks.Way{Touch: 0.3}, walks.Trouble{Name: "shake 0.5", Shake: 0.5}},
	{walks.Way{Touch: 0.3}, walks.Trouble{Name: "shake 1", Shake: 1}},
	{walks.Way{Touch: 0.5, Hold: 120}, walks.Trouble{Name: "hand rests up to 4 s"}},
	{walks.Way{Touch: 0.4, Hold: 90}, walks.Trouble{Name: "all of these", Noise: 4, Gain: 0.12, Shake: 0.5}},
	{walks.Way{Touch: 0.3, Hold: 60, AtHand: true}, walks.Trouble{Name: "hand at the start"}},
	{walks.Way{Touch: 1, Hold: 60}, walks.Trouble{Name: "touches only"}},
	{walks.Way{Touch: 1, Hold: 60}, walks.Trouble{Name: "touches only, all", Noise: 4, Gain: 0.12, Shake: 0.5}},
}

// watchWalk shows a walk to the monitor and returns what it sees.
func watchWalk(t testing.TB, film *walks.Film, w walks.Walk, tr walks.Trouble, seed uint64) []score.Event {
	t.Helper()
	plan := w.Plan
	if tr.Mirror {
		plan = walks.Mirrored(plan)
	}
	m := shelf.New(plan, film.Rate().Float())
	var seen []score.Event
	note := func(changes []shelf.Change) {
		for _, c := range changes {
			seen = append(seen, score.Event{Slot: c.Slot, Action: string(c.Action), T: film.Rate().Seconds(c.Frame)})
		}
	}
	src := film.Walk(w, tr, seed)
	defer src.Close()
	for i := 0; ; i++ {
		f, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.Wants(i) {
			note(m.Step(i, f.BGR()))
		}
		f.Close()
	}
	note(m.End())
	return seen
}

// TestWalksUnderTrouble makes new orders of events out of the real clip and
// spoils the pictures. VOUCH_WALKS is how many walks each condition gets; the
// figures in docs/benchmarks.md are from 20.
func TestWalksUnderTrouble(t *testing.T) {
	clip := shelfClip(t, "bottle-a")
	film, err := clip.Film(shelf.New(clip.Plan, 0).Size())
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(1)
	if more, err := strconv.ParseUint(os.Getenv("VOUCH_WALKS"), 10, 16); err == nil {
		n = more
	}
	var total score.Result
	for _, c := range strolls {
		c.way.Moves = 6
		var sum score.Result
		for seed := range n {
			w, err := clip.Walk(seed, c.way, film.Len())
			if err != nil {
				t.Fatal(err)
			}
			sum = sum.Add(score.Compare(w.Truth(film.Rate()), watchWalk(t, film, w, c.tr, seed), 1.5))
		}
		median, largest := sum.MedianError()
		t.Logf("| %s | %d | %d | %d | %.3f | %.3f | %+.2f | %.2f |", c.tr.Name, sum.Right, sum.False, sum.Missed,
			sum.Precision(), sum.Recall(), median, largest)
		if c.way.Touch == 1 && sum.False > 0 {
			t.Errorf("%s: %d detections, want none", c.tr.Name, sum.False)
		}
		total = total.Add(sum)
	}
	if p, r := total.Precision(), total.Recall(); p < 0.95 || r < 0.95 {
		t.Errorf("precision %.3f, recall %.3f, want at least 0.95 (%d right, %d false, %d missed)",
			p, r, total.Right, total.False, total.Missed)
	}
	if total.Right == 0 {
		t.Error("nothing happens in any walk")
	}
}
