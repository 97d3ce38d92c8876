//go:build opencv

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchledger/vouch/internal/peer"
)

// TestChromiumPlaysAndSeeksEveryClip gives the clips of a run, and their blurred
// copies, to Debian's Chromium: each loads, jumps to its middle and plays on.
func TestChromiumPlaysAndSeeksEveryClip(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seen.jsonl")
	watchClip(t, "bottle-a", "--out", file)
	var clips []string
	for _, d := range readLines(t, file) {
		for _, e := range d.Evidence {
			if e.MediaType == "video/mp4" {
				clips = append(clips, strings.TrimPrefix(e.Digest, "sha256:"))
			}
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hex := strings.TrimPrefix(r.URL.Path, "/")
		if hex == "" {
			fmt.Fprint(w, `<!doctype html><video muted></video>`)
			return
		}
		b, err := os.Open(filepath.Join(file+".evidence", "sha256", hex[:2], hex))
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		defer b.Close()
		w.Header().Set("Content-Type", "video/mp4")
		http.ServeContent(w, r, "", time.Time{}, b)
	}))
	defer server.Close()
	ctx, stop := peer.Chromium(t, 5*time.Minute)
	defer stop()
	if err := peer.Do(ctx, chromedp.Navigate(server.URL+"/")); err != nil {
		t.Fatal(err)
	}
	if len(clips) == 0 {
		t.Fatal("no clips")
	}
	for _, clip := range clips {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(playAndSeek, clip), chromedp.EvalAwaitPromise))
		if err != nil || got != "played" {
			t.Errorf("clip %s: %q, %v, want it played", clip, got, err)
		}
	}
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(playAndSeek, "none"), chromedp.EvalAwaitPromise))
	if err != nil || got == "played" {
		t.Errorf("a clip that is not there: %q, %v: the test sees nothing", got, err)
	}
}

// playAndSeek loads a clip, jumps to its middle and waits until it goes on there.
const playAndSeek = `(async () => {
	const v = document.querySelector("video"), on = (e) => new Promise((ok, no) => {
		v.addEventListener(e, ok, { once: true });
		v.addEventListener("error", () => no(new Error("error " + v.error?.code)), { once: true });
	});
	try {
		const loaded = on("loadeddata");
		v.src = "/%s";
		await loaded;
		const middle = v.duration / 2, sought = on("seeked");
		v.currentTime = middle;
		await sought;
		if (Math.abs(v.currentTime - middle) > 0.2) return "at " + v.currentTime + " of " + v.duration;
		const moved = on("timeupdate");
		await v.play();
		await moved;
		v.pause();
		return v.videoWidth > 0 ? "played" : "no picture";
	} catch (e) { return String(e); }
})()`
