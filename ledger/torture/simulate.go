package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

// Counts says what a torture has been through.
type Counts struct {
	Runs       int `json:"runs"`
	Openings   int `json:"openings"`
	Kills      int `json:"kills"`
	PowerCuts  int `json:"power_cuts"`
	Full       int `json:"full"` // writes refused for want of space
	SyncErrors int `json:"sync_errors"`
	Events     int `json:"events"` // acknowledged

	Sealed     int `json:"sealed"`      // segments that were sealed
	Merged     int `json:"merged"`      // lookups that were merged away
	Again      int `json:"again"`       // segment files that were used again
	WhileSeals int `json:"while_seals"` // kills and faults that hit the sealing
}

// Add adds what another torture has been through.
func (c *Counts) Add(o Counts) {
	c.Runs += o.Runs
	c.Openings += o.Openings
	c.Kills += o.Kills
	c.PowerCuts += o.PowerCuts
	c.Full += o.Full
	c.SyncErrors += o.SyncErrors
	c.Events += o.Events
	c.Sealed += o.Sealed
	c.Merged += o.Merged
	c.Again += o.Again
	c.WhileSeals += o.WhileSeals
}

// segmentBytes makes segments so short that a run rolls through many, and seals
// them, merges their lookups and uses their files again.
const segmentBytes = 6 << 10

// A simulation is one log on one disk through several lives of its process.
type simulation struct {
	rand   *rand.Rand
	disk   *faultdisk.Disk
	counts Counts
	rates  rates
	faults bool
	lie    bool
	keep   int // full segments that stay open

	mu    sync.Mutex
	next  uint64                      // number of the next draft
	sent  [][]ledger.Draft            // batches ever sent, by number
	known map[uint64]ledger.Record    // by position: acknowledged or read
	ids   map[ledger.ID]ledger.Record // the same by id
}

// rates are chances of a fault in ten thousand changes of the disk. Each seed
// leaves some out and has others often: a fault that comes with everything
// else hides behind it.
type rates struct{ kill, full, io int }

// Simulate runs one history of appends, reads, crashes, power cuts, full disks
// and failing syncs on a simulated disk, and returns an error if an event that
// was acknowledged or read is ever missing, changed or there twice, if a batch
// is there in part, or if the log does not open again. What is written is
// decided by the seed; runs with concurrent writers may differ in their order.
func Simulate(ctx context.Context, seed uint64) (Counts, error) {
	return simulate(ctx, seed, false)
}

// SimulateLying is [Simulate] on a disk whose syncs do nothing but say that
// they did. No log can keep its word on it: it shows that Simulate notices.
func SimulateLying(ctx context.Context, seed uint64) (Counts, error) {
	return simulate(ctx, seed, true)
}

func simulate(ctx context.Context, seed uint64, lie bool) (Counts, error) {
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test repeats itself by its seed
	swarm := func(rate int) int { return rate * []int{0, 1, 6}[r.IntN(3)] }
	s := &simulation{
		rand: r, rates: rates{kill: swarm(60), full: swarm(60), io: swarm(50)}, faults: true,
		lie: lie, keep: []int{0, 0, 0, 3}[r.IntN(4)],
		known: make(map[uint64]ledger.Record), ids: make(map[ledger.ID]ledger.Record),
	}
	// The disk asks for faults from the log's goroutine: it has its own chance.
	chance := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // as above
	crash := rand.New(rand.NewPCG(seed, 2))  //nolint:gosec // as above
	s.disk = faultdisk.New(crash, func(op faultdisk.Op) faultdisk.Fault { return s.fault(chance, op) })
	s.counts.Runs = 1
	lives := 2 + r.IntN(6)
	for life := range lives {
		if err := s.live(ctx); err != nil {
			return s.counts, fmt.Errorf("seed %d, life %d: %w", seed, life, err)
		}
		s.die()
	}
	s.faults = false
	if err := s.finish(ctx); err != nil {
		return s.counts, fmt.Errorf("seed %d, at the end: %w", seed, err)
	}
	return s.counts, nil
}

// ofSealing reports whether a change is one that sealing makes.
func ofSealing(name string) bool {
	return strings.Contains(name, ".sealed") || strings.Contains(name, ".index")
}

