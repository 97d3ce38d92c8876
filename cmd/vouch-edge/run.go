package main

import (
	"bytes"
	"cmp"
	"context"
	text "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/cmd/vouch-edge/bench"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	visionedge "github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/edge/host"
	"github.com/vouchledger/vouch/vision/edge/statuspage"
	"github.com/vouchledger/vouch/vision/floor/live"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/recognise/network"
	"github.com/vouchledger/vouch/vision/shelf"
	"github.com/vouchledger/vouch/vision/watch"
)

// A shopConfig is what stands in the file of `vouch-edge run`. All but the
// cameras can only be changed here.
type shopConfig struct {
	Store    string `json:"store"`
	Device   string `json:"device"`
	Server   string `json:"server"`
	Key      string `json:"key"` // rather VOUCH_KEY
	Folder   string `json:"folder"`
	Status   string `json:"status"`
	MemoryMB int64  `json:"memory-mb"`
	OutboxMB int64  `json:"outbox-mb"`
	Threads  int    `json:"opencv-threads"`
	// Of the copies that shoppers see, and of what waits on the disk.
	FaceModel  string `json:"face-model"`
	FaceConfig string `json:"face-config"`
	OutboxKey  string `json:"outbox-key"`
	// What else there is to join with the cameras.
	Floor *live.Config `json:"floor"`

	visionedge.Settings
}

// loadShop reads a file of YAML or JSON, which is YAML too. An unknown name is
// refused: it may be a camera's that somebody believes to be watched.
func loadShop(path string) (shopConfig, error) {
	c := shopConfig{Folder: "vouch-edge-data", Status: "127.0.0.1:8090", Threads: 1}
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return c, fmt.Errorf("%w: %s: %w", errUsage, path, err)
	}
	b, err := json.Marshal(k.Raw())
	if err != nil {
		return c, fmt.Errorf("%w: %s: %w", errUsage, path, err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("%w: %s: %w", errUsage, path, err)
	}
	if key := os.Getenv("VOUCH_KEY"); key != "" {
		c.Key = key
	}
	switch {
	case c.Store == "" || c.Device == "" || c.Server == "":
		return c, fmt.Errorf("%w: %s: store, device and server are needed", errUsage, path)
	case c.MemoryMB < 0 || c.OutboxMB < 0 || c.Threads < 1:
		return c, fmt.Errorf("%w: %s: limits below nothing", errUsage, path)
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("%w: %s: %w", errUsage, path, err)
	}
	return c, nil
}

