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
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

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
	trailer metadata.MD // of the last raw call
}

// openTill serves a new log without security and connects the client to it.
func openTill(t *testing.T) *till {
	t.Helper()
	log := memlog.New(time.Now)
	address := serve(t, log, eventstore.Config{Now: time.Now, Insecure: true})
	return &till{Client: connect(t, "esdb://"+address+"?tls=false"), t: t, log: log, address: address}
}

// serve runs a server of log until the test ends and returns its address.
func serve(t testing.TB, log ledger.Log, cfg eventstore.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, log, cfg, l)
	return l.Addr().String()
}

// serveOn is serve on a listener.
func serveOn(t testing.TB, log ledger.Log, cfg eventstore.Config, l net.Listener) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- eventstore.New(log, cfg).Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
	})
}

// connect returns the official client for a connection string.
func connect(t testing.TB, connection string) *esdb.Client {
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

// appended appends and fails the test if that is refused.
func (s *till) appended(stream string, expect esdb.ExpectedRevision, events ...esdb.EventData) *esdb.WriteResult {
	s.t.Helper()
	w, err := s.AppendToStream(s.t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: expect}, events...)
	if err != nil {
		s.t.Fatalf("AppendToStream(%s, %v, %d events) = %v", stream, expect, len(events), err)
	}
	return w
}

// refused appends and fails the test unless the client says code.
func (s *till) refused(code esdb.ErrorCode, stream string, expect esdb.ExpectedRevision, events ...esdb.EventData) {
	s.t.Helper()
	_, err := s.AppendToStream(s.t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: expect}, events...)
	wantCode(s.t, err, code)
}

// forwards reads a whole stream from its start.
func (s *till) forwards(stream string) ([]*esdb.ResolvedEvent, error) {
	s.t.Helper()
	r, err := s.ReadStream(s.t.Context(), stream, esdb.ReadStreamOptions{From: esdb.Start{}}, 10_000)
	return readAll(s.t, r, err)
}

// revisions reads a stream and returns the revisions in it.
func (s *till) revisions(stream string) []uint64 {
	s.t.Helper()
	events, err := s.forwards(stream)
	if err != nil {
		s.t.Fatalf("ReadStream(%s) = %v", stream, err)
	}
	out := []uint64{}
	for _, e := range events {
		out = append(out, e.OriginalEvent().EventNumber)
	}
	return out
}

func wantCode(t *testing.T, err error, code esdb.ErrorCode) {
	t.Helper()
	var e *esdb.Error
	if !errors.As(err, &e) || e.Code() != code {
		t.Errorf("error = %v, want code %d", err, code)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// raw returns a connection for the stubs, to see what is on the wire.
func (s *till) raw() *grpc.ClientConn {
	s.t.Helper()
	c, err := grpc.NewClient(s.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// keepTrailer keeps the trailer of a raw call.
func (s *till) keepTrailer() grpc.CallOption { return grpc.Trailer(&s.trailer) }

// wantStatus checks code and trailers of the last raw call.
func (s *till) wantStatus(name string, err error, code string, trailers map[string]string) {
	s.t.Helper()
	if got := status.Code(err).String(); got != code {
		s.t.Errorf("%s: %v, want %s", name, err, code)
	}
	for k, v := range trailers {
		if got := s.trailer.Get(k); len(got) != 1 || got[0] != v {
			s.t.Errorf("%s: trailer %s = %q, want %q", name, k, got, v)
		}
	}
}
