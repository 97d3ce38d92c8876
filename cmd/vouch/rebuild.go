package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/api/register"
	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/projections/runner"
)

// readModels are the folds that answer questions, each with its runner.
type readModels struct {
	register *runner.Runner[*register.Register]
	visits   *runner.Runner[*projections.Visits]
	reviews  *runner.Runner[*projections.ReviewQueue]
	journal  *runner.Runner[*books.Journal]

	chargebacks *runner.Runner[*chargeback.Book]
}

// newReadModels returns runners that keep their state in the data folder.
func newReadModels(data string, log ledger.Log, every int, logger *slog.Logger) (readModels, error) {
	dir := filepath.Join(data, readModelDir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return readModels{}, fmt.Errorf("read models: %w", err)
	}
	cfg := runner.Config{Dir: dir, Every: every}
	return readModels{
		register: runner.New(log, func() *register.Register { return &register.Register{} }, cfg, logger),
		visits:   runner.New(log, func() *projections.Visits { return &projections.Visits{} }, cfg, logger),
		reviews:  runner.New(log, func() *projections.ReviewQueue { return &projections.ReviewQueue{} }, cfg, logger),
		journal:  runner.New(log, func() *books.Journal { return &books.Journal{} }, cfg, logger),

		chargebacks: runner.New(log, func() *chargeback.Book { return &chargeback.Book{} }, cfg, logger),
	}, nil
}

// A rebuilder is a runner of any fold.
type rebuilder interface {
	Rebuild(ctx context.Context, progress func(done, total uint64)) (runner.Rebuilt, error)
}

func newRebuildCommand() *cobra.Command {
	names := []string{"visits", "reviews", "journal", "register", "chargebacks"}
	cmd := &cobra.Command{
		Use:       "rebuild [visits|reviews|journal|register|chargebacks]...",
		Short:     "Fold read models again from the first event and compare with those in use",
		ValidArgs: names,
	}
	from := addSourceFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, a := range args {
			if !slices.Contains(names, a) {
				return fmt.Errorf("%w: read model %q: use %s", errUsage, a, strings.Join(names, ", "))
			}
		}
		log, err := from.read(cmd.Context())
		if err != nil {
			return err
		}
		defer log.Close() //nolint:errcheck // read-only
		models, err := newReadModels(from.data, log, 0, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		all := map[string]rebuilder{
			"visits": models.visits, "reviews": models.reviews, "journal": models.journal, "register": models.register,
			"chargebacks": models.chargebacks,
		}
		for _, n := range names {
			if len(args) > 0 && !slices.Contains(args, n) {
				continue
			}
			bar := newBar(cmd.ErrOrStderr(), n)
			done, err := all[n].Rebuild(cmd.Context(), func(done, total uint64) {
				bar.progress(int64(done), int64(total)) //nolint:gosec // positions
			})
			bar.done()
			if err != nil {
				return err
			}
			verdict := "equals the one in use"
			if !done.Equal {
				verdict = "DIFFERED from the one in use, and replaced it"
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%-11s %d events folded, position %d: %s\n", n, done.Events, done.Position, verdict)
		}
		return nil
	}
	return cmd
}
