package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/recognise/network"
	"github.com/vouchledger/vouch/vision/watch"
)

// watchFlags are the flags of `vouch-edge watch`.
type watchFlags struct {
	video, planogram, initial, start string
	detector, recogniser             string
	speed                            float64
	skus, classes                    []string
	model                            cv.Model
	faces                            cv.FaceModel
	out, evidence, evidenceKeys      string
	evidenceDays                     int
	server, key, store, sensor       string
	outbox, outboxKey, person        string
	drain                            time.Duration
}

func newWatchCommand() *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use:   "watch --video FILE|URL|DEVICE --planogram FILE",
		Short: "Notice what is taken from and returned to a shelf",
		Long: `Watches the slots of a planogram through a video file, a network camera's address or a
camera's number, and writes each take and return with its evidence: the frames before, at
and after it, a short clip, and what was seen in them as data. Of each picture and of the
clip there is a copy without faces, which is all that a shopper is ever shown.

The detections go to --out as JSON lines, to --server through an outbox on disk (a server
that is away loses nothing), or to standard output if neither is given.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runWatch(cmd, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.video, "video", "", "video file, address (rtsp://, http://) or camera number")
	fl.StringVar(&f.planogram, "planogram", "", "planogram of this camera, see docs/vision.md")
	fl.StringVar(&f.initial, "initial", "", "items at the start, slot=count,…; overrides the planogram's")
	fl.StringSliceVar(&f.skus, "skus", nil, "catalogue: refuse a planogram with a SKU that is not in this list")
	fl.StringVar(&f.model.Config, "model", "", "Darknet network description (.cfg) of a detector that confirms")
	fl.StringVar(&f.model.Weights, "weights", "", "Darknet weights")
	fl.StringVar(&f.model.ONNX, "onnx", "", "ONNX detector (FastestDet's output) instead of --model and --weights")
	fl.StringVar(&f.model.Prototxt, "prototxt", "", "Caffe network description of an SSD detector")
	fl.StringVar(&f.model.Caffe, "caffe", "", "Caffe weights (.caffemodel)")
	fl.StringVar(&f.detector, "detector", "", "manifest of a detector, instead of its files one by one; see docs/vision-what.md")
	fl.StringVar(&f.recogniser, "recogniser", "", "model that `vouch-edge train` wrote: what an item looks like is weighed with the planogram")
	fl.StringVar(&f.model.Names, "names", "", "the detector's classes, one a line")
	fl.StringSliceVar(&f.classes, "classes", nil, "classes that are goods (default: all but person)")
	fl.StringVar(&f.faces.Weights, "face-model", "", "face network for the copies that shoppers see: RFB-320 (.onnx) or res10 (.pb)")
	fl.StringVar(&f.faces.Config, "face-config", "", "description of the face network (.pbtxt of res10)")
	fl.StringVar(&f.start, "start", "", "time of the first frame, RFC 3339 (default: now)")
	fl.Float64Var(&f.speed, "speed", 0, "1 plays a file in real time, 0 as fast as it decodes")
	fl.StringVar(&f.out, "out", "", "write detections to this file as JSON lines")
	fl.StringVar(&f.evidence, "evidence", "", "folder for the evidence (default: OUT.evidence, or vouch-evidence with --server)")
	fl.StringVar(&f.evidenceKeys, "evidence-keys", "", "folder for the keys the evidence is encrypted to (default: EVIDENCE.keys with --server, else none)")
	fl.IntVar(&f.evidenceDays, "evidence-days", 30, "days after which this machine deletes what it has sent")
	fl.StringVar(&f.server, "server", "", "send detections and evidence to this server")
	fl.StringVar(&f.key, "key", os.Getenv("VOUCH_KEY"), "device key for the server (default: $VOUCH_KEY)")
	fl.StringVar(&f.store, "store", "store-1", "store this camera belongs to")
	fl.StringVar(&f.sensor, "sensor", "camera-1", "name of this camera")
	fl.StringVar(&f.outbox, "outbox", "vouch-outbox", "folder for what is not sent yet")
	fl.StringVar(&f.outboxKey, "outbox-key", "", "file with the key the outbox is encrypted to (default: OUTBOX.key), made if it is not there")
	fl.StringVar(&f.person, "person", "", "visit to name as the person; a shelf camera alone knows none")
	fl.DurationVar(&f.drain, "drain", 10*time.Second, "how long to wait at the end for the outbox to empty")
	cmd.Flags().Lookup("key").DefValue = ""
	return cmd
}

func runWatch(cmd *cobra.Command, f watchFlags) (err error) {
	if f.video == "" || f.planogram == "" {
		return fmt.Errorf("%w: --video and --planogram are needed", errUsage)
	}
	cfg, err := f.config()
	if err != nil {
		return err
	}
	reader, err := cv.Open(f.video)
	if err != nil {
		return err
	}
	defer reader.Close() //nolint:errcheck // only read
	cfg.Frames = reader
	if f.model != (cv.Model{}) || f.detector != "" {
		detector, err := loadDetector(f.model, f.detector)
		if err != nil {
			return err
		}
		defer detector.Close() //nolint:errcheck // only read
		cfg.Detector = detector
		if slices.Contains(detector.Names(), "person") {
			cfg.Persons = detector
		}
	}
	if f.recogniser != "" {
		r, err := network.Open(f.recogniser)
		if err != nil {
			return err
		}
		defer r.Close()
		cfg.Recogniser = r
	}
	if f.faces != (cv.FaceModel{}) {
		faces, err := cv.NewFaces(f.faces)
		if err != nil {
			return err
		}
		defer faces.Close() //nolint:errcheck // only read
		cfg.Faces = faces
	}
	if f.evidenceDir() != "" {
		store, err := f.openEvidence(cmd.Context())
		if err != nil {
			return err
		}
		defer store.Close() //nolint:errcheck // only read
		cfg.Keeper = watch.Store(store.Store)
	}
	sinks, err := f.sinks(cmd)
	if err != nil {
		return err
	}
	cfg.Status = told(cmd.Context())
	stats, err := watch.Run(cmd.Context(), cfg, func(s watch.Sighting) error {
		for _, sink := range sinks {
			if err := sink.put(s); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, context.Canceled) {
		err = nil // stopped by its operator
	}
	for _, sink := range sinks {
		err = errors.Join(err, sink.close())
	}
	slog.InfoContext(cmd.Context(), "watched", slog.Int("frames", stats.Frames), slog.Int("detections", stats.Sightings))
	return err
}

// told logs what goes wrong with the camera.
func told(ctx context.Context) func(watch.Status) {
	return func(s watch.Status) {
		level := slog.LevelWarn
		if s.Over {
			level = slog.LevelInfo
		}
		slog.Log(ctx, level, "camera", slog.String("trouble", string(s.Trouble)),
			slog.Bool("over", s.Over), slog.Float64("t", s.T), slog.String("detail", s.Detail))
	}
}

// config reads everything that can be refused before a frame is decoded.
func (f watchFlags) config() (watch.Config, error) {
	cfg := watch.Config{Speed: f.speed, Now: time.Now, Classes: f.classes, Start: time.Now()}
	if f.speed < 0 {
		return cfg, fmt.Errorf("%w: --speed is %v, want 0 or more", errUsage, f.speed)
	}
	plan, err := planogram.Load(f.planogram)
	if err != nil {
		return cfg, err
	}
	counts, err := planogram.ParseInitial(f.initial)
	if err != nil {
		return cfg, fmt.Errorf("--initial: %w", err)
	}
	if cfg.Plan, err = plan.WithInitial(counts); err != nil {
		return cfg, fmt.Errorf("--initial: %w", err)
	}
	if len(f.skus) > 0 {
		if err := cfg.Plan.CheckSKUs(f.skus); err != nil {
			return cfg, fmt.Errorf("%s: %w", f.planogram, err)
		}
	}
	if f.start != "" {
		if cfg.Start, err = time.Parse(time.RFC3339, f.start); err != nil {
			return cfg, fmt.Errorf("%w: --start: %w", errUsage, err)
		}
	}
	return cfg, nil
}
