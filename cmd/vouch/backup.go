package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/api/palms"
	"github.com/vouchledger/vouch/cmd/vouch/archive"
	"github.com/vouchledger/vouch/cmd/vouch/evidencestore"
)

// layout says where what lies in a data folder.
func layout() archive.Layout {
	return archive.Layout{
		Ledger: ledgerDir, Evidence: evidencestore.Dir, EvidenceKeys: evidencestore.KeysDir, Tree: tlogDir, Signer: signerDir, TicketKey: ticketKeyFile,
		Derived: []string{readModelDir, indexFile}, Palms: []string{palms.Dir, palms.KeysDir}, Yours: []string{palms.TextsDir},
	}
}

// A bars shows the progress of one part after the other.
type bars struct {
	out io.Writer
	now *bar
}

func (b *bars) begin(part string) func(done, total int64) {
	b.done()
	b.now = newBar(b.out, part)
	return b.now.progress
}

func (b *bars) done() {
	if b.now != nil {
		b.now.done()
	}
}

func newBackupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Copy ledger, tree and evidence to another folder, also beside a running server",
		Long: `Copies what a shop cannot lose to the folder --to: the log as it was at one moment, the
tree of its last checkpoint, and all evidence. The server may go on. What an earlier
backup has copied is not copied again, only read again and checked; with --quick it is
believed. Every byte that was copied is read back. Until the new backup is whole the
earlier one can be restored, whatever happens.

NOT copied: API keys, ticket key, the tree's signing key, the shoppers' payment
methods and palms. They give power over money and people and have backups of their own
(docs/operating/backup.md).

A backup is never brought back to less: a ledger that does not begin with what the backup
holds is refused. Exit code 5 then, 6 if stored data is damaged.`,
		Example: `  vouch backup --data DIR --to /mnt/backup
  vouch verify --data /mnt/backup`,
		Args: cobra.NoArgs,
	}
	data := addDataFlag(cmd)
	f := cmd.Flags()
	to := f.String("to", "", "folder of the backup, best on another disk")
	cfg := archive.Config{Layout: layout(), Now: time.Now}
	f.StringVar(&cfg.Signer, "tlog-signer", "", "folder of the tree's signing key (default DATA/signer); of it only the public key is copied")
	f.BoolVar(&cfg.Quick, "quick", false, "believe what an earlier backup has copied, instead of reading all of it again")
	f.BoolVar(&cfg.SkipEvidence, "skip-evidence", false, "leave the evidence out")
	f.BoolVar(&cfg.Prune, "prune", false, "remove evidence from the backup that the data folder does not have any more")
	asJSON := f.Bool("json", false, "the report as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *to == "" {
			return fmt.Errorf("%w: name the folder of the backup with --to", errUsage)
		}
		bars := &bars{out: cmd.ErrOrStderr()}
		cfg.From, cfg.To, cfg.Progress = *data, *to, bars.begin
		r, err := archive.BackUp(cmd.Context(), cfg)
		bars.done()
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), r)
		}
		printBackup(cmd.OutOrStdout(), r)
		return nil
	}
	return cmd
}

func printBackup(w io.Writer, r archive.Backup) {
	l := r.Log
	fmt.Fprintln(w, "backup is whole and was read back")
	fmt.Fprintf(w, "  events    %d%s\n", l.Position, upTo(l.Recorded))
	fmt.Fprintf(w, "  log       %d segments, %d sealed; %s copied, %s as before\n", l.Segments, l.Sealed, size(l.Copied), size(l.Reused))
	if l.Resumed > 0 {
		fmt.Fprintf(w, "            %d of them were copied by a backup that was cut short\n", l.Resumed)
	}
	for _, name := range l.Healed {
		fmt.Fprintf(w, "  HEALED    %s did not hold any more in the backup and was copied again; watch that disk\n", name)
	}
	printTreeCopy(w, r.Tree)
	printEvidenceCopy(w, r.Evidence)
	if len(r.Secret) > 0 {
		fmt.Fprintf(w, "NOT copied, because it gives power over money and people: %s\n", strings.Join(r.Secret, ", "))
		fmt.Fprintln(w, "            back it up apart, encrypted, and let it forget what is erased (docs/operating/backup.md)")
	}
	if len(r.Yours) > 0 {
		fmt.Fprintf(w, "not copied, because you wrote it: %s; keep every version that anybody agreed to\n", strings.Join(r.Yours, ", "))
	}
	if len(r.Derived) > 0 {
		fmt.Fprintf(w, "not copied, because it is made again: %s\n", strings.Join(r.Derived, ", "))
	}
	if len(r.Unknown) > 0 {
		fmt.Fprintf(w, "not copied, because it is not Vouch's: %s\n", strings.Join(r.Unknown, ", "))
	}
}

func printTreeCopy(w io.Writer, t *archive.Tree) {
	if t == nil {
		fmt.Fprintln(w, "  tree      none")
		return
	}
	fmt.Fprintf(w, "  tree      %d leaves, signed by %s; %d tiles copied, %d as before\n", t.Leaves, t.Origin, t.Copied, t.Reused)
}

func printEvidenceCopy(w io.Writer, e *archive.Evidence) {
	if e == nil {
		fmt.Fprintln(w, "  evidence  left out")
		return
	}
	fmt.Fprintf(w, "  evidence  %d objects copied, %s; %d as before\n", e.Copied, size(e.Bytes), e.Reused)
	for _, d := range e.Healed {
		fmt.Fprintf(w, "  HEALED    %s did not hold any more in the backup and was copied again; watch that disk\n", d)
	}
	switch {
	case e.Pruned > 0:
		fmt.Fprintf(w, "            %d that the data folder does not have any more were removed\n", e.Pruned)
	case e.Only > 0:
		fmt.Fprintf(w, "            %d that the data folder does not have any more are kept; --prune removes them\n", e.Only)
	}
}

// upTo says when the last event was recorded.
func upTo(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", the last recorded " + t.Format(time.RFC3339Nano)
}

// size says how many bytes in the largest unit that fits.
func size(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	v, u := float64(n), 0
	for v >= 1024 && u < len(units)-1 {
		v /= 1024
		u++
	}
	if u == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[u])
}
