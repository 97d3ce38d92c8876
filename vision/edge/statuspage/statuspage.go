// Package statuspage shows on the machine itself how its cameras do: what is
// wrong, what was seen, and live pictures with the slots and sightings drawn
// over them by the page.
//
// The one idea: the pictures stay what the camera gave; what is known of them
// is data beside them, so the page can show or hide it.
//
// INVARIANT: it answers only who asks for this machine by a loopback name or
// address, so that no page of the Internet can read it through a browser here.
package statuspage

import (
	"embed"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"

	"github.com/vouchledger/vouch/vision/edge/host"
)

//go:embed page.html page.js page.css
var files embed.FS

// A Source knows how everything does.
type Source interface {
	// View returns how everything does now.
	View() host.View
	// Picture returns the last picture of a camera as JPEG, or nothing.
	Picture(camera string) []byte
}

// New returns the page over s.
func New(s Source) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "page.html") })
	mux.HandleFunc("GET /page.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "page.js") })
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "page.css") })
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.View()) // who hung up needs no answer
	})
	mux.HandleFunc("GET /cameras/{name}", func(w http.ResponseWriter, r *http.Request) {
		b := s.Picture(r.PathValue("name"))
		if b == nil {
			http.Error(w, "no picture yet", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(b)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			http.Error(w, "this page is for this machine only", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'")
		mux.ServeHTTP(w, r)
	})
}

// loopback reports whether a Host header names this machine to itself.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
