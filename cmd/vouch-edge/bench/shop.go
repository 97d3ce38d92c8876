package bench

import (
	"context"
	"fmt"
	"runtime"

	"github.com/vouchledger/vouch/vision/trial"
)

const (
	goalItems   = 0.97
	goalShopper = 0.97
	goalWrong   = 0.5 // per cent
	// The shops that count have these seeds; those that confidences are calibrated
	// on have others.
	modelSeed  = 1
	pixelSeed  = 3001
	pixelShops = 4
)

// shop is the rows of the staged convenience shop: every frame of every camera
// drawn and looked at. Cameras that are only modelled are a figure beside it, or,
// where there is little time, all there is.
func (r *run) shop(context.Context) error {
	model, err := trial.Hold(trial.Plan{Seed: modelSeed, Interactions: r.of(1000, 200), Shelves: 3, AtOnce: 2, Training: 2})
	if err != nil {
		return err
	}
	if r.Quick {
		r.shopRows("staged shop, two persons, modelled cameras", model.Result)
		return nil
	}
	report, err := trial.Hold(trial.Plan{
		Seed: pixelSeed, Shops: pixelShops, Interactions: 1000 / pixelShops, Shelves: 3, AtOnce: 2, Training: 2,
		Pixels: true, Workers: runtime.GOMAXPROCS(0), Film: r.Film,
	})
	if err != nil {
		return err
	}
	r.shopRows("staged shop, two persons, from pixels", report.Result)
	for i, s := range report.Shops {
		r.report.Figure(fmt.Sprintf("staged shop %d from pixels: right shopper", pixelSeed+i), s.RightShopper(), "")
	}
	r.report.Figure("staged shop from pixels: detections that nobody is asked about", 100*float64(report.Result.Confident)/float64(max(1, report.Result.Detections)), "%")
	r.report.Figure("staged shop, modelled cameras: item F1", model.Result.ItemF1(), "")
	r.report.Figure("the same: right shopper", model.Result.RightShopper(), "")
	r.report.Figure("the same: wrong confident charge", 100*model.Result.WrongChargeShare(), "%")
	return nil
}

func (r *run) shopRows(what string, s trial.Result) {
	r.report.AtLeast(what+": item F1", s.ItemF1(), goalItems, "")
	r.report.AtLeast("the same: right shopper", s.RightShopper(), goalShopper, "")
	r.report.AtMost("the same: wrong confident charge", 100*s.WrongChargeShare(), goalWrong, "%")
}
