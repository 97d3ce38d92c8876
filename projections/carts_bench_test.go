//go:build linux

package projections_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/crowd"
)

// patternsOf returns the records of n visits or more, each stream for itself: the
// patterns that a weaver repeats.
func patternsOf(tb testing.TB, n int) [][]ledger.Record {
	tb.Helper()
	s, err := crowd.NewShop(7, 1, n/4+1)
	if err != nil {
		tb.Fatal(err)
	}
	streams, whole := map[ledger.StreamID][]ledger.Record{}, [][]ledger.Record{}
	for len(whole) < n {
		a, err := s.Next()
		if err != nil {
			tb.Fatal(err)
		}
		if category, _ := a.Stream.Split(); category != ledger.CategoryVisit {
			continue
		}
		for _, d := range a.Drafts {
			streams[a.Stream] = append(streams[a.Stream], ledger.Record{
				ID: d.ID, Kind: d.Kind, Stream: a.Stream, Revision: uint64(len(streams[a.Stream])), Recorded: d.Occurred,
				Occurred: d.Occurred, Actor: d.Actor, Cause: d.Cause, Body: d.Body,
			})
			if d.Kind == ledger.KindVisitSettled {
				whole = append(whole, streams[a.Stream])
			}
		}
	}
	return whole
}

// A weaver makes up a long log in global order out of few patterns: so many
// visits, of which so many are open at any time. Each has the events of a
// pattern with its own visit id in stream and body.
type weaver struct {
	patterns [][]ledger.Record
	visits   int
	begun    int
	open     []*woven
	rng      *rand.Rand
	position uint64
	bodies   []byte // of this chunk
	records  []ledger.Record
}

type woven struct {
	pattern []ledger.Record
	old     string
	id      string
	stream  ledger.StreamID
}

func newWeaver(patterns [][]ledger.Record, visits, open int) *weaver {
	w := &weaver{patterns: patterns, visits: visits, rng: rand.New(rand.NewPCG(5, 6))}
	for len(w.open) < min(open, visits) {
		w.open = append(w.open, w.arrive())
	}
	return w
}

func (w *weaver) arrive() *woven {
	p := w.patterns[w.begun%len(w.patterns)]
	_, old := p[0].Stream.Split()
	w.begun++
	n := strconv.Itoa(100_000_000 + w.begun)
	id := old[:len(old)-len(n)] + n
	return &woven{pattern: p, old: old, id: id, stream: ledger.VisitStream(ledger.VisitID(id))}
}

// chunk returns the next n records or fewer, in memory that the next chunk
// uses again.
func (w *weaver) chunk(n int) []ledger.Record {
	w.records, w.bodies = w.records[:0], w.bodies[:0]
	if w.bodies == nil {
		w.bodies = make([]byte, 0, n*1024)
	}
	for len(w.open) > 0 && len(w.records) < n {
		i := w.rng.IntN(len(w.open))
		v := w.open[i]
		r := v.pattern[0]
		start := len(w.bodies)
		w.bodies = append(w.bodies, r.Body...)
		r.Body = w.bodies[start:len(w.bodies):len(w.bodies)]
		for b := r.Body; ; {
			at := bytes.Index(b, []byte(v.old))
			if at < 0 {
				break
			}
			copy(b[at:], v.id)
			b = b[at+len(v.id):]
		}
		w.position++
		r.Position, r.Stream = w.position, v.stream
		w.records = append(w.records, r)
		if v.pattern = v.pattern[1:]; len(v.pattern) > 0 {
			continue
		}
		if w.begun < w.visits {
			w.open[i] = w.arrive()
		} else {
			w.open[i] = w.open[len(w.open)-1]
			w.open = w.open[:len(w.open)-1]
		}
	}
	return w.records
}

