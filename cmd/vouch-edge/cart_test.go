package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
)

// bigTrip has all that a shopper does: scan, light and weighed things, a
// coupon, a bottle that is laid in first and scanned when the cart asks, a
// loaf whose weight nobody knows, milk that is taken out again, a torn label,
// and the lane.
const bigTrip = `show ticket@1s
put cola@3s, put milk@6.5s, put crackers@10s
scan gum@13.5s, lay gum@14.5s
key 4131@15.5s, lay 4131 760@16.5s
show coupon@18s
lay wine@20.5s, scan wine@22.5s
put bread 620@25s
out milk@29s, remove milk@31s
torn cola@32s
put cola@34s
show VL1-lane-2@38s, seconds 40, drift 0.4
`

// bigTripMinor is 2 x (1.89 + 0.25) + 2.49 + 0.99 + 0.750 kg x 4.00 less a
// quarter + 7.99 + 3.20.
const bigTripMinor = 428 + 249 + 99 + 225 + 799 + 320

// playCart runs vouch-edge cart to its end and returns its last screen.
func playCart(t *testing.T, args []string) (v cart.View) {
	t.Helper()
	out, err := runEdge(t, append([]string{"cart"}, args...)...)
	if err != nil {
		t.Fatalf("vouch-edge cart = %v\n%s", err, out)
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if t.Failed() || v.Waiting > 0 {
		t.Logf("the cart's last screen: %s", out)
	}
	return v
}

// wantBigTrip checks the receipt of the trip, to the cent and line by line.
func (s *cartShop) wantBigTrip(visit string) {
	s.t.Helper()
	r := s.receipt(visit)
	if r.Gross.Minor != bigTripMinor {
		s.t.Errorf("the receipt is over %s, want 21.20", r.Gross)
	}
	var got []string
	for _, l := range r.Lines {
		for range l.Quantity {
			got = append(got, string(l.SKU))
		}
		if l.SKU == "4131" && (l.Grams != 750 || len(l.Discounts) != 1) {
			s.t.Errorf("the apples are %d g with %v, want 750 and their coupon", l.Grams, l.Discounts)
		}
	}
	slices.Sort(got)
	want := []string{"4131", "bread", "cola", "cola", "cola", "cola", "crackers", "gum", "wine"} // a deposit is a line of the cola's
	if !slices.Equal(got, want) {
		s.t.Errorf("the receipt has %v, want %v", got, want)
	}
}

func TestATripWithACart(t *testing.T) {
	s := openCartShop(t)
	v := playCart(t, s.draw(bigTrip, "--pictures"))
	if v.Phase != cart.PhaseLeft || v.Waiting != 0 || v.Ask != nil {
		t.Errorf("the cart's last screen is %+v, want left, all sent and nothing asked", v)
	}
	s.wantBigTrip(string(v.Visit))
	s.wantDevice()
}

// wantDevice requires that operators see the cart among the devices of the shop.
func (s *cartShop) wantDevice() {
	s.t.Helper()
	var l struct {
		Items []struct {
			Device, Program string
			Parts           []ledger.PartState
		}
	}
	s.ask(keys.Operator, http.MethodGet, "/v1/devices", nil, &l)
	if len(l.Items) != 1 || l.Items[0].Device != "cart-7" || !strings.HasPrefix(l.Items[0].Program, "vouch-edge/") {
		s.t.Fatalf("the shop has the devices %+v, want the cart", l.Items)
	}
	var parts []string
	for _, p := range l.Items[0].Parts {
		if p.State == ledger.DeviceEnded { // told if there was time before the cart was switched off
			p.State = ledger.DeviceWell
		}
		parts = append(parts, p.Part+" "+string(p.State))
	}
	if want := []string{"camera well", "clock well", "disk well"}; !slices.Equal(parts, want) {
		s.t.Errorf("the cart says of itself %q, want %q", parts, want)
	}
}

// TestATripThatIsKilledAndCutOff kills the cart's process again and again, and
// cuts its line behind the second message. The receipt is as if nothing had
// been.
func TestATripThatIsKilledAndCutOff(t *testing.T) {
	s := openCartShop(t)
	args := s.draw(`show ticket@1s
put cola@3s, put milk@7s
key 4131@11s, lay 4131 760@12s
show VL1-lane-2@15s, seconds 17
`, "--pictures")
	s.until.Store(2) // signing in and the first piece
	kills := 0
	for after := 400 * time.Millisecond; !s.kill(after, append(args, "--drain", "1ms")); after += after / 3 {
		kills++
	}
	if kills == 0 || !s.cut.Load() {
		t.Fatalf("the cart was killed %d times, its line cut: %t; want both", kills, s.cut.Load())
	}
	s.wantSealed(filepath.Join(args[slices.Index(args, "--state")+1], "outbox", "queue"))
	s.until.Store(0)
	s.cut.Store(false)
	v := playCart(t, args)
	if v.Phase != cart.PhaseLeft || v.Waiting != 0 || v.Pieces != 3 {
		t.Errorf("the cart's last screen is %+v, want left with three pieces, all sent", v)
	}
	r := s.receipt(string(v.Visit))
	if r.Gross.Minor != 214+129+300 {
		t.Errorf("after %d kills the receipt is over %s, want 6.43", kills, r.Gross)
	}
	t.Run("everything told can be seen", func(t *testing.T) {
		withPictures(t)
		s.wantSeen(string(v.Visit), r)
	})
}

// wantSealed requires that something waits and that nothing of it can be read.
func (s *cartShop) wantSealed(queue string) {
	s.t.Helper()
	waiting, err := filepath.Glob(filepath.Join(queue, "*.item"))
	if err != nil || len(waiting) == 0 {
		s.t.Fatalf("in %s wait %v, %v; want what was told while the line was cut", queue, waiting, err)
	}
	for _, name := range waiting {
		b, err := os.ReadFile(name)
		if err != nil || !strings.HasPrefix(string(b), "age-encryption.org/") {
			s.t.Errorf("%s begins %.20q, %v; want it sealed", name, b, err)
		}
	}
}

// wantSeen looks at what staff and the shopper are shown of that trip.
func (s *cartShop) wantSeen(visit string, r ledger.ReceiptDocument) {
	s.t.Helper()
	all := s.seen(visit)
	var got []string
	for _, e := range all {
		got = append(got, e.roles())
		s.wantShown(visit, e, all)
	}
	const whole = "after at before boxes clip "
	want := []string{whole + "label weight", whole + "label weight", whole + "weight", "at boxes weight"}
	if !slices.Equal(got, want) {
		s.t.Fatalf("cola, milk, apples and the weight at the lane show %q, want %q", got, want)
	}
	page := s.dispute(visit, r)
	for _, ref := range all[0].Evidence {
		shown := strings.Contains(page, "/v1/evidence/"+string(ref.Digest))
		if ref.Role == ledger.RoleBlurred && !shown || ref.Role == ledger.RoleClip && shown {
			s.t.Errorf("on the page of the dispute %s %s is shown: %t", ref.Role, ref.Digest, shown)
		}
	}
	if !strings.Contains(page, "540 g more") {
		s.t.Error("the page of the dispute does not draw what the scale read")
	}
}

func TestACartSaysWhatIsWrongWithItsCall(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "scale.jsonl")
	if err := os.WriteFile(bad, []byte(`{"t":1,"grams":540}`+"\n"+`{"t":2}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	some := filepath.Join(dir, "0.png")
	if err := os.WriteFile(some, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	shop := []string{"--server", "http://127.0.0.1:1", "--store", "s", "--state", filepath.Join(dir, "state"), "--page", ""}
	for _, tt := range []struct {
		story string
		args  []string
		want  string
	}{
		{"no server", nil, "needs --server and --store"},
		{"two films", append(shop, "--video", "a.mp4", "--pictures", dir), "either --video or --pictures"},
		{"a scale's line is no reading", append(shop, "--pictures", dir, "--scale", bad), "line 2: not a reading of a scale: no weight in it"},
		{"no such scale", append(shop, "--pictures", dir, "--scale", "none"), "no such file"},
		{"no time", append(shop, "--pictures", dir, "--start", "noon"), "want a time like"},
		{"a picture that is none", append(shop, "--pictures", dir, "--drain", "1ms"), "0.png: image: unknown format"},
		{"a page for all", append(shop, "--pictures", dir, "--page", "0.0.0.0:80"), "on this machine only"},
		{"touches of a live cart", append(shop, "--touches", bad), "touched on its page"},
	} {
		if out, err := runEdge(t, append([]string{"cart"}, tt.args...)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: vouch-edge cart = %s, %v, want %q", tt.story, out, err, tt.want)
		}
	}
}
