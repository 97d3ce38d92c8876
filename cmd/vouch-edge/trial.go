package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/trial"
)

// errGoals means that a trial ran and missed a goal.
var errGoals = errors.New("a goal is not met")

// newTrialCommand returns `vouch-edge trial`.
func newTrialCommand() *cobra.Command {
	plan := trial.Plan{}
	var strict bool
	cmd := &cobra.Command{
		Use:   "trial",
		Short: "Stage a shop and count what tracking and fusion make of it",
		Long: `Stages a convenience shop whose truth is known, lets scales, RFID readers and cameras
speak as they would, late and noisy, and counts: items, shoppers, wrong confident charges
and how honest the confidences are. These are calibrated on shops of other seeds. Cameras
speak at the level of boxes and claims; no picture is drawn.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if plan.Interactions < 1 || plan.Training < 0 || plan.AtOnce < 0 {
				return fmt.Errorf("%w: --interactions %d, --training %d, --at-once %d", errUsage,
					plan.Interactions, plan.Training, plan.AtOnce)
			}
			report, err := trial.Hold(plan)
			if err != nil {
				return err
			}
			if err := report.Write(cmd.OutOrStdout()); err != nil {
				return err
			}
			if strict && !report.Met() {
				return errGoals
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.Uint64Var(&plan.Seed, "seed", 1, "which shop")
	fl.IntVar(&plan.Interactions, "interactions", 1000, "takes, returns and touches of shoppers")
	fl.IntVar(&plan.Shelves, "shelves", 3, "shelves of five slots, 1 to 5")
	fl.IntVar(&plan.AtOnce, "at-once", 2, "shoppers inside at a time; 0 for any number")
	fl.IntVar(&plan.Training, "training", 2, "shops of half the size to calibrate on; 0 for raw confidences")
	fl.BoolVar(&plan.Hostile, "hostile", false, "shoppers try to confuse the shop")
	fl.BoolVar(&plan.Setting.Blind, "no-shelf-cameras", false, "shelf cameras claim nothing")
	fl.BoolVar(&plan.Setting.NoScales, "no-scales", false, "nothing is weighed")
	fl.BoolVar(&plan.Setting.NoTags, "no-tags", false, "there is no RFID")
	fl.BoolVar(&strict, "strict", false, "fail if a goal is not met")
	return cmd
}
