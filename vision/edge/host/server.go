package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/internal/pause"
	"github.com/vouchledger/vouch/vision/planogram"
)

const (
	// roundWithin bounds a round; an answer that is slower says little.
	roundWithin = 10 * time.Second
	// longPoll is how long the server may hold the question for settings, and
	// pollWithin how long we wait for it in all.
	longPoll   = 50 * time.Second
	pollWithin = 70 * time.Second
	// maxAnswer bounds an answer: the largest settings and their frame.
	maxAnswer = ledger.MaxSettings + 64<<10
	// diskEvery is how often the disk is looked at, diskFree what must be free:
	// the evidence of an hour of a busy shelf.
	diskEvery = 10 * time.Second
	diskFree  = 64 << 20
)

// ask gets an answer of the server.
func (h *Host) ask(ctx context.Context, path string, within time.Duration, header ...string) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.cfg.Server+path, nil)
	if err != nil {
		return nil, nil, err
	}
	if h.cfg.Key != "" {
		req.Header.Set("Authorization", "Bearer "+h.cfg.Key)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := h.cfg.Client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, nil, err
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNotModified {
		return nil, nil, fmt.Errorf("%w %s", errAnswer, res.Status)
	}
	return res, b, nil
}

// compareClocks asks for the server's time again and again.
func (h *Host) compareClocks(ctx context.Context) {
	for n := 1; ; n++ {
		err := h.round(ctx)
		if ctx.Err() != nil {
			return
		}
		h.mu.Lock()
		h.offset, h.offsets = h.clock.Offset()
		in := edge.Compared{Known: h.offsets, Offset: h.offset}
		h.mu.Unlock()
		if err != nil {
			in.Detail = err.Error()
		}
		h.tell(ctx, in)
		rest := edge.UntilNextRound(n)
		if err != nil {
			rest = max(rest, 10*time.Second)
		}
		if !pause.For(ctx, rest) {
			return
		}
	}
}

func (h *Host) round(ctx context.Context) error {
	sent := h.cfg.Now()
	_, b, err := h.ask(ctx, vision.PathTime, roundWithin) //nolint:bodyclose // ask read it
	if err != nil {
		return fmt.Errorf("time of the server: %w", err)
	}
	r, err := edge.ReadRound(b, sent, h.cfg.Now())
	if err != nil {
		return err
	}
	h.clock.Add(r)
	return nil
}

// given is what the server gives, and what is kept on disk of it.
type given struct {
	Version  int             `json:"version"`
	Settings json.RawMessage `json:"settings"`
}

// followSettings waits for settings, checks them and makes them count.
func (h *Host) followSettings(ctx context.Context) {
	for tries := 0; ; {
		g, err := h.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			tries++
			if tries == 1 {
				h.cfg.Logger.WarnContext(ctx, "no settings from the server; those there are stay", slog.String("why", err.Error()))
			}
			rest := min(time.Minute, time.Second<<min(tries, 6))
			if !pause.For(ctx, rest/2+time.Duration(h.cfg.Roll()*float64(rest/2))) {
				return
			}
			continue
		}
		tries = 0
		if g.Version == 0 || g.Version == h.has {
			// An old server answers at once; ask it no more than once a second.
			if !pause.For(ctx, time.Second) {
				return
			}
			continue
		}
		h.has = g.Version
		h.tell(ctx, h.judge(g))
	}
}

// fetch waits for other settings than those at hand.
func (h *Host) fetch(ctx context.Context) (given, error) {
	var g given
	//nolint:bodyclose // ask read it
	res, b, err := h.ask(ctx, h.path("settings")+"?wait="+strconv.Itoa(int(longPoll.Seconds())), pollWithin,
		"If-None-Match", `"`+strconv.Itoa(h.has)+`"`)
	if err != nil {
		return g, fmt.Errorf("settings: %w", err)
	}
	if res.StatusCode == http.StatusNotModified {
		return given{Version: h.has}, nil
	}
	if err := json.Unmarshal(b, &g); err != nil {
		return g, fmt.Errorf("settings: %w something else: %w", errAnswer, err)
	}
	return g, nil
}

// judge says whether settings can be followed. Those that can are on disk
// before anybody follows them.
func (h *Host) judge(g given) edge.Input {
	s, err := edge.ParseSettings(g.Settings)
	if err == nil { // of an older server; what is in force already stays so
		err = vision.CheckSecrets(g.Settings)
	}
	if err == nil && (s.Cart != nil) != (h.cfg.Cart != nil) {
		err = errKind
	}
	if err == nil && len(s.Cameras) > 0 && h.cfg.Open == nil {
		err = fmt.Errorf("%w: this device has no cameras", edge.ErrSettings)
	}
	for _, c := range s.Cameras {
		if err == nil && c.Floor == "" {
			if _, perr := h.plan(c); perr != nil {
				err = fmt.Errorf("%s: %w", c.Name, perr)
			}
		}
	}
	if err == nil {
		err = h.tryEyes(s.Cameras)
	}
	if err == nil {
		err = h.remember(g)
	}
	if err != nil {
		text := err.Error()
		return edge.Refused{Version: g.Version, Reason: text[:min(len(text), ledger.MaxText)]}
	}
	return edge.Configured{Version: g.Version, Settings: s}
}

// plan returns the planogram of a camera with the items at the start.
func (h *Host) plan(c edge.Camera) (planogram.Planogram, error) {
	var p planogram.Planogram
	var err error
	if len(c.Plan) > 0 {
		p, err = planogram.Parse(c.Plan)
	} else {
		p, err = planogram.Load(h.file(c.Planogram))
	}
	if err != nil {
		return p, err
	}
	return p.WithInitial(c.Initial)
}

// file returns where a file that settings name is.
func (h *Host) file(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(h.cfg.Beside, name)
}

// errKind means that settings are for the other kind of device.
var errKind = fmt.Errorf("%w: a cart needs settings of a cart, and nothing else has them", edge.ErrSettings)

const settingsFile = "settings.json"

// remembered returns the settings that were in force last; without any those
// of the shop's own file.
func (h *Host) remembered() (int, edge.Settings) {
	b, err := os.ReadFile(filepath.Join(h.cfg.State, settingsFile))
	if errors.Is(err, os.ErrNotExist) {
		return 0, h.cfg.Local
	}
	var g given
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	var s edge.Settings
	if err == nil {
		s, err = edge.ParseSettings(g.Settings)
	}
	if err != nil {
		h.cfg.Logger.Error("the settings that were in force cannot be read; the shop's own file counts", slog.String("why", err.Error()))
		return 0, h.cfg.Local
	}
	return g.Version, s
}

func (h *Host) remember(g given) error {
	b, err := json.Marshal(g)
	if err != nil {
		return err
	}
	return replace(filepath.Join(h.cfg.State, settingsFile), b)
}

// replace writes a file so that it is either as before or as wanted, whatever
// happens meanwhile.
func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// watchDisk looks whether there is room.
func (h *Host) watchDisk(ctx context.Context) {
	for {
		var st syscall.Statfs_t
		in := edge.Disk{}
		if err := syscall.Statfs(h.cfg.State, &st); err != nil {
			in.Full, in.Detail = true, err.Error()
		} else if free := st.Bavail * uint64(st.Bsize); free < diskFree { //nolint:gosec // a block has a size
			in.Full, in.Detail = true, fmt.Sprintf("%d MB are free", free>>20)
		}
		h.tell(ctx, in)
		if !pause.For(ctx, diskEvery) {
			return
		}
	}
}
