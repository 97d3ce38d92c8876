package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/models"
	"github.com/vouchledger/vouch/vision/recognise/network"
	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/walks"
)

const (
	// goalClips is the F1 over all clips, tolerance how far in seconds a
	// detection may be from what happened.
	goalClips = 0.95
	tolerance = 1.5
	// walkSeed decides what is made from the given clips.
	walkSeed = 1
)

// noData says what to do where given data are missing.
const noData = "no data: name its folder with --data"

// video is the folder of the given clips.
func (r *run) video() string { return filepath.Join(r.Data, "video") }

// clips is the row of F1 on real clips and those made from them, without and
// with a detector.
func (r *run) clips(ctx context.Context) error {
	given, err := walks.Folder(r.video())
	if errors.Is(err, walks.ErrNoClips) {
		for _, with := range []string{"without a detector", "with a detector"} {
			r.report.Missing("shelf events of real clips, F1, "+with, goalClips, "", false, noData)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.walk(ctx, given, "without a detector", nil); err != nil {
		return err
	}
	detector, label, err := r.detector()
	if errors.Is(err, fs.ErrNotExist) {
		r.report.Missing("shelf events of real clips, F1, with a detector", goalClips, "", false, noData)
		return nil
	}
	if err != nil {
		return err
	}
	defer detector.Close() //nolint:errcheck // only read
	return r.walk(ctx, given, "with "+label, detector)
}

// walk watches the clips under every condition and adds their rows.
func (r *run) walk(ctx context.Context, given []walks.Clip, with string, detector *cv.Detector) error {
	cfg := walks.Config{Tolerance: tolerance, Seed: walkSeed, Now: r.Now}
	if detector != nil {
		cfg.Detector = detector
	}
	var sum score.Result
	clips, touched, touches, frames := 0, 0, 0, 0
	err := walks.Run(ctx, given[:r.of(len(given), 1)], cfg, func(row walks.Row) {
		r.progress(fmt.Sprintf("clips %s: %s, %s", with, row.Clip, row.Trouble))
		sum, clips, frames = sum.Add(row.Result), clips+1, frames+row.Frames
		if row.Touches {
			touched, touches = touched+1, touches+row.Result.False
		}
	})
	if err != nil {
		return err
	}
	r.report.AtLeast(fmt.Sprintf("shelf events of %d real clips and clips made from them, F1, %s", clips, with), sum.F1(), goalClips, "")
	r.report.AtMost(fmt.Sprintf("events claimed on the %d of touches only, %s", touched, with), float64(touches), 0, "")
	_, largest := sum.MedianError()
	r.report.Figure("events of the clips, "+with, float64(sum.Right+sum.Missed), "")
	r.report.Figure("missed, "+with, float64(sum.Missed), "")
	r.report.Figure("false, "+with, float64(sum.False), "")
	r.report.Figure("largest error of time, "+with, largest, "s")
	return nil
}

// detector loads the network that confirms.
func (r *run) detector() (d *cv.Detector, label string, err error) {
	path, err := r.manifest("yolo-fastest-1.1-xl.json")
	if err != nil {
		return nil, "", err
	}
	m, err := models.Load(path)
	if err != nil {
		return nil, "", err
	}
	d, err = cv.NewDetector(network.Files(m))
	return d, m.Name + " " + m.Version, err
}

// manifest lays a manifest beside the given files that it names, and returns
// where. The error is fs.ErrNotExist where one of them is not here.
func (r *run) manifest(name string) (string, error) {
	dir := filepath.Join(r.dir, "models")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	b, err := os.ReadFile(filepath.Join(r.Manifests, name))
	if err != nil {
		return "", err
	}
	m, err := models.Parse(b)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	for _, f := range m.Files {
		from, err := filepath.Abs(filepath.Join(r.Data, "models", f.Path))
		if err != nil {
			return "", err
		}
		if _, err := os.Stat(from); err != nil {
			return "", err
		}
		if err := os.Symlink(from, filepath.Join(dir, f.Path)); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, b, 0o600)
}
