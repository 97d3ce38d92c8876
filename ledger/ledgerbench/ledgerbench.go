// Package ledgerbench measures the embedded log against the least that a
// durable log can do on the same disk at the same time.
//
// The one idea: a rate by itself says more about the disk than about the log.
// The bare file of bare.go has the same group commit and writes the same bytes
// into a file that is zeroed beforehand and used again and again, but checks
// nothing, indexes nothing and can be read by nobody. Both run in short turns
// one after the other, and what counts is the median of the ratios.
package ledgerbench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
)

// BodyBytes is the length of a measured event's body.
const BodyBytes = 300

// Config says what to measure.
type Config struct {
	Dir     string           // on the disk that is meant; a folder is made in it and removed
	Now     func() time.Time // also the recorded time of events
	Total   time.Duration    // of all turns together
	Rounds  int              // turns of each cell; the figures are medians over them
	Writers []int            // concurrent writers of each cell

	// Progress, if set, is called after each turn.
	Progress func(done, total int64)
}

// A Report is the outcome.
type Report struct {
	CPUs   int     `json:"cpus"`
	Go     string  `json:"go"`
	OS     string  `json:"os"`
	Rounds int     `json:"rounds"`
	TurnMS int64   `json:"turn_ms"`
	Body   int     `json:"body_bytes"`
	Cells  []Cell  `json:"cells"`
	Events uint64  `json:"events"`      // appended to the log
	OpenMS float64 `json:"open_ms"`     // opening it again, every byte checked
	OpenPS float64 `json:"open_per_s"`  // events read in that
	ReadPS float64 `json:"read_per_s"`  // reading the whole log
	PerEvt float64 `json:"frame_bytes"` // of an event, its envelope included
}

// A Cell compares the two at one number of writers.
type Cell struct {
	Writers int     `json:"writers"`
	Log     float64 `json:"log_per_s"`  // durable appends of one event a second, median
	Bare    float64 `json:"bare_per_s"` // the same for the bare file
	Share   float64 `json:"share"`      // median of log/bare of the same round
	LogP50  float64 `json:"log_p50_us"` // median wait of a writer, median over rounds
	BareP50 float64 `json:"bare_p50_us"`
}

// Run measures.
func Run(ctx context.Context, cfg Config) (Report, error) {
	dir, err := os.MkdirTemp(cfg.Dir, "vouch-bench-")
	if err != nil {
		return Report{}, err
	}
	r, err := run(ctx, dir, cfg)
	return r, errors.Join(err, os.RemoveAll(dir))
}

func run(ctx context.Context, dir string, cfg Config) (Report, error) {
	turn := cfg.Total / time.Duration(2*cfg.Rounds*len(cfg.Writers))
	r := Report{
		CPUs: runtime.NumCPU(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Rounds: cfg.Rounds, TurnMS: turn.Milliseconds(), Body: BodyBytes,
	}
	l, err := embedded.Open(ctx, dir, embedded.Config{Now: cfg.Now})
	if err != nil {
		return r, err
	}
	bare, err := openBare(dir)
	if err != nil {
		return r, errors.Join(err, l.Close())
	}
	m := &meter{cfg: cfg, turn: turn, log: l, bare: bare, next: make(map[ledger.StreamID]uint64)}
	r.Cells, err = m.cells(ctx)
	if err = errors.Join(err, l.Close(), bare.close()); err != nil {
		return r, err
	}
	return r, m.reopen(ctx, dir, &r)
}

// A meter runs the turns.
type meter struct {
	cfg  Config
	turn time.Duration
	log  *embedded.Log
	bare *bareFile
	mu   sync.Mutex
	next map[ledger.StreamID]uint64 // revision of each writer's stream
	made uint64                     // events, for their ids
}

// A sample is one turn: how many appends a second and how long each took.
type sample struct{ perSecond, p50 float64 }

// cells runs all turns, the log and the bare file one after the other and the
// one that begins in turns.
func (m *meter) cells(ctx context.Context) ([]Cell, error) {
	logs := make([][]sample, len(m.cfg.Writers))
	bares := make([][]sample, len(m.cfg.Writers))
	done, total := 0, 2*m.cfg.Rounds*len(m.cfg.Writers)
	for round := range m.cfg.Rounds {
		for i, writers := range m.cfg.Writers {
			for half := range 2 {
				var err error
				if (round+half)%2 == 0 {
					err = m.measure(ctx, writers, m.appendLog, &logs[i])
				} else {
					err = m.measure(ctx, writers, m.appendBare, &bares[i])
				}
				if err != nil {
					return nil, err
				}
				if done++; m.cfg.Progress != nil {
					m.cfg.Progress(int64(done), int64(total))
				}
			}
		}
	}
	var cells []Cell
	for i, writers := range m.cfg.Writers {
		c := Cell{Writers: writers}
		var shares []float64
		for k := range logs[i] {
			shares = append(shares, logs[i][k].perSecond/bares[i][k].perSecond)
		}
		c.Share = median(shares)
		c.Log, c.LogP50 = middle(logs[i])
		c.Bare, c.BareP50 = middle(bares[i])
		cells = append(cells, c)
	}
	return cells, nil
}

// measure lets writers append for one turn.
func (m *meter) measure(
	ctx context.Context, writers int, appendOne func(context.Context, int) error, to *[]sample,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	waits := make([][]time.Duration, writers)
	errs := make([]error, writers)
	start := m.cfg.Now()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for at := m.cfg.Now(); at.Sub(start) < m.turn && ctx.Err() == nil; {
				if errs[w] = appendOne(ctx, w); errs[w] != nil {
					cancel()
					return
				}
				end := m.cfg.Now()
				waits[w] = append(waits[w], end.Sub(at))
				at = end
			}
		})
	}
	wg.Wait()
	took := m.cfg.Now().Sub(start)
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return err
	}
	all := slices.Concat(waits...)
	slices.Sort(all)
	*to = append(*to, sample{
		perSecond: float64(len(all)) / took.Seconds(),
		p50:       float64(all[len(all)/2].Nanoseconds()) / 1e3,
	})
	return nil
}

