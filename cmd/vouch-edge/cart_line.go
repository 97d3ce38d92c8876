package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	mathrand "math/rand/v2"
	"path/filepath"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/cart/device"
	visionedge "github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/edge/host"
	"github.com/vouchledger/vouch/vision/outbox"
)

// A cartLine is what a cart has from the server beside its trip: the time, its
// settings, and somebody to report to.
type cartLine struct {
	host     *host.Host
	settings chan visionedge.Cart // those in force, the last of them
}

// offset returns how wrong this clock is, as far as is known.
func (l *cartLine) offset() (time.Duration, bool) { return l.host.Offset() }

// set makes settings those to follow; ones that nobody followed yet are dropped.
func (l *cartLine) set(c visionedge.Cart) {
	select {
	case <-l.settings:
	default:
	}
	l.settings <- c
}

func (f *cartFlags) openCart(seen *cartMemory, line *cartLine) (*device.Cart, error) {
	seal, err := outbox.OpenKey(cmp.Or(f.outboxKey, filepath.Join(f.state, "outbox.key")))
	if err != nil {
		return nil, err
	}
	cfg := device.Config{
		Cart: cart.Config{Store: ledger.StoreID(f.store), Cart: ledger.DeviceID(f.id), Model: "cart " + version},
		Dir:  f.state, Server: f.server, Key: f.key, Timeout: f.timeout, Now: time.Now, Random: rand.Reader,
		Logger: slog.Default(), Seal: seal, Offset: line.offset,
	}
	if seen != nil {
		cfg.Memory = seen
	}
	return device.Open(cfg)
}

// newHost returns what keeps the line to the server.
func (f *cartFlags) newHost(c *device.Cart, line *cartLine) *host.Host {
	local := f.settings()
	return host.New(host.Config{
		Store: ledger.StoreID(f.store), Device: ledger.DeviceID(f.id), Program: "vouch-edge/" + version,
		Local: visionedge.Settings{Cart: &local}, State: f.state, Server: f.server, Key: f.key, Client: sameServer(),
		Box: c.Outbox(), Cart: line.set, Now: time.Now, Roll: mathrand.Float64,
		Beat: beat, Logger: slog.Default(),
	})
}

// follow looks at the devices that the settings name, until ctx ends.
func (l *cartLine) follow(ctx context.Context, p *device.Player) error {
	tellSystemd(daemon.SdNotifyReady)
	var now visionedge.Cart
	select {
	case now = <-l.settings:
	case <-ctx.Done():
		return nil
	}
	for {
		run, stop := context.WithCancel(ctx)
		d := cartDevices(now)
		d.Told = func(part string, state ledger.DeviceState, detail string) { l.host.Tell(run, part, state, detail) }
		done := make(chan error, 1)
		go func() { done <- p.Live(run, d) }()
		select {
		case err := <-done:
			stop()
			return err
		case now = <-l.settings:
			stop()
			if err := <-done; err != nil {
				return err
			}
			l.drop(ctx, d, cartDevices(now))
		}
	}
}

// drop tells that what the settings name no more has ended.
func (l *cartLine) drop(ctx context.Context, was, is device.Devices) {
	for part, gone := range map[string]bool{
		device.PartCamera: was.Camera != nil && is.Camera == nil, device.PartScale: was.Scale != nil && is.Scale == nil,
		device.PartScanner: was.Scanner != nil && is.Scanner == nil,
	} {
		if gone {
			l.host.Tell(ctx, part, ledger.DeviceEnded, "not in the settings any more")
		}
	}
}

// play plays a recorded trip, in real time or as fast as it goes.
func (l *cartLine) play(ctx context.Context, p *device.Player, r device.Recording, speed float64) error {
	l.host.Tell(ctx, device.PartCamera, ledger.DeviceWell, "")
	var pace func(context.Context, time.Duration)
	if speed > 0 {
		begun := time.Now()
		pace = func(ctx context.Context, at time.Duration) {
			pauseUntil(ctx, begun.Add(time.Duration(float64(at)/speed)))
		}
	}
	err := p.Play(ctx, r, pace)
	l.host.Tell(ctx, device.PartCamera, ledger.DeviceEnded, "")
	return err
}
