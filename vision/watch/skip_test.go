//go:build opencv

package watch

import (
	"slices"
	"testing"

	"github.com/vouchledger/vouch/vision/cv"
)

// sparing is a drawn shelf that can pass over frames.
type sparing struct {
	*drawn
	passed []int
}

func (s *sparing) Skip() error {
	s.passed = append(s.passed, s.n)
	f, err := s.Next()
	if err == nil {
		f.Close()
	}
	return err
}

// What nobody looks at is passed over, and everything is seen as without that:
// the same sightings with the same evidence, and as many frames.
func TestPassingOverFramesChangesNothing(t *testing.T) {
	watched := func(src Source) (stats Stats, seen []Sighting) {
		cfg := config(t, 0, 0)
		cfg.Frames, cfg.Keeper = src, memory{}
		stats, err := Run(t.Context(), cfg, func(s Sighting) error { seen = append(seen, s); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return stats, seen
	}
	plain, want := watched(&drawn{frames: 120, leaves: 45})
	src := &sparing{drawn: &drawn{frames: 120, leaves: 45}}
	spared, got := watched(src)
	if plain != spared || len(want) != 1 || len(got) != 1 {
		t.Fatalf("%+v and %d sightings, without passing over %+v and %d", spared, len(got), plain, len(want))
	}
	if !slices.Equal(got[0].Evidence, want[0].Evidence) || got[0].Change != want[0].Change || got[0].T != want[0].T {
		t.Errorf("passing over frames gives %+v, want %+v", got[0], want[0])
	}
	if len(src.passed) != 40 || slices.ContainsFunc(src.passed, func(n int) bool { return n%2 == 0 || n%3 == 0 }) {
		t.Errorf("of 120 frames these were passed over: %v; want the 40 that are neither looked at nor kept", src.passed)
	}
	var _ skipper = (*cv.Reader)(nil)
}