func newRunCommand() *cobra.Command {
	var path string
	var once, check bool
	cmd := &cobra.Command{
		Use:   "run --config shop.yaml",
		Short: "Watch all cameras of a shop",
		Long: `Watches many cameras, each by itself: one that is lost is tried again, one that hangs is
begun anew. What is seen goes through an outbox on disk to the server, however long the line
is down. The operator changes cameras from the server; how everything does is told there and
on a page of this machine. See docs/operating/shop.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return fmt.Errorf("%w: --config is needed", errUsage)
			}
			c, err := loadShop(path)
			if err != nil {
				return err
			}
			if check {
				return checkShop(cmd.OutOrStdout(), c, filepath.Dir(path))
			}
			return runShop(cmd.Context(), c, filepath.Dir(path), once, bench.Taps{Open: openCamera, Log: os.Stderr})
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "the shop's file, YAML or JSON")
	cmd.Flags().BoolVar(&once, "once", false, "end when every camera is a file that was played")
	cmd.Flags().BoolVar(&check, "check", false, "only read the file, its planograms and models, and say what is wrong with them")
	return cmd
}

// outboxMB is the room for messages if the file says nothing.
const outboxMB = outbox.DefaultMaxBytes >> 20

// runShop runs until ctx ends. `vouch-edge bench` listens at the taps.
func runShop(ctx context.Context, c shopConfig, beside string, once bool, taps bench.Taps) error {
	limit(c)
	log := slog.New(slog.NewJSONHandler(taps.Log, nil))
	state := filepath.Join(c.Folder, "state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	if c.OutboxMB == 0 {
		c.OutboxMB = outboxMB
	}
	seal, err := outbox.OpenKey(cmp.Or(c.OutboxKey, filepath.Join(c.Folder, "outbox.key")))
	if err != nil {
		return err
	}
	box, err := outbox.Open(filepath.Join(c.Folder, "outbox"), outbox.Config{
		Server: c.Server, Key: c.Key, Seal: seal, Now: taps.Clock(), MaxBytes: c.OutboxMB << 20, Notify: taps.Sending(refusals(log)),
	})
	if err != nil {
		return err
	}
	if err := tryFaces(c, beside); err != nil {
		return errors.Join(err, box.Close())
	}
	floor, err := joinFloor(c, state, box, func(name string) string { return from(beside, name) }, taps.Clock(), log)
	if err != nil {
		return errors.Join(err, box.Close())
	}
	cfg := host.Config{
		Store: ledger.StoreID(c.Store), Device: ledger.DeviceID(c.Device), Program: "vouch-edge/" + version,
		Local: c.Settings, Beside: beside, State: state, Server: c.Server, Key: c.Key, Client: sameServer(),
		Box: box, Open: taps.Open, Detector: openDetector, Recogniser: openRecogniser, Faces: openFaces(c, beside), People: openPeople,
		Seen: taps.Keeping(keepSeen(c, box, floor, log)),
		Now:  taps.Clock(), Roll: rand.Float64, Beat: beat,
		Once: once, Logger: log,
	}
	if floor != nil {
		floor.into(ctx, &cfg)
	}
	h := host.New(cfg)
	if taps.Running != nil {
		taps.Running(h)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Status)
	if err != nil {
		return errors.Join(err, box.Close())
	}
	page := &http.Server{Handler: statuspage.New(h), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = page.Serve(l) }() // ends with Close
	log.InfoContext(ctx, "running", slog.String("store", c.Store), slog.String("device", c.Device), slog.String("status", "http://"+l.Addr().String()))
	tellSystemd(daemon.SdNotifyReady)

	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	sent := make(chan error, 1)
	ctx, fail := context.WithCancel(ctx)
	defer fail()
	go func() {
		err := box.Run(sending)
		if err != nil {
			fail() // nothing would ever be sent again
		}
		sent <- err
	}()
	end := func() {}
	if floor != nil {
		floor.host = h
		end = floor.run(ctx)
	}
	err = h.Run(ctx)
	end()
	tellSystemd(daemon.SdNotifyStopping)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
	_ = box.Drain(drain) // what is left is sent at the next start
	cancel()
	stop()
	return errors.Join(err, <-sent, page.Close(), box.Close())
}

// drainFor is how long the outbox gets at the end; less than systemd gives.
const drainFor = 5 * time.Second

// limit keeps the process within what the machine has for it. What OpenCV
// takes is outside of Go's limit: the unit's MemoryMax bounds both.
func limit(c shopConfig) {
	if c.MemoryMB > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(c.MemoryMB << 20)
	}
	cv.Threads(c.Threads)
}

func refusals(log *slog.Logger) func(outbox.Outcome) {
	return func(o outbox.Outcome) {
		if o.Final && o.Err != nil {
			log.Warn("the server refused a message; it is kept in the outbox under dead",
				slog.String("path", o.Item.Path), slog.Int("status", o.Status), slog.String("answer", string(o.Answer)))
		}
	}
}

// sameServer returns a client that gives the key to one server and no other.
func sameServer() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func openCamera(source string) (host.Camera, error) {
	r, err := cv.Open(source)
	if err != nil {
		return nil, err // not a Camera that is nil
	}
	return r, nil
}

func openDetector(manifest string) (host.Detector, error) {
	d, err := loadDetector(cv.Model{}, manifest)
	if err != nil {
		return nil, err
	}
	return d, nil
}

func openRecogniser(model string) (host.Recogniser, error) {
	r, err := network.Open(model)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// openFaces returns what opens the shop's face network, or nil if it has none.
func openFaces(c shopConfig, beside string) func() (host.Faces, error) {
	if c.FaceModel == "" {
		return nil
	}
	m := cv.FaceModel{Weights: from(beside, c.FaceModel), Config: from(beside, c.FaceConfig)}
	return func() (host.Faces, error) {
		f, err := cv.NewFaces(m)
		if err != nil {
			return nil, err // not a Faces that is nil
		}
		return f, nil
	}
}

// tryFaces opens the shop's face detector once: a wrong file is said now, and not
// by each camera.
func tryFaces(c shopConfig, beside string) error {
	open := openFaces(c, beside)
	if open == nil {
		return nil
	}
	f, err := open()
	if err != nil {
		return err
	}
	return f.Close()
}

// from returns a file of the shop's as it is found from here.
func from(beside, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(beside, path)
}

// keepSeen returns what makes a sighting durable: evidence first, then the
// event. It says so only when both are on disk.
func keepSeen(c shopConfig, box *outbox.Outbox, floor *joined, log *slog.Logger) func(visionedge.Camera, watch.Sighting, host.Evidence, time.Duration) error {
	salt := text.Text()
	return func(cam visionedge.Camera, s watch.Sighting, of host.Evidence, offset time.Duration) error {
		out := &sender{
			flags: watchFlags{store: c.Store, sensor: cam.Name, person: cam.Person}, box: box, read: of.Read, offset: offset, salt: salt,
		}
		joins := floor != nil && cam.Person == ""
		if joins {
			out.join = floor.Take
		}
		if err := out.put(s); err != nil {
			return err
		}
		if joins && s.Purpose != shelf.Shopping {
			floor.Worked(cam.Name, s)
		}
		log.Info("kept", slog.String("camera", cam.Name), slog.String("slot", s.Slot), slog.String("action", string(s.Action)),
			slog.String("purpose", string(s.Purpose)), slog.Time("at", s.At.UTC()))
		return nil
	}
}
