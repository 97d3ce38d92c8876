package edge

import (
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// An Input is something that happened.
//
//sumtype:decl
type Input interface{ input() }

// Tick says that time went by; one comes each second.
type Tick struct{}

// Configured says that these settings are to be followed; they were checked.
// Version 0 is the shop's own file.
type Configured struct {
	Version  int
	Settings Settings
}

// Refused says that settings of this version cannot be followed.
type Refused struct {
	Version int
	Reason  string
}

// Progress says how many frames a run has brought and how many of them were
// dropped.
type Progress struct {
	Camera          string
	Run             int
	Frames, Dropped int
}

// Noticed says that a trouble of a camera began, or that it is over. With
// [ledger.DeviceWell] it says what is to be known of a run in which nothing is wrong.
type Noticed struct {
	Camera string
	Run    int
	State  ledger.DeviceState
	Over   bool
	Detail string
}

// Closed says that a run is over: a file came to its end, or State says why.
type Closed struct {
	Camera string
	Run    int
	Ended  bool
	State  ledger.DeviceState
	Detail string
}

// Disk says whether there is room for messages and evidence.
type Disk struct {
	Full   bool
	Detail string
}

// Other says how a part does that is no camera of the settings: a cart's scale.
type Other struct {
	Part   string
	State  ledger.DeviceState
	Detail string
}

// Compared says how wrong this device's clock is, or that it is not known.
type Compared struct {
	Known  bool
	Offset time.Duration
	Detail string
}

func (Tick) input()       {}
func (Configured) input() {}
func (Refused) input()    {}
func (Progress) input()   {}
func (Noticed) input()    {}
func (Closed) input()     {}
func (Disk) input()       {}
func (Compared) input()   {}
func (Other) input()      {}

// An Action is something to do. All but GiveUp are done at once and answered,
// if at all, by a later Input.
//
//sumtype:decl
type Action interface{ action() }

// Start begins a run of a camera. It ends with Closed.
type Start struct {
	Camera Camera
	Run    int
}

// Stop ends a run; Closed follows.
type Stop struct{ Run int }

// Abandon forgets a run that did not stop. It may still be in a decoder.
type Abandon struct{ Run int }

// Report tells the server how the device does; the report lacks the names of
// shop, device and program.
type Report struct{ What ledger.DeviceReported }

// GiveUp ends the process, for whoever watches over it to begin it anew.
type GiveUp struct{ Reason string }

func (Start) action()   {}
func (Stop) action()    {}
func (Abandon) action() {}
func (Report) action()  {}
func (GiveUp) action()  {}
