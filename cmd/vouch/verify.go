package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/api/palms"
	"github.com/vouchledger/vouch/cmd/vouch/audit"
	"github.com/vouchledger/vouch/cmd/vouch/evidencestore"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/tree"
)

func newVerifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check log, tree, receipts, books and evidence from the outside, or one proof file offline",
		Long: `Checks a data folder without trusting the server: every frame of the log (length,
checksum, positions, revisions, ids, stored form), every receipt against its replay,
byte for byte, that every visit is settled at most once and nothing is charged twice,
that the journal sums to zero, every tile, bundle and checkpoint of the tree against the
log and against what was signed last, and every piece of evidence against its digest: one
that is missing or altered is named with the event that names it. One that has expired
is no fault. Palms: every template is the one that was recorded, and of every consent that
was withdrawn the key is marked destroyed and the template gone.

With FILE, which vouch proof made, it checks that file alone, without server or data
folder, against the key that vouch tlog key printed: every event's bytes, its place in the
tree, the checkpoint's signature, with --policy the witnesses' cosignatures, and the
receipt against its replay.

With --ledger it checks a ledger in a cluster: all of that but the bytes of the log,
which are the cluster's, and that no event id is stored twice.

It may run beside the server. Exit code 0 only if all of it holds, 6 if not.`,
		Example: `  vouch verify --data DIR
  vouch verify receipt.vouch-proof --key "$(cat shop.key.pub)" --policy witnesses.txt`,
		Args: cobra.MaximumNArgs(1),
	}
	from := addSourceFlags(cmd)
	trust := addTrustFlags(cmd)
	asJSON := cmd.Flags().Bool("json", false, "the report as JSON")
	skip := cmd.Flags().Bool("skip-evidence", false, "do not read the evidence")
	where, keys := addEvidenceFlags(cmd)
	palmKeys := addPalmKeysFlag(cmd)
	elsewhere := cmd.Flags().String("tlog-signer", "", "folder of the tree's signing key (default DATA/signer)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return verifyFile(cmd.OutOrStdout(), args[0], *trust, *asJSON)
		}
		if *trust != (trustFlags{}) {
			return fmt.Errorf("%w: --key and --policy are for a proof file", errUsage)
		}
		bar := newBar(cmd.ErrOrStderr(), "log")
		cfg := audit.Config{
			Ledger: filepath.Join(from.data, ledgerDir), Evidence: evidencestore.In(from.data, *where, *keys),
			Tree: filepath.Join(from.data, tlogDir), Signer: signerFolder(from.data, *elsewhere), Progress: bar.progress,
			Palms: audit.Palms{Templates: filepath.Join(from.data, palms.Dir), Keys: palmKeysIn(from.data, *palmKeys)},
		}
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
			cfg.Evidence.Address = ""
		}
		report, err := audit.Run(cmd.Context(), cfg)
		bar.done()
		if err != nil {
			return err
		}
		return tellReport(cmd.OutOrStdout(), report, *asJSON)
	}
	return cmd
}

// tellReport prints what was checked; findings are an error.
func tellReport(w io.Writer, r audit.Report, asJSON bool) error {
	if asJSON {
		if err := printJSON(w, r); err != nil {
			return err
		}
	} else {
		printReport(w, r)
	}
	if !r.OK() {
		return fmt.Errorf("%w: %d findings", errVerify, len(r.Findings))
	}
	return nil
}

func printLog(w io.Writer, r embedded.Report) {
	fmt.Fprintf(w, "  events    %d in %d streams, %d bytes in %d segments\n", r.Events, r.Streams, r.Bytes, r.Segments)
	if r.Torn > 0 {
		fmt.Fprintf(w, "            %d bytes of an append that was never acknowledged lie at the end\n", r.Torn)
	}
	fmt.Fprintf(w, "  digest    %s\n", r.SHA256)
}

func printTree(w io.Writer, r *tree.Report) {
	if r == nil {
		fmt.Fprintln(w, "  tree      none yet; vouch serve makes it")
		return
	}
	fmt.Fprintf(w, "  tree      %d leaves in %d tiles and %d bundles, signed by %s", r.Published, r.Tiles, r.Bundles, r.Origin)
	if r.Later > 0 {
		fmt.Fprintf(w, "; %d later events", r.Later)
	}
	if r.Cosigned > 0 {
		fmt.Fprintf(w, "; %d leaves cosigned by witnesses", r.Cosigned)
	}
	fmt.Fprintf(w, "\n  root      %s\n", r.Root)
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
	printTree(w, r.Tree)
	fmt.Fprintf(w, "  visits    %d, of these %d settled, %d refused at the gate, %d under way\n", r.Visits, r.Settled, r.Refused, r.Waiting)
	fmt.Fprintf(w, "  receipts  %d, of these %d corrections\n", r.Receipts, r.Corrected)
	fmt.Fprintf(w, "  journal   %d entries", r.Entries)
	for _, s := range r.Sums {
		fmt.Fprintf(w, ", sum %s", s)
	}
	fmt.Fprintf(w, "\n  evidence  %d objects", r.Evidence)
	if r.Expiries > 0 {
		fmt.Fprintf(w, "; %d pieces have expired", r.Expiries)
	}
	fmt.Fprintln(w)
	if r.Palms+r.PalmsDestroyed > 0 {
		fmt.Fprintf(w, "  palms     %d as they were made, %d destroyed\n", r.Palms, r.PalmsDestroyed)
	}
}
