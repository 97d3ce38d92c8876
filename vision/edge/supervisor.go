package edge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

const (
	// stallAfter is how long a run may bring no frame. Network cameras pause
	// for some seconds when they refocus; OpenCV's own timeout is longer.
	stallAfter = 20 * time.Second
	// openWithin is how long a source may take to open.
	openWithin = 45 * time.Second
	// leaveWithin is how long a run that was told to stop may take. After it
	// the run is left behind: a call into a decoder cannot be broken off.
	leaveWithin = 10 * time.Second
	// steadyAfter is how long a camera must run well until a trouble that
	// ended its last run counts as over; else a loose plug is a report each second.
	steadyAfter = 5 * time.Second
	// maxLeft is how many runs may be left behind until the process is better
	// begun anew: each holds its memory and a thread.
	maxLeft = 4
)

// The names of the parts that are no cameras.
const (
	PartDisk  = "disk"
	PartClock = "clock"
)

type phase int

const (
	phaseIdle    phase = iota // waits for its next try
	phaseOpening              // a run was begun and has brought nothing yet
	phaseRunning              // frames come
	phaseLeaving              // was told to stop
	phaseEnded                // a file that was played
)

// camera is what is known of one camera.
type camera struct {
	Camera
	gone   bool // not in the settings any more
	phase  phase
	run    int
	tries  int       // failed ones in a row
	next   time.Time // when to try again
	moved  time.Time // when the phase began, or the last frame came
	steady time.Time // since when the run goes well
	frames int
	loads  Load
	states troubles
	part   ledger.PartState
}

// A Supervisor is the state of everything that runs. Make it with New.
type Supervisor struct {
	roll    func() float64
	cameras []*camera // in the order of the settings; those that leave are last
	runs    int
	left    int // runs that did not end when told to
	running int // version of the settings
	refused int
	reason  string
	offset  time.Duration
	disk    ledger.PartState
	clock   ledger.PartState
	others  []ledger.PartState // in the order in which they were first heard of
	told    *ledger.DeviceReported
}

// New returns a supervisor without cameras. roll gives numbers from 0 to 1.
func New(now time.Time, roll func() float64) *Supervisor {
	at := ledger.Instant(now)
	return &Supervisor{
		roll:  roll,
		disk:  ledger.PartState{Part: PartDisk, State: ledger.DeviceWell, Since: at},
		clock: ledger.PartState{Part: PartClock, State: ledger.DeviceStarting, Since: at},
	}
}

// Step moves the supervisor past what happened, and returns what to do now, in
// this order.
func (s *Supervisor) Step(now time.Time, in Input) []Action {
	var out []Action
	switch in := in.(type) {
	case Tick:
	case Configured:
		out = s.configure(now, in)
	case Refused:
		s.refused, s.reason = in.Version, in.Reason
	case Progress:
		s.progress(now, in)
	case Noticed:
		if c := s.find(in.Camera, in.Run); c != nil {
			c.states.set(in.State, in.Over, in.Detail)
		}
	case Closed:
		out = s.closed(now, in)
	case Disk:
		s.disk = moved(s.disk, now, pick(in.Full, ledger.DeviceDiskFull, ledger.DeviceWell), in.Detail)
	case Other:
		s.other(now, in)
	case Compared:
		s.offset = in.Offset
		s.clock = moved(s.clock, now, pick(in.Known, ledger.DeviceWell, ledger.DeviceClockUnknown), in.Detail)
	}
	for _, c := range slices.Clone(s.cameras) {
		out = append(out, s.tend(now, c)...)
	}
	if s.left >= maxLeft {
		out = append(out, GiveUp{Reason: "decoders do not come back"})
	}
	if r, ok := s.news(now); ok {
		out = append(out, Report{r})
	}
	return out
}

func (s *Supervisor) other(now time.Time, in Other) {
	i := slices.IndexFunc(s.others, func(p ledger.PartState) bool { return p.Part == in.Part })
	if i < 0 {
		i = len(s.others)
		s.others = append(s.others, ledger.PartState{Part: in.Part})
	}
	s.others[i] = moved(s.others[i], now, in.State, in.Detail)
}

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

// configure makes the cameras those of the settings. One that did not change
// goes on undisturbed.
func (s *Supervisor) configure(now time.Time, in Configured) (out []Action) {
	s.running = in.Version
	if s.refused <= in.Version {
		s.refused, s.reason = 0, ""
	}
	var cameras []*camera
	for _, want := range in.Settings.Cameras {
		i := slices.IndexFunc(s.cameras, func(c *camera) bool { return !c.gone && same(c.Camera, want) })
		if i >= 0 {
			cameras = append(cameras, s.cameras[i])
			s.cameras = slices.Delete(s.cameras, i, i+1)
			continue
		}
		cameras = append(cameras, &camera{Camera: want, next: now, part: ledger.PartState{
			Part: want.Name, State: ledger.DeviceStarting, Since: ledger.Instant(now),
		}})
	}
	for _, c := range s.cameras {
		c.gone = true
		out = append(out, s.stop(now, c)...)
		if c.phase == phaseLeaving {
			cameras = append(cameras, c)
		}
	}
	s.cameras = cameras
	return out
}

// stop tells the run of a camera to end.
func (s *Supervisor) stop(now time.Time, c *camera) []Action {
	if c.phase != phaseOpening && c.phase != phaseRunning {
		return nil
	}
	c.phase, c.moved = phaseLeaving, now
	return []Action{Stop{Run: c.run}}
}

