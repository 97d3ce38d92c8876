package sealed

import (
	"container/list"
	"sync"
)

// A Cache keeps unpacked blocks that were read lately, up to a number of bytes.
// Whoever looks at a visit mostly looks at it again: a shopper, a reviewer, the
// replay of a dispute. Its methods may be called from many goroutines at once.
type Cache struct {
	limit int

	mu     sync.Mutex
	blocks map[blockKey]*list.Element // of *unpackedBlock
	recent list.List                  // the one used last in front
	bytes  int
}

// NewCache returns a cache of so many bytes.
func NewCache(limit int) *Cache {
	return &Cache{limit: limit, blocks: make(map[blockKey]*list.Element)}
}

// A blockKey names a block of a segment.
type blockKey struct {
	part *Part
	i    int
}

// An unpackedBlock is a block in memory. It never changes.
type unpackedBlock struct {
	key   blockKey
	first uint32 // ordinal of its first event
	raw   []byte
	at    []uint32 // where each frame starts
}

// has reports whether an event lies in the block.
func (b *unpackedBlock) has(ordinal uint32) bool {
	return ordinal >= b.first && ordinal-b.first < uint32(len(b.at)) //nolint:gosec // frames of a block
}

// size returns the bytes it takes.
func (b *unpackedBlock) size() int { return cap(b.raw) + 4*cap(b.at) }

// get returns a block if it is there.
func (c *Cache) get(key blockKey) *unpackedBlock {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.blocks[key]
	if e == nil {
		return nil
	}
	c.recent.MoveToFront(e)
	return e.Value.(*unpackedBlock) //nolint:forcetypeassert // nothing else is put there
}

// put keeps a block and lets go of those that were not used for the longest
// time.
func (c *Cache) put(b *unpackedBlock) {
	if c == nil || b.size() > c.limit/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blocks[b.key] != nil {
		return // another reader was faster
	}
	c.blocks[b.key] = c.recent.PushFront(b)
	for c.bytes += b.size(); c.bytes > c.limit; {
		e := c.recent.Back()
		old := c.recent.Remove(e).(*unpackedBlock) //nolint:forcetypeassert // nothing else is put there
		delete(c.blocks, old.key)
		c.bytes -= old.size()
	}
}
