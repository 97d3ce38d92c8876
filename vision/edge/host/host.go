package host

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/footage"
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/track"
	"github.com/vouchledger/vouch/vision/watch"
)

// A Camera is an open source of pictures.
type Camera interface {
	watch.Source
	Close() error
}

// Config says for which shop and with what a host works. All fields are needed
// but those that say what nil means.
type Config struct {
	Store   ledger.StoreID
	Device  ledger.DeviceID
	Program string // name and version, for reports
	Local   edge.Settings
	Beside  string // folder that planograms and models are named from
	State   string // folder for the settings in force and the counts of the shelves

	Server string // without path; empty if there is none
	Key    string
	Client *http.Client

	Box  *outbox.Outbox
	Open func(source string) (Camera, error) // nil: settings with cameras are refused
	// Detector opens the network of a manifest, Recogniser a model file; where
	// one is nil its files are refused.
	Detector   func(manifest string) (Detector, error)
	Recogniser func(model string) (Recogniser, error)
	Faces      func() (Faces, error) // nil: whatever moves is hidden from shoppers
	// People opens what finds persons in the pictures of a camera that hangs as
	// m says, and is shown so many a second; detector is the file of its network or
	// empty. Nil: cameras that look for persons are refused. Followed is given
	// whom each camera saw.
	People   func(c edge.Camera, detector string, m *mount.Mount, rate float64) (People, error)
	Followed func(track.Frame)
	// Seen makes a sighting durable with its evidence, which of reads; offset
	// is how wrong this clock is.
	Seen func(c edge.Camera, s watch.Sighting, of Evidence, offset time.Duration) error
	// Found is given every sighting as soon as it is certain that something moved; Seen
	// follows when its purpose is known. Nil for nobody.
	Found func(c edge.Camera, s watch.Sighting)

	// Configured is told the cameras that are in force, before any of them begins.
	// Weight is what the scale under a slot read around a moment, Hand how probable it is
	// that staff, or a shopper, reached there. Floor says how what sensors say is joined. Each
	// may be nil.
	Configured func([]edge.Camera)
	Weight     watch.Weigher
	Hand       func(slot string, at time.Time) (staff, shopper float64)
	Floor      func() edge.FloorView

	// A smart cart's program has no cameras here. It is given its settings each time
	// they change, at first before Run does anything else, and tells with [Host.Tell]
	// how its parts do. Nil: settings of a cart are refused.
	Cart func(edge.Cart)

	Now    func() time.Time
	Roll   func() float64 // 0 to 1
	Beat   func()         // called each second while the loop turns
	Once   bool           // end when every camera is a film that was played
	Logger *slog.Logger
}

// A Detector confirms what was seen.
type Detector interface {
	watch.Looker
	Close() error
}

// A Recogniser says what an item looks like.
type Recogniser interface {
	watch.Namer
	Close()
}

// Faces finds whom the copies for shoppers hide.
type Faces interface {
	footage.FaceFinder
	Close() error
}

// A Host runs. Make it with New.
type Host struct {
	cfg    Config
	in     chan edge.Input
	sup    *edge.Supervisor
	clock  edge.Clock
	beside sync.WaitGroup

	mu      sync.Mutex
	offset  time.Duration
	offsets bool // whether it is known
	runs    map[int]*run
	begun   time.Time       // of the settings in force
	played  map[string]bool // films that were begun since
	view    View
	has     int           // version of the settings in force, or refused
	unsent  []outbox.Item // reports the outbox had no room for, the oldest first
}

// New returns a host. It starts nothing.
func New(cfg Config) *Host {
	return &Host{
		cfg: cfg, in: make(chan edge.Input, 64), sup: edge.New(cfg.Now(), cfg.Roll), runs: map[int]*run{},
	}
}

// tick is how often the loop looks at its clock.
const tick = time.Second

// leaveAll is how long runs get to close their cameras at the end.
const leaveAll = 3 * time.Second

// Run works until ctx ends, or returns [ErrGaveUp].
func (h *Host) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	version, settings := h.remembered()
	h.has = version
	if err := h.do(ctx, edge.Configured{Version: version, Settings: settings}); err != nil {
		stop()
		return err
	}
	h.beside.Go(func() { h.watchDisk(ctx) })
	if h.cfg.Server != "" {
		h.beside.Go(func() { h.compareClocks(ctx) })
		h.beside.Go(func() { h.followSettings(ctx) })
	}
	err := h.loop(ctx)
	stop()
	h.leave()
	return err
}

