package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/cmd/vouch/evidencestore"
	"github.com/vouchledger/vouch/vision/evidence/retention"
)

// expiryPause is how long a server waits between two passes over the evidence.
const expiryPause = time.Hour

// leftoverAge is after how long a file that a writer left behind is taken away.
const leftoverAge = 24 * time.Hour

func newEvidenceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "evidence",
		Short: "Delete evidence whose time is over",
	}
	cmd.AddCommand(newExpireCommand())
	return cmd
}

func newExpireCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "expire",
		Short: "Delete evidence whose time is over, or say what would be deleted",
		Long: `Gives evidence that came without a visit to the visits that name it, and deletes what is
over its time: first an event says so, then the key of the visit is destroyed, then the
objects are removed. The digest and the events that name it stay.

Nothing is deleted while its visit is not over, a shopper may still dispute it, or a
question, a dispute, a bank's claim or a hold is open.

vouch serve does the same every hour. With --dry-run this command may run beside it.`,
		Example: `  vouch evidence expire --data DIR --dry-run`,
		Args:    cobra.NoArgs,
	}
	from := addSourceFlags(cmd)
	where, keys := addEvidenceFlags(cmd)
	f := cmd.Flags()
	rules := f.String("evidence-retention", retention.Default().String(), "days that each class of evidence is kept")
	dry := f.Bool("dry-run", false, "change nothing, say what would be done")
	asJSON := f.Bool("json", false, "the report as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		policy, err := retention.Parse(*rules)
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		open := from.open
		if *dry {
			open = from.read
		}
		log, err := open(cmd.Context())
		if err != nil {
			return err
		}
		defer log.Close() //nolint:errcheck // each append was durable
		cfg := evidencestore.In(from.data, *where, *keys)
		cfg.Make = !*dry
		store, err := evidencestore.Open(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer store.Close() //nolint:errcheck // each change was durable
		r := retention.Runner{Log: log, Store: store.Store, Policy: policy, Now: time.Now}
		report, err := r.Run(cmd.Context(), *dry)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), report)
		}
		printExpiry(cmd.OutOrStdout(), report, *dry)
		return nil
	}
	return cmd
}

func printExpiry(w io.Writer, r retention.Report, dry bool) {
	if dry {
		fmt.Fprintln(w, "nothing was changed; this would be done:")
	}
	for i, x := range r.Expired {
		if i == maxShown {
			fmt.Fprintf(w, "  and %d more; --json lists all\n", len(r.Expired)-i)
			break
		}
		fmt.Fprintf(w, "  %s  %s, %d days, over since %s\n", x.Digest, x.Class, x.Days, x.Until.Format(time.DateOnly))
	}
	fmt.Fprintf(w, "  expired   %d of %d pieces of evidence; %d keys destroyed, %d objects removed, %s\n",
		len(r.Expired), r.Named, r.Keys, r.Removed, size(r.Bytes))
	for _, why := range slices.Sorted(maps.Keys(r.Kept)) {
		fmt.Fprintf(w, "  kept      %d: %s\n", r.Kept[why], why)
	}
	if r.Adopted > 0 {
		fmt.Fprintf(w, "  adopted   %d by the visits that name them\n", r.Adopted)
	}
	if r.Unnamed > 0 {
		fmt.Fprintf(w, "  unnamed   %d objects that no event names\n", r.Unnamed)
	}
	for _, what := range r.Unreached {
		fmt.Fprintf(w, "  FAULT     %s\n", what)
	}
}

// expireEvidence makes a pass after each pause. What fails is logged and tried
// again: evidence that stays an hour longer is no reason to stop a shop.
func (s *server) expireEvidence(ctx context.Context, policy retention.Policy, logger *slog.Logger) error {
	r := retention.Runner{Log: s.log, Store: s.store.Store, Policy: policy, Now: time.Now}
	tick := time.NewTicker(expiryPause)
	defer tick.Stop()
	for {
		report, err := r.Run(ctx, false)
		if err == nil {
			_, err = s.store.Sweep(ctx, time.Now().Add(-leftoverAge))
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			logger.ErrorContext(ctx, "evidence was not looked through", slog.String("error", err.Error()))
			r = retention.Runner{Log: r.Log, Store: r.Store, Policy: policy, Now: time.Now}
		case len(report.Expired)+report.Removed+report.Keys > 0:
			logger.InfoContext(ctx, "evidence has expired", slog.Int("pieces", len(report.Expired)), slog.Int("keys", report.Keys),
				slog.Int("objects", report.Removed), slog.Int64("bytes", report.Bytes))
		}
		if len(report.Unreached) > 0 {
			logger.ErrorContext(ctx, "evidence cannot be read; run vouch verify", slog.Int("pieces", len(report.Unreached)),
				slog.String("first", report.Unreached[0]))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// retention returns the rules by which evidence is kept.
func (c serveConfig) retention() (retention.Policy, error) {
	p, err := retention.Parse(c.EvidenceRetention)
	if err != nil {
		err = errors.Join(errUsage, err)
	}
	return p, err
}
