package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/stripesim/page"
)

// stripesimFlags are the flags of vouch stripesim.
type stripesimFlags struct {
	listen, data, webhook, secret string
	seed                          uint64
	faults                        []string
	manualPayouts                 bool
}

// newStripesimCommand returns "vouch stripesim": Stripe's wire protocol without
// Stripe, for trials, demos and tests.
func newStripesimCommand() *cobra.Command {
	var f stripesimFlags
	cmd := &cobra.Command{
		Use:   "stripesim",
		Short: "Serve a simulated Stripe account",
		Long: `Serve a simulated Stripe account, for trials and tests without a network.

An unmodified Stripe client talks to it; no real money moves. It remembers its
customers, holds, refunds, disputes and payouts, in --data FILE also across a
crash. The page at / shows them, and lets a person decline, dispute, fail a
refund or a payout, and let time pass.
Faults are given as OP:KIND[:SETTING=VALUE,...] or sent to /sim/faults, and
/sim/audit says what really moved. docs/reference/stripesim.md has the list.`,
		Example: `  vouch stripesim --data stripe.jsonl
  vouch stripesim --fault payment_intents.capture:drop_after:nth=1
  vouch stripesim --webhook http://127.0.0.1:8080/webhooks/stripe --webhook-secret whsec_trial`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runStripesim(cmd, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:12111", "address to serve on")
	flags.StringVar(&f.data, "data", "", "journal file; empty keeps everything in memory")
	flags.StringVar(&f.webhook, "webhook", "", "URL that gets the events")
	flags.StringVar(&f.secret, "webhook-secret", "", "secret that signs the events (needed with --webhook)")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of ids and of the chances of faults")
	flags.BoolVar(&f.manualPayouts, "manual-payouts", false, "pay out only what is asked for, not daily")
	flags.StringArrayVar(&f.faults, "fault", nil, "what goes wrong, OP:KIND[:SETTING=VALUE,...] (repeatable)")
	return cmd
}

// runStripesim serves until it is told to stop.
func runStripesim(cmd *cobra.Command, f stripesimFlags) (err error) {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	faults := make([]stripesim.Fault, 0, len(f.faults))
	for _, spec := range f.faults {
		fault, err := stripesim.ParseFault(spec)
		if err != nil {
			return fmt.Errorf("--fault: %w", err)
		}
		faults = append(faults, fault)
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	sim, err := stripesim.Open(stripesim.Config{
		Now: time.Now, Data: f.data, Seed: f.seed, WebhookURL: f.webhook, WebhookSecret: f.secret,
		ManualPayouts: f.manualPayouts,
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	for _, fault := range faults {
		if _, err := sim.Fault(fault); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "stripesim: serving a simulated Stripe account on http://%s\n", listener.Addr())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return serveStripesim(ctx, listener, sim)
}

// serveStripesim serves on listener until ctx ends, and looks every second
// whether the clock has made something due.
func serveStripesim(ctx context.Context, listener net.Listener, sim *stripesim.Sim) error {
	pages, err := page.New(sim)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for err == nil && ctx.Err() == nil {
		select {
		case err := <-served:
			return fmt.Errorf("serve: %w", err)
		case <-tick.C:
			err = sim.Settle()
		case <-ctx.Done():
		}
	}
	// Nobody waits for an answer that a fault holds back.
	err = errors.Join(err, server.Close())
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
