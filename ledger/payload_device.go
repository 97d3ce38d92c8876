package ledger

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Bounds of what an event about a device may hold.
const (
	MaxSettings    = 256 << 10 // bytes: a hundred cameras with their planograms
	MaxDeviceParts = 256       // cameras, disks and models of one device
	// MaxClockOffset is how wrong a device's clock may be, in milliseconds: fifty
	// years, so that one that began in 1980 is still placed.
	MaxClockOffset = 50 * 366 * 24 * 3600 * 1000
)

// DeviceConfigured records the settings that an operator gives a device. It is
// in the device's stream. The device fetches it and says by a DeviceReported
// whether it runs by it; until then the settings before count.
type DeviceConfigured struct {
	Store    StoreID  `json:"store"`
	Device   DeviceID `json:"device"`
	Version  int      `json:"version"`  // 1, 2, 3 … within the device's stream
	Settings string   `json:"settings"` // a JSON object, in the device's own words
	By       string   `json:"by"`       // "operator:olga"
}

// A DeviceState says how a part of a device does.
type DeviceState string

// The states of a part. All but starting and well are troubles: while one goes
// on, nothing is claimed on what the part sees.
const (
	DeviceStarting      DeviceState = "starting"      // not yet known
	DeviceWell          DeviceState = "well"          // does what it is there for
	DeviceEnded         DeviceState = "ended"         // a file that was played to its end
	DeviceUnreachable   DeviceState = "unreachable"   // does not answer; it is tried again
	DeviceFrozen        DeviceState = "frozen"        // the same picture for seconds
	DeviceBlack         DeviceState = "black"         // nothing to be seen, dark or burnt out
	DeviceTorn          DeviceState = "torn"          // pictures arrive damaged
	DeviceResized       DeviceState = "resized"       // the resolution changed
	DeviceMisfit        DeviceState = "misfit"        // the planogram belongs to another view
	DeviceStalled       DeviceState = "stalled"       // made no progress and was begun anew
	DeviceDiskFull      DeviceState = "disk_full"     // no room for evidence or messages
	DeviceModelRefused  DeviceState = "model_refused" // a model does not load or does not fit
	DeviceMisconfigured DeviceState = "misconfigured" // its settings cannot be followed
	DeviceClockUnknown  DeviceState = "clock_unknown" // its clock was not compared with the server's
	DeviceOverloaded    DeviceState = "overloaded"    // frames were dropped for want of time
)

// Trouble reports whether somebody should look at the part.
func (s DeviceState) Trouble() bool {
	return s != DeviceStarting && s != DeviceWell && s != DeviceEnded
}

// A PartState says how one part of a device does and since when.
type PartState struct {
	Part   string      `json:"part"` // a camera's name, or "disk", "clock"
	State  DeviceState `json:"state"`
	Since  time.Time   `json:"since"`
	Detail string      `json:"detail"` // for staff; may be empty
}

// DeviceReported records how a device does, whole, when something about it
// changed. It is in the device's stream, where the last one counts.
type DeviceReported struct {
	Store   StoreID         `json:"store"`
	Device  DeviceID        `json:"device"`
	Program string          `json:"program"` // name and version of what runs there
	Running int             `json:"running"` // version of the settings it follows; 0 are those of its own file
	Refused int             `json:"refused"` // version of the settings it will not follow; 0 is none
	Reason  string          `json:"reason"`  // of that refusal
	Parts   List[PartState] `json:"parts"`
	// ClockOffset is what has to be added to the device's clock to have the
	// server's, in milliseconds.
	ClockOffset int `json:"clock_offset_ms"`
}

// Kind returns the stored name.
func (DeviceConfigured) Kind() Kind { return KindDeviceConfigured }

// Kind returns the stored name.
func (DeviceReported) Kind() Kind { return KindDeviceReported }

// Validate implements Payload.
func (p DeviceConfigured) Validate() error {
	if err := validateDevice(p.Store, p.Device); err != nil {
		return err
	}
	if p.Version < 1 {
		return fmt.Errorf("%w: settings of version %d, want 1 or more", ErrInvalid, p.Version)
	}
	if len(p.Settings) > MaxSettings {
		return fmt.Errorf("%w: settings of more than %d bytes", ErrInvalid, MaxSettings)
	}
	if !strings.HasPrefix(p.Settings, "{") || !json.Valid([]byte(p.Settings)) {
		return fmt.Errorf("%w: settings are not a JSON object", ErrInvalid)
	}
	return need("by", p.By)
}

// Validate implements Payload.
func (p DeviceReported) Validate() error {
	if err := validateDevice(p.Store, p.Device); err != nil {
		return err
	}
	if err := short("reason", p.Reason); err != nil {
		return err
	}
	if p.Running < 0 || p.Refused < 0 || (p.Refused == 0) != (p.Reason == "") {
		return fmt.Errorf("%w: settings %d run and %d are refused because of %q", ErrInvalid, p.Running, p.Refused, p.Reason)
	}
	if len(p.Parts) > MaxDeviceParts {
		return fmt.Errorf("%w: more than %d parts", ErrInvalid, MaxDeviceParts)
	}
	if err := validateOffset(p.ClockOffset); err != nil {
		return err
	}
	for _, part := range p.Parts {
		if err := part.validate(); err != nil {
			return err
		}
	}
	return need("program", p.Program)
}

func (p PartState) validate() error {
	switch p.State {
	case DeviceStarting, DeviceWell, DeviceEnded, DeviceUnreachable, DeviceFrozen, DeviceBlack, DeviceTorn, DeviceResized,
		DeviceMisfit, DeviceStalled, DeviceDiskFull, DeviceModelRefused, DeviceMisconfigured, DeviceClockUnknown,
		DeviceOverloaded:
	default:
		return fmt.Errorf("%w: state %q of %s", ErrInvalid, p.State, p.Part)
	}
	if err := short("detail", p.Detail); err != nil {
		return err
	}
	if err := needTime("since", p.Since); err != nil {
		return err
	}
	return need("part", p.Part)
}

// validateDevice refuses names of which the device's stream could not be
// split again.
func validateDevice(store StoreID, device DeviceID) error {
	if strings.Contains(string(device), ":") {
		return fmt.Errorf("%w: device %q with a colon", ErrInvalid, device)
	}
	return need("store", string(store), "device", string(device))
}

func validateOffset(ms int) error {
	if ms < -MaxClockOffset || ms > MaxClockOffset {
		return fmt.Errorf("%w: a clock that is off by %d ms", ErrInvalid, ms)
	}
	return nil
}

func (DeviceConfigured) payload() {}
func (DeviceReported) payload()   {}
