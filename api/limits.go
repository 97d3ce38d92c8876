package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/vouchledger/vouch/api/keys"
)

// Bounds of what one caller may ask. Batches and pages keep a request short;
// rates are for a gate or camera at its busiest and for a person who clicks
// fast, each with room.
const (
	maxBody        = 256 << 10 // JSON of one request but for batches
	maxBatchBody   = 8 << 20   // 500 detections of 16 KiB
	maxBatchItems  = 500
	maxPage        = 200
	defaultPage    = 50
	maxLive        = 16 // live carts open at once for one key
	deviceRate     = rate.Limit(200)
	deviceBurst    = 1000
	personRate     = rate.Limit(20)
	personBurst    = 120
	strangerRate   = rate.Limit(2) // sign-ins and wrong keys from one address
	strangerBurst  = 30
	readerRate     = rate.Limit(50) // tiles read by a stranger, who mirrors or checks the tree
	readerBurst    = 500
	maxLimiterKeys = 10_000
)

// limiters holds one token bucket for each caller.
type limiters struct {
	mu   sync.Mutex
	all  map[string]*bucket
	live map[string]int
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

func newLimiters() *limiters {
	return &limiters{all: map[string]*bucket{}, live: map[string]int{}}
}

// allow takes one token of name's bucket.
func (l *limiters) allow(name string, r rate.Limit, burst int, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.all[name]
	if !ok {
		if len(l.all) >= maxLimiterKeys {
			l.sweep(now)
		}
		b = &bucket{Limiter: rate.NewLimiter(r, burst)}
		l.all[name] = b
	}
	b.used = now
	return b.AllowN(now, 1)
}

// sweep forgets who has been quiet for long enough to have a full bucket, and
// everybody if nobody has: a full map must not lock new callers out.
func (l *limiters) sweep(now time.Time) {
	for name, b := range l.all {
		if now.Sub(b.used) > time.Minute {
			delete(l.all, name)
		}
	}
	if len(l.all) >= maxLimiterKeys {
		clear(l.all)
	}
}

func (l *limiters) allowKey(k keys.Key, now time.Time) bool {
	if k.Role == keys.Device {
		return l.allow("key:"+k.ID, deviceRate, deviceBurst, now)
	}
	return l.allow("key:"+k.ID, personRate, personBurst, now)
}

func (l *limiters) allowStranger(address string, now time.Time) bool {
	return l.allow("from:"+address, strangerRate, strangerBurst, now)
}

func (l *limiters) allowReader(address string, now time.Time) bool {
	return l.allow("tiles:"+address, readerRate, readerBurst, now)
}

// openLive counts a live stream of key id, unless it has too many.
func (l *limiters) openLive(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live[id] >= maxLive {
		return false
	}
	l.live[id]++
	return true
}

func (l *limiters) closeLive(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live[id]--; l.live[id] <= 0 {
		delete(l.live, id)
	}
}
