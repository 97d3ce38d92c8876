package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// newRootCommand returns `vouch` with all its commands.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "vouch",
		Short: "A ledger and billing engine for shops without a checkout",
		Long: `Vouch keeps what happened in a shop without a checkout as events that nobody can
change, bills it, and can show and prove every line of every receipt.

Try it:            vouch demo
Run a server:      vouch serve --data DIR
Look into a visit: vouch replay --data DIR VISIT
Check everything:  vouch verify --data DIR
Keep a copy:       vouch backup --data DIR --to DIR`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w", errUsage, err)
	})
	root.AddCommand(
		newServeCommand(),
		newEventstoreCommand(),
		newDemoCommand(),
		newReplayCommand(),
		newVerifyCommand(),
		newExportCommand(),
		newReportCommand(),
		newDayCommand(),
		newPriceCheckCommand(),
		newRebuildCommand(),
		newBackupCommand(),
		newRestoreCommand(),
		newEvidenceCommand(),
		newKeysCommand(),
		newTlogCommand(),
		newProofCommand(),
		newReceiptCommand(),
		newReconcileCommand(),
		newChargebackCommand(),
		newShopCommand(),
		newShopperCommand(),
		newCouponCommand(),
		newSimulateCommand(),
		newStripesimCommand(),
		newBenchCommand(),
	)
	return root
}
