package stripesim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A FaultKind is a way in which a request or a webhook goes wrong.
type FaultKind string

// Faults of requests.
const (
	DropBefore    FaultKind = "drop_before"     // connection closed, nothing done
	DropAfter     FaultKind = "drop_after"      // done, connection closed without an answer
	Half          FaultKind = "half"            // done, half the answer, connection closed
	Error500      FaultKind = "error_500"       // nothing done, 500, stored under the key
	Error500After FaultKind = "error_500_after" // done, but 500 is answered and stored
	Error503      FaultKind = "error_503"       // nothing done, 503
	Error429      FaultKind = "error_429"       // nothing done, rate limit
	Error409      FaultKind = "error_409"       // nothing done, lock time-out as a conflict
	LockTimeout   FaultKind = "lock_timeout"    // nothing done, lock time-out as Stripe answers it, 429
	Slow          FaultKind = "slow"            // done only after DelayMS, the key busy meanwhile
	Late          FaultKind = "late"            // done at once, answered after DelayMS
	Hang          FaultKind = "hang"            // nothing done, no answer until the client leaves
	Decline       FaultKind = "decline"         // a hold or capture declined with Code
)

// Faults of webhooks.
const (
	Duplicate      FaultKind = "duplicate"       // delivered Count times more
	Delay          FaultKind = "delay"           // delivered after DelayMS
	Reorder        FaultKind = "reorder"         // delivered after the next event
	Lose           FaultKind = "lose"            // never delivered; Events lists it
	Stale          FaultKind = "stale"           // with the object as the event before it had it
	WrongVersion   FaultKind = "wrong_version"   // of an older API version
	WrongSignature FaultKind = "wrong_signature" // signed with another secret
)

var (
	requestFaults = []FaultKind{
		DropBefore, DropAfter, Half, Error500, Error500After, Error503, Error429, Error409, LockTimeout, Slow, Late,
		Hang, Decline,
	}
	webhookFaults = []FaultKind{Duplicate, Delay, Reorder, Lose, Stale, WrongVersion, WrongSignature}
)

// A Fault says which requests or webhooks go wrong, and how. All conditions
// that are set must hold; of several faults the first that fires counts.
type Fault struct {
	ID   int       `json:"id,omitempty"` // given by the simulator
	Kind FaultKind `json:"kind"`

	// Op is the operation ("payment_intents.capture") or, for a fault of
	// webhooks, the event type ("charge.refunded"); "*" matches any run of
	// characters, and an empty Op everything.
	Op    string `json:"op,omitempty"`
	Visit string `json:"visit,omitempty"` // metadata visit of the object

	Nth         int     `json:"nth,omitempty"`         // only the n-th match, from 1
	Times       int     `json:"times,omitempty"`       // fires at most so often; 0 is always
	Probability float64 `json:"probability,omitempty"` // of firing; 0 is 1

	DelayMS int    `json:"delay_ms,omitempty"`
	Code    string `json:"code,omitempty"`  // decline code; default generic_decline
	Count   int    `json:"count,omitempty"` // of further deliveries; default 1
}

// Validate refuses a fault that the simulator cannot do.
func (f Fault) Validate() error {
	if !slices.Contains(requestFaults, f.Kind) && !slices.Contains(webhookFaults, f.Kind) {
		return fmt.Errorf("%w: kind %q is unknown; one of %v %v", ErrFault, f.Kind, requestFaults, webhookFaults)
	}
	if _, err := path.Match(f.Op, ""); err != nil {
		return fmt.Errorf("%w: op %q is no pattern", ErrFault, f.Op)
	}
	if f.Code != "" && !slices.Contains(declineCodes, f.Code) {
		return fmt.Errorf("%w: decline code %q is unknown", ErrFault, f.Code)
	}
	if f.Nth < 0 || f.Times < 0 || f.DelayMS < 0 || f.Count < 0 || f.Probability < 0 || f.Probability > 1 {
		return fmt.Errorf("%w: a number is out of range: %+v", ErrFault, f)
	}
	return nil
}

// ParseFault reads a fault as the command line gives it:
// "payment_intents.capture:drop_after:nth=2,times=1". The operation may be
// empty; the settings are nth, times, p, delay_ms, code, count and visit.
func ParseFault(spec string) (Fault, error) {
	parts := strings.SplitN(spec, ":", 3)
	if len(parts) < 2 {
		return Fault{}, fmt.Errorf("%w: %q is not OP:KIND[:SETTING=VALUE,…]", ErrFault, spec)
	}
	f := Fault{Op: parts[0], Kind: FaultKind(parts[1])}
	if len(parts) == 3 {
		for _, setting := range strings.Split(parts[2], ",") {
			if err := f.set(setting); err != nil {
				return Fault{}, err
			}
		}
	}
	return f, f.Validate()
}

func (f *Fault) set(setting string) error {
	name, value, _ := strings.Cut(setting, "=")
	var err error
	switch name {
	case "nth":
		f.Nth, err = strconv.Atoi(value)
	case "times":
		f.Times, err = strconv.Atoi(value)
	case "delay_ms":
		f.DelayMS, err = strconv.Atoi(value)
	case "count":
		f.Count, err = strconv.Atoi(value)
	case "p":
		f.Probability, err = strconv.ParseFloat(value, 64)
	case "code":
		f.Code = value
	case "visit":
		f.Visit = value
	default:
		return fmt.Errorf("%w: setting %q is unknown", ErrFault, name)
	}
	if err != nil {
		return fmt.Errorf("%w: setting %q: %w", ErrFault, setting, err)
	}
	return nil
}

// faults holds what shall go wrong.
type faults struct {
	mu   sync.Mutex
	seed uint64
	last int
	list []*armed
}

// armed is a fault with its counts.
type armed struct {
	Fault
	matched, fired int
}

func (fs *faults) add(f Fault) (int, error) {
	if err := f.Validate(); err != nil {
		return 0, err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.last++
	f.ID = fs.last
	fs.list = append(fs.list, &armed{Fault: f})
	return f.ID, nil
}

func (fs *faults) clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = nil
}

func (fs *faults) all() []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := make([]Fault, 0, len(fs.list))
	for _, a := range fs.list {
		out = append(out, a.Fault)
	}
	return out
}

// pick returns the first fault among kinds that fires for op and visit; its
// Kind is empty if none does.
func (fs *faults) pick(kinds []FaultKind, op, visit string) Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, a := range fs.list {
		if slices.Contains(kinds, a.Kind) && a.matches(op, visit) && a.fires(fs.seed) {
			return a.Fault
		}
	}
	return Fault{}
}

func (a *armed) matches(op, visit string) bool {
	if a.Visit != "" && a.Visit != visit {
		return false
	}
	ok, _ := path.Match(a.Op, op) // the pattern was checked by Validate
	return ok || a.Op == ""
}

// fires counts the match and says whether this one goes wrong. Chance is a
// function of the seed, the fault and the count.
func (a *armed) fires(seed uint64) bool {
	a.matched++
	if (a.Nth != 0 && a.matched != a.Nth) || (a.Times != 0 && a.fired >= a.Times) {
		return false
	}
	if a.Probability > 0 && a.Probability < 1 {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d/%d", seed, a.ID, a.matched))
		if float64(binary.BigEndian.Uint64(sum[:8])>>11)/(1<<53) >= a.Probability {
			return false
		}
	}
	a.fired++
	return true
}
