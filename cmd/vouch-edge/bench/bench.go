package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/vouchledger/vouch/internal/goals"
)

// Config says what to measure and with what.
type Config struct {
	Data      string   // folder of given data; what is not in it is not measured
	Manifests string   // folder of the manifests of models, whose files lie in the data
	Dir       string   // a folder is made in it and removed
	Vouch     string   // the server's program; empty looks for it
	Turn      []string // command that runs [Turns] in a process of its own
	Only      []string // parts; all if empty
	Quick     bool     // less of everything
	Film      string   // folder of what `vouch-edge trial --record` recorded of the staged shops; empty draws them
	Version   string
	Now       func() time.Time

	// Draw writes a drawn shelf into a folder: shelf.mp4, shelf.jsonl and
	// planogram.json.
	Draw func(ctx context.Context, seed uint64, folder string) error
	// Shop runs the shop of a file as `vouch-edge run` does, until ctx ends.
	Shop func(ctx context.Context, file string, taps Taps) error

	// Progress, if set, is called with what is being done.
	Progress func(what string)
}

// A run is one measurement on its way.
type run struct {
	Config
	dir    string
	report goals.Report
	own    []clip // drawn here, once
}

// parts are what can be measured alone, in the order of the table.
var parts = []struct {
	name    string
	measure func(*run, context.Context) error
}{
	{"clips", (*run).clips},
	{"shop", (*run).shop},
	{"speed", (*run).speed},
	{"live", (*run).live},
	{"evidence", (*run).evidence},
	{"codes", (*run).codes},
	{"products", (*run).products},
}

// Parts returns the names that Config.Only may have.
func Parts() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// Run measures. With an error the report holds what was measured all the same.
func Run(ctx context.Context, cfg Config) (goals.Report, error) {
	dir, err := os.MkdirTemp(cfg.Dir, "vouch-bench-")
	if err != nil {
		return goals.Report{}, err
	}
	start := cfg.Now()
	r := &run{Config: cfg, dir: dir, report: goals.Report{
		Program: "vouch-edge", Bench: "vision", At: start.UTC(), Machine: goals.ThisMachine(dir, cfg.Version),
	}}
	measured := 0
	for _, p := range parts {
		if len(cfg.Only) > 0 && !slices.Contains(cfg.Only, p.name) || ctx.Err() != nil {
			continue
		}
		r.progress(p.name)
		if e := p.measure(r, ctx); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", p.name, e))
			continue
		}
		measured++
	}
	r.report.Machine.Ended()
	r.report.Took = cfg.Now().Sub(start).Seconds()
	r.report.Extent = fmt.Sprintf("%d of %d parts, %.0f s in all", measured, len(parts), r.report.Took)
	if cfg.Quick {
		r.report.Extent += ", quick"
	}
	return r.report, errors.Join(err, ctx.Err(), os.RemoveAll(dir))
}

func (r *run) progress(what string) {
	if r.Progress != nil {
		r.Progress(what)
	}
}

// of returns n, or less where a quick look is enough.
func (r *run) of(n, quick int) int {
	if r.Quick {
		return quick
	}
	return n
}
