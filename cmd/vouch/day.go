package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/clerk"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
)

func newDayCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "day", Short: "Close the days of a shop's books"}
	closing := &cobra.Command{
		Use:   "close DAY",
		Short: "Close a day: it is numbered and never edited",
		Long: `Closes a day of a shop's books (docs/books.md). It is refused while the day is not over
in the shop's time zone, an earlier day is open, or reconciliation has open exceptions.
The server must not run on the folder; beside a running server send
POST /v1/shops/STORE/days/DAY/close, or name its cluster with --ledger.`,
		Example: "  vouch day close 2026-11-30 --store s1 --by finn",
		Args:    cobra.ExactArgs(1),
	}
	from := addSourceFlags(closing)
	store := closing.Flags().String("store", "", "shop")
	by := closing.Flags().String("by", "cli", "who closes it")
	closing.RunE = func(cmd *cobra.Command, args []string) (err error) {
		log, err := from.open(cmd.Context())
		if err != nil {
			return err
		}
		defer func() {
			if closed := log.Close(); err == nil {
				err = closed
			}
		}()
		var j books.Journal
		for e, err := range projections.Decoded(log.Read(cmd.Context(), ledger.Query{Prefixes: ledger.OwnPrefixes()})) {
			if err != nil {
				return err
			}
			if err := j.Apply(e); err != nil {
				return err
			}
		}
		now := time.Now()
		p, err := j.Close(ledger.StoreID(*store), ledger.Date(args[0]), now, "finance:"+*by, time.LoadLocation)
		if err != nil {
			return err
		}
		if _, err := clerk.CloseDay(cmd.Context(), log, ledger.Meta{Occurred: now}, p); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "day %s of %s closed as number %d: %d receipts\n", p.Day, p.Store, p.Number, p.Receipts)
		for _, v := range j.Unfinished(p.Store, p.Day, time.LoadLocation) {
			fmt.Fprintf(cmd.OutOrStdout(), "carried over: visit %s, since %s\n", v.Visit, v.Since.Format(time.RFC3339))
		}
		return nil
	}
	cmd.AddCommand(closing)
	return cmd
}

func newPriceCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "price-check FILE",
		Short: "Record prices on shelves that were compared with the prices charged",
		Long: `Reads a CSV file with the columns sku, shelf and perhaps charged (amounts like 1.99) and
records each row; without a charged amount it is compared with the catalogue's price now.
Recording a file twice changes nothing. vouch report prices shows the result.`,
		Args: cobra.ExactArgs(1),
	}
	from := addSourceFlags(cmd)
	store := cmd.Flags().String("store", "", "shop")
	by := cmd.Flags().String("by", "cli", "who looked at the shelves")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		b, err := os.ReadFile(args[0])
		if err != nil {
			return fmt.Errorf("price checks: %w", err)
		}
		log, err := from.open(cmd.Context())
		if err != nil {
			return err
		}
		defer func() {
			if closed := log.Close(); err == nil {
				err = closed
			}
		}()
		shop, err := clerk.OpenShop(cmd.Context(), log, ledger.StoreID(*store))
		if err != nil {
			return err
		}
		now := time.Now()
		checks, err := shop.ParseChecks(bytes.NewReader(b), *by, now)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		batch := string(ledger.DigestOf(b))
		if err := clerk.RecordChecks(cmd.Context(), log, ledger.Meta{Occurred: now, Actor: "operator:" + *by}, batch, checks); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "shop %s: %d prices checked\n", *store, len(checks))
		return nil
	}
	return cmd
}