// find returns the camera of a run that counts, or nil.
func (s *Supervisor) find(name string, run int) *camera {
	for _, c := range s.cameras {
		if c.Name == name && c.run == run && run != 0 {
			return c
		}
	}
	return nil
}

func (s *Supervisor) progress(now time.Time, in Progress) {
	c := s.find(in.Camera, in.Run)
	if c == nil || c.phase == phaseLeaving || in.Frames <= c.frames && c.phase == phaseRunning {
		return
	}
	if c.phase == phaseOpening {
		c.phase, c.steady = phaseRunning, now
	}
	c.frames, c.moved = in.Frames, now
	c.states.set(ledger.DeviceOverloaded, !c.loads.Heavy(now, in.Frames, in.Dropped),
		fmt.Sprintf("%d of %d frames were dropped for want of time", in.Dropped, in.Frames))
}

func (s *Supervisor) closed(now time.Time, in Closed) []Action {
	c := s.find(in.Camera, in.Run)
	if c == nil {
		return nil
	}
	c.run, c.moved = 0, now
	if c.gone {
		s.cameras = slices.DeleteFunc(s.cameras, func(x *camera) bool { return x == c })
		return nil
	}
	leaving := c.phase == phaseLeaving
	c.phase = phaseIdle
	switch {
	case leaving: // the trouble it was stopped for is set already
		c.states.rest()
	case in.Ended && !c.Live():
		c.states.clear()
		c.tries = 0
		if in.State != "" { // a film that is damaged is as damaged the next time
			c.states.set(in.State, false, in.Detail)
		}
		if !c.Repeat {
			c.phase = phaseEnded
			return nil
		}
		c.next = now.Add(pick(in.State != "", maxWait, 0))
		return nil
	default:
		state := in.State
		if state == "" || !state.Trouble() {
			state = ledger.DeviceUnreachable
		}
		c.states.clear()
		c.states.set(state, false, in.Detail)
	}
	c.tries++
	c.next = now.Add(wait(c.tries, s.roll()))
	return nil
}

// tend looks whether something of a camera is due.
func (s *Supervisor) tend(now time.Time, c *camera) (out []Action) {
	switch c.phase {
	case phaseIdle:
		// Another run of the same name may still hold the device.
		if c.gone || now.Before(c.next) || s.leaving(c.Name) {
			break
		}
		s.runs++
		c.run, c.phase, c.moved, c.frames, c.loads = s.runs, phaseOpening, now, 0, Load{}
		out = append(out, Start{Camera: c.Camera, Run: c.run})
	case phaseOpening, phaseRunning:
		limit := pick(c.phase == phaseOpening, openWithin, stallAfter)
		if now.Sub(c.moved) >= limit {
			c.states.set(pick(c.phase == phaseOpening, ledger.DeviceUnreachable, ledger.DeviceStalled), false,
				"no picture for "+limit.String())
			out = append(out, s.stop(now, c)...)
		} else if c.phase == phaseRunning && now.Sub(c.steady) >= steadyAfter {
			c.states.steady()
			c.tries = 0
		}
	case phaseLeaving:
		if now.Sub(c.moved) >= leaveWithin {
			s.left++
			out = append(out, Abandon{Run: c.run})
			s.closed(now, Closed{Camera: c.Name, Run: c.run})
		}
	case phaseEnded:
	}
	c.part = moved(c.part, now, c.state(), c.states.detail(c.state()))
	return out
}

func (s *Supervisor) leaving(name string) bool {
	return slices.ContainsFunc(s.cameras, func(c *camera) bool { return c.Name == name && c.phase == phaseLeaving })
}

// state is the one word for how a camera does.
func (c *camera) state() ledger.DeviceState {
	switch worst := c.states.worst(); {
	case worst != "":
		return worst
	case c.phase == phaseRunning:
		return ledger.DeviceWell
	case c.phase == phaseEnded:
		return ledger.DeviceEnded
	case c.Repeat && c.part.State == ledger.DeviceWell:
		return ledger.DeviceWell // between two rounds of a film
	}
	return ledger.DeviceStarting
}

// moved returns the part in its state now. Since is when the state began.
func moved(p ledger.PartState, now time.Time, state ledger.DeviceState, detail string) ledger.PartState {
	if p.State != state {
		p.State, p.Since = state, ledger.Instant(now)
	}
	p.Detail = detail[:min(len(detail), ledger.MaxText)]
	return p
}

// Parts returns how every part does now: cameras by name, then the others.
func (s *Supervisor) Parts() []ledger.PartState {
	var out []ledger.PartState
	for _, c := range s.cameras {
		if !c.gone {
			out = append(out, c.part)
		}
	}
	slices.SortFunc(out, func(a, b ledger.PartState) int { return cmp.Compare(a.Part, b.Part) })
	return append(append(out, s.others...), s.clock, s.disk)
}

// Version returns the version of the settings in force; 0 are those of the
// shop's own file.
func (s *Supervisor) Version() int { return s.running }

// Ended reports whether every camera is a file that was played.
func (s *Supervisor) Ended() bool {
	return len(s.cameras) > 0 && !slices.ContainsFunc(s.cameras, func(c *camera) bool { return c.phase != phaseEnded })
}
