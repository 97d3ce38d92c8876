package floor

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/shelf"
)

// ClaimOf is what a shelf camera's change says to the floor. At is when it
// happened; items are the readings of a recogniser, without which the
// monitor's own is the only one. The id tells a repetition also after the
// camera was begun anew and counts its changes from the start.
func ClaimOf(camera string, ch shelf.Change, at time.Time, items []fuse.Item) fuse.Claim {
	if len(items) == 0 {
		items = []fuse.Item{{SKU: ch.SKU, P: ch.Item}}
	}
	return fuse.Claim{
		ID: fmt.Sprintf("%s/%d/%d", camera, ch.ID, at.UnixMilli()), Camera: camera, At: at, Slot: ch.Slot,
		Action: ledger.Action(ch.Action), Sure: ch.Act, Items: items,
	}
}
