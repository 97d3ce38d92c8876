package api

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

var (
	update = flag.Bool("update", false, "write docs/img/visit.png")
	shots  = flag.String("shots", "", "folder for a picture of every page, to look at")
)

func readFile(name string) ([]byte, error) { return os.ReadFile(name) }

// A browser is Debian's Chromium, looking at a shop.
type browser struct {
	t   *testing.T
	ctx context.Context
	url string

	mu     sync.Mutex
	errors []string
}

func openBrowser(t *testing.T, s *shop) *browser {
	t.Helper()
	ctx, stop := peer.Chromium(t, 5*time.Minute)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := s.api.Server()
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	b := &browser{t: t, ctx: ctx, url: "http://" + l.Addr().String()}
	var wg sync.WaitGroup
	wg.Go(b.listen)
	t.Cleanup(func() {
		stop()
		wg.Wait()
		_ = server.Shutdown(context.Background())
		<-done
	})
	return b
}

// listen keeps what the page complains about.
func (b *browser) listen() {
	for m, err := range chromedp.Console(b.ctx) {
		if err != nil {
			return
		}
		if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleException ||
			m.Type == chromedp.ConsoleWarning {
			b.mu.Lock()
			b.errors = append(b.errors, m.String())
			b.mu.Unlock()
		}
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := peer.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// text evaluates a script that gives a text.
func (b *browser) text(script string) string {
	b.t.Helper()
	return must(chromedp.Run(b.ctx, chromedp.Evaluate[string](script)))(b.t)
}

// wait waits until the script gives true.
func (b *browser) wait(script string) {
	b.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script)); err == nil && ok {
			return
		}
	}
	b.t.Fatalf("never was true: %s", script)
}

// wide sets the width and fails the test if the page must be scrolled
// sideways.
func (b *browser) wide(width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
	if got := b.text(`String(document.documentElement.scrollWidth - document.documentElement.clientWidth)`); got != "0" {
		who := b.text(`[...document.querySelectorAll("body *")]
			.filter(e => e.getBoundingClientRect().right > innerWidth + 1)
			.slice(0, 5).map(e => e.tagName + "." + e.className).join(", ")`)
		b.t.Errorf("at %d px the page is %s px too wide: %s", width, got, who)
	}
}

func (b *browser) signIn(s *shop, who string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url+"/signin"), chromedp.SendKeys(chromedp.CSS("#key"), s.keys[who]),
		chromedp.Click(chromedp.CSS("button.main")), chromedp.WaitVisible(chromedp.CSS(".who")))
}

