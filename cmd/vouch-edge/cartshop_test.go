package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/billing/coupon"
	"github.com/vouchledger/vouch/billing/shopfile"
	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// programs is built once for all tests: the server.
var programs struct {
	once  sync.Once
	dir   string
	err   error
	vouch string
}

func buildServer(t *testing.T) (vouch string) {
	t.Helper()
	p := &programs
	p.once.Do(func() {
		//nolint:usetesting // for all tests, removed after the last
		if p.dir, p.err = os.MkdirTemp("", "vouch-cart"); p.err != nil {
			return
		}
		p.vouch = filepath.Join(p.dir, "vouch")
		if b, err := exec.Command("go", "build", "-o", p.vouch, "../vouch").CombinedOutput(); err != nil {
			p.err = fmt.Errorf("build ../vouch: %w\n%s", err, b)
		}
	})
	if p.err != nil {
		t.Fatal(p.err)
	}
	return p.vouch
}

// otherChildren are what the test's own binary is where an environment variable
// is set, instead of vouch-edge itself.
var otherChildren map[string]func() int

func alsoChild(name string, child func() int) bool {
	if otherChildren == nil {
		otherChildren = map[string]func() int{}
	}
	otherChildren[name] = child
	return true
}

// TestMain lets the test's own binary be the vouch-edge that is killed, and
// takes away the programs that were built.
func TestMain(m *testing.M) {
	for name, child := range otherChildren {
		if os.Getenv(name) != "" {
			os.Exit(child())
		}
	}
	if os.Getenv("VOUCH_EDGE_CHILD") != "" {
		os.Exit(run())
	}
	code := m.Run()
	if programs.dir != "" {
		_ = os.RemoveAll(programs.dir)
	}
	os.Exit(code)
}

// cartShop is a shop with `vouch serve` and a simulated bank behind a line
// that can be cut.
type cartShop struct {
	t      *testing.T
	vouch  string
	data   string
	url    string // of the line
	direct string // of the server
	keys   map[keys.Role]string
	cut    atomic.Bool
	taken  atomic.Int64 // of a trip: what the line let through
	until  atomic.Int64 // cut by itself after so many; 0: never
	coupon string

	shoppers []string // who have a card; Lea if nobody else
}

// openCartShop starts everything; it ends with the test.
func openCartShop(t *testing.T) *cartShop {
	t.Helper()
	return openShopSelling(t, t.TempDir(), (*cartShop).file)
}

