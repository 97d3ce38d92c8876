package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/ledger"
)

// tlog is a tree of three events, of which the third is secret.
func (s *shop) tlog(name string) ([]byte, error) {
	switch name {
	case "checkpoint":
		return []byte("berlin-1\n3\nAAAA\n"), nil
	case "tile/0/000.p/3":
		return []byte(strings.Repeat("h", 96)), nil
	case "tile/entries/000.p/3":
		return []byte("visit-of-lea"), nil
	}
	return nil, fmt.Errorf("%s: %w", name, ledger.ErrNotFound)
}

// TestTheTreeIsServed: hashes for everybody, what they are made of for
// auditors, and both for proxies to keep.
func TestTheTreeIsServed(t *testing.T) {
	s := openShop(t)
	for _, want := range []struct{ who, path, kind, cache, body string }{
		{"", "/tlog/checkpoint", "text/plain; charset=utf-8", "no-cache", "berlin-1\n3\nAAAA\n"},
		{"", "/tlog/tile/0/000.p/3", "application/octet-stream", "public, max-age=31536000, immutable", strings.Repeat("h", 96)},
		{"otto", "/tlog/tile/entries/000.p/3", "application/octet-stream", "private, max-age=31536000, immutable", "visit-of-lea"},
	} {
		c := s.send(want.who, "GET", want.path, nil).want(200)
		h := c.Header()
		if h.Get("Content-Type") != want.kind || h.Get("Cache-Control") != want.cache || c.Body.String() != want.body {
			t.Errorf("GET %s = %s, %s, %q; want %s, %s, %q", want.path, h.Get("Content-Type"), h.Get("Cache-Control"), c.Body.String(),
				want.kind, want.cache, want.body)
		}
	}
}

// TestBundlesAreForAuditors, however their address is written.
func TestBundlesAreForAuditors(t *testing.T) {
	s := openShop(t)
	for _, path := range []string{
		"/tlog/tile/entries/000.p/3", "/tlog/tile/%65ntries/000.p/3", "/tlog/tile/entries%2f000.p/3", "/tlog/tile/entries/000.p%2f3",
		"/tlog/tile/0/..%2fentries/000.p/3", "/tlog/tile/0/../entries/000.p/3", "/tlog/tile//entries/000.p/3", "/tlog//tile/entries/000.p/3",
		"/tlog/tile/entries/../entries/000.p/3", "/tlog/tile/ENTRIES/000.p/3", "/tlog/tile/%2e%2e/tile/entries/000.p/3",
	} {
		for _, who := range []string{"", "lea", "anna", "finn", "olga"} {
			if c := s.send(who, "GET", path, nil); c.Code == http.StatusOK || strings.Contains(c.Body.String(), "lea") {
				t.Errorf("GET %s as %q answers %d %s", path, who, c.Code, c.Body.String())
			}
		}
	}
}

// TestTilesHaveALimit: a stranger who reads tiles without end is slowed down.
func TestTilesHaveALimit(t *testing.T) {
	s := openShop(t)
	for range readerBurst * 2 {
		if c := s.send("", "GET", "/tlog/tile/0/000.p/3", nil); c.Code == http.StatusTooManyRequests {
			return
		}
	}
	t.Errorf("%d tiles were served at once", readerBurst*2)
}
