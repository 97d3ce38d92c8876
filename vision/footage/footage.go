package footage

import (
	"context"
	"fmt"
	"image"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/blur"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/sidecar"
)

// Keeper stores bytes under their SHA-256; an evidence store is one.
type Keeper interface {
	Keep(ctx context.Context, b []byte) (ledger.Digest, error)
}

// A Dropper is a Keeper whose room is counted. It is told which pieces it kept
// for nothing, because the rest of their evidence could not be made or kept: no
// detection will ever name them.
type Dropper interface {
	Drop(refs []ledger.EvidenceRef)
}

const (
	// clipWidth is the largest width of a clip; a wider camera is shrunk,
	// because a clip is for people and for phones.
	clipWidth = 640
	// thumbWidth is enough to tell two questions in a list apart.
	thumbWidth = 160
)

// A Maker makes evidence. Faces and Persons find whom to hide; without both the
// upper part of whatever moves is hidden.
type Maker struct {
	Keeper  Keeper
	Faces   FaceFinder
	Persons Looker
	// Things, if there is one, is asked what stands at the place, for the data
	// beside the pictures. It decides nothing.
	Things Looker
}

// A Scene is what a camera saw of one detection. The frames stay the caller's.
// Those that there are none of are left out; without any there are no boxes.
type Scene struct {
	Before, At, After *cv.Frame
	Read              *cv.Frame // in which a label was read
	Rest              *cv.Frame // the view before anybody came, if it is not Before
	Clip              []*cv.Frame
	Rate              float64 // frames a second of the clip
	Place             image.Rectangle
	Label             string // what stands or stood at the place
	Model             string // what decided
	Item, Action      ledger.PerMille
	Weight            *sidecar.Weight // nil where nothing weighs
}

// Make stores the evidence of a scene and returns how the event names it. Of
// evidence that is not whole nothing stays with a [Dropper].
func (m Maker) Make(ctx context.Context, s Scene) ([]ledger.EvidenceRef, error) {
	if s.Rest == nil {
		s.Rest = s.Before
	}
	t := &taking{Maker: m, ctx: ctx, film: develop(s), rest: s.Rest}
	defer t.film.wait()
	if err := t.all(s); err != nil {
		if d, ok := m.Keeper.(Dropper); ok {
			d.Drop(t.refs)
		}
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return t.refs, nil
}

// A taking is the evidence of one scene while it is made.
type taking struct {
	Maker
	ctx  context.Context //nolint:containedctx // as long as the call that makes it
	refs []ledger.EvidenceRef
	film *developed // the clip, on its way

	rest      *cv.Frame // the view before anybody came; nil if nobody knows it
	stillBGR  []byte    // the same in the size of the last frame
	stillSize image.Point
}

// all stores everything that shows a scene.
func (t *taking) all(s Scene) error {
	boxes := sidecar.Boxes{Model: s.Model, Item: int(s.Item), Action: int(s.Action)}
	for _, p := range []struct {
		role  string
		frame *cv.Frame
	}{{ledger.RoleLabel, s.Read}, {ledger.RoleBefore, s.Before}, {ledger.RoleAt, s.At}, {ledger.RoleAfter, s.After}} {
		if p.frame == nil {
			continue
		}
		boxes.Size = [2]int{p.frame.Width(), p.frame.Height()}
		f, err := t.picture(p.role, p.frame, s)
		if err != nil {
			return fmt.Errorf("%s: %w", p.role, err)
		}
		boxes.Frames = append(boxes.Frames, f)
	}
	if err := t.clip(s); err != nil {
		return fmt.Errorf("clip: %w", err)
	}
	var b []byte
	var err error
	if len(boxes.Frames) > 0 {
		if b, err = boxes.Marshal(); err == nil {
			_, err = t.keep(ledger.RoleBoxes, sidecar.MediaType, b, "")
		}
	}
	if err == nil && s.Weight != nil {
		if b, err = s.Weight.Marshal(); err == nil {
			_, err = t.keep(ledger.RoleWeight, sidecar.MediaType, b, "")
		}
	}
	return err
}

func (t *taking) keep(role, media string, b []byte, of ledger.Digest) (ledger.Digest, error) {
	d, err := t.Keeper.Keep(t.ctx, b)
	if err != nil {
		return "", err
	}
	t.refs = append(t.refs, ledger.EvidenceRef{Role: role, Digest: d, MediaType: media, Bytes: int64(len(b)), Of: of})
	return d, nil
}

// picture stores a frame, its blurred copy and, of the one it happened in, a
// thumbnail, and says what was seen in it.
func (t *taking) picture(role string, f *cv.Frame, s Scene) (sidecar.Frame, error) {
	seen := sidecar.Frame{Role: role}
	b, err := f.JPEG()
	if err != nil {
		return seen, err
	}
	d, err := t.keep(role, "image/jpeg", b, "")
	if err != nil {
		return seen, err
	}
	bgr := f.BGR()
	regions, faces, err := t.hidden(f, bgr, t.Persons)
	if err != nil {
		return seen, err
	}
	if blur.Hide(bgr, f.Width(), f.Height(), regions) {
		copied, err := cv.NewFrame(f.Width(), f.Height(), bgr)
		if err != nil {
			return seen, err
		}
		defer copied.Close()
		if b, err = copied.JPEG(); err != nil {
			return seen, err
		}
	}
	if _, err := t.keep(ledger.RoleBlurred, "image/jpeg", b, d); err != nil {
		return seen, err
	}
	if role == ledger.RoleAt {
		if err := t.thumb(f, d); err != nil {
			return seen, err
		}
	}
	size := image.Rect(0, 0, f.Width(), f.Height())
	seen.Boxes = add(seen.Boxes, size, sidecar.KindPlace, s.Label, 0, s.Place)
	if t.Things != nil {
		found, err := t.Things.DetectIn(f, s.Place)
		if err != nil {
			return seen, err
		}
		for _, b := range found {
			seen.Boxes = add(seen.Boxes, size, sidecar.KindThing, b.Class, b.Score, b.Rect)
		}
	}
	const enough = 48 // a wild network must not make the data larger than the pictures
	seen.Boxes = append(seen.Boxes, faces...)
	seen.Boxes = seen.Boxes[:min(len(seen.Boxes), enough)]
	return seen, nil
}

func (t *taking) thumb(f *cv.Frame, of ledger.Digest) error {
	w, h := cv.EvenSize(f.Width(), f.Height(), thumbWidth)
	small := f.Resize(w, h)
	defer small.Close()
	b, err := small.JPEG()
	if err != nil {
		return err
	}
	_, err = t.keep(ledger.RoleThumb, "image/jpeg", b, of)
	return err
}
