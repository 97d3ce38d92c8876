package shelf

import (
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/planogram"
)

// Monitor watches the slots of one camera.
type Monitor struct {
	plan  planogram.Planogram
	fps   float64
	every int
	w, h  int

	build  *builder
	cur    planes
	ref    *reference
	anchor anchor
	shift  shift
	light  light
	noise  noise
	limits limits
	labels []uint16
	slots  []*slot
	steps  int
	frame  int // of the last look
	stay   stay
	// last is some of the last picture that was looked at as a whole, glanced
	// how many were only glanced at since.
	last    []byte
	glanced int
}

const (
	// smallWidth is the width the monitor looks at. At 320 a bottle is 35
	// pixels wide and noise of the sensor is averaged out by a factor of two.
	smallWidth = 320
	// rate is how many pictures a second are looked at. A hand is in a slot
	// for at least half a second; 15 give seven looks at it.
	rate = 15
)

// New returns a monitor for a planogram and a frame rate.
func New(plan planogram.Planogram, fps float64) *Monitor {
	if !(fps > 0) {
		fps = 2 * rate
	}
	m := &Monitor{plan: plan, fps: fps, every: max(1, int(math.Round(fps/rate)))}
	m.w = min(smallWidth, plan.Width)
	m.h = max(1, plan.Height*m.w/plan.Width)
	n := m.w * m.h
	m.build, m.cur = newBuilder(m.w, m.h), newPlanes(n)
	m.light, m.limits = light{gain: unit}, limits{fine: fineLimit, colour: colourLimit}
	m.labels = make([]uint16, n)
	m.stay.out = map[string][]int{}
	for _, s := range plan.Slots {
		m.slots = append(m.slots, newSlot(m, s))
	}
	return m
}

// Size returns the size of the pictures that Step wants.
func (m *Monitor) Size() (w, h int) { return m.w, m.h }

// Wants reports whether the frame of this number is to be given to Step. The
// others may be skipped, which is half of the monitor's speed.
func (m *Monitor) Wants(frame int) bool { return frame%m.every == 0 }

// Rate returns how many pictures a second Step wants.
func (m *Monitor) Rate() float64 { return m.fps / float64(m.every) }

// Goods reports whether a pixel of a picture lies in a slot.
func (m *Monitor) Goods(x, y int) bool { return m.labels[y*m.w+x] != 0 }

// Blind says that pictures are missing or cannot be judged: a black, frozen or
// moved camera. What is found changed afterwards happened unseen.
func (m *Monitor) Blind() {
	for _, s := range m.slots {
		s.unseen, s.rest, s.calm = true, 0, 0
	}
}

// steps per second of looking.
func (m *Monitor) seconds(s float64) int {
	return max(1, int(math.Round(s*m.fps/float64(m.every))))
}

// Step looks at a frame, given as packed blue-green-red bytes of Size, and
// returns what became certain by it.
func (m *Monitor) Step(frame int, bgr []byte) []Change {
	if m.ref != nil && m.glance(frame, bgr) {
		return m.stay.follow(m, frame, false, nil)
	}
	m.build.colours(m.cur, bgr)
	if m.ref == nil {
		m.start(frame)
		return nil
	}
	m.shift = m.anchor.find(m.cur, m.w, m.light.gain)
	m.light = measure(m.ref.raw, m.cur, m.w, m.h, m.shift)
	m.build.correct(m.cur, m.light)
	m.limits = m.noise.limits(m.cur, m.w)
	m.steps++
	v := view{planes: m.cur, r: rect{0, 0, m.w, m.h}, s: m.shift}
	m.frame = frame
	out := m.stay.follow(m, frame, m.busy(), m.all(func(s *slot) []Change { return s.step(m, frame, v) }))
	if m.steps%m.seconds(blocksEvery) == 0 {
		m.anchor.pick(m.ref.raw, m.w, m.h, m.seconds(blocksEvery))
	}
	return out
}

// all asks every slot. What became certain at once is told in the order it
// happened.
func (m *Monitor) all(ask func(*slot) []Change) []Change {
	var out []Change
	for _, s := range m.slots {
		out = append(out, ask(s)...)
	}
	slices.SortStableFunc(out, func(a, b Change) int { return a.Frame - b.Frame })
	return out
}

// End returns what can be said when no more pictures come. A change seconds
// before the end of a file has not rested as long as others.
func (m *Monitor) End() []Change {
	if m.ref == nil {
		return nil
	}
	v := view{planes: m.cur, r: rect{0, 0, m.w, m.h}, s: m.shift}
	out := m.all(func(s *slot) []Change { return s.end(m, m.frame, v) })
	out = m.stay.follow(m, m.frame, false, out)
	m.Leave()
	return out
}

// busy reports whether somebody was at a slot in the last look.
func (m *Monitor) busy() bool {
	return slices.ContainsFunc(m.slots, func(s *slot) bool { return s.dirty > 0 })
}

// blocksEvery is how often, in seconds, new places to hold on to are chosen:
// a place where an item stood may be bare now.
const blocksEvery = 4.0

// start takes the first frame as what the shelf looks like. If a hand is in
// it, its ghost is recognised when it leaves.
func (m *Monitor) start(frame int) {
	m.build.correct(m.cur, m.light)
	whole := rect{0, 0, m.w, m.h}
	m.ref = newReference(whole)
	m.ref.take(view{planes: m.cur, r: whole}, whole)
	m.anchor.pick(m.ref.raw, m.w, m.h, 0)
	m.limits = m.noise.limits(m.cur, m.w)
	for _, s := range m.slots {
		s.start(m, frame)
	}
}

const (
	// fineLimit and colourLimit are the least differences that count, in
	// steps of 256: below them lie compression and the flicker of lamps.
	fineLimit   = 12
	colourLimit = 7
	// noiseFactor is how many times the measured noise a pixel must differ.
	// At 4 about one pixel in 16,000 does so by chance.
	noiseFactor = 4
)

// noise measures how much still pixels differ from one look to the next.
type noise struct {
	last planes
	sd   [2]float64 // fine, colour
}

// noiseStep is the distance of the pixels that are asked.
const noiseStep = 31

func (n *noise) limits(cur planes, _ int) limits {
	if n.last.fine == nil {
		n.last = newPlanes(len(cur.fine))
	} else {
		var fine, colour [256]int
		count := 0
		for i := 0; i < len(cur.fine); i += noiseStep {
			fine[abs(int(cur.fine[i])-int(n.last.fine[i]))]++
			colour[abs(int(cur.blue[i])-int(n.last.blue[i]))]++
			count++
		}
		// The median difference of two noisy values is 0.95 of their spread.
		for k, hist := range [2][]int{fine[:], colour[:]} {
			now := float64(median(hist, count)) / 0.95
			n.sd[k] += (now - n.sd[k]) / 8
		}
	}
	copy(n.last.fine, cur.fine)
	copy(n.last.blue, cur.blue)
	return limits{
		fine:   max(fineLimit, int(noiseFactor*n.sd[0])),
		colour: max(colourLimit, int(noiseFactor*n.sd[1])),
	}
}
