package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/render"
)

func newRenderCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Draw shop videos with the truth about them",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRenderShelfCommand(), newRenderGateCommand(), newRenderShopCommand(), newRenderCartCommand())
	return cmd
}

// renderFlags are the flags both drawings share.
type renderFlags struct {
	seed    uint64
	seconds float64
	size    string
	out     string
	json    bool
}

func (f *renderFlags) add(cmd *cobra.Command, size, out, what string) {
	flags := cmd.Flags()
	flags.Uint64Var(&f.seed, "seed", 1, "everything random follows from this `NUMBER`")
	flags.Float64Var(&f.seconds, "seconds", 0, "length of the video (default as the scenario needs)")
	flags.StringVar(&f.size, "size", size, "size of the video, `WxH`")
	flags.StringVar(&f.out, "out", out, what)
	flags.BoolVar(&f.json, "json", false, "print what was written as JSON")
}

func (f *renderFlags) pixels() (w, h int, err error) {
	if n, err := fmt.Sscanf(f.size, "%dx%d", &w, &h); n != 2 || err != nil {
		return 0, 0, fmt.Errorf("%w: --size %q: want 640x360", errUsage, f.size)
	}
	return w, h, nil
}

func newRenderShelfCommand() *cobra.Command {
	f := &renderFlags{}
	var scenario string
	cmd := &cobra.Command{
		Use:   "shelf",
		Short: "Draw a shelf from which things are taken and brought back",
		Long: `Shelf draws people who take things from a shelf, bring them back, only touch
them, or walk by, and writes three files into the folder: shelf.mp4, its truth
as JSON lines (shelf.jsonl) and the planogram (planogram.json).

Without --scenario what happens follows from the seed. A scenario is a text:

  take left@5s, return left@12s       # the act, the slot, the moment
  touch right@18s, rest right@24s for 3s
  pass@30s, hidden take middle@36s    # somebody walks by; somebody hides a take
  misplace left=cola-can@42s, lights@46s
  seconds 50, slots 3, noise 3, drift 0.05, empty right`,
		Example: `  vouch-edge render shelf --seed 7 --out shop
  vouch-edge render shelf --scenario story.txt --out shop`,
		Args: cobra.NoArgs,
	}
	f.add(cmd, "640x360", "shop", "`FOLDER` for the three files")
	cmd.Flags().StringVar(&scenario, "scenario", "", "`FILE` that says what happens")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		sc, err := f.scenario(scenario)
		if err != nil {
			return err
		}
		return renderShelf(cmd, sc, f)
	}
	return cmd
}

// scenario reads the file, or makes one up from the seed.
func (f *renderFlags) scenario(file string) (render.Scenario, error) {
	w, h, err := f.pixels()
	if err != nil {
		return render.Scenario{}, err
	}
	length := f.seconds
	if length == 0 {
		length = render.DefaultSeconds
	}
	sc := render.Random(f.seed, length)
	if file != "" {
		sc = render.NewScenario(f.seed)
		text, err := os.ReadFile(file)
		if err != nil {
			return sc, err
		}
		if err := sc.Parse(string(text)); err != nil {
			return sc, fmt.Errorf("%s: %w", file, err)
		}
		if f.seconds > 0 {
			sc.Seconds = f.seconds
		}
	}
	sc.Width, sc.Height = w, h
	return sc, nil
}

// drawing is what a video is made of.
type drawing interface {
	Frames() int
	Frame(n int, dst []byte)
}

