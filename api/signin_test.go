package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// signIn posts the form and returns the cookie.
func (s *shop) signIn(who string) *http.Cookie {
	s.t.Helper()
	c := s.send("", "POST", "/signin", "next=%2Freviews&key="+url.QueryEscape(s.keys[who]),
		"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html").want(303)
	if got := c.Header().Get("Location"); got != "/reviews" {
		s.t.Errorf("sign-in leads to %q, want /reviews", got)
	}
	for _, k := range c.Result().Cookies() {
		if k.Name == cookieName {
			return k
		}
	}
	s.t.Fatal("sign-in sets no cookie")
	return nil
}

// TestABrowserSignsIn: the cookie opens what the key opens, is out of reach of
// scripts and other sites, and ends when told to or with its key.
func TestABrowserSignsIn(t *testing.T) {
	s := openShop(t)
	k := s.signIn("anna")
	if !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || strings.Contains(k.Value, s.keys["anna"]) {
		t.Errorf("cookie = %v, want HttpOnly, SameSite=Strict, and no key in it", k)
	}
	s.send("", "GET", "/reviews", nil, "Cookie", k.String(), "Accept", "text/html").want(200)
	s.send("", "GET", "/v1/reviews", nil, "Cookie", k.String()).want(200)
	s.send("", "GET", "/v1/journal", nil, "Cookie", k.String()).want(404)
	c := s.send("", "GET", "/visits?limit=3", nil, "Accept", "text/html").want(303)
	if got := c.Header().Get("Location"); got != "/signin?next=%2Fvisits%3Flimit%3D3" {
		t.Errorf("a stranger is sent to %q, want the sign-in", got)
	}
	s.send("", "POST", "/signout", "", "Cookie", k.String()).want(303)
	s.send("", "GET", "/v1/reviews", nil, "Cookie", k.String()).want(401)

	k = s.signIn("anna")
	if _, err := s.api.s.Keys.Revoke(strings.Split(s.keys["anna"], "_")[1], s.now()); err != nil {
		t.Fatal(err)
	}
	s.send("", "GET", "/v1/reviews", nil, "Cookie", k.String()).want(401)
	s.send("anna", "GET", "/v1/reviews", nil).want(401)
	k = s.signIn("otto")
	s.jump(13 * time.Hour)
	s.send("", "GET", "/v1/reviews", nil, "Cookie", k.String()).want(401)
}

// TestTheSignInLeadsNowhereElse: a link cannot use it to send people away.
func TestTheSignInLeadsNowhereElse(t *testing.T) {
	for _, next := range []string{
		"https://evil.example", "//evil.example", "/\\evil.example",
		"javascript:alert(1)", "", "visits", "/a\r\nb",
	} {
		if got := ownPath(next); got != "/visits" {
			t.Errorf("ownPath(%q) = %q, want /visits", next, got)
		}
	}
	if got := ownPath("/visits/1?a=b#c"); got != "/visits/1?a=b#c" {
		t.Errorf("ownPath(/visits/1) = %q, want it as it is", got)
	}
}

// TestAnotherSiteCanDoNothing: a form on another site is refused even with the
// cookie, and no page may run what is not ours.
func TestAnotherSiteCanDoNothing(t *testing.T) {
	s := openShop(t)
	k := s.signIn("anna")
	path := "/reviews/" + s.id().String() + "/decision"
	for _, h := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		s.send("", "POST", path, "verdict=confirmed&nonce=1", "Cookie", k.String(), h[0], h[1]).want(403)
	}
	c := s.send("", "GET", "/signin", nil, "Accept", "text/html").want(200)
	csp := c.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") ||
		c.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers = %v, want a strict content policy", c.Header())
	}
	visit := s.enter("lea")
	for _, page := range []string{"/signin", "/visits", "/visits/" + visit, "/reviews", "/nowhere"} {
		got := s.send("anna", "GET", page, nil, "Accept", "text/html").Body.String()
		for _, inline := range []string{" style=", "<script>", " onclick=", "<style"} {
			if !strings.Contains(got, "<main") || strings.Contains(got, inline) {
				t.Errorf("page %s is none, or has an inline %q", page, inline)
			}
		}
	}
}

// TestAWrongKeyIsSlowToTry: guessing from one address is held back, whatever
// X-Forwarded-For says, and the keys of others go on working.
func TestAWrongKeyIsSlowToTry(t *testing.T) {
	s := openShop(t)
	held := 0
	for i := range strangerBurst * 2 {
		c := s.send("", "GET", "/v1/visits", nil, "Authorization", "Bearer vouch_a_b", "X-Forwarded-For",
			fmt.Sprintf("10.0.0.%d", i))
		if c.Code == http.StatusTooManyRequests {
			held++
		} else if c.Code != http.StatusUnauthorized {
			t.Fatalf("a wrong key answers %d, want 401 or 429", c.Code)
		}
	}
	if held == 0 {
		t.Error("sixty wrong keys from one address were all tried")
	}
	s.send("otto", "GET", "/v1/visits", nil).want(200)
	for range personBurst + 50 {
		if c := s.send("otto", "GET", "/v1/journal/balances", nil); c.Code == http.StatusTooManyRequests {
			s.send("finn", "GET", "/v1/journal/balances", nil).want(200)
			return
		}
	}
	t.Error("one key may ask without end")
}

