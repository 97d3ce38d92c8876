//go:build opencv

package footage

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/blur"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/sidecar"
)

// networks are the two forms of face networks that are known.
func networks(t testing.TB) map[string]cv.FaceModel {
	return map[string]cv.FaceModel{
		"RFB-320": {Weights: given.File(t, "models/version-RFB-320.onnx")},
		"res10":   {Weights: given.File(t, "models/opencv_face_detector_uint8.pb"), Config: given.File(t, "models/opencv_face_detector.pbtxt")},
	}
}

func openFaces(t testing.TB, m cv.FaceModel) *cv.Faces {
	t.Helper()
	f, err := cv.NewFaces(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// film reads every step-th frame of a clip, at most n.
func film(t testing.TB, name string, step, n int) []*cv.Frame {
	t.Helper()
	r, err := cv.Open(given.File(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []*cv.Frame
	for i := 0; len(all) < n; i++ {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if i%step == 0 {
			all = append(all, f.Clone())
		}
		f.Close()
	}
	t.Cleanup(func() {
		for _, f := range all {
			f.Close()
		}
	})
	return all
}

type memory map[ledger.Digest][]byte

func (m memory) Keep(_ context.Context, b []byte) (ledger.Digest, error) {
	d := ledger.DigestOf(b)
	m[d] = bytes.Clone(b)
	return d, nil
}

// scene is a detection in the middle of some frames.
func scene(frames []*cv.Frame) Scene {
	return Scene{
		Before: frames[0], At: frames[len(frames)/2], After: frames[len(frames)-1], Clip: frames, Rate: 10,
		Place: image.Rect(100, 100, 200, 240), Label: "tea", Model: "vouch-shelf/1", Item: 940, Action: 970,
		Weight: &sidecar.Weight{Scale: "scale-1", Points: []sidecar.Point{{-500, 900}, {0, 570}}},
	}
}

// TestNoFaceIsLeftInWhatAShopperSees makes the evidence of a clip of a man's
// face with each network, and looks for faces in the copies with the other one.
// In the originals they are all still there.
func TestNoFaceIsLeftInWhatAShopperSees(t *testing.T) {
	frames := film(t, "faces/face-male.mp4", 5, 13)
	nets := networks(t)
	for name, m := range nets {
		t.Run(name, func(t *testing.T) {
			faces := openFaces(t, m)
			judges := map[string]*cv.Faces{}
			for n, m := range nets {
				judges[n] = openFaces(t, m)
			}
			stored := memory{}
			refs, err := Maker{Keeper: stored, Faces: faces}.Make(t.Context(), scene(frames))
			if err != nil {
				t.Fatal(err)
			}
			had, left := 0, 0
			for _, r := range refs {
				if r.MediaType == sidecar.MediaType || r.Role == ledger.RoleThumb {
					continue
				}
				for _, f := range pictures(t, stored[r.Digest], r.MediaType) {
					for judge, j := range judges {
						found, err := j.Find(f)
						if err != nil {
							t.Fatal(err)
						}
						sure := slices.ContainsFunc(found, func(b cv.Box) bool { return b.Score >= 0.7 })
						switch {
						case r.Role != ledger.RoleBlurred && sure:
							had++
						case r.Role == ledger.RoleBlurred && sure:
							left++
							t.Logf("%s sees %v in the copy of a %s", judge, found, r.MediaType)
						}
					}
				}
			}
			if had < 24 || left > 0 {
				t.Errorf("%d faces in the originals and %d in the copies, want them seen by both networks in most of 16 and in none", had, left)
			}
		})
	}
}

// pictures returns the frames of a stored piece.
func pictures(t *testing.T, b []byte, media string) []*cv.Frame {
	t.Helper()
	if media == "image/jpeg" {
		f, err := cv.DecodeImage(b)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.Close)
		return []*cv.Frame{f}
	}
	path := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := cv.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []*cv.Frame
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		c := f.Clone()
		t.Cleanup(c.Close)
		all = append(all, c)
		f.Close()
	}
}

// TestEvidenceOfAScene looks at what a detection gets: every original has its
// blurred copy, nothing is drawn on a picture, and the data says what was seen.
func TestEvidenceOfAScene(t *testing.T) {
	frames := film(t, "video/person-a.mp4", 4, 30)
	for name, m := range map[string]Maker{
		"nothing looks for anybody": {},
		"nobody is found":           {Faces: nobody{}, Persons: nobody{}},
		"a person far off":          {Faces: nobody{}, Persons: somebody{image.Rect(300, 100, 360, 300)}, Things: somebody{image.Rect(110, 100, 190, 230)}},
	} {
		stored := memory{}
		m.Keeper = stored
		refs, err := m.Make(t.Context(), scene(frames))
		if err != nil {
			t.Fatal(err)
		}
		d := ledger.DetectionRecorded{
			Store: "s", Sensor: "c", Source: ledger.SensorCamera, Slot: "a", Quantity: 1, Evidence: refs, Model: "m",
			Items:   []ledger.ItemHypothesis{{SKU: "tea", Confidence: 940}},
			Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 970}},
		}
		if err := d.Validate(); err != nil {
			t.Errorf("%s: the ledger does not take it: %v", name, err)
		}
		changed := 0
		for _, r := range refs {
			if !r.Original() || r.Role == ledger.RoleThumb {
				continue
			}
			copied, ok := ledger.BlurredOf(refs, r.Digest)
			if !ok || len(stored[copied.Digest]) != int(copied.Bytes) {
				t.Errorf("%s: no blurred copy of the %s is stored", name, r.Role)
			}
			if copied.Digest != r.Digest {
				changed++
			}
		}
		if (changed == 0) != (name == "nobody is found") {
			t.Errorf("%s: %d copies hide something", name, changed)
		}
		before, err := frames[0].JPEG()
		if err != nil || !bytes.Equal(stored[refs[0].Digest], before) {
			t.Errorf("%s: the frame before is not as it was seen: %v", name, err)
		}
		boxes := read(t, stored, refs, ledger.RoleBoxes, sidecar.ParseBoxes)
		if len(boxes.Frames) != 3 || boxes.Item != 940 || boxes.Frames[1].Boxes[0].Label != "tea" {
			t.Errorf("%s: boxes = %+v", name, boxes)
		}
		if m.Things != nil && !slices.ContainsFunc(boxes.Frames[2].Boxes, func(b sidecar.Box) bool { return b.Kind == sidecar.KindThing }) {
			t.Errorf("%s: the data does not say what the network saw: %+v", name, boxes.Frames[2])
		}
		if w := read(t, stored, refs, ledger.RoleWeight, sidecar.ParseWeight); w.Change() != -330 {
			t.Errorf("%s: weight = %+v", name, w)
		}
	}
}

