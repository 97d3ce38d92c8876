package edge

import (
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// worstFirst orders the troubles of a camera: what explains the others comes
// first.
var worstFirst = []ledger.DeviceState{
	ledger.DeviceMisconfigured, ledger.DeviceModelRefused, ledger.DeviceUnreachable, ledger.DeviceStalled,
	ledger.DeviceResized, ledger.DeviceMisfit, ledger.DeviceBlack, ledger.DeviceFrozen, ledger.DeviceTorn,
	ledger.DeviceDiskFull, ledger.DeviceOverloaded,
}

// ended are the troubles that end a run; they are over when the next one has
// run for a while.
var ended = []ledger.DeviceState{
	ledger.DeviceMisconfigured, ledger.DeviceModelRefused, ledger.DeviceUnreachable, ledger.DeviceStalled,
}

// troubles are those of one camera that go on, with what is known of each.
type troubles struct {
	on map[ledger.DeviceState]string
	// last is of the run before: it ended that run, and is over when this one
	// goes well.
	last map[ledger.DeviceState]bool
}

func (t *troubles) set(s ledger.DeviceState, over bool, detail string) {
	if over {
		delete(t.on, s)
		return
	}
	if t.on == nil {
		t.on = map[ledger.DeviceState]string{}
	}
	t.on[s] = detail
	if t.last == nil {
		t.last = map[ledger.DeviceState]bool{}
	}
	t.last[s] = slices.Contains(ended, s)
}

func (t *troubles) clear() { t.on, t.last = nil, nil }

// rest keeps only what ended the run: what a camera showed is asked anew.
func (t *troubles) rest() {
	for s := range t.on {
		if !t.last[s] {
			delete(t.on, s)
		}
	}
}

// steady forgets what ended the run before.
func (t *troubles) steady() {
	for s, last := range t.last {
		if last {
			delete(t.on, s)
			delete(t.last, s)
		}
	}
}

func (t *troubles) worst() ledger.DeviceState {
	for _, s := range worstFirst {
		if _, ok := t.on[s]; ok {
			return s
		}
	}
	return ""
}

func (t *troubles) detail(s ledger.DeviceState) string { return t.on[s] }

// clockStep is a change of the clock's offset that is worth a report.
const clockStep = 500 * time.Millisecond

// news returns a report if it says anything that the last one did not.
func (s *Supervisor) news(now time.Time) (ledger.DeviceReported, bool) {
	r := ledger.DeviceReported{
		Running: s.running, Refused: s.refused, Reason: s.reason, Parts: s.Parts(), ClockOffset: int(s.offset.Milliseconds()),
	}
	if s.told != nil && !differs(*s.told, r) {
		return r, false
	}
	s.told = &r
	return r, true
}

func differs(a, b ledger.DeviceReported) bool {
	drift := time.Duration(a.ClockOffset-b.ClockOffset) * time.Millisecond
	return a.Running != b.Running || a.Refused != b.Refused || a.Reason != b.Reason || drift.Abs() >= clockStep ||
		!slices.EqualFunc(a.Parts, b.Parts, func(x, y ledger.PartState) bool { return x.Part == y.Part && x.State == y.State })
}