func (h *Host) loop(ctx context.Context) error {
	beat := time.NewTicker(tick)
	defer beat.Stop()
	for {
		var in edge.Input
		select {
		case <-ctx.Done():
			return nil
		case in = <-h.in:
		case <-beat.C:
			in = edge.Tick{}
			h.cfg.Beat()
			_ = h.retell() // it is tried again in a second
		}
		if err := h.do(ctx, in); err != nil {
			return err
		}
		if h.cfg.Once && h.sup.Ended() {
			return nil
		}
	}
}

// leave waits for the runs, but not for decoders that hang.
func (h *Host) leave() {
	done := make(chan struct{})
	go func() { h.beside.Wait(); close(done) }()
	t := time.NewTimer(leaveAll)
	defer t.Stop()
	for {
		select {
		case <-h.in: // nobody listens any more, and nobody may hang
		case <-done:
			return
		case <-t.C:
			return
		}
	}
}

// tell sends what happened to the loop.
func (h *Host) tell(ctx context.Context, in edge.Input) {
	select {
	case h.in <- in:
	case <-ctx.Done():
	}
}

// Tell says how a part does that is no camera. It waits until the host has heard
// it, or Run is over.
func (h *Host) Tell(ctx context.Context, part string, state ledger.DeviceState, detail string) {
	h.tell(ctx, edge.Other{Part: part, State: state, Detail: detail})
}

// do moves the supervisor and does what it asks for.
func (h *Host) do(ctx context.Context, in edge.Input) error {
	if _, ok := in.(edge.Configured); ok {
		h.mu.Lock()
		h.begun, h.played = h.cfg.Now(), map[string]bool{}
		h.mu.Unlock()
	}
	if c, ok := in.(edge.Configured); ok && h.cfg.Configured != nil {
		h.cfg.Configured(c.Settings.Cameras)
	}
	if c, ok := in.(edge.Configured); ok && h.cfg.Cart != nil && c.Settings.Cart != nil {
		h.cfg.Cart(*c.Settings.Cart)
	}
	for _, a := range h.sup.Step(h.cfg.Now(), in) {
		switch a := a.(type) {
		case edge.Start:
			h.start(ctx, a.Camera, a.Run)
		case edge.Stop:
			h.mu.Lock()
			if r := h.runs[a.Run]; r != nil {
				r.stop()
			}
			h.mu.Unlock()
		case edge.Abandon:
			h.forget(a.Run)
		case edge.Report:
			h.report(a.What)
		case edge.GiveUp:
			return fmt.Errorf("%w: %s", ErrGaveUp, a.Reason)
		}
	}
	h.mu.Lock()
	h.view.Parts, h.view.Version = h.sup.Parts(), h.sup.Version()
	h.mu.Unlock()
	return nil
}

func (h *Host) forget(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.runs, n)
}

// Offset returns what has to be added to this machine's clock to have the
// server's, and whether it is known.
func (h *Host) Offset() (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.offset, h.offsets
}

// report puts what the supervisor says into the outbox. With a full disk it
// waits in memory, and comes in its order when there is room: that the disk was
// full is told too.
func (h *Host) report(r ledger.DeviceReported) {
	if h.cfg.Server == "" {
		return
	}
	now := h.cfg.Now()
	id, err := ledger.NewID(now, rand.Reader)
	var body []byte
	if err == nil {
		body, err = json.Marshal(vision.DeviceReport{
			ID: id, OccurredAt: now.UTC(), Program: h.cfg.Program, Running: r.Running, Refused: r.Refused, Reason: r.Reason,
			Offset: r.ClockOffset, Parts: r.Parts,
		})
	}
	if err != nil {
		h.cfg.Logger.Error("a report cannot be told", slog.String("why", err.Error()))
		return
	}
	h.unsent = append(h.unsent, outbox.Item{ID: id.String(), Path: h.path("reports"), ContentType: "application/json", Body: body})
	if over := len(h.unsent) - unsentMost; over > 0 { // each is whole: the last ones say how it is
		h.unsent = h.unsent[over:]
	}
	if err := h.retell(); err != nil {
		h.cfg.Logger.Warn("a report has to wait", slog.String("why", err.Error()))
	}
}

// unsentMost bounds the reports that wait for room on the disk.
const unsentMost = 256

// retell tells what could not be kept yet.
func (h *Host) retell() error {
	for len(h.unsent) > 0 {
		if err := h.cfg.Box.Put(h.unsent[0]); err != nil {
			return err
		}
		h.unsent = h.unsent[1:]
	}
	return nil
}

func (h *Host) path(what string) string {
	return "/v1/shops/" + url.PathEscape(string(h.cfg.Store)) + "/devices/" + url.PathEscape(string(h.cfg.Device)) + "/" + what
}

// errAnswer is an answer of the server that is not the one hoped for.
var errAnswer = errors.New("the server says")
