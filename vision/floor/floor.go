package floor

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/track"
)

// A Config describes a shop's floor.
type Config struct {
	// Track names the cameras that look for persons, and the doors. Without a
	// camera nobody is followed, and detections name no visit.
	Track track.Config
	// Fuse names slots, products, scales and tags. Its Who and Did are the
	// floor itself and must be nil.
	Fuse fuse.Config
	// Places says where each slot is. Of a slot without a place nobody knows who
	// stands there.
	Places map[string]track.Place
	// Late is how late a frame of persons may come; 0 for 500 ms. It must be
	// less than the time after which a moment is judged (Fuse.Wait).
	Late time.Duration
	// InOrder says that each camera's frames come in the order of their times: what
	// all of them have got beyond waits for nothing more.
	InOrder bool
}

const (
	// usualLate is enough for a small detector on a slow processor.
	usualLate = 500 * time.Millisecond
	// ahead is how far before the time a sensor's clock may be: more than any
	// that is set by the network, and what a machine falls behind under load.
	ahead = 10 * time.Second
	// repeats is how long a repetition of an opening is known for what it is.
	repeats = time.Hour
)

// An Opening is a gate that opened.
type Opening struct {
	track.Opening
	Staff bool // who came in works here
}

// Late counts what came too late to count.
type Late struct {
	Frames   int // of persons
	Readings int // of scales and shelf cameras
}

// A Floor joins what a shop's sensors say. It may be used by several
// goroutines.
type Floor struct {
	mu      sync.Mutex
	late    time.Duration
	inOrder bool
	latest  map[string]time.Time // frame of each camera
	tracker *track.Tracker       // nil if nobody is followed
	cameras map[string]bool
	fuser   *fuse.Fuser
	places  map[string]track.Place
	staff   map[ledger.VisitID]bool
	guests  map[ledger.VisitID]*guest
	gates   []string        // whose lines are crossed
	crossed time.Time       // until when it is known who crossed them
	opened  []track.Opening // of the last time
	frames  []track.Frame   // that the tracker has not seen, in order
	upTo    time.Time       // frames before it have been seen
	now     time.Time
	missed  int
}

// New returns the floor of a shop.
func New(c Config) (*Floor, error) {
	if c.Late == 0 {
		c.Late = usualLate
	}
	if c.Late < 0 || c.Fuse.Wait != 0 && c.Late >= c.Fuse.Wait {
		return nil, fmt.Errorf("%w: frames come %v late, and a moment is judged after %v", ErrConfig, c.Late, c.Fuse.Wait)
	}
	if c.Fuse.Who != nil || c.Fuse.Did != nil {
		return nil, fmt.Errorf("%w: who stands where is said twice", ErrConfig)
	}
	f := &Floor{
		late: c.Late, inOrder: c.InOrder, latest: map[string]time.Time{}, places: c.Places, cameras: map[string]bool{},
		staff: map[ledger.VisitID]bool{}, guests: map[ledger.VisitID]*guest{},
	}
	for _, cam := range c.Track.Cameras {
		f.cameras[cam.ID] = true
	}
	for _, l := range c.Track.Lines {
		f.gates = append(f.gates, l.Gate)
	}
	var err error
	if len(c.Track.Cameras) > 0 {
		if f.tracker, err = track.New(c.Track); err != nil {
			return nil, err
		}
		c.Fuse.Who, c.Fuse.Did = f.whoever, f.did
	}
	if f.fuser, err = fuse.New(c.Fuse); err != nil {
		return nil, err
	}
	for slot := range c.Places {
		if !slices.ContainsFunc(c.Fuse.Slots, func(s fuse.Slot) bool { return s.ID == slot }) {
			return nil, fmt.Errorf("%w: a place for %q, which is no slot", ErrConfig, slot)
		}
	}
	return f, nil
}

// known refuses a time that has not come.
func (f *Floor) known(what string, at time.Time) error {
	if !f.now.IsZero() && at.Sub(f.now) > ahead {
		return fmt.Errorf("%s of %v at %v: %w", what, at.UTC(), f.now.UTC(), ErrAhead)
	}
	return nil
}