// openShopSelling does so for another shop, with the server's data in a folder
// that there is.
func openShopSelling(t *testing.T, data string, sells func(*cartShop) shopfile.File) *cartShop {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs the server")
	}
	s := &cartShop{t: t, data: data, keys: map[keys.Role]string{}, shoppers: []string{"lea"}}
	s.vouch = buildServer(t)
	ring, err := keys.Open(s.data)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range []keys.Spec{
		{Role: keys.Device, Store: "shop-1", Name: "cart-7"},
		{Role: keys.Shopper, Shopper: "lea", Name: "lea"},
		{Role: keys.Operator, Name: "olga"},
		{Role: keys.Reviewer, Name: "rita"},
	} {
		if _, s.keys[spec.Role], err = ring.Create(spec, time.Now(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	file, err := json.Marshal(sells(s))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.data, "shop.json")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s.call("shop", "apply", path, "--data", s.data)
	bank, listen := peer.Address(t), peer.Address(t)
	s.start("stripesim", "--listen", bank, "--data", filepath.Join(s.data, "bank.jsonl"),
		"--webhook", "http://"+listen+"/webhooks/stripe", "--webhook-secret", "whsec_x")
	s.up("http://" + bank + "/sim/audit")
	for _, name := range s.shoppers {
		s.call("shopper", "enrol", name, "--payment-method", "pm_card_visa", "--data", s.data,
			"--stripe-url", "http://"+bank, "--stripe-key", "sk_test_x")
	}
	s.start("serve", "--data", s.data, "--listen", listen, "--stripe-url", "http://"+bank,
		"--stripe-key", "sk_test_x", "--webhook-secret", "whsec_x")
	s.direct = "http://" + listen
	s.up(s.direct + "/readyz")
	s.line()
	return s
}

// file is what the shop sells: the things of package rehearsal.
func (s *cartShop) file() shopfile.File {
	leaflet := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public, _ := leaflet.Public().(ed25519.PublicKey)
	var err error
	if s.coupon, err = coupon.New(leaflet, "fruit", "0815"); err != nil {
		s.t.Fatal(err)
	}
	from := time.Now().Add(-48 * time.Hour).UTC().Truncate(time.Second)
	p := func(sku, gtin, name, price string, grams int) shopfile.Product {
		return shopfile.Product{
			SKU: ledger.SKU(sku), GTIN: gtin, Name: name, Category: "Food", TaxCategory: "food", Price: price, Grams: grams,
		}
	}
	cola, apples := p("cola", "4006381333931", "Club Cola 0.5 l", "1.89", 540), p("4131", "", "Apples Fuji", "4.00", 0)
	cola.Deposit = &shopfile.Deposit{Name: "Bottle", Amount: "0.25"}
	apples.Per, apples.TareGrams = ledger.PerKilogram, 10
	return shopfile.File{
		Store: "shop-1", Catalogue: "food", ValidFrom: from,
		Seller: ledger.Seller{
			Name: "Corner Shop", Address: "Torstraße 1, 10119 Berlin", TaxID: "DE123456789", Currency: "EUR", Timezone: "Europe/Berlin",
		},
		Policy: shopfile.Policy{
			Hold: "50.00", ItemMin: 800, ActionMin: 800, PersonMin: 900, ReviewSeconds: 24 * 3600,
			OnDeadline: ledger.ForShopper, GraceMillis: 50, GateSeconds: 20, DisputeDays: 30, Palm: "DE",
		},
		Taxes: []shopfile.Tax{{Category: "food", Jurisdiction: "DE", Rate: "0.07", Inclusive: true, Rounding: money.HalfUp}},
		Products: []shopfile.Product{
			cola, apples, p("milk", "96385074", "Whole Milk 1 l", "1.29", 1035),
			p("crackers", "0036000291452", "Salt Crackers", "2.49", 260), p("gum", "4012345678901", "Chewing Gum", "0.99", 14),
			p("wine", "5901234123457", "Riesling 0.75 l", "7.99", 1260), p("bread", "4009900000017", "Rye Loaf", "3.20", 0),
		},
		Promotions: []shopfile.Promotion{{
			Promotion: "fruit", Name: "Fruit week", Kind: ledger.PromotionPercent, PerMille: 250, SKUs: []ledger.SKU{"4131"},
			CouponKey: hex.EncodeToString(public), From: from, Until: from.Add(96 * time.Hour),
		}},
	}
}

func (s *cartShop) call(args ...string) {
	s.t.Helper()
	if b, err := exec.CommandContext(s.t.Context(), s.vouch, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("vouch %v: %v\n%s", args, err, b)
	}
}

// start runs a child until the test ends.
func (s *cartShop) start(args ...string) {
	s.t.Helper()
	cmd := exec.Command(s.vouch, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		_ = cmd.Wait()
		if s.t.Failed() {
			s.t.Logf("vouch %s said:\n%s", args[0], out.Bytes())
		}
	})
}

func (s *cartShop) up(url string) {
	s.t.Helper()
	s.eventually(url+" to answer", func() bool {
		res, err := http.Get(url) //nolint:noctx // loopback
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

func (s *cartShop) eventually(what string, ready func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ready(); {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(100 * time.Millisecond) // slower than the server lets a person ask, however long it takes
	}
}

// line puts the cart's line before the server.
func (s *cartShop) line() {
	target, err := url.Parse(s.direct)
	if err != nil {
		s.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := s.until.Load()
		if r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/reports") && s.taken.Add(1) > n && n > 0 {
			s.cut.Store(true)
		}
		if s.cut.Load() {
			panic(http.ErrAbortHandler) // the connection ends without an answer
		}
		proxy.ServeHTTP(w, r)
	}))
	s.t.Cleanup(h.Close)
	s.url = h.URL
}

