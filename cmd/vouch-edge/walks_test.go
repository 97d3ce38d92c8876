//go:build opencv

package main

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/shelf"
)

// stretch is a part of the bottle clip in which the shelf is at rest, and
// what stands on it then.
type stretch struct {
	from, to int
	init     map[string]int
}

// passage is what happens between two stretches, with how near the hand may
// come from either side and still only have touched.
type passage struct {
	events     []crossed
	fromBefore int // last frame before the first event is felt
	fromAfter  int // first frame after the last one
}

type crossed struct {
	slot, action string
	frame        int
}

var stretches = []stretch{
	{2, 160, map[string]int{"left": 1, "middle": 1, "right": 1}},
	{222, 325, map[string]int{"left": 0, "middle": 1, "right": 1}},
	{412, 465, map[string]int{"left": 1, "middle": 1, "right": 1}},
	{545, 597, map[string]int{"left": 0, "middle": 0, "right": 1}},
}

var passages = []passage{
	{[]crossed{{"left", "take", 199}}, 195, 203},
	{[]crossed{{"left", "return", 371}}, 366, 376},
	{[]crossed{{"middle", "take", 516}, {"left", "take", 518}}, 512, 522},
}

// walk is a new clip made by walking over the frames of a real one, forwards
// and backwards: a take seen backwards is a return.
type walk struct {
	frames []int
	truth  []score.Event
	init   map[string]int
}

// trouble is what is done to the pictures of a walk.
type trouble struct {
	mirror             bool
	noise, shake, gain float64
	hold               int // frames a touching hand rests motionless
	touch              float64
	touchOnly          bool
	atHand             bool // begins with a hand in the picture
}

const clipFPS = 179.0 / 6

func makeWalk(rng *rand.Rand, moves int, tr trouble) walk {
	at := rng.IntN(len(stretches))
	w := walk{init: stretches[at].init}
	pos := stretches[at].from + rng.IntN(stretches[at].to-stretches[at].from)
	step := func(to int, cr *passage) {
		for pos != to {
			d := 1
			if to < pos {
				d = -1
			}
			if cr != nil {
				for _, e := range cr.events {
					action := e.action
					if d < 0 {
						action = map[string]string{"take": "return", "return": "take"}[action]
					}
					if (d > 0 && pos+1 == e.frame) || (d < 0 && pos == e.frame) {
						w.truth = append(w.truth, score.Event{
							Slot: e.slot, Action: action, T: float64(len(w.frames)) / clipFPS,
						})
					}
				}
			}
			pos += d
			w.frames = append(w.frames, pos)
		}
	}
	dwell := func() {
		s := stretches[at]
		for range 1 + rng.IntN(2) {
			step(s.from+rng.IntN(s.to-s.from), nil)
		}
	}
	touch := func(up bool) {
		s := stretches[at]
		turn, back := 0, 0
		if up {
			turn, back = passages[at].fromBefore-rng.IntN(4), s.to
		} else {
			turn, back = passages[at-1].fromAfter+rng.IntN(4), s.from
		}
		step(turn, nil)
		for range rng.IntN(tr.hold + 1) {
			w.frames = append(w.frames, pos)
		}
		step(back, nil)
	}
	if tr.atHand {
		up := at < len(passages) && (at == 0 || rng.IntN(2) == 0)
		if up {
			pos = passages[at].fromBefore
		} else {
			pos = passages[at-1].fromAfter
		}
		for range 1 + tr.hold {
			w.frames = append(w.frames, pos)
		}
	}
	dwell()
	for range moves {
		up := at < len(passages) && (at == 0 || rng.IntN(2) == 0)
		if tr.touchOnly || rng.Float64() < tr.touch {
			touch(up)
		} else if up {
			step(stretches[at+1].from, &passages[at])
			at++
		} else {
			step(stretches[at-1].to, &passages[at-1])
			at--
		}
		dwell()
	}
	if tr.mirror {
		for i := range w.truth {
			w.truth[i].Slot = mirrored(w.truth[i].Slot)
		}
		m := map[string]int{}
		for k, v := range w.init {
			m[mirrored(k)] = v
		}
		w.init = m
	}
	return w
}

func mirrored(slot string) string {
	switch slot {
	case "left":
		return "right"
	case "right":
		return "left"
	}
	return slot
}

// spoiler does the trouble to small pictures.
type spoiler struct {
	rng        *rand.Rand
	tr         trouble
	grain      []int8
	w, h       int
	dx, dy, ph float64
	out        []byte
}

func newSpoiler(rng *rand.Rand, tr trouble, w, h int) *spoiler {
	s := &spoiler{rng: rng, tr: tr, w: w, h: h, out: make([]byte, w*h*3), ph: rng.Float64() * 7}
	s.grain = make([]int8, w*h*3*2)
	for i := range s.grain {
		s.grain[i] = int8(max(-127, min(127, rng.NormFloat64()*tr.noise)))
	}
	return s
}

