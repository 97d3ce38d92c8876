package demo_test

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchledger/vouch/cmd/vouch/demo"
	"github.com/vouchledger/vouch/internal/peer"
)

var picture = flag.String("picture", "", "write what the browser shows of the demo's visit to this file")

// showPage starts the server on a demo's data with the command that the demo
// prints, signs in as the reviewer, and looks at the visit in Chromium.
func showPage(t *testing.T, vouch, data string, result demo.Result) {
	t.Helper()
	ctx, stop := peer.Chromium(t, 5*time.Minute)
	defer stop()
	url := serveAgain(t, vouch, data)
	err := peer.Do(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url+"/signin"),
		chromedp.SendKeys(chromedp.CSS("#key"), demoKey(t, data, "reviewer")), chromedp.Click(chromedp.CSS("button.main")),
		chromedp.WaitVisible(chromedp.CSS(".who")), chromedp.Navigate(url+"/visits/"+string(result.Visit)))
	if err != nil {
		t.Fatalf("open the visit in chromium: %v", err)
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{result.Receipt, result.Correction} {
		if !strings.Contains(text, want) {
			t.Errorf("the page of the visit does not name receipt %s:\n%.1500s", want, text)
		}
	}
	frames, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll("img, video").length`))
	if err != nil || frames == 0 {
		t.Errorf("frames on the page = %d, %v, want some", frames, err)
	}
	if *picture != "" {
		takePicture(ctx, t)
	}
}

// takePicture shows the first doubtful detection and writes the page.
func takePicture(ctx context.Context, t *testing.T) {
	t.Helper()
	show := `(document.querySelector("li.doubt a")?.click(), true)`
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](show)); err != nil {
		t.Fatal(err)
	}
	loaded := `[...document.images].every(i => i.complete) && [...document.querySelectorAll("video")].every(v => v.readyState >= 2)`
	for range 100 {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](loaded)); err == nil && ok {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*picture, png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// serveAgain runs the serve command that the demo kept and waits for it.
func serveAgain(t *testing.T, vouch, data string) string {
	t.Helper()
	line, err := os.ReadFile(filepath.Join(data, "serve-command"))
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Fields(string(line))
	url := ""
	for i, a := range args {
		if a == "--listen" {
			url = "http://" + args[i+1]
		}
	}
	cmd := exec.Command(vouch, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server did not stop in peace: %v", err)
		}
	})
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get(url + "/readyz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return url
			}
		}
	}
	t.Fatalf("the server at %s did not get ready", url)
	return ""
}

func demoKey(t *testing.T, data, role string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(data, "demo-keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]string
	if err := json.Unmarshal(b, &keys); err != nil || keys[role] == "" {
		t.Fatalf("key of the %s: %v", role, err)
	}
	return keys[role]
}
