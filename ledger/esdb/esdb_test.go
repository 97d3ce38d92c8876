package esdb_test

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/esdb"
	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/ledgertest"
	"github.com/vouchledger/vouch/ledger/memlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bottles lets the suite's events into our own streams, whose bodies are no
// payloads of ours.
func bottles(ledger.Draft) error { return nil }

// serve serves log on address until stop is called, or the test ends.
func serve(t *testing.T, log ledger.Log, address string, cfg eventstore.Config) (addr string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	cfg.CheckBody, cfg.MaxAppend = bottles, 32<<20
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Insecure = cfg.TLS == nil
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- eventstore.New(log, cfg).Serve(ctx, listener) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve() = %v", err)
		}
	})
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

// quick are settings that give up soon.
const quick = "?tls=false&maxDiscoverAttempts=1&gossipTimeout=1&discoveryInterval=10"

func open(t *testing.T, address string, cfg esdb.Config) *esdb.Log {
	t.Helper()
	log, err := esdb.Open(t.Context(), address, cfg)
	if err != nil {
		t.Fatalf("Open(%s) = %v", address, err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return log
}

// TestConformance checks that a ledger in a cluster keeps the contract, through
// a server that keeps it in memory and one that keeps it on disk.
func TestConformance(t *testing.T) {
	for name, back := range map[string]func(*testing.T) ledger.Log{
		"memory": func(*testing.T) ledger.Log { return memlog.New(ledgertest.JumpingClock()) },
		"disk": func(t *testing.T) ledger.Log {
			log, err := embedded.Open(t.Context(), t.TempDir(), embedded.Config{Now: ledgertest.JumpingClock(), SegmentBytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { log.Close() })
			return log
		},
	} {
		t.Run(name, func(t *testing.T) {
			ledgertest.TestLog(t, func(t *testing.T) ledger.Log {
				addr, _ := serve(t, back(t), "127.0.0.1:0", eventstore.Config{})
				return open(t, "esdb://"+addr+quick, esdb.Config{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
			})
		})
	}
}