func (s *spoiler) do(src []byte, n int) []byte {
	gain := 1 + s.tr.gain*math.Sin(s.ph+float64(n)/90)
	if s.tr.shake > 0 {
		s.dx, s.dy = 0.7*s.dx+0.7*s.rng.NormFloat64()*s.tr.shake, 0.7*s.dy+0.7*s.rng.NormFloat64()*s.tr.shake
	}
	ix, iy := math.Floor(s.dx), math.Floor(s.dy)
	fx, fy := s.dx-ix, s.dy-iy
	shift := s.rng.IntN(len(s.grain) / 2)
	for y := range s.h {
		y0 := max(0, min(s.h-2, y+int(iy)))
		for x := range s.w {
			sx := x
			if s.tr.mirror {
				sx = s.w - 1 - x
			}
			x0 := max(0, min(s.w-2, sx+int(ix)))
			a := (y0*s.w + x0) * 3
			i := (y*s.w + x) * 3
			for c := range 3 {
				v := float64(src[a+c])
				if s.tr.shake > 0 {
					v = (1-fy)*((1-fx)*v+fx*float64(src[a+3+c])) +
						fy*((1-fx)*float64(src[a+3*s.w+c])+fx*float64(src[a+3*s.w+3+c]))
				}
				v = v*gain + float64(s.grain[shift+i+c])
				s.out[i+c] = byte(max(0, min(255, v)))
			}
		}
	}
	return s.out
}

// smallFrames returns all frames of the bottle clip at the monitor's size.
func smallFrames(t testing.TB) [][]byte {
	r, err := cv.Open(given.File(t, "video/bottle-a.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sc := cv.NewScaler(320, 180)
	defer sc.Close()
	var all [][]byte
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 320*180*3)
		if err := sc.Scale(f, b); err != nil {
			t.Fatal(err)
		}
		f.Close()
		all = append(all, b)
	}
}

func runWalk(t testing.TB, all [][]byte, wk walk, tr trouble, rng *rand.Rand) []score.Event {
	plan, err := planogram.Load(given.File(t, "video/planogram.json"))
	if err != nil {
		t.Fatal(err)
	}
	if plan, err = plan.WithInitial(wk.init); err != nil {
		t.Fatal(err)
	}
	m := shelf.New(plan, clipFPS)
	s := newSpoiler(rng, tr, 320, 180)
	var seen []score.Event
	note := func(changes []shelf.Change) {
		for _, c := range changes {
			seen = append(seen, score.Event{Slot: c.Slot, Action: string(c.Action), T: float64(c.Frame) / clipFPS})
		}
	}
	for i, n := range wk.frames {
		if m.Wants(i) {
			note(m.Step(i, s.do(all[n], i)))
		}
	}
	note(m.End())
	return seen
}

// troubles are the conditions the walks are made under. Noise is in steps of
// 256 at the monitor's size (twice that in the camera's), shake in its pixels.
var troubles = []struct {
	name string
	tr   trouble
}{
	{"clean", trouble{touch: 0.3}},
	{"mirrored", trouble{touch: 0.3, mirror: true}},
	{"noise 6", trouble{touch: 0.3, noise: 6}},
	{"gain 20 %", trouble{touch: 0.3, gain: 0.2}},
	{"shake 0.5", trouble{touch: 0.3, shake: 0.5}},
	{"shake 1", trouble{touch: 0.3, shake: 1}},
	{"hand rests up to 4 s", trouble{touch: 0.5, hold: 120}},
	{"all of these", trouble{touch: 0.4, hold: 90, noise: 4, gain: 0.12, shake: 0.5}},
	{"hand at the start", trouble{touch: 0.3, hold: 60, atHand: true}},
	{"touches only", trouble{touchOnly: true, hold: 60}},
	{"touches only, all", trouble{touchOnly: true, hold: 60, noise: 4, gain: 0.12, shake: 0.5}},
}

// TestWalksUnderTrouble makes new orders of events out of the real clip and
// spoils the pictures. VOUCH_WALKS is how many walks each condition gets; the
// figures in docs/benchmarks.md are from 20.
func TestWalksUnderTrouble(t *testing.T) {
	all := smallFrames(t)
	walks := 1
	if n, err := strconv.Atoi(os.Getenv("VOUCH_WALKS")); err == nil {
		walks = n
	}
	var total score.Result
	for _, c := range troubles {
		var sum score.Result
		for seed := range walks {
			rng := rand.New(rand.NewPCG(uint64(seed), 7))
			wk := makeWalk(rng, 6, c.tr)
			sum = sum.Add(score.Compare(wk.truth, runWalk(t, all, wk, c.tr, rng), 1.5))
		}
		median, largest := sum.MedianError()
		t.Logf("| %s | %d | %d | %d | %.3f | %.3f | %+.2f | %.2f |", c.name, sum.Right, sum.False, sum.Missed,
			sum.Precision(), sum.Recall(), median, largest)
		if c.tr.touchOnly && sum.False > 0 {
			t.Errorf("%s: %d detections, want none", c.name, sum.False)
		}
		total = total.Add(sum)
	}
	if p, r := total.Precision(), total.Recall(); p < 0.95 || r < 0.95 {
		t.Errorf("precision %.3f, recall %.3f, want at least 0.95 (%d right, %d false, %d missed)",
			p, r, total.Right, total.False, total.Missed)
	}
}
