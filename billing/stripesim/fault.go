package stripesim

import "github.com/vouchledger/vouch/billing/stripesim/fault"

// A Fault says which requests or webhooks go wrong, and how.
type Fault = fault.Fault

// A FaultKind is a way in which a request or a webhook goes wrong.
type FaultKind = fault.Kind

// Faults of requests.
const (
	DropBefore    = fault.DropBefore
	DropAfter     = fault.DropAfter
	Half          = fault.Half
	Error500      = fault.Error500
	Error500After = fault.Error500After
	Error503      = fault.Error503
	Error429      = fault.Error429
	Error409      = fault.Error409
	LockTimeout   = fault.LockTimeout
	Slow          = fault.Slow
	Late          = fault.Late
	Hang          = fault.Hang
	Decline       = fault.Decline
)

// Faults of webhooks.
const (
	Duplicate      = fault.Duplicate
	Delay          = fault.Delay
	Reorder        = fault.Reorder
	Lose           = fault.Lose
	Stale          = fault.Stale
	WrongVersion   = fault.WrongVersion
	WrongSignature = fault.WrongSignature
)

// ErrFault means that a fault specification does not say anything the
// simulator can do. Correct it; nothing was added.
var ErrFault = fault.Err

// ParseFault reads a fault as the command line gives it; [fault.Parse] says
// how.
func ParseFault(spec string) (Fault, error) { return fault.Parse(spec) }

// Fault adds a fault and returns its number.
func (s *Sim) Fault(f Fault) (int, error) { return s.faults.Add(f) }

// Faults returns what shall go wrong.
func (s *Sim) Faults() []Fault { return s.faults.All() }

// ClearFaults removes all faults; what already went wrong stays so.
func (s *Sim) ClearFaults() { s.faults.Clear() }
