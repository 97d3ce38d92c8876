package main

import (
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// tellSystemd says how it goes. Nobody listens unless systemd started the process and
// asks for it.
func tellSystemd(state string) { _, _ = daemon.SdNotify(false, state) }

// beat feeds systemd's watchdog.
func beat() { tellSystemd(daemon.SdNotifyWatchdog) }

// A pulse feeds the watchdog each time a loop turns, at most once a second: a camera
// has many pictures in one. Its zero value feeds nobody.
type pulse struct {
	feed func()

	mu  sync.Mutex
	fed time.Time
}

// turn says that the loop turned.
func (p *pulse) turn(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.feed == nil || !p.fed.IsZero() && now.Sub(p.fed) < time.Second {
		return
	}
	p.fed = now
	p.feed()
}
