package peer

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestAButtonDrawnAnewIsPressedAllTheSame takes the button away between the
// moment it was found and the moment it is pressed.
func TestAButtonDrawnAnewIsPressedAllTheSame(t *testing.T) {
	ctx, stop := Chromium(t, 5*time.Minute)
	defer stop()
	const page = `data:text/html,<body><button onclick="document.title+='pressed'">Pay</button>`
	if err := Do(ctx, chromedp.Navigate(page)); err != nil {
		t.Fatal(err)
	}
	tries := 0
	press := func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		tries++
		found, err := chromedp.Nodes(chromedp.CSS("button"))(ctx, target)
		if err != nil {
			return chromedp.Void{}, err
		}
		if tries == 1 {
			_, err := chromedp.Evaluate[bool](`(b => (b.replaceWith(b.cloneNode(true)), true))(document.querySelector("button"))`)(ctx, target)
			if err != nil {
				return chromedp.Void{}, err
			}
		}
		return chromedp.MouseClickNode(found[0])(ctx, target)
	}
	if err := Do(ctx, press); err != nil {
		t.Fatal(err)
	}
	title, err := chromedp.Run(ctx, chromedp.Title())
	if err != nil {
		t.Fatal(err)
	}
	if tries != 2 || title != "pressed" {
		t.Errorf("after %d tries the title is %q, want the button pressed once, by the second", tries, title)
	}
	if err := Do(ctx, chromedp.Click(chromedp.CSS("button"), chromedp.AtLeast(0)), chromedp.Navigate("nowhere:")); err == nil {
		t.Error("a page that is nowhere was opened")
	}
}
