package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/render/shop"
	"github.com/vouchledger/vouch/vision/render/view"
	"github.com/vouchledger/vouch/vision/truth"
)

// shopFlags are the flags of `vouch-edge render shop`.
type shopFlags struct {
	renderFlags
	scenario     string
	shelves      int
	interactions int
	atOnce       int
	hostile      bool
	fps          int
	depth        int
	noVideo      bool
}

func newRenderShopCommand() *cobra.Command {
	f := &shopFlags{}
	cmd := &cobra.Command{
		Use:   "shop",
		Short: "Draw a whole shop: cameras, persons, scales, RFID and the truth",
		Long: `Shop stages a shop and writes what its cameras, scales and RFID readers give, and
what really happened: a video of each camera, a planogram for each shelf's
camera, cameras.json, scales.jsonl, rfid.jsonl and truth.jsonl.

Without --scenario who does what follows from the seed. A scenario is a text:

  anna enters 1s: take a2, touch a3 after 1s, return a2
  ben with anna enters 2s: take a1, misplace a2=cola-can after 4s
  staff dora enters 26s: tidy a2, restock a5
  lights 20s
  shake 24s for 1.5s`,
		Example: `  vouch-edge render shop --seed 7 --interactions 20 --out shop
  vouch-edge render shop --interactions 1000 --no-video --out shop
  vouch-edge render shop --scenario story.txt --size 320x180 --out shop`,
		Args: cobra.NoArgs,
	}
	f.add(cmd, "640x360", "shop", "`FOLDER` for the files")
	flags := cmd.Flags()
	flags.StringVar(&f.scenario, "scenario", "", "`FILE` that says what happens")
	flags.IntVar(&f.shelves, "shelves", 3, "shelves, 1 to 5")
	flags.IntVar(&f.interactions, "interactions", 20, "about how many interactions shoppers have, without --scenario")
	flags.IntVar(&f.atOnce, "at-once", 2, "most shoppers inside at once, without --scenario; 0 is no bound")
	flags.BoolVar(&f.hostile, "hostile", false, "shoppers try to confuse the shop, without --scenario")
	flags.IntVar(&f.fps, "fps", 15, "frames a second")
	flags.IntVar(&f.depth, "depth", 3, "pieces behind each other in each facing, 1 to 5")
	flags.BoolVar(&f.noVideo, "no-video", false, "write everything but the videos")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		sc, err := f.stage()
		if err != nil {
			return err
		}
		return f.write(cmd, sc)
	}
	return cmd
}

// stage makes the scenario that the flags ask for, and stages it.
func (f *shopFlags) stage() (*shop.Stage, error) {
	w, h, err := f.pixels()
	if err != nil {
		return nil, err
	}
	if f.interactions < 1 || f.atOnce < 0 {
		return nil, fmt.Errorf("%w: --interactions %d --at-once %d: want 1 or more and 0 or more",
			errUsage, f.interactions, f.atOnce)
	}
	var sc shop.Scenario
	if f.scenario != "" {
		text, err := os.ReadFile(f.scenario)
		if err != nil {
			return nil, err
		}
		if sc, err = shop.Convenience(f.seed, f.shelves); err != nil {
			return nil, err
		}
		sc.Arrange(2, f.depth)
		if err := sc.Parse(string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", f.scenario, err)
		}
	} else {
		habits := shop.Normal
		if f.hostile {
			habits = shop.Hostile
		}
		if sc, err = shop.Crowd(f.seed, f.shelves, f.interactions, f.atOnce, habits); err != nil {
			return nil, err
		}
		sc.Arrange(2, f.depth)
	}
	if f.seconds > 0 {
		sc.Seconds = f.seconds
	}
	sc.FPS = f.fps
	sc.Resize(w, h)
	return shop.New(sc)
}

// renderedShop says what was written.
type renderedShop struct {
	Folder       string   `json:"folder"`
	Videos       []string `json:"videos"`
	Frames       int      `json:"frames"` // of each camera
	Seconds      float64  `json:"seconds"`
	Visits       int      `json:"visits"`
	Interactions int      `json:"interactions"`
	FPS          float64  `json:"drawn_fps"` // drawn and encoded per second, of all cameras
}

