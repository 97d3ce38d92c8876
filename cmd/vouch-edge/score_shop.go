package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/truth"
)

// scoredShop is what `vouch-edge score --shop --json` prints.
type scoredShop struct {
	ItemF1           float64       `json:"item_f1"`
	RightShopper     float64       `json:"right_shopper"`
	WrongChargeShare float64       `json:"wrong_charge_share"`
	Happened         int           `json:"happened"` // pieces
	Detected         int           `json:"detected"`
	Right            int           `json:"right"`
	Shopper          int           `json:"shopper"`
	Attributed       int           `json:"attributed"`
	Detections       int           `json:"detections"`
	Confident        int           `json:"confident"`
	WrongCharge      int           `json:"wrong_charge"`
	Touches          int           `json:"touches"`
	Faults           []score.Fault `json:"faults"`
}

// compareShops judges pairs of files; visits maps a machine's name of a visit
// to the truth's.
func compareShops(truths, detections []string, policy score.Policy, visits map[string]string) (score.ShopResult, error) {
	var sum score.ShopResult
	for i := range truths {
		want, err := readTruth(truths[i])
		if err != nil {
			return sum, err
		}
		got, err := readDetections(detections[i])
		if err != nil {
			return sum, err
		}
		for k := range got {
			for p, person := range got[k].Persons {
				if name, ok := visits[person.Visit]; ok {
					got[k].Persons[p].Visit = name
				}
			}
		}
		sum = sum.Add(score.CompareShop(want, got, policy))
	}
	return sum, nil
}

func readTruth(path string) (truth.Shop, error) {
	f, err := os.Open(path)
	if err != nil {
		return truth.Shop{}, err
	}
	defer f.Close()
	t, err := truth.ReadShop(f)
	if err != nil {
		return t, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func readDetections(path string) ([]score.Detection, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := score.ReadDetections(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// sameVisits reads SEEN=TRUE pairs.
func sameVisits(pairs []string) (map[string]string, error) {
	visits := map[string]string{}
	for _, p := range pairs {
		seen, name, ok := strings.Cut(p, "=")
		if !ok {
			return nil, fmt.Errorf("%w: --visit %q: want SEEN=TRUE", errUsage, p)
		}
		visits[seen] = name
	}
	return visits, nil
}

func printShopScore(cmd *cobra.Command, r score.ShopResult, asJSON bool) error {
	if asJSON {
		faults := r.Faults
		if faults == nil {
			faults = []score.Fault{}
		}
		return json.NewEncoder(cmd.OutOrStdout()).Encode(scoredShop{
			r.ItemF1(), r.RightShopper(), r.WrongChargeShare(), r.Happened, r.Detected, r.Right, r.Shopper, r.Attributed,
			r.Detections, r.Confident, r.WrongCharge, r.Touches, faults,
		})
	}
	out := cmd.OutOrStdout()
	if _, err := fmt.Fprintf(out, "item F1 %.3f  right shopper %.3f  wrong charges %.2f %%\n"+
		"%d pieces happened, %d detected, %d right; %d of %d with the right shopper\n"+
		"%d detections, %d without a question, %d of them wrong\n",
		r.ItemF1(), r.RightShopper(), 100*r.WrongChargeShare(), r.Happened, r.Detected, r.Right, r.Shopper, r.Attributed,
		r.Detections, r.Confident, r.WrongCharge); err != nil {
		return err
	}
	for _, f := range r.Faults {
		if _, err := fmt.Fprintln(out, faultLine(f)); err != nil {
			return err
		}
	}
	return nil
}

// faultLine says in one line what is wrong, and what may explain it.
func faultLine(f score.Fault) string {
	line := fmt.Sprintf("%8.2f s  %s", f.T, f.What)
	if in := f.Truth; in != nil {
		line += fmt.Sprintf(": %s %d %s at %s by %s", in.Event, in.Quantity, in.SKU, in.Slot, in.Person)
		if len(in.Hidden) > 0 {
			line += ", hidden from " + strings.Join(in.Hidden, ", ")
		}
		if len(in.Beside) > 0 {
			line += ", beside " + strings.Join(in.Beside, ", ")
		}
	}
	if d := f.Detection; d != nil {
		line += fmt.Sprintf("; detected %s %d %s at %s", d.Action, d.Quantity, d.SKU, d.Slot)
	}
	if f.Confident {
		line += ", without a question"
	}
	return line
}
