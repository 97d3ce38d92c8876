//go:build opencv

package cv

import (
	"bytes"
	"errors"
	"fmt"
	"net"
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
	for _, address := range []string{"rtsp://user:secret@" + peer.Address(t) + "/1", "rtsp://user:secret@[::1/%zz"} {
		_, err := Open(address)
		if !errors.Is(err, ErrCannotOpen) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open = %v, want ErrCannotOpen without the password", err)
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