// See takes what one camera saw of persons. Frames wait until all that are
// older have come.
func (f *Floor) See(seen track.Frame) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.cameras[seen.Camera] {
		return fmt.Errorf("frame of %q: %w", seen.Camera, track.ErrCamera)
	}
	if err := f.known("frame of "+seen.Camera, seen.At); err != nil {
		return err
	}
	if seen.At.Before(f.upTo) {
		f.missed++
		return nil
	}
	if seen.At.After(f.latest[seen.Camera]) {
		f.latest[seen.Camera] = seen.At
	}
	i, twice := slices.BinarySearchFunc(f.frames, seen, func(a, b track.Frame) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Camera, b.Camera))
	})
	if !twice {
		f.frames = slices.Insert(f.frames, i, seen)
	}
	return nil
}

// Open says that a gate opened; it may be said again.
func (f *Floor) Open(o Opening) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.known("opening of "+o.Gate, o.At); err != nil {
		return err
	}
	f.opened = slices.DeleteFunc(f.opened, func(was track.Opening) bool { return f.now.Sub(was.At) > repeats })
	if slices.Contains(f.opened, o.Opening) {
		return nil
	}
	f.opened = append(f.opened, o.Opening)
	f.comes(o.Opening)
	if o.Staff {
		f.staff[o.Visit] = true
	}
	if f.tracker != nil {
		f.tracker.Bind(o.Opening)
	}
	return nil
}

// Weigh takes a scale's reading.
func (f *Floor) Weigh(scale string, at time.Time, grams float64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.known("weight on "+scale, at); err != nil {
		return err
	}
	return f.fuser.Weigh(scale, at, grams)
}

// Step takes a step that a scale found by itself.
func (f *Floor) Step(s fuse.Step) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.known("step of "+s.Scale, s.Until); err != nil {
		return err
	}
	return f.fuser.Step(s)
}

// Read takes an RFID answer.
func (f *Floor) Read(r fuse.TagRead) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.known("read of "+r.Reader, r.At); err != nil {
		return err
	}
	f.fuser.Read(r)
	return nil
}

// Claim takes what a shelf camera says of a slot. It is to be given as soon as
// it is certain that something moved: what moved, and whose purpose it was,
// is judged here.
func (f *Floor) Claim(c fuse.Claim) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.known("claim of "+c.Camera, c.At); err != nil {
		return err
	}
	return f.fuser.Claim(c)
}

// Tick says what time it is and returns the detections that have become
// certain, in the order in which they did. Call it several times a
// second; a time before the last one changes nothing.
func (f *Floor) Tick(now time.Time) ([]fuse.Detection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.After(f.now) {
		f.now = now
	}
	if err := f.follow(f.complete()); err != nil {
		return nil, err
	}
	f.doors()
	return f.fuser.Tick(f.now), nil
}

// complete is the time before which no frame comes any more that counts.
func (f *Floor) complete() time.Time {
	late := f.now.Add(-f.late)
	if !f.inOrder {
		return late
	}
	all := f.now
	for camera := range f.cameras {
		if last := f.latest[camera]; last.Before(all) {
			all = last
		}
	}
	if all.After(late) {
		return all
	}
	return late
}

// Flush judges everything that waits: nothing more comes.
func (f *Floor) Flush() ([]fuse.Detection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.frames); n > 0 {
		if err := f.follow(f.frames[n-1].At.Add(1)); err != nil {
			return nil, err
		}
	}
	return f.fuser.Flush(), nil
}

// follow lets the tracker see the frames before a time, in order.
func (f *Floor) follow(until time.Time) error {
	if !until.After(f.upTo) {
		return nil
	}
	f.upTo = until
	for len(f.frames) > 0 && f.frames[0].At.Before(until) {
		next := f.frames[0]
		f.frames = f.frames[1:]
		if err := f.tracker.Observe(next); err != nil {
			return err
		}
	}
	return nil
}

// who says who probably reached to a slot, for a moment that the tracker has passed.
func (f *Floor) who(at time.Time, slot string, others []fuse.Act) []fuse.Person {
	place, ok := f.places[slot]
	if !ok {
		return nil
	}
	var persons []fuse.Person
	weights := f.tracker.Who(at, place, f.acts(others)...)
	for i, w := range weights {
		weights[i].Belief = f.inside(w.Belief, at)
	}
	for _, s := range track.Visits(weights) {
		persons = append(persons, fuse.Person{Visit: s.Visit, P: s.P, Staff: f.staff[s.Visit]})
	}
	return persons
}

