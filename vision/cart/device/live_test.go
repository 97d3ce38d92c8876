package device

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/line"
	"github.com/vouchledger/vouch/vision/scale"
)

// A cable is a serial line under a name that stays when the plug is pulled, as
// /dev/serial/by-id has them.
type cable struct {
	t    *testing.T
	name string

	mu   sync.Mutex
	ends []*os.File // of both sides; none: pulled
}

func newCable(t *testing.T) *cable {
	c := &cable{t: t, name: filepath.Join(t.TempDir(), "usb-device")}
	t.Cleanup(c.pull)
	return c
}

// plug puts the cable in and returns the device's end of it.
func (c *cable) plug() *os.File {
	c.t.Helper()
	device, computer, err := pty.Open()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.Symlink(computer.Name(), c.name); err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ends = []*os.File{device, computer} // a pair of which nobody has opened one end yet is no line
	return device
}

func (c *cable) pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := os.Remove(c.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Error(err)
	}
	for _, end := range c.ends {
		_ = end.Close() // a second pull does nothing
	}
	c.ends = nil
}

func (c *cable) open() (io.ReadWriteCloser, error) { return line.Open(c.name, 9600) }

// A balance speaks MT-SICS at the end of a cable. It says nothing before it is
// told to, breaks lines into parts, and its cable is noisy.
type balance struct {
	grams chan int // what lies on it from now on
	done  chan struct{}
}

func startBalance(t *testing.T, line *os.File, grams int) *balance {
	b := &balance{grams: make(chan int), done: make(chan struct{})}
	told := make(chan struct{}, 1)
	go func() {
		all, buf := "", make([]byte, 64)
		for {
			n, err := line.Read(buf)
			if err != nil {
				return
			}
			all += string(buf[:n])
			if strings.Contains(all, string(scale.Begin)) {
				all = ""
				select {
				case told <- struct{}{}:
				default:
				}
			}
		}
	}()
	go func() {
		defer close(b.done)
		<-told
		dice := rand.New(rand.NewPCG(1, 2))
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			text := fmt.Sprintf("S S %10.2f g\r\n", float64(grams)+dice.Float64())
			switch n % 9 {
			case 4:
				text = "\x00\xfe~" + text // noise before it, so that it is no line of ours
			case 7:
				text = text[:12] + "\r\n" // the end is lost
			case 8:
				text = "S I\r\n" + strings.Repeat("\xff", 3000) + "\r\n" // a motor starts
			}
			for cut := dice.IntN(len(text)); len(text) > 0; text, cut = text[cut:], len(text)-cut {
				if _, err := line.WriteString(text[:cut]); err != nil {
					return
				}
				if cut == len(text) {
					break
				}
			}
			select {
			case g, ok := <-b.grams:
				if !ok {
					return
				}
				grams = g
			case <-tick.C:
			}
		}
	}()
	return b
}

// parts remembers how the parts of a cart did.
type parts struct {
	mu  sync.Mutex
	all []string
}

func (p *parts) told(part string, state ledger.DeviceState, _ string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, part+" "+string(state))
}

func (p *parts) last(part string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range slices.Backward(p.all) {
		if state, ok := strings.CutPrefix(s, part+" "); ok {
			return state
		}
	}
	return ""
}

// live runs a cart on devices until the test ends.
func live(t *testing.T, c *Cart, d Devices) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	p := &Player{Cart: c, Now: time.Now}
	go func() { done <- p.Live(ctx, d) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A lens is a camera that shows some pictures and is lost.
type lens struct{ left int }

func (l *lens) Next() (Frame, error) {
	if l.left--; l.left < 0 {
		return Frame{}, io.ErrUnexpectedEOF
	}
	g := image.NewGray(image.Rect(0, 0, 160, 120))
	for i := range g.Pix {
		g.Pix[i] = uint8(90 + i%7 + l.left%3)
	}
	return Frame{Gray: g}, nil
}

func (l *lens) Close() error { return nil }

// TestALostCameraIsSaidAndComesBack: the shopper is told at once, staff too, and
// both when it is back.
func TestALostCameraIsSaidAndComesBack(t *testing.T) {
	_, url := serve(t)
	c, off := on(t, t.TempDir(), url)
	t.Cleanup(off)
	var p parts
	opened, back := make(chan int, 8), make(chan struct{})
	n := 0
	live(t, c, Devices{Told: p.told, Camera: func() (Camera, error) {
		n++
		opened <- n
		switch n {
		case 1:
			return &lens{left: 5}, nil
		case 2:
			return nil, errors.New("no such device")
		}
		<-back
		return &lens{left: 1 << 30}, nil
	}})
	<-opened
	until(t, c, "the camera lost", func() bool {
		return p.last(PartCamera) == "unreachable" && strings.Contains(c.View().Eyes, "does not answer")
	})
	<-opened
	<-opened
	close(back)
	until(t, c, "the camera again", func() bool { return p.last(PartCamera) == "well" && c.View().Eyes == "" })
}

// TestATripOnRealLines plays a trip on two serial lines: a scale that speaks
// MT-SICS over a bad cable, and a scanner. Both plugs are pulled in the middle
// and put back; what is missing meanwhile is said, and nothing is invented.
func TestATripOnRealLines(t *testing.T) {
	s, url := serve(t)
	scale, scanner := newCable(t), newCable(t)
	c, off := on(t, t.TempDir(), url)
	t.Cleanup(off)
	untilPriced(t, c)
	var p parts
	b, gun := startBalance(t, scale.plug(), 0), scanner.plug()
	live(t, c, Devices{Scale: scale.open, Scanner: scanner.open, Told: p.told})
	scan := func(code string) {
		t.Helper()
		if _, err := gun.WriteString(code + "\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	grams := func(want int) {
		t.Helper()
		until(t, c, fmt.Sprint(want, " g"), func() bool { g := c.View().Grams; return max(g-want, want-g) <= 2 })
	}
	until(t, c, "the scale", func() bool { return p.last(PartScale) == "well" && p.last(PartScanner) == "well" })
	scan("VT1-LEA")
	until(t, c, "the shopper", func() bool { return c.View().Phase == cart.PhaseShopping })
	scan("4006381333931")
	until(t, c, "the cola", func() bool { return c.View().Pieces == 1 })
	b.grams <- 540
	grams(540)

	scale.pull()
	scanner.pull()
	until(t, c, "both lost", func() bool {
		return p.last(PartScale) == "unreachable" && p.last(PartScanner) == "unreachable" && strings.Contains(c.View().Scale, "says nothing")
	})
	<-b.done
	b, gun = startBalance(t, scale.plug(), 540), scanner.plug()
	until(t, c, "the scale again", func() bool { v := c.View(); return p.last(PartScale) == "well" && v.Scale == "" })
	grams(540)
	if v := c.View(); v.Ask != nil || v.Pieces != 1 {
		t.Errorf("after the plug was pulled the screen is %+v, want the cola and nothing asked", v)
	}
	until(t, c, "the scanner again", func() bool { return p.last(PartScanner) == "well" })
	scan("96385074")
	until(t, c, "milk", func() bool { return c.View().Pieces == 2 })
	b.grams <- 540 + 1035
	grams(1575)
	until(t, c, "the milk in the cart", func() bool { return len(s.all()) == 2 })
	close(b.grams)
	if got := strings.Join(s.all(), "; "); got != "take cola 0; take milk 0" {
		t.Errorf("the server was told %q, want both pieces once", got)
	}
}
