package eventstore

import (
	"context"
	"net"
	"strconv"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	features "github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc/metadata"
)

// Version is the release of EventStoreDB whose behaviour is served. Clients
// read three whole numbers out of it.
const Version = "24.10.4"

const streamsService = "event_store.client.streams.streams"

// featureService tells clients what the server can do. It is the first call of
// every client and comes without credentials.
type featureService struct {
	features.UnimplementedServerFeaturesServer
	s *Server
}

// GetSupportedMethods lists services and methods in lower case, as EventStoreDB does.
func (f featureService) GetSupportedMethods(context.Context, *shared.Empty) (*features.SupportedMethods, error) {
	m := []*features.SupportedMethod{
		method(streamsService, "read", "position", "events"),
		method(streamsService, "append"),
		method(streamsService, "delete"),
		method(streamsService, "tombstone"),
		method(streamsService, "batchappend", "deadline_duration"),
		method("event_store.client.gossip.gossip", "read"),
		method("event_store.client.server_features.serverfeatures", "getsupportedmethods"),
	}
	for _, sv := range f.s.services {
		m = append(m, sv.methods()...)
	}
	return &features.SupportedMethods{Methods: m, EventStoreServerVersion: Version}, nil
}

func method(service, name string, can ...string) *features.SupportedMethod {
	return &features.SupportedMethod{ServiceName: service, MethodName: name, Features: can}
}

// gossipService tells clients that look for a cluster that they have found it.
type gossipService struct {
	gossip.UnimplementedGossipServer
	s *Server
}

// Read returns one member, the leader, at the advertised address or at the one
// that the client has dialled: that one is sure to be in the certificate.
func (g gossipService) Read(ctx context.Context, _ *shared.Empty) (*gossip.ClusterInfo, error) {
	at := g.s.cfg.Advertise
	if at == "" {
		if md, ok := metadata.FromIncomingContext(ctx); ok {
			at = strings.Join(md.Get(":authority"), "")
		}
	}
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return nil, invalid("gossip: no address to advertise: %v", err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, invalid("gossip: no port to advertise in %q", at)
	}
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{{
		InstanceId:   &shared.UUID{Value: &shared.UUID_String_{String_: "00000000-0000-0000-0000-000000000001"}},
		TimeStamp:    g.s.now().UnixNano() / 100,
		State:        gossip.MemberInfo_Leader,
		IsAlive:      true,
		HttpEndPoint: &gossip.EndPoint{Address: host, Port: uint32(n)},
	}}}, nil
}