// shot writes a picture, when asked to.
func (b *browser) shot(name string) {
	b.t.Helper()
	dir := *shots
	if *update && name == "visit" {
		dir = filepath.Join("..", "docs", "img")
	}
	if dir == "" {
		return
	}
	b.do(chromedp.Sleep(600 * time.Millisecond)) // clips have begun
	if err := os.MkdirAll(dir, 0o750); err != nil {
		b.t.Fatal(err)
	}
	png := must(chromedp.Run(b.ctx, chromedp.FullScreenshot(100)))(b.t)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// stock lists what stands on the drawn shelf.
func (s *shop) stock() {
	s.t.Helper()
	past := ledger.Instant(s.base.Add(-time.Hour))
	m := func() ledger.Meta { return ledger.Meta{ID: s.id(), Occurred: past, Actor: "operator:olga"} }
	plan := ledger.PlanogramSet{Store: berlin, Sensor: "cam-1", Digest: ledger.DigestOf([]byte("drawn"))}
	for _, p := range []struct {
		slot, sku, name string
		minor           int64
	}{
		{"left", "water-still", "Still Water 0.75 l", 119},
		{"middle-left", "oat-biscuits", "Oat Biscuits 200 g", 249},
		{"middle", "orange-juice", "Orange Juice 1 l", 279},
		{"middle-right", "cola-can", "Cola 0.33 l", 129},
		{"right", "honey-jar", "Blossom Honey 500 g", 649},
	} {
		must(s.desk.ListProduct(s.t.Context(), m(), menu, ledger.ProductListed{
			SKU: ledger.SKU(p.sku), Name: p.name, Category: "Groceries", TaxCategory: "standard",
		}))(s.t)
		must(s.desk.SetPrice(s.t.Context(), m(), menu, ledger.PriceSet{
			SKU: ledger.SKU(p.sku), Price: money.Money{Minor: p.minor, Currency: "EUR"}, From: past,
		}))(s.t)
		plan.Slots = append(plan.Slots, ledger.SlotPlan{
			Slot: p.slot, SKU: ledger.SKU(p.sku), Capacity: 1,
			Initial: 1,
		})
	}
	must(s.desk.SetPlanogram(s.t.Context(), m(), plan))(s.t)
}

// TestThePagesInABrowser: a shopper looks at her visit on a phone and disputes
// a line in two taps; a reviewer decides it at a desk; the page follows by
// itself. Nothing is wider than the screen and the console stays empty.
func TestThePagesInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	s := openShop(t)
	b := openBrowser(t, s)
	s.stock()
	f := newFilm(t)
	visit := s.enter("lea")
	saw := func(action, sku, slot string, item, frame int, moving bool) {
		s.jump(9 * time.Second)
		s.send("gate", "POST", "/v1/detections", s.see(action, sku, slot, item, s.evidence(f, frame,
			moving)...)).want(201)
	}
	// What the provider calls things is long and has no spaces.
	notice := engine.ProviderEvent{
		ID: "evt_1", Type: "payment_intent.amount_capturable_updated", Object: "pi_3QKd0fT1" + visit[len(visit)-6:],
		Visit: ledger.VisitID(visit), Occurred: ledger.Instant(s.now()),
	}
	s.send("", "POST", "/webhooks/stripe", notice, "Stripe-Signature", "good").want(204)
	saw("take", "water-still", "left", 973, 90, false)
	saw("take", "orange-juice", "middle", 958, 240, false)
	saw("return", "orange-juice", "middle", 941, 420, false)
	saw("take", "honey-jar", "right", 640, 570, true)
	s.jump(20 * time.Second)
	s.exit(visit)
	s.until(visit, "asked about", func(v visitView) bool { return v.Provisional != nil })
	b.reviewFromTheKeyboard(s)
	s.settled(visit)
	b.disputeInTwoTaps(s, visit)
	b.decideAtTheDesk(s, visit)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.errors) > 0 {
		t.Errorf("the console says:\n%s", strings.Join(b.errors, "\n"))
	}
}

func (b *browser) reviewFromTheKeyboard(s *shop) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url + "/signin"))
	b.wide(390, 700)
	b.shot("signin-phone")
	b.signIn(s, "tom")
	b.shot("nothing-phone")
	b.signIn(s, "anna")
	b.do(chromedp.Navigate(b.url + "/reviews"))
	b.wait(`document.querySelector("[data-review] h2")?.textContent === "Blossom Honey 500 g taken?"`)
	for _, w := range []int64{390, 1280} {
		b.wide(w, 844)
		b.shot(fmt.Sprintf("reviews-%d", w))
	}
	b.do(chromedp.KeyEvent("y"))
	b.wait(`document.querySelector(".empty b")?.textContent === "Nothing is in doubt."`)
}

func (b *browser) disputeInTwoTaps(s *shop, visit string) {
	b.t.Helper()
	b.signIn(s, "lea")
	b.do(chromedp.Navigate(b.url + "/visits"))
	for _, w := range []int64{1280, 390} {
		b.wide(w, 844)
		b.shot(fmt.Sprintf("visits-%d", w))
	}
	b.do(chromedp.Click(chromedp.CSS(".visits a")))
	b.wait(`document.querySelector(".step.now h3") !== null`)
	if got := b.text(`location.pathname`); got != "/visits/"+visit {
		b.t.Fatalf("the list leads to %s, want the visit", got)
	}
	b.wide(390, 844)
	first := b.text(`document.querySelector(".step.now h3").textContent`)
	b.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight))
	if got := b.text(`document.querySelector(".step.now h3").textContent`); got == first {
		b.t.Errorf("two steps on the page still shows %q", got)
	}
	b.do(chromedp.KeyEvent(kb.Home))
	if got := b.text(`document.querySelector(".scrub output").textContent`); !strings.HasPrefix(got, "1 of ") {
		b.t.Errorf("Home leads to %q, want the first event", got)
	}
	b.shot("visit-phone")
	tap := `.paper li:last-child .wrong `
	b.do(chromedp.Click(chromedp.CSS(tap+"summary")),
		chromedp.Click(chromedp.CSS(tap+"button[value=not_taken]")))
	b.wait(`document.querySelector(".dispute .chip")?.textContent === "Open"`)
	b.wide(390, 844)
	b.shot("disputed-phone")
}

