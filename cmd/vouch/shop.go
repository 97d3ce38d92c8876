package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/shopfile"
)

func newShopCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "shop",
		Short: "Set up shops: who sells, products, prices, taxes, rules, planograms",
	}
	apply := &cobra.Command{
		Use:   "apply FILE",
		Short: "Append what a shop file says and the ledger does not hold yet",
		Long: `Reads a shop file (docs/reference/shopfile.md) and appends what is new as events. Applying
a file twice changes nothing. The server must not run on the folder; beside a running
server send the file to PUT /v1/shops/STORE, or name its cluster with --ledger.`,
		Args: cobra.ExactArgs(1),
	}
	from := addSourceFlags(apply)
	apply.RunE = func(cmd *cobra.Command, args []string) (err error) {
		b, err := os.ReadFile(args[0])
		if err != nil {
			return fmt.Errorf("shop file: %w", err)
		}
		file, err := shopfile.Parse(b)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
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
		n, err := shopfile.Apply(cmd.Context(), log, file, time.Now(), "operator:cli")
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "shop %s: %d events appended\n", file.Store, n)
		return nil
	}
	cmd.AddCommand(apply)
	return cmd
}
