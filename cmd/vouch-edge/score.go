package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/score"
)

// scored is what `vouch-edge score --json` prints.
type scored struct {
	Precision    float64 `json:"precision"`
	Recall       float64 `json:"recall"`
	F1           float64 `json:"f1"`
	Right        int     `json:"right"`
	False        int     `json:"false"`
	Missed       int     `json:"missed"`
	MedianError  float64 `json:"median_error_s"`
	LargestError float64 `json:"largest_error_s"`
	Tolerance    float64 `json:"tolerance_s"`
}

func newScoreCommand() *cobra.Command {
	var truths, detections, visits []string
	var catalogue, model string
	var tolerance time.Duration
	var asJSON, wholeShop bool
	policy := score.DefaultPolicy
	var walk walkFlags
	cmd := &cobra.Command{
		Use:   "score --truth FILE --detections FILE",
		Short: "Compare detections with the truth: precision, recall and F1",
		Long: `Compares detections (JSON lines with t, slot, action) with the truth (JSON lines with
t, slot, event). A detection is right if slot and action agree and the times differ by no
more than the tolerance; each event counts once. Several pairs of files are summed.

With --shop it judges a whole shop: detections also say sku, quantity, confidences and
persons (hypotheses of visit and confidence). It prints the F1 of items, the share of right
shoppers, of wrong detections nobody would be asked about, and what may explain each fault.
With --walks the clips of a folder (NAME.mp4, NAME.jsonl, planogram.json) are watched as
they are and with troubles made by the program. With --catalogue and --recogniser a model
is asked about a folder of pictures for each product that it was not trained with.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if catalogue != "" {
				return scoreCatalogue(cmd, catalogue, model, asJSON)
			}
			if walk.folder != "" && tolerance >= 0 && len(truths)+len(detections) == 0 {
				return walk.run(cmd, tolerance, asJSON)
			}
			if len(truths) == 0 || len(truths) != len(detections) {
				return fmt.Errorf("%w: give --truth and --detections the same number of times", errUsage)
			}
			if tolerance < 0 {
				return fmt.Errorf("%w: --tolerance is %v, want 0 or more", errUsage, tolerance)
			}
			if wholeShop {
				if cmd.Flags().Changed("tolerance") {
					policy.Tolerance = tolerance.Seconds()
				}
				same, err := sameVisits(visits)
				if err != nil {
					return err
				}
				r, err := compareShops(truths, detections, policy, same)
				if err != nil {
					return err
				}
				return printShopScore(cmd, r, asJSON)
			}
			sum, err := compareAll(truths, detections, tolerance)
			if err != nil {
				return err
			}
			return printScore(cmd, sum, tolerance, asJSON)
		},
	}
	cmd.Flags().StringVar(&catalogue, "catalogue", "", "folder of pictures for each product, for a recogniser")
	cmd.Flags().StringVar(&model, "recogniser", "", "with --catalogue: the model file that `vouch-edge train` wrote")
	cmd.Flags().StringArrayVar(&truths, "truth", nil, "truth file (may be given several times)")
	cmd.Flags().StringArrayVar(&detections, "detections", nil, "detections file, one for each truth file")
	cmd.Flags().DurationVar(&tolerance, "tolerance", 1500*time.Millisecond, "largest difference in time (2.5s with --shop)")
	cmd.Flags().BoolVar(&wholeShop, "shop", false, "judge a whole shop")
	cmd.Flags().Float64Var(&policy.Item, "item-min", policy.Item, "with --shop: confidence in the item from which nobody is asked")
	cmd.Flags().Float64Var(&policy.Action, "action-min", policy.Action, "with --shop: the same of the action")
	cmd.Flags().Float64Var(&policy.Person, "person-min", policy.Person, "with --shop: the same of the person")
	cmd.Flags().StringArrayVar(&visits, "visit", nil, "with --shop: `SEEN=TRUE`, two names of one visit (may be given several times)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	walk.add(cmd)
	return cmd
}

// compareAll sums the comparisons of pairs of files.
func compareAll(truths, detections []string, tolerance time.Duration) (score.Result, error) {
	var sum score.Result
	for i := range truths {
		want, err := readEvents(truths[i])
		if err != nil {
			return sum, err
		}
		got, err := readEvents(detections[i])
		if err != nil {
			return sum, err
		}
		sum = sum.Add(score.Compare(want, got, tolerance.Seconds()))
	}
	return sum, nil
}

func readEvents(path string) ([]score.Event, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	events, err := score.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return events, nil
}

func printScore(cmd *cobra.Command, r score.Result, tolerance time.Duration, asJSON bool) error {
	median, largest := r.MedianError()
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(scored{
			r.Precision(), r.Recall(), r.F1(), r.Right, r.False, r.Missed, median, largest, tolerance.Seconds(),
		})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(),
		"precision %.3f  recall %.3f  F1 %.3f\n%d right, %d false, %d missed (tolerance %v)\ntime error median %+.2f s, largest %.2f s\n",
		r.Precision(), r.Recall(), r.F1(), r.Right, r.False, r.Missed, tolerance, median, largest)
	return err
}
