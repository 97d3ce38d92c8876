package web

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// everything returns all text of the pages and their files.
func everything(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, f := range []fs.FS{templates, static} {
		err := fs.WalkDir(f, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(f, name)
			all[name] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestNothingComesFromElsewhere: no page or file names another host, and none
// needs what the content policy forbids.
func TestNothingComesFromElsewhere(t *testing.T) {
	foreign := regexp.MustCompile(`https?://[^"'\s)]+|//[a-z]+\.[a-z]+|@import| style="| on[a-z]+="|<script>|<style`)
	for name, text := range everything(t) {
		for _, hit := range foreign.FindAllString(text, -1) {
			if hit != "http://www.w3.org/2000/svg" { // a name, and nothing is fetched from it
				t.Errorf("%s holds %q", name, hit)
			}
		}
	}
}

// TestEveryPictureIsThere: an icon that a page or the words name is drawn.
func TestEveryPictureIsThere(t *testing.T) {
	all := everything(t)
	sprite := all["templates/parts.html"]
	for name, text := range all {
		for _, m := range regexp.MustCompile(`href="#i-([a-z]+)"`).FindAllStringSubmatch(text, -1) {
			if !strings.Contains(sprite, `id="i-`+m[1]+`"`) {
				t.Errorf("%s shows icon %q, which is not drawn", name, m[1])
			}
		}
	}
	for _, icon := range []string{"gate", "exit", "stop", "take", "return", "ask", "eye", "tag", "paper", "card", "back", "flag", "done"} {
		if !strings.Contains(sprite, `id="i-`+icon+`"`) {
			t.Errorf("the words show icon %q, which is not drawn", icon)
		}
	}
}

// TestEveryTextCanBeRead: each colour of text has a contrast of at least 4.5
// to 1 on what it stands on, by day and by night (WCAG 2.2, 1.4.3).
func TestEveryTextCanBeRead(t *testing.T) {
	colours := map[string][2]string{}
	pair := regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`)
	for _, m := range pair.FindAllStringSubmatch(everything(t)["static/base.css"], -1) {
		colours[m[1]] = [2]string{m[2], m[3]}
	}
	for _, p := range []string{
		"ink paper", "ink card", "ink sunk", "soft paper", "soft card", "soft sunk", "green paper", "green card",
		"on-green green", "review paper", "review card", "review sunk", "dispute paper", "dispute card", "gate card",
		"sensor card", "receipt card", "money paper", "money card", "card review",
	} {
		text, ground, _ := strings.Cut(p, " ")
		for i, when := range []string{"day", "night"} {
			if c := contrast(t, colours[text][i], colours[ground][i]); c < 4.5 {
				t.Errorf("%s on %s by %s has a contrast of %.2f, want 4.5", text, ground, when, c)
			}
		}
	}
	if c := contrast(t, "#777777", "#888888"); c > 1.5 {
		t.Errorf("contrast(grey, grey) = %.2f: the measure finds nothing", c)
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil || len(colour) != 7 {
		t.Fatalf("colour %q: %v", colour, err)
	}
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		c := float64(n>>(8*i)&255) / 255
		if c = math.Pow((c+0.055)/1.055, 2.4); float64(n>>(8*i)&255)/255 <= 0.04045 {
			c = float64(n>>(8*i)&255) / 255 / 12.92
		}
		sum += weight * c
	}
	return sum
}

// TestPagesEscapeAndFilesAreKept: a name is text, a file is sent once.
func TestPagesEscapeAndFilesAreKept(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	view := ErrorPage{Frame: Frame{Title: "<b>"}, Status: 404, Head: `<img src=x onerror="x">`, Text: "no"}
	if err := p.Render(&b, "error", view); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<img") || !strings.Contains(b.String(), "&lt;img") {
		t.Errorf("page holds a tag of its view: %s", b.String())
	}
	b.Reset()
	if err := p.Render(&b, "nowhere", nil); !errors.Is(err, fs.ErrNotExist) || b.Len() > 0 {
		t.Errorf("Render(nowhere) = %v and %d bytes, want %v and none", err, b.Len(), fs.ErrNotExist)
	}
	if err := p.Render(&b, "visit", ErrorPage{}); err == nil || b.Len() > 0 {
		t.Errorf("Render(visit, another view) = %v and %d bytes, want an error and none", err, b.Len())
	}
	ask := func(tag string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "/static/base.css", nil)
		req.Header.Set("If-None-Match", tag)
		if !p.ServeFile(rec, req, "base.css") {
			t.Fatal("base.css is not there")
		}
		return rec
	}
	first := ask("")
	again := ask(first.Header().Get("ETag"))
	if first.Code != 200 || again.Code != 304 || again.Body.Len() > 0 {
		t.Errorf("base.css answers %s, then %s, want 200 and 304", fmt.Sprint(first.Code), fmt.Sprint(again.Code))
	}
	for _, bad := range []string{"", "../web.go", "templates/visit.html", "base.css/"} {
		if p.ServeFile(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), bad) {
			t.Errorf("ServeFile(%q) serves something", bad)
		}
	}
}