func (b *browser) decideAtTheDesk(s *shop, visit string) {
	b.t.Helper()
	b.signIn(s, "anna")
	b.do(chromedp.Navigate(b.url + "/visits/" + visit + "#disputes"))
	b.wide(1280, 900)
	b.wide(390, 844)
	b.wide(1280, 900)
	b.do(chromedp.SendKeys(chromedp.CSS(".decide input[name=reason]"),
		"The clip shows the jar standing behind the hand."),
		chromedp.Click(chromedp.CSS(".decide button[value=upheld]")))
	// Nobody loads the page again: it follows the visit until the money is back.
	b.wait(`[...document.querySelectorAll(".money .what")].some(e => e.textContent.startsWith("Refunded"))`)
	b.wait(`document.querySelectorAll(".paper").length === 2`)
	v := s.until(visit, "refunded", func(v visitView) bool { return v.Payment.Refunded != nil })
	if v.Payment.Refunded.Minor != 649 {
		b.t.Errorf("refunded %v, want the honey", v.Payment.Refunded)
	}
	b.do(chromedp.Navigate(b.url + "/visits/" + visit))
	b.wait(`document.querySelector(".step.now") !== null`)
	b.do(chromedp.Click(chromedp.CSS(`.line li.doubt a`)))
	if got := b.text(`document.querySelectorAll(".step.now .bar").length + " " +
		document.querySelector(".step.now .bar.low dt").textContent`); got != "3 Item" {
		b.t.Errorf("the doubtful detection shows %q, want three confidences, Item low", got)
	}
	b.boxesOnDemand()
	b.wide(1280, 900)
	b.shot("visit")
	b.dark()
	b.shot("visit-dark")
	b.do(chromedp.Navigate(b.url + "/visits/nobody"))
	b.wait(`document.querySelector(".lone h1")?.textContent === "There is nothing here"`)
	b.shot("missing-dark")
	b.wantNoise("404")
}

// boxesOnDemand draws what was seen over the pictures and takes it away again.
func (b *browser) boxesOnDemand() {
	b.t.Helper()
	button := chromedp.CSS(".step.now [data-boxes-on]")
	count := `String(document.querySelectorAll(".step.now figure svg.boxes rect").length)`
	if got := b.text(count); got != "0" {
		b.t.Errorf("boxes before anybody asked = %s, want 0", got)
	}
	b.do(chromedp.Click(button))
	b.wait(count + ` === "6"`) // the place and a bottle, in three pictures
	b.shot("boxes")
	b.do(chromedp.Click(button))
	b.wait(count + ` === "0"`)
	if got := b.text(`document.querySelector(".step.now .weight figcaption").textContent`); got != "Weight, scale-1: 330 g less" {
		b.t.Errorf("the scale says %q", got)
	}
}

// dark shows pages as a device at night asks for.
func (b *browser) dark() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// wantNoise takes one complaint that was meant to come off the list.
func (b *browser) wantNoise(text string) {
	b.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		b.mu.Lock()
		i := slices.IndexFunc(b.errors, func(e string) bool { return strings.Contains(e, text) })
		if i >= 0 {
			b.errors = slices.Delete(b.errors, i, i+1)
		}
		b.mu.Unlock()
		if i >= 0 {
			return
		}
	}
	b.t.Errorf("the console does not say %q: it is not being listened to", text)
}
