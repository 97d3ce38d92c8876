package register

import (
	"cmp"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Device is what was last said to and by a device of a shop.
type Device struct {
	Store      ledger.StoreID  `json:"store"`
	Device     ledger.DeviceID `json:"device"`
	Configured int             `json:"configured"` // version of the settings it was given last; 0 is none
	// Report is what it said last, and Reported when; zero if it never spoke.
	Report   ledger.DeviceReported `json:"report"`
	Reported time.Time             `json:"reported"`
}

// DevicesOf returns the devices of a shop by name, or of all shops if store
// is empty.
func (r *Register) DevicesOf(store ledger.StoreID) []Device {
	var out []Device
	for _, d := range r.devices {
		if store == "" || d.Store == store {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b Device) int {
		return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.Device, b.Device))
	})
	return out
}

// device changes the row of a device, which is made if it is not there.
func (r *Register) device(store ledger.StoreID, name ledger.DeviceID, change func(*Device)) {
	at := ledger.DeviceStream(store, name)
	d := r.devices[at]
	d.Store, d.Device = store, name
	change(&d)
	r.devices[at] = d
}
