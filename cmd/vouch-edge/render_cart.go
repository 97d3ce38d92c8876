package main

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/cart/rehearsal"
	"github.com/vouchledger/vouch/vision/cv"
)

// defaultTrip is drawn when no scenario is named.
const defaultTrip = `show ticket@1s
put cola@6s, put milk@12s, put crackers@18s
key 4131@24s, lay 4131 760@26s
out milk@32s, remove milk@34s
leave lane-1@40s
`

// renderCartFlags are the flags of `render cart`.
type renderCartFlags struct {
	seed           uint64
	scenario, out  string
	ticket, coupon string
	pictures       bool
}

func newRenderCartCommand() *cobra.Command {
	f := &renderCartFlags{}
	cmd := &cobra.Command{
		Use:   "cart",
		Short: "Draw a trip with a smart cart: what its camera sees, its scale says, and who touches what",
		Long: `Cart draws a trip and writes it into the folder: cart.mp4 (or with --pictures
single pictures, which need no OpenCV), scale.jsonl and touches.jsonl, as
vouch-edge cart plays them.

A scenario is a text of acts and their moments:

  show ticket@2s, show coupon@40s       # QR codes; their texts are flags
  put cola@6s                           # scanned and laid in
  scan cola@6s, lay cola@8s             # the same in two acts
  key 4131@12s, lay 4131 760@14s        # fruit of 760 g, by its number
  lay wine@20s, out wine@30s            # not scanned; taken out
  torn cola@35s                         # a label that cannot be read
  remove cola@40s, take_out@41s, help@42s, leave@50s
  lean 900@44s for 2s, overload@46s for 3s, silent@50s for 5s, stuck@55s for 60s
  tare -80, drift 10, noise 4, seconds 70`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.Uint64Var(&f.seed, "seed", 1, "everything random follows from this `NUMBER`")
	flags.StringVar(&f.scenario, "scenario", "", "`FILE` that says what happens (default: a short trip)")
	flags.StringVar(&f.ticket, "ticket", "", "`TEXT` of the shopper's code")
	flags.StringVar(&f.coupon, "coupon", "", "`TEXT` of the coupon")
	flags.StringVar(&f.out, "out", "trip", "`FOLDER` for the files")
	flags.BoolVar(&f.pictures, "pictures", false, "single pictures instead of a video")
	return cmd
}

func (f *renderCartFlags) run(cmd *cobra.Command) error {
	text := defaultTrip
	if f.scenario != "" {
		b, err := os.ReadFile(f.scenario)
		if err != nil {
			return err
		}
		text = string(b)
	}
	texts := map[string]string{}
	for name, code := range map[string]string{"ticket": f.ticket, "coupon": f.coupon} {
		if code != "" {
			texts[name] = code
		}
	}
	s := rehearsal.New(f.seed, rehearsal.Groceries(), texts)
	if err := s.Parse(text); err != nil {
		return fmt.Errorf("%w: %w (a ticket or coupon that is shown is named by its flag)", errUsage, err)
	}
	if err := os.MkdirAll(f.out, 0o750); err != nil {
		return err
	}
	scale, touches, err := s.Files()
	if err != nil {
		return err
	}
	for name, b := range map[string][]byte{"scale.jsonl": scale, "touches.jsonl": touches} {
		if err := os.WriteFile(filepath.Join(f.out, name), b, 0o600); err != nil {
			return err
		}
	}
	film, err := s.Film()
	if err != nil {
		return err
	}
	if f.pictures {
		return writePictures(cmd, s, film, filepath.Join(f.out, "pictures"))
	}
	return writeTrip(cmd, film, filepath.Join(f.out, "cart.mp4"))
}

// eachFrame goes through the film.
func eachFrame(cmd *cobra.Command, film *rehearsal.Film, f func(*image.Gray, time.Duration) error) error {
	for cmd.Context().Err() == nil {
		g, t, err := film.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(g, t)
		}
		if err != nil {
			return err
		}
	}
	return cmd.Context().Err()
}

func writeTrip(cmd *cobra.Command, film *rehearsal.Film, path string) error {
	out, err := cv.Create(path, rehearsal.FPS, rehearsal.Width, rehearsal.Height)
	if err != nil {
		return err
	}
	buf := make([]byte, 3*rehearsal.Width*rehearsal.Height)
	err = eachFrame(cmd, film, func(g *image.Gray, _ time.Duration) error {
		rehearsal.BGR(g, buf)
		return writeFrame(out, rehearsal.Width, rehearsal.Height, buf)
	})
	return errors.Join(err, out.Close())
}

// writePictures leaves out most of what shows nothing.
func writePictures(cmd *cobra.Command, s *rehearsal.Scenario, film *rehearsal.Film, dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	return eachFrame(cmd, film, func(g *image.Gray, t time.Duration) error {
		if !s.Busy(t) && t%time.Second != 0 {
			return nil
		}
		file, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.jpg", t.Milliseconds())))
		if err != nil {
			return err
		}
		w := bufio.NewWriter(file)
		err = errors.Join(jpeg.Encode(w, g, &jpeg.Options{Quality: 90}), w.Flush())
		return errors.Join(err, file.Close())
	})
}
