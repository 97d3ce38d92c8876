// Package fault says what shall go wrong between a client and the simulated
// Stripe: which requests or webhooks, and how.
//
// Whether a fault fires is a function of the seed, the fault and the number of
// the match, so that one story goes wrong in one way.
package fault

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/vouchledger/vouch/billing/stripesim/testcard"
)

// A Kind is a way in which a request or a webhook goes wrong.
type Kind string

// Faults of requests.
const (
	DropBefore    Kind = "drop_before"     // connection closed, nothing done
	DropAfter     Kind = "drop_after"      // done, connection closed without an answer
	Half          Kind = "half"            // done, half the answer, connection closed
	Error500      Kind = "error_500"       // nothing done, 500, stored under the key
	Error500After Kind = "error_500_after" // done, but 500 is answered and stored
	Error503      Kind = "error_503"       // nothing done, 503
	Error429      Kind = "error_429"       // nothing done, rate limit
	Error409      Kind = "error_409"       // nothing done, lock time-out as a conflict
	LockTimeout   Kind = "lock_timeout"    // nothing done, lock time-out as Stripe answers it, 429
	Slow          Kind = "slow"            // done only after DelayMS, the key busy meanwhile
	Late          Kind = "late"            // done at once, answered after DelayMS
	Hang          Kind = "hang"            // nothing done, no answer until the client leaves
	Decline       Kind = "decline"         // a hold or capture declined with Code
)

// Faults of webhooks.
const (
	Duplicate      Kind = "duplicate"       // delivered Count times more
	Delay          Kind = "delay"           // delivered after DelayMS
	Reorder        Kind = "reorder"         // delivered after the next event
	Lose           Kind = "lose"            // never delivered; Events lists it
	Stale          Kind = "stale"           // with the object as the event before it had it
	WrongVersion   Kind = "wrong_version"   // of an older API version
	WrongSignature Kind = "wrong_signature" // signed with another secret
)

// Err means that a fault does not say anything the simulator can do. Correct
// it; nothing was added.
var Err = errors.New("fault specification")

// Requests returns the kinds of faults of requests.
func Requests() []Kind { return slices.Clone(requests) }

// Webhooks returns the kinds of faults of webhooks.
func Webhooks() []Kind { return slices.Clone(webhooks) }

var (
	requests = []Kind{
		DropBefore, DropAfter, Half, Error500, Error500After, Error503, Error429, Error409, LockTimeout, Slow, Late,
		Hang, Decline,
	}
	webhooks = []Kind{Duplicate, Delay, Reorder, Lose, Stale, WrongVersion, WrongSignature}
)

// A Fault says which requests or webhooks go wrong, and how. All conditions
// that are set must hold; of several faults the first that fires counts.
type Fault struct {
	ID   int  `json:"id,omitempty"` // given by the simulator
	Kind Kind `json:"kind"`

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
	if !slices.Contains(requests, f.Kind) && !slices.Contains(webhooks, f.Kind) {
		return fmt.Errorf("%w: kind %q is unknown; one of %v %v", Err, f.Kind, requests, webhooks)
	}
	if _, err := path.Match(f.Op, ""); err != nil {
		return fmt.Errorf("%w: op %q is no pattern", Err, f.Op)
	}
	if f.Code != "" && !slices.Contains(testcard.DeclineCodes(), f.Code) {
		return fmt.Errorf("%w: decline code %q is unknown", Err, f.Code)
	}
	if f.Nth < 0 || f.Times < 0 || f.DelayMS < 0 || f.Count < 0 || f.Probability < 0 || f.Probability > 1 {
		return fmt.Errorf("%w: a number is out of range: %+v", Err, f)
	}
	return nil
}

// Parse reads a fault as the command line gives it:
// "payment_intents.capture:drop_after:nth=2,times=1". The operation may be
// empty; the settings are nth, times, p, delay_ms, code, count and visit.
func Parse(spec string) (Fault, error) {
	parts := strings.SplitN(spec, ":", 3)
	if len(parts) < 2 {
		return Fault{}, fmt.Errorf("%w: %q is not OP:KIND[:SETTING=VALUE,…]", Err, spec)
	}
	f := Fault{Op: parts[0], Kind: Kind(parts[1])}
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
		return fmt.Errorf("%w: setting %q is unknown", Err, name)
	}
	if err != nil {
		return fmt.Errorf("%w: setting %q: %w", Err, setting, err)
	}
	return nil
}

// A Set holds what shall go wrong. Its methods may be called from many
// goroutines.
type Set struct {
	mu   sync.Mutex
	seed uint64
	last int
	list []*armed
}

// NewSet returns an empty set whose chances follow from the seed.
func NewSet(seed uint64) *Set { return &Set{seed: seed} }

// armed is a fault with its counts.
type armed struct {
	Fault
	matched, fired int
}

// Add adds a fault and returns its number.
func (fs *Set) Add(f Fault) (int, error) {
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

// Clear removes all faults.
func (fs *Set) Clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = nil
}

// All returns the faults, oldest first.
func (fs *Set) All() []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := make([]Fault, 0, len(fs.list))
	for _, a := range fs.list {
		out = append(out, a.Fault)
	}
	return out
}

// Request returns the first fault of requests that fires for an operation and
// a visit; its Kind is empty if none does.
func (fs *Set) Request(op, visit string) Fault { return fs.pick(requests, op, visit) }

// Webhook returns the first fault of webhooks that fires for a type of event
// and a visit; its Kind is empty if none does.
func (fs *Set) Webhook(kind, visit string) Fault { return fs.pick(webhooks, kind, visit) }

func (fs *Set) pick(kinds []Kind, op, visit string) Fault {
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
