package peer

import (
	"bufio"
	_ "embed" // the camera
	"encoding/binary"
	"io"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

//go:embed rtsp.py
var rtspServer []byte

// An RTSP is a network camera that plays films: GStreamer's RTSP server as a
// process of its own, which can hang, die and come back.
type RTSP struct {
	t       testing.TB
	python  string
	script  string
	address string
	films   []string
	cmd     *exec.Cmd
}

// NewRTSP starts a camera with films of bare H.264, by the name of each. Who
// asks first is shown the first of a name, who asks then the next, and from then
// on the last; each from its beginning, and the line ends with it.
func NewRTSP(t testing.TB, films map[string][]string) *RTSP {
	t.Helper()
	// Not the first of the path: Debian's own has Debian's bindings.
	c := &RTSP{t: t, python: "/usr/bin/python3", script: filepath.Join(t.TempDir(), "rtsp.py"), address: Address(t)}
	if err := os.WriteFile(c.script, rtspServer, 0o600); err != nil {
		t.Fatal(err)
	}
	//nolint:gosec // a program of the machine
	if out, err := exec.CommandContext(t.Context(), c.python, c.script).CombinedOutput(); err != nil {
		t.Skipf("no RTSP server (%v: %s): apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-bad", err, out)
	}
	for name, film := range films {
		c.films = append(c.films, name+"="+strings.Join(film, "="))
	}
	c.Start()
	t.Cleanup(c.Kill)
	return c
}

// URL returns the address of a film.
func (c *RTSP) URL(film string) string { return "rtsp://" + c.address + "/" + film }

// Start begins the camera, again after Kill, and returns when it listens.
func (c *RTSP) Start() {
	c.t.Helper()
	_, port, err := net.SplitHostPort(c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	//nolint:gosec // the script above
	c.cmd = exec.CommandContext(c.t.Context(), c.python, append([]string{c.script, port}, c.films...)...)
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	listens(c.t, c.address, "the RTSP server")
}

// Kill takes away the camera's power.
func (c *RTSP) Kill() {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // it was killed
	c.cmd = nil
}

// Hang lets the camera hang, with its connections open, or go on.
func (c *RTSP) Hang(so bool) {
	c.t.Helper()
	signal := syscall.SIGCONT
	if so {
		signal = syscall.SIGSTOP
	}
	if err := c.cmd.Process.Signal(signal); err != nil {
		c.t.Fatal(err)
	}
}

// A BadLine is a line to a camera that loses packets of video while it is told
// to.
type BadLine struct {
	to   string
	lost func(packet int) bool

	mu      sync.Mutex
	on      bool
	packets int
	dropped int
}

// NewBadLine returns a line to the camera, and the address of its film through
// it. lost says which packets of video do not arrive.
func NewBadLine(t testing.TB, c *RTSP, film string, lost func(packet int) bool) (*BadLine, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &BadLine{to: c.address, lost: lost}
	var lines sync.WaitGroup
	lines.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			lines.Go(func() { b.carry(near) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.Kill() // or a line would wait for it
		lines.Wait()
	})
	return b, "rtsp://" + l.Addr().String() + "/" + film
}

// Lose makes the line bad, or good again, and returns how many packets it has
// lost by now.
func (b *BadLine) Lose(on bool) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.on = on
	return b.dropped
}

func (b *BadLine) carry(near net.Conn) {
	defer near.Close() //nolint:errcheck // nothing is lost that is not meant to be
	far, err := net.DialTimeout("tcp", b.to, time.Second)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(far, near); _ = far.Close() })
	_ = b.down(near, bufio.NewReader(far))
	_ = near.Close()
	both.Wait()
}

// down carries what the camera says: answers as they are, and packets between
// them (RFC 2326, 10.12), of which some are lost.
func (b *BadLine) down(near io.Writer, far *bufio.Reader) error {
	for {
		first, err := far.Peek(4)
		if err != nil {
			return err
		}
		if first[0] == '$' {
			packet := make([]byte, 4+int(binary.BigEndian.Uint16(first[2:])))
			if _, err := io.ReadFull(far, packet); err != nil {
				return err
			}
			if packet[1] == 0 && b.loses() {
				continue
			}
			if _, err := near.Write(packet); err != nil {
				return err
			}
			continue
		}
		if err := answer(near, far); err != nil {
			return err
		}
	}
}

func (b *BadLine) loses() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.packets++
	if !b.on || !b.lost(b.packets) {
		return false
	}
	b.dropped++
	return true
}

// answer carries one answer with its body.
func answer(near io.Writer, far *bufio.Reader) error {
	length := int64(0)
	for {
		line, err := far.ReadString('\n')
		if err != nil {
			return err
		}
		if _, err := io.WriteString(near, line); err != nil {
			return err
		}
		line = textproto.TrimString(line)
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.ParseInt(textproto.TrimString(value), 10, 64); err != nil {
				return err
			}
		}
		if line == "" {
			_, err := io.CopyN(near, far, length)
			return err
		}
	}
}
