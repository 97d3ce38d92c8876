package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/receipt"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

func newReceiptCommand() *cobra.Command {
	names := strings.Join(slices.Sorted(maps.Keys(receipt.Forms)), ", ")
	cmd := &cobra.Command{
		Use:   "receipt NUMBER|VISIT",
		Short: "Write a receipt as a page, as paper, or for another program",
		Long: `Writes a receipt in one of its forms (docs/reference/receipt.md). They are made from the
events of the visit, so the same receipt is the same file whenever it is written. For a visit
it is what its shopper has now: the last document, the provisional receipt, or the paper that
says that nothing is to be paid.`,
		Example: `  vouch receipt --data DIR s1-2026-000001 --form pdf -o receipt.pdf`,
		Args:    cobra.ExactArgs(1),
	}
	from := addSourceFlags(cmd)
	form := cmd.Flags().String("form", "html", "one of "+names)
	out := cmd.Flags().StringP("output", "o", "", "file to write; standard output if not given")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		made, ok := receipt.Forms[*form]
		if !ok {
			return fmt.Errorf("%w: --form %q: use one of %s", errUsage, *form, names)
		}
		log, err := from.read(cmd.Context())
		if err != nil {
			return err
		}
		defer log.Close() //nolint:errcheck // only read
		p, err := findPaper(cmd.Context(), log, args[0])
		if err != nil {
			return err
		}
		b, err := made.Make(p)
		if err != nil {
			return err
		}
		if *out == "" {
			_, err = cmd.OutOrStdout().Write(b)
			return err
		}
		if err := os.WriteFile(*out, b, 0o600); err != nil {
			return fmt.Errorf("write the receipt: %w", err)
		}
		return nil
	}
	return cmd
}

// findPaper returns the document with this number, or the last paper of the
// visit of this name.
func findPaper(ctx context.Context, log ledger.Log, name string) (receipt.Paper, error) {
	visit, err := findVisit(ctx, log, name)
	if err != nil {
		return receipt.Paper{}, err
	}
	number := name
	if string(visit) == name {
		number = ""
	}
	events, err := collect(ctx, log, ledger.VisitStream(visit))
	if err != nil {
		return receipt.Paper{}, err
	}
	money, err := collect(ctx, log, ledger.PaymentStream(visit))
	if err != nil {
		return receipt.Paper{}, err
	}
	if len(events) == 0 {
		return receipt.Paper{}, fmt.Errorf("visit %s: %w", visit, ledger.ErrNotFound)
	}
	papers, err := receipt.Collect(events, money)
	if err != nil {
		return receipt.Paper{}, err
	}
	if number == "" && len(papers) > 0 {
		return papers[len(papers)-1], nil
	}
	p, ok := receipt.Find(papers, number)
	if !ok {
		return receipt.Paper{}, fmt.Errorf("%w: visit %s has no receipt yet", ledger.ErrNotFound, visit)
	}
	return p, nil
}

func collect(ctx context.Context, log ledger.Log, stream ledger.StreamID) ([]ledger.Event, error) {
	var events []ledger.Event
	for e, err := range projections.Decoded(log.Read(ctx, ledger.Query{Stream: stream})) {
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}
