package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/mount"
)

// floorFlags are the flags of `vouch-edge floor`.
type floorFlags struct {
	floor, video, image, out string
	skip                     int
}

func newFloorCommand() *cobra.Command {
	f := &floorFlags{}
	cmd := &cobra.Command{
		Use:   "floor --floor FILE --video SRC --out GRID.png",
		Short: "Draw a camera's floor into its picture, for an installer to see that it fits",
		Long: `Floor reads a floor file, refuses it if it contradicts itself, and draws what it says
into a picture of its camera: a line each half metre with its coordinates, the measured
marks, and where it is known how the camera hangs, the outlines of persons. If the lines
lie on the tiles and the outlines stand, the file is right.`,
		Example: `  vouch-edge floor --floor entrance.floor.json --video rtsp://10.0.0.8/1 --out grid.png
  vouch-edge floor --floor aisle.floor.json --image still.jpg --out grid.png`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.OutOrStdout()) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.floor, "floor", "", "floor `FILE` of the camera, see docs/vision-who-and-fusion.md")
	fl.StringVar(&f.video, "video", "", "video `FILE`, address, or number of the camera")
	fl.StringVar(&f.image, "image", "", "picture `FILE` of the camera, instead")
	fl.IntVar(&f.skip, "skip", 0, "frames of the video to pass over first")
	fl.StringVar(&f.out, "out", "grid.png", "`FILE` to draw into, PNG")
	return cmd
}

func (f *floorFlags) run(w io.Writer) error {
	if f.floor == "" || (f.image == "") == (f.video == "") {
		return fmt.Errorf("%w: --floor and either --video or --image are needed", errUsage)
	}
	m, err := mount.Load(f.floor)
	if err != nil {
		return err
	}
	frame, err := f.picture()
	if err != nil {
		return err
	}
	defer frame.Close()
	b, err := frame.PNG()
	if err != nil {
		return err
	}
	still, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return err
	}
	canvas := image.NewRGBA(image.Rect(0, 0, still.Bounds().Dx(), still.Bounds().Dy()))
	draw.Draw(canvas, canvas.Rect, still, still.Bounds().Min, draw.Src)
	if err := m.Grid(canvas); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, canvas); err != nil {
		return err
	}
	if err := os.WriteFile(f.out, out.Bytes(), 0o600); err != nil {
		return err
	}
	how := "where it hangs is not said, so that who is hidden or cut off is placed by their feet alone"
	if m.Standing() {
		how = fmt.Sprintf("it hangs at %v", m.Hangs)
	}
	_, err = fmt.Fprintf(w, "%d marks fit within %.1f pixels; %s; see %s\n", len(m.Points), m.Off(), how, f.out)
	return err
}

// picture returns a picture of the camera.
func (f *floorFlags) picture() (*cv.Frame, error) {
	if f.image != "" {
		return cv.ReadImage(f.image)
	}
	src, err := cv.Open(f.video)
	if err != nil {
		return nil, err
	}
	defer src.Close() //nolint:errcheck // only read
	for n := 0; ; n++ {
		frame, err := src.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%w: %s has %d frames", errUsage, f.video, n)
		case err != nil:
			return nil, err
		case n == f.skip:
			clone := frame.Clone() // it outlives the source
			frame.Close()
			return clone, nil
		}
		frame.Close()
	}
}
