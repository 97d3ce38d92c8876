package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/edge/host"
)

const (
	goalCameras = 4   // at liveRate, on two processors
	goalLatency = 1.0 // seconds from the last frame of a pick to the acknowledged event

	liveRate = 15 // frames a second of a camera
	// afterwards is how long what happened last on a film has to arrive.
	afterwards = 10 * time.Second
	processors = 2
)

const (
	workLatency = "from the last frame of a pick to the acknowledged event, median"
	workCameras = "cameras of 640x360 at 15 frames/s on two processors that lost no frame"
)

// live plays films to a shop that runs, with a server that acknowledges.
func (r *run) live(ctx context.Context) error {
	films, err := r.reached(ctx, r.of(goalCameras, 1))
	if err != nil {
		return err
	}
	s, err := r.serve(ctx, films)
	if errors.Is(err, errNoServer) {
		r.report.Missing(workCameras, goalCameras, "", false, err.Error())
		r.report.Missing(workLatency, goalLatency, "s", true, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	show, err := r.show(ctx, s, films)
	if err = errors.Join(err, s.stop()); err != nil {
		return err
	}
	show.report(&r.report)
	return nil
}

// A show is films that were played to a shop.
type show struct {
	book  *logbook
	picks []pick
	end   time.Time

	views []host.CameraView
	// busy is what the shop used of the processors while it took to play.
	busy, took time.Duration
}

// show runs the shop until every film was played and every pick arrived or was
// waited for.
func (r *run) show(ctx context.Context, s *server, films []clip) (*show, error) {
	file, err := r.shopFile(s, films)
	if err != nil {
		return nil, err
	}
	sh := &show{book: newLogbook(r.Now)}
	for _, f := range films {
		rate, err := rateOf(f.Video)
		if err != nil {
			return nil, err
		}
		sh.picks = append(sh.picks, f.picks(rate)...)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var rolling sync.WaitGroup
	rolling.Add(len(films))
	var h *host.Host
	var log bytes.Buffer
	ran := make(chan error, 1)
	start, busy := r.Now(), goals.ProcessorTime()
	running := make(chan struct{})
	go func() {
		ran <- r.Shop(ctx, file, Taps{
			Log: &log, Running: func(made *host.Host) { h = made; close(running) },
			Open: func(source string) (host.Camera, error) {
				return r.open(ctx, source, films, sh.book, rolling.Done)
			},
			Seen: sh.book.saw, Kept: sh.book.safe, Sent: sh.book.tried,
		})
	}()
	played := make(chan struct{})
	go func() { rolling.Wait(); close(played) }()
	select {
	case err := <-ran:
		return nil, fmt.Errorf("the shop ended: %w: %s", err, log.Bytes())
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), <-ran)
	case <-played:
	}
	sh.wait(ctx)
	sh.end, sh.took, sh.busy = r.Now(), r.Now().Sub(start), goals.ProcessorTime()-busy
	<-running
	sh.views = h.View().Cameras
	stop()
	if err := <-ran; err != nil {
		return nil, fmt.Errorf("the shop: %w: %s", err, log.Bytes())
	}
	return sh, sh.book.accepted()
}

// wait waits for what is still on its way.
func (sh *show) wait(ctx context.Context) {
	late := time.NewTimer(afterwards)
	defer late.Stop()
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for !sh.book.complete(sh.picks) {
		select {
		case <-again.C:
		case <-late.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// open opens a film as a camera.
func (r *run) open(ctx context.Context, source string, films []clip, book *logbook, over func()) (host.Camera, error) {
	name, err := filmOf(source)
	if err != nil {
		return nil, err
	}
	for _, f := range films {
		if f.Name != name {
			continue
		}
		reader, err := cv.Open(f.Video)
		if err != nil {
			return nil, err
		}
		return &playing{source: reader, name: name, book: book, done: ctx.Done(), over: over, now: r.Now}, nil
	}
	return nil, fmt.Errorf("%w: no film %s", os.ErrNotExist, name)
}

// rateOf returns the frames a second of a video.
func rateOf(video string) (float64, error) {
	reader, err := cv.Open(video)
	if err != nil {
		return 0, err
	}
	defer reader.Close() //nolint:errcheck // only read
	return reader.Rate().Float(), nil
}

// shopFile writes the file that `vouch-edge run` is given.
func (r *run) shopFile(s *server, films []clip) (string, error) {
	var cameras []edge.Camera
	for _, f := range films {
		plan, err := filepath.Abs(f.plan)
		if err != nil {
			return "", err
		}
		c := edge.Camera{Name: f.Name, Source: filmScheme + f.Name, Planogram: plan, Rate: liveRate, Initial: map[string]int{}}
		for _, slot := range f.Plan.Slots {
			c.Initial[slot.Name] = slot.Initial
		}
		cameras = append(cameras, c)
	}
	b, err := json.Marshal(struct {
		Store   string        `json:"store"`
		Device  string        `json:"device"`
		Server  string        `json:"server"`
		Key     string        `json:"key"`
		Folder  string        `json:"folder"`
		Status  string        `json:"status"`
		Cameras []edge.Camera `json:"cameras"`
	}{store, "edge", s.url, s.key, filepath.Join(r.dir, "edge"), "127.0.0.1:0", cameras})
	if err != nil {
		return "", err
	}
	path := filepath.Join(r.dir, "shop.json")
	return path, os.WriteFile(path, b, 0o600)
}

// report adds what the show says.
func (sh *show) report(r *goals.Report) {
	lost, whole15, dropped, frames := 0, 0, 0, 0
	for _, v := range sh.views {
		dropped, frames = dropped+v.Dropped, frames+v.Frames
		if v.Dropped == 0 {
			whole15++
		}
	}
	r.AtLeast(workCameras, float64(whole15), goalCameras, "")
	all := sh.book.journeys(sh.picks)
	takes := actions(all, string(ledger.ActionTake))
	for _, j := range all {
		if j.Acked.IsZero() {
			lost++
		}
	}
	latency := whole(takes, journey.left, sh.end)
	r.AtMost(workLatency, goals.Median(latency), goalLatency, "s")

	r.Figure("cameras that played", float64(len(sh.views)), "")
	r.Figure("frames dropped of all they delivered", 100*float64(dropped)/float64(max(1, frames)), "%")
	r.Figure("share of two processors, server not counted", 100*sh.busy.Seconds()/sh.took.Seconds()/processors, "%")
	r.Figure("picks, takes", float64(len(takes)), "")
	r.Figure("takes and returns that were not acknowledged", float64(lost), "")
	r.Figure("from the last frame of a pick to the acknowledged event, nine in ten", goals.Quantile(latency, 0.9), "s")
	r.Figure("from the frame in which it left the shelf, median", goals.Median(whole(takes, journey.happened, sh.end)), "s")
	r.Tables = append(r.Tables, steps(takes))
	returns := actions(all, string(ledger.ActionReturn))
	r.Figure("the same of returns, which wait until it is clear who brought it, median", goals.Median(whole(returns, journey.left, sh.end)), "s")
}

// steps is the table of what a take waits for.
func steps(takes []journey) goals.Table {
	t := goals.Table{
		Head: []string{"what a take waits for, from its last frame on", "median, s", "nine in ten, s"}, Left: []bool{true},
	}
	for _, w := range waits {
		all := w.seconds(takes)
		t.Rows = append(t.Rows, []string{
			w.what, fmt.Sprintf("%.2f", goals.Median(all)), fmt.Sprintf("%.2f", goals.Quantile(all, 0.9)),
		})
	}
	return t
}

// actions returns the journeys of one action.
func actions(all []journey, action string) []journey {
	var out []journey
	for _, j := range all {
		if j.action == action {
			out = append(out, j)
		}
	}
	return out
}
