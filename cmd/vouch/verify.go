package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/cmd/vouch/audit"
	"github.com/vouchledger/vouch/ledger"
)

func newVerifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check log, receipts, books and evidence from the outside",
		Long: `Checks a data folder without trusting the server: every frame of the log (length,
checksum, positions, revisions, ids, stored form), every receipt against its replay,
byte for byte, that every visit is settled at most once and nothing is charged twice,
that the journal sums to zero, and every piece of evidence against its digest.

It may run beside the server. Exit code 0 only if all of it holds, 6 if not.`,
		Args: cobra.NoArgs,
	}
	data := addDataFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "the report as JSON")
	skip := cmd.Flags().Bool("skip-evidence", false, "do not read the evidence")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		bar := newBar(cmd.ErrOrStderr(), "log")
		cfg := audit.Config{Ledger: filepath.Join(*data, ledgerDir), Evidence: filepath.Join(*data, evidenceDir), Progress: bar.progress}
		if _, err := os.Stat(cfg.Ledger); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s holds no ledger: %w; name another folder with --data", *data, ledger.ErrNotFound)
		}
		if *skip {
			cfg.Evidence = ""
		}
		report, err := audit.Run(cmd.Context(), cfg)
		bar.done()
		if err != nil {
			return err
		}
		if *asJSON {
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "  ")
			if err := enc.Encode(report); err != nil {
				return err
			}
		} else {
			printReport(cmd.OutOrStdout(), report)
		}
		if !report.OK() {
			return fmt.Errorf("%w: %d findings", errVerify, len(report.Findings))
		}
		return nil
	}
	return cmd
}

// maxShown is how many findings a person is shown.
const maxShown = 20

func printReport(w io.Writer, r audit.Report) {
	for i, f := range r.Findings {
		if i == maxShown {
			fmt.Fprintf(w, "FOUND  and %d more; --json lists all\n", len(r.Findings)-i)
			break
		}
		fmt.Fprintf(w, "FOUND  %s\n", f)
	}
	if r.OK() {
		fmt.Fprintln(w, "log verified")
		fmt.Fprintln(w, "every receipt equals its replay")
	}
	fmt.Fprintf(w, "  events    %d in %d streams, %d bytes in %d segments\n", r.Log.Events, r.Log.Streams, r.Log.Bytes, r.Log.Segments)
	if r.Log.Torn > 0 {
		fmt.Fprintf(w, "            %d bytes of an append that was never acknowledged lie at the end\n", r.Log.Torn)
	}
	fmt.Fprintf(w, "  digest    %s\n", r.Log.SHA256)
	fmt.Fprintf(w, "  visits    %d, of these %d settled, %d refused at the gate, %d under way\n", r.Visits, r.Settled, r.Refused, r.Waiting)
	fmt.Fprintf(w, "  receipts  %d, of these %d corrections\n", r.Receipts, r.Corrected)
	fmt.Fprintf(w, "  journal   %d entries", r.Entries)
	for _, s := range r.Sums {
		fmt.Fprintf(w, ", sum %s", s)
	}
	fmt.Fprintf(w, "\n  evidence  %d objects\n", r.Evidence)
}
