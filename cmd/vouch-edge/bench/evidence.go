package bench

import (
	"context"

	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/watch"
)

// goalEvidence is the most bytes that the evidence of a detection may have.
const goalEvidence = 300_000

// evidence weighs the evidence of what is seen on the films.
func (r *run) evidence(ctx context.Context) error {
	films, err := r.films(ctx)
	if err != nil {
		return err
	}
	what := "real clips"
	if len(r.own) > 0 && films[0].Video == r.own[0].Video {
		what = "drawn shelves"
	}
	var sums []float64
	for _, f := range films[:r.of(len(films), 1)] {
		r.progress("evidence: " + f.Name)
		more, err := r.weigh(ctx, f)
		if err != nil {
			return err
		}
		sums = append(sums, more...)
	}
	r.report.AtMost("evidence of a detection on "+what+", median", goals.Median(sums), goalEvidence, "bytes")
	r.report.Figure("evidence of a detection, nine in ten", goals.Quantile(sums, 0.9), "bytes")
	r.report.Figure("detections whose evidence was weighed", float64(len(sums)), "")
	return nil
}

// weigh returns the bytes of the evidence of each detection on a film, a piece
// with two roles counted once.
func (r *run) weigh(ctx context.Context, f clip) ([]float64, error) {
	reader, err := cv.Open(f.Video)
	if err != nil {
		return nil, err
	}
	defer reader.Close() //nolint:errcheck // only read
	var sums []float64
	cfg := watch.Config{Frames: reader, Plan: f.Plan, Now: r.Now, Keeper: named{}}
	_, err = watch.Run(ctx, cfg, func(s watch.Sighting) error {
		seen, sum := map[ledger.Digest]bool{}, int64(0)
		for _, e := range s.Evidence {
			if !seen[e.Digest] {
				sum += e.Bytes
			}
			seen[e.Digest] = true
		}
		sums = append(sums, float64(sum))
		return nil
	})
	return sums, err
}

// named keeps nothing of a piece but its name.
type named struct{}

// Keep implements watch.Keeper.
func (named) Keep(_ context.Context, b []byte) (ledger.Digest, error) { return ledger.DigestOf(b), nil }