// write writes all files into the folder.
func (f *shopFlags) write(cmd *cobra.Command, s *shop.Stage) error {
	begun := time.Now()
	if err := os.MkdirAll(f.out, 0o750); err != nil {
		return err
	}
	t := s.Truth()
	r := renderedShop{
		Folder: f.out, Videos: []string{}, Frames: s.Frames(), Seconds: s.Seconds,
		Visits: len(t.Visits), Interactions: len(t.Interactions),
	}
	if err := f.writeLines(s, t); err != nil {
		return err
	}
	if err := f.writeCameras(s); err != nil {
		return err
	}
	if err := f.writeRun(s); err != nil {
		return err
	}
	for _, c := range s.Cameras {
		if f.noVideo {
			break
		}
		v, err := view.New(s, c.Name)
		if err != nil {
			return err
		}
		path := filepath.Join(f.out, c.Name+".mp4")
		if err := film(cmd, v, path, s.FPS, c.Width, c.Height); err != nil {
			return err
		}
		r.Videos = append(r.Videos, path)
	}
	r.FPS = float64(r.Frames*len(r.Videos)) / time.Since(begun).Seconds()
	if f.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(r)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d visits, %d interactions in %.0f s, %d videos of %d frames (%.0f frames/s): %s\n",
		r.Visits, r.Interactions, r.Seconds, len(r.Videos), r.Frames, r.FPS, r.Folder)
	return err
}

// writeLines writes what sensors measure, and the truth with all boxes.
func (f *shopFlags) writeLines(s *shop.Stage, t truth.Shop) error {
	if err := f.lines("scales.jsonl", func(enc *json.Encoder) error {
		var scales []func() (truth.Weight, bool)
		names, _ := s.Scales()
		for _, name := range names {
			next, stop := iter.Pull(s.Weights(name))
			defer stop()
			scales = append(scales, next)
		}
		for { // all scales are read at the same moments
			for _, next := range scales {
				w, ok := next()
				if !ok {
					return nil
				}
				if err := enc.Encode(w); err != nil {
					return err
				}
			}
		}
	}); err != nil {
		return err
	}
	if err := f.lines("rfid.jsonl", func(enc *json.Encoder) error {
		for r := range s.Reads() {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(f.out, "truth.jsonl"))
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	if err := t.Write(out); err != nil {
		return err
	}
	for n := range s.Frames() {
		for _, c := range s.Cameras {
			if err := truth.WriteLines(out, s.Boxes(c, n)); err != nil {
				return err
			}
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// lines writes a file of JSON lines.
func (f *shopFlags) lines(name string, write func(enc *json.Encoder) error) error {
	file, err := os.Create(filepath.Join(f.out, name))
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	if err := write(json.NewEncoder(out)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// cameraLine is one camera of cameras.json. Places are in metres.
type cameraLine struct {
	Name      string          `json:"name"`
	Kind      shop.CameraKind `json:"kind"`
	Shelf     string          `json:"shelf,omitempty"`
	Video     string          `json:"video"`
	Planogram string          `json:"planogram,omitempty"`
	Floor     string          `json:"floor,omitempty"` // of those that look for persons
	Size      [2]int          `json:"size"`
	FPS       int             `json:"fps"`
	At        shop.Vec        `json:"at"`
	Towards   shop.Vec        `json:"towards"`
	FOV       float64         `json:"fov_degrees"`
}

// writeCameras writes cameras.json, the planograms and the floor files.
func (f *shopFlags) writeCameras(s *shop.Stage) error {
	var all []cameraLine
	for _, c := range s.Cameras {
		l := cameraLine{
			Name: c.Name, Kind: c.Kind, Shelf: c.Shelf, Video: c.Name + ".mp4",
			Size: [2]int{c.Width, c.Height}, FPS: s.FPS, At: c.At, Towards: c.Towards, FOV: c.FOV,
		}
		if c.Kind == shop.OnShelf {
			plan, err := s.Planogram(c, l.Video)
			if err != nil {
				return err
			}
			l.Planogram = c.Name + ".planogram.json"
			if err := os.WriteFile(filepath.Join(f.out, l.Planogram), plan, 0o600); err != nil {
				return err
			}
		}
		if c.Kind != shop.OnShelf {
			floor, err := s.FloorFile(c)
			if err != nil {
				return err
			}
			l.Floor = c.Name + ".floor.json"
			if err := os.WriteFile(filepath.Join(f.out, l.Floor), floor, 0o600); err != nil {
				return err
			}
		}
		all = append(all, l)
	}
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.out, "cameras.json"), append(b, '\n'), 0o600)
}
