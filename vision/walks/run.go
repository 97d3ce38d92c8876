package walks

import (
	"context"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/watch"
)

// Config says how clips are watched and compared.
type Config struct {
	// Detector confirms; nil for none.
	Detector watch.Looker
	// Tolerance is the largest difference in time, in seconds.
	Tolerance float64
	// Seed decides every shake and walk.
	Seed uint64
	// Now times the watching, as of watch.Config.
	Now func() time.Time
}

// Row is what one clip under one trouble gave.
type Row struct {
	Clip    string
	Trouble string
	// Touches says that nothing is taken or returned in it.
	Touches bool
	Frames  int
	Result  score.Result
	// Missed and False are the events without a sighting and the sightings
	// without an event.
	Missed, False []score.Event
	// Delay is the longest time from an event to when it was certain, Least
	// the lowest confidence of a sighting.
	Delay, Least float64
}

const (
	// touchesEach is how many touches a walk has, holdFrames the longest a hand
	// rests in it.
	touchesEach = 6
	holdFrames  = 60
)

// Run watches every clip as it is, then with each trouble, then as many walks
// of touches as there are clips, and calls tell after each.
func Run(ctx context.Context, clips []Clip, cfg Config, tell func(Row)) error {
	conditions := append([]Trouble{{Name: "as given"}}, Troubles()...)
	for _, tr := range conditions {
		for i, c := range clips {
			src, err := c.Open(tr, cfg.Seed+uint64(i)) //nolint:gosec // an index
			if err != nil {
				return err
			}
			plan := c.Plan
			if tr.Mirror {
				plan = Mirrored(plan)
			}
			row, err := look(ctx, src, plan, c.Truth, cfg)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", c.Name, tr.Name, err)
			}
			row.Clip, row.Trouble = c.Name, tr.Name
			tell(row)
		}
	}
	return touches(ctx, clips, conditions, cfg, tell)
}

// touches makes as many walks of touches as there are clips, of those clips
// whose truth says when hands were there, under each condition in turn.
func touches(ctx context.Context, clips []Clip, conditions []Trouble, cfg Config, tell func(Row)) error {
	for _, c := range clips {
		if len(c.Reaches) == 0 {
			continue
		}
		film, err := c.Film(0, 0)
		if err != nil {
			return err
		}
		for i := range clips {
			seed := cfg.Seed + uint64(i) //nolint:gosec // an index
			walk, err := c.Walk(seed, Way{Moves: touchesEach, Touch: 1, Hold: holdFrames}, film.Len())
			if err != nil {
				return err
			}
			if len(walk.Frames) == 0 {
				continue
			}
			tr := conditions[i%len(conditions)]
			if tr.Mirror {
				walk.Plan = Mirrored(walk.Plan)
			}
			row, err := look(ctx, film.Walk(walk, tr, seed), walk.Plan, nil, cfg)
			if err != nil {
				return fmt.Errorf("touches of %s, %s: %w", c.Name, tr.Name, err)
			}
			row.Clip, row.Trouble, row.Touches = c.Name, "touches only, "+tr.Name, true
			tell(row)
		}
	}
	return nil
}

// look watches one source and compares.
func look(ctx context.Context, src *Source, plan planogram.Planogram, truth []score.Event, cfg Config) (Row, error) {
	defer src.Close() //nolint:errcheck // only read
	row := Row{Least: 1}
	var seen []score.Event
	stats, err := watch.Run(ctx, watch.Config{Frames: src, Plan: plan, Now: cfg.Now, Detector: cfg.Detector},
		func(s watch.Sighting) error {
			e := score.Event{Slot: s.Slot, Action: string(s.Action), T: s.T}
			if e.Action == "move" {
				e.Action = "return"
			}
			seen = append(seen, e)
			row.Delay, row.Least = max(row.Delay, s.Delay), min(row.Least, s.Confidence())
			return nil
		})
	if err != nil {
		return row, err
	}
	row.Frames = stats.Frames
	row.Result = score.Compare(truth, seen, cfg.Tolerance)
	row.Missed, row.False = score.Unpaired(truth, seen, cfg.Tolerance)
	return row, nil
}
