package sealed

import (
	"testing"

	"pgregory.net/rapid"
)

// TestCacheKeepsWhatItWasGiven checks that a cache gives out what was put under a name
// or nothing, has what was put last, and holds no more bytes than it may.
func TestCacheKeepsWhatItWasGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewCache(rapid.SampledFrom([]int{1 << 10, 40_000, 400_000}).Draw(t, "limit"))
		parts := []*Part{{First: 1}, {First: 70_001}, {First: 140_001}}
		type name struct{ part, i int }
		put := make(map[name]*byte)
		kept := 0
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			n := name{rapid.IntRange(0, 2).Draw(t, "part"), rapid.IntRange(0, 60).Draw(t, "block")}
			got, ok := c.get(parts[n.part], n.i)
			if ok && (put[n] == nil || &got.raw[0] != put[n] || got.part != parts[n.part] || got.i != n.i) {
				t.Fatalf("block %v is another", n)
			}
			if ok {
				kept++
				continue
			}
			b := unpackedBlock{part: parts[n.part], i: n.i, raw: make([]byte, rapid.SampledFrom([]int{1, 900, 9_000, 50_000}).Draw(t, "bytes"))}
			c.put(b)
			put[n] = &b.raw[0]
			if got, ok := c.get(parts[n.part], n.i); ok != (len(b.raw) <= c.limit/4) || ok && &got.raw[0] != &b.raw[0] {
				t.Fatalf("block %v of %d bytes was just put: %v", n, len(b.raw), ok)
			}
			held := 0
			for _, s := range c.slots {
				held += len(s.raw)
			}
			if held != c.bytes || held > c.limit {
				t.Fatalf("it holds %d bytes, counts %d and may hold %d", held, c.bytes, c.limit)
			}
		}
		if _, ok := (*Cache)(nil).get(parts[0], 0); ok {
			t.Fatal("no cache has a block")
		}
	})
	c, part := NewCache(1<<20), &Part{First: 1}
	for i := range 60 { // of 10 KiB each there is room for all
		c.put(unpackedBlock{part: part, i: i, raw: make([]byte, 10<<10)})
	}
	held := 0
	for i := range 60 {
		if _, ok := c.get(part, i); ok {
			held++
		}
	}
	if held < 50 {
		t.Errorf("of 60 blocks for which there is room %d are kept", held)
	}
}

// TestCacheKeepsWhatIsAskedFor checks that a visit somebody looks at again and again
// stays in memory while a thousand others go by.
func TestCacheKeepsWhatIsAskedFor(t *testing.T) {
	c, part := NewCache(1<<20), &Part{First: 1}
	c.put(unpackedBlock{part: part, raw: make([]byte, 10<<10)})
	found := 0
	for i := range 1000 {
		if _, ok := c.get(part, 0); ok {
			found++
		} else {
			c.put(unpackedBlock{part: part, raw: make([]byte, 10<<10)})
		}
		c.put(unpackedBlock{part: part, i: i + 1, raw: make([]byte, 10<<10)})
	}
	if found < 900 {
		t.Errorf("it was found %d times of 1000", found)
	}
}
