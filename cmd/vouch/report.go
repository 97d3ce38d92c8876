package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/clerk"
	"github.com/vouchledger/vouch/billing/report"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/books"
)

// reportFlags are what the reports have in common.
type reportFlags struct {
	from    *source
	scope   report.Scope
	asOf    string
	asKnown string
	by      string
	format  string
}

func newReportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Reports for finance: balances, sales, tax, closed days, price accuracy",
		Long: `Reports are made from the books at any moment (docs/books.md): --as-of says up to when
things happened, --as-known up to when the ledger had recorded them.`,
	}
	type made interface{ Table() report.Table }
	add := func(use, short, by string, dimensions []report.Dimension, build func(*books.Journal, report.Scope, []report.Dimension) (made, error)) {
		sub := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
		f := addReportFlags(sub, by)
		sub.RunE = func(cmd *cobra.Command, _ []string) error {
			ds, err := report.Dimensions(f.by, dimensions...)
			if err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			if err := f.scope.ParseAsOf(f.asOf); err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			until, err := parseAt(f.asKnown)
			if err != nil {
				return err
			}
			j, _, err := readBooks(cmd.Context(), *f.from, until)
			if err != nil {
				return err
			}
			r, err := build(j, f.scope, ds)
			if err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			return f.print(cmd.OutOrStdout(), r, r.Table())
		}
		cmd.AddCommand(sub)
	}
	add("trial-balance", "What every account holds", "", nil, func(j *books.Journal, s report.Scope, _ []report.Dimension) (made, error) {
		return report.NewTrialBalance(j, s, time.LoadLocation)
	})
	add("sales", "What was sold, less what was taken back", "day, shop, category, tax: day,shop,category if empty",
		[]report.Dimension{report.ByDay, report.ByShop, report.ByCategory},
		func(j *books.Journal, s report.Scope, by []report.Dimension) (made, error) {
			return report.NewSales(j, s, by, time.LoadLocation)
		})
	add("tax", "Tax by jurisdiction and rate", "day, shop: in total if empty", nil,
		func(j *books.Journal, s report.Scope, by []report.Dimension) (made, error) {
			return report.NewTax(j, s, by, time.LoadLocation)
		})
	cmd.AddCommand(newDaysReport(), newPricesReport(), newExposureReport())
	return cmd
}

func addReportFlags(cmd *cobra.Command, by string) *reportFlags {
	f := &reportFlags{from: addSourceFlags(cmd)}
	flags := cmd.Flags()
	flags.StringVar((*string)(&f.scope.Store), "store", "", "only this shop")
	flags.StringVar((*string)(&f.scope.From), "from", "", "first day, 2026-11-01")
	flags.StringVar((*string)(&f.scope.To), "to", "", "last day")
	flags.StringVar(&f.asOf, "as-of", "", "only what happened up to this day or instant")
	flags.StringVar(&f.asKnown, "as-known", "", "only what was recorded up to this position or instant")
	flags.StringVar(&f.format, "format", "table", "table, csv or json")
	if by != "" {
		flags.StringVar(&f.by, "by", "", "break down by "+by)
	}
	return f
}

// print writes a report as it was asked for.
func (f *reportFlags) print(w io.Writer, v any, t report.Table) error {
	switch f.format {
	case "table":
		return t.Text(w)
	case "csv":
		return t.CSV(w)
	case "json":
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	return fmt.Errorf("%w: --format %q: use table, csv or json", errUsage, f.format)
}

func newDaysReport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "days",
		Short: "The closed days of a shop, each computed again",
		Args:  cobra.NoArgs,
	}
	f := addReportFlags(cmd, "")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		until, err := parseAt(f.asKnown)
		if err != nil {
			return err
		}
		j, _, err := readBooks(cmd.Context(), *f.from, until)
		if err != nil {
			return err
		}
		d := report.NewDays(j, f.scope.Store, time.LoadLocation)
		if err := f.print(cmd.OutOrStdout(), d, d.Table()); err != nil {
			return err
		}
		return j.CheckClosings(f.scope.Store, time.LoadLocation)
	}
	return cmd
}

func newPricesReport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "prices",
		Short: "Price accuracy of a shop, as NIST Handbook 130 asks for it",
		Args:  cobra.NoArgs,
	}
	f := addReportFlags(cmd, "")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		log, err := f.from.read(cmd.Context())
		if err != nil {
			return err
		}
		defer log.Close() //nolint:errcheck // read-only
		shop, err := clerk.OpenShop(cmd.Context(), log, f.scope.Store)
		if err != nil {
			return err
		}
		checks, err := shop.ReadChecks(cmd.Context(), log)
		if err != nil {
			return err
		}
		p, err := report.NewPrices(checks, f.scope)
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return f.print(cmd.OutOrStdout(), p, p.Table())
	}
	return cmd
}

func newExposureReport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exposure SHOPPER",
		Short: "What counts against a shopper: holds that stand and what is owed",
		Args:  cobra.ExactArgs(1),
	}
	from := addSourceFlags(cmd)
	f := &reportFlags{from: from}
	cmd.Flags().StringVar(&f.asKnown, "as-known", "", "only what was recorded up to this position or instant")
	cmd.Flags().StringVar(&f.format, "format", "table", "table, csv or json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		until, err := parseAt(f.asKnown)
		if err != nil {
			return err
		}
		j, _, err := readBooks(cmd.Context(), *from, until)
		if err != nil {
			return err
		}
		e := report.NewExposure(j, ledger.ShopperID(args[0]))
		return f.print(cmd.OutOrStdout(), e, e.Table())
	}
	return cmd
}
