package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/api"
	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/palms"
	"github.com/vouchledger/vouch/api/payers"
	"github.com/vouchledger/vouch/billing/clerk"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/fiscal"
	"github.com/vouchledger/vouch/billing/fiscal/tsesim"
	"github.com/vouchledger/vouch/billing/reconcile"
	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/cmd/vouch/evidencestore"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/vision/ticket"
)

// shutdownTime is how long requests under way may take when the server stops.
const shutdownTime = 5 * time.Second

func newServeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server: API, web pages, ledger and billing on one port",
		Long: `Runs the server on a data folder, or with --ledger on an EventStoreDB or KurrentDB
cluster; the folder then keeps the rest (docs/operating/eventstoredb.md). Settings come from --config FILE (YAML), from VOUCH_*
variables (VOUCH_STRIPE_KEY for stripe-key, and so on) and from flags; the later wins.

Make keys first: vouch keys create --data DIR --role operator`,
		Args: cobra.NoArgs,
	}
	addServeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadServeConfig(cmd)
		if err != nil {
			return err
		}
		logger, err := newLogger(cfg.LogLevel)
		if err != nil {
			return err
		}
		return serve(cmd.Context(), cfg, logger)
	}
	return cmd
}

// A server is everything that runs in one `vouch serve`.
type server struct {
	log     openLog
	live    *engine.Live
	desk    *engine.Desk
	runner  *engine.Runner
	models  readModels
	gateway *stripe.Gateway
	store   *evidencestore.Store
	keys    *keys.Store
	palms   *palms.Office
	tree    *treeServer
	fiscal  *fiscal.Runner
	books   *reconcile.Reconciler
	device  io.Closer // that signs; nil for none
	api     *api.API

	watching *watching
}

