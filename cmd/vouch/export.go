package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/export"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/books"
)

// formats are what vouch export writes.
var formats = map[string]func(io.Writer, export.Book) error{
	"hledger":   export.Hledger,
	"ledger":    export.Ledger,
	"beancount": export.Beancount,
	"csv":       export.CSV,
	"parquet":   export.Parquet,
}

func newExportCommand() *cobra.Command {
	names := slices.Sorted(maps.Keys(formats))
	cmd := &cobra.Command{
		Use:   "export " + strings.Join(names, "|"),
		Short: "Write the journal for finance",
		Long: `Writes the journal in one of the formats of docs/reference/exports.md, each posting with
its visit, its event and its leaf in the Merkle tree.

With --dir, csv and parquet go into a folder of numbered files that only grows: each
export first checks the files against their manifest and the ledger, then adds one with
what is new. --check checks and adds nothing.`,
		Example: `  vouch export hledger --data demo-data | hledger -f - check --strict
  vouch export parquet --data demo-data --dir warehouse`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: names,
	}
	from := addSourceFlags(cmd)
	out := cmd.Flags().String("out", "", "file to write; standard output if empty")
	dir := cmd.Flags().String("dir", "", "folder of numbered files to add to (csv, parquet)")
	check := cmd.Flags().Bool("check", false, "only check the folder of --dir")
	at := cmd.Flags().String("at", "", "only events up to this position, or recorded up to this time (RFC 3339)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		write, ok := formats[args[0]]
		switch {
		case !ok:
			return fmt.Errorf("%w: format %q: use %s", errUsage, args[0], strings.Join(names, ", "))
		case *out != "" && *dir != "", *check && *dir == "":
			return fmt.Errorf("%w: --out and --dir exclude each other, and --check needs --dir", errUsage)
		}
		until, err := parseAt(*at)
		if err != nil {
			return err
		}
		j, leaf, err := readBooks(cmd.Context(), *from, until)
		if err != nil {
			return err
		}
		book := export.NewBook(j, time.LoadLocation, leaf)
		switch {
		case *dir != "":
			return addToSet(cmd.OutOrStdout(), *dir, args[0], book, *check)
		case *out == "":
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

// addToSet adds what is new to a folder of numbered files, or only checks it.
func addToSet(w io.Writer, dir, format string, book export.Book, check bool) error {
	set, err := export.OpenSet(dir, format)
	if err != nil {
		return err
	}
	if check {
		if err := set.Check(book); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %d files equal their manifest and the ledger\n", dir, len(set.Files()))
		return nil
	}
	f, added, err := set.Add(book)
	if err != nil {
		return err
	}
	if !added {
		fmt.Fprintf(w, "%s: nothing new since file %d\n", dir, len(set.Files()))
		return nil
	}
	fmt.Fprintf(w, "%s/%s: %d rows up to position %d\n", dir, f.Name, f.Rows, f.Position)
	return nil
}

// readBooks folds the journal from the log, and returns which leaf of the tree
// the event of each of its entries is: events of other programs are leaves
// too.
func readBooks(ctx context.Context, from source, until func(ledger.Record) bool) (*books.Journal, func(uint64) uint64, error) {
	log, err := from.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer log.Close() //nolint:errcheck // read-only
	var j books.Journal
	var d ledger.Decoder
	leaves, leaf, entries := map[uint64]uint64{}, uint64(0), 0
	for r, err := range log.Read(ctx, ledger.Query{}) {
		if err != nil {
			return nil, nil, err
		}
		if !until(r) {
			break
		}
		if r.Stream.Own() {
			e, err := d.Decode(r)
			if err != nil {
				return nil, nil, err
			}
			if err := j.Apply(e); err != nil {
				return nil, nil, err
			}
			if n := len(j.Entries()); n > entries {
				leaves[r.Position], entries = leaf, n
			}
		}
		leaf++
	}
	return &j, func(position uint64) uint64 { return leaves[position] }, nil
}
