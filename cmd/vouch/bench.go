package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/cmd/vouch/bench"
	"github.com/vouchledger/vouch/internal/goals"
)

// newBenchCommand returns `vouch bench` with a subcommand for each part that
// can be measured.
func newBenchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure this machine",
		Long: "Measure parts of Vouch on this machine, each against the least that its work can cost\n" +
			"here, in the same run. docs/benchmarks.md says what was measured where.",
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newBenchLedgerCommand(), newBenchBillingCommand(), newBenchPartCommand())
	return cmd
}

// newBenchLedgerCommand returns `vouch bench ledger`.
func newBenchLedgerCommand() *cobra.Command {
	var (
		quick      bool
		file, page string
		cfg        = bench.Config{Now: time.Now, Random: rand.Reader, Version: version}
	)
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Measure the ledger against its goals, a bare file, PostgreSQL and JetStream",
		Long: `Measure what the ledger has to reach, and print the table of goals.

Durable appends of 300-byte events run in turns with a bare file that has the same group
commit and nothing else, with PostgreSQL (batched inserts) and with NATS JetStream (syncing
always); what counts is the median of the ratios within a round. Then a log of made-up
visits is written, opened, replayed and read in turns with PostgreSQL holding the same
events, its files are weighed and a tree is made of it.

A PostgreSQL of its own is started in a new folder if postgresql-15 is installed, and a
nats-server if there is one beside this program or in the path. What is missing is not
measured and named. 10 million events take about 10 GB of disk and 13 GB of memory.

Exit status 0 says that it was measured, not that the goals are met.`,
		Example: "  vouch bench ledger --quick\n  vouch bench ledger --json bench.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if quick {
				quicken(cmd, &cfg)
			}
			if cfg.Events < 1000 || cfg.Rounds < 1 || cfg.Turn < time.Millisecond || cfg.Visits < 1 {
				return fmt.Errorf("%w: want at least 1000 --events, 1 of --rounds, 1ms of --turn and 1 of --visits", errUsage)
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			cfg.Part = []string{self, "bench", "ledger-part"}
			return runBenchLedger(cmd, cfg, file, page)
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&cfg.Events, "events", 10_000_000, "events of the large log")
	f.Uint64Var(&cfg.Sample, "sample", 1_000_000, "events of the smaller measurements: replay, decoding, tree")
	f.DurationVar(&cfg.Turn, "turn", 500*time.Millisecond, "length of a turn of one store with one number of writers")
	f.IntVar(&cfg.Rounds, "rounds", 11, "turns of each; figures are medians over them")
	f.IntVar(&cfg.Visits, "visits", 2000, "single visits read")
	f.StringVar(&cfg.Dir, "dir", os.TempDir(), "folder on the disk to be measured")
	f.StringVar(&cfg.Postgres, "postgres", "", "URL of a PostgreSQL to use instead of one of its own; a table vouch_bench_events is made and dropped")
	f.StringVar(&cfg.NATS, "nats-server", "", "nats-server program to start")
	f.BoolVar(&quick, "quick", false, "1 million events and 3 rounds of 200 ms; the goals for 10 million are then not")
	f.StringVar(&file, "json", "", "file to write the report to as JSON; - prints it instead of the table")
	f.StringVar(&page, "update", "", "Markdown file whose marked table is replaced by this one")
	return cmd
}

// quicken sets what was not set otherwise.
func quicken(cmd *cobra.Command, cfg *bench.Config) {
	if !cmd.Flags().Changed("events") {
		cfg.Events = 1_000_000
	}
	if !cmd.Flags().Changed("sample") {
		cfg.Sample = 200_000
	}
	if !cmd.Flags().Changed("turn") {
		cfg.Turn = 200 * time.Millisecond
	}
	if !cmd.Flags().Changed("rounds") {
		cfg.Rounds = 3
	}
	if !cmd.Flags().Changed("visits") {
		cfg.Visits = 500
	}
}

