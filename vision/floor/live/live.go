package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/floor"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/internal/pause"
	"github.com/vouchledger/vouch/vision/models"
	"github.com/vouchledger/vouch/vision/relay"
	"github.com/vouchledger/vouch/vision/sidecar"
	"github.com/vouchledger/vouch/vision/track"
	"github.com/vouchledger/vouch/vision/watch"
)

// Options say for which shop and with what a Shop works.
type Options struct {
	Store  ledger.StoreID
	Config Config
	File   func(name string) string // where a file that settings name is
	State  string                   // folder for what is put aside
	// Put makes a detection durable, Tailgate an entry in doubt. Keep makes
	// evidence durable. An error means that there is no room now.
	Put      func(id ledger.ID, at time.Time, d ledger.DetectionRecorded) error
	Keep     func(role, mediaType string, b []byte) (ledger.EvidenceRef, error)
	Tailgate func(t vision.GateTailgate) error
	// Tell says how a scale, a reader or a gate does.
	Tell   func(ctx context.Context, part string, state ledger.DeviceState, detail string)
	Offset func() time.Duration // what this machine's clock lacks
	NewID  func(at time.Time) (ledger.ID, error)
	Now    func() time.Time
	Log    *slog.Logger
}

// A Shop joins the sensors of one machine. It may be used by several
// goroutines.
type Shop struct {
	o      Options
	asides asides
	traces traces

	mu      sync.Mutex
	floor   *floor.Floor // nil while the cameras do not fit together
	scales  map[string]string
	looks   []string         // networks that look for persons, by name and digest
	waits   map[string]aside // by claim
	unsent  []func() error   // for want of room
	begun   time.Time
	doors   []*door
	asked   time.Time // until when tailgates were asked for
	refused int       // frames of a time that has not come
	early   early
	lateness
}

// A door writes down who crosses a gate's line.
type door struct {
	Gate
	file  *relay.Writer
	known []track.Crossing
}

// Open returns the shop, and sends what an earlier run had put aside.
func Open(o Options) (*Shop, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, err
	}
	s := &Shop{o: o, asides: asides{filepath.Join(o.State, "aside")}, waits: map[string]aside{}, scales: map[string]string{}, begun: o.Now()}
	s.early.open = map[string]time.Time{}
	for _, sc := range o.Config.Scales {
		for _, slot := range sc.Slots {
			s.scales[slot] = sc.Name
		}
	}
	left, err := s.asides.left()
	if err != nil {
		return nil, fmt.Errorf("what was put aside: %w", err)
	}
	for _, a := range left {
		s.send(func() error { return s.alone(a) })
	}
	for _, g := range o.Config.Gates {
		d := &door{Gate: g}
		if g.Crossings != "" {
			// The gate's program may be another user's, and that somebody crossed is no secret.
			if d.file, err = relay.Open(o.File(g.Crossings), 0o644); err != nil {
				return nil, err
			}
		}
		s.doors = append(s.doors, d)
	}
	return s, nil
}

// alone sends a sighting as its camera saw it.
func (s *Shop) alone(a aside) error {
	if err := s.o.Put(a.ID, a.At, a.Detection); err != nil {
		return err
	}
	return s.asides.drop(a.ID)
}

// Configure takes the cameras that are in force now. Who was followed until
// then is not known any more; what waits is judged as it is.
func (s *Shop) Configure(cameras []edge.Camera) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	s.past, s.load, s.behind = s.late(), edge.Load{}, false
	s.floor, s.begun = nil, s.o.Now()
	p, err := s.o.Config.read(cameras, s.o.File)
	if err != nil {
		return err
	}
	c, err := s.o.Config.floor(cameras, p)
	if err != nil {
		return err
	}
	f, err := floor.New(c)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	_, err = f.Tick(s.begun)
	s.floor, s.looks = f, s.networks(cameras)
	return err
}

// networks names the networks by which cameras look for persons. One that cannot be
// used finds nobody, and its camera says why.
func (s *Shop) networks(cameras []edge.Camera) (all []string) {
	for _, c := range cameras {
		if c.Floor == "" || c.Detector == "" || c.Persons == edge.PersonsMove {
			continue
		}
		if m, err := models.Load(s.o.File(c.Detector)); err == nil && !slices.Contains(all, m.Label()) {
			all = append(all, m.Label())
		}
	}
	return all
}

