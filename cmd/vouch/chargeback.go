package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/billing/evidencepack"
	"github.com/vouchledger/vouch/billing/watch"
	"github.com/vouchledger/vouch/cmd/vouch/evidencestore"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

func newChargebackCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "chargeback [ID]",
		Short: "What card networks claim back, and the file that answers it, made again",
		Long: `Without an id, lists the claims: open ones first, by deadline.

With an id, makes the file of evidence again from the events that it shows, and compares
it with the digest in the ledger: the same events give the same bytes. With --out the
file is written.`,
		Example: `  vouch chargeback --data DIR
  vouch chargeback dp_1PqX --data DIR --out evidence.pdf`,
		Args: cobra.MaximumNArgs(1),
	}
	from := addSourceFlags(cmd)
	where, keys := addEvidenceFlags(cmd)
	out := cmd.Flags().String("out", "", "file to write the evidence to")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		log, err := from.read(cmd.Context())
		if err != nil {
			return err
		}
		defer log.Close() //nolint:errcheck // read-only
		book, err := chargebacks(cmd.Context(), log)
		if err != nil {
			return err
		}
		if len(args) == 0 {
			return listChargebacks(cmd, book)
		}
		c, ok := book.Get(args[0])
		if !ok {
			return fmt.Errorf("chargeback %s: %w", args[0], ledger.ErrNotFound)
		}
		return remakeEvidence(cmd, log, evidencestore.In(from.data, *where, *keys), c, *out)
	}
	return cmd
}

// chargebacks folds the claims of a ledger.
func chargebacks(ctx context.Context, log ledger.Log) (*chargeback.Book, error) {
	book := &chargeback.Book{}
	q := ledger.Query{Prefixes: []string{ledger.CategoryPayment + "-"}}
	for e, err := range projections.Decoded(log.Read(ctx, q)) {
		if err != nil {
			return nil, err
		}
		if err := book.Apply(e); err != nil {
			return nil, err
		}
	}
	return book, nil
}

func listChargebacks(cmd *cobra.Command, book *chargeback.Book) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, c := range book.All() {
		state, when := string(c.Outcome), c.Closed
		switch {
		case c.Open() && c.Sent:
			state, when = "submitted", c.DueBy
		case c.Open():
			state, when = "open", c.DueBy
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Chargeback, state, when.UTC().Format(time.RFC3339), c.Amount, c.Reason, c.Visit)
	}
	return w.Flush()
}

// remakeEvidence makes the last pack of a claim again. Without a pack yet it is
// made of what there is now.
func remakeEvidence(cmd *cobra.Command, log ledger.Log, where evidencestore.Config, c *chargeback.Case, out string) error {
	records, err := watch.Records(cmd.Context(), log, c.Visit)
	if err != nil {
		return err
	}
	until := uint64(0)
	if c.Pack != nil {
		until = c.Pack.Position
	}
	before, err := caseBeforePack(c, records)
	if err != nil {
		return err
	}
	pack, err := evidencepack.Collect(before, records, until)
	if err != nil {
		return err
	}
	store, err := evidencestore.Open(cmd.Context(), where)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // read-only
	file, pages, err := pack.PDF(func(d ledger.Digest) ([]byte, error) { return store.Read(cmd.Context(), d) })
	if err != nil {
		return err
	}
	if out != "" {
		if err := os.WriteFile(out, file, 0o600); err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
	}
	digest := ledger.DigestOf(file)
	fmt.Fprintf(cmd.OutOrStdout(), "%s  %d pages, events up to %d\n%s\n", c.Chargeback, pages, pack.Position, digest)
	switch {
	case c.Pack == nil:
		fmt.Fprintln(cmd.OutOrStdout(), "the ledger names no file yet")
	case c.Pack.Digest == digest:
		fmt.Fprintln(cmd.OutOrStdout(), "equals the file that the ledger names")
	default:
		return fmt.Errorf("the ledger names %s: %w", c.Pack.Digest, errVerify)
	}
	return nil
}

// caseBeforePack is the claim as it was when its last pack was made.
func caseBeforePack(c *chargeback.Case, records []ledger.Record) (chargeback.Case, error) {
	var now, before chargeback.Case
	for _, r := range records {
		e, err := ledger.Decode(r)
		if err != nil {
			return before, err
		}
		if chargeback.Of(e.Payload) != c.Chargeback {
			continue
		}
		if e.Kind == ledger.KindEvidencePackBuilt {
			before = now
		}
		now.Apply(e)
	}
	if c.Pack == nil {
		before = now
	}
	return before, nil
}
