package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vouchledger/vouch/api/web"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/sidecar"
)

// A shelfOf is what a page asks about evidence.
type shelfOf struct {
	has     func(ledger.Digest) bool
	read    func(ledger.Digest) ([]byte, error)
	expired func(ledger.Digest) (time.Time, bool)
}

func (a *API) shelf(ctx context.Context) shelfOf {
	return shelfOf{
		has:     func(d ledger.Digest) bool { return a.s.Evidence.Has(ctx, d) },
		read:    func(d ledger.Digest) ([]byte, error) { return a.s.Evidence.Read(ctx, d) },
		expired: func(d ledger.Digest) (time.Time, bool) { return a.expired(ctx, d) },
	}
}

// expired returns when a piece of evidence expired. What cannot be read just
// now is as if it had not: the page says then that it is not there.
func (a *API) expired(ctx context.Context, d ledger.Digest) (time.Time, bool) {
	q := ledger.Query{Stream: ledger.EvidenceStream(d), Kinds: []ledger.Kind{ledger.KindEvidenceExpired}, Limit: 1}
	for r, err := range a.s.Log.Read(ctx, q) {
		return r.Occurred, err == nil
	}
	return time.Time{}, false
}

// captions name what is shown.
var captions = map[string]string{
	ledger.RoleBefore: "Before", ledger.RoleAt: "As it happened", ledger.RoleAfter: "After", ledger.RoleLabel: "The label", ledger.RoleClip: "Clip",
	ledger.RoleWeight: "Weight", ledger.RoleBoxes: "What was seen where", ledger.RoleThumb: "Thumbnail",
}

// exhibit says what of the evidence is shown to the reader, and of the rest why
// not. A shopper gets blurred copies of pictures and clips and never an original.
func (t *teller) exhibit(refs []ledger.EvidenceRef, query string) (x web.Exhibit) {
	for _, ref := range refs {
		caption, known := captions[ref.Role]
		if !known || ref.Role == ledger.RoleThumb && !t.staff {
			continue
		}
		show := ref.Digest
		if ref.Original() && !t.staff {
			blurred, ok := ledger.BlurredOf(refs, ref.Digest)
			if !ok {
				x.Lost = append(x.Lost, caption+": not shown, because there is no copy in which the faces of others are blurred.")
				continue
			}
			show = blurred.Digest
		}
		if !t.store.has(show) {
			t.sayGone(&x, caption, show)
			continue
		}
		t.place(&x, ref.Role, caption, show, "/v1/evidence/"+string(show)+query)
	}
	if len(x.Pictures) > 0 {
		x.Poster = x.Pictures[0].Address
	}
	return x
}

// sayGone says why a piece is not there.
func (t *teller) sayGone(x *web.Exhibit, caption string, d ledger.Digest) {
	if at, ok := t.store.expired(d); ok {
		x.Gone = append(x.Gone, fmt.Sprintf("%s: expired on %s, digest %s.", caption, at.In(t.zone).Format("2 January 2006"), d))
		return
	}
	x.Lost = append(x.Lost, caption+": not arrived yet. The event names it by its digest, so it cannot be swapped.")
}

func (t *teller) place(x *web.Exhibit, role, caption string, d ledger.Digest, address string) {
	switch role {
	case ledger.RoleLabel, ledger.RoleBefore, ledger.RoleAt, ledger.RoleAfter:
		x.Pictures = append(x.Pictures, web.Picture{Role: role, Caption: caption, Address: address})
	case ledger.RoleClip:
		x.Clip = address
	case ledger.RoleBoxes:
		x.Boxes = address
	case ledger.RoleThumb:
		x.Thumb = address
	case ledger.RoleWeight:
		b, err := t.store.read(d)
		if err == nil {
			x.Weight, err = drawWeight(b)
		}
		if err != nil {
			x.Lost = append(x.Lost, caption+": what is stored cannot be drawn.")
		}
	}
}

const (
	chartWidth, chartHeight = 1000, 200
	// chartMargin keeps the line off the edge.
	chartMargin = 10
)

// drawWeight draws what a scale read. A scale holds its reading until the next,
// so that the line goes in steps.
func drawWeight(b []byte) (*web.Weight, error) {
	w, err := sidecar.ParseWeight(b)
	if err != nil {
		return nil, err
	}
	from, to := w.Points[0][0], w.Points[len(w.Points)-1][0]
	least, most := w.Points[0][1], w.Points[0][1]
	for _, p := range w.Points {
		least, most = min(least, p[1]), max(most, p[1])
	}
	x := func(ms int) int { return (ms - from) * chartWidth / max(1, to-from) }
	y := func(g int) int {
		return chartHeight - chartMargin - (g-least)*(chartHeight-2*chartMargin)/max(1, most-least)
	}
	var line strings.Builder
	for i, p := range w.Points {
		if i > 0 {
			fmt.Fprintf(&line, "%d,%d ", x(p[0]), y(w.Points[i-1][1]))
		}
		fmt.Fprintf(&line, "%d,%d ", x(p[0]), y(p[1]))
	}
	at := func(ms int) string { return fmt.Sprintf("%+.1f s", float64(ms)/1000) }
	return &web.Weight{
		Line: strings.TrimSpace(line.String()), At: fmt.Sprint(max(0, min(x(0), chartWidth))), Change: changeSaid(w.Change()),
		Scale: w.Scale, From: at(from), To: at(to), Most: fmt.Sprintf("%d g", most), Least: fmt.Sprintf("%d g", least),
	}, nil
}

func changeSaid(grams int) string {
	switch {
	case grams < 0:
		return fmt.Sprintf("%d g less", -grams)
	case grams > 0:
		return fmt.Sprintf("%d g more", grams)
	}
	return "as before"
}