// flush judges what waits as it is.
func (s *Shop) flush() {
	if s.floor == nil {
		return
	}
	found, err := s.floor.Flush()
	if err != nil {
		s.o.Log.Error("what waited is not judged", slog.String("why", err.Error()))
	}
	for _, d := range found {
		s.found(d)
	}
}

// Check says whether cameras and the rest fit together.
func (c Config) Check(cameras []edge.Camera, file func(string) string) error {
	err := c.Validate()
	if err != nil {
		return err
	}
	p, err := c.read(cameras, file)
	if err != nil {
		return err
	}
	f, err := c.floor(cameras, p)
	if err != nil {
		return err
	}
	if _, err = floor.New(f); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

func (s *Shop) since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

func (s *Shop) tell(ctx context.Context, part string, state ledger.DeviceState, detail string) {
	if s.o.Tell != nil {
		s.o.Tell(ctx, part, state, detail)
	}
}

// Followed takes whom a camera saw.
func (s *Shop) Followed(f track.Frame) {
	on := s.hear()
	if on == nil {
		return
	}
	if err := on.See(f); err != nil && !errors.Is(err, track.ErrCamera) { // a camera that is leaving
		s.mu.Lock()
		s.refused++
		first := s.refused == 1
		s.mu.Unlock()
		if first {
			s.o.Log.Warn("frames of persons are refused", slog.String("why", err.Error()))
		}
	}
}

// Hand returns how probable it is that who reached to a slot at a moment was of
// staff, and a shopper.
func (s *Shop) Hand(slot string, at time.Time) (staff, shopper float64) {
	if on := s.now(); on != nil {
		return on.Hand(at, slot)
	}
	return 0, 0
}

// Weight returns what the scale under a slot read around a moment.
func (s *Shop) Weight(slot string, at time.Time) *sidecar.Weight {
	if scale, ok := s.scales[slot]; ok {
		return s.traces.around(scale, at)
	}
	return nil
}

// Take puts a sighting aside until it is known whose it is. d is what its
// camera alone would say, under an id that stays when it is taken again.
func (s *Shop) Take(id ledger.ID, camera string, seen watch.Sighting, d ledger.DetectionRecorded) error {
	claim := claimOf(camera, seen)
	a := aside{ID: id, At: seen.At, Claim: claim.ID, Detection: d, put: s.o.Now()}
	on := s.hear()
	if on == nil {
		s.settled(claim.ID)
		return s.o.Put(a.ID, a.At, a.Detection)
	}
	if err := s.asides.keep(a); err != nil {
		return err
	}
	s.mu.Lock()
	s.waits[claim.ID] = a
	s.mu.Unlock()
	if s.settled(claim.ID) {
		return nil
	}
	if err := on.Claim(claim); err != nil {
		s.o.Log.Warn("a sighting is sent as its camera saw it", slog.String("camera", camera), slog.String("why", err.Error()))
		s.mu.Lock()
		delete(s.waits, claim.ID)
		s.mu.Unlock()
		return s.alone(a)
	}
	return nil
}

const (
	// tick is how often the floor is asked what has become certain.
	tick = 100 * time.Millisecond
	// settled is how long after a crossing its opening is known.
	settled = 12 * time.Second
)

// judged is after how long a sighting that no detection names was judged to be
// nothing: by then its moment is decided.
func (s *Shop) judged() time.Duration {
	return 10*time.Second + time.Duration(cmp.Or(s.o.Config.Wait, usualWait)*float64(time.Second))
}

// Run joins until ctx ends.
func (s *Shop) Run(ctx context.Context) {
	var beside sync.WaitGroup
	s.sensors(ctx, &beside)
	for pause.For(ctx, tick) {
		s.Tick()
		s.tellLate(ctx)
	}
	beside.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	clear(s.early.open) // cameras have ended: what they did not hand out never comes
	for _, d := range s.early.ready(s.o.Now()) {
		s.join(d)
	}
	for _, d := range s.doors {
		if d.file != nil {
			_ = d.file.Close()
		}
	}
}

// Tick sends what has become certain by now.
func (s *Shop) Tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	unsent := s.unsent
	s.unsent = nil
	for _, again := range unsent {
		s.send(again)
	}
	now := s.o.Now()
	for _, d := range s.early.ready(now) {
		s.join(d)
	}
	if s.floor == nil {
		return
	}
	found, err := s.floor.Tick(now)
	if err != nil {
		s.o.Log.Error("the floor", slog.String("why", err.Error()))
	}
	for _, d := range found {
		s.found(d)
	}
	for claim, a := range s.waits {
		if now.Sub(a.put) > s.judged() && !s.early.holds(claim) {
			s.o.Log.Info("a sighting was judged to be nothing", slog.String("slot", a.Detection.Slot), slog.Time("at", a.At.UTC()))
			delete(s.waits, claim)
			if err := s.asides.drop(a.ID); err != nil {
				s.o.Log.Error("what was put aside", slog.String("why", err.Error()))
			}
		}
	}
	s.cross(now)
	s.tailgates(now)
}