// film writes a drawing as a video and tells how it goes on a terminal.
func film(cmd *cobra.Command, d drawing, path string, fps, w, h int) error {
	out, err := cv.Create(path, float64(fps), w, h)
	if err != nil {
		return err
	}
	tell, done := progress(cmd.Context(), cmd.ErrOrStderr(), filepath.Base(path), d.Frames())
	defer done()
	buf := make([]byte, 3*w*h)
	for n := 0; n < d.Frames() && err == nil; n++ {
		if err = cmd.Context().Err(); err != nil {
			break
		}
		d.Frame(n, buf)
		err = writeFrame(out, w, h, buf)
		tell()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return err
}

func writeFrame(out *cv.Writer, w, h int, bgr []byte) error {
	f, err := cv.NewFrame(w, h, bgr)
	if err != nil {
		return err
	}
	defer f.Close()
	return out.Write(f)
}

// progress shows a bar if w is a terminal.
func progress(ctx context.Context, w io.Writer, name string, total int) (tell, done func()) {
	file, ok := w.(*os.File)
	if !ok {
		return func() {}, func() {}
	}
	if st, err := file.Stat(); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return func() {}, func() {}
	}
	p := mpb.NewWithContext(ctx, mpb.WithOutput(w))
	bar := p.AddBar(int64(total), mpb.PrependDecorators(decor.Name(name)),
		mpb.AppendDecorators(decor.CountersNoUnit("%d / %d frames")))
	return func() { bar.Increment() }, func() { bar.Abort(false); p.Wait() }
}

// rendered says what was written, for --json and for a person.
type rendered struct {
	Video     string  `json:"video"`
	Truth     string  `json:"truth,omitempty"`
	Planogram string  `json:"planogram,omitempty"`
	Frames    int     `json:"frames"`
	Events    int     `json:"events"`
	FPS       float64 `json:"drawn_fps"` // drawn and encoded per second
}

func (r rendered) print(cmd *cobra.Command, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(r)
	}
	files := []string{r.Video}
	for _, name := range []string{r.Truth, r.Planogram} {
		if name != "" {
			files = append(files, name)
		}
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%d frames, %d events, %.0f frames/s: %s\n",
		r.Frames, r.Events, r.FPS, strings.Join(files, ", "))
	return err
}

func renderShelf(cmd *cobra.Command, sc render.Scenario, f *renderFlags) error {
	begun := time.Now()
	shop, err := render.New(sc)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.out, 0o750); err != nil {
		return err
	}
	const video = "shelf.mp4"
	r := rendered{
		Video: filepath.Join(f.out, video), Truth: filepath.Join(f.out, "shelf.jsonl"),
		Planogram: filepath.Join(f.out, "planogram.json"), Frames: shop.Frames(), Events: len(shop.Truth()),
	}
	plan, err := shop.Planogram(video)
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.Planogram, plan, 0o600); err != nil {
		return err
	}
	var truth strings.Builder
	if err := shop.WriteTruth(&truth, video); err != nil {
		return err
	}
	if err := os.WriteFile(r.Truth, []byte(truth.String()), 0o600); err != nil {
		return err
	}
	if err := film(cmd, shop, r.Video, sc.FPS, sc.Width, sc.Height); err != nil {
		return err
	}
	r.FPS = float64(r.Frames) / time.Since(begun).Seconds()
	return r.print(cmd, f.json)
}

func newRenderGateCommand() *cobra.Command {
	f := &renderFlags{}
	var code string
	cmd := &cobra.Command{
		Use:     "gate",
		Short:   "Draw a phone with a QR code that is held before a gate's camera",
		Example: `  vouch-edge render gate --code "$CODE" --out gate.mp4`,
		Args:    cobra.NoArgs,
	}
	f.add(cmd, "640x480", "gate.mp4", "video `FILE` to write")
	cmd.Flags().StringVar(&code, "code", "", "`TEXT` of the QR code")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if code == "" {
			return fmt.Errorf("%w: --code is needed: the text of the QR code", errUsage)
		}
		w, h, err := f.pixels()
		if err != nil {
			return err
		}
		begun := time.Now()
		clip := render.NewGateClip(f.seed, code)
		clip.Width, clip.Height = w, h
		if f.seconds > 0 {
			clip.Seconds = f.seconds
		}
		g, err := render.NewGate(clip)
		if err != nil {
			return err
		}
		if err := film(cmd, g, f.out, clip.FPS, w, h); err != nil {
			return err
		}
		r := rendered{Video: f.out, Frames: g.Frames()}
		r.FPS = float64(r.Frames) / time.Since(begun).Seconds()
		return r.print(cmd, f.json)
	}
	return cmd
}
