package qrscene

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// many is how many pictures of a condition are read. The table of
// docs/benchmarks.md is made with 40.
var many = flag.Int("pictures", 3, "pictures of each condition")

// TestNoOtherReaderReadsMore checks that where zbar or gozxing reads a share
// of the pictures of a condition, we read as large a share, also frame by frame.
func TestNoOtherReaderReadsMore(t *testing.T) {
	var table strings.Builder
	var whole time.Duration
	for _, name := range Conditions() {
		r, err := Compare(t.Context(), name, *many, time.Now)
		if errors.Is(err, ErrNoZBar) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if best := max(r.ZBar, r.Plain); r.Ours < best {
			t.Errorf("%s: Decode reads %d of %d, another reader %d", name, r.Ours, r.Pictures, best)
		}
		if r.Held < r.Ours {
			t.Errorf("%s: a Reader reads %d of %d, Decode %d", name, r.Held, r.Pictures, r.Ours)
		}
		share := func(n int) float64 { return float64(n) / float64(r.Pictures) }
		slices.Sort(r.Took)
		fmt.Fprintf(&table, "| %s | %.2f | %.2f | %.2f | %.1f | %.1f | %d | %.1f |\n", name, share(r.ZBar), share(r.Plain),
			share(r.Ours), r.ZBarEach.Seconds()*1e3, r.Took[len(r.Took)/2].Seconds()*1e3, r.Frames, slices.Max(r.Each).Seconds()*1e3)
		for _, d := range r.Took {
			whole += d
		}
	}
	t.Logf("| condition | zbar | gozxing | ours | zbar ms | ours ms, median | frames at most | ms of a frame at most |\n%s", table.String())
	t.Logf("mean of all pictures: %.1f ms", whole.Seconds()*1e3/float64(len(Conditions())**many))
}
