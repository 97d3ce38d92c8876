package embedded

import (
	"fmt"
	"hash/maphash"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
)

// TestStreamsThatMeet checks that streams are found by their names and nobody
// else's, however many names have one hash, while others come and go.
func TestStreamsThatMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newStreams(maphash.MakeSeed())
		x.expect(rapid.IntRange(0, 5000).Draw(t, "expected"))
		x.bits = rapid.SampledFrom([]uint64{0, 3, ^uint64(0)}).Draw(t, "bits")
		const visits = 40
		there := make(map[ledger.StreamID]*stream)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			name := ledger.StreamID(fmt.Sprintf("visit-%d", rapid.IntRange(0, visits-1).Draw(t, "visit")))
			if s := there[name]; s == nil {
				there[name] = x.add(name, 7)
			} else {
				x.drop(s)
				x.drop(s) // a batch that was refused may have it twice
				if !s.gone {
					t.Fatalf("%s was dropped and does not say so", name)
				}
				delete(there, name)
			}
			for n := range visits {
				name := ledger.StreamID(fmt.Sprintf("visit-%d", n))
				if got := x.find(name); got != there[name] || got != nil && (got.name != name || got.gone) {
					t.Fatalf("find(%s) = %v, want %v", name, got, there[name])
				}
			}
		}
	})
}

// TestStreamFillsALine checks that a stream takes one line of the processor's
// cache, as its comment says.
func TestStreamFillsALine(t *testing.T) {
	if n := unsafe.Sizeof(stream{}); n != 64 {
		t.Errorf("a stream takes %d bytes, want 64", n)
	}
}
