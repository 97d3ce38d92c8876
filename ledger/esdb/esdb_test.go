package esdb_test

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"os"
	"path/filepath"
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

// TestMain lets the suite's random histories, each of which needs a server of
// its own, run fewer times than elsewhere; -rapid.checks says otherwise.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

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
	cfg.CheckBody, cfg.MaxAppend, cfg.Now = bottles, 32<<20, time.Now
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
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
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

func inMemory(*testing.T) ledger.Log { return memlog.New(ledgertest.JumpingClock()) }

func onDisk(t *testing.T) ledger.Log {
	log, err := embedded.Open(t.Context(), t.TempDir(), embedded.Config{Now: ledgertest.JumpingClock(), SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

// TestConformance checks that a ledger in a cluster keeps the contract, through
// a server that keeps it in memory and one that keeps it on disk.
func TestConformance(t *testing.T) {
	for name, back := range map[string]func(*testing.T) ledger.Log{"memory": inMemory, "disk": onDisk} {
		t.Run(name, func(t *testing.T) {
			ledgertest.TestLog(t, func(t *testing.T) ledger.Log {
				addr, _ := serve(t, back(t), "127.0.0.1:0", eventstore.Config{})
				return open(t, "esdb://"+addr+quick, esdb.Config{})
			})
		})
	}
}

// TestDurable checks that a ledger that is closed and opened again, with the
// index from its file, is the same.
func TestDurable(t *testing.T) {
	clusters := map[string]string{}
	ledgertest.TestDurable(t, func(t *testing.T, dir string) ledgertest.Durable {
		if clusters[dir] == "" {
			clusters[dir], _ = serve(t, onDisk(t), "127.0.0.1:0", eventstore.Config{})
		}
		return open(t, "esdb://"+clusters[dir]+quick, esdb.Config{Snapshot: filepath.Join(dir, "index")})
	})
}

// TestSharedCluster runs the suite as TestCluster does, each case a namespace of
// one cluster in which there are already other programs' events.
func TestSharedCluster(t *testing.T) {
	addr, _ := serve(t, inMemory(t), "127.0.0.1:0", eventstore.Config{})
	conformance(t, "esdb://"+addr+quick)
}

// TestCluster runs the suite on the cluster that VOUCH_ESDB names. It leaves
// streams behind whose names begin with "vouchtest-".
func TestCluster(t *testing.T) {
	address := os.Getenv("VOUCH_ESDB")
	if address == "" {
		t.Skip("VOUCH_ESDB names no cluster: docs/operating/eventstoredb.md")
	}
	conformance(t, address)
}

// conformance runs the suite on one cluster. Each case sees an empty ledger: a
// namespace of its own, looked at from the cluster's end on.
func conformance(t *testing.T, address string) {
	whole := open(t, address, esdb.Config{Namespace: "vouchtest-nobody."})
	ledgertest.TestLog(t, func(t *testing.T) ledger.Log {
		end, err := whole.End(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		salt, err := ledger.NewID(time.Now(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return salted{open(t, address, esdb.Config{Namespace: fmt.Sprintf("vouchtest-%s.", salt), Since: end}), salt}
	})
}

// A salted log gives the suite's events, which have the same ids in each case,
// other ids, since a cluster may keep them for ever.
type salted struct {
	*esdb.Log
	salt ledger.ID
}

// MaxBodyBytes leaves room for the envelope: to a Vouch server a namespace is
// foreign, and what lies beside a foreign body counts.
func (l salted) MaxBodyBytes() int { return ledger.MaxBodyBytes - 1024 }

// id gives an id another one, and that one the first again.
func (l salted) id(id ledger.ID) ledger.ID {
	if id.IsZero() {
		return id
	}
	for i := range id {
		id[i] ^= l.salt[i]
	}
	return id
}

func (l salted) Append(ctx context.Context, s ledger.StreamID, e ledger.Expected, ds ...ledger.Draft) ([]ledger.Record, error) {
	ds = append([]ledger.Draft(nil), ds...)
	for i := range ds {
		ds[i].ID = l.id(ds[i].ID)
	}
	rs, err := l.Log.Append(ctx, s, e, ds...)
	for i := range rs {
		rs[i].ID = l.id(rs[i].ID)
	}
	return rs, err
}

func (l salted) Find(ctx context.Context, id ledger.ID) (ledger.Record, error) {
	r, err := l.Log.Find(ctx, l.id(id))
	r.ID = l.id(r.ID)
	return r, err
}

func (l salted) Read(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return l.all(l.Log.Read(ctx, q))
}

func (l salted) Subscribe(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return l.all(l.Log.Subscribe(ctx, q))
}

func (l salted) all(seq iter.Seq2[ledger.Record, error]) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for r, err := range seq {
			r.ID = l.id(r.ID)
			if !yield(r, err) {
				return
			}
		}
	}
}

// collect takes n records of a subscription or reading.
func collect(seq iter.Seq2[ledger.Record, error], n int) ([]ledger.Record, error) {
	var rs []ledger.Record
	for r, err := range seq {
		if err != nil {
			return rs, err
		}
		if rs = append(rs, r); len(rs) == n {
			return rs, nil
		}
	}
	if len(rs) < n {
		return rs, errors.New("ended early")
	}
	return rs, nil
}
