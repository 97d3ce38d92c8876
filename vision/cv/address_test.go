//go:build opencv

package cv

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/internal/peer"
)

// TestACameraThatSaysNothingIsNotWaitedForLong asks those who take the call and
// then are silent, speak something else, or answer.
func TestACameraThatSaysNothingIsNotWaitedForLong(t *testing.T) {
	for _, tt := range []struct {
		story, says string
		want        bool
	}{
		{"silent", "", false},
		{"another server", "220 mail.example ESMTP\r\n", false},
		{"a camera", "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", true},
		{"a camera that wants a password", "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n", true},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		asked := make(chan string, 1)
		go func() {
			c, err := l.Accept()
			if err != nil {
				asked <- err.Error()
				return
			}
			defer c.Close()
			b := make([]byte, 1<<10)
			n, _ := c.Read(b)
			_, _ = c.Write([]byte(tt.says))
			if tt.says == "" {
				_, _ = c.Read(b) // until the other side has had enough
			}
			asked <- string(b[:n])
		}()
		err = answers("rtsp://user:secret@"+l.Addr().String()+"/1", 200*time.Millisecond)
		if (err == nil) != tt.want {
			t.Errorf("%s: answers = %v, want an answer: %v", tt.story, err, tt.want)
		}
		if q := <-asked; !strings.HasPrefix(q, "OPTIONS rtsp://"+l.Addr().String()+"/1 RTSP/1.0\r\n") {
			t.Errorf("%s: asked %q, want the options without the password", tt.story, q)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestThePasswordOfACameraIsNotSaid looks at what goes into logs and reports.
func TestThePasswordOfACameraIsNotSaid(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("no video")) }))
	defer server.Close()
	there := strings.TrimPrefix(server.URL, "http://")
	for _, address := range []string{
		"rtsp://user:secret@" + peer.Address(t) + "/1", "rtsp://user:secret@[::1/%zz", "rtsp://" + peer.Address(t) + "/user=admin_password=secret",
		"http://user:secret@" + there + "/1", "http://" + there + "/1?password=secret",
	} {
		_, err := Open(address)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open = %v, want a refusal without the password", err)
		}
	}
}

// TestAnAddressIsACameraOrAFilm: by a camera's pictures goes the clock, by a film's
// their number. Both come over HTTP.
func TestAnAddressIsACameraOrAFilm(t *testing.T) {
	film := filepath.Join(t.TempDir(), "film.mp4")
	w, err := Create(film, 10, 64, 48)
	if err != nil {
		t.Fatal(err)
	}
	var picture []byte
	for range 20 {
		f, err := NewFrame(64, 48, bytes.Repeat([]byte{9, 90, 200}, 64*48))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
		if picture, err = f.JPEG(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/film.mp4" {
			http.ServeFile(w, r, film)
			return
		}
		w.Header().Set("Content-Type", "multipart/x-mixed-replace;boundary=cut")
		for r.Context().Err() == nil {
			if _, err := fmt.Fprintf(w, "--cut\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(picture), picture); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	for path, camera := range map[string]bool{"/film.mp4": false, "/cam": true} {
		r, err := Open(server.URL + path)
		if err != nil {
			t.Fatal(path, err)
		}
		if r.Live() != camera || (r.Frames() == 0) != camera {
			t.Errorf("%s: a camera is %v, with %d frames, want %v", path, r.Live(), r.Frames(), camera)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAFilmThatChangesItsSizeIsReadUpToThere reads a stream that goes on in
// another size: in OpenCV's own reading that is memory of somebody else's.
func TestAFilmThatChangesItsSizeIsReadUpToThere(t *testing.T) {
	ffmpeg := peer.Program(t, "", "ffmpeg", "apt-get install ffmpeg")
	for _, codec := range []string{"h264", "mjpeg"} {
		var film bytes.Buffer
		for _, size := range []string{"320x180", "160x90"} {
			cmd := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc=rate=10:duration=2:size="+size,
				"-pix_fmt", "yuvj420p", "-c:v", codec, "-bf", "0", "-f", codec, "-")
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(codec, err)
			}
			film.Write(out)
		}
		path := filepath.Join(t.TempDir(), "film."+codec)
		if err := os.WriteFile(path, film.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		if err != nil {
			t.Fatal(codec, err)
		}
		n, sizes := 0, map[string]int{}
		for {
			f, nerr := r.Next()
			if err = nerr; err != nil {
				break
			}
			n++
			sizes[fmt.Sprint(f.Width(), "x", f.Height())]++
			f.Close()
		}
		if !errors.Is(err, ErrResized) || n == 0 || n > 20 || len(sizes) != 1 {
			t.Errorf("%s: %d frames of %v, then %v, want up to 20 of one size, then ErrResized", codec, n, sizes, err)
		}
		r.Close()
	}
}
