package eventstore_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// TestOnePortTwoDoors checks that the port that clients use also says over plain
// HTTP whether the server lives, in the clear and over TLS, and that who says
// nothing or nonsense holds up nobody.
func TestOnePortTwoDoors(t *testing.T) {
	plain, safe := openTill(t), openSecured(t)
	for range 3 { // these never say a word
		c, err := net.Dial("tcp", plain.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	client := &http.Client{
		Timeout:   2 * time.Minute,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: safe.pool, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true},
	}
	for url, want := range map[string]int{
		"http://" + plain.address + "/health/live":    http.StatusNoContent,
		"http://" + plain.address + "/ping":           http.StatusOK,
		"http://" + plain.address + "/streams/$all":   http.StatusNotFound,
		"https://" + safe.address + "/health/live":    http.StatusNoContent,
		"https://" + safe.address + "/admin/scavenge": http.StatusNotFound,
	} {
		r, err := client.Get(url)
		if err != nil {
			t.Errorf("GET %s: %v", url, err)
			continue
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("GET %s = %d, want %d", url, r.StatusCode, want)
		}
	}
	if r, err := client.Get("http://" + safe.address + "/health/live"); err == nil {
		_ = r.Body.Close()
		t.Errorf("plain HTTP to the TLS port = %d, want nothing", r.StatusCode)
	}
	plain.appended("till-4", esdb.NoStream{}, sale(0))
	safe.as("till:open").appended("till-4", esdb.NoStream{}, sale(0))
}
