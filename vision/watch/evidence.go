package watch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/evidence"
	"github.com/vouchledger/vouch/vision/shelf"
)

// Keeper stores bytes under their SHA-256; an evidence store is one.
type Keeper interface {
	Keep(ctx context.Context, b []byte) (ledger.Digest, error)
}

// Store returns an evidence store as a Keeper.
func Store(s *evidence.Store) Keeper { return keeper{s} }

type keeper struct{ store *evidence.Store }

// Keep stores b and returns its digest.
func (k keeper) Keep(ctx context.Context, b []byte) (ledger.Digest, error) {
	info, err := k.store.PutBytes(ctx, b)
	return info.Digest, err
}

const (
	// leadSeconds is how much of a clip lies before the event.
	leadSeconds = 2.0
	// clipWidth is the largest width of a clip; a wider camera is shrunk,
	// because a clip is for people and for phones.
	clipWidth = 640
)

// gather stores the frame before, the frame after and the clip of a change.
func (w *watcher) gather(ctx context.Context, ch shelf.Change, after *cv.Frame) ([]ledger.EvidenceRef, error) {
	var refs []ledger.EvidenceRef
	add := func(role, media string, b []byte) error {
		digest, err := w.cfg.Keeper.Keep(ctx, b)
		if err != nil {
			return fmt.Errorf("evidence of %s: %w", ch.Slot, err)
		}
		refs = append(refs, ledger.EvidenceRef{Role: role, Digest: digest, MediaType: media, Bytes: int64(len(b))})
		return nil
	}
	for _, picture := range []struct {
		role  string
		frame *cv.Frame
	}{{"before", w.ring.at(ch.Before)}, {"after", after}} {
		b, err := picture.frame.JPEG()
		if err != nil {
			return nil, err
		}
		if err := add(picture.role, "image/jpeg", b); err != nil {
			return nil, err
		}
	}
	b, err := w.clip(ch)
	if err != nil {
		return nil, err
	}
	return refs, add("clip", "video/mp4", b)
}

// clip encodes the frames from shortly before the event until now. OpenCV
// writes to files only, so the bytes go through one.
func (w *watcher) clip(ch shelf.Change) ([]byte, error) {
	dir, err := os.MkdirTemp("", "vouch-clip")
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	path := filepath.Join(dir, "clip.mp4")
	width, height := cv.EvenSize(w.width, w.height, clipWidth)
	out, err := cv.Create(path, w.fps/float64(w.ring.every), width, height)
	if err != nil {
		return nil, err
	}
	for _, k := range w.ring.since(ch.Frame - int(leadSeconds*w.fps)) {
		if err := out.Write(k.frame); err != nil {
			_ = out.Close()
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	return b, nil
}
