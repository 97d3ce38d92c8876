package page

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/vouchledger/vouch/internal/peer"
)

var shots = flag.String("shots", "", "folder for a picture of every page, to look at")

// browser is Debian's Chromium, looking at a desk.
type browser struct {
	*desk
	ctx context.Context

	mu     sync.Mutex
	errors []string
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	ctx, stop := peer.Chromium(t, 5*time.Minute)
	b := &browser{desk: openDesk(t), ctx: ctx}
	var wg sync.WaitGroup
	wg.Go(b.listen)
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	return b
}

// listen keeps what the page complains about.
func (b *browser) listen() {
	for m, err := range chromedp.Console(b.ctx) {
		if err != nil {
			return
		}
		if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleException || m.Type == chromedp.ConsoleWarning {
			b.mu.Lock()
			b.errors = append(b.errors, m.String())
			b.mu.Unlock()
		}
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := peer.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// text evaluates a script that gives a text.
func (b *browser) text(script string) string {
	b.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// wait waits until the script gives true.
func (b *browser) wait(script string) {
	b.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script)); err == nil && ok {
			return
		}
		b.do(chromedp.Sleep(20 * time.Millisecond))
	}
	b.Fatalf("never was true: %s", script)
}

// open shows a section in a width, in which it must fit.
func (b *browser) open(section string, width int64) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, 800), chromedp.Navigate(b.url+"/"+section))
	if got := b.text(`String(document.documentElement.scrollWidth - document.documentElement.clientWidth)`); got != "0" {
		b.Errorf("%s at %d px is %s px too wide", section, width, got)
	}
	b.shot(fmt.Sprintf("%s-%d", strings.ReplaceAll(section, "/", "-"), width))
}

// shot writes a picture, when asked to.
func (b *browser) shot(name string) {
	b.Helper()
	if *shots == "" {
		return
	}
	if err := os.MkdirAll(*shots, 0o750); err != nil {
		b.Fatal(err)
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o600); err != nil {
		b.Fatal(err)
	}
}

// click clicks the button with a label.
func (b *browser) click(label string) {
	b.Helper()
	b.text(`{ const all = [...document.querySelectorAll("button, summary")];
		all.find(e => e.textContent.trim() === "` + label + `").click(); "" }`)
}

// TestThePageInABrowser: somebody declines a payment, disputes another and
// decides it, fails a refund and a payout, lets a week pass; then a shopper
// answers the bank. Nothing is wider than the screen, by day and by night, and
// the console stays empty.
func TestThePageInABrowser(t *testing.T) {
	b := openBrowser(t)
	b.buy("pm_card_visa")
	b.buy("pm_card_mastercard")
	b.buy("pm_card_createIssuerFraudRecord")
	b.api("/v1/payment_intents", "amount=5000&currency=usd&confirm=true&capture_method=manual&off_session=true"+
		"&metadata[visit]=visit-8&payment_method=pm_card_amex")
	b.api("/v1/refunds", "amount=290&payment_intent="+b.buy("pm_card_visa"))
	asked := b.api("/v1/payment_intents", "amount=740&currency=usd&confirm=true&capture_method=manual"+
		"&payment_method=pm_card_authenticationRequired&return_url="+b.url+"/payments")
	b.api("/v1/setup_intents", "payment_method=pm_card_authenticationRequired&confirm=true")

	b.open("payments", 1280)
	b.do(chromedp.SendKeys(chromedp.CSS("select[name=code]"), "lost_card"))
	b.click("Decline it")
	b.declinedNext()

	b.open("payments", 1280)
	b.click("Dispute")
	b.shot("disputing-1280")
	b.do(chromedp.SendKeys(chromedp.CSS("details[open] input[name=amount]"), "2.90"),
		chromedp.Click(chromedp.CSS("details[open] button.main")))
	b.wait(`document.querySelector("details[open]") === null &&
		document.querySelectorAll("dd")[1].textContent === "-20.80 USD"`)
	b.open("disputes", 1280)
	b.wait(`document.querySelector("td.sum").textContent === "2.90 USD"`)
	b.click("Shop loses")
	b.wait(`document.querySelector("td .chip")?.textContent === "lost"`)
	b.open("refunds", 1280)
	b.click("Fail")
	b.wait(`document.querySelector("td .chip")?.textContent === "failed"`)
	b.click("a week")
	b.wait(`[...document.querySelectorAll("dd")].some(e => e.textContent.includes("30 Nov"))`)
	b.open("payouts", 1280)
	b.click("Bank sends it back")
	b.wait(`document.querySelector("td .chip")?.textContent === "failed"`)
	for _, s := range sections {
		b.open(s.Name, 390)
		b.open(s.Name, 1280)
	}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.open("disputes", 1281)
	b.again(asked)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.errors) > 0 {
		t.Errorf("the console says:\n%s", strings.Join(b.errors, "\n"))
	}
}

// declinedNext wants the next payment to be declined, as the page was told.
func (b *browser) declinedNext() {
	b.Helper()
	faults := b.sim.Faults()
	for deadline := time.Now().Add(20 * time.Second); len(faults) == 0 && time.Now().Before(deadline); {
		b.do(chromedp.Sleep(20 * time.Millisecond))
		faults = b.sim.Faults()
	}
	if len(faults) != 1 || faults[0].Code != "lost_card" || faults[0].Op != "payment_intents.create" {
		b.Errorf("faults = %+v, want a lost card at the next payment", faults)
	}
	b.sim.ClearFaults()
}

// again asks the shopper of a payment whose hour is over once more, and has
// the shopper answer.
func (b *browser) again(asked string) {
	b.Helper()
	b.open("authenticate/"+asked, 391)
	b.wait(`document.querySelector("h1").textContent.startsWith("Thank you")`)
	pi := b.api("/v1/payment_intents", "amount=740&currency=usd&confirm=true&capture_method=manual"+
		"&payment_method=pm_card_authenticationRequired&return_url="+b.url+"/payments")
	b.do(chromedp.Navigate(b.url + "/authenticate/" + pi))
	b.shot("authenticate")
	b.click("Yes, it is me")
	b.wait(`location.pathname === "/payments" && document.querySelector("td .chip")?.textContent === "requires capture"`)
}
