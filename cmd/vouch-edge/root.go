package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// newRootCommand returns `vouch-edge` with all its commands.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "vouch-edge",
		Short: "The eyes of a shop without a checkout",
		Long: `vouch-edge turns what cameras see into detections with evidence.

Run in a shop:        vouch-edge run --config shop.yaml
Watch a shelf:        vouch-edge watch --video FILE|URL|DEVICE --planogram shelf.json --server URL
Compare with truth:   vouch-edge score --truth FILE --detections FILE
Read codes:           vouch-edge gate --video FILE|URL|DEVICE --server URL --store ID
Read cards:           vouch-edge terminal --reader DEVICE --server URL --store ID
Be a smart cart:      vouch-edge cart --video DEVICE --scale DEVICE --server URL --store ID`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w; see %s --help", errUsage, err, c.CommandPath())
	})
	root.AddCommand(
		newRunCommand(), newWatchCommand(), newGateCommand(), newTerminalCommand(), newPalmCommand(), newCartCommand(), newRenderCommand(), newScoreCommand(), newTrialCommand(),
		newPersonsCommand(), newFloorCommand(), newPlanogramCommand(), newTrainCommand(), newModelsCommand(), newRecogniseCommand(), newReverifyCommand(), newBenchCommand(),
	)
	return root
}
