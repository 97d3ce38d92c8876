package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/memlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A till is a foreign program beside the shop: the official Go client, against
// a server of its own.
type till struct {
	*esdb.Client
	t       *testing.T
	log     ledger.Log
	address string
}

// openTill serves a new log without security and connects the client to it.
func openTill(t *testing.T) *till {
	t.Helper()
	log := memlog.New(time.Now)
	address := serve(t, log, eventstore.Config{Now: time.Now, Insecure: true})
	return &till{Client: connect(t, "esdb://"+address+"?tls=false"), t: t, log: log, address: address}
}

// serve runs a server of log until the test ends and returns its address.
func serve(t *testing.T, log ledger.Log, cfg eventstore.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- eventstore.New(log, cfg).Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
	})
	return l.Addr().String()
}

// connect returns the official client for a connection string.
func connect(t *testing.T, connection string) *esdb.Client {
	t.Helper()
	cfg, err := esdb.ParseConnectionString(connection)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Logger = esdb.NoopLogging()
	c, err := esdb.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// sale returns the n-th event of the till.
func sale(n int) esdb.EventData {
	return esdb.EventData{
		EventID: uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "sale %d", n)), EventType: "sale",
		ContentType: esdb.ContentTypeJson, Data: fmt.Appendf(nil, `{"sale":%d}`, n), Metadata: []byte(`{"till":4}`),
	}
}

func sales(from, to int) []esdb.EventData {
	var out []esdb.EventData
	for n := from; n < to; n++ {
		out = append(out, sale(n))
	}
	return out
}

// readAll collects a reading.
func readAll(t *testing.T, s *esdb.ReadStream, err error) ([]*esdb.ResolvedEvent, error) {
	t.Helper()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var out []*esdb.ResolvedEvent
	for {
		e, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
}

// TestATillWritesAndReads checks the plain way: append, read both ways.
func TestATillWritesAndReads(t *testing.T) {
	s := openTill(t)
	w, err := s.AppendToStream(t.Context(), "till-4", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, sales(0, 3)...)
	if err != nil || w.NextExpectedVersion != 2 {
		t.Fatalf("AppendToStream = %+v, %v, want revision 2", w, err)
	}
	r, err := s.ReadStream(t.Context(), "till-4", esdb.ReadStreamOptions{From: esdb.Start{}}, 10)
	events, err := readAll(t, r, err)
	if err != nil || len(events) != 3 {
		t.Fatalf("ReadStream = %d events, %v, want 3", len(events), err)
	}
}
