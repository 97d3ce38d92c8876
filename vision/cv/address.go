//go:build opencv

package cv

/*
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
	"unsafe"

	"gocv.io/x/gocv"
)

// patience is how long an address may say nothing, when it is opened and
// between pictures. It is less than after which a host gives a run up, so that
// no decoder is left behind in a camera that hangs.
const patience = 10 * time.Second

// openAddress opens an address by FFmpeg and nothing else: where that finds
// nobody OpenCV would go on to ask GStreamer, whose patience nobody can bound.
func openAddress(address string) (*gocv.VideoCapture, error) {
	tellFFmpeg()
	// Anything opens what is not there, and then has the capture to open in.
	c, _ := gocv.VideoCaptureFile("")
	if err := answers(address, patience); err != nil {
		return c, err
	}
	text := C.CString(address)
	defer C.free(unsafe.Pointer(text))
	if C.vouch_open(captureOf(c), text, C.int(patience.Milliseconds())) != 0 {
		return c, ErrCannotOpen
	}
	return c, nil
}

// captureOf returns OpenCV's own capture, which is all that gocv's holds.
func captureOf(c *gocv.VideoCapture) unsafe.Pointer {
	var _ [unsafe.Sizeof(unsafe.Pointer(nil))]byte = [unsafe.Sizeof(*c)]byte{}
	return *(*unsafe.Pointer)(unsafe.Pointer(c))
}

// tellFFmpeg says how addresses are read, unless the operator has: over TCP,
// since over UDP pictures arrive torn in any busy network, and with a look of a
// second at what comes before it is decoded, not of five.
var tellFFmpeg = sync.OnceFunc(func() {
	const name = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
	if os.Getenv(name) == "" {
		_ = os.Setenv(name, "rtsp_transport;tcp|analyzeduration;1000000")
	}
})

// answers asks whether somebody is there at all. OpenCV opens one address at a
// time in a process: without the question one dead camera would hold all
// others up, again and again.
func answers(address string, patience time.Duration) error {
	u, err := url.Parse(address)
	if err != nil {
		return errAddress // url's own words hold the password
	}
	port, ask := "", ""
	switch u.Scheme {
	case "rtsp":
		port, ask = "554", "OPTIONS %s RTSP/1.0\r\nCSeq: 1\r\n\r\n"
	case "http":
		port, ask = "80", "GET %s HTTP/1.0\r\n\r\n"
	default: // what FFmpeg knows and we do not has FFmpeg's own patience
		return nil
	}
	if u.Port() != "" {
		port = u.Port()
	}
	c, err := net.DialTimeout("tcp", net.JoinHostPort(u.Hostname(), port), patience)
	if err != nil {
		return err
	}
	defer c.Close()                                                 //nolint:errcheck // it was only asked
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil { //nolint:forbidigo // the system wants patience as a moment
		return err
	}
	what := u.RequestURI()
	if u.Scheme == "rtsp" {
		what = u.Scheme + "://" + u.Host + what
	}
	if _, err := fmt.Fprintf(c, ask, what); err != nil {
		return err
	}
	line, err := bufio.NewReader(io.LimitReader(c, 1<<10)).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, strings.ToUpper(u.Scheme)+"/") {
		return errSpeech
	}
	return nil
}

var (
	errAddress = errors.New("it is no address")
	errSpeech  = errors.New("it speaks something else")
)

// redacted is what may be said of a source: what is said of it comes into the
// ledger. Of an address that is its host, because cameras take passwords before
// it, in the query and in the path.
func redacted(src string) string {
	if !strings.Contains(src, "://") {
		return src
	}
	u, err := url.Parse(src)
	if err != nil || u.Host == "" {
		return "the address"
	}
	return u.Scheme + "://" + u.Host
}
