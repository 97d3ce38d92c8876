package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/trial"
)

// errGoals means that a trial ran and missed a goal.
var errGoals = errors.New("a goal is not met")

// trialFlags are the flags of `vouch-edge trial`.
type trialFlags struct {
	plan        trial.Plan
	calibration string
	write       string
	strict      bool
}

// newTrialCommand returns `vouch-edge trial`.
func newTrialCommand() *cobra.Command {
	f := &trialFlags{}
	cmd := &cobra.Command{
		Use:   "trial",
		Short: "Stage a shop and count what tracking and fusion make of it",
		Long: `Stages a convenience shop whose truth is known, lets scales, RFID readers and cameras
speak as they would, late and noisy, and counts: items, shoppers, wrong confident charges
and how honest the confidences are. These are calibrated on shops of other seeds.

With --pixels every frame of every camera is drawn and looked at: by the shelf monitor, and
by the detector of persons that comes with vouch-edge. Without it cameras speak at the level
of boxes and claims, with the faults of detectors, which takes a hundredth of the time.
--record keeps what cameras made of the pictures, and --film judges that again without
drawing: what comes after the cameras can then be worked on in seconds.`,
		Example: `  vouch-edge trial --pixels --seed 701 --shops 5 --interactions 200
  vouch-edge trial --seed 1 --write-calibration shop.calibration.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.Uint64Var(&f.plan.Seed, "seed", 1, "which shop")
	fl.IntVar(&f.plan.Shops, "shops", 1, "shops that count, of this seed and the next ones")
	fl.IntVar(&f.plan.Interactions, "interactions", 1000, "takes, returns and touches of shoppers in each")
	fl.IntVar(&f.plan.Shelves, "shelves", 3, "shelves of five slots, 1 to 5")
	fl.IntVar(&f.plan.AtOnce, "at-once", 2, "shoppers inside at a time; 0 for any number")
	fl.IntVar(&f.plan.Training, "training", 2, "shops of half the size to calibrate on; 0 for raw confidences")
	fl.BoolVar(&f.plan.Pixels, "pixels", false, "draw every frame of every camera and look at it")
	fl.IntVar(&f.plan.Workers, "workers", runtime.GOMAXPROCS(0), "with --pixels: cameras looked at side by side")
	fl.StringVar(&f.plan.Record, "record", "", "`DIR` for what cameras made of the pictures; draws as --pixels does")
	fl.StringVar(&f.plan.Film, "film", "", "`DIR` with what they made of the same shops once, instead of drawing")
	fl.BoolVar(&f.plan.Hostile, "hostile", false, "shoppers try to confuse the shop")
	fl.BoolVar(&f.plan.Setting.Blind, "no-shelf-cameras", false, "shelf cameras claim nothing")
	fl.BoolVar(&f.plan.Setting.NoScales, "no-scales", false, "nothing is weighed")
	fl.BoolVar(&f.plan.Setting.NoTags, "no-tags", false, "there is no RFID")
	fl.StringVar(&f.calibration, "calibration", "", "`FILE` with the calibration to use instead of learning one")
	fl.StringVar(&f.write, "write-calibration", "", "`FILE` for the calibration that was learnt")
	fl.BoolVar(&f.strict, "strict", false, "fail if a goal is not met")
	cmd.MarkFlagsMutuallyExclusive("film", "record")
	cmd.MarkFlagsMutuallyExclusive("film", "pixels")
	return cmd
}

func (f *trialFlags) run(cmd *cobra.Command) error {
	p := f.plan
	if p.Interactions < 1 || p.Training < 0 || p.AtOnce < 0 || p.Shops < 1 {
		return fmt.Errorf("%w: --interactions %d, --shops %d, --training %d, --at-once %d", errUsage,
			p.Interactions, p.Shops, p.Training, p.AtOnce)
	}
	if f.calibration != "" {
		b, err := os.ReadFile(f.calibration)
		if err != nil {
			return err
		}
		if p.Setting.Calibration, err = fuse.ParseCalibration(b); err != nil {
			return fmt.Errorf("%s: %w", f.calibration, err)
		}
		p.Training = 0
	}
	report, err := trial.Hold(p)
	if err != nil {
		return err
	}
	if err := report.Write(cmd.OutOrStdout()); err != nil {
		return err
	}
	if f.write != "" {
		b, err := json.MarshalIndent(report.Calibration, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(f.write, append(b, '\n'), 0o600); err != nil {
			return err
		}
	}
	if f.strict && !report.Met() {
		return errGoals
	}
	return nil
}