// runBenchLedger measures and reports to the terminal and the files.
func runBenchLedger(cmd *cobra.Command, cfg bench.Config, file, page string) error {
	var shown *bar
	var what string
	cfg.Progress = func(now string, done, total int64) {
		if now != what {
			if shown != nil {
				shown.done()
			}
			shown, what = newBar(cmd.ErrOrStderr(), now), now
		}
		shown.progress(done, total)
	}
	report, err := bench.Ledger(cmd.Context(), cfg)
	if shown != nil {
		shown.done()
	}
	if err != nil {
		return fmt.Errorf("bench ledger: %w", err)
	}
	return goals.Publish(cmd.OutOrStdout(), &report, file, page)
}

// newBenchBillingCommand returns `vouch bench billing`.
func newBenchBillingCommand() *cobra.Command {
	var (
		quick      bool
		file, page string
		cfg        = bench.BillingConfig{Now: time.Now, Random: rand.Reader, Version: version}
	)
	cmd := &cobra.Command{
		Use:   "billing",
		Short: "Measure billing: receipts priced, visits settled, the time to a receipt",
		Long: `Measure what a shop waits for, and print the table of goals.

Receipts of ten lines are priced and decided one after the other. Then shoppers go through
twenty shops at once (gate, hold, three pieces, exit, receipt, capture) with the real
engine, the real adapter for Stripe and a ledger on disk; the payment provider is stripesim
in the same process, and its work is part of the figure. At last one shopper after the
other leaves, and the time from the exit to the issued receipt is taken; the shop's grace
for late sensors is 0. A round in which a visit is not charged exactly once is an error.

Exit status 0 says that it was measured, not that the goals are met.`,
		Example: "  vouch bench billing --quick\n  vouch bench billing --json billing.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if quick && !cmd.Flags().Changed("visits") {
				cfg.Visits = 2000
			}
			if quick && !cmd.Flags().Changed("rounds") {
				cfg.Rounds = 1
			}
			if cfg.Receipts < 1 || cfg.Visits < 1 || cfg.Shoppers < 1 || cfg.Rounds < 1 {
				return fmt.Errorf("%w: want at least one of --receipts, --visits, --shoppers and --rounds", errUsage)
			}
			shown := newBar(cmd.ErrOrStderr(), "billing")
			cfg.Progress = func(_ string, done, total int64) { shown.progress(done, total) }
			report, err := bench.Billing(cmd.Context(), cfg)
			shown.done()
			if err != nil {
				return fmt.Errorf("bench billing: %w", err)
			}
			return goals.Publish(cmd.OutOrStdout(), &report, file, page)
		},
	}
	f := cmd.Flags()
	f.IntVar(&cfg.Receipts, "receipts", 200_000, "receipts priced in each round")
	f.IntVar(&cfg.Visits, "visits", 10_000, "visits settled in each round")
	f.IntVar(&cfg.Shoppers, "shoppers", 256, "shoppers at once")
	f.IntVar(&cfg.Rounds, "rounds", 5, "figures are medians over them")
	f.StringVar(&cfg.Dir, "dir", os.TempDir(), "folder on the disk to be measured")
	f.BoolVar(&quick, "quick", false, "one round of 2000 visits")
	f.StringVar(&file, "json", "", "file to write the report to as JSON; - prints it instead of the table")
	f.StringVar(&page, "update", "", "Markdown file whose marked table is replaced by this one")
	return cmd
}

// newBenchPartCommand returns the command that `vouch bench ledger` runs for
// what needs a process of its own.
func newBenchPartCommand() *cobra.Command {
	var (
		dir    string
		events uint64
	)
	cmd := &cobra.Command{
		Use:    "ledger-part PART",
		Short:  "Measure one part in this process; `vouch bench ledger` calls it",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return bench.RunPart(cmd.Context(), cmd.OutOrStdout(), time.Now, bench.Part(args[0]), dir, events)
		},
	}
	cmd.Flags().StringVar(&dir, "data", "", "folder of the log")
	cmd.Flags().Uint64Var(&events, "events", 0, "at most so many; 0 means all")
	return cmd
}
