package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/payers"
	"github.com/vouchledger/vouch/cmd/vouch/archive"
	"github.com/vouchledger/vouch/ledger/embedded"
)

func newRestoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Make a data folder of a backup, up to a position or a time",
		Long: `Makes a data folder of a backup: the log up to an end, the tree if the log holds what its
checkpoint covers, and the evidence. An append is restored whole or not. The result is
read again from the first byte to the last. The folder may hold keys already, but nothing
that stands on a log.

Bring the keys back from their own backup: keys.json, ticket.key, rotation.key, payers and signer. The
signer's folder must be the newest there is: it remembers what was signed, and signs
nothing that contradicts it. A log that was restored to before its last checkpoint is a
history that auditors have seen differently; the tree stays unsigned until you begin a new
one with a new signer's folder and another --tlog-origin (docs/operating/backup.md).

Stop the old server first: two servers that go on from one history make two histories.`,
		Example: `  vouch restore --from /mnt/backup --data DIR
  vouch restore --from /mnt/backup --data DIR --to-time 2026-11-24T11:29:59Z
  vouch verify --data DIR --tlog-signer /mnt/backup/signer`,
		Args: cobra.NoArgs,
	}
	data := addDataFlag(cmd)
	f := cmd.Flags()
	from := f.String("from", "", "folder of the backup")
	var until embedded.Until
	f.Uint64Var(&until.Position, "to-position", 0, "the last event to restore; 0 means all")
	moment := f.String("to-time", "", "the last recorded time to restore (RFC 3339)")
	cfg := archive.Config{Layout: layout(), Now: time.Now}
	f.BoolVar(&cfg.SkipEvidence, "skip-evidence", false, "leave the evidence out")
	asJSON := f.Bool("json", false, "the report as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *from == "" {
			return fmt.Errorf("%w: name the folder of the backup with --from", errUsage)
		}
		if *moment != "" {
			var err error
			if until.Time, err = time.Parse(time.RFC3339, *moment); err != nil {
				return fmt.Errorf("%w: --to-time: %w", errUsage, err)
			}
		}
		if until.Position > 0 && *moment != "" {
			return fmt.Errorf("%w: --to-position and --to-time do not go together", errUsage)
		}
		bars := &bars{out: cmd.ErrOrStderr()}
		cfg.From, cfg.To, cfg.Progress = *from, *data, bars.begin
		r, err := archive.Restore(cmd.Context(), cfg, until)
		bars.done()
		if err != nil {
			return err
		}
		if err := markForSweep(*data, r); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), r)
		}
		printRestored(cmd.OutOrStdout(), r, until, *data, *from)
		return nil
	}
	return cmd
}

// markForSweep makes the next server look at the payment provider before it
// sends anything: the provider has done what the log has lost.
func markForSweep(data string, r archive.Restored) error {
	since := r.Log.Recorded
	if since.IsZero() { // no event at all
		since = r.Log.Backup.Made
	}
	return sweepMarker{Position: r.Log.Position, Since: since.UTC(), Restored: time.Now().UTC()}.write(data)
}

func printRestored(w io.Writer, r archive.Restored, until embedded.Until, data, from string) {
	l := r.Log
	fmt.Fprintln(w, "restored and verified")
	fmt.Fprintf(w, "  events    %d of %d%s\n", l.Position, l.Backup.Position, upTo(l.Recorded))
	if until.Position > l.Position {
		fmt.Fprintf(w, "            position %d lies within an append, which was left out whole\n", until.Position)
	}
	if until.Time.After(l.Backup.Made) {
		fmt.Fprintf(w, "  NOTE      the backup was made %s: what was recorded between then and %s is not in it\n",
			l.Backup.Made.Format(time.RFC3339), until.Time.Format(time.RFC3339))
	}
	printLog(w, l.Log)
	if r.Later > 0 {
		fmt.Fprintf(w, "  tree      left out: the backup's has %d leaves, more than there are events now. A signer that\n", r.Later)
		fmt.Fprintln(w, "            remembers it signs nothing here: begin a new tree with a new signer's folder and origin")
	}
	if r.Later == 0 {
		printTreeCopy(w, r.Tree)
	}
	printEvidenceCopy(w, r.Evidence)
	fmt.Fprintf(w, "  money     %s: the next vouch serve compares the payment provider before it sends anything\n", sweepFile)
	fmt.Fprintf(w, "bring back from their own backup: %s, %s, %s, %s, %s\n", keys.FileName, ticketKeyFile, rotationKeyFile, payers.DirName, signerDir)
	if r.Tree != nil {
		fmt.Fprintf(w, "check it: vouch verify --data %s --tlog-signer %s/%s\n", data, from, signerDir)
	} else {
		fmt.Fprintf(w, "check it: vouch verify --data %s\n", data)
	}
}
