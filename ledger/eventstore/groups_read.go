package eventstore

import (
	"context"
	"errors"
	"io"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

// maxSlots bounds how many unanswered events one consumer may ask for.
const maxSlots = 10_000

// Read makes the caller a consumer of a group: events go out as long as there
// are free slots, answers come in.
func (g *groupService) Read(stream persistent.PersistentSubscriptions_ReadServer) error {
	ctx := stream.Context()
	first, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	o := first.GetOptions()
	if o == nil {
		return invalid("the first message of a persistent subscription must be its options")
	}
	key := sourceKey(o)
	u := requester(ctx)
	if u.ReadOnly {
		return accessDenied("") // answers move the group
	}
	if err := g.s.allowed(ctx, u, key.source, read); err != nil {
		return err
	}
	if o.GetBufferSize() < 1 || o.GetBufferSize() > maxSlots {
		return invalid("buffer size %d: want 1 to %d", o.GetBufferSize(), maxSlots)
	}
	r, err := g.find(ctx, key)
	if err != nil {
		return err
	}
	m, err := r.join(ctx, visitorOf(ctx, u, int(o.GetBufferSize())))
	if err != nil {
		return key.why(err)
	}
	defer m.leave()
	if err := stream.Send(&persistent.ReadResp{Content: &persistent.ReadResp_SubscriptionConfirmation_{
		SubscriptionConfirmation: &persistent.ReadResp_SubscriptionConfirmation{SubscriptionId: key.String()},
	}}); err != nil {
		return err
	}
	_, text := o.GetUuidOption().GetContent().(*persistent.ReadReq_Options_UUIDOption_String_)
	return key.why(g.serve(ctx, stream, m, consumerView{s: g.s, user: u, text: text}))
}

// visitorOf says who is calling, for the operator.
func visitorOf(ctx context.Context, u User, slots int) visitor {
	v := visitor{slots: slots, connection: "<unknown>", user: u.Name}
	if p, ok := peer.FromContext(ctx); ok {
		v.from = p.Addr.String()
	}
	md, _ := metadata.FromIncomingContext(ctx)
	if name := md.Get("connection-name"); len(name) > 0 {
		v.connection = name[0]
	}
	return v
}

// serve sends and listens until one of both ends.
func (g *groupService) serve(
	ctx context.Context, stream persistent.PersistentSubscriptions_ReadServer, m *member, view consumerView,
) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	// It ends with the call: Recv fails when the handler has returned.
	go func() { stop(listen(ctx, stream, m)) }()
	for {
		pushes, err := m.next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if errors.Is(err, io.EOF) {
				return nil // the client has said that it has no more answers
			}
			return err
		}
		if err := g.s.stillIn(ctx); err != nil {
			return err
		}
		for _, p := range pushes {
			out, err := view.event(ctx, p)
			if err != nil {
				return err
			}
			if err := stream.Send(out); err != nil {
				return err
			}
		}
	}
}

// listen takes the answers of a consumer, and returns why there are no more.
func listen(ctx context.Context, stream persistent.PersistentSubscriptions_ReadServer, m *member) error {
	for {
		req, err := stream.Recv()
		if err != nil {
			return err
		}
		var in groups.Input
		switch c := req.GetContent().(type) {
		case *persistent.ReadReq_Ack_:
			ids, err := fromUUIDs(c.Ack.GetIds())
			if err != nil {
				return err
			}
			in = groups.Acked{Consumer: m.id, IDs: ids}
		case *persistent.ReadReq_Nack_:
			ids, err := fromUUIDs(c.Nack.GetIds())
			if err != nil {
				return err
			}
			in = groups.Nacked{
				Consumer: m.id, IDs: ids, Action: actionOf(c.Nack.GetAction()), Reason: c.Nack.GetReason(),
			}
		default:
			return invalid("a consumer may send acknowledgements and their contrary, and nothing else")
		}
		if err := m.answer(ctx, in); err != nil {
			return err
		}
	}
}

func actionOf(a persistent.ReadReq_Nack_Action) groups.Action {
	switch a {
	case persistent.ReadReq_Nack_Park:
		return groups.ParkIt
	case persistent.ReadReq_Nack_Retry:
		return groups.Retry
	case persistent.ReadReq_Nack_Skip:
		return groups.Skip
	case persistent.ReadReq_Nack_Stop:
		return groups.StopGroup
	case persistent.ReadReq_Nack_Unknown:
	}
	return groups.Unknown
}

func fromUUIDs(us []*shared.UUID) ([]ledger.ID, error) {
	ids := make([]ledger.ID, len(us))
	for i, u := range us {
		var err error
		if ids[i], err = fromUUID(u); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// A consumerView is how one consumer sees events.
type consumerView struct {
	s    *Server
	user User
	text bool // ids as text
}

// event returns a push as a message. What a link points to is left out if the
// consumer may not read it.
func (v consumerView) event(ctx context.Context, p groups.Push) (*persistent.ReadResp, error) {
	out := &persistent.ReadResp_ReadEvent{
		Position: &persistent.ReadResp_ReadEvent_CommitPosition{CommitPosition: p.Event.Record.Position},
		Count:    &persistent.ReadResp_ReadEvent_RetryCount{RetryCount: int32(min(p.Retries, 1<<30))}, //nolint:gosec // bounded
	}
	var err error
	if !p.Event.Link {
		out.Event, err = v.recorded(p.Event.Record)
		return response(out), err
	}
	if out.Link, err = v.recorded(p.Event.Record); err != nil || p.Event.Target == nil {
		return response(out), err
	}
	var denied *refusal
	switch err := v.s.allowed(ctx, v.user, p.Event.Target.Stream, read); {
	case errors.As(err, &denied):
		return response(out), nil
	case err != nil:
		return nil, err
	}
	out.Event, err = v.recorded(*p.Event.Target)
	return response(out), err
}

func response(e *persistent.ReadResp_ReadEvent) *persistent.ReadResp {
	return &persistent.ReadResp{Content: &persistent.ReadResp_Event{Event: e}}
}

func (v consumerView) recorded(r ledger.Record) (*persistent.ReadResp_ReadEvent_RecordedEvent, error) {
	custom, err := customMetadata(r)
	if err != nil {
		return nil, err
	}
	return &persistent.ReadResp_ReadEvent_RecordedEvent{
		Id: toUUID(r.ID, v.text), StreamIdentifier: toStream(r.Stream),
		StreamRevision: revisionOf(r), PreparePosition: r.Position, CommitPosition: r.Position,
		Metadata: systemMetadata(r), CustomMetadata: custom, Data: r.Body,
	}, nil
}
