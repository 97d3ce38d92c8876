package moments

import (
	"context"
	"fmt"
	"image"
	"slices"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/cart/device"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/footage"
	"github.com/vouchledger/vouch/vision/sidecar"
)

const (
	// keepFor is how far back pictures and readings go: a thing is laid in within
	// three seconds, and the two before show where the hand came from.
	keepFor = 6 * time.Second
	// clipRate is the frames a second that are kept, at most.
	clipRate = 10
	// most bounds the frames whatever their times say.
	most = 2 * clipRate * int(keepFor/time.Second)
	// lead and tail are what of a clip lies before and after the moment.
	lead, tail = 1500 * time.Millisecond, 1500 * time.Millisecond
	// restless is how long before a moment the view before it was.
	restless = 300 * time.Millisecond
	// pictureWidth and clipWidth show a hand and what it holds, labelWidth a label
	// that can still be read; together they are below 300 kB.
	pictureWidth, clipWidth, labelWidth = 480, 320, 520
)

// A Memory remembers. Make it with New. Its methods may be called by many
// goroutines.
type Memory struct {
	maker footage.Maker
	cart  ledger.DeviceID
	model string

	mu     sync.Mutex
	frames []frame
	trace  []cart.Reading
}

// A frame is a picture with what is known of its moment.
type frame struct {
	at     time.Duration
	seen   cart.Glimpse
	colour *cv.Frame
}

var _ device.Memory = (*Memory)(nil)

// New returns a memory of a cart that has seen nothing. What the maker keeps
// goes nowhere: its pieces are returned.
func New(id ledger.DeviceID, model string, m footage.Maker) *Memory {
	return &Memory{maker: m, cart: id, model: model}
}

// Close gives the pictures back.
func (w *Memory) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.frames {
		f.colour.Close()
	}
	w.frames = nil
}

// Saw takes a picture over.
func (w *Memory) Saw(f device.Frame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	const apart = time.Second/clipRate - time.Second/200 // a camera's times tremble
	if n := len(w.frames); n > 0 && f.At-w.frames[n-1].at < apart {
		if f.Colour != nil {
			f.Colour.Close()
		}
		return nil
	}
	if f.Colour == nil {
		var err error
		if f.Colour, err = coloured(f.Gray); err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
	}
	w.frames = append(w.frames, frame{f.At, cart.Look(f.Gray), f.Colour})
	old := 0
	for old < len(w.frames)-1 && (f.At-w.frames[old].at > keepFor || len(w.frames)-old > most) {
		w.frames[old].colour.Close()
		old++
	}
	w.frames = slices.Delete(w.frames, 0, old)
	return nil
}

func coloured(g *image.Gray) (*cv.Frame, error) {
	bgr := make([]byte, 0, 3*len(g.Pix))
	w, h := g.Rect.Dx(), g.Rect.Dy()
	for y := range h {
		for _, v := range g.Pix[y*g.Stride : y*g.Stride+w] {
			bgr = append(bgr, v, v, v)
		}
	}
	return cv.NewFrame(w, h, bgr)
}

// Read takes a reading of the scale.
func (w *Memory) Read(r cart.Reading) {
	if r.Overload {
		return // it says no grams
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, r)
	old := 0
	for old < len(w.trace)-1 && (r.T-w.trace[old].T > keepFor || len(w.trace)-old > maxTrace) {
		old++
	}
	w.trace = slices.Delete(w.trace, 0, old)
}

// maxTrace is a scale of a hundred readings a second.
const maxTrace = 100 * int(keepFor/time.Second)

// Label shows the picture in which a label was just read; with clip also the
// seconds before, where no scale will show that the thing was laid in.
func (w *Memory) Label(ctx context.Context, clip bool) ([]device.Evidence, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.frames)
	if n == 0 {
		return nil, nil
	}
	var small shrunk
	defer small.close()
	s := footage.Scene{
		Read: small.to(w.frames[n-1].colour, labelWidth), Rest: small.to(w.rest(w.frames[n-1].at).colour, labelWidth),
	}
	if clip {
		s.Clip, s.Rate = w.clip(w.frames[n-1].at)
		small.all(s.Clip, clipWidth)
	}
	shown, err := w.make(ctx, s)
	// The data beside the pictures is that of the thing's being laid in.
	return slices.DeleteFunc(shown, func(e device.Evidence) bool { return e.Ref.Role == ledger.RoleBoxes && !clip }), err
}

// Now shows what lies in the cart, and what the scale says to it.
func (w *Memory) Now(ctx context.Context) ([]device.Evidence, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.frames)
	if n == 0 {
		return w.make(ctx, footage.Scene{Weight: w.weight(w.last())})
	}
	f := w.frames[n-1]
	var small shrunk
	defer small.close()
	return w.make(ctx, footage.Scene{
		At: small.to(f.colour, pictureWidth), Rest: small.to(w.rest(f.at).colour, pictureWidth), Weight: w.weight(f.at),
	})
}

