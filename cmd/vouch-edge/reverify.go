package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/recognise/network"
	"github.com/vouchledger/vouch/vision/reverify"
)

// reverifyFlags are the flags of `vouch-edge reverify`.
type reverifyFlags struct {
	server, key, model, evidence string
	planograms                   []string
	dryRun, asJSON, all          bool
	since, until, store          string
}

func newReverifyCommand() *cobra.Command {
	var f reverifyFlags
	cmd := &cobra.Command{
		Use:   "reverify --server URL --model FILE VISIT|--all --since TIME",
		Short: "Look at a visit's stored evidence again, with the same model or a newer one",
		Long: `Fetches the detections of a visit, looks at the picture of each that shows the item, and tells the server which
product the model sees there. That stands beside the claim: on the visit's page, at the desks, in the replay. No line,
question or money follows from it.

A reviewer's key reads evidence from the server, and that is written down as a look of theirs. A device's key may not;
give it the shop's own store with --evidence.

Where the item is in the picture, the detection's own boxes say; for detections without them give the camera's
planogram: --planogram camera-1=shelf.json.

Before a new model is let live, compare it with what was claimed: --all --since 2026-11-23T00:00:00Z --dry-run looks at
every visit since, tells the server nothing, and says how often the model agrees, which visits it sees otherwise, and
what their receipts would have been. It takes a reviewer's key.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == f.all || f.all != (f.since != "") || (f.until != "" || f.store != "") && !f.all {
				return fmt.Errorf("%w: name one visit, or --all with --since and perhaps --until and --store", errUsage)
			}
			return runReverify(cmd, f, args)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.server, "server", "", "the server that has the visit")
	fl.StringVar(&f.key, "key", os.Getenv("VOUCH_KEY"), "key of a reviewer, or of a device of the shop (default: $VOUCH_KEY)")
	fl.StringVar(&f.model, "model", "", "model file that `vouch-edge train` wrote")
	fl.StringVar(&f.evidence, "evidence", "", "folder of the shop's own evidence; without it the server is asked")
	fl.StringArrayVar(&f.planograms, "planogram", nil, "CAMERA=FILE, for detections without boxes; may be given again")
	fl.BoolVar(&f.dryRun, "dry-run", false, "print only, and tell the server nothing")
	fl.BoolVar(&f.asJSON, "json", false, "one JSON object for each detection")
	fl.BoolVar(&f.all, "all", false, "look at all visits since --since")
	fl.StringVar(&f.since, "since", "", "with --all: when the first of them began, RFC 3339")
	fl.StringVar(&f.until, "until", "", "with --all: before when the last of them began (default: now)")
	fl.StringVar(&f.store, "store", "", "with --all: of this shop only")
	cmd.Flags().Lookup("key").DefValue = ""
	return cmd
}

func runReverify(cmd *cobra.Command, f reverifyFlags, visits []string) error {
	if f.server == "" || f.model == "" {
		return fmt.Errorf("%w: --server and --model are needed", errUsage)
	}
	client, err := reverify.NewClient(f.server, f.key)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if f.evidence != "" {
		store, err := evidence.Open(f.evidence, evidence.Config{})
		if err != nil {
			return err
		}
		defer store.Close() //nolint:errcheck // only read
		client.Local = func(ctx context.Context, d ledger.Digest) ([]byte, error) { return store.Read(ctx, d) }
	}
	place, err := placesOf(f.planograms)
	if err != nil {
		return err
	}
	r, err := network.Open(f.model)
	if err != nil {
		return err
	}
	defer r.Close()
	cfg := reverify.Config{
		Server: client, Recogniser: r, Now: time.Now, Digest: ledger.Digest("sha256:" + r.Model().Digest()),
		Place: place, DryRun: f.dryRun,
	}
	if f.all {
		return surveyVisits(cmd, f, cfg, client)
	}
	return reverify.Run(cmd.Context(), cfg, ledger.VisitID(visits[0]), func(found reverify.Finding) error {
		return printFinding(cmd, found, f.asJSON)
	})
}

// placesOf reads the planograms of cameras.
func placesOf(args []string) (func(ledger.DeviceID, string) (reverify.Place, bool), error) {
	type place struct {
		sensor ledger.DeviceID
		slot   string
	}
	known := map[place]reverify.Place{}
	for _, arg := range args {
		sensor, path, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("%w: --planogram %q, want CAMERA=FILE", errUsage, arg)
		}
		plan, err := planogram.Load(path)
		if err != nil {
			return nil, err
		}
		for _, s := range plan.Slots {
			r := image.Rectangle{Min: image.Pt(plan.Width, plan.Height)}
			for _, p := range s.Polygon {
				r.Min.X, r.Min.Y = min(r.Min.X, p[0]), min(r.Min.Y, p[1])
				r.Max.X, r.Max.Y = max(r.Max.X, p[0]), max(r.Max.Y, p[1])
			}
			known[place{ledger.DeviceID(sensor), s.Name}] = reverify.Place{Part: r, Of: image.Pt(plan.Width, plan.Height)}
		}
	}
	return func(sensor ledger.DeviceID, slot string) (reverify.Place, bool) {
		p, ok := known[place{sensor, slot}]
		return p, ok
	}, nil
}

// findingLine is one line of `vouch-edge reverify --json`.
type findingLine struct {
	Detection ledger.ID               `json:"detection"`
	Slot      string                  `json:"slot"`
	Claimed   ledger.SKU              `json:"claimed"`
	Found     []ledger.ItemHypothesis `json:"found"`
	Agreement ledger.Agreement        `json:"agreement,omitempty"`
	Skipped   string                  `json:"skipped,omitempty"`
	Model     string                  `json:"model"`
}

func lineOf(f reverify.Finding) findingLine {
	line := findingLine{
		Detection: f.Detection, Slot: f.Claim.Slot, Found: f.Items, Agreement: f.Agreement, Skipped: f.Skipped, Model: f.Model,
	}
	if len(f.Claim.Items) > 0 {
		line.Claimed = f.Claim.Items[0].SKU
	}
	return line
}

func printFinding(cmd *cobra.Command, f reverify.Finding, asJSON bool) error {
	line := lineOf(f)
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(line)
	}
	said := string(f.Agreement)
	switch {
	case f.Skipped != "":
		said = "not looked at: " + f.Skipped
	case len(f.Items) > 0:
		said += fmt.Sprintf(", sees %s (%.1f %%)", f.Items[0].SKU, float64(f.Items[0].Confidence)/10)
	default:
		said += ", sees nothing it knows"
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s  slot %s  claimed %s  %s\n", f.Detection, f.Claim.Slot, line.Claimed, said)
	return err
}
