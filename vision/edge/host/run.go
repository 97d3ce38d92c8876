package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/lens"
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/watch"
)

// A run is one opening of one camera.
type run struct {
	camera edge.Camera
	plan   planogram.Planogram
	stop   context.CancelFunc
	feed   *feed
	mem    *memory

	mu     sync.Mutex
	counts map[string]int
	seen   []Seen // the last of them
	there  []image.Rectangle
}

// start begins a run and tells when it is over.
func (h *Host) start(ctx context.Context, c edge.Camera, n int) {
	ctx, stop := context.WithCancel(ctx)
	r := &run{camera: c, stop: stop, mem: &memory{}}
	h.mu.Lock()
	h.runs[n] = r
	h.mu.Unlock()
	h.beside.Go(func() {
		look := h.watch
		if c.Floor != "" {
			look = h.follow
		}
		err := look(ctx, r, n)
		stop()
		h.forget(n)
		in := ending(c, err)
		in.Run = n
		if in.State != "" && !errors.Is(err, context.Canceled) {
			h.cfg.Logger.Warn("a camera is lost", slog.String("camera", c.Name), slog.String("why", in.Detail))
		}
		h.tell(context.WithoutCancel(ctx), in)
	})
}

// ending says what the end of a run means.
func ending(c edge.Camera, err error) edge.Closed {
	in := edge.Closed{Camera: c.Name}
	if err == nil && !c.Live() {
		in.Ended = true
		return in
	}
	if err == nil {
		err = errStream
	}
	in.State, in.Detail = ledger.DeviceUnreachable, err.Error()
	switch {
	case errors.Is(err, planogram.ErrSize), errors.Is(err, mount.ErrSize):
		in.State = ledger.DeviceMisfit
	case errors.Is(err, errEyes), errors.Is(err, cv.ErrModel):
		in.State = ledger.DeviceModelRefused
	case errors.Is(err, errPlan), errors.Is(err, edge.ErrSettings):
		in.State = ledger.DeviceMisconfigured
	case errors.Is(err, watch.ErrBacklog):
		in.State = ledger.DeviceDiskFull
	case errors.Is(err, cv.ErrResized):
		in.Ended, in.State = !c.Live(), ledger.DeviceResized
	case errors.Is(err, watch.ErrBroken) && !c.Live(): // again it would say the same again
		in.Ended, in.State = true, ledger.DeviceTorn
	}
	return in
}

// errStream says that a camera stopped to send.
var errStream = errors.New("its stream ended")

// errPlan marks a planogram that cannot be read.
var errPlan = errors.New("planogram")

// watch opens the camera and watches it until it ends.
func (h *Host) watch(ctx context.Context, r *run, n int) error {
	plan, err := h.plan(r.camera)
	if err == nil {
		plan, err = h.counted(r, plan)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errPlan, err)
	}
	if said := placeless(r.camera, plan); said != "" { // before its first picture: then it is told that it is well
		h.tell(ctx, edge.Noticed{Camera: r.camera.Name, Run: n, State: ledger.DeviceWell, Detail: said})
		h.cfg.Logger.WarnContext(ctx, "a camera does not know its place", slog.String("camera", r.camera.Name), slog.String("why", said))
	}
	f, err := h.feed(ctx, r.camera, n, queued)
	if err != nil {
		return err
	}
	defer f.close()
	r.mu.Lock()
	r.plan, r.feed = plan, f
	r.mu.Unlock()
	cfg := watch.Config{
		Frames: f, Plan: plan, Start: h.starts(r.camera), Speed: r.camera.Speed, Now: h.cfg.Now, Keeper: r.mem,
		Classes: r.camera.Classes, Status: h.noticed(ctx, r.camera, n), Weight: h.cfg.Weight, Hand: h.cfg.Hand,
	}
	if h.cfg.Found != nil {
		cfg.Found = func(s watch.Sighting) { h.cfg.Found(r.camera, s) }
	}
	eyes, err := h.eyes(r.camera)
	if err != nil {
		return err
	}
	defer eyes.close()
	eyes.look(&cfg)
	if h.cfg.Faces != nil {
		f, err := h.cfg.Faces()
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // only read
		cfg.Faces = f
	}
	defer context.AfterFunc(ctx, func() { f.end(ctx.Err()) })()
	_, err = watch.Run(ctx, cfg, func(s watch.Sighting) error { return h.saw(r, s) })
	return err
}

// feed opens a camera, of whose frames so many may wait.
func (h *Host) feed(ctx context.Context, c edge.Camera, n, waiting int) (*feed, error) {
	source, err := c.Address(os.Getenv)
	if err != nil {
		return nil, err
	}
	if !c.Live() {
		source = h.file(source)
	}
	open, err := h.cfg.Open(source)
	if err != nil {
		return nil, err
	}
	return newFeed(open, c, waiting, func(frames, dropped int) {
		h.tell(ctx, edge.Progress{Camera: c.Name, Run: n, Frames: frames, Dropped: dropped})
	}, h.cfg.Now), nil
}

