package sealed

import (
	"encoding/binary"
	"math"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"
)

// TestGuessedPlaces checks that where a stream is guessed to lie is where it lies,
// however its hashes are spread, and that of no stream at all the place is told too.
func TestGuessedPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.SampledFrom([]uint64{9, 1 << 20, math.MaxUint64}).Draw(t, "most")
		hashes := rapid.SliceOfN(rapid.Uint64Max(most), 0, 300).Draw(t, "hashes")
		slices.Sort(hashes)
		var streams []byte
		for _, h := range hashes {
			streams = hashed{hash: h}.append(streams)
		}
		for _, h := range append(hashes, 0, 5, 1<<19, 1<<63, math.MaxUint64) {
			want, _ := slices.BinarySearch(hashes, h)
			if got := placeOf(streams, h); got != want {
				t.Fatalf("placeOf(%x) = %d of %d, want %d", h, got, len(hashes), want)
			}
		}
	})
}

// TestGuessedBlocks checks that the block of an ordinal is found whatever blocks hold,
// in a table that does not hold too: what is found there is refused later.
func TestGuessedBlocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.SampledFrom([]uint32{1, 2, 12, 13, 900}), 1, 300).Draw(t, "events")
		first := rapid.SampledFrom([]uint32{0, 0, 0, 7}).Draw(t, "first")
		var firsts []uint32
		blocks, count := make([]byte, blockEntry*len(sizes)), uint64(first)
		for i, n := range sizes {
			binary.LittleEndian.PutUint32(blocks[i*blockEntry+16:], uint32(count))
			firsts, count = append(firsts, uint32(count)), count+uint64(n)
		}
		promised := rapid.SampledFrom([]uint64{count, count, count / 2, 1}).Draw(t, "count")
		for _, o := range append(firsts, 0, first+1, uint32(count/2), uint32(count-1), uint32(count), math.MaxUint32) {
			want := sort.Search(len(firsts), func(i int) bool { return firsts[i] > o }) - 1
			if got := blockOf(blocks, promised, o); got != want {
				t.Fatalf("blockOf(%d) = %d of %d, want %d", o, got, len(firsts), want)
			}
		}
		if got := blockOf(nil, promised, 0); got != -1 {
			t.Fatalf("blockOf() without blocks = %d", got)
		}
	})
}
