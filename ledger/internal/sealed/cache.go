package sealed

import (
	"bytes"
	"container/list"
	"sync"

	"github.com/vouchledger/vouch/ledger/internal/words"
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

	dictionaries map[dictionaryKey]*sharedWords
}

// A dictionaryKey is what two dictionaries that are the same have in common.
type dictionaryKey struct{ words, forms section }

// A sharedWords is a dictionary in memory, of all segments that have the same.
type sharedWords struct {
	words, forms []byte // as they are kept in the files
	words.Dictionary
}

// maxShared bounds the dictionaries in memory, which take some 80 KiB each. Those of
// further segments are read where they are mapped.
const maxShared = 64

// NewCache returns a cache of so many bytes.
func NewCache(limit int) *Cache {
	return &Cache{limit: limit, blocks: make(map[blockKey]*list.Element), dictionaries: make(map[dictionaryKey]*sharedWords)}
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

// dictionary returns the words and forms of p's blocks. Most segments have those of the
// segment before: they share one in memory, which stays in a processor's cache.
func (c *Cache) dictionary(p *Part) (*words.Dictionary, error) {
	if d := p.dict.Load(); d != nil {
		return d, nil
	}
	w, err := p.section(secWords)
	if err != nil {
		return nil, err
	}
	f, err := p.section(secForms)
	if err != nil {
		return nil, err
	}
	if c != nil {
		key := dictionaryKey{words: p.trailer.sections[secWords], forms: p.trailer.sections[secForms]}
		key.words.offset, key.forms.offset = 0, 0
		c.mu.Lock()
		defer c.mu.Unlock()
		s := c.dictionaries[key]
		if s == nil && len(c.dictionaries) < maxShared {
			s = &sharedWords{words: bytes.Clone(w), forms: bytes.Clone(f)}
			if s.Dictionary, err = p.dictionaryIn(s.words, s.forms); err != nil {
				return nil, err
			}
			c.dictionaries[key] = s
		}
		if s != nil && bytes.Equal(s.words, w) && bytes.Equal(s.forms, f) {
			p.dict.Store(&s.Dictionary)
			return &s.Dictionary, nil
		}
	}
	d, err := p.dictionaryIn(w, f)
	return &d, err
}