// ask sends a request to the server itself.
func (s *cartShop) ask(who keys.Role, method, path string, in, out any) {
	s.t.Helper()
	var b []byte
	if in != nil {
		var err error
		if b, err = json.Marshal(in); err != nil {
			s.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.direct+path, bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.keys[who])
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err = io.ReadAll(res.Body); err != nil || res.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s: %s %s %v", method, path, res.Status, b, err)
	}
	if err := json.Unmarshal(b, out); err != nil {
		s.t.Fatal(err)
	}
}

// look returns a page, or what a request without a body is answered.
func (s *cartShop) look(who keys.Role, path, accept string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.direct+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.keys[who])
	req.Header.Set("Accept", accept)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// ticket returns a code that Lea shows.
func (s *cartShop) ticket() string {
	var tk struct{ Code string }
	s.ask(keys.Shopper, http.MethodPost, "/v1/tickets", map[string]any{"store": "shop-1"}, &tk)
	return tk.Code
}

// ticketOf returns a code of a shopper's.
func (s *cartShop) ticketOf(shopper string) string {
	var tk struct{ Code string }
	s.ask(keys.Operator, http.MethodPost, "/v1/tickets", map[string]any{"store": "shop-1", "shopper": shopper}, &tk)
	return tk.Code
}

// receipt waits for the receipt of the only visit that has one to come.
func (s *cartShop) receipt(visit string) (r ledger.ReceiptDocument) {
	s.t.Helper()
	var v struct {
		Status   string
		Cart     json.RawMessage
		Receipts []struct{ Document ledger.ReceiptDocument }
	}
	s.eventually("the receipt of "+visit, func() bool {
		s.ask(keys.Operator, http.MethodGet, "/v1/visits/"+visit, nil, &v)
		return len(v.Receipts) > 0
	})
	return v.Receipts[0].Document
}

// draw renders a trip into a folder and returns the arguments that play it.
func (s *cartShop) draw(scenario string, more ...string) []string {
	s.t.Helper()
	dir := s.t.TempDir()
	path := filepath.Join(dir, "scenario.txt")
	if err := os.WriteFile(path, []byte(scenario), 0o600); err != nil {
		s.t.Fatal(err)
	}
	args := append([]string{"render", "cart", "--scenario", path, "--out", dir, "--ticket", s.ticket(), "--coupon", s.coupon}, more...)
	if out, err := runEdge(s.t, args...); err != nil {
		s.t.Fatal(out, err)
	}
	film := []string{"--video", filepath.Join(dir, "cart.mp4")}
	if len(more) > 0 {
		film = []string{"--pictures", filepath.Join(dir, "pictures")}
	}
	return append(film, "--scale", filepath.Join(dir, "scale.jsonl"), "--touches", filepath.Join(dir, "touches.jsonl"),
		"--server", s.url, "--key", s.keys[keys.Device], "--store", "shop-1", "--cart", "cart-7", "--state", filepath.Join(dir, "state"),
		"--page", "", "--json", "--start", time.Now().Add(-90*time.Second).Format(time.RFC3339))
}

// kill runs a cart as a process of its own and kills it after a while.
func (s *cartShop) kill(after time.Duration, args []string) (ended bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), after)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"cart"}, args...)...)
	cmd.Env = append(os.Environ(), "VOUCH_EDGE_CHILD=1")
	out, err := cmd.CombinedOutput()
	if err != nil && ctx.Err() == nil {
		s.t.Fatalf("vouch-edge cart: %v\n%s", err, out)
	}
	return err == nil
}
