package device

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/scale"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const prices = `{"store":"shop-1","at":"2026-11-30T11:00:00Z","currency":"EUR","weigh_grams":30,"weigh_per_mille":0,"products":[
{"sku":"cola","gtin":"4006381333931","name":"Cola","unit":{"amount_minor":189,"currency":"EUR"},"grams":540},
{"sku":"milk","gtin":"96385074","name":"Milk","unit":{"amount_minor":129,"currency":"EUR"},"grams":1035},
{"sku":"4131","name":"Apples","unit":{"amount_minor":400,"currency":"EUR"},"per":"kg","tare_grams":10}]}`

// counter is a server that takes each id once.
type counter struct {
	mu    sync.Mutex
	down  bool
	seen  map[string]bool
	taken []string // "take cola 0", "weighed 540", "exit cart-7", "coupon x"

	coupons chan struct{} // if set, what is said of coupons waits until it is closed
}

func (s *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.coupons != nil && strings.HasSuffix(r.URL.Path, "/coupons") {
		<-s.coupons
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		panic(http.ErrAbortHandler)
	}
	b, _ := io.ReadAll(r.Body)
	switch {
	case strings.HasSuffix(r.URL.Path, "/price-list"):
		io.WriteString(w, prices)
		return
	case r.URL.Path == "/v1/gate/entries":
		io.WriteString(w, `{"visit":"v1","decision":"entered"}`)
		return
	case strings.HasSuffix(r.URL.Path, "/cart"):
		io.WriteString(w, `{"lines":[],"unpriced":0,"gross":{"amount_minor":99,"currency":"EUR"}}`)
		return
	}
	id := r.Header.Get("Idempotency-Key")
	if s.seen[id] {
		return
	}
	s.seen[id] = true
	var m struct {
		Detection ledger.DetectionRecorded
		Grams     int
		Gate      string
		Coupon    string
	}
	_ = json.Unmarshal(b, &m)
	switch {
	case len(m.Detection.Items) > 0:
		d := m.Detection
		s.taken = append(s.taken, fmt.Sprint(d.Actions[0].Action, " ", d.Items[0].SKU, " ", d.Grams))
	case m.Coupon != "":
		s.taken = append(s.taken, "coupon "+m.Coupon)
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"title":"Refused","detail":"it was used before"}`)
	case m.Gate != "":
		s.taken = append(s.taken, "exit "+m.Gate)
	default:
		s.taken = append(s.taken, fmt.Sprint("weighed ", m.Grams))
	}
}

