package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/lens"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/shelf"
)

// planogramFlags are the flags of `vouch-edge planogram`.
type planogramFlags struct {
	look  string
	skip  int
	write bool
}

func newPlanogramCommand() *cobra.Command {
	f := &planogramFlags{}
	cmd := &cobra.Command{
		Use:   "planogram FILE",
		Short: "Check a planogram, and keep how its camera sees the place",
		Long: `Planogram reads a planogram and refuses it if it makes no sense. With --look it looks at the
camera the slots were drawn for, and with --write it keeps in the file how the place looked:
a camera that is pushed, or a planogram of another camera, is noticed from the first picture
on instead of being judged by.`,
		Example: `  vouch-edge planogram shelf-a.planogram.json
  vouch-edge planogram --look rtsp://10.0.0.8/1 --write shelf-a.planogram.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.OutOrStdout(), args[0]) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.look, "look", "", "video `FILE`, address, or number of the camera to look at")
	fl.IntVar(&f.skip, "skip", 0, "frames of the video to pass over first")
	fl.BoolVar(&f.write, "write", false, "with --look: keep in the file how the place looked")
	return cmd
}

func (f *planogramFlags) run(w io.Writer, path string) error {
	if f.write && f.look == "" || f.skip < 0 {
		return fmt.Errorf("%w: --write needs --look, and --skip is 0 or more", errUsage)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	plan, err := planogram.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	deep := 0
	for _, s := range plan.Slots {
		if s.Back != nil {
			deep++
		}
	}
	kept := "no look"
	if plan.Look != nil {
		kept = fmt.Sprintf("a look of %dx%d", plan.Look.W, plan.Look.H)
	}
	if _, err := fmt.Fprintf(w, "%s: %dx%d, %d slots, %d of them with their back drawn, %s\n",
		path, plan.Width, plan.Height, len(plan.Slots), deep, kept); err != nil || f.look == "" {
		return err
	}
	look, err := f.see(plan)
	if err != nil {
		return err
	}
	if plan.Look != nil && !plan.Look.Shows(look) {
		fmt.Fprintf(w, "%s shows another place than the one that was kept\n", f.look)
	}
	if !f.write {
		return nil
	}
	if text, err = planogram.WithLook(text, look); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s: the look of %s is kept\n", path, f.look)
	return err
}

// see looks at the camera as the monitor would.
func (f *planogramFlags) see(plan planogram.Planogram) (lens.Look, error) {
	r, err := cv.Open(f.look)
	if err != nil {
		return lens.Look{}, err
	}
	defer r.Close() //nolint:errcheck // only read
	width, height := r.Size()
	if err := plan.CheckSize(width, height); err != nil {
		return lens.Look{}, err
	}
	m := shelf.New(plan, r.Rate().Float())
	width, height = m.Size()
	scaler := cv.NewScaler(width, height)
	defer scaler.Close()
	for n := 0; ; n++ {
		frame, err := r.Next()
		if errors.Is(err, io.EOF) {
			return lens.Look{}, fmt.Errorf("%w: %s ends before frame %d", errUsage, f.look, f.skip)
		}
		if err != nil {
			return lens.Look{}, err
		}
		if n < f.skip {
			frame.Close()
			continue
		}
		small := make([]byte, 3*width*height)
		err = scaler.Scale(frame, small)
		frame.Close()
		if err != nil {
			return lens.Look{}, err
		}
		look := lens.LookAt(small, width, height)
		if !look.Telling() {
			return lens.Look{}, fmt.Errorf("%w: %s shows too little to know the place by", errUsage, f.look)
		}
		return look, nil
	}
}
