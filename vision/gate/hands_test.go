package gate

import (
	"image"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/vision/palm"
	"github.com/vouchledger/vouch/vision/palm/palmtest"
)

// shown draws somebody's hand until it is one that is seen.
func shown(t *testing.T, p *palmtest.Person, r *rand.Rand) *image.Gray {
	t.Helper()
	for range 9 {
		g := p.Capture(r)
		if _, err := palm.See(g); err == nil {
			return g
		}
	}
	t.Fatal("nine drawings of a hand and no hand is seen")
	return nil
}

// TestAHandIsToldOnceWhenItHasDoneWhatItWasAsked: it comes nearer, stays in sight,
// goes, and comes back.
func TestAHandIsToldOnceWhenItHasDoneWhatItWasAsked(t *testing.T) {
	p, r := palmtest.NewPerson(3), rand.New(rand.NewPCG(1, 2))
	p.Bright = 120
	far, near := *p, *p
	far.Size, near.Size = 0.85, 1.1
	nobody := image.NewGray(image.Rect(0, 0, 640, 480))
	h := Hands{Ask: func() []palm.Challenge { return []palm.Challenge{palm.Nearer} }}
	var told []string
	at := time.Duration(0)
	show := func(g *image.Gray, step time.Duration) {
		t.Helper()
		at += step
		hand, err := h.See(g, at)
		if err != nil {
			t.Fatal(err)
		}
		if hand.Asks != "" {
			told = append(told, hand.Asks)
		}
		if hand.Done {
			told = append(told, "done")
		}
	}
	a, b := shown(t, &far, r), shown(t, &near, r)
	for _, step := range []struct {
		g    *image.Gray
		wait time.Duration
	}{
		{nobody, HandEvery},
		{a, HandEvery},
		{b, HandEvery / 4},
		{a, HandEvery},
		{b, HandEvery},
		{a, HandEvery},
		{b, HandEvery},
		{nobody, time.Second},
		{a, time.Second},
		{nobody, Forget + time.Second},
		{a, HandEvery},
		{b, HandEvery},
	} {
		show(step.g, step.wait)
	}
	ask := palm.Nearer.Asks()
	if got, want := strings.Join(told, ";"), strings.Join([]string{ask, "done", ask, "done"}, ";"); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}
