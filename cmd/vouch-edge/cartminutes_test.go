package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/cart/device"
	"github.com/vouchledger/vouch/vision/cart/rehearsal"
)

// longTrip is what the scale sees of a trip of six minutes; what is scanned
// stands beside it in longScans.
const longTrip = `lay cola@7s
lay milk@62s, key 4131@100s, lay 4131 760@102s
lay wine@150s
lay cola@242s
out milk@270s, remove milk@274s
seconds 335, drift 0.4
`

// longScans are the codes that a scanner reads meanwhile, and when. Wine is
// scanned late: by then staff were told of it.
var longScans = map[float64]string{
	1: "ticket", 5: "4006381333931", 60: "96385074", 120: "coupon", 200: "5901234123457", 240: "4006381333931", 330: "VL1-lane-2",
}

// The line is cut while the cart waits at its 21st second, and there again while
// it waits at its 301st.
const (
	cutAt  = 21_000 // ms
	backAt = 301_000
)

// longFilm writes the files of the trip. Two of its pictures are pipes: the cart
// comes to them when its own clock is there, and waits until they are drawn.
func (s *cartShop) longFilm(dir string) {
	s.t.Helper()
	trip := rehearsal.New(3, rehearsal.Groceries(), nil)
	if err := trip.Parse(longTrip); err != nil {
		s.t.Fatal(err)
	}
	scale, _, err := trip.Files()
	if err != nil {
		s.t.Fatal(err)
	}
	fingers := trip.Fingers()
	for at, text := range longScans {
		switch text {
		case "ticket":
			text = s.ticket()
		case "coupon":
			text = s.coupon
		}
		fingers = append(fingers, device.Finger{T: at, Do: cart.ActScan, Text: text})
	}
	slices.SortFunc(fingers, func(a, b device.Finger) int { return int(1000 * (a.T - b.T)) })
	var touches []byte
	for _, f := range fingers {
		b, err := json.Marshal(f)
		if err != nil {
			s.t.Fatal(err)
		}
		touches = append(append(touches, b...), '\n')
	}
	files := map[string][]byte{"scale.jsonl": scale, "touches.jsonl": touches}
	for i, ms := range []int{0, cutAt - 500, 61_500, 62_000, 101_500, 102_000, 149_500, 150_000, 241_500, 242_000, 269_500, 270_000, backAt - 500, 334_000} {
		files[fmt.Sprintf("pictures/%d.png", ms)] = restless(s.t, uint64(i))
	}
	if err := os.Mkdir(filepath.Join(dir, "pictures"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, ms := range []int{cutAt, backAt} {
		if err := syscall.Mkfifo(filepath.Join(dir, "pictures", fmt.Sprintf("%d.png", ms)), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// restless is a picture in which all has moved since any other.
func restless(t *testing.T, seed uint64) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	var cells [30][40]uint8
	for y := range cells {
		for x := range cells[y] {
			cells[y][x] = uint8(60 + r.IntN(190))
		}
	}
	g := image.NewGray(image.Rect(0, 0, 320, 240))
	for i := range g.Pix {
		g.Pix[i] = cells[i/g.Stride/8][i%g.Stride/8]
	}
	var b bytes.Buffer
	if err := png.Encode(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// reached waits until the cart has come to a picture that is a pipe, and returns
// what lets it go on.
func (s *cartShop) reached(dir string, ms int) (goOn func()) {
	s.t.Helper()
	var pipe *os.File
	s.eventually(fmt.Sprintf("the cart's clock to be at %d ms", ms), func() (ready bool) {
		var err error
		pipe, err = os.OpenFile(filepath.Join(dir, "pictures", fmt.Sprintf("%d.png", ms)), os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err != nil && !errors.Is(err, syscall.ENXIO) { // nobody reads it yet
			s.t.Fatal(err)
		}
		return err == nil
	})
	return func() {
		_, err := pipe.Write(restless(s.t, uint64(ms)))
		if err = errors.Join(err, pipe.Close()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// screen returns what the cart's page shows.
func (s *cartShop) screen(page string) (v cart.View) {
	s.t.Helper()
	res, err := http.Get("http://" + page + "/state") //nolint:noctx // loopback
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		s.t.Fatal(err)
	}
	return v
}

// TestACartIsCutOffForMinutes: from its 21st to its 301st second a cart reaches
// nobody. Meanwhile its shopper scans, weighs, shows a coupon, lays in something
// unscanned and gives something back. When the line is there again everything
// arrives once and in the order in which it happened, the shop's total replaces the
// cart's while the shopper still goes round, and the receipt is right.
func TestACartIsCutOffForMinutes(t *testing.T) {
	s := openCartShop(t)
	dir, page := t.TempDir(), peer.Address(t)
	s.longFilm(dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	edge := exec.CommandContext(t.Context(), self, "cart", "--pictures", filepath.Join(dir, "pictures"), "--scale", filepath.Join(dir, "scale.jsonl"),
		"--touches", filepath.Join(dir, "touches.jsonl"), "--server", s.url, "--key", s.keys[keys.Device], "--store", "shop-1", "--cart", "cart-7",
		"--state", filepath.Join(dir, "state"), "--page", page, "--json", "--start", time.Now().Add(-7*time.Minute).Format(time.RFC3339))
	edge.Env = append(os.Environ(), "VOUCH_EDGE_CHILD=1")
	var out, said bytes.Buffer
	edge.Stdout, edge.Stderr = &out, &said
	if err := edge.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = edge.Process.Kill() // it may have ended
		if t.Failed() {
			t.Logf("vouch-edge cart said:\n%s%s", out.Bytes(), said.Bytes())
		}
	})

	goOn := s.reached(dir, cutAt)
	s.eventually("the server's total of a cola", func() bool { v := s.screen(page); return v.From == "shop" && v.Total == "2.14 EUR" })
	s.cut.Store(true)
	goOn()

	goOn = s.reached(dir, backAt)
	s.eventually("the cart to notice that it is alone", func() bool { return !s.screen(page).Online })
	v := s.screen(page)
	// Two colas, wine and 750 g of apples, without the coupon.
	if v.Phase != cart.PhaseShopping || v.From != "cart" || v.Total != "15.27 EUR" || v.Pieces != 4 || v.Ask != nil {
		t.Errorf("cut off, the screen is %+v, want four pieces for 15.27 by the cart and nothing asked", v)
	}
	if v.Line != fmt.Sprintf("No connection: %d kept for later", v.Waiting) || v.Waiting < 8 {
		t.Errorf("cut off, the screen says %q with %d waiting, want all that happened", v.Line, v.Waiting)
	}
	s.wantSealed(filepath.Join(dir, "state", "outbox", "queue"))
	s.cut.Store(false)
	s.eventually("the shop's total on the screen of a cart that is back", func() bool {
		v = s.screen(page)
		return v.From == "shop" && v.Waiting == 0
	})
	if v.Phase != cart.PhaseShopping || v.Total != "14.52 EUR" || len(v.Coupons) != 1 || v.Coupons[0].State != "taken" {
		t.Errorf("back, the screen is %+v, want the shop's total of 14.52 with the coupon", v)
	}
	goOn()
	if err := edge.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &v); err != nil || v.Phase != cart.PhaseLeft || v.Waiting != 0 {
		t.Fatalf("in the end the screen is %+v, %v; want left and all sent", v, err)
	}
	if r := s.receipt(string(v.Visit)); r.Gross.Minor != 2*214+225+799 {
		t.Errorf("the receipt is over %s, want 14.52", r.Gross)
	}
	s.wantInOrder(string(v.Visit))
	if dead, err := filepath.Glob(filepath.Join(dir, "state", "outbox", "dead", "*")); len(dead) > 0 || err != nil {
		t.Errorf("the server refused %v, %v; want nothing", dead, err)
	}
}

// wantInOrder requires that each thing of that trip is with the server once, in
// the order in which it happened and with the times that it had.
func (s *cartShop) wantInOrder(visit string) {
	s.t.Helper()
	var replay struct {
		Steps []struct {
			Event struct {
				ID       string
				Kind     ledger.Kind
				Occurred time.Time
				Body     struct {
					Items   []ledger.ItemHypothesis
					Actions []ledger.ActionHypothesis
				}
			}
		}
	}
	s.ask(keys.Operator, http.MethodGet, "/v1/visits/"+visit+"/replay", nil, &replay)
	var got []string
	var first, last time.Time
	ids := map[string]bool{}
	for _, step := range replay.Steps {
		e := step.Event
		word := map[ledger.Kind]string{
			ledger.KindCartWeighed: "weighed", ledger.KindCouponAccepted: "coupon", ledger.KindGateExited: "left",
		}[e.Kind]
		if e.Kind == ledger.KindDetectionRecorded {
			word = string(e.Body.Actions[0].Action) + " " + string(e.Body.Items[0].SKU)
		}
		if word == "" {
			continue
		}
		if word == "coupon" {
			e.Occurred = last // that it counts is said by the server, when it knew of it
		}
		if e.Occurred.Before(last) || ids[e.ID] {
			s.t.Errorf("%s of %s came after something of %s, or twice", word, e.Occurred, last)
		}
		if first.IsZero() {
			first = e.Occurred
		}
		last, ids[e.ID] = e.Occurred, true
		got = append(got, word)
	}
	want := "take cola, take milk, take 4131, coupon, weighed, take wine, weighed, take cola, return milk, weighed, left"
	if strings.Join(got, ", ") != want {
		s.t.Errorf("the server was told %q, want %q", strings.Join(got, ", "), want)
	}
	if d := last.Sub(first); d < 5*time.Minute {
		s.t.Errorf("between the first piece and the lane lie %s, want the cart's own 5 min 25 s", d)
	}
}
