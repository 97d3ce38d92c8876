package render

import (
	"fmt"
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/render/film"
	"github.com/vouchledger/vouch/vision/render/random"
)

// A Shop draws the frames of one scenario. It is not for several goroutines.
type Shop struct {
	Scenario
	scale  float64 // pixels for each pixel of a picture 640 wide
	fps    float64
	frames int

	slots  []*slot
	actors []*actor
	truth  []Event
	light  []film.Gains // of each frame

	empty   *frame // the shelf with nothing on it
	still   *frame // the shelf as it stands at rest
	stillAt []*item
	film    film.Film
	arms    map[armKey]*armSprites
}

// A slot is a place and the things that stand there one after the other.
type slot struct {
	SlotSpec
	index   int
	x       float64 // middle, in pixels of a picture 640 wide
	product product // that belongs here
	history []stand
}

// stand says what a slot holds from a frame on.
type stand struct {
	from int
	item *item // nil: nothing
}

// item is one thing and how it stands.
type item struct {
	product product
	x, y    float64 // foot, in pixels of a picture 640 wide
	art     *sprite
	shade   *sprite
}

// at returns what stands in the slot in frame n.
func (s *slot) at(n int) *item {
	var it *item
	for _, h := range s.history {
		if h.from <= n {
			it = h.item
		}
	}
	return it
}

// New prepares everything that can be painted before the first frame, and
// refuses a scenario that cannot happen.
func New(sc Scenario) (*Shop, error) {
	switch {
	case sc.Width < 160 || sc.Width > 1920 || sc.Width%2 != 0 || sc.Height%2 != 0 ||
		sc.Height < sc.Width/2 || sc.Height > sc.Width:
		return nil, fmt.Errorf("%w: %d x %d", ErrSize, sc.Width, sc.Height)
	case sc.FPS < 5 || sc.FPS > 120:
		return nil, fmt.Errorf("%w: %d frames a second, draw 5 to 120", ErrScenario, sc.FPS)
	case sc.Seconds < 1 || sc.Seconds > 24*3600:
		return nil, fmt.Errorf("%w: %g seconds, draw 1 second to a day", ErrScenario, sc.Seconds)
	}
	s := &Shop{
		Scenario: sc, scale: float64(sc.Width) / 640, fps: float64(sc.FPS),
		frames: int(math.Round(sc.Seconds * float64(sc.FPS))), arms: map[armKey]*armSprites{},
	}
	if err := s.place(); err != nil {
		return nil, err
	}
	if err := s.schedule(); err != nil {
		return nil, err
	}
	s.exposure()
	s.empty = s.scenery()
	s.still = &frame{w: s.Width, h: s.Height, pix: make([]uint8, len(s.empty.pix))}
	s.film = film.New(s.Seed, s.Noise)
	return s, nil
}

// place puts the slots next to each other and fills them.
func (s *Shop) place() error {
	if len(s.Slots) == 0 {
		return fmt.Errorf("%w: no slots", ErrScenario)
	}
	r := random.New(s.Seed, 2)
	pitch := 640 / float64(len(s.Slots))
	for i, spec := range s.Slots {
		p, ok := productOf(spec.SKU)
		if !ok {
			return fmt.Errorf("%w: slot %q holds %q; products are %v", ErrScenario, spec.Name, spec.SKU, SKUs())
		}
		if s.slot(spec.Name) != nil {
			return fmt.Errorf("%w: two slots are called %q", ErrScenario, spec.Name)
		}
		sl := &slot{SlotSpec: spec, index: i, x: pitch * (float64(i) + 0.5), product: p}
		s.slots = append(s.slots, sl)
		if !spec.Empty {
			sl.history = append(sl.history, stand{0, s.stand(sl, p, r, 0.4)})
		}
	}
	return nil
}

func (s *Shop) slot(name string) *slot {
	i := slices.IndexFunc(s.slots, func(sl *slot) bool { return sl.Name == name })
	if i < 0 {
		return nil
	}
	return s.slots[i]
}

// stand makes a thing that stands in a slot, turned and moved at random.
func (s *Shop) stand(sl *slot, p product, r *random.PCG, loose float64) *item {
	turn := loose * r.Between(-1, 1)
	it := &item{product: p, x: sl.x + 7*loose*r.Between(-1, 1), y: footY + loose*r.Between(-5, 3)}
	it.art = p.sprite(s.scale*(1+0.006*(it.y-footY)), turn)
	it.shade = it.art.shadow(max(1, int(5*s.scale)), 0.30)
	return it
}

// Frames returns how many frames there are.
func (s *Shop) Frames() int { return s.frames }

// Frame draws frame n into dst as packed blue-green-red bytes; dst has room
// for Width x Height x 3.
func (s *Shop) Frame(n int, dst []byte) {
	if len(dst) != 3*s.Width*s.Height {
		panic(fmt.Sprintf("render: %d bytes for a frame of %d x %d", len(dst), s.Width, s.Height))
	}
	s.settle(n)
	f := &frame{w: s.Width, h: s.Height, pix: dst}
	copy(f.pix, s.still.pix)
	for _, a := range s.actors {
		if a.from <= n && n <= a.to {
			s.perform(f, a, n)
		}
	}
	s.film.Develop(f.pix, f.w, film.Soft(s.light[n]), random.New(s.Seed+uint64(n), 5)) //nolint:gosec // n counts from 0
}

// settle draws the shelf as it stands in frame n, if it is not drawn already.
func (s *Shop) settle(n int) {
	now := make([]*item, len(s.slots))
	for i, sl := range s.slots {
		now[i] = sl.at(n)
	}
	if s.stillAt != nil && slices.Equal(now, s.stillAt) {
		return
	}
	copy(s.still.pix, s.empty.pix)
	k := s.scale
	for _, it := range now {
		if it != nil {
			s.still.lay(it.shade, s.px(it.x+11), s.px(it.y-3))
		}
	}
	for _, it := range now {
		if it == nil {
			continue
		}
		w := it.product.width * k
		foot := newCanvas(int(1.8*w), int(30*k))
		foot.blob(0.9*w, 15*k, 0.56*w, 6*k, black, 0.62)
		s.still.lay(foot.sprite(int(0.9*w), int(15*k)), s.px(it.x+2), s.px(it.y))
		s.still.lay(it.art, s.px(it.x), s.px(it.y))
	}
	s.stillAt = now
}

// px turns a place of a picture 640 wide into one of this picture.
func (s *Shop) px(v float64) int { return int(math.Round(v * s.scale)) }

// Stock returns what stands on the shelf in frame n, by slot.
func (s *Shop) Stock(n int) map[string]int {
	stock := map[string]int{}
	for _, sl := range s.slots {
		stock[sl.Name] = 0
		if sl.at(n) != nil {
			stock[sl.Name] = 1
		}
	}
	return stock
}
