package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/walks"
)

// walkFlags are the flags of `vouch-edge score --walks`.
type walkFlags struct {
	folder string
	seed   uint64
	model  cv.Model
}

func (f *walkFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.folder, "walks", "",
		"watch the clips of this `FOLDER` and as many again made from them: shaken, lit otherwise, noisy, mirrored, touches only")
	fl.Uint64Var(&f.seed, "seed", 1, "every shake and walk follows from this `NUMBER`")
	fl.StringVar(&f.model.Config, "model", "", "with --walks: Darknet network description (.cfg) of a detector that confirms")
	fl.StringVar(&f.model.Weights, "weights", "", "Darknet weights")
	fl.StringVar(&f.model.ONNX, "onnx", "", "ONNX detector instead of --model and --weights")
	fl.StringVar(&f.model.Names, "names", "", "the detector's classes, one a line")
}

// scoredWalk is a line of `vouch-edge score --walks --json`.
type scoredWalk struct {
	Clip    string        `json:"clip"`
	Trouble string        `json:"trouble"`
	Frames  int           `json:"frames"`
	Missed  []score.Event `json:"missed_events,omitempty"`
	False   []score.Event `json:"false_events,omitempty"`
	scored
}

// run watches every clip and prints a table, or a JSON object a clip.
func (f *walkFlags) run(cmd *cobra.Command, tolerance time.Duration, asJSON bool) error {
	clips, err := walks.Folder(f.folder)
	if err != nil {
		return err
	}
	cfg := walks.Config{Tolerance: tolerance.Seconds(), Seed: f.seed, Now: time.Now}
	if f.model != (cv.Model{}) {
		detector, err := cv.NewDetector(f.model)
		if err != nil {
			return err
		}
		defer detector.Close() //nolint:errcheck // only read
		cfg.Detector = detector
	}
	out := cmd.OutOrStdout()
	var sum score.Result
	if !asJSON {
		fmt.Fprintln(out, "| clip | trouble | events | right | false | missed | precision | recall | median error s | largest s | delay s | least |")
		fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|---|")
	}
	err = walks.Run(cmd.Context(), clips, cfg, func(r walks.Row) {
		sum = sum.Add(r.Result)
		printWalk(cmd, r, tolerance, asJSON)
	})
	if err != nil || asJSON {
		return err
	}
	fmt.Fprintln(out)
	return printScore(cmd, sum, tolerance, false)
}

func printWalk(cmd *cobra.Command, r walks.Row, tolerance time.Duration, asJSON bool) {
	out, res := cmd.OutOrStdout(), r.Result
	median, largest := res.MedianError()
	if asJSON {
		line := scoredWalk{
			Clip: r.Clip, Trouble: r.Trouble, Frames: r.Frames, Missed: r.Missed, False: r.False,
			scored: scored{
				res.Precision(), res.Recall(), res.F1(), res.Right, res.False, res.Missed, median, largest, tolerance.Seconds(),
			},
		}
		_ = json.NewEncoder(out).Encode(line) // a broken pipe ends the process
		return
	}
	fmt.Fprintf(out, "| %s | %s | %d | %d | %d | %d | %.3f | %.3f | %+.2f | %.2f | %.1f | %.2f |\n", r.Clip, r.Trouble,
		res.Right+res.Missed, res.Right, res.False, res.Missed, res.Precision(), res.Recall(), median, largest, r.Delay, r.Least)
	for _, e := range r.Missed {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s, %s: missed %s %s at %.2f s\n", r.Clip, r.Trouble, e.Action, e.Slot, e.T)
	}
	for _, e := range r.False {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s, %s: false %s %s at %.2f s\n", r.Clip, r.Trouble, e.Action, e.Slot, e.T)
	}
}
