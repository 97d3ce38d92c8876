package embedded

import (
	"sync"

	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// unpacks keeps the sealed segments that somebody reads from one end to the
// other, each once in memory however many read it. Its zero value is ready.
type unpacks struct {
	mu   sync.Mutex
	live map[*sealed.Part]*shared
	free *sealed.Unpacked // room for the next
}

// A shared is an unpacked segment with its readers.
type shared struct {
	u     *sealed.Unpacked
	part  *sealed.Part
	users int
	once  sync.Once
	err   error
}

// get returns p in memory. Give it back with put.
func (c *unpacks) get(p *sealed.Part) (*shared, error) {
	c.mu.Lock()
	s := c.live[p]
	if s == nil {
		if c.live == nil {
			c.live = make(map[*sealed.Part]*shared)
		}
		s = &shared{part: p, u: c.free}
		if c.free = nil; s.u == nil {
			s.u = new(sealed.Unpacked)
		}
		c.live[p] = s
	}
	s.users++
	c.mu.Unlock()
	s.once.Do(func() { s.err = disk.Guard(func() error { return p.Unpack(s.u) }) })
	if s.err != nil {
		c.put(s)
		return nil, s.err
	}
	return s, nil
}

func (c *unpacks) put(s *shared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.users--; s.users > 0 {
		return
	}
	delete(c.live, s.part)
	c.free = s.u
}