// fault draws what goes wrong with a change, and counts what goes well.
func (s *simulation) fault(chance *rand.Rand, op faultdisk.Op) faultdisk.Fault {
	f := faultdisk.None
	if s.faults {
		f = s.draw(chance, op)
	}
	switch {
	case f != faultdisk.None:
		if ofSealing(op.Name) || strings.HasSuffix(op.Name, ".spare") && op.Call == "rename" {
			s.counts.WhileSeals++
		}
	case op.Call == "rename" && strings.HasSuffix(op.Name, ".sealed"):
		s.counts.Sealed++
	case op.Call == "remove" && strings.HasSuffix(op.Name, ".index"):
		s.counts.Merged++
	case op.Call == "rename" && strings.HasSuffix(op.Name, ".spare"):
		s.counts.Again++
	}
	return f
}

func (s *simulation) draw(chance *rand.Rand, op faultdisk.Op) faultdisk.Fault {
	if s.lie && op.Call == "sync" {
		return faultdisk.Lie
	}
	n := chance.IntN(10_000)
	switch {
	case n < s.rates.kill:
		s.counts.Kills++
		return faultdisk.Kill
	case n < s.rates.kill+s.rates.full && (op.Grow || op.Call == "create"):
		s.counts.Full++
		return faultdisk.NoSpace
	case n > 10_000-s.rates.io && (op.Call == "sync" || op.Call == "write" || op.Call == "sync folder"):
		s.counts.SyncErrors++
		return faultdisk.IOError
	}
	return faultdisk.None
}

// die ends a life: the process goes, and sometimes the power.
func (s *simulation) die() {
	if s.rand.IntN(2) == 0 {
		s.counts.PowerCuts++
		s.disk.PowerLoss()
		return
	}
	s.disk.Restart()
}

func (s *simulation) open(ctx context.Context) (*embedded.Log, error) {
	s.counts.Openings++
	return embedded.OpenFolder(ctx, s.disk, embedded.Config{
		Now: ledgertest.JumpingClock(), SegmentBytes: segmentBytes, Random: zeroReader{}, KeepFull: s.keep,
	})
}

// zeroReader gives every log the same id.
type zeroReader struct{}

