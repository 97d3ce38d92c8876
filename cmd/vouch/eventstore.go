package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/eventstore"
)

// An eventstoreConfig says how the EventStoreDB protocol is served.
type eventstoreConfig struct {
	Listen    string `koanf:"eventstore-listen"`
	Advertise string `koanf:"eventstore-advertise"`
	TLSCert   string `koanf:"eventstore-tls-cert"`
	TLSKey    string `koanf:"eventstore-tls-key"`
	Insecure  bool   `koanf:"eventstore-insecure"`
	MaxAppend int    `koanf:"eventstore-max-append-size"`
}

// addEventstoreFlags adds the flags of c, each name with prefix.
func addEventstoreFlags(f *pflag.FlagSet, c *eventstoreConfig, prefix, listen string) {
	f.StringVar(&c.Listen, prefix+"listen", listen, "address to speak the EventStoreDB protocol on")
	f.StringVar(&c.Advertise, prefix+"advertise", "",
		"host:port that clients with esdb+discover:// are told; by default the one they came to")
	f.StringVar(&c.TLSCert, prefix+"tls-cert", "", "certificate of the EventStoreDB port (PEM)")
	f.StringVar(&c.TLSKey, prefix+"tls-key", "", "its private key (PEM)")
	f.IntVar(&c.MaxAppend, prefix+"max-append-size", eventstore.DefaultMaxAppend, "bytes that one append may have, as EventStoreDB's setting of that name")
	f.BoolVar(&c.Insecure, prefix+"insecure", false,
		"no TLS needed, no passwords asked: whoever reaches the EventStoreDB port is an administrator")
}

// newEventstoreCommand returns `vouch eventstore`: the ledger of a data folder
// over the EventStoreDB protocol, and nothing else.
func newEventstoreCommand() *cobra.Command {
	var data, level string
	var c eventstoreConfig
	cmd := &cobra.Command{
		Use:   "eventstore",
		Short: "Serve the ledger over the EventStoreDB protocol, and nothing else",
		Long: `Serves the ledger of a data folder to the clients of EventStoreDB and KurrentDB. A ledger is made
if there is none. It is the one writer of the folder: beside vouch serve, use vouch serve --eventstore-listen.

Clients sign in with the name and the text of a key: vouch keys create --data DIR --role program --name till
Operators are administrators, auditors read everything, programs use streams that are not Vouch's own.`,
		Example: `  vouch eventstore --data shop --tls-cert cert.pem --tls-key key.pem
  vouch eventstore --data try --listen 127.0.0.1:2113 --insecure`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := newLogger(level)
			if err != nil {
				return err
			}
			return runEventstore(cmd.Context(), data, c, logger)
		},
	}
	cmd.Flags().StringVar(&data, "data", "vouch-data", "folder of the server's data")
	cmd.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	addEventstoreFlags(cmd.Flags(), &c, "", "127.0.0.1:2113")
	return cmd
}

func runEventstore(ctx context.Context, data string, c eventstoreConfig, logger *slog.Logger) (err error) {
	if _, err := c.tls(); err != nil { // before a folder is made
		return err
	}
	dir := filepath.Join(data, ledgerDir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	ring, err := keys.Open(data)
	if err != nil {
		return err
	}
	bar := newBar(os.Stderr, "opening the ledger")
	log, err := embedded.Open(ctx, dir, embedded.Config{Now: time.Now, Progress: bar.progress})
	bar.done()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if c.Insecure {
		if err := announceAdmin(ctx, log); err != nil {
			return err
		}
	}
	s, err := listenEventstore(ctx, c, log, ring, logger)
	if err != nil {
		return err
	}
	return s.run(ctx)
}

// announceAdmin writes the event by which programs that wait for a new
// EventStoreDB, among them the clients' own tests, see that it is ready: the
// first of "$users". It is the same event each time, and so written once.
func announceAdmin(ctx context.Context, log ledger.Log) error {
	_, err := log.Append(ctx, "$users", ledger.Any(), ledger.Draft{
		ID: ledger.DeriveID(ledger.ID{}, "eventstore", "$users", "admin"), Kind: "$User",
		Occurred: ledger.Instant(time.Now()), Body: []byte("admin"), Binary: true,
	})
	return err
}

// tls returns the certificate; nil if the port is to be insecure and has none.
func (c eventstoreConfig) tls() (*tls.Config, error) {
	switch {
	case c.TLSCert != "" && c.TLSKey != "":
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("certificate of the EventStoreDB port: %w", err)
		}
		return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
	case c.TLSCert != "" || c.TLSKey != "":
		return nil, fmt.Errorf("%w: a certificate and its key belong together: give both or none", errUsage)
	case !c.Insecure:
		return nil, fmt.Errorf("%w: the EventStoreDB port asks for passwords and so needs TLS: give the files of a "+
			"certificate and its key, or say insecure, which makes everybody an administrator", errUsage)
	}
	return nil, nil //nolint:nilnil // none is wanted
}

// An eventstorePort is the protocol's server on its port.
type eventstorePort struct {
	server   *eventstore.Server
	listener net.Listener
}

// run serves until ctx is done.
func (p *eventstorePort) run(ctx context.Context) error { return p.server.Serve(ctx, p.listener) }

// listenEventstore opens the port and serves nothing yet.
func listenEventstore(
	ctx context.Context, c eventstoreConfig, log ledger.Log, ring *keys.Store, logger *slog.Logger,
) (*eventstorePort, error) {
	cfg := eventstore.Config{
		Now: time.Now, Logger: logger, Insecure: c.Insecure, Advertise: c.Advertise,
		Authenticate: eventstoreUsers(ring), MaxAppend: c.MaxAppend,
	}
	var err error
	if cfg.TLS, err = c.tls(); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for the EventStoreDB protocol: %w", err)
	}
	logger.InfoContext(ctx, "serving the EventStoreDB protocol", slog.String("address", listener.Addr().String()),
		slog.Bool("tls", cfg.TLS != nil), slog.Bool("insecure", c.Insecure))
	if c.Insecure {
		logger.WarnContext(ctx, "whoever reaches the EventStoreDB port is an administrator",
			slog.String("address", listener.Addr().String()))
	}
	return &eventstorePort{eventstore.New(log, cfg), listener}, nil
}

var errNotAdmitted = errors.New("this key does not open the EventStoreDB port")

// eventstoreUsers signs in with the name of a key and its text as password.
func eventstoreUsers(ring *keys.Store) func(context.Context, string, string) (eventstore.User, error) {
	return func(_ context.Context, name, password string) (eventstore.User, error) {
		k, err := ring.Check(password)
		if err != nil {
			return eventstore.User{}, err
		}
		if k.Name != name {
			return eventstore.User{}, errNotAdmitted
		}
		u := eventstore.User{Name: name}
		switch k.Role {
		case keys.Operator:
			u.Groups = []string{eventstore.GroupAdmins, eventstore.GroupOps}
		case keys.Auditor:
			u.ReadAll, u.ReadOnly = true, true
		case keys.Program:
		case keys.Device, keys.Shopper, keys.Reviewer, keys.Finance: // they have the API
			return eventstore.User{}, errNotAdmitted
		default:
			return eventstore.User{}, errNotAdmitted
		}
		return u, nil
	}
}