func seqOf(rs []ledger.Record) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for _, r := range rs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// used returns what this process, or this thread, has used of all cores.
func used(b *testing.B, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// replay folds a woven log, in pieces that a cache holds, as a log that is read
// hands out a block. It reports what one event costs of a core, the collector's
// work included and the weaving taken off.
func replay(b *testing.B, patterns [][]ledger.Record, visits, open int, fresh func() replayer) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var best time.Duration
	events, size, perCart := 0, 0, 0.0
	for range b.N {
		runtime.GC()
		events, size = 0, 0
		cost := -used(b, syscall.RUSAGE_SELF)
		w := newWeaver(patterns, visits, open)
		cs := fresh()
		for {
			before := used(b, syscall.RUSAGE_THREAD)
			rs := w.chunk(256)
			for i := range rs {
				size += len(rs[i].Body)
			}
			cost -= used(b, syscall.RUSAGE_THREAD) - before
			if len(rs) == 0 {
				break
			}
			if err := cs.Fold(seqOf(rs)); err != nil {
				b.Fatal(err)
			}
			events += len(rs)
		}
		cost += used(b, syscall.RUSAGE_SELF)
		if cs.Len() != visits {
			b.Fatalf("%d carts of %d visits", cs.Len(), visits)
		}
		if best == 0 || cost < best {
			best = cost
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		perCart = float64(m.HeapAlloc) / float64(visits)
		runtime.KeepAlive(cs)
	}
	b.ReportMetric(perCart, "B/cart")
	b.ReportMetric(float64(best.Nanoseconds())/float64(events), "cpu-ns/event")
	b.ReportMetric(float64(events)/best.Seconds(), "events/s")
	b.ReportMetric(float64(size)/float64(events), "B/event")
}

// A replayer makes carts of stored records.
type replayer interface {
	Fold(iter.Seq2[ledger.Record, error]) error
	Len() int
}

// folded are carts as the product folds them.
type folded struct{ projections.Carts }

// Fold folds records.
func (f *folded) Fold(records iter.Seq2[ledger.Record, error]) error {
	for r, err := range records {
		if err != nil {
			return err
		}
		if err := f.Apply(&r); err != nil {
			return err
		}
	}
	return nil
}

// judged is the same by encoding/json, as it was before there was a codec:
// decode, encode again, compare.
type judged map[ledger.StreamID]*projections.Cart

// Len returns how many carts there are.
func (j judged) Len() int { return len(j) }

// Fold folds records.
func (j judged) Fold(records iter.Seq2[ledger.Record, error]) error {
	for r, err := range records {
		if err != nil {
			return err
		}
		p, err := decodeStandard(r)
		if err != nil {
			return err
		}
		if j[r.Stream] == nil {
			j[r.Stream] = &projections.Cart{}
		}
		if err := j[r.Stream].Apply(ledger.Event{Record: r, Payload: p}); err != nil {
			return err
		}
	}
	return nil
}

// standard holds the type of each kind that a visit's stream has.
var standard = map[ledger.Kind]ledger.Payload{
	ledger.KindGatePresented: ledger.GatePresented{}, ledger.KindGateEntered: ledger.GateEntered{},
	ledger.KindGateExited: ledger.GateExited{}, ledger.KindDetectionRecorded: ledger.DetectionRecorded{},
	ledger.KindItemPriced: ledger.ItemPriced{}, ledger.KindReviewRequested: ledger.ReviewRequested{},
	ledger.KindReviewDecided: ledger.ReviewDecided{}, ledger.KindReceiptIssued: ledger.ReceiptIssued{},
	ledger.KindVisitSettled: ledger.VisitSettled{},
}

func decodeStandard(r ledger.Record) (ledger.Payload, error) {
	v := reflect.New(reflect.TypeOf(standard[r.Kind]))
	if err := json.Unmarshal(r.Body, v.Interface()); err != nil {
		return nil, err
	}
	p := v.Elem().Interface().(ledger.Payload)
	again, err := ledger.MarshalCanonical(p)
	if err == nil && !bytes.Equal(again, r.Body) {
		err = ledger.ErrCorrupt
	}
	return p, cmp.Or(err, p.Validate())
}

// BenchmarkReplay folds stored records into the carts of all visits, at sizes of
// a shop and of a chain; with one visit open at a time they come stream by
// stream, else in global order. The figure is for one core with GOMAXPROCS=1.
// The largest take some minutes and much memory, and run if VOUCH_BENCH_LARGE is
// set.
func BenchmarkReplay(b *testing.B) {
	patterns := patternsOf(b, 200)
	run := func(visits, open int) {
		b.Run(fmt.Sprintf("visits=%d/open=%d", visits, open), func(b *testing.B) {
			replay(b, patterns, visits, open, func() replayer { return &folded{} })
		})
	}
	b.Run("visits=2500/open=100/encoding-json", func(b *testing.B) {
		replay(b, patterns, 2500, 100, func() replayer { return judged{} })
	})
	run(2500, 100)
	run(2500, 1)
	run(25_000, 1000)
	if os.Getenv("VOUCH_BENCH_LARGE") != "" {
		run(250_000, 1)
		run(250_000, 10_000)
		run(250_000, 250_000)
	}
}