func (zeroReader) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// live opens the log, checks it and appends for a while.
func (s *simulation) live(ctx context.Context) error {
	l, err := s.open(ctx)
	if errors.Is(err, ledger.ErrCorrupt) {
		return fmt.Errorf("open: %w", err)
	}
	if err != nil {
		return nil //nolint:nilerr // a fault of the disk; the next life tries again
	}
	if err := s.check(ctx, l); err != nil {
		return errors.Join(err, l.Close())
	}
	writers := 1 + 3*s.rand.IntN(2)
	plans := make([][]plan, writers)
	for w := range plans {
		for range 5 + s.rand.IntN(40/writers) {
			plans[w] = append(plans[w], s.plan())
		}
	}
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for w := range plans {
		wg.Go(func() {
			for _, p := range plans[w] {
				if errs[w] = s.append(ctx, l, p); errs[w] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	if s.rand.IntN(2) == 0 { // otherwise it ends in the middle of its sealing
		_ = l.Sealed(ctx) // on a disk with faults it may have ended
	}
	if s.rand.IntN(3) > 0 { // otherwise it is killed as it is
		_ = l.Close() // on a disk with faults it may not succeed
	} else {
		s.disk.Restart()
		_ = l.Close() // releases goroutines; its handles are dead
	}
	return errors.Join(errs...)
}

// A plan is one append to come.
type plan struct {
	drafts []ledger.Draft
	read   bool
}

// plan draws a new batch or an old one again.
func (s *simulation) plan() plan {
	p := plan{read: s.rand.IntN(4) == 0}
	if len(s.sent) > 0 && s.rand.IntN(5) == 0 {
		p.drafts = s.sent[s.rand.IntN(len(s.sent))]
		return p
	}
	for range 1 + s.rand.IntN(3) {
		d := ledgertest.Draft(s.next)
		d.Body = append(d.Body, bytes.Repeat([]byte(" "), s.rand.IntN(600))...)
		p.drafts = append(p.drafts, d)
		s.next++
	}
	s.sent = append(s.sent, p.drafts)
	return p
}

// streamOf puts a batch always into the same stream.
func streamOf(drafts []ledger.Draft) ledger.StreamID {
	return ledger.StreamID(fmt.Sprintf("visit-%d", drafts[0].ID[0]%3))
}

// append sends a batch and notes what was acknowledged. Errors of the disk are
// part of the plan; anything else is a violation.
func (s *simulation) append(ctx context.Context, l *embedded.Log, p plan) error {
	rs, err := l.Append(ctx, streamOf(p.drafts), ledger.Any(), p.drafts...)
	switch {
	case errors.Is(err, ledger.ErrConflict), errors.Is(err, ledger.ErrIDReused), errors.Is(err, ledger.ErrCorrupt):
		return fmt.Errorf("append of a batch with fresh or old ids: %w", err)
	case err != nil:
		return nil
	}
	for _, r := range rs {
		if err := s.learn(r); err != nil {
			return fmt.Errorf("acknowledged: %w", err)
		}
	}
	s.mu.Lock()
	s.counts.Events += len(rs)
	s.mu.Unlock()
	if !p.read {
		return nil
	}
	for r, err := range l.Read(ctx, ledger.Query{From: rs[0].Position, Limit: 10}) {
		if err != nil {
			if errors.Is(err, ledger.ErrCorrupt) {
				return fmt.Errorf("read: %w", err)
			}
			return nil //nolint:nilerr // the disk is gone
		}
		if err := s.learn(r); err != nil {
			return fmt.Errorf("read: %w", err)
		}
	}
	return nil
}

// learn notes a record that somebody has seen, and that must therefore stay.
func (s *simulation) learn(r ledger.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.known[r.Position]; ok && !same(first, r) {
		return fmt.Errorf("position %d was event %s (revision %d), now %s (%d)",
			r.Position, first.ID, first.Revision, r.ID, r.Revision)
	}
	if first, ok := s.ids[r.ID]; ok && !same(first, r) {
		return fmt.Errorf("event %s was at position %d, now at %d", r.ID, first.Position, r.Position)
	}
	s.known[r.Position], s.ids[r.ID] = r, r
	return nil
}

func same(a, b ledger.Record) bool {
	return a.ID == b.ID && a.Position == b.Position && a.Revision == b.Revision && a.Stream == b.Stream &&
		a.Kind == b.Kind && a.Recorded.Equal(b.Recorded) && a.Occurred.Equal(b.Occurred) && a.Actor == b.Actor &&
		a.Cause == b.Cause && a.Trace == b.Trace && bytes.Equal(a.Body, b.Body)
}

// check reads the whole log and compares it with all that was ever seen of it.
func (s *simulation) check(ctx context.Context, l ledger.Log) error {
	stored := make(map[ledger.ID]bool)
	next := make(map[ledger.StreamID]uint64)
	last, recorded := uint64(0), time.Time{}
	for r, err := range l.Read(ctx, ledger.Query{}) {
		if errors.Is(err, faultdisk.ErrKilled) || errors.Is(err, ledger.ErrClosed) {
			return nil //nolint:nilerr // killed while reading: nothing learned
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if r.Position != last+1 || r.Revision != next[r.Stream] || stored[r.ID] || r.Recorded.Before(recorded) {
			return fmt.Errorf("position %d, %s/%d, event %s is out of order or there twice",
				r.Position, r.Stream, r.Revision, r.ID)
		}
		last, next[r.Stream], stored[r.ID], recorded = r.Position, r.Revision+1, true, r.Recorded
		if err := s.learn(r); err != nil {
			return err
		}
	}
	for position, r := range s.known {
		if !stored[r.ID] {
			return fmt.Errorf("position %d, event %s, was acknowledged or read and is missing; the log ends at %d",
				position, r.ID, last)
		}
	}
	for _, batch := range s.sent {
		for _, d := range batch {
			if stored[d.ID] != stored[batch[0].ID] {
				return fmt.Errorf("the batch of event %s is stored in part", d.ID)
			}
		}
	}
	return nil
}

// finish sends everything again on a disk without faults: each event must then
// be there once, and the whole log must verify.
func (s *simulation) finish(ctx context.Context) error {
	l, err := s.open(ctx)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	for _, batch := range s.sent {
		if err == nil {
			err = s.append(ctx, l, plan{drafts: batch})
		}
	}
	if err == nil {
		err = l.Sealed(ctx)
	}
	if err == nil {
		err = s.check(ctx, l)
	}
	if err = errors.Join(err, l.Close()); err != nil {
		return err
	}
	report, err := embedded.VerifyFolder(ctx, s.disk)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if report.Events != s.next || len(s.known) != int(s.next) { //nolint:gosec // small
		return fmt.Errorf("%d events are stored, %d known, %d were sent", report.Events, len(s.known), s.next)
	}
	return nil
}