// whoever is what the fuser is told: what it knows of who carries what may speak
// against what cameras saw.
func (f *Floor) whoever(at time.Time, slot string, others []fuse.Act) []fuse.Person {
	return f.deceived(f.who(at, slot, others), at)
}

// acts are acts at slots as acts at places, as far as these are known.
func (f *Floor) acts(others []fuse.Act) []track.Act {
	var all []track.Act
	for _, o := range others {
		a := track.Act{At: o.At}
		for _, slot := range o.Slots {
			if p, ok := f.places[slot]; ok {
				a.Places = append(a.Places, p)
			}
		}
		if len(a.Places) > 0 {
			all = append(all, a)
		}
	}
	return all
}

// unseen is how probable it is that cameras took one person for another without
// anybody noticing.
const unseen = 0.01

// deceived lets everybody inside be a little of everybody: what fits only
// somebody who stands elsewhere may then still be theirs.
func (f *Floor) deceived(persons []fuse.Person, at time.Time) []fuse.Person {
	var inside []ledger.VisitID
	for visit, g := range f.guests {
		if !at.Before(g.opened) && !f.hasLeft(visit, at) {
			inside = append(inside, visit)
		}
	}
	sum := 0.0
	for i := range persons {
		sum += persons[i].P
	}
	if len(inside) < 2 || sum == 0 {
		return persons
	}
	for i := range persons {
		persons[i].P *= 1 - unseen
	}
	slices.Sort(inside)
	for _, visit := range inside {
		i := slices.IndexFunc(persons, func(p fuse.Person) bool { return p.Visit == visit })
		if i < 0 {
			i = len(persons)
			persons = append(persons, fuse.Person{Visit: visit, Staff: f.staff[visit]})
		}
		persons[i].P += unseen * sum / float64(len(inside))
	}
	slices.SortStableFunc(persons, func(a, b fuse.Person) int { return cmp.Compare(b.P, a.P) })
	return persons
}

// did lets the tracker learn from what somebody did.
func (f *Floor) did(at time.Time, slot string, others []fuse.Act, fits func(ledger.VisitID, bool) float64, unknown float64) {
	if place, ok := f.places[slot]; ok {
		f.tracker.Did(at, place, f.acts(others), func(visit ledger.VisitID) float64 {
			if f.hasLeft(visit, at) {
				return stays * fits(visit, f.staff[visit])
			}
			return fits(visit, f.staff[visit])
		}, unknown)
	}
}

// Hand returns how probable it is that who reached to a slot at a moment works
// here, and that it was a shopper. The rest is somebody unknown.
func (f *Floor) Hand(at time.Time, slot string) (staff, shopper float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tracker == nil {
		return 0, 0
	}
	for _, p := range f.who(at, slot, nil) {
		if p.Staff {
			staff += p.P
		} else {
			shopper += p.P
		}
	}
	return staff, shopper
}

// Staff reports whether a visit is that of somebody who works here.
func (f *Floor) Staff(visit ledger.VisitID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.staff[visit]
}

// Crossings returns who went through a gate in a window of time.
func (f *Floor) Crossings(gate string, from, until time.Time) []track.Crossing {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tracker == nil {
		return nil
	}
	return f.tracker.Crossings(gate, from, until)
}

// Tailgates returns the gates that let in more than they opened for. A
// crossing may find its opening for ten seconds: ask for what is older.
func (f *Floor) Tailgates(from, until time.Time) []track.Tailgate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tracker == nil {
		return nil
	}
	return f.tracker.Tailgates(from, until)
}

// A Someone is a person on the floor as of the last tick.
type Someone struct {
	Track  int
	State  track.State
	At     track.Point
	Seen   time.Time
	Belief track.Belief
}

// Persons returns who is in the shop.
func (f *Floor) Persons() []Someone {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tracker == nil {
		return nil
	}
	var all []Someone
	for _, k := range f.tracker.Tracks() {
		all = append(all, Someone{Track: k.ID, State: k.State, At: k.At(), Seen: k.Seen, Belief: k.Belief()})
	}
	return all
}

// Late returns how much came too late.
func (f *Floor) Late() Late {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Late{Frames: f.missed, Readings: f.fuser.Late()}
}
