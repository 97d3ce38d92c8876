package host

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/planogram"
)

const floorFile = `{"size": [640, 360], "points": [
	{"picture": [100, 300], "floor": [0, 0]}, {"picture": [540, 300], "floor": [3, 0]},
	{"picture": [420, 120], "floor": [3, 4]}, {"picture": [220, 120], "floor": [0, 4]}]}`

var doorCam = edge.Camera{Name: "door", Source: "rtsp://door", Floor: "door.floor.json"}

// withFloor puts the floor file beside the machine's own.
func withFloor(t *testing.T, h *Host) *Host {
	t.Helper()
	if err := os.WriteFile(filepath.Join(h.cfg.Beside, "door.floor.json"), []byte(floorFile), 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// blind is a camera of another size that shows nothing.
type blind struct{ w, h int }

func (b blind) Next() (*cv.Frame, error)  { return nil, io.EOF }
func (b blind) Size() (w, h int)          { return b.w, b.h }
func (b blind) Rate() cv.Rate             { return cv.Rate{Num: 15, Den: 1} }
func (b blind) Live() bool                { return true }
func (b blind) Close() error              { return nil }
func follow(h *Host, c edge.Camera) error { return h.follow(context.Background(), &run{camera: c}, 1) }

func TestACameraThatLooksForPersonsSaysWhyItCannot(t *testing.T) {
	for _, tt := range []struct {
		story  string
		camera edge.Camera
		spoil  func(h *Host)
		want   ledger.DeviceState
		says   string
	}{
		{"no floor file", edge.Camera{Name: "door", Source: "rtsp://x", Floor: "none.json"}, func(*Host) {}, ledger.DeviceMisconfigured, "none.json"},
		{"another camera's floor", doorCam, func(h *Host) {
			h.cfg.Open = func(string) (Camera, error) { return blind{320, 180}, nil }
		}, ledger.DeviceMisfit, "640x360"},
		{"a program without eyes for persons", doorCam, func(h *Host) {
			h.cfg.Open = func(string) (Camera, error) { return blind{640, 360}, nil }
		}, ledger.DeviceModelRefused, "no persons"},
		{"a detector that is not there", doorCam, func(h *Host) {
			h.cfg.Open = func(string) (Camera, error) { return blind{640, 360}, nil }
			h.cfg.People = func(edge.Camera, string, *mount.Mount, float64) (People, error) { return nil, cv.ErrModel }
		}, ledger.DeviceModelRefused, ""},
		{"no camera", doorCam, func(*Host) {}, ledger.DeviceUnreachable, ""},
	} {
		h := withFloor(t, machine(t, "", tt.camera))
		tt.spoil(h)
		err := follow(h, tt.camera)
		got := ending(tt.camera, err)
		if err == nil || got.State != tt.want || !strings.Contains(got.Detail, tt.says) {
			t.Errorf("%s: %v, told as %+v, want %s that says %q", tt.story, err, got, tt.want, tt.says)
		}
	}
}

func TestSettingsOfAPersonsCameraAreTriedBeforeTheyCount(t *testing.T) {
	h := withFloor(t, machine(t, ""))
	h.cfg.People = func(edge.Camera, string, *mount.Mount, float64) (People, error) { return nil, cv.ErrNoOpenCV }
	if err := h.tryEyes([]edge.Camera{doorCam}); !errors.Is(err, cv.ErrNoOpenCV) {
		t.Errorf("a camera whose detector does not open = %v, want why", err)
	}
	lost := doorCam
	lost.Floor = "lost.json"
	if err := h.tryEyes([]edge.Camera{lost}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a camera whose floor file is not there = %v, want why", err)
	}
	if _, err := h.plan(doorCam); err == nil || errors.Is(err, planogram.ErrSize) {
		t.Errorf("a persons camera has a planogram: %v", err)
	}
}

func TestFilmsThatBeginWithTheSettingsBeginTogether(t *testing.T) {
	h := machine(t, "")
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	now := noon
	h.cfg.Now = func() time.Time { return now }
	if err := h.do(t.Context(), edge.Configured{}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(300 * time.Millisecond)
	film, camera := edge.Camera{Name: "a", Source: "a.mp4"}, edge.Camera{Name: "b", Source: "rtsp://b"}
	if at := h.starts(film); !at.Equal(noon) {
		t.Errorf("a film that took 0.3 s to open begins at %v, want with the settings at %v", at, noon)
	}
	if at := h.starts(film); !at.Equal(now) {
		t.Errorf("its second round begins at %v, want %v", at, now)
	}
	if at := h.starts(camera); !at.Equal(now) {
		t.Errorf("a camera begins at %v, want %v", at, now)
	}
}
