package esdb_test

import (
	"context"
	"errors"
	"iter"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	features "github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/esdb"
	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/ledgertest"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// A rude server answers each reading with what makes the client panic.
type rude struct {
	streams.UnimplementedStreamsServer
	features.UnimplementedServerFeaturesServer
	version string
	read    func(streams.Streams_ReadServer) error
	leader  *gossip.EndPoint // in a cluster
}

func (r rude) Read(_ *streams.ReadReq, s streams.Streams_ReadServer) error { return r.read(s) }

// A gossiper is what a rude server says of its nodes.
type gossiper struct {
	gossip.UnimplementedGossipServer
	leader *gossip.EndPoint
}

func (g gossiper) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{
		{State: gossip.MemberInfo_Leader, IsAlive: true, HttpEndPoint: g.leader},
	}}, nil
}

func (r rude) GetSupportedMethods(context.Context, *shared.Empty) (*features.SupportedMethods, error) {
	return &features.SupportedMethods{EventStoreServerVersion: r.version}, nil
}

// created sends an event that was created at this time; "" sends none.
func created(at string) func(streams.Streams_ReadServer) error {
	return func(s streams.Streams_ReadServer) error {
		metadata := map[string]string{"type": "sale", "content-type": "application/json"}
		if at != "" {
			metadata["created"] = at
		}
		return s.Send(&streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
			Event: &streams.ReadResp_ReadEvent_RecordedEvent{
				Id:               &shared.UUID{Value: &shared.UUID_String_{String_: "01890a5d-ac96-774b-bcce-b302099a8057"}},
				StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("till-4")}, Metadata: metadata,
			},
		}}})
	}
}

// TestClientPanics checks that what ends the client, a panic in its reading of a
// message or of an error, and what would end the process, an event without a time and
// a node that cannot be dialled, are ErrUnavailable.
func TestClientPanics(t *testing.T) {
	firstPosition := func(s streams.Streams_ReadServer) error {
		return s.Send(&streams.ReadResp{Content: &streams.ReadResp_FirstStreamPosition{FirstStreamPosition: 7}})
	}
	for name, c := range map[string]struct {
		server rude
		says   string
	}{
		"a message of a newer protocol": {rude{version: "24.10.4", read: firstPosition}, "unreachable code"},
		"a deleted stream without its name": {rude{version: "24.10.4", read: func(s streams.Streams_ReadServer) error {
			s.SetTrailer(metadata.Pairs("exception", "stream-deleted"))
			return status.Error(codes.FailedPrecondition, "deleted")
		}}, "index out of range"},
		"an event without a time of creation": {rude{version: "24.10.4", read: created("")}, "without a time of creation"},
		"an event of noon":                    {rude{version: "24.10.4", read: created("noon")}, `time of creation "noon"`},
		"a node without a host name":          {rude{version: "24.10.4", leader: &gossip.EndPoint{Address: "%zz", Port: 1}}, "names the node %zz:1"},
		"an old server":                       {rude{version: "21.10.0", read: firstPosition}, "23 or newer is needed"},
		"a version of no number":              {rude{version: "25.1.0-rc.1", read: firstPosition}, "version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits most of the time
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			g := grpc.NewServer()
			streams.RegisterStreamsServer(g, c.server)
			features.RegisterServerFeaturesServer(g, c.server)
			gossip.RegisterGossipServer(g, gossiper{leader: c.server.leader})
			done := make(chan error, 1)
			go func() { done <- g.Serve(listener) }()
			defer func() { g.Stop(); <-done }()
			address := "esdb://" + listener.Addr().String() + quick
			if c.server.leader != nil {
				address = "esdb+discover" + strings.TrimPrefix(address, "esdb")
			}
			_, err = esdb.Open(t.Context(), address, esdb.Config{Timeout: 2 * time.Second})
			if !errors.Is(err, ledger.ErrUnavailable) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Open = %v, want ErrUnavailable that says %q", err, c.says)
			}
		})
	}
}

// A mute log appends and reads, and its subscriptions bring nothing more once it
// is mute.
type mute struct {
	ledger.Log
	on atomic.Bool
}

func (m *mute) Subscribe(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for r, err := range m.Log.Subscribe(ctx, q) {
			if err == nil && m.on.Load() {
				<-ctx.Done()
				err = ctx.Err()
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// TestSubscriptionThatHangs checks that an index whose subscription brings
// nothing, on a connection that is fine, gets another one: the append that was
// not seen is ErrUnavailable, and its repetition the first result.
func TestSubscriptionThatHangs(t *testing.T) {
	t.Parallel() // it waits most of the time
	back := &mute{Log: memlog.New(ledgertest.JumpingClock())}
	addr, _ := serve(t, back, "127.0.0.1:0", eventstore.Config{})
	log := open(t, "esdb://"+addr+quick, esdb.Config{Timeout: 2 * time.Second})
	mustAppend(t, log, "visit-anna", 1)
	back.on.Store(true)
	if _, err := log.Append(t.Context(), "visit-anna", ledger.Exactly(0), ledgertest.Draft(2)); !errors.Is(err, ledger.ErrUnavailable) {
		t.Errorf("an append that the index does not see = %v, want ErrUnavailable", err)
	}
	// Where the index stands by now depends on how far its new subscription came.
	if rs, err := collect(log.Read(t.Context(), ledger.Query{}), 2); err != nil && (!errors.Is(err, ledger.ErrUnavailable) || len(rs) != 1) {
		t.Errorf("a reading beyond the index = %d events, %v, want two, or one and ErrUnavailable", len(rs), err)
	}
	back.on.Store(false)
	if r := again(t, log, "visit-anna", 2); r.Revision != 1 {
		t.Errorf("its repetition is revision %d, want 1", r.Revision)
	}
	if rs, err := collect(log.Read(t.Context(), ledger.Query{}), 2); err != nil {
		t.Errorf("a reading afterwards = %d events, %v, want two", len(rs), err)
	}
}