func (s *counter) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *counter) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// on switches a cart on; off ends it, as far as a test can in good order.
func on(t *testing.T, dir, url string, with ...func(*Config)) (c *Cart, off func()) {
	t.Helper()
	cfg := Config{
		Cart: cart.Config{Store: "shop-1", Cart: "cart-7", Model: "cart test"}, Dir: dir, Server: url, Key: "k",
		Timeout: 2 * time.Second, Now: time.Now, Random: rand.Reader, Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range with {
		f(&cfg)
	}
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return c, func() {
		cancel()
		if err := errors.Join(<-done, c.Close()); err != nil {
			t.Error(err)
		}
	}
}

func serve(t *testing.T) (*counter, string) {
	t.Helper()
	s := &counter{seen: map[string]bool{}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, h.URL
}

// until waits for something that other goroutines bring about.
func until(t *testing.T, c *Cart, what string, ready func() bool) {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for {
		changed := c.Changed()
		if ready() {
			return
		}
		select {
		case <-changed:
		case <-time.After(20 * time.Millisecond): // what the outbox does is no change of the trip
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// untilPriced waits for the shop's prices.
func untilPriced(t *testing.T, c *Cart) {
	t.Helper()
	until(t, c, "prices", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return !c.book.List.At.IsZero()
	})
}

// trip is a recording without pictures: codes are typed.
func trip(t *testing.T) Recording {
	t.Helper()
	fingers, err := ReadFingers([]byte(`{"t":1,"do":"scan","text":"VT1-LEA"}
{"t":4,"do":"scan","text":"4006381333931"}
{"t":8,"do":"scan","text":"96385074"}
{"t":12,"do":"key","number":"4131"}
{"t":16,"do":"coupon","text":"a.b.c"}
{"t":20,"do":"remove","sku":"milk"}
{"t":24,"do":"leave","gate":"lane-2"}
`))
	if err != nil {
		t.Fatal(err)
	}
	r := Recording{Fingers: fingers}
	for ds := range 260 {
		g := ds % 3
		for _, step := range [][2]int{{60, 540}, {100, 1035}, {140, 760}, {220, -1035}} {
			if ds >= step[0] {
				g += step[1]
			}
		}
		r.Scale = append(r.Scale, cart.Reading{T: time.Duration(ds) * 100 * time.Millisecond, Grams: g})
	}
	return r
}

const told = "take cola 0; take milk 0; take 4131 760; coupon a.b.c; return milk 0; weighed 1300; exit lane-2"

func playTrip(t *testing.T, c *Cart) {
	t.Helper()
	untilPriced(t, c)
	p := &Player{Cart: c, Start: noon, HasScale: true}
	if err := p.Play(t.Context(), trip(t), nil); err != nil {
		t.Fatal(err)
	}
}

func drain(t *testing.T, c *Cart) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := c.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestATripIsToldInOrder(t *testing.T) {
	s, url := serve(t)
	// What is refused is shown until the shopper does the next thing. These have done all.
	s.coupons = make(chan struct{})
	c, off := on(t, t.TempDir(), url)
	defer off()
	playTrip(t, c)
	close(s.coupons)
	drain(t, c)
	if got := strings.Join(s.all(), "; "); got != told {
		t.Errorf("the server was told %q, want %q", got, told)
	}
	until(t, c, "what became of the coupon", func() bool { return strings.Contains(c.View().Note, "used before") })
	if v := c.View(); v.Phase != cart.PhaseLeft || !strings.HasPrefix(v.Line, "Connected") {
		t.Errorf("the last screen is %+v, and a refused coupon is no fault of the line", v)
	}
	// The next shopper begins with an empty list, on a new journal.
	if err := c.Shown("VT1-TOM", noon.Add(time.Hour), 0); err != nil {
		t.Fatal(err)
	}
	if err := c.While(t.Context(), cart.PhaseAsking); err != nil {
		t.Fatal(err)
	}
	if v := c.View(); v.Phase != cart.PhaseShopping || v.Pieces != 0 {
		t.Errorf("the next shopper finds %+v", v)
	}
}

func TestACutOffCartGoesOn(t *testing.T) {
	s, url := serve(t)
	dir := t.TempDir()
	c, off := on(t, dir, url)
	untilPriced(t, c)
	p := &Player{Cart: c, Start: noon, HasScale: true}
	all := trip(t)
	first := all
	first.Fingers = all.Fingers[:1]
	first.Scale = all.Scale[:30]
	if err := p.Play(t.Context(), first, nil); err != nil {
		t.Fatal(err)
	}
	s.setDown(true)
	rest := all
	rest.Fingers, rest.Scale = all.Fingers[1:], all.Scale[30:]
	if err := p.Play(t.Context(), rest, nil); err != nil {
		t.Fatal(err)
	}
	v := c.View()
	if v.From != "cart" || v.Pieces != 2 || v.Total != "4.89 EUR" || v.Waiting != 7 || !strings.Contains(v.About, "prices of 11:00") {
		t.Errorf("cut off the screen is %+v, want two pieces, 4.89 by kept prices and 7 messages waiting", v)
	}
	off() // and switched off besides
	s.setDown(false)
	c, off = on(t, dir, url)
	defer off()
	drain(t, c)
	if got := strings.Join(s.all(), "; "); got != told {
		t.Errorf("the server was told %q, want %q", got, told)
	}
	until(t, c, "the shop's total", func() bool { v := c.View(); return v.From == "shop" && v.Total == "0.99 EUR" })
}

// TestTheCartIsKilledAtAnyMoment switches the cart off behind every line of
// its journal and within it, with the note of what the outbox has and without
// it, and plays on. Whatever the moment, the server is told the same, once.
func TestTheCartIsKilledAtAnyMoment(t *testing.T) {
	_, url := serve(t)
	whole := t.TempDir()
	c, off := on(t, whole, url)
	playTrip(t, c)
	drain(t, c)
	off()
	journal, err := os.ReadFile(filepath.Join(whole, "trip.journal"))
	if err != nil {
		t.Fatal(err)
	}
	var inputs [][]byte // without the notes: they were lost
	for line := range bytes.Lines(journal) {
		if !bytes.Contains(line, []byte(`"put"`)) {
			inputs = append(inputs, line)
		}
	}
	if len(inputs) < 12 {
		t.Fatalf("the journal has %d inputs; the test is not looking at a trip", len(inputs))
	}
	for n := range len(inputs) + 1 {
		for _, sent := range []bool{false, true} {
			s, url := serve(t)
			dir := t.TempDir()
			kept := bytes.Join(inputs[:n], nil)
			write := func() {
				torn := kept
				if n < len(inputs) {
					torn = append(bytes.Clone(kept), inputs[n][:len(inputs[n])/2]...)
				}
				if err := os.WriteFile(filepath.Join(dir, "trip.journal"), torn, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write()
			if sent { // the server has all that follows from it, and the cart forgot
				c, off := on(t, dir, url)
				drain(t, c)
				off()
				write()
			}
			c, off := on(t, dir, url)
			playTrip(t, c)
			drain(t, c)
			if got := strings.Join(s.all(), "; "); got != told {
				t.Errorf("killed behind input %d, sent %t: the server was told %q, want %q", n, sent, got, told)
			}
			off()
		}
	}
}

func TestAnAlteredJournalKeepsTheCartOff(t *testing.T) {
	s, url := serve(t)
	dir := t.TempDir()
	c, off := on(t, dir, url)
	playTrip(t, c)
	off()
	path := filepath.Join(dir, "trip.journal")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte("cola"), []byte("milk"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(c.cfg)
	if !errors.Is(err, cart.ErrJournal) || !errors.Is(err, ledger.ErrCorrupt) || !strings.Contains(err.Error(), "line ") {
		t.Errorf("Open(altered journal) = %v, want ErrJournal and the line", err)
	}
	_ = s
}

func TestTheScreenIsForThisMachineAlone(t *testing.T) {
	_, url := serve(t)
	c, off := on(t, t.TempDir(), url)
	defer off()
	for _, a := range []string{"0.0.0.0:0", "192.0.2.1:80", "shop.example:80"} {
		if _, err := Listen(a, c, time.Now); !errors.Is(err, ErrNotLoopback) {
			t.Errorf("Listen(%s) = %v, want ErrNotLoopback", a, err)
		}
	}
	p := &Page{cart: c, now: time.Now, ending: make(chan struct{})}
	ask := func(method, path, host, origin, body string) int {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.Host = host
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		return w.Code
	}
	for _, tt := range []struct {
		story, method, path, host, origin, body string
		want                                    int
	}{
		{"the screen", "GET", "/", "127.0.0.1:80", "", "", 200},
		{"its state", "GET", "/state", "localhost:80", "", "", 200},
		{"a finger", "POST", "/touch", "127.0.0.1:80", "http://127.0.0.1:80", `{"do":"help"}`, 204},
		{"another site's finger", "POST", "/touch", "127.0.0.1:80", "https://evil.example", `{"do":"leave"}`, 403},
		{"a name that points here", "GET", "/state", "evil.example:80", "", "", 421},
		{"no touch", "POST", "/touch", "127.0.0.1:80", "", `{"do":"dance"}`, 400},
		{"a long touch", "POST", "/touch", "127.0.0.1:80", "", strings.Repeat("x", 5000), 413},
		{"nothing there", "GET", "/etc", "127.0.0.1:80", "", "", 404},
	} {
		if got := ask(tt.method, tt.path, tt.host, tt.origin, tt.body); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.story, got, tt.want)
		}
	}
}

func TestFilesThatAreNoRecordingAreRefused(t *testing.T) {
	for _, s := range []string{
		`{"t":1}`, `{"grams":5}`, `{"t":-1,"grams":5}`, `x`, `{"t":2,"grams":1}` + "\n" + `{"t":1,"grams":1}`, `{"t":1,"grams":1e12}`,
		`{"t":1,"grams":1,"colour":2}`,
	} {
		if _, err := ReadScale([]byte(s)); !errors.Is(err, scale.ErrReading) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("ReadScale(%s) = %v, want ErrReading and the line", s, err)
		}
	}
	for _, s := range []string{
		`{}`, `{"do":"x"}`, `{"do":"key"}`, `{"do":"remove"}`, `{"do":"coupon"}`, `y`, `{"t":-1,"do":"help"}`,
		`{"t":2,"do":"help"}` + "\n" + `{"t":1,"do":"help"}`,
	} {
		if _, err := ReadFingers([]byte(s)); !errors.Is(err, ErrTouch) {
			t.Errorf("ReadFingers(%s) = %v, want ErrTouch", s, err)
		}
	}
	if _, err := OpenPictures(t.TempDir()); err == nil {
		t.Error("an empty folder is taken for a film")
	}
}
