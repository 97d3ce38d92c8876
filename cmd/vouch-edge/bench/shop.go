package bench

import (
	"context"

	"github.com/vouchledger/vouch/vision/trial"
)

const (
	goalItems   = 0.97
	goalShopper = 0.97
	goalWrong   = 0.5 // per cent
	// shopSeed is the shop that counts; those that confidences are calibrated on
	// have other seeds.
	shopSeed = 1
)

// shop is the rows of the staged convenience shop.
func (r *run) shop(context.Context) error {
	s, how, err := r.staged()
	if err != nil {
		return err
	}
	r.report.AtLeast("staged shop, two persons, "+how+": item F1", s.ItemF1(), goalItems, "")
	r.report.AtLeast("the same: right shopper", s.RightShopper(), goalShopper, "")
	r.report.AtMost("the same: wrong confident charge", 100*s.WrongChargeShare(), goalWrong, "%")
	return nil
}

// staged stages the shop and counts what sensors and fusion make of it.
func (r *run) staged() (trial.Result, string, error) {
	plan := trial.Plan{Seed: shopSeed, Interactions: r.of(1000, 200), Shelves: 3, AtOnce: 2, Training: 2}
	report, err := trial.Hold(plan)
	return report.Result, "at the level of boxes and readings", err
}
