package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/vision/qr/qrscene"
)

// goalFrame is what a frame of a camera may take, in milliseconds.
const goalFrame = 30

// codes reads drawn codes in every condition, with our reader and others.
func (r *run) codes(ctx context.Context) error {
	const worse = "QR codes: conditions in which zbar or gozxing reads more"
	version, missing := qrscene.ZBar(ctx)
	if missing == nil {
		r.report.Machine.Programs = append(r.report.Machine.Programs, "zbar "+version)
	}
	table := goals.Table{
		Head: []string{"QR codes", "zbar", "gozxing", "ours", "frame after frame", "zbar ms", "ours ms, median", "frames at most", "ms of a frame at most"},
		Left: []bool{true},
	}
	beaten := 0
	var each []float64
	for _, name := range qrscene.Conditions() {
		r.progress("codes: " + name)
		c, err := qrscene.Compare(ctx, name, r.of(40, 5), r.Now)
		if err != nil && !errors.Is(err, qrscene.ErrNoZBar) {
			return err
		}
		if min(c.Ours, c.Held) < max(c.ZBar, c.Plain) {
			beaten++
		}
		for _, d := range c.Each {
			each = append(each, milliseconds(d))
		}
		table.Rows = append(table.Rows, codesRow(c))
	}
	if missing != nil {
		r.report.Missing(worse, 0, "", true, missing.Error())
	} else {
		r.report.AtMost(worse, float64(beaten), 0, "")
	}
	r.report.AtMost("QR codes: a frame of the camera, 99 in 100", goals.Quantile(each, 0.99), goalFrame, "ms")
	r.report.AtMost("QR codes: the slowest of all frames", slices.Max(each), goalFrame, "ms")
	r.report.Figure("QR codes: a frame of the camera, median", goals.Median(each), "ms")
	r.report.Figure("QR codes: frames read", float64(len(each)), "")
	r.report.Tables = append(r.report.Tables, table)
	return nil
}

// codesRow is a condition's line of the table.
func codesRow(c qrscene.Reading) []string {
	share := func(n int) string { return fmt.Sprintf("%.2f", float64(n)/float64(c.Pictures)) }
	zbar, took := "-", "-"
	if c.ZBarEach > 0 {
		zbar, took = share(c.ZBar), fmt.Sprintf("%.1f", milliseconds(c.ZBarEach))
	}
	slices.Sort(c.Took)
	return []string{
		c.Condition, zbar, share(c.Plain), share(c.Ours), share(c.Held), took, fmt.Sprintf("%.1f", milliseconds(c.Took[len(c.Took)/2])),
		fmt.Sprint(c.Frames), fmt.Sprintf("%.1f", milliseconds(slices.Max(c.Each))),
	}
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }
