package api

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// TestAnUploadGoesOnWhereItWasCut: a gate's line drops in the middle of a clip.
// It asks how far the server is and sends the rest.
func TestAnUploadGoesOnWhereItWasCut(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	clip := append([]byte("\x00\x00\x00\x18ftypmp42"), bytes.Repeat([]byte("frame"), 40_000)...)
	at := "/v1/evidence/" + string(ledger.DigestOf(clip)) + "?visit=" + visit + "&original=true"
	send := func(first, end int) call {
		return s.send("gate", "PUT", at, clip[first:end], "Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, end-1, len(clip)))
	}
	offset := func(c call, want int) {
		t.Helper()
		if got := c.Header().Get("Upload-Offset"); got != fmt.Sprint(want) {
			t.Errorf("Upload-Offset = %q, want %d", got, want)
		}
	}
	offset(s.send("gate", "HEAD", at, nil).want(404), 0)
	offset(send(0, 65536).want(202), 65536)
	offset(send(0, 65536).want(409), 65536) // the answer was lost, and the device asked nobody
	offset(s.send("gate", "HEAD", at, nil).want(404), 65536)
	if c := s.send("lea", "HEAD", at, nil).want(404); c.Header().Get("Upload-Offset") != "" {
		t.Error("a shopper is told of uploads")
	}
	for _, bad := range []string{"bytes 65536-65535/99999", "bytes */99999", "bytes 65536-70000/70000", "bytes -1-5/10", "items 0-1/2", "bytes 0-1/2 "} {
		s.send("gate", "PUT", at, clip[:1], "Content-Range", bad).want(400)
	}
	s.send("gate", "PUT", at, clip[:1], "Content-Range", "bytes 65536-65537/99999").want(409) // shorter than announced
	offset(send(65536, len(clip)).want(201), len(clip))
	s.send("gate", "HEAD", at, nil).want(200)
	if got := s.send("anna", "GET", at, nil).want(200); !bytes.Equal(got.Body.Bytes(), clip) {
		t.Errorf("the clip has %d bytes, want %d", got.Body.Len(), len(clip))
	}
}

// TestAShopperSeesNobodyElsesFace: she gets the blurred copies of her visit and
// its data, and never an original, also where no copy came.
func TestAShopperSeesNobodyElsesFace(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	png := func(text string) []byte { return []byte("\x89PNG\r\n\x1a\n" + text) }
	before, after := s.keep("before", "image/png", png("before")), s.keep("after", "image/png", png("after"))
	blurred := s.copyOf(before, ledger.RoleBlurred, png("blurred"))
	thumb := s.copyOf(before, ledger.RoleThumb, png("thumb"))
	weight := s.keep(ledger.RoleWeight, "application/json", []byte(`{"scale":"scale-1","points":[[-900,412],[0,300],[900,79]]}`))
	odd := s.keep("portrait", "image/png", png("portrait"))
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990, before, after, blurred, thumb, weight, odd)).want(201)
	path := func(ref ledger.EvidenceRef) string { return "/v1/evidence/" + string(ref.Digest) + "?visit=" + visit }
	for _, ref := range []ledger.EvidenceRef{before, after, thumb, odd} {
		for _, method := range []string{"HEAD", "GET"} {
			if c := s.send("lea", method, path(ref), nil).want(403); method == "GET" && c.code() != "not_blurred" {
				t.Errorf("%s: %s, want not_blurred", ref.Role, c.code())
			}
		}
		s.send("otto", "GET", path(ref), nil).want(200) // the auditor sees the original
	}
	for _, ref := range []ledger.EvidenceRef{blurred, weight} {
		s.send("lea", "GET", path(ref), nil).want(200)
	}
	s.until(visit, "priced", func(v visitView) bool { return v.Cart.Gross != nil && v.Cart.Gross.Minor > 0 })
	page := s.send("lea", "GET", "/visits/"+visit, nil, "Accept", "text/html").want(200).Body.String()
	for _, ref := range []ledger.EvidenceRef{before, after, thumb, odd} {
		if strings.Contains(page, string(ref.Digest)) {
			t.Errorf("the shopper's page names the original %s", ref.Role)
		}
	}
	for _, want := range []string{string(blurred.Digest), "After: not shown, because there is no copy", "333 g less"} {
		if !strings.Contains(page, want) {
			t.Errorf("the shopper's page does not have %q", want)
		}
	}
	page = s.send("anna", "GET", "/visits/"+visit, nil, "Accept", "text/html").want(200).Body.String()
	for _, ref := range []ledger.EvidenceRef{before, after, thumb} {
		if !strings.Contains(page, string(ref.Digest)) {
			t.Errorf("the reviewer's page does not show the %s", ref.Role)
		}
	}
}

