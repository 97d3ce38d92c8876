package reverify

import (
	"context"
	"fmt"
	"image"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/sidecar"
)

// place finds where the item is: in the detection's own boxes, or else where
// the planogram has the slot.
func (cfg Config) place(
	ctx context.Context, claim ledger.DetectionRecorded, role string,
) (Place, []ledger.EvidenceRef, bool, error) {
	for _, r := range claim.Evidence {
		if r.Role != ledger.RoleBoxes {
			continue
		}
		b, err := cfg.Server.Evidence(ctx, r.Digest)
		if err != nil {
			break // expired or not arrived: the planogram may know
		}
		p, ok, err := placeIn(b, role)
		if err != nil {
			return Place{}, nil, false, fmt.Errorf("boxes %s: %w", r.Digest, err)
		}
		if ok {
			return p, []ledger.EvidenceRef{r}, true, nil
		}
	}
	if cfg.Place == nil {
		return Place{}, nil, false, nil
	}
	p, ok := cfg.Place(claim.Sensor, claim.Slot)
	return p, nil, ok, nil
}

// placeIn reads where stored boxes have the item.
func placeIn(b []byte, role string) (Place, bool, error) {
	v, err := sidecar.ParseBoxes(b)
	if err != nil {
		return Place{}, false, err
	}
	for _, f := range v.Frames {
		for _, x := range f.Boxes {
			if x.Kind == sidecar.KindPlace && f.Role == role {
				r := image.Rect(x.Rect[0], x.Rect[1], x.Rect[0]+x.Rect[2], x.Rect[1]+x.Rect[3])
				return Place{Part: r, Of: image.Pt(v.Size[0], v.Size[1])}, true, nil
			}
		}
	}
	return Place{}, false, nil
}