// starts is when the first frame of a run is from. Films that begin with the
// settings were made together, however long each took to open.
func (h *Host) starts(c edge.Camera) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.Live() || h.played[c.Name] || h.begun.IsZero() {
		return h.cfg.Now()
	}
	h.played[c.Name] = true
	return h.begun
}

// states are the words of the ledger for what a lens notices.
var states = map[lens.Trouble]ledger.DeviceState{
	lens.Dark: ledger.DeviceBlack, lens.Frozen: ledger.DeviceFrozen, lens.Moved: ledger.DeviceMisfit,
	lens.Resized: ledger.DeviceResized, lens.Torn: ledger.DeviceTorn, lens.Broken: ledger.DeviceTorn, lens.Full: ledger.DeviceDiskFull,
}

func (h *Host) noticed(ctx context.Context, c edge.Camera, n int) func(watch.Status) {
	return func(s watch.Status) {
		if state, ok := states[s.Trouble]; ok {
			h.tell(ctx, edge.Noticed{Camera: c.Name, Run: n, State: state, Over: s.Over, Detail: s.Detail})
		}
	}
}

// saw makes a sighting durable. It counts on the shelf only after that.
func (h *Host) saw(r *run, s watch.Sighting) error {
	offset, _ := h.Offset()
	if err := h.cfg.Seen(r.camera, s, r.mem, offset); err != nil {
		if errors.Is(err, outbox.ErrFull) {
			err = fmt.Errorf("%w: %w", err, syscall.ENOSPC) // held until there is room
		}
		return err
	}
	r.mem.forget(s.Evidence)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count(s)
	r.seen = append(r.seen, seenOf(s))
	r.seen = r.seen[max(0, len(r.seen)-keptSeen):]
	b, err := json.Marshal(shelfCounts{Plan: r.planDigest(), Counts: r.counts})
	if err == nil {
		err = replace(h.countsFile(r.camera), b)
	}
	if err != nil {
		h.cfg.Logger.Warn("the counts of a shelf are not kept", slog.String("camera", r.camera.Name), slog.String("why", err.Error()))
	}
	return nil
}

// shelfCounts is how many items stand where, for the next run of the camera:
// a monitor that begins anew has to be told.
type shelfCounts struct {
	Plan   ledger.Digest  `json:"plan"`
	Counts map[string]int `json:"counts"`
}

func (h *Host) countsFile(c edge.Camera) string {
	return filepath.Join(h.cfg.State, "counts-"+strings.TrimPrefix(string(ledger.DigestOf([]byte(c.Name))), "sha256:")[:16]+".json")
}

// planDigest names the slots and what the shelf is said to hold at the start:
// counts that were kept hold only as long as nobody counted anew.
func (r *run) planDigest() ledger.Digest {
	type slot struct {
		Name, SKU string
		Capacity  int
	}
	var slots []slot
	for _, s := range r.plan.Slots {
		slots = append(slots, slot{s.Name, s.SKU, s.Capacity})
	}
	b, err := json.Marshal(struct {
		Slots   []slot
		Initial map[string]int
	}{slots, r.camera.Initial})
	if err != nil {
		panic("host: slots do not encode: " + err.Error()) // strings and numbers do
	}
	return ledger.DigestOf(b)
}

// counted returns the planogram with the counts an earlier run left. A film
// begins with its own.
func (h *Host) counted(r *run, p planogram.Planogram) (planogram.Planogram, error) {
	r.plan, r.counts = p, map[string]int{}
	for _, s := range p.Slots {
		r.counts[s.Name] = s.Initial
	}
	if !r.camera.Live() {
		return p, nil
	}
	b, err := os.ReadFile(h.countsFile(r.camera))
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	}
	var kept shelfCounts
	if err != nil || json.Unmarshal(b, &kept) != nil || kept.Plan != r.planDigest() {
		return p, nil // counted anew, or never: what the planogram says
	}
	q, err := p.WithInitial(kept.Counts)
	if err != nil {
		return p, nil
	}
	r.counts = kept.Counts
	return q, nil
}

// count moves the counts past a sighting.
func (r *run) count(s watch.Sighting) {
	for _, slot := range r.plan.Slots {
		if slot.Name != s.Slot {
			continue
		}
		n := r.counts[s.Slot]
		switch string(s.Action) {
		case string(ledger.ActionTake):
			n -= s.Quantity
		case string(ledger.ActionReturn):
			n += s.Quantity
		}
		r.counts[s.Slot] = max(0, min(slot.Capacity, n))
	}
}

const (
	// keptSeen is how many sightings of a camera the page shows.
	keptSeen = 12
	// progressEvery is how often a run says that it goes on.
	progressEvery = 500 * time.Millisecond
)
