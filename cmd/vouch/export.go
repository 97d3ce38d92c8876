package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/export"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
)

// formats are what vouch export writes.
var formats = map[string]func(io.Writer, export.Book) error{
	"hledger": export.Hledger,
	"csv":     export.CSV,
}

func newExportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:       "export hledger|csv",
		Short:     "Write the journal for finance",
		Example:   "  vouch export hledger --data demo-data | hledger -f - check --strict",
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{"hledger", "csv"},
	}
	from := addSourceFlags(cmd)
	out := cmd.Flags().String("out", "", "file to write; standard output if empty")
	at := cmd.Flags().String("at", "", "only events up to this position, or recorded up to this time (RFC 3339)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		write, ok := formats[args[0]]
		if !ok {
			return fmt.Errorf("%w: format %q: use %s", errUsage, args[0], strings.Join(cmd.ValidArgs, " or "))
		}
		until, err := parseAt(*at)
		if err != nil {
			return err
		}
		book, err := readBook(cmd.Context(), *from, until)
		if err != nil {
			return err
		}
		if *out == "" {
			return write(cmd.OutOrStdout(), book)
		}
		f, err := os.OpenFile(*out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("export: %w; an export is never overwritten", err)
		}
		return errors.Join(write(f, book), f.Sync(), f.Close())
	}
	return cmd
}

// readBook folds the journal from the log.
func readBook(ctx context.Context, from source, until func(ledger.Record) bool) (export.Book, error) {
	log, err := from.read(ctx)
	if err != nil {
		return export.Book{}, err
	}
	defer log.Close() //nolint:errcheck // read-only
	var j books.Journal
	for e, err := range projections.Decoded(log.Read(ctx, ledger.Query{Prefixes: ledger.OwnPrefixes()})) {
		if err != nil {
			return export.Book{}, err
		}
		if !until(e.Record) {
			break
		}
		if err := j.Apply(e); err != nil {
			return export.Book{}, err
		}
	}
	return export.Book{Entries: j.Entries(), Balances: j.Balances(), Position: j.Position()}, nil
}