// TestAWeighingShowsHowItCameAbout: whoever answers the question of a cart's
// weight sees the frame, its shopper the copy without faces, and the time is the
// server's although the cart's clock is a minute behind.
func TestAWeighingShowsHowItCameAbout(t *testing.T) {
	s := openShop(t)
	s.stockCarts()
	visit := s.push("lea")
	at := s.keep(ledger.RoleAt, "image/jpeg", []byte("\xff\xd8\xff\xe0 a hand in the cart"))
	blurred := s.keep(ledger.RoleBlurred, "image/jpeg", []byte("\xff\xd8\xff\xe0 a hand"))
	blurred.Of = at.Digest
	w := s.weighing(900)
	w["occurred_at"], w["clock_offset_ms"], w["evidence"] = s.now().Add(-time.Minute), 60_000, []ledger.EvidenceRef{at, blurred}
	var v weighingView
	s.send("cart", "POST", "/v1/visits/"+visit+"/weighings", w).want(201, &v)
	if off := s.now().Sub(v.Occurred); off < 0 || off > 30*time.Second {
		t.Errorf("the weighing is placed %s before now, want it now", off)
	}
	eventually(s, "anna", "/v1/reviews", "the cart", func(l list[reviewItem]) bool { return len(l.Items) == 1 })
	for _, tt := range []struct{ who, page, shown, hidden string }{
		{"anna", "/reviews", string(at.Digest), "/v1/evidence/" + string(blurred.Digest)},
		{"lea", "/visits/" + visit, string(blurred.Digest), "/v1/evidence/" + string(at.Digest)},
	} {
		page := s.send(tt.who, "GET", tt.page, nil, "Accept", "text/html").want(200).Body.String()
		if !strings.Contains(page, "/v1/evidence/"+tt.shown) || strings.Contains(page, tt.hidden) {
			t.Errorf("%s on %s: want the picture %s and not %s", tt.who, tt.page, tt.shown, tt.hidden)
		}
	}
	s.send("lea", "GET", "/v1/evidence/"+string(at.Digest)+"?visit="+visit, nil).want(403)
	s.send("lea", "GET", "/v1/evidence/"+string(blurred.Digest)+"?visit="+visit, nil).want(200)
}

// TestThePageSaysWhenEvidenceExpired shows a date and a digest where a picture
// was.
func TestThePageSaysWhenEvidenceExpired(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	frame := s.keep("before", "image/png", []byte("\x89PNG\r\n\x1a\nshelf"))
	blurred := s.copyOf(frame, ledger.RoleBlurred, []byte("\x89PNG\r\n\x1a\nshelf"))
	late := s.keep("after", "image/png", []byte("\x89PNG\r\n\x1a\nlate"))
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990, frame, blurred, late)).want(201)
	draft := must(ledger.NewDraft(ledger.Meta{ID: ledger.ID{9}, Occurred: s.now()},
		ledger.EvidenceExpired{Digest: frame.Digest, Class: ledger.RetentionRoutine, Days: 135}))(t)
	must(s.log.Append(t.Context(), ledger.EvidenceStream(frame.Digest), ledger.Any(), draft))(t)
	for _, ref := range []ledger.EvidenceRef{frame, late} {
		if err := s.store.Remove(t.Context(), ref.Digest); err != nil {
			t.Fatal(err)
		}
	}
	for _, who := range []string{"lea", "anna"} {
		page := s.send(who, "GET", "/visits/"+visit, nil, "Accept", "text/html").want(200).Body.String()
		want := "Before: expired on " + s.now().Format("2 January 2006") + ", digest " + string(frame.Digest)
		if !strings.Contains(page, want) || strings.Contains(page, "/v1/evidence/"+string(frame.Digest)) {
			t.Errorf("%s's page does not say %q in the place of the picture", who, want)
		}
	}
	page := s.send("anna", "GET", "/visits/"+visit, nil, "Accept", "text/html").want(200).Body.String()
	if !strings.Contains(page, "After: not arrived yet.") {
		t.Error("what was never sent looks like what expired")
	}
}