// serve runs until ctx is done, then ends requests under way, the runners and
// the log, in this order.
func serve(ctx context.Context, cfg serveConfig, logger *slog.Logger) (err error) {
	if cfg.Eventstore.Listen != "" {
		if _, err := cfg.Eventstore.tls(); err != nil { // before anything is opened
			return err
		}
	}
	policy, err := cfg.retention()
	if err != nil {
		return err
	}
	s, err := open(ctx, cfg, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var port *eventstorePort
	if cfg.Eventstore.Listen != "" {
		if port, err = listenEventstore(ctx, cfg.Eventstore, s.log, s.keys, logger); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		if port != nil {
			err = errors.Join(err, port.listener.Close())
		}
		return fmt.Errorf("listen: %w", err)
	}
	logger.InfoContext(ctx, "serving", slog.String("address", listener.Addr().String()), slog.String("data", cfg.Data),
		slog.Bool("live_money", s.gateway.Livemode()))
	group, ctx := errgroup.WithContext(ctx)
	httpServer := s.api.Server()
	s.desk.Live().Withhold() // a shopper who pays a debt must wait for the sweep, too
	group.Go(func() error {
		return ended(s.watching.afterSweep(ctx, func(ctx context.Context) error {
			s.desk.Live().Resume()
			return s.runner.Run(ctx)
		}))
	})
	group.Go(func() error { return ended(s.books.Run(ctx, cfg.Reconcile)) })
	if cfg.CloseDays > 0 {
		group.Go(func() error { return ended(s.closer(cfg, logger).Run(ctx, closeEvery)) })
	}
	group.Go(func() error { return ended(s.expireEvidence(ctx, policy, logger)) })
	group.Go(func() error { return watchSealing(ctx, s.log, logger) })
	for _, run := range []func(context.Context) error{
		s.watching.run, s.tree.Run, s.fiscal.Run, s.palms.Run,
		s.models.visits.Run, s.models.reviews.Run, s.models.journal.Run, s.models.register.Run, s.models.chargebacks.Run,
	} {
		group.Go(func() error { return ended(run(ctx)) })
	}
	if port != nil {
		group.Go(func() error { return port.run(ctx) })
	}
	group.Go(func() error {
		if err := httpServer.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		logger.InfoContext(ctx, "stopping")
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		s.api.Close()
		return httpServer.Shutdown(stop)
	})
	return group.Wait()
}

// ended turns the end that was asked for into no error.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// open opens everything and starts nothing.
func open(ctx context.Context, cfg serveConfig, logger *slog.Logger) (*server, error) {
	if err := os.MkdirAll(cfg.Data, 0o750); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	s := &server{}
	var err error
	if s.gateway, err = stripe.New(stripe.Config{SecretKey: cfg.StripeKey, URL: cfg.StripeURL, Timeout: cfg.Deadline}); err != nil {
		return nil, err
	}
	from := source{data: cfg.Data, address: cfg.Ledger, namespace: cfg.LedgerNamespace}
	if s.log, err = from.serve(ctx, logger); err != nil {
		return nil, err
	}
	if err := s.openOn(ctx, cfg, logger); err != nil {
		return nil, errors.Join(err, s.log.Close())
	}
	return s, nil
}

// openOn builds what stands on the log.
func (s *server) openOn(ctx context.Context, cfg serveConfig, logger *slog.Logger) (err error) {
	s.live = engine.NewLive(s.log)
	s.desk = engine.NewDesk(s.live, time.Now, rand.Reader)
	s.runner = engine.NewRunner(s.live, s.gateway, time.Now, engine.RunnerConfig{Logger: logger, SendTimeout: cfg.Deadline})
	if err := s.openFiscal(cfg, logger); err != nil {
		return err
	}
	if err := s.openBooks(cfg, logger); err != nil {
		return err
	}
	if s.models, err = newReadModels(cfg.Data, s.log, 0, logger); err != nil {
		return err
	}
	where := evidencestore.In(cfg.Data, cfg.Evidence, cfg.EvidenceKeys)
	where.Make = true
	if s.store, err = evidencestore.Open(ctx, where); err != nil {
		return err
	}
	if s.keys, err = keys.Open(cfg.Data); err != nil {
		return err
	}
	ticketKey, err := ticket.LoadOrNewKey(filepath.Join(cfg.Data, ticketKeyFile), rand.Reader)
	if err != nil {
		return err
	}
	tickets, err := ticket.NewRing(ticketKey.Public())
	if err != nil {
		return err
	}
	rotation, err := ticket.LoadOrNewRotation(filepath.Join(cfg.Data, rotationKeyFile), rand.Reader)
	if err != nil {
		return err
	}
	directory, err := payers.Open(cfg.Data)
	if err != nil {
		return err
	}
	if s.palms, err = palms.Open(cfg.Data, cfg.PalmKeys, s.desk, logger); err != nil {
		return err
	}
	s.palms.People = cfg.PalmPeople
	metrics := prometheus.NewRegistry()
	inbox, err := s.openWatching(cfg, metrics, logger)
	if err != nil {
		return err
	}
	if s.tree, err = openTree(cfg.Data, cfg.Tlog, s.log, metrics, logger); err != nil {
		return err
	}
	s.api, err = api.New(api.Services{
		Log: s.log, Desk: s.desk, Evidence: s.store.Store, Keys: s.keys, Tickets: ticketKey, Ring: tickets,
		Visits: s.models.visits, Reviews: s.models.reviews, Journal: s.models.journal,
		Register: s.models.register, Chargebacks: s.models.chargebacks, Reconciler: s.books,
		Payer: payerOf(directory), Webhook: webhook(inbox), Now: time.Now, Logger: logger, Confirm: s.gateway.Confirmation,
		Tlog: s.tree.Folder().Published, Ready: s.tree.Ready, Metrics: metrics,
		Rotation: rotation, Bearer: bearerOf(directory), Palms: s.palms,
	})
	if err != nil {
		return errors.Join(err, s.tree.signer.Close())
	}
	return nil
}

// openBooks makes what compares our books with the provider's.
func (s *server) openBooks(cfg serveConfig, logger *slog.Logger) error {
	if cfg.Reconcile <= 0 {
		return fmt.Errorf("%w: --reconcile-every %s: it must be above zero", errUsage, cfg.Reconcile)
	}
	if cfg.CloseDays < 0 {
		return fmt.Errorf("%w: --close-days-after %s: it must not be below zero", errUsage, cfg.CloseDays)
	}
	rules, err := readRules(cfg.Rules)
	if err != nil {
		return err
	}
	s.books, err = reconcile.New(s.log, s.gateway, time.Now, rules, logger)
	return err
}

// close lets go of what open opened.
func (s *server) close() error {
	s.gateway.Close()
	var err error
	if s.device != nil {
		err = s.device.Close()
	}
	return errors.Join(err, s.palms.Close(), s.store.Close(), s.tree.signer.Close(), s.log.Close())
}

// closeEvery is how often is looked for days that can be closed.
const closeEvery = 10 * time.Minute

// closer closes days that no person has to look at.
func (s *server) closer(cfg serveConfig, logger *slog.Logger) *clerk.DayCloser {
	return &clerk.DayCloser{
		Log: s.log, Reconciled: s.books.Reconciled, After: cfg.CloseDays, Logger: logger,
		Days: func(ctx context.Context, until time.Time) (due []ledger.DayClosed, err error) {
			head, err := s.log.Head(ctx)
			if err != nil {
				return nil, err
			}
			if err := s.models.journal.WaitFor(ctx, head); err != nil {
				return nil, err
			}
			s.models.journal.View(func(j *books.Journal) { due, err = j.Due(until, clerk.Closer, time.LoadLocation) })
			return due, err
		},
	}
}

// fiscalDir holds the simulated signing device, below the data folder.
const fiscalDir = "fiscal"

// openFiscal opens the signing device that the configuration names.
func (s *server) openFiscal(cfg serveConfig, logger *slog.Logger) error {
	var device fiscal.Device
	switch cfg.Fiscal {
	case "":
	case "simulator":
		d, err := tsesim.Open(filepath.Join(cfg.Data, fiscalDir), "vouch", time.Now, rand.Reader)
		if err != nil {
			return err
		}
		device, s.device = d, d
	default:
		return fmt.Errorf("%w: --fiscal-device %q: leave it out or use simulator", errUsage, cfg.Fiscal)
	}
	s.fiscal = fiscal.NewRunner(s.log, device, time.Now, logger)
	return nil
}

// payerOf looks a shopper up in the directory.
func payerOf(d *payers.Directory) func(context.Context, ledger.ShopperID) (api.Payer, error) {
	return func(_ context.Context, s ledger.ShopperID) (api.Payer, error) {
		p, err := d.Get(s)
		if errors.Is(err, payers.ErrUnknown) {
			return api.Payer{}, fmt.Errorf("%w: %s", api.ErrUnknownShopper, s)
		}
		return api.Payer{Customer: p.Customer, PaymentMethod: p.PaymentMethod, Staff: p.Staff, Member: p.Member}, err
	}
}

// bearerOf looks up whom a card, a badge or a palm names.
func bearerOf(d *payers.Directory) func(context.Context, ledger.CredentialKind, string) (ledger.ShopperID, error) {
	return func(_ context.Context, kind ledger.CredentialKind, token string) (ledger.ShopperID, error) {
		s, err := d.Bearer(kind, token)
		if errors.Is(err, payers.ErrUnknown) {
			return "", fmt.Errorf("%w: by that %s", api.ErrUnknownShopper, kind)
		}
		return s, err
	}
}
