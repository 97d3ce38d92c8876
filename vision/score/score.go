// Package score says how well detections agree with the truth: how many of
// the detections are right (precision), how many of the events were found
// (recall), and how far apart in time the two are.
//
// The one idea: a detection and an event are paired at most once, and only if
// slot and action agree and their times differ by no more than a tolerance.
// Pairs are made so that their number is the largest possible.
//
// A whole shop is judged by [CompareShop]: also by product, by whose visit it
// was, and by how often a wrong answer would have been charged without a
// question.
//
// It reads no video and knows no planogram.
package score

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/truth"
)

var (
	// ErrFormat is returned for a line that is not JSON of the expected
	// shape; correct the line named.
	ErrFormat = errors.New("line does not parse")
	// ErrEvent is returned for an event or action that is neither a take nor
	// a return; correct the line named.
	ErrEvent = errors.New("neither take nor return")
)

// Event is something that happened, or is said to have happened, at a slot.
type Event struct {
	Slot   string
	Action string // take or return
	T      float64
}

// line is the union of the two shapes: truth says event take or put,
// detections say action take or return. Truth of a whole shop has lines of
// other kinds too, and of hands that move nothing.
type line struct {
	Kind   string   `json:"kind"`
	Event  string   `json:"event"`
	Action string   `json:"action"`
	Slot   string   `json:"slot"`
	T      *float64 `json:"t"`
}

// Read reads truth or detections, one JSON object a line. Of a whole shop's
// truth it reads takes and puts.
func Read(r io.Reader) ([]Event, error) {
	var events []Event
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrFormat, n, err)
		}
		if l.Kind != "" && l.Kind != string(truth.KindInteraction) ||
			l.Event == string(truth.Touch) || l.Event == string(truth.Tidy) {
			continue
		}
		if l.T == nil || l.Slot == "" {
			return nil, fmt.Errorf("%w: line %d has no t or no slot", ErrFormat, n)
		}
		e := Event{Slot: l.Slot, Action: cmp.Or(l.Action, l.Event), T: *l.T}
		if e.Action == "put" || e.Action == "move" { // a move is a return to another slot
			e.Action = "return"
		}
		if e.Action != "take" && e.Action != "return" {
			return nil, fmt.Errorf("%w: line %d says %q", ErrEvent, n, e.Action)
		}
		events = append(events, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return events, nil
}

// Result is what a comparison found. Results of several clips are summed
// with Add.
type Result struct {
	Right  int // detections that are events
	False  int // detections that are none
	Missed int // events without a detection
	// Errors are the differences in seconds, detection less truth, of the
	// pairs.
	Errors []float64
}

// Compare pairs detections with events. Within one slot and action both are
// in order of time, and the earliest possible partner is always a best one,
// because the tolerance is the same for all.
func Compare(truth, detections []Event, tolerance float64) Result {
	var r Result
	type key struct{ slot, action string }
	group := func(events []Event) map[key][]float64 {
		m := map[key][]float64{}
		for _, e := range events {
			k := key{e.Slot, e.Action}
			m[k] = append(m[k], e.T)
		}
		for _, ts := range m {
			slices.Sort(ts)
		}
		return m
	}
	want, got := group(truth), group(detections)
	for k, ts := range want {
		ds := got[k]
		i, j, pairs := 0, 0, 0
		for i < len(ts) && j < len(ds) {
			switch d := ds[j] - ts[i]; {
			case d < -tolerance:
				j++
			case d > tolerance:
				i++
			default:
				r.Errors = append(r.Errors, d)
				pairs++
				i++
				j++
			}
		}
		r.Right += pairs
		r.Missed += len(ts) - pairs
	}
	r.False = len(detections) - r.Right
	slices.Sort(r.Errors)
	return r
}

// Unpaired returns the events without a detection and the detections without
// an event, each in order of time: what [Compare] counts as missed and false.
func Unpaired(truth, detections []Event, tolerance float64) (missed, wrong []Event) {
	byTime := func(a, b Event) int { return cmp.Compare(a.T, b.T) }
	missed, wrong = slices.SortedFunc(slices.Values(truth), byTime), slices.SortedFunc(slices.Values(detections), byTime)
	missed = slices.DeleteFunc(missed, func(e Event) bool {
		i := slices.IndexFunc(wrong, func(d Event) bool {
			return d.Slot == e.Slot && d.Action == e.Action && math.Abs(d.T-e.T) <= tolerance
		})
		if i < 0 {
			return false
		}
		wrong = slices.Delete(wrong, i, i+1)
		return true
	})
	return missed, wrong
}

// Add sums two results.
func (r Result) Add(o Result) Result {
	errs := slices.Concat(r.Errors, o.Errors)
	slices.Sort(errs)
	return Result{r.Right + o.Right, r.False + o.False, r.Missed + o.Missed, errs}
}

// Precision returns the share of detections that are right; 1 if there are
// none, because then none is wrong.
func (r Result) Precision() float64 { return share(r.Right, r.Right+r.False) }

// Recall returns the share of events found; 1 if there are none.
func (r Result) Recall() float64 { return share(r.Right, r.Right+r.Missed) }

// F1 returns the harmonic mean of precision and recall.
func (r Result) F1() float64 {
	if r.Right+r.False+r.Missed == 0 {
		return 1
	}
	return 2 * float64(r.Right) / float64(2*r.Right+r.False+r.Missed)
}

// MedianError returns the middle difference in time of the pairs in seconds,
// and the largest without regard to sign; zeros if there are no pairs.
func (r Result) MedianError() (median, largest float64) {
	if len(r.Errors) == 0 {
		return 0, 0
	}
	for _, e := range r.Errors {
		largest = max(largest, math.Abs(e))
	}
	return r.Errors[len(r.Errors)/2], largest
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}