// TestATraceRunsThroughToTheEvents: from the caller's header to the log.
func TestATraceRunsThroughToTheEvents(t *testing.T) {
	s := openShop(t)
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	s.enter("lea")
	var r recordedView
	c := s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990), "Traceparent",
		"00-"+id+"-00f067aa0ba902b7-01").want(201, &r)
	rec := must(s.log.Find(t.Context(), r.ID))(t)
	if rec.Trace != id || c.Header().Get("X-Request-Id") != id {
		t.Errorf("trace = %q, answered %q, want %q", rec.Trace, c.Header().Get("X-Request-Id"), id)
	}
	for _, bad := range []string{
		"", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01",
		"ff-" + id + "-00f067aa0ba902b7-01", "00-xyz-1-1",
	} {
		if got := traceparentID(bad); got != "" {
			t.Errorf("traceparentID(%q) = %q, want nothing", bad, got)
		}
	}
}

// TestTheCartIsLive: a reader gets the cart after each event, goes on where it
// was cut off, and is let go when the server stops.
func TestTheCartIsLive(t *testing.T) {
	s := openShop(t)
	server := httptest.NewServer(s.api)
	t.Cleanup(server.Close)
	visit := s.enter("lea")
	open := func(after string) (*bufio.Scanner, func()) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		req := must(http.NewRequestWithContext(ctx, "GET", server.URL+"/v1/visits/"+visit+"/live", nil))(t)
		req.Header.Set("Authorization", "Bearer "+s.keys["lea"])
		if after != "" {
			req.Header.Set("Last-Event-ID", after)
		}
		res := must(server.Client().Do(req))(t)
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("live = %d %s, want an event stream", res.StatusCode, res.Header.Get("Content-Type"))
		}
		return bufio.NewScanner(res.Body), func() { cancel(); res.Body.Close() }
	}
	until := func(lines *bufio.Scanner, text string) (last string) {
		for lines.Scan() {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				last = id
			}
			if strings.Contains(lines.Text(), text) {
				return last
			}
		}
		t.Fatalf("the stream ended before %q: %v", text, lines.Err())
		return ""
	}
	lines, stop := open("")
	until(lines, `"status":"inside"`)
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990)).want(201)
	last := until(lines, `"gross":{"amount_minor":189`)
	stop()
	s.send("gate", "POST", "/v1/detections", s.see("take", "water", "A2", 990)).want(201)
	lines, stop = open(last)
	defer stop()
	lines.Scan() // the greeting
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "id: ") {
	}
	was := must(strconv.Atoi(last))(t)
	if got := lines.Text(); got != fmt.Sprintf("id: %d", was+1) {
		t.Errorf("after %s the stream goes on with %q, want the next", last, got)
	}
	s.exit(visit)
	until(lines, "payment.captured.v1")
	s.api.Close()
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil {
		t.Errorf("when the server stops the stream ends with %v, want a plain end", err)
	}
}

// TestSlowAndGreedyClientsAreCutOff: the server's limits are those it was made
// with.
func TestSlowAndGreedyClientsAreCutOff(t *testing.T) {
	s := openShop(t)
	got := s.api.Server()
	if got.ReadHeaderTimeout != 2*time.Second || got.ReadTimeout == 0 || got.WriteTimeout == 0 ||
		got.IdleTimeout == 0 || got.MaxHeaderBytes != 16<<10 {
		t.Errorf("Server() = %+v, want every limit set", got)
	}
	visit := s.enter("lea")
	server := httptest.NewServer(s.api)
	t.Cleanup(server.Close)
	codes := map[int]int{}
	var bodies []func()
	for range maxLive + 2 {
		req := must(http.NewRequestWithContext(t.Context(), "GET", server.URL+"/v1/visits/"+visit+"/live",
			nil))(t)
		req.Header.Set("Authorization", "Bearer "+s.keys["lea"])
		res := must(server.Client().Do(req))(t)
		codes[res.StatusCode]++
		bodies = append(bodies, func() { res.Body.Close() })
	}
	if codes[200] != maxLive || codes[429] != 2 {
		t.Errorf("live streams answer %v, want %d and then too many", codes, maxLive)
	}
	for _, f := range bodies {
		f()
	}
}
