package live

import (
	"math"
	"sync"
	"time"

	"github.com/vouchledger/vouch/vision/sidecar"
)

// remembered is how long a scale's readings are kept, before and after how much
// of them is shown around a moment.
const (
	remembered    = 30 * time.Second
	before, after = 3 * time.Second, 3 * time.Second
)

type reading struct {
	at    time.Time
	grams float64
}

// traces are the last readings of all scales.
type traces struct {
	mu  sync.Mutex
	all map[string][]reading
}

func (t *traces) add(scale string, at time.Time, grams float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string][]reading{}
	}
	rs := append(t.all[scale], reading{at, grams})
	old := 0
	for at.Sub(rs[old].at) > remembered {
		old++
	}
	t.all[scale] = rs[old:]
}

// around returns what a scale read around a moment; nil if it said nothing.
func (t *traces) around(scale string, at time.Time) *sidecar.Weight {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := &sidecar.Weight{Scale: scale}
	last := math.MinInt
	for _, r := range t.all[scale] {
		off := r.at.Sub(at)
		if off < -before || off > after {
			continue
		}
		// A line that comes late is told late: readings go forward in time.
		ms := max(last, int(off.Milliseconds()))
		last = ms
		w.Points = append(w.Points, sidecar.Point{ms, int(math.Round(r.grams))})
	}
	if len(w.Points) == 0 {
		return nil
	}
	return w
}