// send does something that needs room, or keeps it for later. Events are not
// dropped.
func (s *Shop) send(do func() error) {
	if len(s.unsent) > 0 {
		s.unsent = append(s.unsent, do) // in order
		return
	}
	if err := do(); err != nil {
		s.o.Log.Warn("a detection has to wait", slog.String("why", err.Error()))
		s.unsent = append(s.unsent, do)
	}
}

// found sends a detection when all sightings that it rests on were handed out.
func (s *Shop) found(d fuse.Detection) {
	if s.early.awaits(d) {
		s.early.held = append(s.early.held, d)
		return
	}
	s.join(d)
}

// join sends a detection with the evidence of the sightings that it rests on.
func (s *Shop) join(d fuse.Detection) {
	sensor := ledger.DeviceID(s.scales[d.Slot])
	var seen []aside
	for _, c := range d.Claims {
		if a, ok := s.waits[c.ID]; ok {
			seen = append(seen, a)
			delete(s.waits, c.ID)
		}
		sensor = ledger.DeviceID(c.Camera)
	}
	if len(d.Claims) > 0 && len(seen) == 0 {
		return // sent already, or no shopping
	}
	r := d.Recorded(s.o.Store, sensor)
	r.ClockOffset = int(s.o.Offset().Milliseconds())
	deciders := []string{r.Model}
	if len(r.Persons) > 0 {
		deciders = append(deciders, s.looks...)
	}
	for _, a := range seen {
		if !slices.Contains(deciders, a.Detection.Model) {
			deciders = append(deciders, a.Detection.Model)
		}
		for _, e := range a.Detection.Evidence {
			if !slices.Contains(r.Evidence, e) {
				r.Evidence = append(r.Evidence, e)
			}
		}
	}
	r.Model = strings.TrimSpace(strings.Join(deciders, " "))
	r.Model = r.Model[:min(len(r.Model), ledger.MaxText)]
	r.Evidence = r.Evidence[:min(len(r.Evidence), ledger.MaxEvidence)]
	at, id := d.At, ledger.ID{}
	if len(seen) > 0 {
		id = seen[0].ID
	} else {
		var err error
		if id, err = s.o.NewID(at); err != nil {
			s.o.Log.Error("a detection has no id", slog.String("why", err.Error()))
			return
		}
	}
	s.send(func() error { return s.sendFound(id, at, r, seen) })
}

func (s *Shop) sendFound(id ledger.ID, at time.Time, r ledger.DetectionRecorded, seen []aside) error {
	if r.Grams != 0 && !slices.ContainsFunc(r.Evidence, func(e ledger.EvidenceRef) bool { return e.Role == ledger.RoleWeight }) {
		if w := s.Weight(r.Slot, at); w != nil {
			b, err := w.Marshal()
			if err != nil {
				return err
			}
			ref, err := s.o.Keep(ledger.RoleWeight, sidecar.MediaType, b)
			if err != nil {
				return err
			}
			r.Evidence = append(r.Evidence, ref)
		}
	}
	if err := s.o.Put(id, at, r); err != nil {
		return err
	}
	for _, a := range seen {
		if err := s.asides.drop(a.ID); err != nil {
			return err
		}
	}
	return nil
}
