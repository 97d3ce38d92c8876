package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/cmd/vouch-edge/bench"
	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/render"
)

// newBenchCommand returns `vouch-edge bench`.
func newBenchCommand() *cobra.Command {
	var file, page string
	cfg := bench.Config{Now: time.Now, Version: version, Draw: drawForBench, Shop: runForBench}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure this machine's eyes against their goals",
		Long: `Measure what the eyes of a shop have to reach, and print the table of goals: events found
on clips of a real shelf and on others made from them, a staged shop, the monitor's speed as
a share of bare decoding, and what a shop waits for: films played in real time to cameras of
vouch-edge run, until a vouch serve of its own has acknowledged each event. QR codes are read
in turns with zbarimg and gozxing; products are learnt and told apart.

The clips are given data; without them shelves are drawn where that says something, and the
other rows say what is missing. The shop's cameras are drawn frame by frame, which is half of
about twenty minutes on two processors; --quick takes one, and only models them.

Exit status 0 says that it was measured, not that the goals are met.`,
		Example: "  vouch-edge bench --quick\n  vouch-edge bench --only live --json -",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range cfg.Only {
				if !slices.Contains(bench.Parts(), name) {
					return fmt.Errorf("%w: --only %s: want one of %s", errUsage, name, strings.Join(bench.Parts(), ", "))
				}
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			cfg.Turn = []string{self, "bench", "turns"}
			tell := isTerminal(cmd)
			cfg.Progress = func(what string) {
				if tell {
					fmt.Fprintf(cmd.ErrOrStderr(), "\r\x1b[K%s", what)
				}
			}
			report, err := bench.Run(cmd.Context(), cfg)
			if tell {
				fmt.Fprint(cmd.ErrOrStderr(), "\r\x1b[K")
			}
			if err != nil {
				if len(report.Rows) > 0 {
					_ = report.WriteText(cmd.OutOrStdout()) // the error is what counts
				}
				return fmt.Errorf("bench: %w", err)
			}
			return goals.Publish(cmd.OutOrStdout(), &report, file, page)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Data, "data", defaultData(), "folder of given data: video, models, grocery")
	f.StringVar(&cfg.Manifests, "models", filepath.Join("docs", "models"), "folder of the manifests of models")
	f.StringVar(&cfg.Dir, "dir", os.TempDir(), "folder that a working folder is made in")
	f.StringVar(&cfg.Vouch, "vouch", "", "the server's program (default: beside this one, or in the path)")
	f.StringSliceVar(&cfg.Only, "only", nil, "measure only this part: "+strings.Join(bench.Parts(), ", ")+" (may be given again)")
	f.BoolVar(&cfg.Quick, "quick", false, "less of everything, one clip of those given; no products")
	f.StringVar(&cfg.Film, "film", "", "`DIR` with what vouch-edge trial --record made of the same shops, instead of drawing them")
	f.StringVar(&file, "json", "", "file to write the report to as JSON; - prints it instead of the table")
	f.StringVar(&page, "update", "", "Markdown file whose marked table is replaced by this one")
	cmd.AddCommand(newTurnsCommand())
	return cmd
}

// defaultData is where given data lie if nothing else is said.
func defaultData() string {
	if dir := os.Getenv("VOUCH_DATA"); dir != "" {
		return dir
	}
	return filepath.Join("..", "shared", "data")
}

// isTerminal reports whether a person reads what the command says beside its
// output.
func isTerminal(cmd *cobra.Command) bool {
	file, ok := cmd.ErrOrStderr().(*os.File)
	if !ok {
		return false
	}
	st, err := file.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// newTurnsCommand returns what `vouch-edge bench` runs in a process that has one
// processor.
func newTurnsCommand() *cobra.Command {
	var video, plan, initial string
	var rounds int
	cmd := &cobra.Command{
		Use:    "turns",
		Short:  "Decode and watch a film in turns; `vouch-edge bench` calls it",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := planogram.Load(plan)
			if err != nil {
				return err
			}
			counts, err := planogram.ParseInitial(initial)
			if err != nil {
				return err
			}
			if p, err = p.WithInitial(counts); err != nil {
				return err
			}
			return bench.Turns(cmd.Context(), cmd.OutOrStdout(), time.Now, video, p, rounds)
		},
	}
	cmd.Flags().StringVar(&video, "video", "", "film")
	cmd.Flags().StringVar(&plan, "planogram", "", "its planogram")
	cmd.Flags().StringVar(&initial, "initial", "", "items at its start")
	cmd.Flags().IntVar(&rounds, "rounds", 1, "turns of each")
	return cmd
}

// benchSeconds is the length of a drawn film.
const benchSeconds = 40

// drawForBench draws a shelf as `vouch-edge render shelf` does.
func drawForBench(ctx context.Context, seed uint64, folder string) error {
	sc := render.Random(seed, benchSeconds)
	sc.Width, sc.Height = 640, 360
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	return renderShelf(cmd, sc, &renderFlags{out: folder})
}

// runForBench runs a shop as `vouch-edge run` does.
func runForBench(ctx context.Context, file string, taps bench.Taps) error {
	c, err := loadShop(file)
	if err != nil {
		return err
	}
	// The server of the measurement has a key of its own, whatever VOUCH_KEY says.
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var own struct{ Key string }
	if err := json.Unmarshal(b, &own); err != nil {
		return err
	}
	c.Key = own.Key
	return runShop(ctx, c, filepath.Dir(file), false, taps)
}
