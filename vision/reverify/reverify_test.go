package reverify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/recognise"
	"github.com/vouchledger/vouch/vision/sidecar"
)

// eye calls what is mostly red a cola and what is mostly blue a water, and
// knows nothing else.
type eye struct{}

func (eye) Label() string { return "eye@2 sha256:00" }

func (eye) Recognise(p recognise.Picture) (recognise.Answer, error) {
	var sum [3]int
	for i, v := range p.RGB {
		sum[i%3] += int(v)
	}
	switch {
	case sum[0] > 2*sum[2]:
		return recognise.Answer{Known: true, Readings: []recognise.Reading{{SKU: "cola", Confidence: 0.93}, {SKU: "water", Confidence: 0.02}}}, nil
	case sum[2] > 2*sum[0]:
		return recognise.Answer{Known: true, Readings: []recognise.Reading{{SKU: "water", Confidence: 0.9}}}, nil
	}
	return recognise.Answer{Readings: []recognise.Reading{{SKU: "cola", Confidence: 0.3}}}, nil
}

// shelf is a frame with the item at the left and a grey shop around it.
func shelf(t *testing.T, item color.RGBA) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 120, 60))
	for i := range img.Pix {
		img.Pix[i] = 128
	}
	for y := 10; y < 50; y++ {
		for x := 10; x < 40; x++ {
			img.SetRGBA(x, y, item)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var (
	red  = color.RGBA{220, 20, 30, 255}
	blue = color.RGBA{20, 40, 220, 255}
	gray = color.RGBA{128, 128, 128, 255}
	noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
)

// shop is a server that knows one visit.
type shop struct {
	t          *testing.T
	store      map[ledger.Digest][]byte
	detections []Detection
	sent       []vision.Reverification
}

func (s *shop) keep(role, media string, b []byte) ledger.EvidenceRef {
	d := ledger.DigestOf(b)
	s.store[d] = b
	return ledger.EvidenceRef{Role: role, Digest: d, MediaType: media, Bytes: int64(len(b))}
}

func (s *shop) claim(sku string, action ledger.Action, refs ...ledger.EvidenceRef) ledger.ID {
	id := ledger.DeriveID(ledger.ID{}, sku, fmt.Sprint(len(s.detections)))
	s.detections = append(s.detections, Detection{ID: id, Occurred: noon, Claim: ledger.DetectionRecorded{
		Store: "s1", Sensor: "cam-1", Source: ledger.SensorCamera, Slot: "left", Quantity: 1, Model: "shelf/1",
		Items:   []ledger.ItemHypothesis{{SKU: ledger.SKU(sku), Confidence: 900}},
		Actions: []ledger.ActionHypothesis{{Action: action, Confidence: 900}}, Evidence: refs,
	}})
	return id
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer k1" {
		http.Error(w, `{"title":"Sign in with a key"}`, http.StatusUnauthorized)
		return
	}
	switch path := r.URL.Path; {
	case path == "/v1/visits/v1/detections":
		_ = json.NewEncoder(w).Encode(map[string]any{"items": s.detections})
	case strings.HasPrefix(path, "/v1/evidence/"):
		b, ok := s.store[ledger.Digest(strings.TrimPrefix(path, "/v1/evidence/"))]
		if !ok {
			http.Error(w, `{"title":"It was deleted"}`, http.StatusGone)
			return
		}
		_, _ = w.Write(b)
	case path == "/v1/visits/v1/reverifications":
		var q vision.Reverification
		b, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(b, &q); err != nil {
			s.t.Error(err)
		}
		s.sent = append(s.sent, q)
		_, _ = fmt.Fprint(w, `{"agreement":"differs"}`)
	default:
		http.NotFound(w, r)
	}
}

func openShop(t *testing.T) (*shop, Config) {
	t.Helper()
	s := &shop{t: t, store: map[ledger.Digest][]byte{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c, err := NewClient(server.URL+"/", "k1")
	if err != nil {
		t.Fatal(err)
	}
	return s, Config{
		Server: c, Recogniser: eye{}, Now: func() time.Time { return noon }, Digest: ledger.DigestOf([]byte("eye")),
		Place: func(sensor ledger.DeviceID, slot string) (Place, bool) {
			return Place{Part: image.Rect(20, 20, 80, 100), Of: image.Pt(240, 120)}, sensor == "cam-1" && slot == "left"
		},
	}
}

func run(t *testing.T, cfg Config) (found []Finding) {
	t.Helper()
	if err := Run(t.Context(), cfg, "v1", func(f Finding) error { found = append(found, f); return nil }); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestAVisitIsLookedAtAgain: a take is judged by the frame before, a return by
// the frame after; what nothing shows is said and not guessed.
func TestAVisitIsLookedAtAgain(t *testing.T) {
	s, cfg := openShop(t)
	cola, water, empty := s.keep("before", "image/png", shelf(t, red)), s.keep("after", "image/png", shelf(t, blue)),
		s.keep("after", "image/png", shelf(t, gray))
	s.claim("cola", ledger.ActionTake, cola, empty)
	s.claim("cola", ledger.ActionReturn, cola, water)
	s.claim("cola", ledger.ActionReturn, cola, empty)
	s.claim("cola", ledger.ActionTake)
	gone := s.keep("before", "image/png", shelf(t, color.RGBA{1, 2, 3, 255}))
	delete(s.store, gone.Digest)
	s.claim("cola", ledger.ActionTake, gone)
	other := s.claim("cola", ledger.ActionTake, cola)
	s.detections[len(s.detections)-1].Claim.Slot = "elsewhere"

	found := run(t, cfg)
	type line struct{ items, agreement, skipped string }
	var got []line
	for _, f := range found {
		skipped, _, _ := strings.Cut(f.Skipped, ":")
		got = append(got, line{fmt.Sprint(f.Items), string(f.Agreement), skipped})
	}
	want := []line{
		{"[{cola 930} {water 20}]", "differs", ""}, // as the server says
		{"[{water 900}]", "differs", ""},
		{"[]", "differs", ""},
		{"[]", "", "it has no picture that shows the item"},
		{"[]", "", "its picture cannot be had"},
		{"[]", "", "nothing says where in the picture the item is; give the camera's planogram"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(line{})); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if len(s.sent) != 3 || s.sent[1].Evidence[0] != water || s.sent[0].Model != "eye@2 sha256:00" || s.sent[0].ModelDigest != cfg.Digest {
		t.Errorf("sent = %+v, want the three that could be looked at, with the model and what it looked at", s.sent)
	}
	if found[5].Detection != other {
		t.Errorf("finding = %+v, want that of the other slot last", found[5])
	}
	// The same model says the same again, under the same id.
	again := run(t, cfg)
	if again[0].ID != found[0].ID || again[0].ID == again[1].ID {
		t.Errorf("ids = %v and %v, want one for each detection and model", found[0].ID, again[0].ID)
	}
	cfg.Digest = ledger.DigestOf([]byte("a newer eye"))
	if newer := run(t, cfg); newer[0].ID == found[0].ID {
		t.Error("a newer model has the id of the older one's finding")
	}
}

// TestADryRunTellsTheServerNothing and compares by itself.
func TestADryRunTellsTheServerNothing(t *testing.T) {
	s, cfg := openShop(t)
	cfg.DryRun = true
	s.claim("cola", ledger.ActionTake, s.keep("before", "image/png", shelf(t, red)))
	s.claim("mate", ledger.ActionTake, s.keep("before", "image/png", shelf(t, red)))
	s.claim("cola", ledger.ActionTake, s.keep("before", "image/png", shelf(t, gray)))
	found := run(t, cfg)
	if len(s.sent) != 0 {
		t.Errorf("sent = %+v, want nothing", s.sent)
	}
	for i, want := range []ledger.Agreement{ledger.AgreementAgrees, ledger.AgreementDiffers, ledger.AgreementUnsure} {
		if found[i].Agreement != want {
			t.Errorf("finding %d = %+v, want %s", i, found[i], want)
		}
	}
}

// TestBoxesSayWhereTheItemIs: they come before the planogram, and are named as
// looked at.
func TestBoxesSayWhereTheItemIs(t *testing.T) {
	s, cfg := openShop(t)
	cfg.Place = nil
	said := func(rect [4]int) ledger.EvidenceRef {
		b, err := sidecar.Boxes{Size: [2]int{120, 60}, Model: "shelf/1", Frames: []sidecar.Frame{{Role: "before", Boxes: []sidecar.Box{
			{Kind: sidecar.KindThing, Rect: [4]int{0, 0, 5, 5}}, {Kind: sidecar.KindPlace, Rect: rect},
		}}}}.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return s.keep(ledger.RoleBoxes, "application/json", b)
	}
	frame, boxes := s.keep("before", "image/png", shelf(t, red)), said([4]int{10, 10, 30, 40})
	s.claim("cola", ledger.ActionTake, frame, boxes)
	s.claim("cola", ledger.ActionTake, frame, said([4]int{60, 10, 30, 40}))
	found := run(t, cfg)
	if diff := cmp.Diff([]ledger.EvidenceRef{frame, boxes}, found[0].Evidence); diff != "" || len(found[0].Items) != 2 {
		t.Errorf("finding = %+v, want a cola, and that frame and boxes were looked at (-want +got):\n%s", found[0], diff)
	}
	if len(found[1].Items) != 0 {
		t.Errorf("finding beside the item = %+v, want nothing it knows", found[1])
	}
	// Boxes that are no boxes are an error: an audit would find them too.
	s.claim("cola", ledger.ActionTake, frame, s.keep(ledger.RoleBoxes, "application/json", []byte("torn")))
	if err := Run(t.Context(), cfg, "v1", func(Finding) error { return nil }); !errors.Is(err, sidecar.ErrForm) {
		t.Errorf("Run() with torn boxes = %v, want %v", err, sidecar.ErrForm)
	}
}

// TestEvidenceThatIsNotItsDigestIsNotLookedAt: a server that hands out other
// bytes, and a device's own store that was altered.
func TestEvidenceThatIsNotItsDigestIsNotLookedAt(t *testing.T) {
	s, cfg := openShop(t)
	frame := s.keep("before", "image/png", shelf(t, red))
	s.store[frame.Digest] = shelf(t, blue)
	s.claim("cola", ledger.ActionTake, frame)
	if found := run(t, cfg); !strings.Contains(found[0].Skipped, "cannot be had") || len(s.sent) != 0 {
		t.Errorf("finding = %+v, sent = %+v, want nothing looked at", found[0], s.sent)
	}
	c := cfg.Server.(*Client)
	c.Local = func(context.Context, ledger.Digest) ([]byte, error) { return shelf(t, red), nil }
	if found := run(t, cfg); len(found[0].Items) == 0 || found[0].Items[0].SKU != "cola" {
		t.Errorf("finding from the shop's own store = %+v, want a cola", found[0])
	}
}

func TestARefusedKeyIsSaid(t *testing.T) {
	_, cfg := openShop(t)
	cfg.Server.(*Client).key = "stolen"
	err := Run(t.Context(), cfg, "v1", func(Finding) error { return nil })
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "Sign in with a key") {
		t.Errorf("Run() with a wrong key = %v, want %v with the server's words", err, ErrRefused)
	}
	for _, address := range []string{"", "vouch.example", "ftp://vouch.example"} {
		if _, err := NewClient(address, "k1"); err == nil {
			t.Errorf("NewClient(%q) = nil, want a refusal", address)
		}
	}
}
