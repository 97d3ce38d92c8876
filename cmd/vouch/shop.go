package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/shopfile"
	"github.com/vouchledger/vouch/ledger/embedded"
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
server send the file to PUT /v1/shops/STORE.`,
		Args: cobra.ExactArgs(1),
	}
	data := addDataFlag(apply)
	apply.RunE = func(cmd *cobra.Command, args []string) (err error) {
		b, err := os.ReadFile(args[0])
		if err != nil {
			return fmt.Errorf("shop file: %w", err)
		}
		file, err := shopfile.Parse(b)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		dir := filepath.Join(*data, ledgerDir)
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return fmt.Errorf("shop apply: %w", err)
		}
		log, err := embedded.Open(cmd.Context(), dir, embedded.Config{Now: time.Now})
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
