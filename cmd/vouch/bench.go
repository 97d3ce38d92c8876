package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/ledger/ledgerbench"
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
	cmd.AddCommand(newBenchLedgerCommand())
	return cmd
}

// newBenchLedgerCommand returns `vouch bench ledger`.
func newBenchLedgerCommand() *cobra.Command {
	var (
		seconds, rounds int
		dir             string
		asJSON          bool
	)
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Measure durable appends against a bare file on the same disk",
		Long: "Measure durable appends of 300-byte events by 1, 16 and 64 writers, in turns with a bare\n" +
			"file that has the same group commit and nothing else. Share is the median of the ratios.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if seconds < 1 || rounds < 1 {
				return fmt.Errorf("--seconds %d and --rounds %d: want at least 1", seconds, rounds)
			}
			cfg := ledgerbench.Config{
				Dir: dir, Now: time.Now, Total: time.Duration(seconds) * time.Second, Rounds: rounds, Writers: []int{1, 16, 64},
			}
			turns := newBar(cmd.ErrOrStderr(), "measuring")
			cfg.Progress = turns.progress
			report, err := ledgerbench.Run(cmd.Context(), cfg)
			turns.done()
			if err != nil {
				return fmt.Errorf("bench ledger: %w", err)
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(report)
			}
			return printBenchLedger(cmd.OutOrStdout(), report)
		},
	}
	cmd.Flags().IntVar(&seconds, "seconds", 30, "length of all turns together")
	cmd.Flags().IntVar(&rounds, "rounds", 5, "turns of each kind; figures are medians over them")
	cmd.Flags().StringVar(&dir, "dir", os.TempDir(), "folder on the disk to be measured")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printBenchLedger(w io.Writer, r ledgerbench.Report) error {
	rows := "writers\tlog/s\tbare/s\tshare\tlog p50\tbare p50\t\n"
	for _, c := range r.Cells {
		rows += fmt.Sprintf("%d\t%.0f\t%.0f\t%.2f\t%.0f µs\t%.0f µs\t\n",
			c.Writers, c.Log, c.Bare, c.Share, c.LogP50, c.BareP50)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := io.WriteString(tw, rows); err != nil {
		return err
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d events of %d bytes: opened in %.0f ms (%.0f events/s, every byte checked), "+
		"read at %.0f events/s, stored in %.0f bytes each\n%d rounds of %d ms, %d CPUs, %s, %s\n",
		r.Events, r.Body, r.OpenMS, r.OpenPS, r.ReadPS, r.PerEvt, r.Rounds, r.TurnMS, r.CPUs, r.Go, r.OS)
	return err
}