var body = append(append([]byte(`{"slot":"`), bytes.Repeat([]byte("x"), BodyBytes-11)...), `"}`...)

// draft returns a new event.
func (m *meter) draft(n uint64) ledger.Draft {
	d := ledger.Draft{
		Kind: "bottle.taken.v1", Occurred: ledger.Instant(time.Unix(1_772_355_600, 0)), Actor: "device:cam-1", Body: body,
	}
	for i := range 8 {
		d.ID[i], d.ID[8+i] = byte(n>>(8*i)), byte(n*0x9e3779b97f4a7c15>>(8*i))
	}
	return d
}

func streamOf(writer int) ledger.StreamID { return ledger.StreamID(fmt.Sprintf("visit-%08d", writer)) }

// appendLog appends one event at the exact revision.
func (m *meter) appendLog(ctx context.Context, writer int) error {
	stream := streamOf(writer)
	m.mu.Lock()
	m.made++
	n, revision := m.made, m.next[stream]
	m.next[stream]++
	m.mu.Unlock()
	_, err := m.log.Append(ctx, stream, ledger.After(revision), m.draft(n))
	return err
}

// appendBare writes as many bytes to the bare file.
func (m *meter) appendBare(_ context.Context, writer int) error {
	d := m.draft(uint64(writer)) //nolint:gosec // small
	return m.bare.append(d.ID[:], streamOf(writer), d)
}

// reopen measures opening and reading what the turns have left.
func (m *meter) reopen(ctx context.Context, dir string, r *Report) error {
	start := m.cfg.Now()
	l, err := embedded.Open(ctx, dir, embedded.Config{ReadOnly: true})
	if err != nil {
		return err
	}
	opened := m.cfg.Now()
	for _, err := range l.Read(ctx, ledger.Query{}) {
		if err != nil {
			return errors.Join(err, l.Close())
		}
		r.Events++
	}
	read := m.cfg.Now().Sub(opened)
	took := opened.Sub(start)
	r.OpenMS = float64(took.Microseconds()) / 1e3
	r.OpenPS = float64(r.Events) / took.Seconds()
	r.ReadPS = float64(r.Events) / read.Seconds()
	if err := l.Close(); err != nil {
		return err
	}
	report, err := embedded.Verify(ctx, dir, nil)
	r.PerEvt = float64(report.Bytes) / float64(max(report.Events, 1))
	return err
}

func middle(samples []sample) (perSecond, p50 float64) {
	var rates, waits []float64
	for _, s := range samples {
		rates, waits = append(rates, s.perSecond), append(waits, s.p50)
	}
	return median(rates), median(waits)
}

func median(xs []float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	if n := len(xs); n%2 == 0 {
		return (xs[n/2-1] + xs[n/2]) / 2
	}
	return xs[len(xs)/2]
}
