package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"time"

	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/watch"
)

// goalShare is the monitor's speed as a share of bare decoding.
const goalShare = 0.5

const (
	workWall = "shelf monitor at 640x360 on one processor, share of bare decoding, wall clock"
	workBusy = "the same, processor time"
)

// A Turn is one round: a film decoded, and decoded and watched.
type Turn struct {
	Frames     int     `json:"frames"`
	Decode     float64 `json:"decode_s"` // by the wall clock
	DecodeBusy float64 `json:"decode_cpu_s"`
	Watch      float64 `json:"watch_s"`
	WatchBusy  float64 `json:"watch_cpu_s"`
}

// speed measures the monitor in turns with bare decoding, in a process that has
// one processor.
func (r *run) speed(ctx context.Context) error {
	films, err := r.films(ctx)
	if err != nil {
		return err
	}
	longest := films[0]
	for _, f := range films {
		if f.Truth[len(f.Truth)-1].T > longest.Truth[len(longest.Truth)-1].T {
			longest = f
		}
	}
	initial := ""
	for _, s := range longest.Plan.Slots {
		initial += fmt.Sprintf(",%s=%d", s.Name, s.Initial)
	}
	if len(r.Turn) == 0 {
		return errors.New("no command for a process of its own")
	}
	args := append(r.Turn[1:len(r.Turn):len(r.Turn)], "--rounds", strconv.Itoa(r.of(15, 3)), "--video", longest.Video,
		"--planogram", longest.plan, "--initial", initial[1:])
	cmd := exec.CommandContext(ctx, r.Turn[0], args...) //nolint:gosec // this program
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := onOneProcessor(cmd); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	var turns []Turn
	if err := json.Unmarshal(out.Bytes(), &turns); err != nil {
		return err
	}
	r.report.Rounds = len(turns)
	var wall, busy, decoding, watching []float64
	for _, t := range turns {
		wall, busy = append(wall, t.Decode/t.Watch), append(busy, t.DecodeBusy/t.WatchBusy)
		decoding = append(decoding, float64(t.Frames)/t.Decode)
		watching = append(watching, float64(t.Frames)/t.Watch)
	}
	r.report.AtLeast(workWall, goals.Median(wall), goalShare, "")
	r.report.AtLeast(workBusy, goals.Median(busy), goalShare, "")
	r.report.Figure("bare decoding, one processor", goals.Median(decoding), "frames/s")
	r.report.Figure("decoding and watching, one processor", goals.Median(watching), "frames/s")
	return nil
}

// Turns decodes and watches a film in turns and writes what each took as JSON.
func Turns(ctx context.Context, out io.Writer, now func() time.Time, video string, plan planogram.Planogram, rounds int) error {
	cv.Threads(1)
	var turns []Turn
	for range rounds {
		var t Turn
		var err error
		t.Decode, t.DecodeBusy, err = timed(now, func() error {
			var err error
			t.Frames, err = decode(video)
			return err
		})
		if err != nil {
			return err
		}
		t.Watch, t.WatchBusy, err = timed(now, func() error { return look(ctx, now, video, plan) })
		if err != nil {
			return err
		}
		turns = append(turns, t)
	}
	return json.NewEncoder(out).Encode(turns)
}

// timed returns what do took, by the wall clock and of the processor.
func timed(now func() time.Time, do func() error) (wall, busy float64, err error) {
	start, used := now(), goals.ProcessorTime()
	err = do()
	return now().Sub(start).Seconds(), (goals.ProcessorTime() - used).Seconds(), err
}

// decode reads all frames of a video.
func decode(video string) (frames int, err error) {
	reader, err := cv.Open(video)
	if err != nil {
		return 0, err
	}
	defer reader.Close() //nolint:errcheck // only read
	for {
		f, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return frames, nil
		}
		if err != nil {
			return frames, err
		}
		f.Close()
		frames++
	}
}

// look watches a video without keeping evidence.
func look(ctx context.Context, now func() time.Time, video string, plan planogram.Planogram) error {
	reader, err := cv.Open(video)
	if err != nil {
		return err
	}
	defer reader.Close() //nolint:errcheck // only read
	_, err = watch.Run(ctx, watch.Config{Frames: reader, Plan: plan, Now: now}, func(watch.Sighting) error { return nil })
	return err
}
