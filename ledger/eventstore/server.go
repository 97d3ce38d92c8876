package eventstore

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	features "github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/vouchledger/vouch/ledger"
)

// Limits of the protocol.
const (
	// DefaultMaxAppend is EventStoreDB's own bound of one append, in bytes.
	DefaultMaxAppend = 1 << 20
	// maxMessage bounds one gRPC message. The npm clients cut a batch append into
	// chunks of 3 MiB.
	maxMessage = 4 << 20
	// The clients ping every ten seconds, also when nothing is going on. grpc's
	// own policy of five minutes would throw them out after the third.
	minPing = time.Second
	// pingEvery and pingTimeout find clients that went away without a word.
	pingEvery   = 10 * time.Second
	pingTimeout = 10 * time.Second
)

// A Config says how a [Server] is run.
type Config struct {
	// Now is the clock that $maxAge and deadlines are measured with. It must not
	// be nil.
	Now func() time.Time
	// Random makes the ids of events that the server writes itself; nil means
	// crypto/rand.
	Random io.Reader
	// Logger gets what clients are not told; nil means nothing is logged.
	Logger *slog.Logger

	// TLS is the server's certificate. Without it only Insecure is served:
	// passwords do not travel in the clear.
	TLS *tls.Config
	// Insecure makes everybody an administrator. Nobody's password is asked for.
	Insecure bool
	// Authenticate says who signs in with name and password; any error means
	// that nobody does. Nil means that nobody is known.
	Authenticate func(ctx context.Context, name, password string) (User, error)
	// Advertise is the host:port that gossip tells clients to dial. Empty means
	// the address by which the client has reached the server.
	Advertise string

	// CheckBody refuses events for Vouch's own streams; nil means that they must
	// be a known payload in stored form ([ledger.Unmarshal]) and nothing else.
	CheckBody func(ledger.Draft) error
	// MaxAppend bounds the bytes of one append; 0 means [DefaultMaxAppend].
	MaxAppend int
}

// A Server serves a log. Its methods may be called from many goroutines.
type Server struct {
	log    ledger.Log
	cfg    Config
	now    func() time.Time
	logger *slog.Logger

	randomMu sync.Mutex // an io.Reader need not stand two readers
	seed     maphash.Seed
	stripes  [256]sync.RWMutex // see lock

	services []service
}

// A service is a part of the protocol that has its own life beside the streams.
type service interface {
	register(*grpc.Server)
	// methods is what the service adds to the list of server features.
	methods() []*features.SupportedMethod
	// run does what has to go on while the server serves, until ctx is done.
	run(ctx context.Context) error
}

// New returns a server of log. It does no I/O.
func New(log ledger.Log, cfg Config) *Server {
	if cfg.Now == nil {
		panic("eventstore: Config.Now is nil")
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.CheckBody == nil {
		cfg.CheckBody = checkBody
	}
	if cfg.MaxAppend <= 0 {
		cfg.MaxAppend = DefaultMaxAppend
	}
	s := &Server{log: log, cfg: cfg, now: cfg.Now, logger: cfg.Logger, seed: maphash.MakeSeed()}
	s.services = []service{newGroupService(s)}
	return s
}

// Serve answers on listener until ctx is done, and closes it. Calls under way
// are broken off: clients see that the server is unavailable, and an append that
// got no answer is recognised when it comes again.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	if s.cfg.TLS == nil && !s.cfg.Insecure {
		return errors.Join(errNoTLS, listener.Close())
	}
	g, h, p := s.grpcServer(), healthServer(), newPort(listener, s.cfg.TLS)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	failed := make(chan error, len(s.services)+3)
	for _, sv := range s.services {
		wg.Go(func() {
			if err := sv.run(ctx); err != nil && ctx.Err() == nil {
				failed <- err
			}
		})
	}
	wg.Go(func() { failed <- g.Serve(p.grpc) })
	wg.Go(func() { failed <- h.Serve(p.http) })
	wg.Go(func() { failed <- p.run(ctx) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stop()
	g.Stop()
	_ = h.Close()
	wg.Wait()
	if err != nil {
		return fmt.Errorf("serve the EventStoreDB protocol: %w", err)
	}
	return nil
}

var errNoTLS = errors.New("serve the EventStoreDB protocol: passwords need TLS: " +
	"give a certificate and its key, or say that it is to be insecure")

// grpcServer returns a server with everything registered.
func (s *Server) grpcServer() *grpc.Server {
	opts := []grpc.ServerOption{
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingEvery, Timeout: pingTimeout}),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream),
	}
	g := grpc.NewServer(opts...)
	features.RegisterServerFeaturesServer(g, featureService{s: s})
	gossip.RegisterGossipServer(g, gossipService{s: s})
	streams.RegisterStreamsServer(g, streamService{s: s})
	for _, sv := range s.services {
		sv.register(g)
	}
	return g
}

// lock returns the lock of stream and its metadata. Appends hold it for
// reading: the log itself arbitrates between them. What changes what an append
// may do (delete, tombstone, metadata) holds it for writing.
func (s *Server) lock(stream ledger.StreamID) *sync.RWMutex {
	h := maphash.String(s.seed, string(original(stream)))
	return &s.stripes[h%uint64(len(s.stripes))]
}

// newID returns an id for an event that the server writes itself.
func (s *Server) newID() (ledger.ID, error) {
	s.randomMu.Lock()
	defer s.randomMu.Unlock()
	return ledger.NewID(s.now(), s.cfg.Random)
}
