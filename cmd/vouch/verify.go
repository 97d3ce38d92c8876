package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/cmd/vouch/audit"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
)

func newVerifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check log, receipts, books and evidence from the outside",
		Long: `Checks a data folder without trusting the server: every frame of the log (length,
checksum, positions, revisions, ids, stored form), every receipt against its replay,
byte for byte, that every visit is settled at most once and nothing is charged twice,
that the journal sums to zero, and every piece of evidence against its digest.

With --ledger it checks a ledger in a cluster: all of that but the bytes of the log,
which are the cluster's, and that no event id is stored twice.

It may run beside the server. Exit code 0 only if all of it holds, 6 if not.`,
		Args: cobra.NoArgs,
	}
	from := addSourceFlags(cmd)
	asJSON := cmd.Flags().Bool("json", false, "the report as JSON")
	skip := cmd.Flags().Bool("skip-evidence", false, "do not read the evidence")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		bar := newBar(cmd.ErrOrStderr(), "log")
		cfg := audit.Config{Ledger: filepath.Join(from.data, ledgerDir), Evidence: filepath.Join(from.data, evidenceDir), Progress: bar.progress}
		if from.address != "" {
			log, err := from.cluster(cmd.Context(), "", bar.progress, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			defer log.Close() //nolint:errcheck // only read
			cfg.Ledger, cfg.Cluster = "", log
		} else if _, err := os.Stat(cfg.Ledger); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s holds no ledger: %w; name another folder with --data", from.data, ledger.ErrNotFound)
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

func printLog(w io.Writer, r embedded.Report) {
	fmt.Fprintf(w, "  events    %d in %d streams, %d bytes in %d segments\n", r.Events, r.Streams, r.Bytes, r.Segments)
	if r.Torn > 0 {
		fmt.Fprintf(w, "            %d bytes of an append that was never acknowledged lie at the end\n", r.Torn)
	}
	fmt.Fprintf(w, "  digest    %s\n", r.SHA256)
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
	if r.Cluster {
		fmt.Fprintf(w, "  events    %d, in a cluster that keeps their bytes\n", r.Events)
	} else {
		printLog(w, r.Log)
	}
	fmt.Fprintf(w, "  visits    %d, of these %d settled, %d refused at the gate, %d under way\n", r.Visits, r.Settled, r.Refused, r.Waiting)
	fmt.Fprintf(w, "  receipts  %d, of these %d corrections\n", r.Receipts, r.Corrected)
	fmt.Fprintf(w, "  journal   %d entries", r.Entries)
	for _, s := range r.Sums {
		fmt.Fprintf(w, ", sum %s", s)
	}
	fmt.Fprintf(w, "\n  evidence  %d objects\n", r.Evidence)
}