// Moved shows how the weight that just came to rest came about; before is the
// one that rested before it.
func (w *Memory) Moved(ctx context.Context, before int) ([]device.Evidence, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.touched(before)
	s := footage.Scene{Weight: w.weight(at)}
	var small shrunk
	defer small.close()
	if n := len(w.frames); n > 0 {
		rest, after := w.rest(at), w.frames[n-1]
		s.Before, s.At = small.to(rest.colour, pictureWidth), small.to(w.near(at).colour, pictureWidth)
		s.After = small.to(after.colour, pictureWidth)
		s.Clip, s.Rate = w.clip(at)
		small.all(s.Clip, clipWidth)
		place, _ := rest.seen.Changed(after.seen)
		s.Place, s.Label = scaled(place, s.After.Width(), after.colour.Width()), "what changed"
	}
	return w.make(ctx, s)
}

// shrunk are frames that are smaller than the camera's.
type shrunk []*cv.Frame

func (s *shrunk) to(f *cv.Frame, width int) *cv.Frame {
	w, h := cv.EvenSize(f.Width(), f.Height(), width)
	if w >= f.Width() {
		return f
	}
	out := f.Resize(w, h)
	*s = append(*s, out)
	return out
}

func (s *shrunk) all(frames []*cv.Frame, width int) {
	for i, f := range frames {
		frames[i] = s.to(f, width)
	}
}

func (s *shrunk) close() {
	for _, f := range *s {
		f.Close()
	}
}

// scaled returns a place of a picture of one width in the same of another.
func scaled(r image.Rectangle, to, from int) image.Rectangle {
	return image.Rect(r.Min.X*to/from, r.Min.Y*to/from, r.Max.X*to/from, r.Max.Y*to/from)
}

// touched returns when the weight last went through the middle between what
// rested before and what rests now.
func (w *Memory) touched(before int) time.Duration {
	n := len(w.trace)
	if n == 0 {
		return w.last()
	}
	now := w.trace[n-1].Grams
	for i := n - 1; i > 0; i-- {
		if g := 2*w.trace[i-1].Grams - before - now; now > before && g < 0 || now < before && g > 0 {
			return w.trace[i].T
		}
	}
	return w.trace[0].T
}

// last returns the moment of the newest thing that is remembered.
func (w *Memory) last() (t time.Duration) {
	if n := len(w.trace); n > 0 {
		t = w.trace[n-1].T
	}
	if n := len(w.frames); n > 0 {
		t = max(t, w.frames[n-1].at)
	}
	return t
}

// near returns the first frame not before t, or else the newest.
func (w *Memory) near(t time.Duration) frame {
	for _, f := range w.frames {
		if f.at >= t {
			return f
		}
	}
	return w.frames[len(w.frames)-1]
}

// rest returns the view before the moment t: of the frames well before it the one
// that differs least from all others, the last of several. A label that is held
// still, or an arm, is in some of them, the cart in all.
func (w *Memory) rest(t time.Duration) frame {
	before := w.frames[:1]
	for n, f := range w.frames {
		if f.at <= t-restless {
			before = w.frames[:n+1]
		}
	}
	best, least := before[0], -1
	for _, f := range before {
		sum := 0
		for _, o := range before {
			_, n := f.seen.Changed(o.seen)
			sum += n
		}
		if least < 0 || sum <= least {
			best, least = f, sum
		}
	}
	return best
}

// clip returns the frames around a moment, and how many a second they are.
func (w *Memory) clip(at time.Duration) (all []*cv.Frame, rate float64) {
	var from, to time.Duration
	for _, f := range w.frames {
		if f.at < at-lead || f.at > at+tail {
			continue
		}
		if len(all) == 0 {
			from = f.at
		}
		all, to = append(all, f.colour), f.at
	}
	if to <= from {
		return all, clipRate
	}
	return all, float64(len(all)-1) / (to - from).Seconds()
}

// weight returns what the scale read, in times around at; nil without a scale.
func (w *Memory) weight(at time.Duration) *sidecar.Weight {
	if len(w.trace) == 0 {
		return nil
	}
	out := &sidecar.Weight{Scale: string(w.cart)}
	for _, r := range w.trace {
		out.Points = append(out.Points, sidecar.Point{int((r.T - at).Milliseconds()), r.Grams})
	}
	return out
}

// pieces collect what a maker keeps.
type pieces map[ledger.Digest][]byte

// Keep implements [footage.Keeper].
func (p pieces) Keep(_ context.Context, b []byte) (ledger.Digest, error) {
	d := ledger.DigestOf(b)
	p[d] = b
	return d, nil
}

// make makes the evidence of a scene. Without any picture it is what the scale
// read.
func (w *Memory) make(ctx context.Context, s footage.Scene) ([]device.Evidence, error) {
	kept := pieces{}
	m := w.maker
	m.Keeper = kept
	s.Model, s.Item, s.Action = w.model, certain, certain
	refs, err := m.Make(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []device.Evidence
	for _, r := range refs {
		out = append(out, device.Evidence{Ref: r, Bytes: kept[r.Digest]})
	}
	return out, nil
}

// certain is the confidence of what a scale and a label say.
const certain = 1000
