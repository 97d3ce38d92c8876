package ledgerbench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Config says how to measure.
type Config struct {
	Now     func() time.Time
	Turn    time.Duration // of one target with one number of writers
	Rounds  int           // turns of each; the figures are medians over them
	Writers []int         // concurrent writers of each row

	// Progress, if set, is called after each turn.
	Progress func(done, total int)
}

// An Entry is a target that takes part.
type Entry struct {
	Name   string
	Target Target
	Most   int // not with more writers than these; 0 means with any
}

// A Cell is one target with one number of writers.
type Cell struct {
	Target    string  `json:"target"`
	Writers   int     `json:"writers"`
	PerSecond float64 `json:"per_second"` // durable appends of one event, median
	P50       float64 `json:"p50_us"`     // wait of a writer, median over rounds
	P99       float64 `json:"p99_us"`
	Ratio     float64 `json:"ratio"` // the first target's rate to this one's, median over rounds

	// CPU is this process's processor time for each append, median over
	// rounds: beside other work it says more than a rate does.
	CPU float64 `json:"cpu_us"`
}

// A sample is one turn.
type sample struct{ perSecond, p50, p99, cpu float64 }

// A key names the turns of one cell.
type key struct{ entry, writers int }

// A meter runs the turns.
type meter struct {
	cfg     Config
	events  *events
	entries []Entry
	next    [][]uint64 // revision of each stream, for each target
	made    []uint64   // events, for each target
	samples map[key][]sample
}

// Measure runs all turns. The ratios are of the first entry to each.
func Measure(ctx context.Context, cfg Config, entries ...Entry) ([]Cell, error) {
	made, err := newEvents()
	if err != nil {
		return nil, err
	}
	m := &meter{
		cfg: cfg, events: made, entries: entries, made: make([]uint64, len(entries)), samples: map[key][]sample{},
	}
	for range entries {
		m.next = append(m.next, make([]uint64, Streams))
	}
	for round := range cfg.Rounds {
		if err := m.round(ctx, round); err != nil {
			return nil, err
		}
	}
	var cells []Cell
	for _, writers := range cfg.Writers {
		for i := range entries {
			if m.plays(i, writers) {
				cells = append(cells, m.cell(i, writers))
			}
		}
	}
	return cells, nil
}

func (m *meter) plays(entry, writers int) bool {
	most := m.entries[entry].Most
	return most == 0 || writers <= most
}

// round lets every target have a turn with each number of writers. Each round
// begins with another target, and every second one goes the other way.
func (m *meter) round(ctx context.Context, round int) error {
	order := make([]int, len(m.entries))
	for i := range order {
		order[i] = (i + round) % len(order)
	}
	if round%2 == 1 {
		slices.Reverse(order)
	}
	for row, writers := range m.cfg.Writers {
		for place, i := range order {
			if m.plays(i, writers) {
				s, err := m.turn(ctx, i, writers)
				if err != nil {
					return fmt.Errorf("%s with %d writers: %w", m.entries[i].Name, writers, err)
				}
				m.samples[key{i, writers}] = append(m.samples[key{i, writers}], s)
			}
			if m.cfg.Progress != nil {
				of := len(m.cfg.Writers) * len(order)
				m.cfg.Progress(round*of+row*len(order)+place+1, m.cfg.Rounds*of)
			}
		}
	}
	return nil
}

// turn lets writers append to one target for a while, each once at least: a
// machine that has no processor for a writer in time gives a low rate and not
// none.
func (m *meter) turn(ctx context.Context, entry, writers int) (sample, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	target := m.entries[entry].Target
	waits := make([][]time.Duration, writers)
	errs := make([]error, writers)
	start, cpu := m.cfg.Now(), ProcessorTime()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			n := m.made[entry] + uint64(w) //nolint:gosec // small
			stream := w
			for at := m.cfg.Now(); (len(waits[w]) == 0 || at.Sub(start) < m.cfg.Turn) && ctx.Err() == nil; n += uint64(writers) { //nolint:gosec // small
				e := m.events.event(n, stream, m.next[entry][stream])
				if errs[w] = target.Append(ctx, e); errs[w] != nil {
					cancel()
					return
				}
				m.next[entry][stream]++
				if stream += writers; stream >= Streams {
					stream = w // nobody else appends to these
				}
				end := m.cfg.Now()
				waits[w] = append(waits[w], end.Sub(at))
				at = end
			}
		})
	}
	wg.Wait()
	took := m.cfg.Now().Sub(start)
	cpu = ProcessorTime() - cpu
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return sample{}, err
	}
	longest := 0
	for _, ws := range waits {
		longest = max(longest, len(ws))
	}
	m.made[entry] += uint64(longest * writers) //nolint:gosec // positive
	all := slices.Concat(waits...)
	slices.Sort(all)
	return sample{
		perSecond: float64(len(all)) / took.Seconds(), p50: micros(all, 0.50), p99: micros(all, 0.99),
		cpu: float64(cpu.Nanoseconds()) / 1e3 / float64(max(1, len(all))),
	}, target.Settle(ctx)
}

// micros returns the quantile q of sorted waits in microseconds.
func micros(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[int(q*float64(len(sorted)-1))].Nanoseconds()) / 1e3
}

// cell puts the turns of one target with so many writers together.
func (m *meter) cell(entry, writers int) Cell {
	mine, first := m.samples[key{entry, writers}], m.samples[key{0, writers}]
	var rates, p50s, p99s, cpus, ratios []float64
	for round, s := range mine {
		rates, p50s, p99s = append(rates, s.perSecond), append(p50s, s.p50), append(p99s, s.p99)
		cpus, ratios = append(cpus, s.cpu), append(ratios, first[round].perSecond/s.perSecond)
	}
	return Cell{
		Target: m.entries[entry].Name, Writers: writers,
		PerSecond: Median(rates), P50: Median(p50s), P99: Median(p99s), Ratio: Median(ratios), CPU: Median(cpus),
	}
}

// Median returns the middle of xs, or of the two in the middle.
func Median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	xs = slices.Sorted(slices.Values(xs))
	if n := len(xs); n%2 == 0 {
		return (xs[n/2-1] + xs[n/2]) / 2
	}
	return xs[len(xs)/2]
}

// ProcessorTime returns what this process has used so far, in all threads.
func ProcessorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(fmt.Sprintf("ledgerbench: getrusage: %v", err)) // it has no other way to fail
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
