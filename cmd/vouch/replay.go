package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/cmd/vouch/story"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

func newReplayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay VISIT|RECEIPT",
		Short: "Tell a visit event by event, with the cart after each and the evidence beside it",
		Example: `  vouch replay --data demo-data shop-1-2026-000001
  vouch replay --data demo-data 01935700-0001-7000-8000-000000000001 --at 2026-11-23T12:00:30Z --json
  vouch replay --data demo-data shop-1-2026-000001 --what-if reverified`,
		Args: cobra.ExactArgs(1),
	}
	from := addSourceFlags(cmd)
	at := cmd.Flags().String("at", "", "stop at a position of the log, or at a time (RFC 3339)")
	asJSON := cmd.Flags().Bool("json", false, "one JSON object for each event")
	asked := cmd.Flags().StringArray("what-if", nil,
		"say what the receipt would be if other claims had counted, writing nothing: reverified, reverified:DIGEST of a model, or DETECTION=SKU; may be given again")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		until, err := parseAt(*at)
		if err != nil {
			return err
		}
		log, err := from.read(cmd.Context())
		if err != nil {
			return err
		}
		defer log.Close() //nolint:errcheck // only read
		visit, err := findVisit(cmd.Context(), log, args[0])
		if err != nil {
			return err
		}
		if len(*asked) > 0 {
			if *at != "" {
				return fmt.Errorf("%w: --what-if looks at the whole visit, without --at", errUsage)
			}
			return tellOtherwise(cmd.Context(), cmd.OutOrStdout(), log, visit, *asked, *asJSON)
		}
		lines, cart, err := replay(cmd.Context(), log, visit, until)
		if err != nil {
			return err
		}
		if *asJSON {
			return writeJSONLines(cmd.OutOrStdout(), lines)
		}
		printStory(cmd.OutOrStdout(), visit, lines, cart)
		return nil
	}
	return cmd
}

// parseAt returns the condition that --at asks for.
func parseAt(at string) (func(ledger.Record) bool, error) {
	if at == "" {
		return func(ledger.Record) bool { return true }, nil
	}
	if pos, err := strconv.ParseUint(at, 10, 64); err == nil {
		return func(r ledger.Record) bool { return r.Position <= pos }, nil
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return nil, fmt.Errorf("%w: --at %q is neither a position nor a time like 2026-11-23T12:00:30Z", errUsage, at)
	}
	return func(r ledger.Record) bool { return !r.Recorded.After(t) }, nil
}

// replay folds a visit's events one by one and tells each.
func replay(ctx context.Context, log ledger.Log, v ledger.VisitID, until func(ledger.Record) bool) ([]story.Line, *projections.Cart, error) {
	records, err := visitRecords(ctx, log, v)
	if err != nil {
		return nil, nil, err
	}
	var lines []story.Line
	cart := &projections.Cart{}
	for _, r := range records {
		if !until(r) {
			break
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return nil, nil, err
		}
		if r.Stream == ledger.VisitStream(v) {
			if err := cart.Apply(e); err != nil {
				return nil, nil, err
			}
		}
		lines = append(lines, story.Tell(e, cart))
	}
	return lines, cart, nil
}

func writeJSONLines[T any](w io.Writer, values []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, v := range values {
		if err := enc.Encode(v); err != nil {
			return err
		}
	}
	return nil
}

func printStory(w io.Writer, visit ledger.VisitID, lines []story.Line, cart *projections.Cart) {
	fmt.Fprintf(w, "visit %s, shop %s, %s\n\n", visit, cart.Presented.Store, cart.Status)
	p := story.NewPrinter(w)
	p.Head()
	for _, l := range lines {
		p.Line(l)
		for _, r := range l.Refs {
			fmt.Fprintf(w, "  %12s    %-6s %s (%s, %d bytes)\n", "", r.Role, r.Digest, r.MediaType, r.Bytes)
		}
	}
	if cart.Latest != nil {
		fmt.Fprintln(w)
		story.PrintReceipt(w, *cart.Latest)
	}
}
