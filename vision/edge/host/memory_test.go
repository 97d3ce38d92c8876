//go:build opencv

package host

import (
	"errors"
	"image"
	"syscall"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/footage"
	"github.com/vouchledger/vouch/vision/sidecar"
)

// TestEvidenceThatHasNoRoomLeavesNothingBehind fills the memory so far that the
// next detection's evidence breaks off after one piece, after two, and so on. What
// had been kept of it is let go each time: hour after hour of a full disk must not
// end with a memory that is full of what nobody names.
func TestEvidenceThatHasNoRoomLeavesNothingBehind(t *testing.T) {
	const w, h = 64, 48
	var frames []*cv.Frame
	for n := range 4 {
		px := make([]byte, 3*w*h)
		for i := range px {
			px[i] = byte(i*7 + n*i/5)
		}
		f, err := cv.NewFrame(w, h, px)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		frames = append(frames, f)
	}
	gather := func(m *memory) ([]ledger.EvidenceRef, error) {
		return footage.Maker{Keeper: m}.Make(t.Context(), footage.Scene{
			Before: frames[0], At: frames[1], After: frames[3], Clip: frames, Rate: 10, Place: image.Rect(8, 8, 30, 30), Label: "tea",
			Model: "shelf/1", Item: 900, Action: 900, Weight: &sidecar.Weight{Scale: "s", Points: []sidecar.Point{{-500, 900}, {0, 570}}},
		})
	}
	whole := &memory{}
	refs, err := gather(whole)
	if err != nil {
		t.Fatal(err)
	}
	broke := 0
	for need := 0; need < whole.size; need += whole.size / 24 {
		m := &memory{}
		waits, err := m.Keep(t.Context(), make([]byte, maxMemory-need))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gather(m); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("with room for %d bytes of %d: Make() = %v, want %v", need, whole.size, err, syscall.ENOSPC)
		}
		if broke++; m.size != maxMemory-need || len(m.all) != 1 {
			t.Errorf("with room for %d bytes %d pieces of %d bytes are held afterwards, want only what waits", need, len(m.all), m.size)
		}
		m.forget([]ledger.EvidenceRef{{Digest: waits}})
		if again, err := gather(m); err != nil || len(again) != len(refs) {
			t.Errorf("when there is room again: %d pieces, %v, want %d", len(again), err, len(refs))
		}
		if m.forget(refs); m.size != 0 {
			t.Errorf("after all were safe %d bytes are held", m.size)
		}
	}
	if broke < 20 {
		t.Errorf("evidence broke off at %d places, want many", broke)
	}
}

// What two sightings share outlives the one whose evidence broke off.
func TestEvidenceThatBreaksOffTakesNothingFromItsNeighbour(t *testing.T) {
	m := &memory{}
	var ref ledger.EvidenceRef
	for range 2 {
		d, err := m.Keep(t.Context(), []byte("the shelf afterwards"))
		if err != nil {
			t.Fatal(err)
		}
		ref.Digest = d
	}
	var dropper footage.Dropper = m
	dropper.Drop([]ledger.EvidenceRef{ref})
	if _, err := m.Read(t.Context(), ref.Digest); err != nil {
		t.Errorf("the other sighting lost %v", err)
	}
	if dropper.Drop([]ledger.EvidenceRef{ref}); m.size != 0 {
		t.Errorf("after both %d bytes are held", m.size)
	}
}