func read[T any](t *testing.T, stored memory, refs []ledger.EvidenceRef, role string, parse func([]byte) (T, error)) T {
	t.Helper()
	i := slices.IndexFunc(refs, func(r ledger.EvidenceRef) bool { return r.Role == role })
	if i < 0 {
		t.Fatalf("no %s in %v", role, refs)
	}
	v, err := parse(stored[refs[i].Digest])
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// nobody finds nothing, and somebody one box.
type nobody struct{}

func (nobody) Label() string                                         { return "nobody" }
func (nobody) Find(*cv.Frame) ([]cv.Box, error)                      { return nil, nil }
func (nobody) DetectIn(*cv.Frame, image.Rectangle) ([]cv.Box, error) { return nil, nil }

type somebody struct{ at image.Rectangle }

func (somebody) Label() string { return "somebody" }
func (s somebody) DetectIn(*cv.Frame, image.Rectangle) ([]cv.Box, error) {
	return []cv.Box{{Class: "person", Score: 0.8, Rect: s.at}, {Class: "dog", Score: 0.9, Rect: s.at.Add(image.Pt(50, 0))}}, nil
}

// TestWithoutACopyThereIsNoEvidence breaks what looks for faces.
func TestWithoutACopyThereIsNoEvidence(t *testing.T) {
	frames := film(t, "video/person-a.mp4", 4, 6)
	if refs, err := (Maker{Keeper: memory{}, Faces: broken{}}).Make(t.Context(), scene(frames)); !errors.Is(err, errBroken) || refs != nil {
		t.Errorf("Make with a broken network = %v, %v, want %v and nothing to name", refs, err, errBroken)
	}
	if _, err := (Maker{Keeper: full{}}).Make(t.Context(), scene(frames)); !errors.Is(err, errBroken) {
		t.Errorf("Make on a full disk = %v, want %v", err, errBroken)
	}
}

var errBroken = errors.New("broken")

type broken struct{ nobody }

func (broken) Find(*cv.Frame) ([]cv.Box, error) { return nil, errBroken }

type full struct{}

func (full) Keep(context.Context, []byte) (ledger.Digest, error) { return "", errBroken }

// TestAFaceThatTurnsAwayStaysHidden loses the face for some frames of a clip.
func TestAFaceThatTurnsAwayStaysHidden(t *testing.T) {
	face := image.Rect(10, 10, 20, 20)
	each := make([][]image.Rectangle, 9)
	each[1], each[7] = []image.Rectangle{face}, []image.Rectangle{face}
	for i, got := range around(each) {
		if len(got) == 0 {
			t.Errorf("frame %d shows the face that was seen in frames 1 and 7", i)
		}
	}
	if got := blur.Around(face); !face.In(got) {
		t.Errorf("Around = %v", got)
	}
}

func TestFilesThatAreNoFaceNetworkAreRefused(t *testing.T) {
	for story, m := range map[string]cv.FaceModel{
		"no file":                  {Weights: filepath.Join(t.TempDir(), "none.onnx")},
		"a network of other forms": {Weights: given.File(t, "models/FastestDet.onnx")},
		"weights and another's description": {
			Weights: given.File(t, "models/opencv_face_detector_uint8.pb"), Config: given.File(t, "models/coco.names"),
		},
		"a text": {Weights: given.File(t, "models/coco.names")},
	} {
		if f, err := cv.NewFaces(m); !errors.Is(err, cv.ErrModel) {
			t.Errorf("%s: NewFaces = %v, %v, want ErrModel", story, f, err)
		}
	}
}
