package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/money"
)

// errAudit means that a simulated ledger broke a rule. Keep the seed: it shows
// the fault again.
var errAudit = errors.New("the ledger does not pass its audit")

// newSimulateCommand returns `vouch simulate`.
func newSimulateCommand() *cobra.Command {
	var (
		config  simulate.Config
		profile string
		asJSON  bool
	)
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Drive many visits through gate, billing and review, and audit the ledger",
		Long: `Drive many plausible visits through the same gate, folds, billing and review code as in
a shop, as fast as the machine can, into a new ledger; then audit it: every visit settled
once, the journal balanced, every receipt equal to its replay, and the bank's books the
same as ours. There is no video and the clock is simulated. The same seed gives the same
ledger.`,
		Example: "  vouch simulate --seed 1 --visits 10000 --data simulated\n  vouch verify --data simulated",
		Args:    cobra.NoArgs,
	}
	data := addDataFlag(cmd)
	flags := cmd.Flags()
	flags.Uint64Var(&config.Seed, "seed", 1, "what the visits are made from")
	flags.IntVar(&config.Visits, "visits", 1000, "how many visits")
	flags.IntVar(&config.Shops, "shops", 0, "how many shops they are spread over; 0 means about one for 40 visits")
	flags.StringVar(&profile, "profile", "convenience", "kind of shop: "+strings.Join(simulate.Profiles(), ", "))
	flags.BoolVar(&asJSON, "json", false, "print the summary as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if config.Profile, err = simulate.ProfileNamed(profile); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		if config.Visits < 1 || config.Shops < 0 {
			return fmt.Errorf("%w: --visits %d and --shops %d: want at least one visit", errUsage, config.Visits, config.Shops)
		}
		config.Clock = simulate.NewClock()
		log, err := embedded.Open(cmd.Context(), filepath.Join(*data, ledgerDir), embedded.Config{Now: config.Clock.Now})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, log.Close()) }()
		b := newBar(cmd.ErrOrStderr(), "visits")
		config.Done = b.progress
		sum, err := simulate.Run(cmd.Context(), log, config)
		b.done()
		if errors.Is(err, simulate.ErrNotEmpty) {
			return fmt.Errorf("%w; name another folder with --data", err)
		}
		if err != nil {
			return err
		}
		if asJSON {
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "  ")
			err = enc.Encode(sum)
		} else {
			err = printSimulation(cmd.OutOrStdout(), sum)
		}
		if n := len(sum.Audit.Findings); err == nil && n > 0 {
			return fmt.Errorf("%w: %d findings with seed %d", errAudit, n, sum.Seed)
		}
		return err
	}
	return cmd
}

// printSimulation tells what happened and what was checked.
func printSimulation(out io.Writer, s simulate.Summary) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	t, a := s.Tally, s.Audit
	fmt.Fprintf(w, "%d visits to %d shops (%s), seed %d\n\n", s.Visits, s.Shops, s.Profile, s.Seed)
	refused := 0
	for _, reason := range slices.Sorted(maps.Keys(t.Refused)) {
		refused += t.Refused[reason]
	}
	row("codes shown at gates", "%d, of which %d refused %s", t.Presented, refused, counts(t.Refused))
	row("detections", "%d, of which %d late, %d sent twice, %d doubtful", t.Detections, t.Late, t.Repeated, t.Doubts)
	row("reviewed", "%d by a person, the others at their deadline", t.Reviewed)
	row("disputes", "%d, of which %d upheld", t.Disputes, t.Upheld)
	row("visits ended", "%s", counts(a.Outcomes))
	row("charged", "%s", amounts(a.Charged))
	row("given back", "%s", amounts(a.Refunded))
	row("owed", "%s", amounts(a.Owed))
	fmt.Fprintf(w, "\nchecked over %d events\n", a.Events)
	row("every visit settled once", "%d settled, %d refused at the gate", a.Settled, a.Refused)
	sums := map[money.Currency]int64{}
	for _, m := range a.Sums {
		sums[m.Currency] = m.Minor
	}
	row("journal balanced", "%d entries, sum %s", a.Entries, amounts(sums))
	row("receipts equal replay", "%d, numbered without gaps", a.Receipts)
	for _, f := range a.Findings {
		row("FINDING", "%s", f)
	}
	return w.Flush()
}

// counts says how many of each: "(declined 3, forged 1)".
func counts[K ~string](m map[K]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// amounts says how much of each currency.
func amounts(m map[money.Currency]int64) string {
	var parts []string
	for _, c := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, money.Money{Minor: m[c], Currency: c}.String())
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
