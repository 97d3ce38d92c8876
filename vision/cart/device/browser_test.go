package device

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/vision/cart"
)

var update = flag.Bool("update", false, "write docs/img/cart.png")

// TestTheScreenInABrowser plays a shopper at the screen in Debian's Chromium:
// cut off, with a thing that was not scanned.
func TestTheScreenInABrowser(t *testing.T) {
	ctx, stop := peer.Chromium(t, 5*time.Minute)
	defer stop()
	s, url := serve(t)
	c, off := on(t, t.TempDir(), url)
	defer off()
	untilPriced(t, c)
	page, err := Listen("127.0.0.1:0", c, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	serving, stopServing := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- page.Serve(serving) }()
	defer func() {
		stopServing()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := peer.Do(ctx, steps...); err != nil {
			t.Fatal(err)
		}
	}
	wait := func(script string) {
		t.Helper()
		until(t, c, script, func() bool {
			ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
			return err == nil && ok
		})
	}
	do(chromedp.EmulateViewport(800, 1000), chromedp.Navigate(page.Address()))
	wait(`document.body.innerText.includes("Show your code")`)
	shopper(t, c)
	s.setDown(true)
	// A scanner that is a keyboard, with a finger still on a button: its Enter
	// presses nothing.
	do(chromedp.Focus(chromedp.CSS(`button[data-do=help]`)), chromedp.KeyEvent("4006381333931\r"))
	wait(`document.querySelectorAll("li").length === 1`)
	feed(t, c, func() error { return nil }, 540)
	feed(t, c, func() error {
		return c.Touched(Finger{Do: cart.ActKey, Number: "4131"}, noon, 0)
	}, 1300)
	feed(t, c, func() error { return nil }, 2560)
	wait(`document.getElementById("total").textContent === "≈ 4.89 EUR"`)
	wait(`document.getElementById("ask").innerText.includes("1260 g was laid in and not scanned")`)
	wait(`document.getElementById("line").textContent.includes("No connection")`)
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "..", "..", "docs", "img", "cart.png"), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// The screen is drawn anew while a finger lies on a button: it is the same
	// button afterwards, or the finger would have pressed nothing.
	wait(`(window.pressed = document.querySelector('button[aria-label="Remove Cola"]')) !== null`)
	wait(`window.drawn = 0, source.addEventListener("message", () => window.drawn++), true`)
	wait(`window.drawn >= 1`)
	wait(`document.querySelector('button[aria-label="Remove Cola"]') === window.pressed`)
	// A finger on the screen's keys and buttons.
	do(chromedp.Click(chromedp.CSS(`#out`)))
	wait(`document.getElementById("out").getAttribute("aria-pressed") === "true"`)
	do(chromedp.Click(chromedp.CSS(`#out`)), chromedp.Click(chromedp.CSS(`button[aria-label="Remove Cola"]`)))
	wait(`document.getElementById("note").textContent.includes("Take Cola out")`)
	do(chromedp.Click(chromedp.CSS(`button[data-do=leave]`)))
	wait(`document.getElementById("note").textContent.includes("Before you go")`)
	s.setDown(false)
	do(chromedp.Click(chromedp.CSS(`button[data-do=leave]`)))
	wait(`document.getElementById("line").textContent === "Connected" && document.body.dataset.phase === "left"`)
	if got := strings.Join(s.all(), "; "); got != "take cola 0; take 4131 760; weighed 2560; exit cart-7" {
		t.Errorf("the server was told %q", got)
	}
}

// shopper signs in at an empty cart.
func shopper(t *testing.T, c *Cart) {
	t.Helper()
	feed(t, c, func() error { return nil }, 0)
	if err := c.Shown("VT1-LEA", noon, 0); err != nil {
		t.Fatal(err)
	}
	if err := c.While(t.Context(), cart.PhaseAsking); err != nil {
		t.Fatal(err)
	}
}

// feed does something, and then the scale shows a weight.
func feed(t *testing.T, c *Cart, do func() error, grams int) {
	t.Helper()
	if err := do(); err != nil {
		t.Fatal(err)
	}
	if err := c.Weighed(cart.Weighed{Grams: grams}, noon, 0); err != nil {
		t.Fatal(err)
	}
}
