package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/cmd/vouch/demo"
)

func newDemoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole way of a charge, from the camera to the refund",
		Long: `Draws a shop video, starts a server and a simulated Stripe account on this machine, and
plays one visit through them: a QR code at the gate, bottles from a shelf, one put back, a
doubtful line that a person decides, the charge, a dispute, the refund, and the proof.

Gate and shelf are vouch-edge processes that look at video through OpenCV. The result stays
in --data for you to look around in.`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	data := f.String("data", "demo-data", "folder for everything the demo makes, new or empty; the default gets a number if it is taken")
	video := f.String("video", "", "a shelf video of yours instead of the drawn one")
	plan := f.String("planogram", "", "planogram of --video")
	edge := f.String("edge", "", "the vouch-edge binary (default: beside vouch, or on PATH)")
	seed := f.Uint64("seed", 7, "seed of the drawn video")
	speed := f.Float64("speed", 1, "how fast the shelf video plays; 1 is real time")
	chaos := f.Uint64("chaos", 0, "above 0: kill the server at random moments drawn from this seed, and start it again")
	faults := f.StringArray("fault", nil, "what goes wrong at the simulated Stripe account, as vouch stripesim --fault takes it (repeatable)")
	asJSON := f.Bool("json", false, "print the result as JSON after the story")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if (*video == "") != (*plan == "") {
			return fmt.Errorf("%w: --video and --planogram go together", errUsage)
		}
		if !cmd.Flags().Changed("data") {
			*data = freeFolder(*data)
		}
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		if *edge, err = findEdge(self, *edge); err != nil {
			return err
		}
		result, err := demo.Run(cmd.Context(), demo.Config{
			Vouch: self, Edge: *edge, Data: *data, Video: *video, Planogram: *plan, Seed: *seed, Speed: *speed,
			Chaos: *chaos, Faults: *faults, Out: cmd.OutOrStdout(), Now: time.Now(), Patience: time.Minute,
		})
		if err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(result)
		}
		return nil
	}
	return cmd
}

// freeFolder returns name, or name-2, name-3 … if there is something in it: an
// earlier demo is never written over.
func freeFolder(name string) string {
	for n, dir := 2, name; ; n++ {
		if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
			return dir
		}
		dir = fmt.Sprintf("%s-%d", name, n)
	}
}

// findEdge returns the vouch-edge binary.
func findEdge(self, given string) (string, error) {
	if given != "" {
		if _, err := os.Stat(given); err != nil {
			return "", fmt.Errorf("--edge: %w", err)
		}
		return given, nil
	}
	beside := filepath.Join(filepath.Dir(self), "vouch-edge")
	if _, err := os.Stat(beside); err == nil {
		return beside, nil
	}
	path, err := exec.LookPath("vouch-edge")
	if err != nil {
		return "", errors.New("vouch-edge is neither beside vouch nor on PATH: build it with `make build`, or name it with --edge")
	}
	return path, nil
}
