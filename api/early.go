package api

import (
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

const (
	// earlyFor is how long an exit may come before its entry: two gates that were
	// cut off send again within half a minute of each other. Longer, and
	// somebody who shows an unused code at the exit would hold up those behind.
	earlyFor = 90 * time.Second

	// maxEarly bounds the exits that are remembered.
	maxEarly = 1000
)

// early remembers exits of visits that are not known yet. It is only in
// memory: after a restart an exit waits once more.
type early struct {
	mu    sync.Mutex
	first map[ledger.ID]time.Time
}

// waits reports whether an exit should be sent again later.
func (e *early) waits(exit ledger.ID, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, at := range e.first {
		if now.Sub(at) > 2*earlyFor && id != exit {
			delete(e.first, id)
		}
	}
	at, ok := e.first[exit]
	if !ok {
		if len(e.first) >= maxEarly {
			return false
		}
		if e.first == nil {
			e.first = map[ledger.ID]time.Time{}
		}
		e.first[exit], at = now, now
	}
	return now.Sub(at) < earlyFor
}
