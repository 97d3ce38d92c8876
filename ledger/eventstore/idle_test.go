package eventstore_test

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"golang.org/x/net/http2"
)

// pings opens a bare HTTP/2 connection, sends n pings at this pace while nothing
// else goes on, and returns how many were answered before the server went away.
func pings(t *testing.T, address string, n int, pace time.Duration) (answered int, code http2.ErrCode) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	f := http2.NewFramer(c, c)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	frames := make(chan http2.Frame)
	go func() {
		defer close(frames)
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if p, ok := frame.(*http2.PingFrame); ok && !p.IsAck() {
				continue // the server's own; it is not answered, which would race with ours
			}
			if g, ok := frame.(*http2.GoAwayFrame); ok {
				code = g.ErrCode
			}
			frames <- frame
		}
	}()
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for range n {
		<-tick.C
		if f.WritePing(false, [8]byte{1}) != nil {
			break
		}
	}
	for frame := range frames {
		if p, ok := frame.(*http2.PingFrame); ok && p.IsAck() {
			answered++
		}
		if answered == n {
			_ = c.Close()
		}
	}
	return answered, code
}

// TestIdleClientsMayPing checks that a client that has nothing to say may ask
// every second whether the server is there (the official ones do every ten),
// and that one that asks without pause is sent away.
func TestIdleClientsMayPing(t *testing.T) {
	t.Parallel()
	s := openTill(t)
	if n, code := pings(t, s.address, 5, 1100*time.Millisecond); n != 5 || code != http2.ErrCodeNo {
		t.Errorf("%d of 5 slow pings were answered, GOAWAY %v", n, code)
	}
	if n, code := pings(t, s.address, 20, time.Millisecond); n == 20 || code != http2.ErrCodeEnhanceYourCalm {
		t.Errorf("%d of 20 hasty pings were answered, GOAWAY %v, want %v", n, code, http2.ErrCodeEnhanceYourCalm)
	}
}

// TestIdleForMinutes leaves a client alone for as long as VOUCH_IDLE says, with
// a subscription and without, and requires that both still work.
func TestIdleForMinutes(t *testing.T) {
	idle, err := time.ParseDuration(os.Getenv("VOUCH_IDLE"))
	if err != nil {
		t.Skip("set VOUCH_IDLE=3m to leave the official client alone for so long")
	}
	t.Parallel()
	s := openTill(t)
	s.appended("till-4", esdb.NoStream{}, sale(0))
	other := connect(t, "esdb://"+s.address+"?tls=false&keepAliveInterval=10000")
	sub, err := other.SubscribeToStream(t.Context(), "till-4", esdb.SubscribeToStreamOptions{From: esdb.End{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), idle)
	defer cancel()
	<-ctx.Done()
	s.appended("till-4", esdb.Revision(0), sale(1))
	got := heard(t, sub, nil, ends("till-4/1"))
	same(t, "what was heard", got, []string{"caught up", "till-4/1"})
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Error("the test ended early")
	}
}
