package sealed

import (
	"bytes"
	"math/bits"
	"sync"

	"github.com/vouchledger/vouch/ledger/internal/words"
)

// A Cache keeps unpacked blocks that were read lately, up to a number of bytes.
// Whoever looks at a visit mostly looks at it again: a shopper, a reviewer, the
// replay of a dispute. Its methods may be called from many goroutines at once.
//
// A block has two places where it may lie, beside each other, and what was not asked
// for since the hand came by last makes room: looking a block up touches as little
// memory as can be, for mostly it is not there.
type Cache struct {
	limit int

	mu    sync.Mutex
	slots []slot // as many as a power of two; none before the first block
	hand  int    // the slot that is looked at next for room
	bytes int

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
	return &Cache{limit: limit, dictionaries: make(map[dictionaryKey]*sharedWords)}
}

// A slot is a place for a block.
type slot struct {
	unpackedBlock
	asked bool // for since the hand was here
}

// slotBytes is what there is one slot for: fewer than most blocks have.
const slotBytes = 4 << 10

// places returns the slots where a block may lie. There must be some.
func (c *Cache) places(p *Part, i int) []slot {
	h := (p.First*0x9e3779b97f4a7c15 + uint64(i)) * 0x9e3779b97f4a7c15 >> 32 //nolint:gosec // not negative
	at := int(h) & (len(c.slots) - 2)                                        //nolint:gosec // 32 bits
	return c.slots[at : at+2]
}

// get returns a block if it is there.
func (c *Cache) get(p *Part, i int) (b unpackedBlock, ok bool) {
	if c == nil {
		return b, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slots == nil {
		return b, false
	}
	places := c.places(p, i)
	for k := range places {
		if s := &places[k]; s.part == p && s.i == i {
			s.asked = true
			return s.unpackedBlock, true
		}
	}
	return b, false
}

// put keeps a block and lets go of others where there are too many.
func (c *Cache) put(b unpackedBlock) {
	if c == nil || len(b.raw) > c.limit/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slots == nil {
		c.slots = make([]slot, 2<<bits.Len(uint(c.limit/slotBytes))) //nolint:gosec // not negative
	}
	places := c.places(b.part, b.i)
	at := &places[0]
	if at.part != nil && (places[1].part == nil || at.asked && !places[1].asked) {
		at = &places[1]
	}
	for k := range places {
		if places[k].part == b.part && places[k].i == b.i { // another reader was faster
			at = &places[k]
		}
	}
	c.drop(at)
	*at = slot{unpackedBlock: b, asked: true}
	for c.bytes += len(b.raw); c.bytes > c.limit; c.hand = (c.hand + 1) & (len(c.slots) - 1) {
		switch s := &c.slots[c.hand]; {
		case s == at:
		case s.asked:
			s.asked = false
		default:
			c.drop(s)
		}
	}
}

// drop lets go of what lies in a slot.
func (c *Cache) drop(s *slot) {
	c.bytes -= len(s.raw)
	*s = slot{}
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
