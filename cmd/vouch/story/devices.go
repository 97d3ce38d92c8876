package story

import (
	"fmt"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// deviceWords tells what a device was told, and how it does.
func deviceWords(payload ledger.Payload) (text, amount string) {
	switch p := payload.(type) { // all others are told elsewhere
	case ledger.DeviceConfigured:
		return fmt.Sprintf("%s gives %s settings no. %d", name(p.By), p.Device, p.Version), ""
	case ledger.DeviceReported:
		var bad []string
		for _, part := range p.Parts {
			if part.State.Trouble() {
				bad = append(bad, part.Part+" "+spaced(string(part.State)))
			}
		}
		text = string(p.Device) + " is well"
		if len(bad) > 0 {
			text = string(p.Device) + " has trouble: " + strings.Join(bad, ", ")
		}
		if p.Refused > 0 {
			text += fmt.Sprintf("; it refuses settings no. %d: %s", p.Refused, p.Reason)
		}
		return text, ""
	case ledger.ShelfChanged:
		text = fmt.Sprintf("%s sees %s at %s: %d × %s", p.Sensor, p.Purpose, p.Slot, p.Quantity, p.SKU)
		if p.Untidy {
			text += ", and something there belongs elsewhere"
		}
		return text, ""
	}
	return "", ""
}
