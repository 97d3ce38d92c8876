package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/reconcile"
)

// readRules reads the rules of reconciliation; no file is the usual ones.
func readRules(name string) (reconcile.Config, error) {
	var c reconcile.Config
	if name == "" {
		return c, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return c, fmt.Errorf("rules of reconciliation: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("%w: rules of reconciliation %s: %w", errUsage, name, err)
	}
	return c, nil
}

func newReconcileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reconcile",
		Short: "Say where our books, the provider's and the bank's differ",
		Long: `Compares what the ledger holds of the three: our captures, refunds and chargebacks, the
provider's balance and payouts, and the bank's statements. It writes nothing and asks
nobody: a running server fetches what is new and keeps the exceptions
(docs/reference/reconciliation.md). The exit status is 6 if something differs that nobody
has explained.`,
		Args: cobra.NoArgs,
	}
	from := addSourceFlags(cmd)
	rules := cmd.Flags().String("rules", "", "JSON file with the provider's fees and the times to wait")
	asJSON := cmd.Flags().Bool("json", false, "print as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := readRules(*rules)
		if err != nil {
			return err
		}
		log, err := from.read(cmd.Context())
		if err != nil {
			return err
		}
		defer log.Close() //nolint:errcheck // only read
		rec, err := reconcile.New(log, nil, time.Now, c, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		differences, err := rec.Unexplained(cmd.Context())
		if err != nil {
			return err
		}
		if err := printDifferences(cmd.OutOrStdout(), differences, *asJSON); err != nil || len(differences) == 0 {
			return err
		}
		return fmt.Errorf("%w: %d differences", errVerify, len(differences))
	}
	return cmd
}

func printDifferences(w io.Writer, ds []reconcile.Difference, asJSON bool) error {
	if asJSON {
		if ds == nil {
			ds = []reconcile.Difference{}
		}
		return printJSON(w, ds)
	}
	if len(ds) == 0 {
		_, err := fmt.Fprintln(w, "our books, the provider's and the bank's say the same")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "DAY\tSHOP\tCLASS\tSUBJECT\tEXPECTED\tFOUND\tDETAIL")
	for _, d := range ds {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Day, d.Store, d.Class, d.Subject, d.Expected, d.Found, d.Detail)
	}
	return t.Flush()
}
