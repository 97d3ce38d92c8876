package trial

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/track"
	"github.com/vouchledger/vouch/vision/truth"
)

// Eyes say how good cameras are.
type Eyes struct {
	Missed    float64 // persons not seen who stand in full view, a frame
	Ghosts    float64 // boxes of nobody, a frame
	Edge      float64 // spread of a box's edges, pixels
	Clothes   float64 // spread of a look around its clothes'
	Found     float64 // moves of which a shelf camera makes a claim
	Covered   float64 // the same with somebody before the camera
	False     float64 // claims for a touch
	Turned    float64 // claims of the wrong action
	Confused  float64 // claims of the wrong product
	Trembling float64 // spread of a claim's time in seconds
}

// Usual are cameras as measured in this project: the shelf monitor finds 0.98
// of events on the given clips and less behind bodies; a small person detector
// misses one box in ten.
var Usual = Eyes{
	Missed: 0.1, Ghosts: 0.01, Edge: 3, Clothes: 0.22,
	Found: 0.95, Covered: 0.7, False: 0.01, Turned: 0.01, Confused: 0.03, Trembling: 0.2,
}

// wardrobe makes a look out of the number of some clothes: a histogram with a
// few strong colours, of which some are everybody's.
func wardrobe(number int) track.Look {
	r := rand.New(rand.NewPCG(uint64(number), 99)) //nolint:gosec // a number of clothes
	look := make(track.Look, 32)
	for i := range look {
		look[i] = float32(0.15 * r.Float64())
	}
	for range 5 {
		look[r.IntN(len(look))] += float32(0.3 + 0.7*r.Float64())
	}
	look[0] += 1.4 // what all people have in common
	return unit(look)
}

func unit(l track.Look) track.Look {
	n := 0.0
	for _, v := range l {
		n += float64(v) * float64(v)
	}
	for i := range l {
		l[i] = float32(float64(l[i]) / math.Sqrt(n))
	}
	return l
}

// people is what a camera's detector says of a frame.
func (e Eyes) people(r *rand.Rand, s *shop.Stage, c shop.Camera, n int, looks map[string]int) track.Frame {
	f := track.Frame{Camera: c.Name, At: moment(s.Time(n))}
	for _, b := range s.Boxes(c, n) {
		if b.Seen < 0.2 || r.Float64() < e.Missed+(1-e.Missed)*(1-b.Seen)*(1-b.Seen) {
			continue
		}
		shake := func(v int) int { return v + int(math.Round(e.Edge*r.NormFloat64())) }
		rect := image.Rect(shake(b.Box[0]), shake(b.Box[1]), shake(b.Box[2]), shake(b.Box[3]))
		look := slices.Clone(wardrobe(looks[b.Person]))
		for i := range look {
			look[i] = max(0, look[i]+float32(e.Clothes*r.NormFloat64()/math.Sqrt(float64(len(look)))*1.6))
		}
		f.Boxes = append(f.Boxes, track.Box{
			Rect: rect.Intersect(image.Rect(0, 0, c.Width, c.Height)), Score: 0.5 + b.Seen/2, Look: unit(look),
		})
	}
	if r.Float64() < e.Ghosts {
		x, y := r.IntN(c.Width-60), r.IntN(c.Height-120)
		f.Boxes = append(f.Boxes, track.Box{
			Rect: image.Rect(x, y, x+40+r.IntN(20), y+80+r.IntN(40)), Score: 0.3, Look: wardrobe(r.IntN(1000)),
		})
	}
	return f
}

// delivered is something that arrives at a time of its own.
type delivered struct {
	at float64 // of arrival
	do func() error
}

// claims is what shelf cameras say of what happened, with the seconds at
// which they say it.
func (e Eyes) claims(r *rand.Rand, in []truth.Interaction, home map[string]string) (all []Said) {
	for i, x := range in {
		found := e.Found
		if slices.ContainsFunc(x.Hidden, func(c string) bool { return c == "shelf-"+x.Shelf }) {
			found = e.Covered
		}
		if x.Event == truth.Touch || x.Event == truth.Tidy {
			found = e.False
		}
		if r.Float64() >= found {
			continue
		}
		action := ledger.ActionTake
		if x.Event == truth.Put {
			action = ledger.ActionReturn
		}
		wrong := r.Float64() < e.Turned
		if wrong && action == ledger.ActionTake {
			action = ledger.ActionReturn
		} else if wrong {
			action = ledger.ActionTake
		}
		c := fuse.Claim{
			ID: fmt.Sprint("claim-", i), Camera: "shelf-" + x.Shelf, Slot: x.Slot, Action: action,
			At: moment(x.T + e.Trembling*r.NormFloat64()), Sure: 0.75 + 0.24*r.Float64(),
			Items: e.items(r, x, home[x.Slot]),
		}
		if wrong || x.Event == truth.Touch || x.Event == truth.Tidy {
			c.Sure = 0.5 + 0.4*r.Float64()
		}
		all = append(all, Said{c, max(x.T+0.8+r.Float64(), x.Until+0.3)})
	}
	return all
}

// items is what the camera takes the thing for: what belongs to the slot, with
// more doubt where it is something else.
func (e Eyes) items(r *rand.Rand, x truth.Interaction, belongs string) []fuse.Item {
	if x.SKU == belongs && r.Float64() >= e.Confused {
		return []fuse.Item{{SKU: belongs, P: 0.8 + 0.19*r.Float64()}}
	}
	other := x.SKU
	if x.SKU == belongs || r.Float64() < 0.3 { // mistakes, and things it has not learnt
		all := shop.Products()
		other = all[r.IntN(len(all))].SKU
	}
	p := 0.3 + 0.4*r.Float64()
	items := []fuse.Item{{SKU: other, P: p}, {SKU: belongs, P: 0.8 * (1 - p)}}
	if other == belongs {
		items = items[:1]
	}
	slices.SortStableFunc(items, func(a, b fuse.Item) int { return cmp.Compare(b.P, a.P) })
	return items
}

// opens is when the staged shop opens; the day is nobody's.
var opens = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

func moment(seconds float64) time.Time {
	return opens.Add(time.Duration(seconds * float64(time.Second)))
}

func seconds(at time.Time) float64 { return at.Sub(opens).Seconds() }
